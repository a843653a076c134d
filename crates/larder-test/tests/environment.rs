//! The environment is hermetic, and says what programs did.

use larder_test::{Mtime, TestEnv};

#[test]
fn programs_see_nothing_of_the_machine() {
    let env = TestEnv::new();
    let output = env.run(&mut env.command("env"));
    output.success();
    let names: Vec<&str> = output
        .raw_stdout
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    for name in ["HOME", "CARGO_HOME", "LARDER_DIR", "PATH"] {
        assert!(names.contains(&name), "no {name}");
    }
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("CARGO_PKG_") || *name == "USER" || *name == "TERM")
    );
    output.stdout_has("HOME=[ROOT]/home\n");
}

#[test]
fn cargo_is_fooled_by_an_older_mtime_and_not_by_a_newer_one() {
    let env = TestEnv::new();
    let project = env
        .project("a")
        .package("a")
        .file("src/main.rs", "fn main() { println!(\"one\"); }\n")
        .build();
    project.cargo(&["run", "--quiet"]).success().stdout_has("one");
    project.replace("src/main.rs", "one", "two", Mtime::Older);
    project.cargo(&["run", "--quiet"]).success().stdout_has("one");
    project.replace("src/main.rs", "two", "three", Mtime::Newer);
    project.cargo(&["run", "--quiet"]).success().stdout_has("three");
}

#[test]
fn a_checkout_has_the_files_and_no_target() {
    let env = TestEnv::new();
    let project = env.project("a").package("a").file("src/lib.rs", "").build();
    project
        .cargo(&["check"])
        .success()
        .stderr_has("Finished `dev` profile [unoptimized + debuginfo] target(s) in [TIME]");
    let copy = project.checkout("elsewhere/b");
    assert!(copy.path("src/lib.rs").is_file());
    assert!(!copy.path("target").exists());
}
