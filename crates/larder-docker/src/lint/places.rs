//! Directories that rules know: those of cargo and rustup, and of a build.

use crate::document::{Document, Kind, Mount, Stage};

/// Whether a path is one of cargo's homes, whole.
pub(super) fn is_cargo_home(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == "/usr/local/cargo"
        || path == "$CARGO_HOME"
        || path == "${CARGO_HOME}"
        || path.ends_with("/.cargo")
}

/// Whether a path is one of rustup's homes, or in it.
pub(super) fn is_rustup_home(path: &str) -> bool {
    path.starts_with("/usr/local/rustup")
        || path.starts_with("$RUSTUP_HOME")
        || path.starts_with("${RUSTUP_HOME}")
        || path.split('/').any(|part| part == ".rustup")
}

/// Whether a path is where cargo keeps its downloads, below its home.
pub(super) fn is_registry(path: &str) -> bool {
    let mut parts = path.trim_end_matches('/').split('/').rev();
    let is_part = |part: &str| matches!(part, "registry" | "git" | "db" | "cache" | "index");
    let mut last = parts.next().unwrap_or_default();
    if !is_part(last) {
        return false;
    }
    for part in parts {
        if is_cargo_part(part) {
            return matches!(last, "registry" | "git");
        }
        last = part;
    }
    false
}

fn is_cargo_part(part: &str) -> bool {
    matches!(part, "cargo" | ".cargo" | "$CARGO_HOME" | "${CARGO_HOME}")
}

/// Whether a cache mount is on a target directory of cargo.
pub(super) fn is_target(document: &Document, stage: usize, mount: &Mount) -> bool {
    let target = document.expanded(stage, mount.target());
    let target = target.trim_end_matches('/');
    let declared = document.expanded(stage, "$CARGO_TARGET_DIR");
    mount.is("cache")
        && (target == declared.trim_end_matches('/')
            || target.rsplit('/').next() == Some("target")
            || target.split('/').rev().nth(1) == Some("target"))
}

/// Where a stage takes cargo's target directory from another one, whole: the
/// line, and the other stage.
pub(super) fn targets_copied(document: &Document, stage: usize) -> Vec<(usize, usize)> {
    let is_target = |path: &String| path.trim_end_matches('/').rsplit('/').next() == Some("target");
    let copied = document.history(stage).filter_map(|step| match &step.kind {
        Kind::Copy(copy) if copy.sources.iter().any(is_target) => {
            Some((step.line, document.stage(copy.from.as_deref()?)?))
        }
        _ => None,
    });
    copied.collect()
}

/// Whether an image has a Rust toolchain.
pub(super) fn has_toolchain(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or(image);
    let last = name.rsplit('/').next().unwrap_or(name);
    let name = last.split(':').next().unwrap_or(last);
    matches!(name, "rust" | "cargo-chef" | "rust-musl-builder" | "muslrust" | "rustlang")
}

/// What the tag of an image of Rust says of its version, and what follows it:
/// `1.95-slim` of `rust:1.95-slim` and of `cargo-chef:0.1-rust-1.95-slim`.
/// `None`: another image, or one that is named by a digest or a variable.
pub(super) fn rust_tag(image: &str) -> Option<&str> {
    if image.contains(['$', '@']) {
        return None;
    }
    let last = image.rsplit('/').next()?;
    let (name, tag) = last.split_once(':').unwrap_or((last, "latest"));
    match name {
        "rust" => Some(tag),
        "cargo-chef" if tag == "latest" => Some(tag),
        "cargo-chef" => tag.rsplit_once("-rust-").map(|(_, version)| version),
        _ => None,
    }
}

/// Whether a name is that of a stage before `index`.
pub(super) fn is_stage(stages: &[Stage], index: usize, name: &str) -> bool {
    stages[..index]
        .iter()
        .any(|stage| stage.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_rust_are_read() {
        assert_eq!(rust_tag("library/rust:1.95-slim"), Some("1.95-slim"));
        assert_eq!(rust_tag("rust"), Some("latest"));
        assert_eq!(rust_tag("a/cargo-chef:0.1-rust-1.95"), Some("1.95"));
        assert_eq!(rust_tag("a/cargo-chef"), Some("latest"));
        for image in ["rust:$V", "rust@sha256:0", "debian:12", "a/cargo-chef:0.1"] {
            assert_eq!(rust_tag(image), None);
        }
    }

    #[test]
    fn homes_and_downloads_are_told_apart() {
        assert!(is_cargo_home("/usr/local/cargo/") && is_cargo_home("/x/.cargo"));
        assert!(!is_cargo_home("/usr/local/cargo/registry") && !is_cargo_home("/cargo"));
        assert!(is_registry("/usr/local/cargo/registry") && is_registry("$CARGO_HOME/git/db"));
        assert!(is_registry("/usr/local/cargo/registry/index"));
        assert!(!is_registry("/cache") && !is_registry("/app/git"));
        assert!(is_rustup_home("/home/.rustup/toolchains"));
        assert!(
            has_toolchain("rust:1-alpine") && has_toolchain("lukemathwalker/cargo-chef:latest")
        );
        assert!(!has_toolchain("rusty:1"));
    }
}
