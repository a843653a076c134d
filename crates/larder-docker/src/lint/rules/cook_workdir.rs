//! Dependencies that are cooked in another directory.

use crate::document::Kind;
use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "cook-workdir",
    level: Level::Error,
    title: "`cargo chef cook` runs in another directory than the build",
    reason: "What was cooked is in `target` of that directory, so the build does not find it, and everything compiles twice.",
    fix: "Use one `WORKDIR` for both.",
    bad: "FROM rust:1.95 AS build\nWORKDIR /cook\nCOPY recipe.json .\nRUN cargo chef cook --locked --release\nWORKDIR /app\nCOPY . .\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nWORKDIR /app\nCOPY recipe.json .\nRUN cargo chef cook --locked --release\nCOPY . .\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for stage in 0..document.stages.len() {
        let calls = CargoCall::of_history(document, stage);
        let Some((cooked, _)) = calls.iter().find(|(_, call)| call.tool == Tool::ChefCook) else {
            continue;
        };
        let Some((built, build)) =
            calls.iter().rev().find(|(at, call)| call.builds() && at >= cooked)
        else {
            continue;
        };
        // A target directory of its own, or copied artifacts, and it may fit.
        let is_elsewhere = document.history(stage).any(|step| match &step.kind {
            Kind::Env(pairs) => pairs.iter().any(|(name, _)| name == "CARGO_TARGET_DIR"),
            Kind::Copy(copy) => {
                copy.sources.iter().any(|s| s.trim_end_matches('/').ends_with("/target"))
            }
            _ => false,
        });
        if is_elsewhere || build.has("--target-dir") || build.has("--manifest-path") {
            continue;
        }
        let workdir = |until: usize| {
            let mut dir = String::from("/");
            for step in document.history(stage).take(until) {
                if let Kind::Workdir(next) = &step.kind {
                    let next = document.expanded(stage, next);
                    dir = if next.starts_with('/') {
                        next
                    } else {
                        format!("{}/{next}", dir.trim_end_matches('/'))
                    };
                }
            }
            dir.trim_end_matches('/').to_owned()
        };
        let (one, two) = (workdir(*cooked), workdir(*built));
        // A workspace's member is built in a directory below.
        if one != two && !two.starts_with(&format!("{one}/")) {
            found.at(build.line, format!("cooked in `{one}`, built in `{two}`"));
        }
    }
}
