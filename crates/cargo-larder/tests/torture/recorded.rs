//! What is recorded of runs, taken at its word: each path of each path set, and
//! each variable, is changed alone, and exactly its units and their dependents
//! miss; what no path set holds is changed, and nothing does.

use crate::table::{QUICK, all_hit, env, label, manifest};
use larder_schema::pathset::PathUse;
use larder_schema::report::Outcome;
use larder_store::DiskStore;
use larder_test::{Project, TestEnv};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

type Units = BTreeSet<String>;

/// Unit → what is built from it.
const DEPENDENTS: &[(&str, &[&str])] = &[
    ("reader script", &["reader run"]),
    ("reader run", &["reader lib"]),
    ("reader lib", &["app bin"]),
    ("macros macro", &["told lib"]),
    ("told lib", &["app bin"]),
    ("alone lib", &[]),
    ("app bin", &[]),
];

const SCRIPT: &str = r#"use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DECLARED");
    let mut said = std::fs::read_to_string("texts/one.txt").unwrap();
    said += &std::fs::read_to_string("../../beside.txt").unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir("listed").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    said += &format!("{names:?}");
    said += &format!("{}", Path::new("absent/probed.toml").exists());
    said += &format!("{}", std::fs::read("absent-opened.txt").is_ok());
    said += &format!("{:?}", std::env::var("READER_MODE"));
    println!("cargo::rustc-env=SAID={}", said.replace('\n', " "));
}
"#;

const MACRO: &str = r#"use proc_macro::TokenStream;

#[proc_macro]
pub fn told(_: TokenStream) -> TokenStream {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let mut said = std::fs::read_to_string(format!("{root}/told.txt")).unwrap();
    said += &format!("{}", std::fs::metadata(format!("{root}/told-more.txt")).is_ok());
    said += &format!("{:?}", std::env::var("MACRO_MODE"));
    format!("{said:?}").parse().unwrap()
}
"#;

fn project(env: &TestEnv) -> Project<'_> {
    let project = env
        .project("place/project")
        .file(
            "Cargo.toml",
            format!(
                "[workspace]\nmembers = [\"reader\", \"macros\", \"told\", \"alone\", \"app\"]\n\
                 resolver = \"3\"\n\n{QUICK}"
            ),
        )
        .file("reader/Cargo.toml", manifest("reader", ""))
        .file("reader/build.rs", SCRIPT)
        .file("reader/texts/one.txt", "one\n")
        .file("reader/listed/a", "")
        .file("reader/src/lib.rs", "pub const SAID: &str = env!(\"SAID\");\n")
        .file("macros/Cargo.toml", manifest("macros", "[lib]\nproc-macro = true\n"))
        .file("macros/src/lib.rs", MACRO)
        .file("told/Cargo.toml", manifest("told", "[dependencies]\nmacros.path = \"../macros\"\n"))
        .file("told/told.txt", "told\n")
        .file("told/src/lib.rs", "pub const SAID: &str = macros::told!();\n")
        .file("alone/Cargo.toml", manifest("alone", ""))
        .file("alone/src/lib.rs", "")
        .file(
            "app/Cargo.toml",
            manifest(
                "app",
                "[dependencies]\nreader.path = \"../reader\"\ntold.path = \"../told\"\n",
            ),
        )
        .file(
            "app/src/main.rs",
            "fn main() {\n    println!(\"{} {}\", reader::SAID, told::SAID);\n}\n",
        )
        .build();
    project.write("../beside.txt", "beside\n");
    project
}

/// Paths that were recorded, below the place of the project, with the units
/// that have them in their path sets.
fn recorded(env: &TestEnv, project: &Project<'_>) -> BTreeMap<(PathBuf, PathUse), Units> {
    let (_, report) = project.larder_report(&["build"]);
    let store = DiskStore::open(&env.store()).expect("a store");
    let mut all: BTreeMap<_, Units> = BTreeMap::new();
    for unit in &report.units {
        let sets = store.path_sets(&unit.identity).expect("a store").expect("path sets");
        for input in &sets.sets.first().expect("a path set").paths {
            let path = input.path.replace("{workspace}", &project.root().to_string_lossy());
            let path = plain(Path::new(&path));
            if path.starts_with(env.root().join("place")) {
                all.entry((path, input.uses)).or_default().insert(label(unit));
            }
        }
    }
    all
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// The units, with everything that is built from them.
fn with_dependents(units: &Units) -> Units {
    let mut all = units.clone();
    let mut pending: Vec<String> = units.iter().cloned().collect();
    while let Some(unit) = pending.pop() {
        let (_, above) = DEPENDENTS.iter().find(|(name, _)| *name == unit).expect("a known unit");
        for name in *above {
            if all.insert((*name).to_owned()) {
                pending.push((*name).to_owned());
            }
        }
    }
    all
}

fn would_run(project: &Project<'_>) -> Units {
    let report = project.larder_report(&["build", "--dry-run"]).1;
    report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect()
}

/// Changes what counts of a path; what undoes it.
fn change(path: &Path, uses: PathUse) -> Box<dyn FnOnce()> {
    let path = path.to_owned();
    if uses == PathUse::Link {
        let real = path.with_extension("real");
        fs::rename(&path, &real).expect("a change");
        std::os::unix::fs::symlink(&real, &path).expect("a change");
        return Box::new(move || {
            fs::remove_file(&path).expect("a change");
            fs::rename(&real, &path).expect("a change");
        });
    }
    if uses == PathUse::Listing || path.is_dir() {
        let file = path.join("one-more");
        fs::write(&file, "").expect("a change");
        return Box::new(move || fs::remove_file(&file).expect("a change"));
    }
    let Ok(before) = fs::read(&path) else {
        fs::write(&path, "").expect("a change");
        return Box::new(move || fs::remove_file(&path).expect("a change"));
    };
    if uses == PathUse::Presence {
        fs::remove_file(&path).expect("a change");
    } else {
        let mut more = before.clone();
        more.extend(b"\n// more\n");
        fs::write(&path, more).expect("a change");
    }
    Box::new(move || fs::write(&path, before).expect("a change"))
}

#[test]
fn what_is_recorded_is_what_counts() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    let paths = recorded(&env, &project);
    // The test would say nothing about what was not recorded.
    for (file, uses) in [
        ("reader/texts/one.txt", PathUse::Content),
        ("../beside.txt", PathUse::Content),
        ("reader/listed", PathUse::Listing),
        ("reader/absent-opened.txt", PathUse::Presence),
        ("told/told.txt", PathUse::Content),
        ("told/told-more.txt", PathUse::Presence),
    ] {
        let path = plain(&project.path(file));
        assert!(paths.contains_key(&(path, uses)), "{file}, {uses:?} is not in {paths:#?}");
    }
    let mut wrong = Vec::new();
    for (path, uses) in paths.keys() {
        // Another use of the same path may count too.
        let of_path = paths.iter().filter(|((other, _), _)| other == path);
        let units: Units = of_path.flat_map(|(_, units)| units).cloned().collect();
        let undo = change(path, *uses);
        let ran = would_run(&project);
        if ran != with_dependents(&units) {
            wrong.push(format!("{}, {uses:?} of {units:?}: {ran:?}", path.display()));
        }
        undo();
        let ran = would_run(&project);
        if !ran.is_empty() {
            wrong.push(format!("{}, {uses:?} as it was: {ran:?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn variables_that_are_named_count() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    for (name, units) in [
        ("DECLARED", &["reader run"][..]),
        ("READER_MODE", &["reader run"]),
        ("MACRO_MODE", &["told lib"]),
        ("NAMED_BY_NOBODY", &[]),
    ] {
        let other = TestEnv::at(env.root())
            .with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
            .with(name, "changed");
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        let ran = would_run(&Project::open(&other, project.root()));
        assert_eq!(ran, with_dependents(&units), "{name}");
    }
    all_hit(&project, &["build"]);
}

#[test]
fn what_nobody_read_counts_for_nothing() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    for file in [
        "README.md",
        "reader/texts/two.txt",
        "reader/listed/a",
        "reader/src/unused.rs",
        "told/other.txt",
        "../beside-too.txt",
        "alone/build-notes.txt",
    ] {
        project.write(file, "nobody reads this\n");
        assert_eq!(would_run(&project), Units::new(), "{file}");
    }
    all_hit(&project, &["build"]);
}
