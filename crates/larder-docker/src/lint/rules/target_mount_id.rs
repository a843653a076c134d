//! Target directories that builds for different platforms share.

use crate::lint::places::is_target;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "target-mount-id",
    level: Level::Warning,
    title: "the cache mount of `target` has no platform in its id",
    reason: "Ids are global on a builder, and the default one is the path: builds for other platforms, and other projects with the same path, write into the same directory and take each other's binaries.",
    fix: "`id=app-$TARGETPLATFORM`, after `ARG TARGETPLATFORM`; or keep results in larder's store, which all of them may share.",
    bad: "FROM rust:1.95 AS build\nWORKDIR /app\nRUN --mount=type=bind,target=/app,rw --mount=type=cache,target=/app/target,sharing=locked \\\n    cargo build --locked && cp target/debug/app /\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nARG TARGETPLATFORM\nWORKDIR /app\nRUN --mount=type=bind,target=/app,rw --mount=type=cache,id=app-$TARGETPLATFORM,target=/app/target,sharing=locked \\\n    cargo build --locked && cp target/debug/app /\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for (index, step, run) in document.runs() {
        for mount in run.mounts.iter().filter(|mount| is_target(document, index, mount)) {
            let id = mount.get("id").unwrap_or(mount.target());
            // Any variable may be the platform, under whatever name.
            let names = ["$", "amd64", "arm64", "x86_64", "aarch64"];
            if !names.iter().any(|name| id.contains(name)) {
                found.at(step.line, format!("`{id}`"));
            }
        }
    }
}
