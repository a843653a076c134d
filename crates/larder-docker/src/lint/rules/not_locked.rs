//! Versions that the lock file does not decide.

use crate::document::Kind;
use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "not-locked",
    level: Level::Warning,
    title: "the lock file may be ignored",
    reason: "Without `--locked`, a lock file that does not fit, or that was not copied, is rewritten in silence: the image gets versions that nobody tested. `cargo install` takes the newest ones that fit.",
    fix: "Add `--locked`.",
    bad: "FROM rust:1.95 AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock src ./\nRUN cargo build --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock src ./\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    // The one way to say it once for all.
    let is_set = subject.document.stages.iter().flat_map(|stage| &stage.steps).any(|step| {
        matches!(&step.kind, Kind::Env(pairs) if pairs.iter().any(|(name, _)| name == "CARGO_RESOLVER_LOCKFILE_PATH"))
    });
    for call in CargoCall::all(subject.document) {
        let counts = matches!(
            call.tool,
            Tool::Build
                | Tool::InstallPath
                | Tool::Install
                | Tool::ChefCook
                | Tool::Fetch
                | Tool::LarderPlan
        );
        let is_locked = call.has("--locked") || call.has("--frozen") || call.has("--list");
        if counts && !is_locked && !is_set {
            found.at(call.line, "");
        }
    }
}
