//! Is an unpacked registry package what its checksum says?
//!
//! Cargo checks the `.crate` file when it downloads it, and never the tree
//! that it unpacks. A tree that was edited would poison what is built from
//! it, so it is compared with the archive before anything is published. The
//! verdict is remembered with the stat of every file, and a later check costs
//! one stat per file.

use crate::memo::{Memo, Stat, hash_file};
use flate2::read::GzDecoder;
use larder_schema::Digest;
use larder_schema::digest::Framed;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The archive has the checksum, and the tree is the archive's.
    Intact,
    /// The archive is gone: nothing to compare with.
    Unchecked,
    /// The archive does not have the checksum.
    WrongArchive,
    /// Files that differ from the archive, are missing or were added;
    /// relative paths, sorted.
    Changed(Vec<String>),
}

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not check {} against {}", root.display(), archive.display())]
pub struct CheckError {
    /// The tree.
    pub root: PathBuf,
    /// The archive.
    pub archive: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The archive of an unpacked package: `registry/src/<index>/<name>` has it
/// in `registry/cache/<index>/<name>.crate`.
#[must_use]
pub fn archive(cargo_home: &Path, root: &Path) -> Option<PathBuf> {
    let relative = root.strip_prefix(cargo_home.join("registry/src")).ok()?;
    let mut name = relative.as_os_str().to_owned();
    name.push(".crate");
    Some(cargo_home.join("registry/cache").join(name))
}

/// Compares the tree at `root` with `archive`, whose SHA-256 has to be
/// `checksum` (the lock file's).
///
/// # Errors
/// Where files cannot be read; an absent archive is [`Verdict::Unchecked`].
pub fn check(
    memo: &Memo,
    root: &Path,
    archive: &Path,
    checksum: &str,
) -> Result<Verdict, CheckError> {
    let fail = |source| CheckError { root: root.to_owned(), archive: archive.to_owned(), source };
    let mut files = BTreeMap::new();
    tree(root, Path::new(""), &mut files).map_err(fail)?;
    let mut key = Framed::new("larder.source-check.1");
    key.text("checksum", checksum).text("root", &root.to_string_lossy());
    for (name, stat) in &files {
        let stat = serde_json::to_vec(stat).unwrap_or_default();
        key.text("file", name).bytes("stat", &stat);
    }
    let key = key.finish();
    if let Some(verdict) = memo.answer::<Verdict>("sources", &key) {
        return Ok(verdict);
    }
    let bytes = match fs_err::read(archive) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Verdict::Unchecked),
        Err(e) => return Err(fail(e)),
    };
    if Digest::of(&bytes).to_string() != checksum {
        return Ok(Verdict::WrongArchive);
    }
    let changed = compare(root, &bytes, &files).map_err(fail)?;
    if !changed.is_empty() {
        return Ok(Verdict::Changed(changed));
    }
    // The stats were taken before the files were read; that none moved since
    // is what makes the key honest.
    let mut after = BTreeMap::new();
    tree(root, Path::new(""), &mut after).map_err(fail)?;
    if after == files && files.values().all(|stat| !stat.is_racy()) {
        memo.remember("sources", &key, &Verdict::Intact);
    }
    Ok(Verdict::Intact)
}

/// What cargo itself leaves in an unpacked tree.
const MARKERS: &[&str] = &[".cargo-ok", ".cargo_vcs_info.json"];

fn tree(root: &Path, below: &Path, files: &mut BTreeMap<String, Stat>) -> io::Result<()> {
    for entry in fs_err::read_dir(root.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            tree(root, &name, files)?;
        } else {
            files.insert(name.to_string_lossy().into_owned(), Stat::of(&metadata));
        }
    }
    Ok(())
}

fn compare(root: &Path, archive: &[u8], files: &BTreeMap<String, Stat>) -> io::Result<Vec<String>> {
    let mut left: BTreeMap<&str, ()> = files.keys().map(|n| (n.as_str(), ())).collect();
    let mut changed = Vec::new();
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        // The first part is `name-version`.
        let path = entry.path()?.into_owned();
        let name: PathBuf =
            path.components().skip(1).filter(|c| matches!(c, Component::Normal(_))).collect();
        let name = name.to_string_lossy().into_owned();
        if name == ".cargo-ok" {
            continue;
        }
        let mut hasher = sha2::Sha256::new();
        let mut buffer = [0u8; 16 * 1024];
        loop {
            match entry.read(&mut buffer)? {
                0 => break,
                n => hasher.update(&buffer[..n]),
            }
        }
        let wanted = Digest::from_bytes(hasher.finalize().into());
        let there = left.remove(name.as_str()).is_some();
        if !there || hash_file(&root.join(&name)).ok() != Some(wanted) {
            changed.push(name);
        }
    }
    changed.extend(left.into_keys().filter(|n| !MARKERS.contains(n)).map(str::to_owned));
    changed.sort();
    changed.dedup();
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_file(files: &[(&str, &str)]) -> Vec<u8> {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append_data(&mut header, format!("p-1.0.0/{name}"), text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn an_edited_tree_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("registry/src/i/p-1.0.0");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::write(root.join("src/lib.rs"), "a").unwrap();
        std::fs::write(root.join("Cargo.toml"), "m").unwrap();
        std::fs::write(root.join(".cargo-ok"), "{\"v\":1}").unwrap();
        let bytes = crate_file(&[("src/lib.rs", "a"), ("Cargo.toml", "m")]);
        let file = archive(dir.path(), &root).unwrap();
        let checksum = Digest::of(&bytes).to_string();
        let memo = Memo::open(&dir.path().join("larder"));
        let verdict = || check(&memo, &root, &file, &checksum).unwrap();
        assert_eq!(verdict(), Verdict::Unchecked);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(verdict(), Verdict::Intact);
        std::fs::write(root.join("src/lib.rs"), "b").unwrap();
        std::fs::write(root.join("new.rs"), "").unwrap();
        assert_eq!(verdict(), Verdict::Changed(vec!["new.rs".into(), "src/lib.rs".into()]));
        std::fs::write(&file, "other").unwrap();
        assert_eq!(verdict(), Verdict::WrongArchive);
    }
}
