//! Where things are: the workspace, and the places under its `target/` that
//! the commands keep their data in.
//!
//! All of it lies under `<workspace>/target`, whatever `CARGO_TARGET_DIR` says:
//! the corpus and the tools are fetched once, not once per target directory.

use std::path::{Path, PathBuf};

/// Root of the workspace that this binary belongs to.
pub(crate) fn root() -> PathBuf {
    // `cargo run` tells where the manifest is now; the path that was compiled
    // in is for a binary that was started by hand.
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let xtask = xtask.filter(|dir| dir.join("corpus.toml").is_file());
    let xtask = xtask.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    xtask.parent().map(Path::to_path_buf).unwrap_or(xtask)
}

/// A directory of ours below the workspace's `target/`.
pub(crate) fn target(below: &str) -> PathBuf {
    root().join("target").join(below)
}

/// Cargo's home: where registries are unpacked.
pub(crate) fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME").map(PathBuf::from).unwrap_or_else(|| {
        std::env::home_dir().unwrap_or_else(|| PathBuf::from(".")).join(".cargo")
    })
}

/// `path` relative to the workspace where it lies in it: for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
