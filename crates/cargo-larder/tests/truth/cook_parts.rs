//! Cook plans in parts: each one is cooked with a store of its own, beside those
//! of what it needs and no others, as steps of a container build have them.

use crate::cook::{project, upstream};
use crate::table::{env, label, says};
use larder_schema::cook_parts::{CookPart, CookParts};
use larder_schema::report::{Outcome, Report};
use larder_test::{Mtime, Project, TestEnv};
use std::path::PathBuf;

/// Plans in parts, beside the project.
#[track_caller]
fn split(project: &Project<'_>, how: &str) -> CookParts {
    let args = ["plan", "--split", how, "-o", "../cook", "--", "build", "--bin", "app"];
    project.larder(&args).success();
    let list = std::fs::read(project.path("../cook/parts.json")).expect("a list");
    CookParts::from_bytes(&list).expect("a list of this version")
}

fn plan_of(env: &TestEnv, part: &CookPart) -> String {
    let path = env.root().join("cook/parts").join(format!("{}.json", part.id));
    std::fs::read_to_string(path).expect("the plan of a part")
}

fn executed(report: &Report) -> Vec<String> {
    let ran = report.units.iter().filter(|unit| unit.outcome != Outcome::Hit);
    let mut ran: Vec<String> = ran.map(label).collect();
    ran.sort();
    ran
}

/// Where the store of a part is while it is there, and while it is out of sight.
fn places(env: &TestEnv, part: &CookPart) -> (PathBuf, PathBuf) {
    (env.root().join("layers").join(&part.id), env.root().join("hidden").join(&part.id))
}

/// Lets only these stores be there.
fn show(env: &TestEnv, list: &CookParts, shown: impl Fn(usize) -> bool) {
    for (number, part) in list.parts.iter().enumerate() {
        let (place, hidden) = places(env, part);
        let (from, to) = if shown(number) { (hidden, place) } else { (place, hidden) };
        if from.exists() {
            std::fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
            std::fs::rename(from, to).expect("a store");
        }
    }
}

/// Cooks a part into an empty store; what ran.
#[track_caller]
fn cook(env: &TestEnv, list: &CookParts, number: usize) -> Vec<String> {
    let part = &list.parts[number];
    show(env, list, |other| part.below.contains(&other));
    let (place, hidden) = places(env, part);
    let _ = std::fs::remove_dir_all(&hidden);
    let report = env.root().join("cook/report.json");
    let plan = format!("{}.json", part.id);
    let mut command = env.larder_command();
    command.args(["cook", "--report"]).arg(&report).arg(plan);
    command.current_dir(env.root().join("cook/parts"));
    command.env("LARDER_DIR", place).env("LARDER_STORES", env.root().join("layers"));
    env.run(&mut command).success();
    let text = std::fs::read(&report).expect("a report");
    std::fs::remove_file(report).expect("a report");
    executed(&serde_json::from_slice(&text).expect("a report"))
}

/// Builds the project with all stores; what ran.
#[track_caller]
fn build(env: &TestEnv, project: &Project<'_>, list: &CookParts) -> Vec<String> {
    show(env, list, |_| true);
    let own = env.root().join("layers/own");
    let _ = std::fs::remove_dir_all(&own);
    let mut command = env.larder_command();
    command.args(["build", "--bin", "app", "--report", "../report.json"]);
    command.current_dir(project.root());
    command.env("LARDER_DIR", own).env("LARDER_STORES", env.root().join("layers"));
    env.run(&mut command).success();
    let text = std::fs::read(project.path("../report.json")).expect("a report");
    executed(&serde_json::from_slice(&text).expect("a report"))
}

const LOCAL: [&str; 4] = ["app bin", "app run", "app script", "leaf lib"];

/// `ext` includes what its build script wrote to `OUT_DIR`, whose text is in its
/// key: no result has moved, or it would run again.
#[test]
fn every_crate_is_cooked_alone_and_the_build_finds_all() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let list = split(&project, "crates");
    let names: Vec<&str> = list.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["ext-gen 0.1.0", "ext-macros 0.1.0", "plain 0.1.0", "ext 0.1.0"]);
    assert_eq!(list.parts[3].below, [0, 1]);
    assert_eq!(cook(&env, &list, 0), ["ext-gen lib"]);
    assert_eq!(cook(&env, &list, 1), ["ext-macros macro"]);
    assert_eq!(cook(&env, &list, 2), ["plain lib"]);
    assert_eq!(cook(&env, &list, 3), ["ext lib", "ext run", "ext script"]);
    assert_eq!(build(&env, &project, &list), LOCAL);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");

    // A change of `ext` concerns its part alone.
    let before: Vec<String> = list.parts.iter().map(|part| plan_of(&env, part)).collect();
    let loud = "ext = { workspace = true, features = [\"loud\"] }";
    project.replace("crates/app/Cargo.toml", "ext.workspace = true", loud, Mtime::Now);
    let list = split(&project, "crates");
    let after: Vec<String> = list.parts.iter().map(|part| plan_of(&env, part)).collect();
    assert!(before[..3] == after[..3] && before[3] != after[3]);
    assert_eq!(cook(&env, &list, 3), ["ext lib", "ext run", "ext script"]);
    assert_eq!(build(&env, &project, &list), LOCAL);
    assert_eq!(says(&project, "app"), "generated 42! plain yes\n");
}

#[test]
fn layers_hold_what_those_above_need() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let list = split(&project, "2");
    let names: Vec<&str> = list.parts.iter().map(|part| part.id.as_str()).collect();
    assert_eq!(names, ["layer-1", "layer-2"]);
    assert_eq!(cook(&env, &list, 0), ["ext-gen lib", "ext-macros macro"]);
    assert_eq!(cook(&env, &list, 1), ["ext lib", "ext run", "ext script", "plain lib"]);
    assert_eq!(build(&env, &project, &list), LOCAL);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
}

#[test]
fn a_directory_with_other_things_is_not_touched() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let output = project.larder(&["plan", "--split", "crates", "-o", ".", "--", "build"]);
    assert_eq!(output.status.code(), Some(101), "{}", output.all());
    assert!(output.stderr.contains("is nothing that larder wrote"), "{}", output.all());
    let output = project.larder(&["plan", "--split", "0", "-o", "../x", "--", "build"]);
    assert!(output.stderr.contains("a number of layers"), "{}", output.all());
}
