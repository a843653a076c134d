//! Configuration: profiles, flags, linkers, toolchains, lock files. What
//! changes the command line of a unit runs that unit; going back hits.

use crate::table::{QUICK, all_hit, env, manifest, ran, same_as_cargo, says};
use larder_test::{Mtime, Project, TestEnv};

/// `app` uses `leaf`, and `tiny` of a vendored registry that has two versions
/// of it.
fn project(env: &TestEnv) -> Project<'_> {
    let mut builder = env
        .project("outer/app")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"leaf\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"vendored\"\n\n[source.vendored]\ndirectory = \"vendor\"\n",
        )
        .file("leaf/Cargo.toml", manifest("leaf", ""))
        .file("leaf/src/lib.rs", "pub fn extra() -> bool {\n    cfg!(extra)\n}\n")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nleaf.path = \"../leaf\"\ntiny = \"1\"\n"))
        .file(
            "app/src/main.rs",
            "fn main() {\n    let checked = cfg!(debug_assertions);\n    println!(\"{} {} {checked}\", leaf::extra(), tiny::VERSION);\n}\n",
        );
    for version in ["1.0.0", "1.0.1"] {
        let dir = format!("vendor/tiny-{version}");
        builder = builder
            .file(
                format!("{dir}/.cargo-checksum.json"),
                format!("{{\"files\":{{}},\"package\":\"{}\"}}", checksum(version)),
            )
            .file(
                format!("{dir}/Cargo.toml"),
                format!(
                    "[package]\nname = \"tiny\"\nversion = \"{version}\"\nedition = \"2024\"\n"
                ),
            )
            .file(
                format!("{dir}/src/lib.rs"),
                format!("pub const VERSION: &str = \"tiny {version}\";\n"),
            );
    }
    let project = builder.build();
    project.cargo(&["generate-lockfile"]).success();
    lock(&project, "1.0.1", "1.0.0");
    project
}

fn checksum(version: &str) -> String {
    version.replace('.', "a").repeat(13)[..64].to_owned()
}

/// Another version of `tiny` in the lock file.
#[track_caller]
fn lock(project: &Project<'_>, from: &str, to: &str) {
    let version = |version: &str| format!("name = \"tiny\"\nversion = \"{version}\"");
    project.replace("Cargo.lock", &version(from), &version(to), Mtime::Now);
    project.replace("Cargo.lock", &checksum(from), &checksum(to), Mtime::Now);
}

fn reopen(env: &TestEnv) -> Project<'_> {
    Project::open(env, env.root().join("outer/app"))
}

/// Every line is of a unit that is named, and gives that reason.
#[track_caller]
fn all_for(runs: &[String], units: &[&str], reason: &str) {
    let names: Vec<&str> = runs.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(names, units, "{runs:?}");
    assert!(runs.iter().any(|line| line.contains(reason)), "{reason}: {runs:?}");
}

const EVERYTHING: &[&str] = &["app bin", "leaf lib", "tiny lib"];

#[test]
fn manifests_flags_and_locks() {
    let mut env = env();
    {
        let project = project(&env);
        project.larder(&["build"]).success();
        assert_eq!(says(&project, "app"), "false tiny 1.0.0 true\n");

        // A key of the profile, in the manifest and on the command line.
        project.replace(
            "Cargo.toml",
            "debug = 0\nincremental",
            "debug = 0\ndebug-assertions = false\nincremental",
            Mtime::Now,
        );
        all_for(&ran(&project, &["build"]), EVERYTHING, "profile");
        assert_eq!(says(&project, "app"), "false tiny 1.0.0 false\n");
        same_as_cargo(&project, "app");
        project.replace("Cargo.toml", "debug-assertions = false\n", "", Mtime::Now);
        all_hit(&project, &["build"]);
        let without = ["build", "--config", "profile.dev.debug-assertions=false"];
        all_hit(&project, &without);
        assert_eq!(says(&project, "app"), "false tiny 1.0.0 false\n");
        // A key of one package.
        let one = ["build", "--config", "profile.dev.package.tiny.opt-level=1"];
        all_for(&ran(&project, &one), &["app bin", "tiny lib"], "profile");

        // A locked dependency is bumped, and back.
        lock(&project, "1.0.0", "1.0.1");
        all_for(&ran(&project, &["build"]), &["app bin", "tiny lib"], "version");
        assert_eq!(says(&project, "app"), "false tiny 1.0.1 true\n");
        same_as_cargo(&project, "app");
        lock(&project, "1.0.1", "1.0.0");
        all_hit(&project, &["build"]);
        assert_eq!(says(&project, "app"), "false tiny 1.0.0 true\n");

        // A vendored file counts by content.
        project.replace("vendor/tiny-1.0.0/src/lib.rs", "tiny 1", "patched 1", Mtime::Older);
        all_for(
            &ran(&project, &["build"]),
            &["app bin", "tiny lib"],
            "vendor/tiny-1.0.0/src/lib.rs",
        );
        assert_eq!(says(&project, "app"), "false patched 1.0.0 true\n");
        project.replace("vendor/tiny-1.0.0/src/lib.rs", "patched 1", "tiny 1", Mtime::Older);
        all_hit(&project, &["build"]);

        // Configuration of the parent directory appears, changes, and goes.
        let parent = env.root().join("outer/.cargo/config.toml");
        std::fs::create_dir_all(parent.parent().expect("a parent")).expect("a directory");
        std::fs::write(&parent, "[build]\nrustflags = [\"--cfg\", \"extra\"]\n").expect("a file");
        all_for(&ran(&project, &["build"]), EVERYTHING, "argv");
        assert_eq!(says(&project, "app"), "true tiny 1.0.0 true\n");
        same_as_cargo(&project, "app");
        std::fs::write(&parent, "[build]\nrustflags = [\"--cfg\", \"other\"]\n").expect("a file");
        all_for(&ran(&project, &["build"]), EVERYTHING, "argv");
        assert_eq!(says(&project, "app"), "false tiny 1.0.0 true\n");
        std::fs::remove_file(&parent).expect("a file");
        all_hit(&project, &["build"]);
    }
    // The same flags by the environment are the same units.
    env = env.with("RUSTFLAGS", "--cfg extra");
    all_hit(&reopen(&env), &["build"]);
    assert_eq!(says(&reopen(&env), "app"), "true tiny 1.0.0 true\n");
    env = env.with("RUSTFLAGS", "--cfg extra -C overflow-checks=off");
    all_for(&ran(&reopen(&env), &["build"]), EVERYTHING, "argv");
    env = env.without("RUSTFLAGS");
    all_hit(&reopen(&env), &["build"]);
    assert_eq!(says(&reopen(&env), "app"), "false tiny 1.0.0 true\n");
}

/// Another linker is another argument; the same linker with another content
/// concerns what is linked.
#[test]
fn linkers() {
    use std::os::unix::fs::PermissionsExt;
    let mut env = env();
    project(&env).larder(&["build"]).success();
    let linker = env.root().join("linker");
    let write = |comment: &str| {
        let text = format!("#!/bin/sh\n# {comment}\nexec cc \"$@\"\n");
        std::fs::write(&linker, text).expect("a file");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&linker, mode).expect("a mode");
    };
    write("one");
    let name = format!("CARGO_TARGET_{}_LINKER", env.host().to_uppercase().replace('-', "_"));
    env = env.with(&name, &linker);
    let project = reopen(&env);
    let runs = ran(&project, &["build"]);
    assert!(runs.iter().any(|line| line.starts_with("app bin: ")), "{runs:?}");
    assert!(runs.iter().all(|line| line.contains("argv") || line.contains("linker")), "{runs:?}");
    all_hit(&project, &["build"]);
    write("two");
    all_for(&ran(&project, &["build"]), &["app bin"], "linker and libc");
    all_hit(&project, &["build"]);
    write("one");
    all_hit(&project, &["build"]);
    env = env.without(&name);
    all_hit(&reopen(&env), &["build"]);
}

/// A toolchain of another name: the same bits hit, or the toolchain is the
/// reason that is given. Nightly is not supported, and is cargo's with one line.
#[test]
fn toolchains() {
    let mut env = env();
    project(&env).larder(&["build"]).success();
    let version = env.run(env.command("rustc").arg("--version")).success().raw_stdout.clone();
    let version = version.split(' ').nth(1).expect("a version").to_owned();
    let is_there = |name: &str| {
        let list = env.run(env.command("rustup").args(["toolchain", "list"]));
        list.raw_stdout.lines().any(|line| line.starts_with(name))
    };
    let (same, nightly) = (is_there(&version), is_there("nightly"));
    if same {
        env = env.with("RUSTUP_TOOLCHAIN", &version);
        let runs = ran(&reopen(&env), &["build"]);
        assert!(runs.iter().all(|line| line.contains("toolchain")), "{runs:?}");
        all_hit(&reopen(&env), &["build"]);
    }
    if nightly {
        env = env.with("RUSTUP_TOOLCHAIN", "nightly");
        let output = reopen(&env).larder(&["build"]);
        output.success().stderr_lacks("Larder ").stderr_has("Compiling leaf");
        let said = output.stderr.lines().filter(|line| line.contains("larder")).count();
        assert_eq!(said, 1, "{}", output.all());
        assert_eq!(says(&reopen(&env), "app"), "false tiny 1.0.0 true\n");
    }
}

/// Warnings of hits are shown again, with cargo's text, in every checkout.
#[test]
fn warnings_are_replayed() {
    let env = env();
    let project = project(&env);
    project.append("leaf/src/lib.rs", "fn unused() {\n    let x = 1;\n}\n");
    let warnings = |text: &str| -> Vec<String> {
        let is_noise =
            |line: &&str| ["Compiling", "Finished", "Larder"].iter().any(|w| line.contains(w));
        text.lines().filter(|line| !is_noise(line)).map(str::to_owned).collect()
    };
    let cargo = project.cargo(&["build", "--target-dir", "cargo-target"]);
    let theirs = warnings(&cargo.success().raw_stderr);
    assert!(theirs.iter().any(|line| line.contains("unused variable")), "{theirs:?}");
    let second = project.checkout("elsewhere/second");
    for project in [&project, &project, &second, &second] {
        let ours = project.larder(&["build"]);
        assert_eq!(warnings(&ours.success().raw_stderr), theirs);
    }
}
