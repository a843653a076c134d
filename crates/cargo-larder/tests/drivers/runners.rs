//! Test runners: cargo-nextest, and cargo-llvm-cov, which is too large for
//! continuous integration.

use crate::parcel::{env, fronted, parcel, plainly};
use larder_test::{Project, TestEnv};

/// Names in an archive, hashes made equal.
fn names_in(project: &Project<'_>, archive: &str) -> Vec<String> {
    let listed = plainly(project, &["tar", "--zstd", "-tf", archive]);
    let mut names: Vec<String> = listed.success().stdout.lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
#[ignore = "wants cargo-nextest: cargo xtask drivers"]
fn nextest_runs_and_archives_what_larder_built() {
    let env = env();
    let project = parcel(&env, "app");
    let run = fronted(&project, &["cargo", "nextest", "run", "--workspace"]);
    run.stderr_has("5 tests run: 5 passed, 0 skipped");

    let archive = ["cargo", "nextest", "archive", "--workspace", "--archive-file", "a.tar.zst"];
    fronted(&project, &archive).stderr_has(" 0 executed");
    let plain = parcel(&env, "plain");
    plainly(&plain, &archive).success();
    assert_eq!(names_in(&project, "a.tar.zst"), names_in(&plain, "a.tar.zst"));

    // Elsewhere, without what was built.
    let elsewhere = project.checkout("elsewhere");
    project.remove("target");
    let from = ["cargo", "nextest", "run", "--archive-file", "a.tar.zst", "--workspace-remap", "."];
    plainly(&elsewhere, &from).success().stderr_has("5 tests run: 5 passed, 0 skipped");
}

#[test]
#[ignore = "wants cargo-nextest: cargo xtask drivers"]
fn nextest_finds_shared_libraries_of_build_scripts() {
    let env = env();
    let project = env
        .project("app")
        .package("app")
        .file(
            "build.rs",
            "use std::process::Command;\n\nfn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             let status = Command::new(\"cc\").args([\"-shared\", \"-fPIC\", \"-o\"])\n        \
             .arg(format!(\"{out}/libshared.so\")).arg(\"shared.c\").status();\n    \
             assert!(status.unwrap().success());\n    \
             println!(\"cargo::rerun-if-changed=shared.c\");\n    \
             println!(\"cargo::rustc-link-search=native={out}\");\n}\n",
        )
        .file("shared.c", "int answer(void) { return 42; }\n")
        .file(
            "src/lib.rs",
            "#[link(name = \"shared\")]\nunsafe extern \"C\" {\n    safe fn answer() -> i32;\n}\n\n\
             #[test]\nfn answers() {\n    assert_eq!(answer(), 42);\n}\n",
        )
        .build();
    for _ in 0..2 {
        let run = fronted(&project, &["cargo", "nextest", "run"]);
        run.stderr_has("1 test run: 1 passed, 0 skipped");
        project.remove("target");
    }
}

/// Raw profiles below the target directory.
fn profiles(env: &TestEnv, project: &Project<'_>) -> usize {
    let found =
        env.run(env.command("find").arg(project.path("target")).args(["-name", "*.profraw"]));
    found.success().stdout.lines().count()
}

#[test]
#[ignore = "wants cargo-llvm-cov, which takes minutes to install: cargo xtask drivers --heavy"]
fn heavy_llvm_cov_measures_what_larder_built() {
    // Reports want llvm-tools of the compiler's own version; whether the tests
    // leave their profiles does not.
    let env = env().with("LLVM_COV", "/bin/true").with("LLVM_PROFDATA", "/bin/true");
    let command = ["cargo", "llvm-cov", "test", "--no-report", "--lib"];
    let (project, plain) = (parcel(&env, "app"), parcel(&env, "plain"));
    fronted(&project, &command).stdout_has("2 passed");
    plainly(&plain, &command).success();
    let count = profiles(&env, &project);
    assert!(count > 0, "no profiles");
    assert_eq!(count, profiles(&env, &plain));
}
