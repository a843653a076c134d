//! Packed results: what was cooked lies compressed where the store was, and a
//! build unpacks what it reads, and nothing else.

use crate::cook::{plan, project, upstream};
use crate::table::{env, label, says};
use larder_schema::report::{Outcome, Report};
use larder_test::{Project, TestEnv};
use std::path::{Path, PathBuf};

/// Every file below `dir` whose name ends with `suffix`.
fn files(dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                found.push(path);
            }
        }
    }
    found
}

/// Cooks into the store, packs, and puts the packed store in its place; the
/// project whose dependencies these are.
fn packed(env: &TestEnv) -> Project<'_> {
    let text = plan(&project(env, &upstream(env)));
    let kitchen = env.project("kitchen").file("plan.json", text).build();
    let output = kitchen.larder(&["cook", "--pack", "../packed", "plan.json"]);
    output.success().stderr_has("      Packed ");
    std::fs::rename(env.store(), env.root().join("old-store")).expect("no store");
    std::fs::rename(env.root().join("packed"), env.store()).expect("the packed store");
    assert_eq!(files(&env.store(), ".rlib"), Vec::<PathBuf>::new());
    Project::open(env, env.root().join("project"))
}

fn ran(report: &Report) -> Vec<String> {
    let mut ran: Vec<String> =
        report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect();
    ran.sort();
    ran
}

#[test]
fn a_build_unpacks_what_it_reads() {
    let env = env().online();
    let project = packed(&env);
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    assert_eq!(ran(&report), ["app bin", "app run", "app script", "leaf lib"]);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
    let mut names: Vec<String> = files(&env.store(), ".rlib")
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.split('-').next()?.to_owned()))
        .collect();
    names.sort();
    // The script's own library stays packed: nobody runs the script.
    assert_eq!(names, ["libext", "libleaf", "libplain"]);

    // Another checkout takes everything, with what is unpacked and what is not.
    let other = project.checkout("other");
    let (_, report) = other.larder_report(&["build", "--bin", "app"]);
    assert_eq!(ran(&report), Vec::<String>::new());
    assert_eq!(says(&other, "app"), "generated 42 plain yes\n");
}

/// What a layer has is taken into a store that lacks it, and stays packed
/// there until it is read.
#[test]
fn a_packed_store_is_imported() {
    let env = env().online();
    let project = packed(&env);
    let layer = env.root().join("layer");
    std::fs::rename(env.store(), &layer).expect("the layer");
    project.larder(&["import", "../layer"]).success().stderr_has("    Imported ");
    project.larder(&["import", "../layer"]).success().stderr_has("Imported 0 results (");
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    assert_eq!(ran(&report), ["app bin", "app run", "app script", "leaf lib"]);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
    assert_eq!(files(&layer, ".rlib"), Vec::<PathBuf>::new());
    let output = project.larder(&["import", "crates"]);
    assert_eq!(output.status.code(), Some(101), "{}", output.all());
}

/// Where another variable is set, programs are read again for what they
/// mention: they are unpacked for it, and found not to care.
#[test]
fn programs_are_unpacked_to_be_read() {
    let env = env().online();
    packed(&env);
    std::fs::remove_file(env.store().join("mentions.json")).expect("the memo");
    let env = env.with("A_NEW_VARIABLE", "1");
    let project = Project::open(&env, env.root().join("project"));
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    assert_eq!(report.totals.external.executed, 0, "{:?}", ran(&report));
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
}

/// Damage is found where files are unpacked; that unit is built again.
#[test]
fn a_damaged_packed_result_is_built_again() {
    let env = env().online();
    let project = packed(&env);
    for path in files(&env.store(), ".larder-packed") {
        let mut bytes = std::fs::read(&path).expect("packed files");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, bytes).expect("damage");
    }
    let (output, report) = project.larder_report(&["build", "--bin", "app"]);
    output.stderr_has("the result is dropped and built again");
    assert!(report.totals.external.executed > 0);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
}
