//! `dockerfile` and `lint` as a user runs them, and the Dockerfiles in the
//! documentation.

use larder_test::{Project, TestEnv};
use std::path::Path;

fn env() -> TestEnv {
    TestEnv::new().with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
}

/// A workspace with two binaries, one of them default.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("app")
        .file(
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             description = \"Says hello\"\nlicense = \"MIT\"\ndefault-run = \"app\"\n",
        )
        .file("Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n")
        .file("src/main.rs", "fn main() {}\n")
        .file("src/bin/another.rs", "fn main() {}\n")
        .build()
}

#[test]
fn a_written_file_has_no_findings_and_an_ignore_file() {
    let env = env();
    let project = project(&env);
    project.larder(&["dockerfile", "-o", "Dockerfile"]).success().stderr_has("Wrote");
    let text = project.read("Dockerfile");
    assert!(text.contains("--bin app --bin another"), "{text}");
    assert!(text.contains("ENTRYPOINT [\"/usr/local/bin/app\"]"), "{text}");
    assert!(text.contains("image.description=\"Says hello\""), "{text}");
    assert!(project.read(".dockerignore").contains("/target\n"));
    let linted = project.larder(&["lint"]);
    linted.success();
    assert_eq!(linted.stdout, "Dockerfile: nothing found\n");
    // What the user made of it stays.
    project.write(".dockerignore", "/target\nmine\n");
    project.larder(&["dockerfile", "-o", "Dockerfile"]).success().stderr_has("is left as it is");
    assert!(project.read(".dockerignore").contains("mine"));
}

#[test]
fn the_toolchain_file_decides_the_builder() {
    let env = env();
    let project = project(&env);
    project.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n");
    let written = project.larder(&["dockerfile"]);
    written.success();
    assert!(written.stdout.contains("FROM rust:1.95.0-slim-bookworm"), "{}", written.stdout);
    assert!(written.stdout.contains("--profile minimal"), "{}", written.stdout);
}

#[test]
fn what_makes_no_dockerfile_names_the_way_out() {
    let env = env();
    let project = project(&env);
    for (arguments, message) in [
        (&["--bin", "none"][..], "there is no binary `none`; there are: app, another"),
        (&["--base", "scratch", "--libc", "gnu"], "use `--libc musl`"),
        (&["--platform", "linux/z80"], "no platform that larder knows"),
        (&["--cache", "remote"], "larder has no remote stores yet"),
        (&["--cache", "remote"], "--cache-to type=registry,ref=IMAGE,mode=max"),
    ] {
        let mut line = vec!["dockerfile"];
        line.extend(arguments);
        let output = project.larder(&line);
        assert_eq!(output.status.code(), Some(1), "{}", output.all());
        output.stderr_has(message);
    }
}

#[test]
fn findings_have_a_place_a_reason_and_a_fix() {
    let env = env();
    let project = project(&env);
    project.write(
        "Dockerfile",
        "FROM rust AS b\nCOPY . .\nRUN cargo build --release\nFROM scratch\nUSER 1\n",
    );
    let human = project.larder(&["lint"]);
    assert_eq!(human.status.code(), Some(101), "{}", human.all());
    for part in ["Dockerfile:1: warning:", "[latest-tag]", "Dockerfile:3:", "[not-locked]", "fix: "]
    {
        assert!(human.stdout.contains(part), "{part}\n{}", human.stdout);
    }
    let json = project.larder(&["lint", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json[0]["rule"], &json[0]["line"]), (&"latest-tag".into(), &1.into()));
    let sarif = project.larder(&["lint", "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "latest-tag");
    project.larder(&["lint", "none"]).stderr_has("`cargo larder dockerfile -o none` writes one");
}

/// Every Dockerfile below docs/, made anew by the command in the comment above it.
#[test]
fn dockerfiles_in_the_documentation_are_the_generators() {
    let env = env();
    let project = project(&env);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let found: Vec<(&str, usize)> = ["docker.md", "from-cargo-chef.md", "ci.md", "guide.md"]
        .into_iter()
        .map(|page| (page, keep(&project, &docs.join(page))))
        .collect();
    let expected = [("docker.md", 3), ("from-cargo-chef.md", 1), ("ci.md", 0), ("guide.md", 0)];
    assert_eq!(found, expected);
}

/// Checks the Dockerfiles of a page, or writes them; says how many there are.
#[expect(clippy::disallowed_methods, reason = "asks whether to write the page")]
fn keep(project: &Project<'_>, path: &Path) -> usize {
    let page = fs_err::read_to_string(path).expect("the page");
    let mut current = String::new();
    let mut lines = page.lines();
    let mut found = 0;
    while let Some(line) = lines.next() {
        current.push_str(&format!("{line}\n"));
        let command = line.strip_prefix("<!-- cargo larder ").and_then(|l| l.strip_suffix(" -->"));
        let Some(command) = command else {
            assert_ne!(line, "```dockerfile", "no command is above it in {}", path.display());
            continue;
        };
        assert_eq!(lines.next(), Some("```dockerfile"));
        lines.find(|line| *line == "```").expect("the end of the block");
        let words: Vec<&str> = command.split(' ').collect();
        let written = project.larder(&words);
        written.success();
        current.push_str(&format!("```dockerfile\n{}```\n", written.raw_stdout));
        found += 1;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(path, &current).expect("the page");
    }
    let page = fs_err::read_to_string(path).expect("the page");
    assert!(page == current, "run `UPDATE_DOCS=1 cargo test -p cargo-larder --test dockerfile`");
    found
}
