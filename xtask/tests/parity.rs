//! The recorder changes nothing that cargo or a build script could notice, and
//! writes down everything.
#![expect(clippy::unwrap_used, reason = "a test fails where a recording is not as it should be")]

use larder_test::{Output, Project, TestEnv};
use serde_json::Value;

const BUILD_SCRIPT: &str = r#"
fn main() {
    // What only the recorder brings must not be seen.
    for name in ["RUSTC_WRAPPER", "LARDER_RECORD_DIR", "LARDER_RECORD_STUB"] {
        assert!(std::env::var_os(name).is_none(), "{name} leaked");
    }
    let rustdoc = std::env::var("RUSTDOC").unwrap();
    assert!(!rustdoc.contains("larder"), "{rustdoc} leaked");
    let argv0 = std::env::args().next().unwrap();
    assert!(argv0.ends_with("build-script-build"), "{argv0}");
    // The jobserver's descriptors are inherited.
    #[cfg(target_os = "linux")]
    if let Some(fds) = std::env::var("CARGO_MAKEFLAGS").unwrap().split("--jobserver-auth=").nth(1) {
        if let Some((read, _)) = fds.split(' ').next().unwrap().split_once(',') {
            assert!(std::path::Path::new(&format!("/proc/self/fd/{read}")).exists(), "no descriptor {read}");
        }
    }
    println!("cargo::rustc-env=FROM_SCRIPT=seen");
    println!("cargo::warning=a warning");
    eprintln!("on standard error");
}
"#;

fn fixture(env: &TestEnv) -> Project<'_> {
    env.project("scripted")
        .package("scripted")
        .file("build.rs", BUILD_SCRIPT)
        .file("src/lib.rs", "//! ```\n//! assert_eq!(scripted::SEEN, \"seen\");\n//! ```\npub const SEEN: &str = env!(\"FROM_SCRIPT\");\n")
        .build()
}

fn record(project: &Project<'_>, command: &[&str]) -> (Output, Value) {
    let env = TestEnv::at(project.root().parent().unwrap());
    let output = project.path("../recorded");
    let mut xtask = project.command(env!("CARGO_BIN_EXE_xtask"));
    xtask
        .args(["parity", "--record-only", "--manifest-path", "Cargo.toml", "--output"])
        .arg(&output);
    let printed = env.run(xtask.arg("--").args(command));
    let text = std::fs::read(output.join("recording.json")).unwrap_or_default();
    (printed, serde_json::from_slice(&text).unwrap_or_default())
}

fn crates(recording: &Value) -> Vec<String> {
    let calls = recording["rustc"].as_array().unwrap();
    let name = |call: &Value| {
        let args = call["args"].as_array().unwrap();
        let at = args.iter().position(|arg| arg == "--crate-name").unwrap();
        args[at + 1].as_str().unwrap().to_owned()
    };
    calls.iter().map(name).collect()
}

#[test]
fn a_build_is_recorded() {
    let env = TestEnv::new();
    let (printed, recording) = record(&fixture(&env), &["cargo", "build"]);
    printed
        .success()
        .stdout_has("recorded 2 compiler calls, 1 build-script runs")
        .stderr_has("a warning");
    assert_eq!(crates(&recording), ["build_script_build", "scripted"]);
    let run = &recording["runs"][0];
    assert_eq!(run["exit"], 0);
    assert_eq!(run["stdout"], "cargo::rustc-env=FROM_SCRIPT=seen\ncargo::warning=a warning\n");
    assert_eq!(run["stderr"], "on standard error\n");
    assert_eq!(run["env"]["CARGO_PKG_NAME"], "scripted");
    assert_eq!(run["env"].get("LARDER_RECORD_DIR"), None);
    assert_eq!(recording["rustc"][1]["env"]["FROM_SCRIPT"], "seen");
    assert_eq!(recording["rustc"][1]["env"].get("RUSTC_WRAPPER"), None);
    let messages = recording["messages"].as_array().unwrap();
    assert!(messages.iter().any(|message| message["reason"] == "build-script-executed"));
}

#[test]
fn doctests_are_recorded() {
    let env = TestEnv::new();
    let (printed, recording) = record(&fixture(&env), &["cargo", "test"]);
    printed.success();
    let programs: Vec<&str> = recording["rustc"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["program"].as_str().unwrap())
        .collect();
    assert_eq!(programs.iter().filter(|program| **program == "rustdoc").count(), 1, "{programs:?}");
}

#[test]
fn clippy_is_recorded_with_the_compiler_that_it_wraps() {
    let env = TestEnv::new();
    let (printed, recording) = record(&fixture(&env), &["cargo", "clippy"]);
    printed.success();
    let last = recording["rustc"].as_array().unwrap().last().unwrap();
    assert!(last["program"].as_str().unwrap().ends_with("clippy-driver"), "{last}");
    assert!(last["wrapped"].as_str().unwrap().ends_with("rustc"), "{last}");
}

#[test]
fn a_failing_build_script_fails_the_build() {
    let env = TestEnv::new();
    let project = fixture(&env);
    project.write("build.rs", "fn main() { eprintln!(\"no luck\"); std::process::exit(3) }\n");
    let (printed, _) = record(&project, &["cargo", "build"]);
    printed.code(1).stderr_has("exit status: 3").stderr_has("no luck");
}

#[test]
fn a_build_script_that_is_killed_is_seen_as_killed() {
    let env = TestEnv::new();
    let project = fixture(&env);
    project.write("build.rs", "fn main() { std::process::abort() }\n");
    let (printed, _) = record(&project, &["cargo", "build"]);
    printed.code(1).stderr_has("signal: 6");
}

fn parity(project: &Project<'_>, flags: &[&str], command: &[&str]) -> Output {
    let env = TestEnv::at(project.root().parent().unwrap());
    let mut xtask = project.command(env!("CARGO_BIN_EXE_xtask"));
    xtask.args(["parity", "--manifest-path", "Cargo.toml", "--output"]);
    xtask.arg(project.path("../recorded")).args(flags).arg("--").args(command);
    env.run(&mut xtask)
}

#[test]
fn a_plan_is_compared_whether_everything_is_compiled_or_not() {
    let env = TestEnv::new();
    let project = fixture(&env);
    project.write("src/main.rs", "fn main() { println!(\"{}\", scripted::SEEN) }\n");
    let command = ["cargo", "build"];
    parity(&project, &[], &command).success().stdout_has("units 4, differing 0");
    assert!(project.path("../recorded/target/debug/scripted").is_file());
    parity(&project, &["--shallow"], &command).success().stdout_has("units 4, differing 0");
    assert!(!project.path("../recorded/target/debug/scripted").exists());
}
