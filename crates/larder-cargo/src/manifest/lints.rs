//! `[lints]` as flags of rustc, in cargo's order: by priority, and within one
//! by name backwards, so that a group such as `all` comes last and is
//! noticed.

use std::cmp::Reverse;

pub(super) fn flags(lints: &toml::Table) -> Vec<String> {
    let mut flags = Vec::new();
    for (tool, lints) in lints {
        // Lints of cargo are not rustc's; `workspace` is no tool.
        let (false, Some(lints)) = (tool == "cargo", lints.as_table()) else { continue };
        for (name, config) in lints {
            let (level, priority) = match config {
                toml::Value::String(level) => (Some(level.as_str()), 0),
                toml::Value::Table(table) => (
                    table.get("level").and_then(toml::Value::as_str),
                    table.get("priority").and_then(toml::Value::as_integer).unwrap_or(0),
                ),
                _ => (None, 0),
            };
            let Some(level) = level else { continue };
            let flag = if tool == "rust" {
                format!("--{level}={name}")
            } else {
                format!("--{level}={tool}::{name}")
            };
            flags.push((priority, Reverse(name.as_str()), flag));
        }
    }
    flags.sort();
    flags.into_iter().map(|(_, _, flag)| flag).collect()
}

pub(super) fn check_cfgs(lints: &toml::Table) -> Vec<String> {
    lints
        .get("rust")
        .and_then(|rust| rust.get("unexpected_cfgs")?.get("check-cfg")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}
