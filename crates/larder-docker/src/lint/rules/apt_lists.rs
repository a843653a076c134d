//! Package lists that stay in the image.

use crate::document::Kind;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "apt-lists",
    level: Level::Note,
    title: "apt's package lists stay in the image",
    reason: "The lists are tens of megabytes, are out of date soon, and nothing in the image reads them.",
    fix: "Remove them in the same `RUN`, or put a tmpfs there: `--mount=type=tmpfs,target=/var/lib/apt/lists`.",
    bad: "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libssl3\nUSER 1000\n",
    good: "FROM debian:bookworm-slim\nRUN --mount=type=tmpfs,target=/var/lib/apt/lists \\\n    apt-get update && apt-get install -y --no-install-recommends libssl3\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for step in document.history(document.last()) {
        let Kind::Run(run) = &step.kind else { continue };
        let mut calls = run
            .commands
            .iter()
            .filter(|c| matches!(c.program(), "apt-get" | "apt") && c.has("update"));
        let Some(update) = calls.next() else { continue };
        let is_mounted = run.mounts.iter().any(|mount| {
            mount.target().trim_end_matches('/').ends_with("apt/lists")
                || mount.target().trim_end_matches('/').ends_with("/lib/apt")
        });
        let removes = |words: &[String]| words.iter().any(|word| word.contains("/var/lib/apt"));
        let is_removed = run.commands.iter().any(|c| {
            matches!(c.program(), "rm" | "find") && removes(&c.words)
                || c.program() == "apt-get" && c.has("dist-clean")
        });
        if !is_mounted && !is_removed {
            found.at(update.line, "");
        }
    }
}
