//! Files with secrets in layers.

use crate::document::Kind;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "secret-copied",
    level: Level::Error,
    title: "a file with secrets is copied into a layer",
    reason: "A layer keeps the file even if a later one removes it, and whoever can pull the image or its cache can read it.",
    fix: "Mount it where it is needed: `RUN --mount=type=secret,id=credentials,target=/usr/local/cargo/credentials.toml`, or `--mount=type=ssh`.",
    bad: "FROM rust:1.95 AS build\nCOPY .cargo/credentials.toml /usr/local/cargo/\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nRUN --mount=type=secret,id=credentials,target=/usr/local/cargo/credentials.toml \\\n    cargo fetch --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    for step in subject.document.stages.iter().flat_map(|stage| &stage.steps) {
        let Kind::Copy(copy) = &step.kind else { continue };
        if let Some(source) = copy.sources.iter().find(|source| is_secret(source)) {
            found.at(step.line, format!("`{source}`"));
        }
    }
}

fn is_secret(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    let in_cargo = path.split('/').rev().nth(1).is_some_and(|dir| dir == ".cargo");
    matches!(
        name,
        ".netrc" | "_netrc" | ".git-credentials" | ".ssh" | ".env" | ".npmrc" | ".pypirc" | ".aws"
    ) || name.starts_with("id_rsa") && !name.ends_with(".pub")
        || name.starts_with("id_ed25519") && !name.ends_with(".pub")
        || (in_cargo && name.starts_with("credentials"))
}
