//! The tables `[target.<triple>]` and `[target.'cfg(…)']`.

use super::value::Value;
use super::{Config, ConfigError};
use cargo_platform::{Cfg, CfgExpr};
use larder_schema::plan::{Directives, LinkArgTarget};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the configuration says of one target.
#[derive(Clone, Debug, Default)]
pub struct TargetConfig {
    /// The linker.
    pub linker: Option<PathBuf>,
    /// The runner: program and arguments.
    pub runner: Option<(PathBuf, Vec<String>)>,
    /// Build-script overrides by `links`.
    pub links: BTreeMap<String, Directives>,
}

impl Config {
    /// What applies to the target `triple` with these `cfg`s: the table of
    /// the triple first, then the one `cfg(…)` table that matches.
    ///
    /// # Errors
    /// Where values are malformed, or two `cfg(…)` tables give the same.
    pub fn target(&self, triple: &str, cfgs: &[Cfg]) -> Result<TargetConfig, ConfigError> {
        let linker = match self.program(&["target", triple, "linker"])? {
            Some(linker) => Some(linker),
            None => match self.matching("linker", cfgs)? {
                Some(table) => self.program(&["target", table, "linker"])?,
                None => None,
            },
        };
        let runner = match self.runner(triple)? {
            Some(runner) => Some(runner),
            None => match self.matching("runner", cfgs)? {
                Some(table) => self.runner(table)?,
                None => None,
            },
        };
        Ok(TargetConfig { linker, runner, links: self.links(triple)? })
    }

    /// `rustflags` or `rustdocflags` of a target: the triple's and, for
    /// rustflags, those of every matching `cfg(…)` table in the order of
    /// their names. Empty means none were given.
    ///
    /// # Errors
    /// Where they are not texts.
    pub fn target_flags(
        &self,
        name: &str,
        triple: &str,
        cfgs: Option<&[Cfg]>,
    ) -> Result<Vec<String>, ConfigError> {
        let mut flags = Vec::new();
        let mut add = |table: &str| -> Result<(), ConfigError> {
            let list = self.list(&["target", table, name])?.unwrap_or_default();
            flags.extend(list.into_iter().map(|f| f.value));
            Ok(())
        };
        add(triple)?;
        if let (Some(cfgs), "rustflags") = (cfgs, name) {
            for table in self.cfg_tables() {
                if CfgExpr::matches_key(table, cfgs) {
                    add(table)?;
                }
            }
        }
        Ok(flags)
    }

    fn cfg_tables(&self) -> impl Iterator<Item = &str> {
        match self.file_value(&["target"]) {
            Some(Value::Table(table, _)) => Some(table.keys()),
            _ => None,
        }
        .into_iter()
        .flatten()
        .map(String::as_str)
        .filter(|key| key.starts_with("cfg("))
    }

    fn matching(&self, key: &'static str, cfgs: &[Cfg]) -> Result<Option<&str>, ConfigError> {
        let mut found: Option<&str> = None;
        for table in self.cfg_tables() {
            if self.file_value(&["target", table, key]).is_none()
                || !CfgExpr::matches_key(table, cfgs)
            {
                continue;
            }
            if let Some(first) = found {
                return Err(ConfigError::Ambiguous {
                    key,
                    first: first.to_owned(),
                    second: table.to_owned(),
                });
            }
            found = Some(table);
        }
        Ok(found)
    }

    fn runner(&self, table: &str) -> Result<Option<(PathBuf, Vec<String>)>, ConfigError> {
        let Some(list) = self.list(&["target", table, "runner"])? else { return Ok(None) };
        let mut words = list.into_iter();
        let Some(first) = words.next() else { return Ok(None) };
        let program = self.resolve_program(&first.value, &first.from);
        Ok(Some((program, words.map(|w| w.value).collect())))
    }

    /// `[target.<triple>.<links>]`: any other key of the triple's table.
    fn links(&self, triple: &str) -> Result<BTreeMap<String, Directives>, ConfigError> {
        let mut overrides = BTreeMap::new();
        let Some(Value::Table(table, _)) = self.file_value(&["target", triple]) else {
            return Ok(overrides);
        };
        for (name, value) in table {
            if matches!(name.as_str(), "ar" | "linker" | "runner" | "rustflags" | "rustdocflags") {
                continue;
            }
            let Value::Table(entries, _) = value else {
                return Err(Self::wrong(&["target", triple, name], "a table", value));
            };
            let mut directives = Directives::default();
            for (key, value) in entries {
                directive(&mut directives, triple, key, value)?;
            }
            overrides.insert(name.clone(), directives);
        }
        Ok(overrides)
    }
}

fn directive(
    directives: &mut Directives,
    triple: &str,
    key: &str,
    value: &Value,
) -> Result<(), ConfigError> {
    let wrong = |expected| Config::wrong(&["target", triple, key], expected, value);
    let text = || match value {
        Value::Text(text, _) => Ok(text.clone()),
        _ => Err(wrong("a string")),
    };
    let list = || match value {
        Value::List(items, _) => items
            .iter()
            .map(|item| match item {
                Value::Text(text, _) => Ok(text.clone()),
                _ => Err(wrong("a list of strings")),
            })
            .collect::<Result<Vec<_>, _>>(),
        _ => Err(wrong("a list of strings")),
    };
    let link_args = |target: LinkArgTarget| -> Result<Vec<(LinkArgTarget, String)>, ConfigError> {
        Ok(list()?.into_iter().map(|arg| (target.clone(), arg)).collect())
    };
    match key {
        "rustc-flags" => {
            let text = text()?;
            let mut words = text.split_whitespace();
            while let Some(word) = words.next() {
                let (flag, rest) = word.split_at_checked(2).ok_or_else(|| wrong("-l and -L"))?;
                let operand = match rest {
                    "" => words.next().ok_or_else(|| wrong("-l and -L with values"))?,
                    rest => rest,
                };
                match flag {
                    "-l" => directives.library_links.push(operand.to_owned()),
                    "-L" => directives.library_paths.push(operand.to_owned()),
                    _ => return Err(wrong("only -l and -L")),
                }
            }
        }
        "rustc-link-lib" => directives.library_links.extend(list()?),
        "rustc-link-search" => directives.library_paths.extend(list()?),
        "rustc-link-arg-cdylib" | "rustc-cdylib-link-arg" => {
            directives.linker_args.extend(link_args(LinkArgTarget::Cdylib)?);
        }
        "rustc-link-arg-bins" => {
            directives.linker_args.extend(link_args(LinkArgTarget::Bins)?);
        }
        "rustc-link-arg" => directives.linker_args.extend(link_args(LinkArgTarget::All)?),
        "rustc-link-arg-tests" => {
            directives.linker_args.extend(link_args(LinkArgTarget::Tests)?);
        }
        "rustc-link-arg-benches" => {
            directives.linker_args.extend(link_args(LinkArgTarget::Benches)?);
        }
        "rustc-link-arg-examples" => {
            directives.linker_args.extend(link_args(LinkArgTarget::Examples)?);
        }
        "rustc-cfg" => directives.cfgs.extend(list()?),
        "rustc-check-cfg" => directives.check_cfgs.extend(list()?),
        "rustc-env" => {
            let Value::Table(table, _) = value else { return Err(wrong("a table")) };
            for (name, value) in table {
                let Value::Text(text, _) = value else { return Err(wrong("a table of strings")) };
                directives.env.push((name.clone(), text.clone()));
            }
        }
        "warning" | "rerun-if-changed" | "rerun-if-env-changed" => {
            return Err(wrong("absent: cargo does not allow it in an override"));
        }
        _ => directives.metadata.push((key.to_owned(), text()?)),
    }
    Ok(())
}
