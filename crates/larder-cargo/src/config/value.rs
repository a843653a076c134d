//! Configuration values, each with the place that defined it, and cargo's
//! rules for merging them.

use super::ConfigError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a value was defined; later variants win over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// A file that was discovered, or included by one.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// `--config`, with the file where it named one.
    CommandLine(Option<PathBuf>),
}

impl Definition {
    /// Priority: files, environment, command line.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::File(_) => 0,
            Self::Environment(_) => 1,
            Self::CommandLine(_) => 2,
        }
    }

    /// The directory that relative paths are relative to: above `.cargo` for
    /// files, the working directory otherwise.
    #[must_use]
    pub fn root<'a>(&'a self, cwd: &'a Path) -> &'a Path {
        match self {
            Self::File(path) | Self::CommandLine(Some(path)) => {
                path.parent().and_then(Path::parent).unwrap_or(cwd)
            }
            _ => cwd,
        }
    }

    /// Where it is, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) | Self::CommandLine(Some(path)) => path.display().to_string(),
            Self::Environment(name) => format!("environment variable `{name}`"),
            Self::CommandLine(None) => "--config".to_owned(),
        }
    }
}

/// A value and where it was defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub from: Definition,
}

/// A configuration value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Integer(i64, Definition),
    /// A text.
    Text(String, Definition),
    /// A list; its items keep their own places.
    List(Vec<Value>, Definition),
    /// A table.
    Table(BTreeMap<String, Value>, Definition),
    /// A truth value.
    Bool(bool, Definition),
}

/// Lists that replace each other instead of being joined: those that name a
/// program. `*` stands for one part of the key. (Cargo 1.95 never shortens the
/// key again while it merges, so there the order of a hash map decides between
/// replacing and joining, differently in every run. This is what it documents.)
const REPLACED_LISTS: &[&[&str]] = &[
    &["credential-alias", "*"],
    &["doc", "browser"],
    &["host", "runner"],
    &["registries", "*", "credential-provider"],
    &["registry", "credential-provider"],
    &["target", "*", "runner"],
];

/// Whether lists under `key` replace each other.
#[must_use]
pub(super) fn is_replaced(key: &[&str]) -> bool {
    REPLACED_LISTS.iter().any(|pattern| {
        pattern.len() == key.len() && pattern.iter().zip(key).all(|(p, k)| *p == "*" || p == k)
    })
}

impl Value {
    pub(super) fn from_toml(value: toml::Value, from: &Definition) -> Result<Self, ConfigError> {
        Ok(match value {
            toml::Value::String(s) => Self::Text(s, from.clone()),
            toml::Value::Integer(i) => Self::Integer(i, from.clone()),
            toml::Value::Boolean(b) => Self::Bool(b, from.clone()),
            toml::Value::Array(items) => Self::List(
                items.into_iter().map(|v| Self::from_toml(v, from)).collect::<Result<_, _>>()?,
                from.clone(),
            ),
            toml::Value::Table(table) => Self::Table(
                table
                    .into_iter()
                    .map(|(k, v)| Ok((k, Self::from_toml(v, from)?)))
                    .collect::<Result<_, ConfigError>>()?,
                from.clone(),
            ),
            other => {
                return Err(ConfigError::Kind {
                    place: from.describe(),
                    key: String::new(),
                    expected: "a text, number, truth value, list or table",
                    found: other.type_str(),
                });
            }
        })
    }

    /// Where it was defined.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        match self {
            Self::Integer(_, from)
            | Self::Text(_, from)
            | Self::List(_, from)
            | Self::Table(_, from)
            | Self::Bool(_, from) => from,
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Integer(..) => "integer",
            Self::Text(..) => "string",
            Self::List(..) => "array",
            Self::Table(..) => "table",
            Self::Bool(..) => "boolean",
        }
    }

    /// Merges `from` into this value. With `force`, values of equal priority
    /// replace (includes, later `--config`); without, the earlier one stays
    /// (files are visited from the innermost outwards). Lists are joined, the
    /// higher priority last.
    pub(super) fn merge<'k>(
        &mut self,
        from: Value,
        force: bool,
        key: &mut Vec<&'k str>,
        names: &'k Names,
    ) -> Result<(), ConfigError> {
        let higher = from.definition().rank() > self.definition().rank();
        match (&mut *self, from) {
            (Self::List(old, _), Self::List(mut new, _)) => {
                if is_replaced(key) {
                    if force || higher {
                        *old = new;
                    }
                } else if force {
                    old.append(&mut new);
                } else {
                    new.append(old);
                    *old = new;
                }
                old.sort_by_key(|v| v.definition().rank());
            }
            (Self::Table(old, _), Self::Table(new, _)) => {
                for (name, value) in new {
                    match old.get_mut(&name) {
                        None => {
                            old.insert(name, value);
                        }
                        Some(there) => {
                            key.push(names.intern(&name));
                            there.merge(value, force, key, names)?;
                            key.pop();
                        }
                    }
                }
            }
            (old, new)
                if matches!(old, Self::List(..) | Self::Table(..))
                    || matches!(new, Self::List(..) | Self::Table(..)) =>
            {
                return Err(ConfigError::Merge {
                    key: key.join("."),
                    first: old.definition().describe(),
                    second: new.definition().describe(),
                    expected: old.kind(),
                    found: new.kind(),
                });
            }
            (old, new) => {
                if force || higher {
                    *old = new;
                }
            }
        }
        Ok(())
    }
}

/// The key parts that decide how lists merge; any other name is `?`.
#[derive(Debug, Default)]
pub(super) struct Names;

impl Names {
    fn intern(&self, name: &str) -> &'static str {
        const KNOWN: &[&str] = &[
            "credential-alias",
            "doc",
            "browser",
            "host",
            "runner",
            "registries",
            "registry",
            "credential-provider",
            "target",
        ];
        KNOWN.iter().find(|k| **k == name).copied().unwrap_or("?")
    }
}
