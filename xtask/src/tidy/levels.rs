//! No crate depends upward: the levels of the design, in one place.

use anyhow::{Context, Result};
use fs_err as fs;
use std::path::Path;

/// A crate may use crates of lower levels; those of its own it may not.
const LEVELS: &[(&str, u8)] = &[
    ("larder-schema", 0),
    ("larder-plan", 1),
    ("larder-key", 1),
    ("larder-docker", 1),
    ("larder-trust", 1),
    ("larder-cargo", 2),
    ("larder-sandbox", 2),
    ("larder-store", 2),
    ("larder-remote", 2),
    ("larder-engine", 3),
    ("cargo-larder", 4),
    ("larder-frontend", 4),
    ("larder-server", 4),
];

/// For development: they may use anything, and only tests may use them.
const DEVELOPMENT: &[&str] = &["larder-test", "xtask"];

/// What is wrong with the manifests below `root`.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut manifests = vec![root.join("xtask/Cargo.toml")];
    for entry in fs::read_dir(root.join("crates"))? {
        manifests.push(entry?.path().join("Cargo.toml"));
    }
    manifests.sort();
    for path in manifests.iter().filter(|path| path.is_file()) {
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(path)?)
            .with_context(|| format!("cannot read {}", path.display()))?;
        complaints.extend(check_manifest(&manifest));
    }
    Ok(complaints)
}

fn check_manifest(manifest: &toml::Table) -> Vec<String> {
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name")?.as_str())
        .unwrap_or_default();
    if DEVELOPMENT.contains(&name) {
        return Vec::new();
    }
    let Some(level) = level(name) else {
        return vec![format!("{name}: no level; give it one in xtask/src/tidy/levels.rs")];
    };
    let mut complaints = Vec::new();
    for (table, dependency) in dependencies(manifest) {
        if dependency == name {
            // With other features, for its own tests.
            continue;
        }
        if DEVELOPMENT.contains(&dependency.as_str()) {
            if table != "dev-dependencies" {
                complaints.push(format!("{name}: {dependency} is for tests; it is in [{table}]"));
            }
        } else if let Some(other) = self::level(&dependency)
            && other >= level
        {
            complaints.push(format!(
                "{name} (level {level}) uses {dependency} (level {other}): dependencies point down"
            ));
        }
    }
    complaints
}

fn level(name: &str) -> Option<u8> {
    LEVELS.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
}

/// Table and package of every dependency, those of targets too.
fn dependencies(manifest: &toml::Table) -> Vec<(&'static str, String)> {
    const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let targets = targets.into_iter().flatten().filter_map(|(_, target)| target.as_table());
    let mut found = Vec::new();
    for place in std::iter::once(manifest).chain(targets) {
        for table in TABLES {
            for (name, value) in
                place.get(table).and_then(|table| table.as_table()).into_iter().flatten()
            {
                let package =
                    value.get("package").and_then(|package| package.as_str()).unwrap_or(name);
                found.push((table, package.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(manifest: &str) -> Vec<String> {
        check_manifest(&toml::from_str(manifest).unwrap())
    }

    #[test]
    fn upward_and_sideways_dependencies_are_found() {
        for (manifest, found) in [
            ("[package]\nname = 'larder-key'\n[dependencies]\nlarder-schema.workspace = true", 0),
            ("[package]\nname = 'larder-key'\n[dependencies]\nlarder-plan.workspace = true", 1),
            (
                "[package]\nname = 'larder-key'\n[dependencies]\nx = { package = 'larder-engine' }",
                1,
            ),
            (
                "[package]\nname = 'larder-key'\n[target.'cfg(unix)'.build-dependencies]\nlarder-store = '1'",
                1,
            ),
            ("[package]\nname = 'larder-key'\n[dev-dependencies]\nlarder-test.workspace = true", 0),
            ("[package]\nname = 'larder-key'\n[dependencies]\nlarder-test.workspace = true", 1),
            ("[package]\nname = 'larder-new'", 1),
        ] {
            assert_eq!(complaints(manifest).len(), found, "{manifest}");
        }
    }
}
