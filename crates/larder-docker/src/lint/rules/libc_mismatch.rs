//! Binaries whose C library is not in the image.

use crate::document::{Document, Kind};
use crate::lint::cargo_call::CargoCall;
use crate::lint::places::rust_tag;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "libc-mismatch",
    level: Level::Error,
    title: "the binary wants a C library that the image does not have",
    reason: "A binary that was linked with glibc starts only where a glibc at least as new is: not on Alpine, not in an empty image, not on an older Debian. The error is `not found`, or `version GLIBC_… not found`.",
    fix: "Build for musl (`--target x86_64-unknown-linux-musl`), or use a base of the same Debian release.",
    bad: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock src ./\nRUN cargo build --locked --release\nFROM alpine:3.22\nCOPY --from=build /app/target/release/app /usr/local/bin/\nUSER 1000\n",
    good: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock src ./\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nCOPY --from=build /app/target/release/app /usr/local/bin/\nUSER 1000\n",
    check,
};

/// Debian releases, the oldest first.
const RELEASES: &[&str] = &["stretch", "buster", "bullseye", "bookworm", "trixie", "forky"];

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    let last = document.last();
    let image = document.image(last);
    for step in document.history(last) {
        let Kind::Copy(copy) = &step.kind else { continue };
        let is_binary = |source: &String| {
            source.contains("/release/") && !source.contains("musl") && !source.ends_with(".so")
        };
        let Some(from) = copy.from.as_deref().and_then(|name| document.stage(name)) else {
            continue;
        };
        if !copy.sources.iter().any(is_binary) || !builds_for_gnu(document, from) {
            continue;
        }
        let builder = document.image(from);
        if is_without_glibc(image) {
            found.at(step.line, format!("built on `{builder}`, put on `{image}`"));
        } else if let (Some(older), Some(newer)) = (release(image), release(builder))
            && older < newer
        {
            found
                .at(step.line, format!("built on {}, put on {}", RELEASES[newer], RELEASES[older]));
        }
    }
}

/// Whether the stage builds on a Debian, for nothing but that.
fn builds_for_gnu(document: &Document, stage: usize) -> bool {
    let image = document.image(stage);
    let is_debian =
        image.starts_with("rust:") && !image.contains("alpine") || release(image).is_some();
    let all = document.text.to_ascii_lowercase();
    is_debian
        && !all.contains("musl")
        && !all.contains("crt-static")
        && !all.contains("--target")
        && !all.contains("cargo_build_target")
        && CargoCall::of_history(document, stage).iter().any(|(_, call)| call.builds())
}

fn is_without_glibc(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    image == "scratch"
        || name.starts_with("alpine")
        || name.contains("-alpine")
        || image.contains("distroless/static")
}

/// The release that Rust's own images stand on where their tag names none:
/// bullseye since 1.56 (rust-lang/docker-rust#89), bookworm since 1.71, trixie
/// since 1.90 (docker-library/official-images#19730).
fn default_release(image: &str) -> Option<usize> {
    let minor = rust_tag(image)?.strip_prefix("1.").map_or(Some(u32::MAX), |rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })?;
    let name = match minor {
        90.. => "trixie",
        71.. => "bookworm",
        56.. => "bullseye",
        _ => return None,
    };
    RELEASES.iter().position(|release| *release == name)
}

fn release(image: &str) -> Option<usize> {
    let by_number = [("debian:10", 1), ("debian:11", 2), ("debian:12", 3), ("debian:13", 4)];
    RELEASES
        .iter()
        .position(|name| image.contains(name))
        .or_else(|| by_number.iter().find(|(tag, _)| image.starts_with(tag)).map(|(_, at)| *at))
        .or_else(|| {
            let distroless = image.contains("distroless");
            (10..=13).find(|n| distroless && image.contains(&format!("debian{n}"))).map(|n| n - 9)
        })
        .or_else(|| default_release(image).filter(|_| !image.contains("alpine")))
}
