//! Another place: copies of the sources, a cargo home of its own, and an
//! empty store.
//!
//! ```text
//! <temporary directory>/
//!   files/<path of the workspace>/   the workspace, without target directories
//!   files/<path>/                    path packages and sources that lie elsewhere
//!   files/<path>/.cargo, …           configuration that cargo finds in parents
//!   files/<path>/.git/               of a repository around it, what was read;
//!                                    objects by link
//!   cargo-home/                      index, archives and git databases by link
//!   store/  target/
//! ```
//!
//! Whole paths are mirrored, so that relative ones lead to the same things.
//! Registry packages are unpacked anew from their archives and git ones
//! checked out anew, by cargo. Nothing is fetched.

use larder_schema::plan::Plan;
use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A place that goes away with the value.
pub(super) struct Place {
    root: tempfile::TempDir,
}

/// Files that cargo, rustup or clippy look for in all parents.
const OF_PARENTS: &[&str] = &[
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
    "clippy.toml",
    ".clippy.toml",
];

impl Place {
    /// Copies what `plan`, made in `cwd`, is built from; of `files` those that
    /// lie elsewhere.
    pub(super) fn make(
        plan: &Plan,
        cwd: &Path,
        store: &Path,
        files: &BTreeSet<PathBuf>,
    ) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("larder-verify-").tempdir()?;
        let place = Self { root };
        let workspace = PathBuf::from(&plan.roots.workspace);
        let home = Path::new(&plan.roots.cargo_home);
        let left_out = [Path::new(&plan.roots.target), Path::new(&plan.roots.build), store, home];
        let mut trees = vec![workspace.clone()];
        for start in [workspace.as_path(), cwd] {
            fs_err::create_dir_all(place.mirror(start))?;
            for dir in start.ancestors() {
                for name in OF_PARENTS {
                    let file = dir.join(name);
                    // That of cargo's home is read from the new home.
                    if file.is_file() && !file.starts_with(home) {
                        place.copy_file(&file)?;
                        trees.extend(named_by(&file));
                    }
                }
            }
        }
        // Cargo reads the manifests of path packages that it does not build.
        let mut copied: Vec<PathBuf> = Vec::new();
        while let Some(tree) = trees.pop() {
            if copied.iter().any(|known| tree.starts_with(known)) {
                continue;
            }
            if tree.is_file() {
                place.copy_file(&tree)?;
            } else if tree.is_dir() {
                trees.extend(place.copy_tree(&tree, &left_out)?);
                place.copy_manifests_above(&tree)?;
                copied.push(tree);
            }
        }
        for file in files {
            if file.is_file() && !left_out.iter().any(|root| file.starts_with(root)) {
                place.copy_file(file)?;
                place.complete_repository(file)?;
            }
        }
        place.make_cargo_home(home)?;
        Ok(place)
    }

    /// Where a path of the first place is in this one.
    pub(super) fn mirror(&self, path: &Path) -> PathBuf {
        let below: PathBuf =
            path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        self.root.path().join("files").join(below)
    }

    /// What a path of this place stands for in the first one; `None` for what
    /// only this one has.
    pub(super) fn original(&self, path: &Path) -> Option<PathBuf> {
        let root = self.root.path();
        if let Ok(below) = path.strip_prefix(root.join("files")) {
            return (below.components().count() > 0).then(|| Path::new("/").join(below));
        }
        (!path.starts_with(root) && !root.starts_with(path)).then(|| path.to_owned())
    }

    pub(super) fn cargo_home(&self) -> PathBuf {
        self.root.path().join("cargo-home")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.root.path().join("store")
    }

    pub(super) fn target(&self) -> PathBuf {
        self.root.path().join("target")
    }

    /// The manifests that a package may inherit from.
    fn copy_manifests_above(&self, package: &Path) -> io::Result<()> {
        for dir in package.ancestors().skip(1) {
            let manifest = dir.join("Cargo.toml");
            if manifest.is_file() && !self.mirror(&manifest).exists() {
                self.copy_file(&manifest)?;
            }
        }
        Ok(())
    }

    /// Git takes a directory for a repository only if it has places for
    /// objects and references. Objects are named by their content, so that the
    /// first place's are as good.
    fn complete_repository(&self, file: &Path) -> io::Result<()> {
        let is_repository =
            |dir: &&Path| dir.join("HEAD").is_file() && dir.join("objects").is_dir();
        let Some(repository) = file.ancestors().skip(1).find(is_repository) else {
            return Ok(());
        };
        let copy = self.mirror(repository);
        fs_err::create_dir_all(copy.join("refs"))?;
        if !copy.join("objects").exists() {
            let objects = fs_err::canonicalize(repository.join("objects"))?;
            fs_err::os::unix::fs::symlink(objects, copy.join("objects"))?;
        }
        Ok(())
    }

    fn make_cargo_home(&self, home: &Path) -> io::Result<()> {
        let new = self.cargo_home();
        for name in ["registry/index", "registry/cache", "git/db"] {
            let (there, here) = (home.join(name), new.join(name));
            fs_err::create_dir_all(here.parent().unwrap_or(&new))?;
            if there.is_dir() {
                fs_err::os::unix::fs::symlink(fs_err::canonicalize(&there)?, &here)?;
            }
        }
        for name in ["config.toml", "config"] {
            if home.join(name).is_file() {
                fs_err::copy(home.join(name), new.join(name))?;
            }
        }
        Ok(())
    }

    fn copy_file(&self, file: &Path) -> io::Result<()> {
        let copy = self.mirror(file);
        if let Some(parent) = copy.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::copy(file, copy).map(drop)
    }

    /// Copies a directory with everything below it, but `left_out` and what
    /// is tagged as a cache. Returns the places that its manifests name.
    fn copy_tree(&self, root: &Path, left_out: &[&Path]) -> io::Result<Vec<PathBuf>> {
        let mut named = Vec::new();
        let mut pending = vec![root.to_owned()];
        while let Some(dir) = pending.pop() {
            let is_cache = dir != root && dir.join("CACHEDIR.TAG").is_file();
            if is_cache || left_out.contains(&dir.as_path()) {
                continue;
            }
            fs_err::create_dir_all(self.mirror(&dir))?;
            for entry in fs_err::read_dir(&dir)? {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                let copy = self.mirror(&path);
                if kind.is_dir() {
                    pending.push(path);
                } else if kind.is_symlink() {
                    let _ = fs_err::remove_file(&copy);
                    fs_err::os::unix::fs::symlink(fs_err::read_link(&path)?, &copy)?;
                } else if kind.is_file() {
                    fs_err::copy(&path, &copy)?;
                    named.extend(named_by(&path));
                }
            }
        }
        Ok(named)
    }
}

/// What a file names, if it is a manifest or a configuration of cargo.
fn named_by(file: &Path) -> Vec<PathBuf> {
    let Some(dir) = file.parent() else { return Vec::new() };
    let base = match file.file_name().and_then(|name| name.to_str()) {
        Some("Cargo.toml") => dir,
        Some("config.toml" | "config") if dir.ends_with(".cargo") => dir.parent().unwrap_or(dir),
        _ => return Vec::new(),
    };
    let text = fs_err::read_to_string(file).unwrap_or_default();
    let absolute = |path: &String| larder_cargo::host::normalize(&base.join(path));
    larder_cargo::manifest::named_paths(&text).iter().map(absolute).collect()
}

/// Copies the files of a result to where another store has them.
pub(super) fn copy_result(from: &Path, to: &Path) -> io::Result<()> {
    let mut pending = vec![PathBuf::new()];
    while let Some(below) = pending.pop() {
        fs_err::create_dir_all(to.join(&below))?;
        for entry in fs_err::read_dir(from.join(&below))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                pending.push(name);
            } else if kind.is_symlink() {
                let target = fs_err::read_link(entry.path())?;
                fs_err::os::unix::fs::symlink(target, to.join(&name))?;
            } else {
                fs_err::copy(entry.path(), to.join(&name))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_of_a_repository_is_one_again() {
        let first = tempfile::tempdir().unwrap();
        let git = |dir: &Path, args: &[&str]| {
            let output = std::process::Command::new("git")
                .args(["-c", "user.name=n", "-c", "user.email=e@example.org"])
                .args(args)
                .current_dir(dir)
                .output()
                .unwrap();
            assert!(output.status.success(), "{args:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        git(first.path(), &["init", "--quiet", "--initial-branch=main"]);
        git(first.path(), &["commit", "--quiet", "--allow-empty", "--message=m"]);
        let place = Place { root: tempfile::tempdir().unwrap() };
        for name in [".git/HEAD", ".git/config", ".git/refs/heads/main"] {
            let file = first.path().join(name);
            place.copy_file(&file).unwrap();
            place.complete_repository(&file).unwrap();
        }
        let inside = place.mirror(&first.path().join("app"));
        std::fs::create_dir_all(&inside).unwrap();
        let head = ["log", "-1", "--format=%H %s"];
        assert_eq!(git(&inside, &head), git(first.path(), &head));
    }

    #[test]
    fn paths_lead_there_and_back() {
        let place = Place { root: tempfile::tempdir().unwrap() };
        let path = Path::new("/w/app/x");
        assert_eq!(place.original(&place.mirror(path)).as_deref(), Some(path));
        assert_eq!(place.original(path).as_deref(), Some(path));
        for own in [place.store(), place.mirror(Path::new("/")), place.root.path().to_owned()] {
            assert_eq!(place.original(&own), None, "{}", own.display());
        }
    }
}
