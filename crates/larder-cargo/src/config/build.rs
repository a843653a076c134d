//! The tables `[build]` and `[env]`.

use super::value::{Definition, Located, Value};
use super::{Config, ConfigError};
use crate::host::Host;
use std::path::PathBuf;

/// `build.jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// A number; negative ones count down from the number of CPUs.
    Number(i64),
    /// `default`, or what cargo refuses.
    Text(String),
}

impl Jobs {
    /// A value as `-j` takes it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::Number)
    }

    /// How many jobs that is on a machine with `cpus` CPUs; at least one.
    #[must_use]
    pub fn resolve(&self, cpus: usize) -> usize {
        match self {
            Self::Number(n) if *n > 0 => usize::try_from(*n).unwrap_or(cpus),
            Self::Number(n) => {
                let left = i64::try_from(cpus).unwrap_or(1).saturating_add(*n);
                usize::try_from(left).unwrap_or(1).max(1)
            }
            Self::Text(_) => cpus,
        }
    }
}

/// An entry of `[env]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredEnv {
    /// Name.
    pub name: String,
    /// Value, with `relative` resolved.
    pub value: String,
    /// Whether it replaces an inherited one.
    pub force: bool,
}

impl ConfiguredEnv {
    /// Whether it applies over the inherited environment of `host`.
    #[must_use]
    pub fn applies(&self, host: &Host) -> bool {
        self.force || host.var_os(&self.name).is_none()
    }
}

impl Config {
    /// `build.jobs`.
    #[must_use]
    pub fn jobs(&self) -> Option<Jobs> {
        if let Some(Located { value, .. }) = self.env_value(&["build", "jobs"]) {
            return Some(Jobs::parse(value));
        }
        match self.file_value(&["build", "jobs"])? {
            Value::Integer(n, _) => Some(Jobs::Number(*n)),
            Value::Text(text, _) => Some(Jobs::Text(text.clone())),
            _ => None,
        }
    }

    /// `build.target`: one or several; specification files are made absolute.
    ///
    /// # Errors
    /// Where it is neither a string nor a list of strings.
    pub fn build_targets(&self) -> Result<Vec<String>, ConfigError> {
        let key = ["build", "target"];
        let located = match self.file_value(&key) {
            Some(Value::List(..)) => self.list(&key)?.unwrap_or_default(),
            _ => self.text(&key)?.into_iter().collect(),
        };
        Ok(located
            .into_iter()
            .map(|t| {
                if t.value.ends_with(".json") {
                    t.from.root(&self.cwd).join(&t.value).to_string_lossy().into_owned()
                } else {
                    t.value
                }
            })
            .collect())
    }

    /// A tool that an environment variable of its own name can replace:
    /// `RUSTC`, `RUSTC_WRAPPER`, `RUSTC_WORKSPACE_WRAPPER`, `RUSTDOC`; then
    /// `build.<name>`. An empty value is returned as an empty path: it turns
    /// a wrapper off.
    ///
    /// # Errors
    /// Where the configuration is not a text.
    pub fn tool(&self, name: &str) -> Result<Option<PathBuf>, ConfigError> {
        match self.env.get(&name.replace('-', "_").to_uppercase()) {
            Some(path) if path.contains('/') => Ok(Some(self.cwd.join(path))),
            Some(path) => Ok(Some(PathBuf::from(path))),
            None => self.program(&["build", name]),
        }
    }

    /// The target directory, where one was chosen by variable or
    /// configuration (`--target-dir` comes before this).
    ///
    /// # Errors
    /// Where the configuration is not a text.
    pub fn target_dir(&self) -> Result<Option<PathBuf>, ConfigError> {
        if let Some(path) = self.env.get("CARGO_TARGET_DIR") {
            if path.is_empty() {
                let place = "the `CARGO_TARGET_DIR` environment variable".to_owned();
                return Err(ConfigError::Empty { what: "target", place });
            }
            return Ok(Some(self.cwd.join(path)));
        }
        let chosen = self.directory("target", &["build", "target-dir"])?;
        Ok(chosen.map(|t| t.from.root(&self.cwd).join(&t.value)))
    }

    /// The build directory, where one was chosen, as it was written: it may
    /// hold `{workspace-root}` and the like.
    ///
    /// # Errors
    /// Where the configuration is not a text, or an empty one.
    pub fn build_dir(&self) -> Result<Option<Located<String>>, ConfigError> {
        self.directory("build", &["build", "build-dir"])
    }

    fn directory(
        &self,
        what: &'static str,
        key: &[&str],
    ) -> Result<Option<Located<String>>, ConfigError> {
        match self.text(key)? {
            Some(located) if located.value.is_empty() => {
                Err(ConfigError::Empty { what, place: located.from.describe() })
            }
            other => Ok(other),
        }
    }

    /// Flags of a tool in `[build]`: `rustflags`, `rustdocflags`.
    ///
    /// # Errors
    /// Where they are not texts.
    pub fn build_flags(&self, name: &str) -> Result<Option<Vec<String>>, ConfigError> {
        Ok(self.list(&["build", name])?.map(|l| l.into_iter().map(|i| i.value).collect()))
    }

    /// The `[env]` table, sorted by name, whether or not the entries apply.
    ///
    /// # Errors
    /// Where an entry is not what cargo accepts.
    pub fn env(&self) -> Result<Vec<ConfiguredEnv>, ConfigError> {
        let Some(Value::Table(table, _)) = self.file_value(&["env"]) else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        for (name, value) in table {
            // Keys of maps keep their case in the variable.
            if let Some(text) = self.env.get(&format!("CARGO_ENV_{name}")) {
                entries.push(ConfiguredEnv {
                    name: name.clone(),
                    value: text.clone(),
                    force: false,
                });
                continue;
            }
            entries.push(self.env_entry(name, value)?);
        }
        Ok(entries)
    }

    fn env_entry(&self, name: &str, value: &Value) -> Result<ConfiguredEnv, ConfigError> {
        let wrong = |v: &Value| Self::wrong(&["env", name], "a string or a table with `value`", v);
        match value {
            Value::Text(text, _) => {
                Ok(ConfiguredEnv { name: name.to_owned(), value: text.clone(), force: false })
            }
            Value::Table(table, from) => {
                let Some(Value::Text(text, _)) = table.get("value") else {
                    return Err(wrong(value));
                };
                let is = |key| matches!(table.get(key), Some(Value::Bool(true, _)));
                let value =
                    if is("relative") { self.relative_value(from, text) } else { text.clone() };
                Ok(ConfiguredEnv { name: name.to_owned(), value, force: is("force") })
            }
            other => Err(wrong(other)),
        }
    }

    fn relative_value(&self, from: &Definition, text: &str) -> String {
        from.root(&self.cwd).join(text).to_string_lossy().into_owned()
    }
}
