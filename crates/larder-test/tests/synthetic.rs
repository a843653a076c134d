//! The synthetic workspace is a workspace that plain cargo builds, tests and
//! lints.

use larder_test::{TestEnv, synthetic};

#[test]
fn cargo_builds_tests_and_lints_it() {
    let env = TestEnv::new().online();
    let project = synthetic::write(&env, "synthetic", synthetic::Shape::Virtual);
    project
        .cargo(&["build", "--workspace", "--all-targets"])
        .success()
        .stderr_has("warning: scripted@1.2.3-beta.1+build.5: the scripted crate warns")
        .stderr_has("warning: undeclared@1.2.3-beta.1+build.5: undeclared inputs");
    project.cargo(&["test", "--workspace"]).success().stdout_has("a harness of its own");
    project.cargo(&["clippy", "--workspace", "--all-targets"]).success();
    project
        .cargo(&["run", "-p", "app", "--features", "extra,weak"])
        .success()
        .stdout_has("extra true");
}

#[test]
fn the_root_may_be_a_package() {
    let env = TestEnv::new().online();
    let project = synthetic::write(&env, "synthetic", synthetic::Shape::Rooted);
    project.cargo(&["run"]).success().stdout_has("beta.1");
}

#[test]
fn every_profile_builds() {
    let env = TestEnv::new().online();
    let project = synthetic::write(&env, "synthetic", synthetic::Shape::Virtual);
    for profile in ["release", "fat", "packed"] {
        project.cargo(&["build", "--workspace", "--profile", profile]).success();
    }
    project.cargo(&["build", "-p", "app", "--profile", "small"]).success();
}

#[test]
fn two_units_differ_only_in_their_dependencies_features() {
    let env = TestEnv::new().online().with("RUSTC_BOOTSTRAP", "1");
    let project = synthetic::write(&env, "synthetic", synthetic::Shape::Virtual);
    let output = project.cargo(&["build", "--workspace", "--unit-graph", "-Z", "unstable-options"]);
    output.success();
    let graph: serde_json::Value = serde_json::from_str(&output.raw_stdout).unwrap();
    let mut mids =
        graph["units"].as_array().unwrap().iter().filter(|unit| unit["target"]["name"] == "mid");
    let (mut a, mut b) = (mids.next().unwrap().clone(), mids.next().unwrap().clone());
    assert_ne!(a["dependencies"], b["dependencies"]);
    for unit in [&mut a, &mut b] {
        unit["dependencies"].take();
    }
    assert_eq!(a, b);
}
