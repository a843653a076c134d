//! The workspace of a command: its root, its members, and what had to be
//! looked at to know them.

use crate::host::normalize;
use crate::manifest::{ManifestError, RawManifest, WorkspaceRoots, is_excluded, path_dependencies};
use larder_schema::pathset::PathUse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A workspace; a package without one is its own.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The root manifest.
    pub manifest: PathBuf,
    /// Its directory.
    pub root: PathBuf,
    /// The manifest that the command started from.
    pub current: PathBuf,
    /// Manifests of the members.
    pub members: BTreeSet<PathBuf>,
    /// Manifests of path packages that are not members, reached from members
    /// or from `[patch]` and `[replace]`.
    pub outside: BTreeSet<PathBuf>,
    /// Paths that decided this.
    pub uses: Vec<(PathBuf, PathUse)>,
}

/// Finds the workspace of a command that starts in `cwd`, or at the manifest
/// of `--manifest-path`.
///
/// # Errors
/// Where there is no manifest, or one cannot be parsed.
pub fn workspace(
    cwd: &Path,
    manifest_path: Option<&str>,
    roots: &WorkspaceRoots,
) -> Result<Workspace, ManifestError> {
    let mut uses = Vec::new();
    let current = match manifest_path {
        Some(path) => normalize(&cwd.join(path)),
        None => nearest(cwd, &mut uses)?,
    };
    let raw = roots.manifest(&current)?;
    uses.push((current.clone(), PathUse::Content));
    // Cargo looks upwards even from a package that turns out to be alone.
    if raw.workspace.is_none() {
        uses.extend(roots.candidates(&current).into_iter().map(|p| (p, PathUse::Content)));
    }
    let found = roots.root_for(&current, &raw)?;
    let (manifest, root_raw) = match found {
        Some(found) => found,
        None => (current.clone(), Arc::clone(&raw)),
    };
    let root = manifest.parent().unwrap_or(Path::new("/")).to_owned();
    let mut walk = Walk {
        roots,
        root_manifest: manifest.clone(),
        root: root.clone(),
        root_raw: Arc::clone(&root_raw),
        members: BTreeSet::new(),
        outside: BTreeSet::new(),
        uses,
    };
    if let Some(workspace) = &root_raw.workspace {
        for pattern in workspace.members.iter().flatten() {
            for directory in walk.expand(pattern) {
                walk.visit(&directory.join("Cargo.toml"), false)?;
            }
        }
        walk.visit(&manifest, false)?;
    } else {
        walk.members.insert(current.clone());
        for directory in path_dependencies(&current, &raw, roots) {
            walk.visit_outside(&directory.join("Cargo.toml"))?;
        }
    }
    let replaced = root_raw.patch.values().flatten().chain(&root_raw.replace);
    for (_, dependency) in replaced {
        if let Some(path) = &dependency.path {
            walk.visit_outside(&normalize(&root.join(path).join("Cargo.toml")))?;
        }
    }
    let Walk { members, outside, mut uses, .. } = walk;
    uses.sort();
    uses.dedup();
    Ok(Workspace { manifest, root, current, members, outside, uses })
}

fn nearest(cwd: &Path, uses: &mut Vec<(PathBuf, PathUse)>) -> Result<PathBuf, ManifestError> {
    for directory in cwd.ancestors() {
        let manifest = directory.join("Cargo.toml");
        if manifest.exists() {
            return Ok(manifest);
        }
        uses.push((manifest, PathUse::Presence));
    }
    Err(ManifestError::NotFound { path: cwd.to_owned() })
}

struct Walk<'a> {
    roots: &'a WorkspaceRoots,
    root_manifest: PathBuf,
    root: PathBuf,
    root_raw: Arc<RawManifest>,
    members: BTreeSet<PathBuf>,
    outside: BTreeSet<PathBuf>,
    uses: Vec<(PathBuf, PathUse)>,
}

impl Walk<'_> {
    /// Directories that a pattern of `members` matches; a pattern that
    /// matches nothing stands for itself.
    fn expand(&mut self, pattern: &str) -> Vec<PathBuf> {
        let full = self.root.join(pattern);
        let text = full.to_string_lossy();
        self.watch(pattern);
        let found: Vec<PathBuf> =
            glob::glob(&text).into_iter().flatten().filter_map(Result::ok).collect();
        if found.is_empty() {
            return vec![full];
        }
        found.into_iter().filter(|path| path.is_dir()).collect()
    }

    /// Listings that decide what a pattern matches: every directory that one
    /// of its parts is compared with.
    fn watch(&mut self, pattern: &str) {
        let is_glob = |part: &str| part.contains(['*', '?', '[']);
        let mut level = vec![self.root.clone()];
        for part in pattern.split('/') {
            if !is_glob(part) {
                level = level.into_iter().map(|d| d.join(part)).collect();
                continue;
            }
            for directory in &level {
                self.uses.push((directory.clone(), PathUse::Listing));
            }
            let mut next = Vec::new();
            for directory in &level {
                let mut found = subdirectories(directory);
                if part == "**" {
                    let mut at = 0;
                    while at < found.len() {
                        let more = subdirectories(&found[at]);
                        self.uses.push((found[at].clone(), PathUse::Listing));
                        found.extend(more);
                        at += 1;
                    }
                    found.push(directory.clone());
                } else if let Ok(pattern) = glob::Pattern::new(part) {
                    found.retain(|d| {
                        d.file_name().is_some_and(|n| pattern.matches(&n.to_string_lossy()))
                    });
                }
                next.extend(found);
            }
            level = next;
        }
    }

    /// A member, or a path dependency that may be one.
    fn visit(&mut self, manifest: &Path, dependency: bool) -> Result<(), ManifestError> {
        let manifest = normalize(manifest);
        if self.members.contains(&manifest) {
            return Ok(());
        }
        if dependency {
            let directory = manifest.parent().unwrap_or(Path::new("/"));
            if !directory.starts_with(&self.root) {
                let raw = self.roots.manifest(&manifest)?;
                let root = self.roots.root_for(&manifest, &raw)?;
                if root.is_none_or(|(path, _)| path != self.root_manifest) {
                    return self.visit_outside(&manifest);
                }
            }
        }
        if let Some(workspace) = &self.root_raw.workspace
            && is_excluded(workspace, &self.root, &manifest)
        {
            return if dependency { self.visit_outside(&manifest) } else { Ok(()) };
        }
        let raw = self.roots.manifest(&manifest)?;
        self.uses.push((manifest.clone(), PathUse::Content));
        self.outside.remove(&manifest);
        // A virtual manifest is no member, and has no dependencies.
        if raw.package().is_none() {
            return Ok(());
        }
        self.members.insert(manifest.clone());
        for directory in path_dependencies(&manifest, &raw, self.roots) {
            self.visit(&directory.join("Cargo.toml"), true)?;
        }
        Ok(())
    }

    /// A path package that is no member: cargo reads it to resolve.
    fn visit_outside(&mut self, manifest: &Path) -> Result<(), ManifestError> {
        if self.members.contains(manifest) || !self.outside.insert(manifest.to_owned()) {
            return Ok(());
        }
        self.uses.push((manifest.to_owned(), PathUse::Content));
        let raw = self.roots.manifest(manifest)?;
        for directory in path_dependencies(manifest, &raw, self.roots) {
            self.visit_outside(&directory.join("Cargo.toml"))?;
        }
        Ok(())
    }
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    fs_err::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect()
}
