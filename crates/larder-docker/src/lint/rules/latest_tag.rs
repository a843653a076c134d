//! Images that are another one tomorrow.

use crate::document::Kind;
use crate::lint::places::{is_stage, rust_tag};
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "latest-tag",
    level: Level::Warning,
    title: "an image without a version",
    reason: "Without a tag, or with `latest`, the same Dockerfile builds with another compiler or another C library tomorrow, and every layer is made anew.",
    fix: "Name a version: `rust:1.95-slim-bookworm`.",
    bad: "FROM rust AS build\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95-slim-bookworm AS build\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let stages = &subject.document.stages;
    for (index, stage) in stages.iter().enumerate() {
        if stage.parent.is_none() {
            report(found, stage.line, &stage.base);
        }
        for step in &stage.steps {
            if let Kind::Copy(copy) = &step.kind
                && let Some(from) = &copy.from
                // A name alone is a stage, or a named context.
                && from.contains(['/', ':'])
                && !is_stage(stages, index, from)
            {
                report(found, step.line, &subject.document.expanded(index, from));
            }
        }
    }
}

fn report(found: &mut Found, line: usize, image: &str) {
    if image == "scratch" || image.contains('$') || image.contains('@') || image.is_empty() {
        return;
    }
    // The system, or the program, but not Rust's version: `rust:bookworm`,
    // `cargo-chef:latest-rust-alpine`.
    let floats = rust_tag(image).is_some_and(|tag| !tag.starts_with(|c: char| c.is_ascii_digit()));
    // A colon before a slash is a port.
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':') {
        None => found.at(line, format!("`{image}`")),
        Some((_, tag)) if tag == "latest" || tag.is_empty() || floats => {
            found.at(line, format!("`{image}`"));
        }
        Some(_) => {}
    }
}
