//! The targets of a package, declared and discovered.
//!
//! Discovery: `src/lib.rs`, `src/main.rs`, `build.rs`, and in `src/bin`,
//! `examples`, `tests` and `benches` every `*.rs` and every `*/main.rs`. A
//! declared section keeps what is discovered, except in edition 2015, or
//! where `autobins = false` and its like say so.

use super::raw::{RawManifest, RawTarget};
use larder_plan::input::ManifestTarget;
use larder_schema::pathset::PathUse;
use std::path::{Path, PathBuf};

type Uses = Vec<(PathBuf, PathUse)>;

pub(super) fn all(
    raw: &RawManifest,
    package: &toml::Table,
    root: &Path,
    name: &str,
    edition: &str,
    uses: &mut Uses,
) -> Vec<ManifestTarget> {
    let mut targets = Vec::new();
    targets.extend(library(raw, package, root, name, uses));
    let kinds = [
        ("bin", "autobins", "src/bin", &raw.bin),
        ("example", "autoexamples", "examples", &raw.example),
        ("test", "autotests", "tests", &raw.test),
        ("bench", "autobenches", "benches", &raw.bench),
    ];
    for (kind, switch, directory, declared) in kinds {
        let auto = package.get(switch).and_then(toml::Value::as_bool);
        for (name, target) in several(declared, auto, edition, || {
            let mut found = Vec::new();
            if kind == "bin" && exists(root, "src/main.rs", uses) {
                found.push((name.to_owned(), PathBuf::from("src/main.rs")));
            }
            found.extend(discover(root, directory, uses));
            found
        }) {
            targets.push(ManifestTarget {
                kind: kind.to_owned(),
                name,
                harness: target.harness.unwrap_or(true),
                proc_macro: kind == "example" && target.is_proc_macro(),
                crate_types: match target.crate_types() {
                    Some(types) if kind == "example" => types.clone(),
                    _ => vec!["bin".to_owned()],
                },
            });
        }
    }
    if let Some(stem) = build_script(package, root, uses) {
        targets.push(ManifestTarget {
            kind: "custom-build".to_owned(),
            name: format!("build-script-{stem}"),
            harness: true,
            proc_macro: false,
            crate_types: vec!["bin".to_owned()],
        });
    }
    targets
}

fn exists(root: &Path, file: &str, uses: &mut Uses) -> bool {
    let path = root.join(file);
    let there = path.exists();
    uses.push((path, PathUse::Presence));
    there
}

fn library(
    raw: &RawManifest,
    package: &toml::Table,
    root: &Path,
    name: &str,
    uses: &mut Uses,
) -> Option<ManifestTarget> {
    let auto = package.get("autolib").and_then(toml::Value::as_bool);
    let declared = match &raw.lib {
        Some(lib) => lib.clone(),
        None if auto == Some(false) => return None,
        None if exists(root, "src/lib.rs", uses) => RawTarget::default(),
        None => return None,
    };
    let proc_macro = declared.is_proc_macro();
    let crate_types = match declared.crate_types() {
        Some(types) => types.clone(),
        None if proc_macro => vec!["proc-macro".to_owned()],
        None => vec!["lib".to_owned()],
    };
    Some(ManifestTarget {
        kind: "lib".to_owned(),
        name: declared.name.clone().unwrap_or_else(|| name.replace('-', "_")),
        harness: declared.harness.unwrap_or(true),
        proc_macro,
        crate_types,
    })
}

/// The declared targets and those of the discovered ones that count.
fn several(
    declared: &Option<Vec<RawTarget>>,
    auto: Option<bool>,
    edition: &str,
    discover: impl FnOnce() -> Vec<(String, PathBuf)>,
) -> Vec<(String, RawTarget)> {
    let complete = |t: &RawTarget| t.name.is_some() && t.path.is_some();
    let declared = declared.as_deref();
    if auto == Some(false) && declared.is_none_or(|d| d.iter().all(complete)) {
        return named(declared.unwrap_or_default());
    }
    let discovered = discover();
    let Some(declared) = declared else {
        return match auto {
            Some(false) => Vec::new(),
            _ => discovered.into_iter().map(|(n, _)| (n, RawTarget::default())).collect(),
        };
    };
    let mut all = named(declared);
    if auto.unwrap_or(edition != "2015") {
        for (name, path) in discovered {
            let taken = declared.iter().any(|t| {
                t.name.as_deref() == Some(&name)
                    || t.path.as_deref().is_some_and(|p| Path::new(p) == path)
            });
            if !taken {
                all.push((name, RawTarget::default()));
            }
        }
    }
    all
}

fn named(targets: &[RawTarget]) -> Vec<(String, RawTarget)> {
    targets.iter().filter_map(|t| Some((t.name.clone()?, t.clone()))).collect()
}

fn discover(root: &Path, directory: &str, uses: &mut Uses) -> Vec<(String, PathBuf)> {
    let at = root.join(directory);
    uses.push((at.clone(), PathUse::Listing));
    let mut found = Vec::new();
    for entry in fs_err::read_dir(at).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = Path::new(directory).join(&name);
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            let main = path.join("main.rs");
            if exists(root, &main.to_string_lossy(), uses) {
                found.push((name, main));
            }
        } else if let Some(stem) = name.strip_suffix(".rs").filter(|s| !s.is_empty()) {
            found.push((stem.to_owned(), path));
        }
    }
    found.sort();
    found
}

/// The stem of the build script's file.
fn build_script(package: &toml::Table, root: &Path, uses: &mut Uses) -> Option<String> {
    let file = match package.get("build") {
        Some(toml::Value::Boolean(false)) => return None,
        Some(toml::Value::Boolean(true)) => "build.rs".to_owned(),
        Some(toml::Value::String(file)) => file.clone(),
        _ => {
            let path = root.join("build.rs");
            let there = path.is_file();
            uses.push((path, PathUse::Presence));
            there.then(|| "build.rs".to_owned())?
        }
    };
    Some(Path::new(&file).file_stem()?.to_string_lossy().into_owned())
}
