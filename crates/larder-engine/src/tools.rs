//! Tools of the host that build scripts start without saying so, where nobody
//! sees it. A script's `PATH` is not in its key as text: what counts is which
//! programs the usual names lead to, and their content. The tools of a run that
//! was observed are in its path set by name.

use larder_schema::Framed;
use larder_store::StatCache;
use std::path::PathBuf;

/// Names that build scripts start: compilers, archivers, build systems,
/// generators and interpreters.
pub(crate) const NAMES: &[&str] = &[
    "ar",
    "as",
    "autoreconf",
    "bash",
    "bindgen",
    "bison",
    "c++",
    "cc",
    "clang",
    "clang++",
    "cmake",
    "flex",
    "g++",
    "gcc",
    "git",
    "go",
    "ld",
    "ld.lld",
    "llvm-config",
    "m4",
    "make",
    "meson",
    "nasm",
    "ninja",
    "node",
    "npm",
    "objcopy",
    "perl",
    "pkg-config",
    "pkgconf",
    "protoc",
    "python",
    "python3",
    "ranlib",
    "sed",
    "sh",
    "strip",
    "tclsh",
    "yasm",
];

/// A digest of what the names lead to in the directories of `PATH`, links
/// followed.
#[must_use]
pub(crate) fn digest(stats: &StatCache, search: &[PathBuf]) -> String {
    let mut f = Framed::new("larder tools 1");
    for name in NAMES {
        let found = search.iter().map(|dir| dir.join(name)).find(|file| file.is_file());
        f.text("name", name);
        match found {
            Some(file) => {
                let file = std::fs::canonicalize(&file).unwrap_or(file);
                f.bytes("path", file.as_os_str().as_encoded_bytes());
                match stats.digest(&file) {
                    Ok(Some(digest)) => f.digest("content", &digest),
                    _ => f.text("content", "unreadable"),
                };
            }
            None => {
                f.text("path", "");
            }
        }
    }
    f.finish().to_string()
}

/// What `target-cpu=native` means here: model and features of the processor.
#[must_use]
pub(crate) fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut f = Framed::new("larder cpu 1");
    let of_first = text.split("\n\n").next().unwrap_or("");
    for line in of_first.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if matches!(
            name.trim(),
            "model name" | "flags" | "Features" | "CPU part" | "cpu family" | "model"
        ) {
            f.text(name.trim(), value.trim());
        }
    }
    f.finish().to_string()
}
