//! Variables that change between cooking and building.

use crate::document::Kind;
use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "cook-variables",
    level: Level::Error,
    title: "a variable that changes compilation is set after the dependencies were cooked",
    reason: "Flags of the compiler, profiles and targets from the environment count like those of the command line: the cooked layer was built without them, and everything compiles twice.",
    fix: "Set it before `cargo chef cook`.",
    bad: "FROM rust:1.95 AS build\nWORKDIR /app\nCOPY recipe.json .\nRUN cargo chef cook --locked --release\nCOPY . .\nENV RUSTFLAGS=\"-C target-cpu=x86-64-v3\"\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nWORKDIR /app\nENV RUSTFLAGS=\"-C target-cpu=x86-64-v3\"\nCOPY recipe.json .\nRUN cargo chef cook --locked --release\nCOPY . .\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn counts(name: &str) -> bool {
    matches!(
        name,
        "RUSTFLAGS" | "CARGO_ENCODED_RUSTFLAGS" | "CARGO_BUILD_TARGET" | "CARGO_BUILD_RUSTFLAGS"
    ) || name.starts_with("CARGO_PROFILE_")
        || (name.starts_with("CARGO_TARGET_") && name.ends_with("_RUSTFLAGS"))
}

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for stage in 0..document.stages.len() {
        let calls = CargoCall::of_history(document, stage);
        let Some((cooked, cook)) = calls.iter().find(|(_, call)| call.tool == Tool::ChefCook)
        else {
            continue;
        };
        let Some((built, build)) =
            calls.iter().rev().find(|(at, call)| call.builds() && at >= cooked)
        else {
            continue;
        };
        for (at, step) in document.history(stage).enumerate() {
            if let Kind::Env(pairs) = &step.kind
                && (cooked..built).contains(&&at)
            {
                for (name, _) in pairs.iter().filter(|(name, _)| counts(name)) {
                    found.at(step.line, format!("`{name}`"));
                }
            }
        }
        let of = |call: &CargoCall| {
            call.assignments.iter().filter(|(name, _)| counts(name)).cloned().collect::<Vec<_>>()
        };
        if of(cook) != of(build)
            && let Some((name, _)) = of(build).first().or(of(cook).first())
        {
            found.at(build.line, format!("`{name}` is not that of line {}", cook.line));
        }
    }
}
