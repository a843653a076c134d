//! Toolchains that vanish with a mount.

use crate::lint::places::{is_cargo_home, is_rustup_home};
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "toolchain-in-mount",
    level: Level::Error,
    title: "cargo's or rustup's home is a cache mount, whole",
    reason: "The home has the programs: cargo itself, tools that were installed, the toolchains. In a mount they are not in the layer, are missing on another builder, and change under a build when another one updates them.",
    fix: "Mount `registry` and `git` below it, or set `CARGO_HOME` to a directory that has no programs.",
    bad: "FROM rust:1.95 AS build\nRUN --mount=type=cache,target=/usr/local/cargo cargo fetch --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nRUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked cargo fetch --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for (index, step, run) in document.runs() {
        for mount in run.mounts.iter().filter(|mount| mount.is("cache")) {
            let target = document.expanded(index, mount.target());
            if is_cargo_home(&target) || is_rustup_home(&target) {
                found.at(step.line, format!("`{}`", mount.target()));
            }
        }
    }
}
