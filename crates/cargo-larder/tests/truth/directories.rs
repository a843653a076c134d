//! Where the configuration says that things go: `build.target-dir` and
//! `build.build-dir`, beside what cargo does with them.

use crate::table::{all_hit, env, manifest};
use larder_test::{Project, TestEnv};
use std::path::Path;

/// A package with a build script, an example, and a test that says where it is.
fn project<'env>(env: &'env TestEnv, name: &str) -> Project<'env> {
    env.project(name)
        .file("Cargo.toml", manifest("app", "[profile.dev]\ndebug = 0\n"))
        .file("build.rs", "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n")
        .file("src/lib.rs", "//! ```\n//! app::nothing();\n//! ```\npub fn nothing() {}\n")
        .file("src/main.rs", "fn main() {}\n")
        .file("examples/shown.rs", "fn main() {}\n")
        .file(
            "tests/place.rs",
            "#[test]\nfn place() {\n    \
             println!(\"scratch {}\", env!(\"CARGO_TARGET_TMPDIR\"));\n    \
             println!(\"there {}\", std::path::Path::new(env!(\"CARGO_TARGET_TMPDIR\")).is_dir());\n    \
             println!(\"program {}\", env!(\"CARGO_BIN_EXE_app\"));\n    \
             println!(\"test {}\", std::env::current_exe().unwrap().parent().unwrap().display());\n    \
             println!(\"paths {:?}\", std::env::var(\"LD_LIBRARY_PATH\"));\n}\n",
        )
        .build()
}

/// What the test says, run by cargo or larder.
fn said(output: &larder_test::Output) -> Vec<String> {
    let words = ["scratch ", "there ", "program ", "test /", "paths "];
    let lines = output.success().raw_stdout.lines();
    lines.filter(|line| words.iter().any(|word| line.starts_with(word))).map(Into::into).collect()
}

/// Files that a user could look for in a target directory, without hashes;
/// cargo's and larder's own ones left out.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}")));
        } else if !name.starts_with('.') && name != "CACHEDIR.TAG" && !name.contains('-') {
            found.push(name);
        }
    }
    found.sort();
    found
}

const TEST: [&str; 5] = ["test", "--test", "place", "--", "--nocapture"];

#[test]
fn the_build_directory_is_apart_from_the_target_directory() {
    for (file, variable) in [
        ("[build]\nbuild-dir = \"{workspace-root}/apart\"\n", None),
        ("[build]\nbuild-dir = \"{cargo-cache-home}/apart\"\ntarget-dir = \"other\"\n", None),
        ("[build]\nbuild-dir = \"here\"\ntarget = \"host-tuple\"\n", Some("there")),
    ] {
        let mut env = env();
        if let Some(directory) = variable {
            env = env.with("CARGO_BUILD_BUILD_DIR", directory);
        }
        let project = project(&env, "apart");
        project.write(".cargo/config.toml", file);
        let target = if file.contains("other") { "other" } else { "target" };
        let run = |larder: bool| {
            let said = said(&if larder { project.larder(&TEST) } else { project.cargo(&TEST) });
            let all = ["build", "--all-targets"];
            let built = if larder { project.larder(&all) } else { project.cargo(&all) };
            built.success();
            (said, files(&project.path(target)))
        };
        let by_cargo = run(false);
        assert_eq!(by_cargo.0.len(), 5, "{by_cargo:?}");
        for directory in ["target", "other", "apart", "here", "there"] {
            let _ = std::fs::remove_dir_all(project.path(directory));
        }
        let _ = std::fs::remove_dir_all(env.cargo_home().join("apart"));
        assert_eq!(run(true), by_cargo, "{file}");
        // From the plan cache as well.
        assert_eq!(run(true), by_cargo, "{file}");
        all_hit(&project, &["build"]);
    }
}

#[test]
fn what_only_cargo_knows_of_the_build_directory_goes_to_cargo() {
    let env = env();
    let project = project(&env, "hashed");
    project.write(".cargo/config.toml", "[build]\nbuild-dir = \"b/{workspace-path-hash}\"\n");
    project.larder(&["build"]).success().stderr_has(
        "warning: larder does not model `build.build-dir = \"b/{workspace-path-hash}\"`: plain \
         cargo runs",
    );
    assert!(project.path("b").is_dir());
    for (file, text) in [
        ("build-dir = \"{nonsense}\"", "unexpected variable `nonsense`"),
        ("build-dir = \"\"", "the build directory is set to an empty string in"),
        ("target-dir = \"\"", "the target directory is set to an empty string in"),
    ] {
        project.write(".cargo/config.toml", &format!("[build]\n{file}\n"));
        project.cargo(&["build"]).code(101).stderr_has(text);
        project.larder(&["build"]).code(101).stderr_has(text);
    }
}

/// A configuration above the checkout names a directory relative to itself:
/// two places with the same text are two directories, also when the plan is
/// the same.
#[test]
fn a_target_directory_counts_from_the_file_that_names_it() {
    let env = env();
    for place in ["one", "two"] {
        let project = project(&env, &format!("{place}/checkout"));
        let config = env.root().join(place).join(".cargo");
        std::fs::create_dir_all(&config).expect("a directory");
        std::fs::write(config.join("config.toml"), "[build]\ntarget-dir = \"beside\"\n")
            .expect("a configuration");
        for _ in 0..2 {
            project.larder(&["build"]).success();
        }
        let beside = env.root().join(place).join("beside");
        assert!(beside.join("debug/app").is_file(), "{place}");
        assert!(!project.path("target").exists());
        std::fs::remove_dir_all(&beside).expect("a directory");
        project.cargo(&["build"]).success();
        assert!(beside.join("debug/app").is_file(), "{place}");
    }
    assert!(env.root().join("two/beside").is_dir());
}

#[test]
fn an_empty_target_directory_is_refused_in_cargos_words() {
    let env = env().with("CARGO_TARGET_DIR", "");
    let project = project(&env, "empty");
    let by_cargo = project.cargo(&["build"]).code(101).raw_stderr.clone();
    assert_eq!(project.larder(&["build"]).code(101).raw_stderr, by_cargo);
}

/// Planning puts larder in front of rustc; what cargo says of a compiler that
/// failed names it as cargo's own call does.
#[test]
fn a_platform_that_nobody_knows_is_refused_in_cargos_words() {
    let env = env();
    let project = project(&env, "nowhere");
    let words = ["build", "--target", "nope"];
    let by_cargo = project.cargo(&words).code(101).raw_stderr.clone();
    assert!(by_cargo.contains("could not find specification"), "{by_cargo}");
    assert_eq!(project.larder(&words).code(101).raw_stderr, by_cargo);
}

/// `net.offline` from a file and from its variable: a registry that was never
/// reached cannot be asked, and nobody tries.
#[test]
fn offline_comes_from_the_configuration_too() {
    for (file, variable) in [("[net]\noffline = true\n", false), ("", true)] {
        let mut env = env().online();
        if variable {
            env = env.with("CARGO_NET_OFFLINE", "true");
        }
        let project = project(&env, "offline");
        project.write(".cargo/config.toml", file);
        project.append("Cargo.toml", "\n[dependencies]\nno-such-crate-here = \"1\"\n");
        let by_cargo = project.cargo(&["build"]).code(101).raw_stderr.clone();
        assert!(by_cargo.contains("offline"), "{by_cargo}");
        assert_eq!(project.larder(&["build"]).code(101).raw_stderr, by_cargo);
    }
}
