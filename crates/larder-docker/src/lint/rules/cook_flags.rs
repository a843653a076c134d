//! Dependencies that are cooked in one shape and needed in another.

use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::places::targets_copied;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "cook-flags",
    level: Level::Error,
    title: "`cargo chef cook` and the build have different flags",
    reason: "Profile, target and features decide how dependencies are compiled. With others than the build's, the cooked layer is not used, and everything compiles twice.",
    fix: "Give both the same flags. `cargo larder plan -- COMMAND` takes them from the build itself.",
    bad: "FROM rust:1.95 AS chef\nWORKDIR /app\nFROM chef AS build\nCOPY recipe.json .\nRUN cargo chef cook --locked --release --recipe-path recipe.json\nCOPY . .\nRUN cargo build --locked --release --features tls\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS chef\nWORKDIR /app\nFROM chef AS build\nCOPY recipe.json .\nRUN cargo chef cook --locked --release --features tls --recipe-path recipe.json\nCOPY . .\nRUN cargo build --locked --release --features tls\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for stage in 0..document.stages.len() {
        let calls = CargoCall::of_history(document, stage);
        let copied = targets_copied(document, stage);
        let elsewhere: Vec<_> =
            copied.iter().flat_map(|(_, from)| CargoCall::of_history(document, *from)).collect();
        let own: Vec<usize> =
            CargoCall::of_stage(document, stage).iter().map(|(_, call)| call.line).collect();
        for (at, build) in
            calls.iter().filter(|(_, call)| call.builds() && own.contains(&call.line))
        {
            let cooked: Vec<_> = calls
                .iter()
                .filter(|(before, _)| before <= at)
                .chain(&elsewhere)
                .filter(|(_, call)| call.tool == Tool::ChefCook && call.line < build.line)
                .collect();
            let shape = build.expanded(document, stage).shape();
            let differences = cooked.iter().map(|(_, cook)| {
                (cook.line, shape.difference(&cook.expanded(document, stage).shape()))
            });
            // With several cooks, the build wants one of them.
            if let Some((line, differences)) = differences.min_by_key(|(_, d)| d.len())
                && !differences.is_empty()
            {
                found.at(build.line, format!("{} (line {line})", differences.join("; ")));
            }
        }
    }
}
