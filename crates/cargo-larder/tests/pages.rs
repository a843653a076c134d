//! Pages of the documentation whose `cargo larder` commands are run, one after
//! the other, in a small project.

use larder_test::{Project, TestEnv};
use std::path::Path;

/// `app`, with one dependency in git.
fn project(env: &TestEnv) -> Project<'_> {
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}")
    };
    let upstream = env
        .project("upstream")
        .file("Cargo.toml", package("ext", ""))
        .file("src/lib.rs", "pub fn word() -> &'static str {\n    \"word\"\n}\n")
        .build();
    for args in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "ext"]] {
        env.run(upstream.command("git").args(args)).success();
    }
    let dependency =
        format!("\n[dependencies]\next.git = \"file://{}\"\n", upstream.root().display());
    let project = env
        .project("app")
        .file("Cargo.toml", package("app", &dependency))
        .file("src/main.rs", "fn main() {\n    println!(\"{}\", ext::word());\n}\n")
        .build();
    project.cargo(&["generate-lockfile"]).success();
    project
}

/// Every line of a fenced block that is a command of larder, without what a
/// prompt or a list puts before it.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut language = None;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("```") {
            language = if language.is_some() { None } else { Some(rest.to_owned()) };
        } else if matches!(language.as_deref(), Some("console" | "sh" | "yaml")) {
            let line = line.trim_start().trim_start_matches("- ").trim_start_matches("run: ");
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if line.starts_with("cargo larder ") {
                commands.push(line.to_owned());
            }
        }
    }
    commands
}

/// Runs all commands of a page; returns how many.
fn run(env: &TestEnv, name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let commands = commands(&fs_err::read_to_string(path).expect("the page"));
    let project = project(env);
    for command in &commands {
        env.run(project.command("sh").arg("-c").arg(command)).success();
    }
    commands.len()
}

/// A machine with `cargo larder` in `PATH`.
fn env() -> TestEnv {
    let larder = Path::new(env!("CARGO_BIN_EXE_cargo-larder"));
    let env = TestEnv::new().with_larder(larder).online();
    let mut path = larder.parent().expect("its directory").as_os_str().to_owned();
    if let Some(rest) = env.vars().get(std::ffi::OsStr::new("PATH")) {
        path.push(":");
        path.push(rest);
    }
    let summary = env.root().join("summary.md");
    env.with("PATH", path).with("GITHUB_STEP_SUMMARY", summary)
}

#[test]
fn from_cargo_chef() {
    assert_eq!(run(&env(), "from-cargo-chef.md"), 11);
}

#[test]
fn continuous_integration() {
    let env = env();
    assert_eq!(run(&env, "ci.md"), 16);
    assert!(env.root().join("summary.md").is_file());
}
