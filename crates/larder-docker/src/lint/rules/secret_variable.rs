//! Secrets in the metadata of an image.

use crate::document::Kind;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "secret-variable",
    level: Level::Error,
    title: "a secret is in a variable of the image",
    reason: "The values of `ENV`, and of `ARG` where a `RUN` sees it, are in the image's history, in provenance and in exported caches.",
    fix: "`RUN --mount=type=secret,id=token,env=CARGO_REGISTRIES_PRIVATE_TOKEN …`.",
    bad: "FROM rust:1.95 AS build\nARG CARGO_REGISTRIES_PRIVATE_TOKEN\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nRUN --mount=type=secret,id=token,env=CARGO_REGISTRIES_PRIVATE_TOKEN cargo fetch --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

/// Parts of names, between underscores.
const SECRET: &[&str] = &["TOKEN", "PASSWORD", "PASSWD", "SECRET", "SECRETS", "CREDENTIALS", "PAT"];

/// Endings that say that it is not the secret itself.
const NOT_ITSELF: &[&str] =
    &["FILE", "PATH", "DIR", "ID", "NAME", "URL", "PROVIDER", "TTL", "EXPIRY", "LENGTH"];

fn check(subject: &Subject<'_>, found: &mut Found) {
    for step in subject.document.stages.iter().flat_map(|stage| &stage.steps) {
        let pairs = match &step.kind {
            Kind::Arg(pairs) => pairs.as_slice(),
            Kind::Env(pairs) => pairs.as_slice(),
            _ => continue,
        };
        let is_env = matches!(step.kind, Kind::Env(_));
        for (name, value) in pairs {
            // An empty variable is a place for the one who runs the image.
            let is_empty = is_env && value.as_deref().is_none_or(str::is_empty);
            if is_secret(name) && !is_empty {
                found.at(step.line, format!("`{name}`"));
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let parts: Vec<&str> = name.split('_').collect();
    let last = parts.last().copied().unwrap_or_default();
    let key = |one: &str, two: &str| parts.windows(2).any(|pair| pair == [one, two]);
    !NOT_ITSELF.contains(&last)
        && (parts.iter().any(|part| SECRET.contains(part))
            || key("API", "KEY")
            || key("PRIVATE", "KEY")
            || key("ACCESS", "KEY")
            || key("SSH", "KEY"))
}
