//! Finding and reading configuration files: the walk from the working
//! directory upwards, cargo's home, `include`, and `--config`.

use super::ConfigError;
use super::value::{Definition, Names, Value};
use crate::host::Host;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The merged table and every file that was looked for.
pub(super) struct Loaded {
    pub(super) root: Value,
    pub(super) looked_at: Vec<PathBuf>,
}

pub(super) fn load(host: &Host, home: &Path, cli: &[String]) -> Result<Loaded, ConfigError> {
    let mut loader = Loader { host, looked_at: Vec::new() };
    let mut root = Value::Table(BTreeMap::new(), Definition::File(PathBuf::from("<built in>")));
    let mut seen = Vec::new();
    for directory in host.cwd.ancestors() {
        let directory = directory.join(".cargo");
        if let Some(file) = loader.find(&directory) {
            let value = loader.file(&file, false, &mut Vec::new())?;
            root.merge(value, false, &mut Vec::new(), &Names)?;
        }
        seen.push(fs_err::canonicalize(&directory).unwrap_or(directory));
    }
    let real_home = fs_err::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    if !seen.contains(&real_home)
        && !seen.iter().any(|d| d == home)
        && let Some(file) = loader.find(home)
    {
        let value = loader.file(&file, false, &mut Vec::new())?;
        root.merge(value, false, &mut Vec::new(), &Names)?;
    }
    let mut given = Value::Table(BTreeMap::new(), Definition::CommandLine(None));
    let mut files = Vec::new();
    for argument in cli {
        let value = loader.argument(argument, &mut files)?;
        given.merge(value, true, &mut Vec::new(), &Names)?;
    }
    root.merge(given, true, &mut Vec::new(), &Names)?;
    Ok(Loaded { root, looked_at: loader.looked_at })
}

struct Loader<'a> {
    host: &'a Host,
    looked_at: Vec<PathBuf>,
}

impl Loader<'_> {
    /// `config` wins over `config.toml`, as it did before there was an
    /// extension.
    fn find(&mut self, directory: &Path) -> Option<PathBuf> {
        let plain = directory.join("config");
        let toml = directory.join("config.toml");
        self.looked_at.extend([plain.clone(), toml.clone()]);
        if plain.exists() { Some(plain) } else { toml.exists().then_some(toml) }
    }

    fn file(
        &mut self,
        path: &Path,
        command_line: bool,
        seen: &mut Vec<PathBuf>,
    ) -> Result<Value, ConfigError> {
        if seen.iter().any(|p| p == path) {
            return Err(ConfigError::Cycle { path: path.to_owned() });
        }
        seen.push(path.to_owned());
        self.looked_at.push(path.to_owned());
        let text = fs_err::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax {
            place: path.display().to_string(),
            source: Box::new(source),
        })?;
        let from = if command_line {
            Definition::CommandLine(Some(path.to_owned()))
        } else {
            Definition::File(path.to_owned())
        };
        let value = Value::from_toml(toml::Value::Table(table), &from)?;
        self.includes(value, command_line, seen)
    }

    /// Included files come first, in their order; the including file wins.
    fn includes(
        &mut self,
        mut value: Value,
        command_line: bool,
        seen: &mut Vec<PathBuf>,
    ) -> Result<Value, ConfigError> {
        let from = value.definition().clone();
        let Value::Table(table, _) = &mut value else { return Ok(value) };
        let Some(include) = table.remove("include") else { return Ok(value) };
        let bad = |expected| ConfigError::Kind {
            place: from.describe(),
            key: "include".to_owned(),
            expected,
            found: "something else",
        };
        let Value::List(items, _) = include else {
            return Err(bad("a list of strings or tables"));
        };
        let mut root = Value::Table(BTreeMap::new(), from.clone());
        for item in items {
            let (path, optional) = match item {
                Value::Text(path, _) => (path, false),
                Value::Table(mut entry, _) => {
                    let Some(Value::Text(path, _)) = entry.remove("path") else {
                        return Err(bad("a table with a `path`"));
                    };
                    (path, matches!(entry.remove("optional"), Some(Value::Bool(true, _))))
                }
                _ => return Err(bad("a string or a table")),
            };
            if !path.ends_with(".toml") || path.contains(['*', '?', '[', '{', '}']) {
                return Err(bad("paths that end in `.toml`, without patterns or braces"));
            }
            let directory = match &from {
                Definition::File(p) | Definition::CommandLine(Some(p)) => {
                    p.parent().unwrap_or(&self.host.cwd)
                }
                _ => &self.host.cwd,
            };
            let path = directory.join(path);
            if optional && !path.exists() {
                self.looked_at.push(path);
                continue;
            }
            let included = self.file(&path, command_line, seen)?;
            root.merge(included, true, &mut Vec::new(), &Names)?;
        }
        root.merge(value, true, &mut Vec::new(), &Names)?;
        Ok(root)
    }

    fn argument(&mut self, argument: &str, seen: &mut Vec<PathBuf>) -> Result<Value, ConfigError> {
        let path = self.host.cwd.join(argument);
        if !argument.is_empty() && path.exists() {
            return self.file(&path, true, seen);
        }
        let table: toml::Table = argument.parse().map_err(|source| ConfigError::Syntax {
            place: format!("--config {argument}"),
            source: Box::new(source),
        })?;
        let value = Value::from_toml(toml::Value::Table(table), &Definition::CommandLine(None))?;
        self.includes(value, true, &mut Vec::new())
    }
}
