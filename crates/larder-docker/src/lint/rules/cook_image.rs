//! Dependencies that another image's compiler compiled.

use crate::document::Document;
use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::places::targets_copied;
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
    if one == other || one.contains(['$', '@']) || other.contains(['$', '@']) {
        return false;
    }
    // Both without a version: perhaps the same one, today.
    let versions = match (version(one), version(other)) {
        (Some(one), Some(other)) => !(one.starts_with(other) || other.starts_with(one)),
        (None, None) => false,
        _ => true,
    };
    versions || one.contains("alpine") != other.contains("alpine")
}

/// Rust's version in an image's tag: `rust:1.95-slim`, `cargo-chef:0.1-rust-1.95`.
fn version(image: &str) -> Option<&str> {
    let name = image.rsplit('/').next()?;
    let tag = name.split_once(':')?.1;
    let tag = tag.rsplit_once("rust-").map_or(tag, |(_, version)| version);
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let end = tag.find(|c| !is_part(c)).unwrap_or(tag.len());
    (end > 0).then_some(&tag[..end])
}
