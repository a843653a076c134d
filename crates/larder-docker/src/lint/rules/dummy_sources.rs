//! Sources that are there only so that dependencies compile.

use crate::lint::cargo_call::CargoCall;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "dummy-sources",
    level: Level::Warning,
    title: "an empty program is compiled in place of the project",
    reason: "Cargo goes by modification times: if the real sources are older than the dummy's build, the image gets the dummy. Members, build scripts and new targets have to be repeated by hand.",
    fix: "Build dependencies from a plan: `cargo larder plan` and `cargo larder cook` compile them without any source of the project.",
    bad: "FROM rust:1.95 AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock ./\nRUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --locked --release\nCOPY src src\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nWORKDIR /app\nCOPY larder.plan .\nRUN cargo larder cook larder.plan\nCOPY src src\nRUN cargo larder build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    if !CargoCall::all(subject.document).iter().any(CargoCall::builds) {
        return;
    }
    for (_, _, run) in subject.document.runs() {
        for command in &run.commands {
            let is_source = |path: &str| {
                path.ends_with("main.rs") || path.ends_with("lib.rs") || path.ends_with("build.rs")
            };
            let writes = command.redirects.iter().any(|path| is_source(path))
                && matches!(command.program(), "echo" | "printf" | "cat" | "tee" | ":");
            let is_empty = command.words.iter().any(|word| {
                let text: String = word.chars().filter(|c| !c.is_whitespace()).collect();
                text.contains("fnmain(){}") || text.contains("fnmain(){println!") || text.len() <= 2
            });
            // `cargo new` writes the dummy too, where nothing else is made of it.
            let is_new = command.program() == "cargo"
                && command.words.get(1).is_some_and(|word| word == "new" || word == "init");
            if is_new || writes && (is_empty || command.words.len() <= 2) {
                found.at(command.line, "");
                break;
            }
        }
    }
}
