//! The digest of a toolchain: content of the driver and of the libraries of
//! every platform.

use super::{Toolchain, ToolchainError};
use crate::memo::Memo;
use larder_schema::{Digest, digest::Framed};
use std::path::{Path, PathBuf};

pub(super) fn digest(
    toolchain: &Toolchain,
    memo: &Memo,
    platforms: &[String],
    clippy: bool,
) -> Result<Digest, ToolchainError> {
    let mut files = vec![toolchain.rustc_file.clone()];
    files.extend(driver_libraries(&toolchain.rustc_file));
    if clippy {
        files.extend(toolchain.clippy_driver());
    }
    let mut platforms: Vec<&str> = platforms.iter().map(String::as_str).collect();
    platforms.push(&toolchain.host_triple);
    platforms.sort_unstable();
    platforms.dedup();
    for platform in &platforms {
        for part in ["lib", "bin"] {
            let directory = toolchain.sysroot.join("lib/rustlib").join(platform).join(part);
            below(&directory, &mut files);
        }
    }
    // Two threads at least: a cold digest reads half a gigabyte.
    let width = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let chunk = files.len().div_ceil(width).max(1);
    let digests = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..width)
            .map(|start| {
                let files = &files;
                scope.spawn(move || {
                    (start..files.len())
                        .step_by(width)
                        .map(|i| (i, memo.file_digest(&files[i])))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(chunk * width);
        for thread in threads {
            all.extend(thread.join().unwrap_or_default());
        }
        all.sort_by_key(|(i, _)| *i);
        all
    });
    let mut key = Framed::new("larder.toolchain.2");
    key.text("version", &toolchain.verbose_version);
    key.list("platforms", platforms.iter());
    for (index, digest) in digests {
        let path = &files[index];
        let digest =
            digest.map_err(|source| ToolchainError::Read { path: path.clone(), source })?;
        // Names relative to the toolchain: two homes with the same toolchain
        // give the same digest.
        let name = path.strip_prefix(&toolchain.sysroot).unwrap_or(path);
        key.text("file", &name.to_string_lossy()).digest("content", &digest);
    }
    Ok(key.finish())
}

/// The libraries that hold the compiler: everything that can be loaded from
/// `lib` beside `bin`. Sorted.
pub(super) fn driver_libraries(rustc: &Path) -> Vec<PathBuf> {
    let Some(root) = rustc.parent().and_then(Path::parent) else { return Vec::new() };
    let mut found: Vec<PathBuf> = fs_err::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.starts_with("librustc_driver") || name.starts_with("libLLVM")) && path.is_file()
        })
        .collect();
    found.sort();
    found
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs_err::read_dir(directory) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            below(&path, files);
        } else {
            files.push(path);
        }
    }
}
