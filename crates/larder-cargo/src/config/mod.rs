//! Cargo's configuration, read as cargo 1.95 reads it.
//!
//! Precedence, lowest first: files from cargo's home down to the working
//! directory, then `CARGO_*` variables, then `--config`. Tables merge, lists
//! join (the higher priority last), except lists that name a program.
//! `include` is stable in 1.95. `[unstable]` is not modelled: where it occurs
//! the command goes to cargo. Profiles are not read: cargo's unit graph holds
//! them resolved.

mod build;
mod load;
mod target;
mod value;

pub use build::{ConfiguredEnv, Jobs};
pub use target::TargetConfig;
pub use value::{Definition, Located, Value};

use crate::host::Host;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Configuration that cannot be used. Cargo refuses it too, with its own
/// words: hand the command to cargo.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("could not read the cargo configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML.
    #[error("could not parse the cargo configuration in {place}")]
    Syntax {
        /// File or argument.
        place: String,
        /// Why.
        source: Box<toml::de::Error>,
    },
    /// A value of another kind than cargo expects.
    #[error("`{key}` in {place} has to be {expected}, but is {found}")]
    Kind {
        /// File, variable or argument.
        place: String,
        /// The key.
        key: String,
        /// What cargo expects.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Two places define a key as different kinds.
    #[error("`{key}` is {expected} in {first}, but {found} in {second}")]
    Merge {
        /// The key.
        key: String,
        /// The first place.
        first: String,
        /// The second place.
        second: String,
        /// Kind there.
        expected: &'static str,
        /// Kind here.
        found: &'static str,
    },
    /// A directory without a name.
    #[error("the {what} directory is set to an empty string in {place}")]
    Empty {
        /// `target` or `build`.
        what: &'static str,
        /// File, variable or argument.
        place: String,
    },
    /// Files include each other.
    #[error("the cargo configuration {} includes itself", path.display())]
    Cycle {
        /// The file.
        path: PathBuf,
    },
    /// Several `target.'cfg(…)'` tables give one value.
    #[error(
        "`target.'{first}'.{key}` and `target.'{second}'.{key}` both match this target: \
             keep one of them"
    )]
    Ambiguous {
        /// `linker` or `runner`.
        key: &'static str,
        /// One table.
        first: String,
        /// Another.
        second: String,
    },
}

/// The configuration that applies in a directory.
#[derive(Clone, Debug)]
pub struct Config {
    root: Value,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    home: PathBuf,
    looked_at: Vec<PathBuf>,
}

impl Config {
    /// Reads the configuration that applies in the host's working directory,
    /// with the values of `--config` in their order.
    ///
    /// # Errors
    /// Where a file cannot be read or is not what cargo accepts.
    pub fn load(host: &Host, cargo_home: &Path, cli: &[String]) -> Result<Self, ConfigError> {
        let loaded = load::load(host, cargo_home, cli)?;
        let env = host
            .env
            .iter()
            .filter_map(|(k, v)| Some((k.to_str()?.to_owned(), v.to_str()?.to_owned())))
            .collect();
        Ok(Self {
            root: loaded.root,
            env,
            cwd: host.cwd.clone(),
            home: cargo_home.to_owned(),
            looked_at: loaded.looked_at,
        })
    }

    /// Every file that was read or looked for, absent ones included.
    #[must_use]
    pub fn looked_at(&self) -> &[PathBuf] {
        &self.looked_at
    }

    /// Whether there is an `[unstable]` table, which a stable cargo ignores
    /// and a planning one would obey.
    #[must_use]
    pub fn has_unstable(&self) -> bool {
        self.file_value(&["unstable"]).is_some()
    }

    /// The value from files and command line, without the environment.
    #[must_use]
    pub fn file_value(&self, key: &[&str]) -> Option<&Value> {
        let mut value = &self.root;
        for part in key {
            let Value::Table(table, _) = value else { return None };
            value = table.get(*part)?;
        }
        Some(value)
    }

    fn variable(key: &[&str]) -> String {
        let mut name = String::from("CARGO");
        for part in key {
            name.push('_');
            name.push_str(&part.replace('-', "_").to_uppercase());
        }
        name
    }

    /// The value of the environment variable for `key`, if it is the one that
    /// counts.
    fn env_value(&self, key: &[&str]) -> Option<Located<&str>> {
        let name = Self::variable(key);
        let value = self.env.get(&name)?;
        let from = Definition::Environment(name);
        match self.file_value(key) {
            Some(there) if there.definition().rank() > from.rank() => None,
            _ => Some(Located { value, from }),
        }
    }

    fn wrong(key: &[&str], expected: &'static str, value: &Value) -> ConfigError {
        ConfigError::Kind {
            place: value.definition().describe(),
            key: key.join("."),
            expected,
            found: value.kind(),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn text(&self, key: &[&str]) -> Result<Option<Located<String>>, ConfigError> {
        if let Some(Located { value, from }) = self.env_value(key) {
            return Ok(Some(Located { value: value.to_owned(), from }));
        }
        match self.file_value(key) {
            None => Ok(None),
            Some(Value::Text(value, from)) => {
                Ok(Some(Located { value: value.clone(), from: from.clone() }))
            }
            Some(other) => Err(Self::wrong(key, "a string", other)),
        }
    }

    /// A truth value.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn truth(&self, key: &[&str]) -> Result<Option<bool>, ConfigError> {
        if let Some(Located { value, from }) = self.env_value(key) {
            return match value {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(ConfigError::Kind {
                    place: from.describe(),
                    key: key.join("."),
                    expected: "true or false",
                    found: "a string",
                }),
            };
        }
        match self.file_value(key) {
            None => Ok(None),
            Some(Value::Bool(value, _)) => Ok(Some(*value)),
            Some(other) => Err(Self::wrong(key, "true or false", other)),
        }
    }

    /// A list of texts, or one text split at white space; what the
    /// environment says is joined to it.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn list(&self, key: &[&str]) -> Result<Option<Vec<Located<String>>>, ConfigError> {
        let mut items = Vec::new();
        let there = self.file_value(key);
        match there {
            None => {}
            Some(Value::List(values, _)) => {
                for value in values {
                    match value {
                        Value::Text(text, from) => {
                            items.push(Located { value: text.clone(), from: from.clone() });
                        }
                        other => return Err(Self::wrong(key, "a list of strings", other)),
                    }
                }
            }
            Some(Value::Text(text, from)) => items.extend(
                text.split_whitespace()
                    .map(|part| Located { value: part.to_owned(), from: from.clone() }),
            ),
            Some(other) => return Err(Self::wrong(key, "a string or a list of strings", other)),
        }
        let name = Self::variable(key);
        let from_env = self.env.get(&name);
        if let Some(text) = from_env {
            let from = Definition::Environment(name);
            if value::is_replaced(key) {
                if items.first().is_some_and(|i| i.from.rank() > from.rank()) {
                    return Ok(Some(items));
                }
                items.clear();
            }
            items.extend(
                text.split_whitespace()
                    .map(|part| Located { value: part.to_owned(), from: from.clone() }),
            );
            items.sort_by_key(|i| i.from.rank());
        }
        Ok((there.is_some() || from_env.is_some()).then_some(items))
    }

    /// A path, relative to where it was defined.
    ///
    /// # Errors
    /// Where it is not a text.
    pub fn path(&self, key: &[&str]) -> Result<Option<PathBuf>, ConfigError> {
        Ok(self.text(key)?.map(|t| t.from.root(&self.cwd).join(&t.value)))
    }

    /// A program: a path if it has a slash, else a name for `PATH`.
    ///
    /// # Errors
    /// Where it is not a text.
    pub fn program(&self, key: &[&str]) -> Result<Option<PathBuf>, ConfigError> {
        Ok(self.text(key)?.map(|t| self.resolve_program(&t.value, &t.from)))
    }

    fn resolve_program(&self, value: &str, from: &Definition) -> PathBuf {
        if value.contains('/') { from.root(&self.cwd).join(value) } else { PathBuf::from(value) }
    }

    /// Cargo's home, which holds the outermost file.
    #[must_use]
    pub fn cargo_home(&self) -> &Path {
        &self.home
    }
}
