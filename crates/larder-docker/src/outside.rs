//! Crates that a project depends on by a path outside of its workspace
//! (`../common`): no build context holds them, so each is one of its own.
//!
//! It is mounted where the path leads from the sources' place in the builder:
//! `../common` of `/src` is `/common`. So no manifest has to say anything else,
//! and the build context stays the workspace.

use crate::layout::SOURCES;
use std::path::{Component, Path, PathBuf};

/// One directory outside of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outside {
    /// Its path from the workspace's root: `../common`.
    pub path: String,
    /// Where that is in the builder.
    pub target: String,
    /// Name of its build context.
    pub context: String,
}

/// These directories as build contexts, sorted; both paths absolute. One that is
/// in the workspace, or on another disk, is none.
pub fn outside<'p>(root: &str, directories: impl IntoIterator<Item = &'p str>) -> Vec<Outside> {
    let mut all: Vec<Outside> = directories
        .into_iter()
        .filter_map(|directory| {
            let path = relative(Path::new(root), Path::new(directory))?;
            path.starts_with("..").then(|| Outside {
                target: joined(Path::new(SOURCES), &path).display().to_string(),
                context: name(&path),
                path: path.display().to_string(),
            })
        })
        .collect();
    all.sort();
    all.dedup();
    // Two directories of one name.
    for at in 1..all.len() {
        let before = all[..at].iter().filter(|other| other.context == all[at].context).count();
        if before > 0 {
            all[at].context = format!("{}-{}", all[at].context, before + 1);
        }
    }
    all
}

/// Where a path from the workspace's root is in the builder; not one that is
/// absolute, or the root itself.
pub fn place(path: &str) -> Option<String> {
    let place = joined(Path::new(SOURCES), Path::new(path));
    let is_place = !Path::new(path).is_absolute() && place != Path::new(SOURCES);
    (is_place && place.file_name().is_some()).then(|| place.display().to_string())
}

/// Stages and the context with larder have names, too.
fn name(path: &Path) -> String {
    let last = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    format!("crate-{}", last.chars().map(plain).collect::<String>())
}

fn relative(from: &Path, to: &Path) -> Option<PathBuf> {
    if !from.is_absolute() || !to.is_absolute() {
        return None;
    }
    let (from, to) = (joined(from, Path::new("")), joined(to, Path::new("")));
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    Some(up.chain(to.components().skip(shared)).collect())
}

/// Without `.` and `..`, of which the root has none above it.
fn joined(base: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            other => whole.push(other),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::{outside, place};

    #[test]
    fn directories_outside_have_their_place_and_name() {
        let directories =
            ["/w/app/lib", "/w/common", "/w/x/../Other One", "/w/common", "/old/common"];
        let found = outside("/w/app", directories);
        assert_eq!(place("../common").as_deref(), Some("/common"));
        assert_eq!(place("vendor/x").as_deref(), Some("/project/vendor/x"));
        assert_eq!((place("/x"), place("."), place("..")), (None, None, None));
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.path.as_str(), one.target.as_str(), one.context.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("../../old/common", "/old/common", "crate-common"),
                ("../Other One", "/Other One", "crate-other-one"),
                ("../common", "/common", "crate-common-2"),
            ]
        );
    }
}
