//! Bad input and broken places, with the real binary: every error or warning
//! names the thing and the way out, and a store that does not work never
//! breaks a build.

use larder_test::{Output, Project, TestEnv};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn env() -> TestEnv {
    TestEnv::new().with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
}

fn project(env: &TestEnv) -> Project<'_> {
    env.project("app")
        .file(
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [profile.dev]\ndebug = 0\nincremental = false\n",
        )
        .file("src/lib.rs", "pub const WORD: &str = \"right\";\n")
        .file("src/main.rs", "fn main() {\n    println!(\"{}\", app::WORD);\n}\n")
        .build()
}

/// What the delivered program prints.
#[track_caller]
fn says(project: &Project<'_>) -> String {
    let output = project.command(project.path("target/debug/app")).output().expect("a program");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The build works, whatever the store does.
#[track_caller]
fn builds(project: &Project<'_>, output: &Output) {
    output.success();
    assert_eq!(says(project), "right\n", "{}", output.all());
}

/// All files below a directory whose path holds `part`.
fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            if entry.file_type().expect("a type").is_dir() {
                pending.push(path);
            } else if path.to_string_lossy().contains(part) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing like {part}");
    found
}

/// Wrong manifests, targets and flags: cargo's own words and codes.
#[test]
fn mistakes_end_as_under_cargo() {
    let env = env();
    let project = project(&env);
    project.write("src/bin/other.rs", "fn main() {}\n");
    let nowhere = env.project("nowhere").file("note", "").build();
    let broken = env.project("broken").file("Cargo.toml", "[package]\nname = \n").build();
    let cases: [(&Project<'_>, &[&str]); 10] = [
        (&nowhere, &["build"]),
        (&broken, &["build"]),
        (&project, &["build", "--manifest-path", "no/Cargo.toml"]),
        (&project, &["run"]),
        (&project, &["run", "--bin", "nope"]),
        (&project, &["run", "--example", "nope"]),
        (&project, &["run", "-p", "nope"]),
        (&project, &["build", "--features", "nope"]),
        (&project, &["build", "--profile", "nope"]),
        (&project, &["build", "-j0"]),
    ];
    for (project, args) in cases {
        let (cargo, larder) = (project.cargo(args), project.larder(args));
        assert_eq!(cargo.status.code(), larder.status.code(), "{}", larder.all());
        assert_eq!(cargo.stderr, larder.stderr, "{args:?}");
    }
    project.larder(&["build", "--nonsense"]).code(1).stderr_has("'--nonsense'");
}

#[test]
fn missing_toolchains_are_named() {
    let env = env();
    let project = project(&env);
    let plus = project.larder(&["+nope", "build"]);
    plus.code(1).stderr_has("error: toolchain 'nope").stderr_has("is not installed");
    project.write("rust-toolchain.toml", "[toolchain]\nchannel = \"nightly-2001-01-01\"\n");
    let mut command = env.larder_command();
    command.arg("build").current_dir(project.root()).env_remove("RUSTUP_TOOLCHAIN");
    command.env("RUSTUP_AUTO_INSTALL", "0");
    let file = env.run(&mut command);
    file.code(1).stderr_has("'nightly-2001-01-01").stderr_has("is not installed");
    // Errors do not spill the environment.
    for output in [&plus, &file] {
        output.stderr_lacks("CARGO_HOME=").stderr_lacks("PATH=");
    }
}

/// Places that cannot hold a store: the build goes on in a temporary one.
#[test]
fn a_store_that_cannot_be_used_is_named() {
    let env = env();
    let project = project(&env);
    let file = env.root().join("file");
    fs::write(&file, "not a directory").expect("a file");
    let foreign = env.root().join("foreign");
    fs::create_dir_all(foreign.join("v1")).expect("a directory");
    fs::write(foreign.join("v1/FORMAT"), "larder-store 99\n").expect("a file");
    // Not writable for anybody, root included.
    let unwritable = PathBuf::from("/proc/larder");
    for (place, why) in
        [(&file, "file"), (&foreign, "larder-store 99"), (&unwritable, "/proc/larder")]
    {
        if project.path("target").exists() {
            project.remove("target");
        }
        let mut command = env.larder_command();
        command.arg("build").env("LARDER_DIR", place).current_dir(project.root());
        let output = env.run(&mut command);
        builds(&project, &output);
        output.stderr_has("warning: the store cannot be used").stderr_has(why);
        output.stderr_has("or set LARDER_DIR to another place");
    }
    // Nothing was changed there.
    assert_eq!(fs::read_to_string(&file).expect("a file"), "not a directory");
    assert_eq!(fs::read_dir(foreign.join("v1")).expect("a directory").count(), 1);
}

/// Damage to each kind of file in the store: it costs a compilation at most.
#[test]
fn damaged_files_are_built_again() {
    let env = env();
    let project = project(&env);
    // The plan is cached once there is a lock file.
    for _ in 0..2 {
        builds(&project, &project.larder(&["build"]));
    }
    // Each case damages a copy at the same place, so that only what the damage
    // costs is built again.
    let whole = env.root().join("whole");
    let copy = |from: &Path, to: &Path| {
        env.run(env.command("cp").arg("-a").args([from, to])).success();
    };
    copy(&env.store(), &whole);
    type Spoil = fn(&Path);
    let spoilers: [Spoil; 2] = [
        |file| fs::write(file, "\u{0}garbage").expect("a file"),
        |file| {
            fs::remove_file(file).expect("a file");
            fs::create_dir(file).expect("a directory");
        },
    ];
    for part in
        ["/v1/records/", "/v1/pathsets/", "/v1/plans/", "/v1/memo/", "/v1/inputs/", "/v1/out/"]
    {
        for spoil in spoilers {
            for file in files(&env.store(), part) {
                spoil(&file);
            }
            project.remove("target");
            let output = project.larder(&["build"]);
            builds(&project, &output);
            if part == "/v1/out/" {
                output.stderr_has("in the store, of app v0.1.0");
                output.stderr_has("the result is dropped and built again");
            }
            fs::remove_dir_all(env.store()).expect("a store");
            copy(&whole, &env.store());
        }
    }
}

/// A file system without room. As root only, where one can be mounted.
#[test]
fn a_full_store_does_not_break_the_build() {
    let env = env();
    let project = project(&env);
    let small = env.root().join("small");
    fs::create_dir(&small).expect("a directory");
    let mount = |args: &[&str]| env.run(env.command("mount").args(args).arg(&small));
    let mounted = mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    if !mounted.status.success() {
        return;
    }
    let mut command = env.larder_command();
    command.arg("build").env("LARDER_DIR", &small).current_dir(project.root());
    let output = env.run(&mut command);
    let unmounted = env.run(env.command("umount").arg("-l").arg(&small));
    unmounted.success();
    builds(&project, &output);
    output.stderr_has("warning: the store cannot be used").stderr_has("set LARDER_DIR");
}

/// A target directory that cannot take what was asked for.
#[test]
fn an_undeliverable_result_is_an_error() {
    let env = env();
    let project = project(&env);
    project.write("target/debug/app/in-the-way", "");
    let output = project.larder(&["build"]);
    output.code(101).stderr_has("error: could not deliver `[ROOT]/app/target/debug/app`");
}

#[test]
fn a_report_that_cannot_be_written_is_named() {
    let env = env();
    let project = project(&env);
    let output = project.larder(&["build", "--report", "no/such/dir/report.json"]);
    output.code(101).stderr_has("could not write the report `no/such/dir/report.json`");
    assert_eq!(says(&project), "right\n");
}

/// A source that nobody may read. Root may, so this says nothing there.
#[test]
fn an_unreadable_source_is_named() {
    let env = env();
    let project = project(&env);
    let file = project.path("src/lib.rs");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a mode");
    if fs::read(&file).is_ok() {
        return;
    }
    let (cargo, larder) = (project.cargo(&["build"]), project.larder(&["build"]));
    assert_eq!(cargo.status.code(), larder.status.code());
    larder.stderr_has("src/lib.rs");
}
