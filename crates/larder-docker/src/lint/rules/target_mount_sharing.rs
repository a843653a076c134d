//! Target directories that builds change under each other.

use crate::lint::places::is_target;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "target-mount-sharing",
    level: Level::Warning,
    title: "the cache mount of `target` is shared by builds that run at once",
    reason: "Cargo's own lock ends with cargo: before the binary is copied out, another build may have put its own there.",
    fix: "`sharing=locked`; or keep results in larder's store, which builds may share at once.",
    bad: "FROM rust:1.95 AS build\nARG TARGETPLATFORM\nRUN --mount=type=bind,target=/app,rw --mount=type=cache,id=app-$TARGETPLATFORM,target=/app/target \\\n    cargo build --locked && cp target/debug/app /\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nARG TARGETPLATFORM\nRUN --mount=type=bind,target=/app,rw --mount=type=cache,id=app-$TARGETPLATFORM,target=/app/target,sharing=locked \\\n    cargo build --locked && cp target/debug/app /\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for (index, step, run) in document.runs() {
        for mount in run.mounts.iter().filter(|mount| is_target(document, index, mount)) {
            if matches!(mount.get("sharing"), None | Some("shared")) {
                found.at(step.line, format!("`{}`", mount.target()));
            }
        }
    }
}
