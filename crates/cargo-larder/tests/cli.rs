//! The binary beside cargo: what both print for the same commands.

use larder_test::{Output, Project, TestEnv};
use serde_json::Value;

fn env() -> TestEnv {
    TestEnv::new().with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
}

/// A package with a build script, warnings, a binary and tests.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("app")
        .file(
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [features]\nextra = []\n\n[lib]\ndoctest = false\n\n\
             [[bin]]\nname = \"app\"\nrequired-features = [\"extra\"]\n",
        )
        .file(
            "build.rs",
            "fn main() {\n    println!(\"cargo::rustc-env=GREETING=hello\");\n    \
             println!(\"cargo::rustc-cfg=greets\");\n    \
             println!(\"cargo::rustc-check-cfg=cfg(greets)\");\n    \
             println!(\"cargo::warning=careful\");\n}\n",
        )
        .file("src/lib.rs", "use std::fmt;\n\npub fn two() -> u8 {\n    let x = 1;\n    2\n}\n\n\
             #[test]\nfn adds() {\n    assert_eq!(two(), 2);\n}\n")
        .file(
            "src/main.rs",
            "fn main() {\n    let code = std::env::args().nth(1).map_or(0, |c| c.parse().unwrap());\n    \
             println!(\"{} {}\", env!(\"GREETING\"), app::two());\n    std::process::exit(code)\n}\n",
        )
        .file("tests/it.rs", "#[test]\nfn fails() {\n    assert!(std::env::var_os(\"FAIL\").is_none());\n}\n")
        .build()
}

fn without_target(project: &Project<'_>) {
    if project.path("target").exists() {
        project.remove("target");
    }
}

/// Standard error without what may differ: larder's own line.
fn without_larder(output: &Output) -> Vec<&str> {
    output.stderr.lines().filter(|line| !line.starts_with("      Larder ")).collect()
}

/// The same lines, in any order: units that do not depend on each other may
/// end in another order.
#[track_caller]
fn same_lines(cargo: &Output, larder: &Output) {
    let sorted = |output| {
        let mut lines = without_larder(output);
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(cargo), sorted(larder), "{}\n{}", cargo.all(), larder.all());
    assert_eq!(cargo.status.code(), larder.status.code());
}

/// Machine messages by reason, as text with the paths of one machine gone.
fn messages(output: &Output, reason: &str) -> Vec<String> {
    let mut found: Vec<String> = output
        .stdout
        .lines()
        .filter(|line| line.starts_with(&format!("{{\"reason\":\"{reason}\"")))
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

/// The keys of an object and of those in it, in their order.
fn keys(text: &str) -> Vec<String> {
    // serde_json sorts keys, so they are taken from the text itself.
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let word = &rest[at + 1..];
        let Some(end) = word.find('"') else { break };
        if word[end + 1..].starts_with(':') {
            keys.push(word[..end].to_owned());
        }
        rest = &word[end + 1..];
    }
    keys
}

#[test]
fn machine_messages_equal_cargos() {
    let env = env();
    let project = project(&env);
    for format in ["json", "json-diagnostic-rendered-ansi", "json-diagnostic-short"] {
        without_target(&project);
        let args = ["build", "--features", "extra", "--message-format", format];
        let cargo = project.cargo(&args);
        without_target(&project);
        let larder = project.larder(&args);
        cargo.success();
        larder.success();
        // Every byte of the diagnostics.
        assert_eq!(messages(&cargo, "compiler-message"), messages(&larder, "compiler-message"));
        assert_eq!(messages(&cargo, "build-finished"), messages(&larder, "build-finished"));
        for reason in ["compiler-artifact", "build-script-executed"] {
            let (theirs, ours) = (messages(&cargo, reason), messages(&larder, reason));
            assert_eq!(theirs.len(), ours.len(), "{}", larder.all());
            for (theirs, ours) in theirs.iter().zip(&ours) {
                assert_eq!(keys(theirs), keys(ours));
                let (theirs, ours): (Value, Value) =
                    (serde_json::from_str(theirs).unwrap(), serde_json::from_str(ours).unwrap());
                for key in
                    ["package_id", "manifest_path", "target", "features", "executable", "env"]
                {
                    assert_eq!(theirs[key], ours[key], "{reason} {key}");
                }
            }
        }
    }
}

#[test]
fn status_lines_equal_cargos() {
    let env = env();
    let project = project(&env);
    for args in [
        &["build", "--features", "extra"][..],
        &["check", "--message-format", "short"],
        &["build", "-q"],
        // Of two units with the same warning, the first shows it: not both here.
        &["test", "--no-run", "--lib"],
        &["build", "-p", "nonsense"],
        &["build", "--message-format", "human,short"],
        &["build", "-v", "-q"],
        &["run"],
    ] {
        without_target(&project);
        let cargo = project.cargo(args);
        without_target(&project);
        let larder = project.larder(args);
        same_lines(&cargo, &larder);
    }
}

#[test]
fn failing_builds_print_what_cargo_prints() {
    let env = env();
    let project = project(&env);
    project.append("src/lib.rs", "pub fn wrong() -> u8 {\n    \"text\"\n}\n");
    for args in [
        &["build"][..],
        &["check", "--message-format", "short"],
        &["test", "--no-run", "--lib"],
        &["build", "--keep-going", "--features", "extra"],
        &["clippy"],
    ] {
        without_target(&project);
        let cargo = project.cargo(args);
        without_target(&project);
        let larder = project.larder(args);
        same_lines(&cargo, &larder);
    }
    let args = ["build", "--message-format", "json"];
    let (cargo, larder) = (project.cargo(&args), project.larder(&args));
    for reason in ["compiler-message", "build-finished"] {
        assert_eq!(messages(&cargo, reason), messages(&larder, reason));
    }
    project.write("src/lib.rs", "pub fn two() -> u8 {\n    2\n}\n");
    project.write("build.rs", "fn main() {\n    panic!(\"no luck\")\n}\n");
    project.larder(&["build"]).code(101).stderr_has("failed to run custom build command");
}

#[test]
fn programs_keep_their_arguments_and_codes() {
    let env = env();
    let project = project(&env);
    let run = project.larder(&["run", "-q", "--features", "extra", "--", "7"]);
    run.code(7).stdout_has("hello 2\n");
}

#[test]
fn failing_tests_end_as_under_cargo() {
    let env = env().with("FAIL", "1");
    let project = project(&env);
    for args in [&["test"][..], &["test", "--no-fail-fast"], &["test", "adds"]] {
        without_target(&project);
        let cargo = project.cargo(args);
        without_target(&project);
        let larder = project.larder(args);
        assert_eq!(cargo.status.code(), larder.status.code(), "{}", larder.all());
        let errors = |output: &Output| {
            let lines = output.stderr.lines();
            lines.skip_while(|l| !l.starts_with("error: ")).map(str::to_owned).collect::<Vec<_>>()
        };
        let ours: Vec<_> = errors(&larder);
        assert_eq!(errors(&cargo), ours, "{}", larder.all());
    }
}

#[test]
fn wrong_command_lines_end_with_one() {
    let env = env();
    let project = project(&env);
    for args in [&["build", "--bogus"][..], &["build", "--message-format", "x"], &["gc", "--x"]] {
        project.larder(args).code(1).stderr_has("error: ");
    }
    project.larder(&["build", "--help"]).success();
    project.larder(&["help", "gc"]).success();
    project.larder(&["--version"]).success().stdout_has("larder ");
}

#[test]
fn off_is_plain_cargo() {
    let env = env().with("LARDER", "off");
    let project = project(&env);
    let off = project.larder(&["build", "--report", "r.json"]);
    off.success().stderr_lacks("Larder").stderr_has("no report is written: larder is off");
    project.larder(&["build", "--bogus"]).code(1);
    project.larder(&["build", "--dry-run"]).code(101).stderr_has("larder is off");
    assert!(!env.store().join("v1").exists());
}

#[test]
fn other_commands_are_cargos() {
    let env = env();
    let project = project(&env);
    let tree = project.larder(&["tree"]);
    tree.success().stdout_has("app v0.1.0").stderr_has("`tree` is not a command of larder");
    let timings = project.larder(&["build", "--timings"]);
    timings.success().stderr_has("larder does not model `--timings`").stderr_lacks("Larder ");
}

#[test]
fn exec_sends_builds_through_larder_and_the_rest_to_cargo() {
    let env = env();
    let project = project(&env);
    let first = project.larder(&["exec", "--", "sh", "-c", "cargo build && cargo --version"]);
    first.success().stderr_has("Larder 3 units: 0 from the store, 3 executed");
    first.stdout_has("cargo 1.");
    // The cargo in front is no input of builds.
    let second = project.checkout("second").larder(&["build"]);
    second.success().stderr_has("Larder 3 units: 3 from the store");
    let failed = project.larder(&["exec", "--", "sh", "-c", "exit 9"]);
    failed.code(9);
}

#[test]
fn explain_names_the_file_that_changed() {
    let env = env();
    let project = project(&env);
    project.larder(&["explain"]).code(101).stderr_has("run `cargo larder build` first");
    project.larder(&["build", "--release"]).success();
    project.append("src/lib.rs", "// edited\n");
    project.larder(&["build", "--release", "--dry-run"]).success().stderr_has("        Miss app");
    project.larder(&["build", "--release"]).success();
    project.larder(&["explain"]).success().stdout_has("the file `src/lib.rs` has changed\n");
    project.larder(&["stats"]).success().stdout_has("Builds     2, 6 units\n");
}

#[test]
fn gc_says_what_it_would_remove() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    let dry = ["gc", "--max-size", "0B", "--dry-run"];
    let before = project.larder(&dry);
    before.success().stdout_has("would remove 3 results, ").stdout_has("; 0 stay, 0 B\n");
    before.stdout_has("unused for 0 minutes: app v0.1.0 (build script run)\n");
    let json = project.larder(&[&dry[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json.success().stdout).unwrap();
    assert_eq!((json["removed"].as_u64(), json["results"].as_array().unwrap().len()), (Some(3), 3));
    project.larder(&["build"]).success().stderr_has("3 units: 3 from the store");
    let done = project.larder(&["gc", "--max-size", "0B"]);
    done.success().stdout_has("removed 3 results, ");
    project.larder(&["build"]).success().stderr_has("3 executed");
}
