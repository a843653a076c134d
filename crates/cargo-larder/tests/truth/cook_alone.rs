//! Cooking without a cook plan: from manifests alone, or one dependency of a
//! lock file.

use crate::cook::{project, upstream};
use crate::table::{env, label};
use larder_schema::report::{Outcome, Report};
use larder_test::{Mtime, Project, TestEnv};

/// A copy of a project that holds only what its dependencies are decided by.
fn manifests<'a>(env: &'a TestEnv, project: &Project<'_>) -> Project<'a> {
    let mut copy = env.project("manifests");
    let files = ["Cargo.toml", "Cargo.lock", "crates/app/Cargo.toml", "crates/leaf/Cargo.toml"];
    for file in files {
        copy = copy.file(file, project.read(file));
    }
    copy.build()
}

fn names(report: &Report) -> Vec<String> {
    let mut names: Vec<String> =
        report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect();
    names.sort();
    names
}

#[test]
fn manifests_are_enough_and_nothing_is_written_beside_them() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    // A build script that no manifest mentions could not be known.
    project.replace(
        "crates/app/Cargo.toml",
        "version =",
        "build = \"build.rs\"\nversion =",
        Mtime::Now,
    );
    let alone = manifests(&env, &project);
    let before = files(&alone);
    let (output, report) = alone.larder_report(&["cook", "--", "build", "--bin", "app"]);
    assert_eq!(report.totals.executed, report.totals.units, "{}", output.all());
    assert!(report.units.iter().all(|unit| unit.external));
    assert_eq!(files(&alone), before);
    // The same as the plan of the whole project.
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    assert_eq!(names(&report), ["app bin", "app run", "app script", "leaf lib"]);

    // A binary that no manifest mentions is of the only package on top.
    alone.larder(&["cook", "--locked", "--", "build", "--bin", "other"]).success();
    alone.remove("Cargo.lock");
    let output = alone.larder(&["cook", "--", "build"]);
    assert_eq!(output.status.code(), Some(101));
    assert!(output.stderr.contains("Cargo.lock is missing"), "{}", output.all());
}

fn files(project: &Project<'_>) -> Vec<String> {
    let output = project.command("find").arg(".").output().expect("find");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut files: Vec<String> = text.lines().map(str::to_owned).collect();
    files.sort();
    files
}

#[test]
fn one_dependency_of_a_lock_file() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let lock = project.read("Cargo.lock");
    let kitchen = env.project("kitchen").file("Cargo.lock", lock).build();
    let args = ["cook", "--lock", "Cargo.lock", "-p", "ext", "--features", "loud"];
    let (_, report) = kitchen.larder_report(&args);
    assert_eq!(
        names(&report),
        ["ext lib", "ext run", "ext script", "ext-gen lib", "ext-macros macro"]
    );
    let (_, report) = kitchen.larder_report(&args);
    assert_eq!(names(&report), [""; 0]);
    for (spec, expected) in [("nothing", "has no dependency `nothing`"), ("ext@9.0.0", "has no")] {
        let output = kitchen.larder(&["cook", "--lock", "Cargo.lock", "-p", spec]);
        assert_eq!(output.status.code(), Some(101));
        assert!(output.stderr.contains(expected), "{}", output.all());
    }
}
