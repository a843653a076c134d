//! Paths without `.` and `..`.
//!
//! `a/link/../b` is beside what the link leads to, not beside the link. So the
//! way to every `..` is resolved as the kernel does it, and the links on it
//! are reported: a result depends on where they lead.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// Remembers the directories that it resolved.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: HashMap<PathBuf, Resolved>,
}

/// A path without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) path: PathBuf,
    /// Links that were followed on the way to a `..`.
    pub(super) links: Vec<PathBuf>,
    /// A directory before a `..` that is not there: the path leads nowhere.
    pub(super) missing: Option<PathBuf>,
}

impl Resolver {
    /// Resolves an absolute path.
    pub(super) fn resolve(&mut self, path: &Path) -> Resolved {
        let mut resolved = Resolved { path: PathBuf::from("/"), links: Vec::new(), missing: None };
        for component in path.components() {
            match component {
                Component::Normal(name) => resolved.path.push(name),
                Component::ParentDir => {
                    let Some(directory) = self.directory(&resolved.path) else {
                        resolved.missing = Some(resolved.path.clone());
                        return resolved;
                    };
                    resolved.links.extend(directory.links);
                    resolved.path = directory.path;
                    resolved.path.pop();
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        resolved
    }

    /// Links may lead elsewhere from now on.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn directory(&mut self, path: &Path) -> Option<Resolved> {
        if let Some(known) = self.known.get(path) {
            return Some(known.clone());
        }
        // A directory that is missing now may be made later.
        let real = std::fs::canonicalize(path).ok().filter(|real| real.is_dir())?;
        let links = if real == path {
            Vec::new()
        } else {
            path.ancestors().filter(|path| path.is_symlink()).map(Path::to_owned).collect()
        };
        let resolved = Resolved { path: real, links, missing: None };
        self.known.insert(path.to_owned(), resolved.clone());
        Some(resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_a_link_is_beside_its_target() {
        let directory = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(directory.path()).unwrap();
        std::fs::create_dir_all(root.join("deep/er")).unwrap();
        std::os::unix::fs::symlink("deep/er", root.join("link")).unwrap();
        let mut resolver = Resolver::default();
        let found = resolver.resolve(&root.join("./link/../x"));
        assert_eq!(found.path, root.join("deep/x"));
        assert_eq!(found.links, [root.join("link")]);
        let plain = resolver.resolve(&root.join("deep//er/../x/."));
        assert_eq!(plain, Resolved { path: root.join("deep/x"), links: Vec::new(), missing: None });
        let missing = resolver.resolve(&root.join("no/../x"));
        assert_eq!(missing.missing, Some(root.join("no")));
        assert_eq!(resolver.resolve(Path::new("/../../a")).path, Path::new("/a"));
    }
}
