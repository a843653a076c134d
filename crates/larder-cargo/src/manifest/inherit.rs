//! Fields of `[package]` and `[lints]` that a manifest inherits, and the
//! search for the workspace that it inherits from.

use super::{ManifestError, RawManifest, RawWorkspace, parse};
use crate::host::{normalize, relative};
use larder_schema::pathset::PathUse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

type Root = Option<(PathBuf, Arc<RawManifest>)>;

/// Parsed manifests, and the workspace roots found so far: shared by the
/// threads that read packages.
#[derive(Debug)]
pub struct WorkspaceRoots {
    cargo_home: PathBuf,
    parsed: Mutex<HashMap<PathBuf, Arc<RawManifest>>>,
}

/// Default names of a README, in cargo's order.
const READMES: &[&str] = &["README.md", "README.txt", "README"];

/// Whether a workspace whose manifest lies in `root` leaves out the manifest
/// at `path`.
#[must_use]
pub fn is_excluded(workspace: &RawWorkspace, root: &Path, path: &Path) -> bool {
    let below = |entry: &String| path.starts_with(root.join(entry));
    let member = workspace.members.as_ref().is_some_and(|m| m.iter().any(below));
    !member && workspace.exclude.iter().any(below)
}

impl WorkspaceRoots {
    /// Starts empty. The search for a workspace stops at `cargo_home`.
    #[must_use]
    pub fn new(cargo_home: &Path) -> Self {
        Self { cargo_home: cargo_home.to_owned(), parsed: Mutex::default() }
    }

    /// The manifest at `path`, parsed once.
    ///
    /// # Errors
    /// Where it cannot be read or parsed.
    pub fn manifest(&self, path: &Path) -> Result<Arc<RawManifest>, ManifestError> {
        if let Some(known) = self.lock().get(path) {
            return Ok(Arc::clone(known));
        }
        let parsed = Arc::new(parse(path)?);
        self.lock().insert(path.to_owned(), Arc::clone(&parsed));
        Ok(parsed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<RawManifest>>> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspace root that the manifest at `path` belongs to, as cargo
    /// searches it: itself, its `package.workspace`, or the nearest one above
    /// that does not exclude it.
    ///
    /// # Errors
    /// Where a manifest on the way cannot be parsed.
    pub fn root_for(&self, path: &Path, raw: &Arc<RawManifest>) -> Result<Root, ManifestError> {
        if let Some(found) = self.pointed(path, raw, path)? {
            return Ok(Some(found));
        }
        for candidate in self.candidates(path) {
            if !candidate.exists() {
                continue;
            }
            let above = self.manifest(&candidate)?;
            if let Some(found) = self.pointed(&candidate, &above, path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Manifests above `path` where cargo looks for a root, present or not.
    #[must_use]
    pub fn candidates(&self, path: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut last: Option<&Path> = None;
        for directory in path.ancestors().skip(2) {
            if directory.ends_with("target/package") || last == Some(&self.cargo_home) {
                break;
            }
            found.push(directory.join("Cargo.toml"));
            last = Some(directory);
        }
        found
    }

    fn pointed(
        &self,
        at: &Path,
        raw: &Arc<RawManifest>,
        look_from: &Path,
    ) -> Result<Root, ManifestError> {
        let directory = at.parent().unwrap_or(Path::new("/"));
        if let Some(workspace) = &raw.workspace {
            return Ok((!is_excluded(workspace, directory, look_from))
                .then(|| (at.to_owned(), Arc::clone(raw))));
        }
        let Some(pointer) = raw.package_text("workspace") else { return Ok(None) };
        let root = normalize(&directory.join(pointer).join("Cargo.toml"));
        let parsed = self.manifest(&root)?;
        Ok(Some((root, parsed)))
    }
}

/// The fields of one manifest.
pub(super) struct Fields<'a> {
    path: &'a Path,
    raw: &'a Arc<RawManifest>,
    package: &'a toml::Table,
    workspaces: &'a WorkspaceRoots,
    workspace: Option<Root>,
    uses: &'a mut Vec<(PathBuf, PathUse)>,
}

/// The readme that a `readme` value names in `root`.
fn readme_name(
    value: Option<&toml::Value>,
    root: &Path,
    uses: &mut Vec<(PathBuf, PathUse)>,
) -> Option<String> {
    match value {
        Some(toml::Value::Boolean(false)) => None,
        Some(toml::Value::Boolean(true)) => Some("README.md".to_owned()),
        Some(toml::Value::String(name)) => Some(name.clone()),
        _ => READMES.iter().find_map(|name| {
            let path = root.join(name);
            let there = path.is_file();
            uses.push((path, PathUse::Presence));
            there.then(|| (*name).to_owned())
        }),
    }
}

fn is_inherited(value: &toml::Value) -> bool {
    value.get("workspace").is_some_and(|w| w.as_bool() == Some(true))
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        path: &'a Path,
        raw: &'a Arc<RawManifest>,
        package: &'a toml::Table,
        workspaces: &'a WorkspaceRoots,
        uses: &'a mut Vec<(PathBuf, PathUse)>,
    ) -> Self {
        Self { path, raw, package, workspaces, workspace: None, uses }
    }

    fn missing(&self, key: &str) -> ManifestError {
        ManifestError::Inherit { path: self.path.to_owned(), key: key.to_owned() }
    }

    /// The root to inherit from; searched once.
    fn root(&mut self, key: &str) -> Result<(PathBuf, Arc<RawManifest>), ManifestError> {
        if self.workspace.is_none() {
            let root = self.workspaces.root_for(self.path, self.raw)?;
            if let Some((path, _)) = &root {
                self.uses.push((path.clone(), PathUse::Content));
            }
            self.workspace = Some(root);
        }
        self.workspace.clone().flatten().ok_or_else(|| self.missing(key))
    }

    pub(super) fn own_text(&self, key: &str) -> Option<String> {
        self.package.get(key).and_then(toml::Value::as_str).map(str::to_owned)
    }

    /// The value of a field, and the workspace's directory if it came from
    /// there.
    fn value(
        &mut self,
        key: &str,
    ) -> Result<Option<(toml::Value, Option<PathBuf>)>, ManifestError> {
        let package = self.package;
        let Some(value) = package.get(key) else { return Ok(None) };
        if !is_inherited(value) {
            return Ok(Some((value.clone(), None)));
        }
        let (path, root) = self.root(key)?;
        let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
        let shared = root.workspace.as_ref().and_then(|w| w.package.get(key));
        match shared {
            Some(value) => Ok(Some((value.clone(), Some(directory)))),
            // A README is looked for where none is named.
            None if key == "readme" => Ok(Some((toml::Value::Array(Vec::new()), Some(directory)))),
            None => Err(self.missing(&format!("package.{key}"))),
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, ManifestError> {
        Ok(self.value(key)?.and_then(|(v, _)| v.as_str().map(str::to_owned)))
    }

    pub(super) fn list(&mut self, key: &str) -> Result<Vec<String>, ManifestError> {
        let value = self.value(key)?;
        Ok(value
            .iter()
            .filter_map(|(v, _)| v.as_array())
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect())
    }

    /// A path inherited from the workspace is made relative to the package.
    fn moved(&self, name: &str, from: &Path) -> String {
        let root = self.path.parent().unwrap_or(Path::new("/"));
        relative(&normalize(&from.join(name)), root).to_string_lossy().into_owned()
    }

    pub(super) fn license_file(&mut self) -> Result<Option<String>, ManifestError> {
        Ok(match self.value("license-file")? {
            Some((toml::Value::String(name), Some(from))) => Some(self.moved(&name, &from)),
            Some((toml::Value::String(name), None)) => Some(name),
            _ => None,
        })
    }

    pub(super) fn readme(&mut self) -> Result<Option<String>, ManifestError> {
        match self.value("readme")? {
            Some((value, Some(from))) => {
                let name = readme_name(Some(&value), &from, self.uses);
                Ok(name.map(|n| self.moved(&n, &from)))
            }
            own => {
                let root = self.path.parent().unwrap_or(Path::new("/"));
                Ok(readme_name(own.as_ref().map(|(v, _)| v), root, self.uses))
            }
        }
    }

    /// `[lints]`, or the workspace's.
    pub(super) fn lints(&mut self) -> Result<Option<toml::Table>, ManifestError> {
        let Some(lints) = &self.raw.lints else { return Ok(None) };
        if lints.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
            return Ok(Some(lints.clone()));
        }
        let (_, root) = self.root("lints")?;
        let shared = root.workspace.as_ref().and_then(|w| w.lints.clone());
        shared.map(Some).ok_or_else(|| self.missing("lints"))
    }
}
