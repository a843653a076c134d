//! Tools of the host that scripts find in `PATH`.

use crate::table::{QUICK, all_hit, env, manifest, ran};
use larder_test::{Project, TestEnv};
use std::os::unix::fs::PermissionsExt as _;

/// A machine with an empty directory in front of `PATH`.
fn machine() -> TestEnv {
    let env = env();
    let early = env.root().join("early");
    std::fs::create_dir(&early).expect("a directory");
    let path = env.vars().get(std::ffi::OsStr::new("PATH")).expect("a PATH").clone();
    let all = std::iter::once(early).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(all).expect("a PATH");
    let config = env.root().join("config.toml");
    env.with("PATH", path).with("LARDER_CONFIG", config)
}

/// One script that runs a tool, and one that runs nothing.
fn project(env: &TestEnv) -> Project<'_> {
    let build = |code: &str| {
        format!(
            "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    {code}\n}}\n"
        )
    };
    env.project("project")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"edits\", \"silent\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("edits/Cargo.toml", manifest("edits", ""))
        .file(
            "edits/build.rs",
            build(
                "assert!(std::process::Command::new(\"sed\").args([\"-n\", \"1p\", \"text\"]).output().unwrap().status.success());",
            ),
        )
        .file("edits/text", "x\n")
        .file("edits/src/lib.rs", "")
        .file("silent/Cargo.toml", manifest("silent", ""))
        .file("silent/build.rs", build(""))
        .file("silent/src/lib.rs", "")
        .build()
}

/// A program in front of the others, which starts the next one of its name.
fn in_front(env: &TestEnv, name: &str) {
    let file = env.root().join("early").join(name);
    std::fs::write(&file, format!("#!/bin/sh\nPATH=\"${{PATH#*:}}\" exec {name} \"$@\"\n"))
        .expect("a program");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn tools_count_for_the_scripts_that_use_them() {
    let env = machine();
    let project = project(&env);
    project.larder(&["build"]).success();
    for unused in ["cmake", "protoc", "python3"] {
        in_front(&env, unused);
        all_hit(&project, &["build"]);
    }
    // (`cc` would be the linker of them all.)
    in_front(&env, "sed");
    let runs = ran(&project, &["build"]);
    assert!(runs.contains(&"edits run: program sed".to_owned()), "{runs:?}");
    assert!(runs.iter().all(|line| line.starts_with("edits ")), "{runs:?}");
    all_hit(&project, &["build"]);
}

/// Of a run that nobody saw, nobody knows which tools it used.
#[test]
fn unobserved_scripts_may_use_all_tools() {
    let env = machine();
    std::fs::write(env.root().join("config.toml"), "observe = \"off\"\n").expect("a file");
    let project = project(&env);
    project.larder(&["build"]).success();
    all_hit(&project, &["build"]);
    in_front(&env, "cmake");
    let runs = ran(&project, &["build"]);
    for run in ["edits run: tools", "silent run: tools"] {
        assert!(runs.contains(&run.to_owned()), "{runs:?}");
    }
    all_hit(&project, &["build"]);
}
