//! Directory trees: walked in a stable order, and copied.

use anyhow::Result;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// All files below `dir`, sorted; directories for which `skip` says so are
/// not entered.
pub(crate) fn files(dir: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !skip(&path) {
                    pending.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a tree; `target` directories and the names in `skip` stay behind.
pub(crate) fn copy(from: &Path, to: &Path, skip: &[&str]) -> Result<()> {
    let skipped =
        |path: &Path| path.file_name().is_some_and(|name| skip.iter().any(|s| name == *s));
    for file in files(from, &skipped)? {
        if skipped(&file) {
            continue;
        }
        let copied = to.join(file.strip_prefix(from)?);
        if let Some(parent) = copied.parent() {
            fs::create_dir_all(parent)?;
        }
        if file.is_symlink() {
            #[cfg(unix)]
            fs_err::os::unix::fs::symlink(fs::read_link(&file)?, &copied)?;
        } else {
            fs::copy(&file, &copied)?;
        }
    }
    Ok(())
}

/// Bytes that a tree occupies on disk, each inode once.
pub(crate) fn bytes_on_disk(dir: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut seen = std::collections::HashSet::new();
    let mut bytes = 0;
    for file in files(dir, &|_| false)? {
        let metadata = fs::symlink_metadata(&file)?;
        if seen.insert((metadata.dev(), metadata.ino())) {
            bytes += metadata.blocks() * 512;
        }
    }
    Ok(bytes)
}
