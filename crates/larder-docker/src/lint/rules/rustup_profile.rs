//! Toolchains with documentation.

use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "rustup-profile",
    level: Level::Warning,
    title: "rustup installs more than a build needs",
    reason: "Rustup's default profile has the documentation, rustfmt and clippy: hundreds of megabytes in the layer.",
    fix: "`--profile minimal`.",
    bad: "FROM debian:bookworm-slim AS build\nRUN rustup-init -y --default-toolchain 1.95\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM debian:bookworm-slim AS build\nRUN rustup-init -y --default-toolchain 1.95 --profile minimal\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    for (_, _, run) in subject.document.runs() {
        let mut from_rustup = false;
        for command in &run.commands {
            let words = &command.words;
            let names_rustup = words
                .iter()
                .any(|w| w.contains("sh.rustup.rs") || w.contains("static.rust-lang.org/rustup"));
            let program = command.program();
            let is_init = program.starts_with("rustup-init")
                || program.starts_with("rustup.sh")
                || (matches!(program, "sh" | "bash") && from_rustup);
            let runs_init = is_init
                && words.iter().any(|word| {
                    word.starts_with("-y")
                        || word.starts_with("-qy")
                        || word == "--default-toolchain"
                });
            from_rustup = names_rustup && command.piped;
            let value = profile(words);
            let is_full = matches!(value, Some("default" | "complete"));
            let is_install = program == "rustup" && command.has("install");
            if (runs_init && value.is_none()) || ((runs_init || is_install) && is_full) {
                found.at(command.line, "");
            }
        }
    }
}

fn profile(words: &[String]) -> Option<&str> {
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "--profile" {
            return words.next();
        }
        if let Some(value) = word.strip_prefix("--profile=") {
            return Some(value);
        }
    }
    None
}
