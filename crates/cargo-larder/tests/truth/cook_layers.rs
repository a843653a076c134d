//! Layers of workspace crates: what an edit makes new, and that the build
//! finds what was cooked from a layer's directory alone.

use crate::table::{env, label, manifest, says};
use larder_schema::report::{Outcome, Report};
use larder_test::{Mtime, Project, TestEnv, synthetic};
use std::collections::BTreeMap;
use std::path::Path;

/// `app` needs `mid` and `side`; `mid` needs `base`, which has a build script
/// that reads a file of its package. Everything is compiled incrementally.
fn project(env: &TestEnv) -> Project<'_> {
    let project = env
        .project("project")
        .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n")
        .file("notes.txt", "1\n")
        .file(
            "crates/app/Cargo.toml",
            manifest("app", "[dependencies]\nmid.path = \"../mid\"\nside.path = \"../side\"\n"),
        )
        .file(
            "crates/app/src/main.rs",
            "fn main() {\n    println!(\"{} {}\", mid::mid(), side::side());\n}\n",
        )
        .file("crates/mid/Cargo.toml", manifest("mid", "[dependencies]\nbase.path = \"../base\"\n"))
        .file(
            "crates/mid/src/lib.rs",
            "pub fn mid() -> String {\n    format!(\"mid {}\", base::base())\n}\n",
        )
        .file("crates/mid/tests/mid.rs", "#[test]\nfn it() {}\n")
        .file("crates/side/Cargo.toml", manifest("side", ""))
        .file("crates/side/src/lib.rs", "pub fn side() -> &'static str {\n    \"side\"\n}\n")
        .file("crates/base/Cargo.toml", manifest("base", ""))
        .file("crates/base/word.txt", "base")
        .file(
            "crates/base/build.rs",
            "fn main() {\n    let word = std::fs::read_to_string(\"word.txt\").unwrap();\n    \
             println!(\"cargo::rustc-env=WORD={word}\");\n}\n",
        )
        .file("crates/base/src/lib.rs", "pub fn base() -> &'static str {\n    env!(\"WORD\")\n}\n")
        .build();
    project.cargo(&["generate-lockfile"]).success();
    project
}

/// Writes the layers beside the project, and returns the files of each.
#[track_caller]
fn layers(project: &Project<'_>, command: &[&str]) -> Vec<BTreeMap<String, Vec<u8>>> {
    let mut args = vec!["plan", "--layers", "2", "-o", "../layers", "--"];
    args.extend(command);
    project.larder(&args).success();
    (0..3).map(|layer| files(&project.path(format!("../layers/{layer}")))).collect()
}

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below").display().to_string();
                found.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

fn executed(report: &Report) -> Vec<String> {
    let mut ran: Vec<String> =
        report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect();
    ran.sort();
    ran
}

/// Cooks a layer, whose directory is all there is, and says what ran.
#[track_caller]
fn cook(env: &TestEnv, layer: usize) -> Vec<String> {
    let kitchen = Project::open(env, env.root().join(format!("layers/{layer}/sources")));
    let (output, report) = kitchen.larder_report(&["cook", "../plan.json"]);
    output.success();
    assert!(!kitchen.path("target").exists() && !kitchen.path("debug").exists());
    executed(&report)
}

const BUILD: &[&str] = &["build", "--bin", "app"];

#[test]
fn an_edit_makes_its_layer_and_those_above_new() {
    let env = env();
    let project = project(&env);
    let first = layers(&project, BUILD);
    let names = |layer: &BTreeMap<String, Vec<u8>>| layer.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first[0]), ["plan.json"]);
    let base = ["Cargo.toml", "build.rs", "src/lib.rs", "word.txt"];
    let base = base.map(|file| format!("sources/crates/base/{file}"));
    assert_eq!(names(&first[1]), [&["plan.json".to_owned()], &base[..]].concat());
    assert!(first[2].contains_key("sources/crates/mid/src/lib.rs"));
    assert!(first[2].contains_key("sources/crates/side/src/lib.rs"));
    assert!(!first[2].keys().any(|name| name.contains("app") || name.contains("tests")));

    // The project is out of sight while its layers are cooked.
    let hidden = env.root().join("hidden");
    std::fs::rename(project.root(), &hidden).expect("hidden");
    assert_eq!(cook(&env, 0), [""; 0]);
    assert_eq!(cook(&env, 1), ["base lib", "base run", "base script"]);
    assert_eq!(cook(&env, 2), ["mid lib", "side lib"]);
    std::fs::rename(&hidden, project.root()).expect("back");
    let (_, report) = project.larder_report(BUILD);
    assert_eq!(executed(&report), ["app bin"]);
    assert_eq!(says(&project, "app"), "mid base side\n");

    project.append("crates/app/src/main.rs", "// more\n");
    project.append("crates/mid/tests/mid.rs", "// more\n");
    project.replace("crates/app/Cargo.toml", "0.1.0", "0.2.0", Mtime::Now);
    project.write("crates/new/Cargo.toml", &manifest("new", ""));
    project.write("crates/new/src/lib.rs", "");
    assert!(layers(&project, BUILD) == first, "nothing of this is in a layer");

    project.append("crates/mid/src/lib.rs", "pub fn more() {}\n");
    let edited = layers(&project, BUILD);
    assert!(edited[..2] == first[..2], "the layers below are as they were");
    assert!(edited[2] != first[2]);
    assert_eq!(cook(&env, 1), [""; 0]);
    assert_eq!(cook(&env, 2), ["mid lib"]);

    project.write("crates/base/word.txt", "word");
    let edited = layers(&project, BUILD);
    assert!(edited[0] == first[0] && edited[1] != first[1]);
    assert_eq!(cook(&env, 1), ["base lib", "base run"]);
    assert_eq!(cook(&env, 2), ["mid lib"]);
    let (_, report) = project.larder_report(BUILD);
    assert_eq!(executed(&report), ["app bin"]);
    assert_eq!(says(&project, "app"), "mid word side\n");
}

/// What a layer's directory lacks, the build has.
#[test]
fn a_crate_that_reads_the_workspace_is_left_to_the_build() {
    let env = env();
    let project = project(&env);
    let text =
        "pub fn side() -> &'static str {\n    include_str!(\"../../../notes.txt\").trim()\n}\n";
    project.write("crates/side/src/lib.rs", text);
    layers(&project, BUILD);
    cook(&env, 1);
    let kitchen = Project::open(&env, env.root().join("layers/2/sources"));
    let output = kitchen.larder(&["cook", "--keep-going", "../plan.json"]);
    assert_eq!(output.status.code(), Some(101), "{}", output.all());
    let (_, report) = project.larder_report(BUILD);
    assert_eq!(executed(&report), ["app bin", "side lib"]);
    assert_eq!(says(&project, "app"), "mid base 1\n");
}

#[test]
fn a_directory_with_other_things_is_not_touched() {
    let env = env();
    let project = project(&env);
    let command = ["plan", "--layers", "1", "-o", ".", "--", "build"];
    let output = project.larder(&command);
    assert_eq!(output.status.code(), Some(101), "{}", output.all());
    assert!(output.stderr.contains("is no layer that larder wrote"), "{}", output.all());
    assert!(project.path("crates/app/src/main.rs").exists());
}

/// Vendored, patched and foreign crates, native code, macros, several kinds of
/// libraries: a layer has what it needs.
#[test]
fn layers_of_the_synthetic_workspace_can_be_cooked() {
    let env = env().online();
    let project = synthetic::write(&env, "synthetic", synthetic::Shape::Virtual);
    let command = ["build", "--locked", "-p", "app"];
    let first = layers(&project, &command);
    let hidden = env.root().join("hidden");
    // Its linker is a script of the workspace.
    std::fs::rename(project.path("crates"), &hidden).expect("hidden");
    for layer in 0..3 {
        let kitchen = env.root().join(format!("synthetic/layers/{layer}/sources"));
        let kitchen = Project::open(&env, kitchen);
        kitchen.larder(&["cook", "../plan.json"]).success();
    }
    std::fs::rename(&hidden, project.path("crates")).expect("back");
    assert!(layers(&project, &command) == first, "planning again changes no byte");
}
