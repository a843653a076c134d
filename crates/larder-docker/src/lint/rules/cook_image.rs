//! Dependencies that another image's compiler compiled.

use crate::document::Document;
use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::places::{rust_tag, targets_copied};
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "cook-image",
    level: Level::Error,
    title: "`target` comes from an image with another compiler",
    reason: "Cargo reuses what the same compiler made, on the same C library. What another image's made is compiled again, and the cooked layer is only carried along.",
    fix: "Start both stages from one image: `FROM rust:1.95 AS chef`, then `FROM chef AS …`.",
    bad: "FROM rust:1.94 AS cook\nWORKDIR /app\nCOPY recipe.json .\nRUN cargo chef cook --locked\nFROM rust:1.95 AS build\nWORKDIR /app\nCOPY --from=cook /app/target target\nCOPY . .\nRUN cargo build --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS cook\nWORKDIR /app\nCOPY recipe.json .\nRUN cargo chef cook --locked\nFROM rust:1.95 AS build\nWORKDIR /app\nCOPY --from=cook /app/target target\nCOPY . .\nRUN cargo build --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for stage in 0..document.stages.len() {
        for (line, from) in targets_copied(document, stage) {
            let cooks = |call: &CargoCall| call.tool == Tool::ChefCook || call.builds();
            let cooked = CargoCall::of_history(document, from).iter().any(|(_, call)| cooks(call));
            let built = CargoCall::of_history(document, stage)
                .iter()
                .any(|(_, call)| call.builds() && call.line > line);
            if cooked && built && surely_differ(document, from, stage) {
                let (there, here) = (document.image(from), document.image(stage));
                found.at(line, format!("`{there}` there, `{here}` here"));
            }
        }
    }
}

fn surely_differ(document: &Document, one: usize, other: usize) -> bool {
    let (one, other) = (document.image(one), document.image(other));
    let (Some(one), Some(other)) = (rust_tag(one), rust_tag(other)) else { return false };
    let versions = match (version(one), version(other)) {
        // Both without a version: perhaps the same one, today.
        ("", "") => false,
        ("", _) | (_, "") => true,
        (one, other) => !(one.starts_with(other) || other.starts_with(one)),
    };
    versions || one.contains("alpine") != other.contains("alpine")
}

/// `1.95.0` of `1.95.0-slim`; nothing of `bookworm`.
fn version(tag: &str) -> &str {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    tag.split(|c| !is_part(c)).next().unwrap_or_default()
}
