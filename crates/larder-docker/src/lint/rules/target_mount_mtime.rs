//! The trap that ships the wrong binary.

use crate::document::Kind;
use crate::lint::cargo_call::CargoCall;
use crate::lint::places::is_target;
use crate::lint::{Found, Level, Rule, Subject};
use crate::shell::Command;

pub(super) const RULE: Rule = Rule {
    id: "target-mount-mtime",
    level: Level::Error,
    title: "copied sources meet a `target` that outlives them",
    reason: "Cargo compares modification times. A reused `COPY` layer has those of whoever made it first, and a git context those of the commit: older than what is in the mount, so cargo compiles nothing and the image gets the binary of another commit.",
    fix: "Keep results in larder's store, which goes by content. With cargo, `touch` all sources in the `RUN` that builds.",
    bad: "FROM rust:1.95 AS build\nARG TARGETPLATFORM\nWORKDIR /app\nCOPY src src\nRUN --mount=type=cache,id=app-$TARGETPLATFORM,target=/app/target,sharing=locked \\\n    cargo build --locked && cp target/debug/app /\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nARG TARGETPLATFORM\nWORKDIR /app\nCOPY src src\nRUN --mount=type=cache,id=app-$TARGETPLATFORM,target=/app/target,sharing=locked \\\n    find src -type f -exec touch {} + && cargo build --locked && cp target/debug/app /\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for (index, step, run) in document.runs() {
        let builds = run.commands.iter().any(|command| {
            CargoCall::new(command).is_some_and(|call| call.builds()) || calls_cargo(command)
        });
        let touches = run.commands.iter().any(|c| c.program() == "touch" || c.has("touch"));
        let is_mounted = run.mounts.iter().any(|mount| is_target(document, index, mount));
        let is_copied = document.history(index).any(|other| {
            other.line < step.line
                && matches!(&other.kind, Kind::Copy(copy) if copy.from.is_none() && copy.sources.iter().any(|source| is_source(source)))
        });
        if builds && is_mounted && is_copied && !touches {
            found.at(step.line, "");
        }
    }
}

/// Whether a program builds the project by calling cargo.
fn calls_cargo(command: &Command) -> bool {
    let words: Vec<&str> = command.words.iter().map(String::as_str).take(3).collect();
    matches!(
        words.as_slice(),
        ["dx" | "trunk" | "wasm-pack" | "maturin", "build" | "bundle", ..]
            | ["cargo", "leptos" | "lambda" | "component" | "tauri" | "pgrx" | "dist", "build", ..]
    )
}

/// Whether a path may hold Rust sources: not a manifest, not a toolchain file.
fn is_source(path: &str) -> bool {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    !(name.ends_with(".toml")
        || name.ends_with(".lock")
        || name.ends_with(".json")
        || name.starts_with("rust-toolchain")
        || name.starts_with("Cargo.")
        || name == ".cargo"
        || name.ends_with(".sh"))
}
