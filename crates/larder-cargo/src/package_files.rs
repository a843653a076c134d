//! The files of a package, as cargo lists them for a build script that says
//! no `rerun-if`.
//!
//! Cargo's rule: with `package.include`, the files it matches; otherwise in a
//! git checkout that tracks the manifest, what is tracked or not ignored, and
//! elsewhere everything but hidden files; minus `package.exclude`, the
//! package's `target/`, and directories with a manifest of their own.
//! `Cargo.toml` and `Cargo.lock` always count.
//!
//! Where this cannot be exact it lists more, never less: files that are
//! tracked although ignored are found in git's index (versions 2 and 3; with
//! version 4 or a split index, ignored files are listed all the same).

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Why files could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("could not list the files of the package in {}", root.display())]
pub struct ListError {
    /// The package.
    pub root: PathBuf,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Files of the package in `root`, absolute and sorted. `include` and
/// `exclude` are the manifest's.
///
/// # Errors
/// Where a directory cannot be read or a pattern is malformed.
pub fn package_files(
    root: &Path,
    include: &[String],
    exclude: &[String],
) -> Result<Vec<PathBuf>, ListError> {
    let fail = |source: Box<dyn std::error::Error + Send + Sync>| ListError {
        root: root.to_owned(),
        source,
    };
    let rules = |lines: &[String], hidden: bool| -> Result<Gitignore, ignore::Error> {
        let mut builder = GitignoreBuilder::new(root);
        if hidden {
            builder.add_line(None, ".*")?;
        }
        for line in lines {
            builder.add_line(None, line)?;
        }
        builder.build()
    };
    let git = if include.is_empty() { git_of(root) } else { None };
    let included = rules(include, false).map_err(|e| fail(Box::new(e)))?;
    let hidden = include.is_empty() && git.is_none();
    let excluded = rules(exclude, hidden).map_err(|e| fail(Box::new(e)))?;
    let wanted = |relative: &Path, directory: bool| {
        if relative == Path::new("Cargo.toml") || relative == Path::new("Cargo.lock") {
            return true;
        }
        if include.is_empty() {
            return !excluded.matched_path_or_any_parents(relative, directory).is_ignore();
        }
        directory || included.matched_path_or_any_parents(relative, false).is_ignore()
    };
    let mut found = BTreeSet::new();
    // Only a checkout whose index could be read is trusted to ignore.
    let ignoring = git.as_ref().is_some_and(|g| g.tracked.is_some());
    let mut walk = ignore::WalkBuilder::new(root);
    walk.standard_filters(false).hidden(false);
    walk.git_ignore(ignoring).git_exclude(ignoring).git_global(false).parents(ignoring);
    let base = root.to_owned();
    walk.filter_entry(move |entry| {
        let directory = entry.file_type().is_some_and(|t| t.is_dir());
        if !directory || entry.depth() == 0 {
            return true;
        }
        let target = entry.depth() == 1 && entry.path() == base.join("target");
        !target && entry.file_name() != ".git" && !entry.path().join("Cargo.toml").exists()
    });
    for entry in walk.build() {
        let entry = entry.map_err(|e| fail(Box::new(e)))?;
        let directory = entry.file_type().is_some_and(|t| t.is_dir());
        let Ok(relative) = entry.path().strip_prefix(root) else { continue };
        if !directory && wanted(relative, false) {
            found.insert(entry.path().to_owned());
        }
    }
    if let Some(tracked) = git.and_then(|g| g.tracked) {
        for path in tracked {
            let Ok(relative) = path.strip_prefix(root) else { continue };
            let nested = relative
                .ancestors()
                .skip(1)
                .any(|d| !d.as_os_str().is_empty() && root.join(d).join("Cargo.toml").exists());
            if !nested
                && !relative.starts_with("target")
                && wanted(relative, false)
                && path.is_file()
            {
                found.insert(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

struct Git {
    /// Absolute paths; absent where the index is not understood.
    tracked: Option<Vec<PathBuf>>,
}

/// The checkout that tracks the package's manifest.
fn git_of(root: &Path) -> Option<Git> {
    let work = root.ancestors().find(|d| d.join(".git").exists())?;
    let mut directory = work.join(".git");
    if directory.is_file() {
        // A worktree or a submodule: the file names the directory.
        let text = fs_err::read_to_string(&directory).ok()?;
        directory = work.join(text.trim().strip_prefix("gitdir:")?.trim());
    }
    let index = fs_err::read(directory.join("index")).ok()?;
    let tracked = tracked(&index)
        .map(|names| names.into_iter().map(|name| work.join(name)).collect::<Vec<PathBuf>>());
    match &tracked {
        Some(files) if !files.contains(&root.join("Cargo.toml")) => None,
        _ => Some(Git { tracked }),
    }
}

/// Names in a git index of version 2 or 3 (gitformat-index).
fn tracked(index: &[u8]) -> Option<Vec<String>> {
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    if index.get(..4)? != b"DIRC" || !matches!(number(4)?, 2 | 3) {
        return None;
    }
    let count = number(8)?;
    let mut names = Vec::new();
    let mut at = 12;
    for _ in 0..count {
        let flags = u16::from_be_bytes(index.get(at + 60..at + 62)?.try_into().ok()?);
        let extended = flags & 0x4000 != 0;
        let name_at = at + 62 + if extended { 2 } else { 0 };
        let length = index.get(name_at..)?.iter().position(|&b| b == 0)?;
        let name = &index[name_at..name_at + length];
        names.push(String::from_utf8_lossy(name).into_owned());
        // Entries are padded with one to eight zeros to a multiple of eight.
        at += (name_at + length - at + 8) & !7;
    }
    // A split index keeps most entries in another file.
    let split = index.windows(4).any(|w| w == b"link") && count == 0;
    (!split).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn fixture() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             license = \"MIT\"\ndescription = \"d\"\nrepository = \"r\"\nexclude = [\"skip/\"]\n",
        );
        for name in
            ["src/lib.rs", "build.rs", "skip/a", ".hidden", "target/x", "data/ignored", "data/kept"]
        {
            write(name, "");
        }
        write("build.rs", "fn main() {}");
        write("nested/Cargo.toml", "[package]\nname = \"n\"\n");
        write("nested/src/lib.rs", "");
        write(".gitignore", "data/ignored\n/tracked\n");
        write("tracked", "");
        dir
    }

    fn names(root: &Path) -> Vec<String> {
        let exclude = ["skip/".to_owned()];
        package_files(root, &[], &exclude)
            .unwrap()
            .iter()
            .map(|p| p.strip_prefix(root).unwrap().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn without_git_hidden_files_do_not_count() {
        let dir = fixture();
        assert_eq!(
            names(dir.path()),
            ["Cargo.toml", "build.rs", "data/ignored", "data/kept", "src/lib.rs", "tracked"]
        );
    }

    #[test]
    fn with_git_as_cargo_package_lists() {
        let dir = fixture();
        let git = |args: &[&str]| {
            Command::new("git")
                .args(args)
                .current_dir(dir.path())
                .output()
                .is_ok_and(|o| o.status.success())
        };
        if !git(&["init", "-q"]) {
            return;
        }
        assert!(git(&["add", "-f", "Cargo.toml", "src", "tracked"]));
        let ours = names(dir.path());
        let output = Command::new("cargo")
            .args(["package", "--list", "--allow-dirty", "--offline"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // What `cargo package` adds of its own.
        let mut theirs: Vec<&str> = text
            .lines()
            .filter(|l| !matches!(*l, "Cargo.toml.orig" | ".cargo_vcs_info.json" | "Cargo.lock"))
            .collect();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    }
}
