//! The values of a path set, here and now: what goes into the key.

use crate::boilerplate::CPU_INFO;
use larder_schema::pathset::{PathInput, PathUse};
use larder_schema::{Digest, Framed};
use larder_store::StatCache;
use std::io;
use std::path::{Path, PathBuf};

/// Value of a path that does not exist.
pub(crate) const ABSENT: &str = "absent";

/// The value of one path input whose template stands for `path` here.
///
/// A file that cannot be read has a value that never repeats, so that nothing
/// is found under it.
#[must_use]
pub(crate) fn value(stats: &StatCache, input: &PathInput, path: &Path) -> String {
    match evaluate(stats, input.uses, path) {
        Ok(value) => value,
        Err(error) => format!("unreadable ({error}) {:?}", std::time::Instant::now()),
    }
}

fn evaluate(stats: &StatCache, uses: PathUse, path: &Path) -> io::Result<String> {
    match uses {
        PathUse::Location => Ok(path.to_string_lossy().into_owned()),
        PathUse::Presence => Ok(presence(path)),
        PathUse::Content if path == Path::new(CPU_INFO) => Ok(crate::tools::cpu()),
        PathUse::Content => match stats.digest(path) {
            Ok(Some(digest)) => Ok(digest.to_string()),
            Ok(None) => Ok(ABSENT.to_owned()),
            Err(_) if path.is_dir() => Ok("directory".to_owned()),
            Err(error) => Err(error),
        },
        PathUse::Link => Ok(link(path)),
        PathUse::Program if !path.is_absolute() => Ok(ABSENT.to_owned()),
        PathUse::Program => {
            let content = evaluate(stats, PathUse::Content, path)?;
            Ok(format!("{} {content}", path.display()))
        }
        PathUse::Listing => listing(path),
        PathUse::Tree if path.is_dir() => tree(stats, path),
        PathUse::Tree => evaluate(stats, PathUse::Content, path),
        PathUse::Package => package(stats, path),
        PathUse::Whole => files_digest(stats, path, whole(path)?),
    }
}

fn presence(path: &Path) -> String {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => "directory".to_owned(),
        Ok(_) => "file".to_owned(),
        Err(_) => ABSENT.to_owned(),
    }
}

/// Where a link leads by its own text; what is there if it is none.
fn link(path: &Path) -> String {
    match std::fs::read_link(path) {
        Ok(target) => format!("link to {}", target.to_string_lossy()),
        Err(_) => presence(path),
    }
}

fn listing(path: &Path) -> io::Result<String> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(ABSENT.to_owned());
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_dir = kind.is_dir() || kind.is_symlink() && entry.path().is_dir();
        // A target directory comes with the first build.
        let target = entry.file_name() == "target" && path.join("Cargo.toml").exists();
        if is_dir && (target || entry.path().join("CACHEDIR.TAG").exists()) {
            continue;
        }
        let kind = if is_dir { "/" } else { "" };
        names.push(format!("{}{kind}", entry.file_name().to_string_lossy()));
    }
    names.sort_unstable();
    let mut f = Framed::new("larder listing 1");
    f.list("names", names.iter());
    Ok(f.finish().to_string())
}

/// The digest of all files below a directory, links followed as cargo does
/// for `rerun-if-changed`.
fn tree(stats: &StatCache, root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    walk(root, root, 0, &mut files)?;
    files_digest(stats, root, files)
}

fn walk(root: &Path, dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    // Deeper than any real tree: a circle of links.
    if depth > 64 {
        return Err(io::Error::other("directories nest more than 64 levels deep"));
    }
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, depth + 1, files)?;
        } else {
            files.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
        }
    }
    Ok(())
}

/// A path with everything below it, directories too: what changes when a file
/// of a tree changes, comes or goes.
pub(crate) fn paths_below(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    let mut at = 0;
    while at < found.len() {
        if let Ok(entries) = std::fs::read_dir(&found[at]) {
            found.extend(entries.flatten().map(|entry| entry.path()));
        }
        at += 1;
        // A circle of links; the tree has no value then.
        if found.len() > 1_000_000 {
            break;
        }
    }
    found
}

/// All files of a package, relative to it: see [`PathUse::Whole`]. Directories
/// that are marked as caches are target directories of another name.
fn whole(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            let path = entry.path();
            // Links are not followed: they are read as what they lead to.
            if !entry.file_type()?.is_dir() {
                files.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
                continue;
            }
            let target = dir == root && entry.file_name() == "target";
            let left_out = ["Cargo.toml", "CACHEDIR.TAG"];
            if !target
                && entry.file_name() != ".git"
                && !left_out.iter().any(|name| path.join(name).exists())
            {
                pending.push(path);
            }
        }
    }
    Ok(files)
}

/// All files of a package, as cargo lists them.
fn package(stats: &StatCache, root: &Path) -> io::Result<String> {
    let files = package_files(root)?;
    files_digest(stats, root, files)
}

/// The files of a package, relative to it. `package.include` and `exclude` are
/// not looked at: a file too many costs a miss, one too few a wrong hit.
pub(crate) fn package_files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let files =
        larder_cargo::package_files::package_files(root, &[], &[]).map_err(io::Error::other)?;
    Ok(files.into_iter().map(|file| file.strip_prefix(root).unwrap_or(&file).to_owned()).collect())
}

fn files_digest(stats: &StatCache, root: &Path, mut files: Vec<PathBuf>) -> io::Result<String> {
    files.sort_unstable();
    let mut f = Framed::new("larder tree 1");
    for file in files {
        let digest = stats.digest(&root.join(&file)).unwrap_or(None);
        f.bytes("name", file.as_os_str().as_encoded_bytes());
        f.digest("content", &digest.unwrap_or_else(|| Digest::of(ABSENT.as_bytes())));
    }
    Ok(f.finish().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stats: &StatCache, uses: PathUse, path: &Path) -> String {
        value(stats, &PathInput { path: String::new(), uses }, path)
    }

    #[test]
    fn content_absence_and_listing_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let stats = StatCache::open(&dir.path().join("stat-cache"));
        let at = dir.path().join("d");
        assert_eq!(of(&stats, PathUse::Content, &at), ABSENT);
        assert_eq!(of(&stats, PathUse::Listing, &at), ABSENT);
        std::fs::create_dir(&at).unwrap();
        let empty = of(&stats, PathUse::Tree, &at);
        std::fs::write(at.join("f"), "1").unwrap();
        let one = of(&stats, PathUse::Tree, &at);
        let names = of(&stats, PathUse::Listing, &at);
        assert_ne!(empty, one);
        std::fs::write(at.join("f"), "2").unwrap();
        assert_ne!(one, of(&stats, PathUse::Tree, &at));
        assert_eq!(names, of(&stats, PathUse::Listing, &at));
        assert_eq!(of(&stats, PathUse::Presence, &at), "directory");
        assert_eq!(of(&stats, PathUse::Location, &at), at.to_string_lossy());
    }
}
