//! Code that a future Rust will reject: cargo's warning at the end of a build,
//! for units that ran and for those from the store.

use crate::table::{QUICK, env, manifest};

/// The warning among what was printed.
fn warned(output: &larder_test::Output) -> Vec<String> {
    let lines = output.success().raw_stderr.lines();
    lines.filter(|line| line.contains("rejected by a future")).map(Into::into).collect()
}

#[test]
fn code_that_will_be_rejected_is_named_as_cargo_names_it() {
    let env = env();
    let old = "#![allow(semicolon_in_expressions_from_macros)]\n\
               macro_rules! truth { () => { true; } }\n\
               pub fn told() -> bool { let told = truth!(); told }\n";
    let project = env
        .project("later")
        .file("Cargo.toml", manifest("app", &format!("[dependencies]\nold = \"1\"\n\n{QUICK}")))
        .file("src/main.rs", format!("{old}fn main() {{ assert!(told() && old::told()); }}\n"))
        .file(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"vendor\"\n",
        )
        .file("vendor/old/Cargo.toml", manifest("old", "").replace("0.1.0", "1.0.0"))
        .file("vendor/old/.cargo-checksum.json", "{\"files\":{}}")
        .file("vendor/old/src/lib.rs", old)
        .build();
    let by_cargo = warned(&project.cargo(&["build", "--target-dir", "cargo-target"]));
    assert!(by_cargo[0].contains("Rust: app v0.1.0 (") && by_cargo[0].ends_with(", old v1.0.0"));
    // Executed, from the store, and the dependency from the store alone.
    for _ in 0..2 {
        let output = project.larder(&["build"]);
        assert_eq!(warned(&output), by_cargo);
        output.stderr_has("note: to see what the problems were, use the option `--future-incompat");
    }
    project.append("src/main.rs", "// edited\n");
    assert_eq!(warned(&project.larder(&["build"])), by_cargo);
    assert_eq!(warned(&project.larder(&["build", "-q"])), [""; 0]);
    let never = "future-incompat-report.frequency=\"never\"";
    assert_eq!(warned(&project.larder(&["build", "--config", never])), [""; 0]);
    assert_eq!(warned(&project.cargo(&["build", "--config", never])), [""; 0]);
    // The report itself is cargo's.
    project.larder(&["build", "--future-incompat-report"]).success().stderr_has("plain cargo runs");
}
