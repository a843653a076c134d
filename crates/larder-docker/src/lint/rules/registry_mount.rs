//! Downloads that several builds unpack at once.

use crate::lint::places::is_registry;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "registry-mount",
    level: Level::Note,
    title: "cargo's downloads are shared without its lock",
    reason: "Cargo's lock is a file in its home, beside `registry` and `git`. If only these are mounted, each build has a lock of its own, and two that run at once unpack the same crate into the same place.",
    fix: "Add `sharing=locked`, or mount all of a `CARGO_HOME` that holds nothing else: then the lock is shared too.",
    bad: "FROM rust:1.95 AS build\nWORKDIR /app\nRUN --mount=type=cache,target=/usr/local/cargo/registry \\\n    cargo fetch --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nWORKDIR /app\nRUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \\\n    cargo fetch --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    for (_, step, run) in subject.document.runs() {
        let is_unlocked = |mount: &&crate::document::Mount| {
            mount.is("cache")
                && is_registry(mount.target())
                && matches!(mount.get("sharing"), None | Some("shared"))
        };
        if let Some(mount) = run.mounts.iter().find(is_unlocked) {
            found.at(step.line, format!("`{}`", mount.target()));
        }
    }
}
