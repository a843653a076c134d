//! `Cargo.toml` turned into what planning needs, workspace inheritance and
//! discovered targets included.
//!
//! This refuses nothing that cargo accepts, and checks little: cargo has read
//! the same file a moment before and would have complained.

mod features;
mod inherit;
mod lints;
mod named_paths;
mod raw;
mod targets;

pub use inherit::{WorkspaceRoots, is_excluded};
pub use named_paths::named_paths;
pub use raw::{
    Dependencies, DependencyTables, RawDependency, RawManifest, RawTarget, RawWorkspace,
};

use crate::host::normalize;
use larder_plan::input::{Manifest, ManifestDependency};
use larder_schema::pathset::PathUse;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A manifest that cannot be used. Cargo refuses it too: hand the command to
/// cargo.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML of a manifest.
    #[error("could not parse {}", path.display())]
    Syntax {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
    /// It inherits what its workspace does not have.
    #[error("{} inherits `{key}`, which its workspace does not define", path.display())]
    Inherit {
        /// The manifest.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// No manifest was found.
    #[error("no Cargo.toml in {} or any directory above it", path.display())]
    NotFound {
        /// Where the search began.
        path: PathBuf,
    },
}

/// A manifest and what it was made from.
#[derive(Clone, Debug)]
pub struct ReadManifest {
    /// For planning.
    pub manifest: Manifest,
    /// As written.
    pub raw: Arc<RawManifest>,
    /// Paths whose content, presence or listing decided it.
    pub uses: Vec<(PathBuf, PathUse)>,
}

/// Parses a manifest file.
///
/// # Errors
/// Where it cannot be read or parsed.
pub fn parse(path: &Path) -> Result<RawManifest, ManifestError> {
    let text = fs_err::read_to_string(path)
        .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|source| ManifestError::Syntax { path: path.to_owned(), source: Box::new(source) })
}

/// Features of cargo that once had to be named and are stable now.
const STABLE_FEATURES: &[&str] = &[
    "alternative-registries",
    "edition",
    "edition2021",
    "edition2024",
    "named-profiles",
    "profile-overrides",
    "publish-lockfile",
    "rename-dependency",
    "resolver",
    "rust-version",
    "strip",
    "test-dummy-stable",
    "workspace-inheritance",
];

/// Keys of `[package]` that need a nightly cargo.
const UNSTABLE_KEYS: &[&str] = &["metabuild", "default-target", "forced-target", "im-a-teapot"];

/// Reads the manifest at `path`.
///
/// # Errors
/// Where it, or the workspace it inherits from, cannot be used.
pub fn read(path: &Path, workspaces: &WorkspaceRoots) -> Result<ReadManifest, ManifestError> {
    let raw = workspaces.manifest(path)?;
    from_raw(path, raw, workspaces)
}

fn from_raw(
    path: &Path,
    raw: Arc<RawManifest>,
    workspaces: &WorkspaceRoots,
) -> Result<ReadManifest, ManifestError> {
    let root = path.parent().unwrap_or(Path::new("/"));
    let empty = toml::Table::new();
    let package = raw.package().unwrap_or(&empty);
    let mut uses = vec![(path.to_owned(), PathUse::Content)];
    let mut fields = inherit::Fields::new(path, &raw, package, workspaces, &mut uses);
    let name = fields.own_text("name").unwrap_or_default();
    let edition = fields.text("edition")?.unwrap_or_else(|| "2015".to_owned());
    let mut manifest = Manifest {
        path: path.to_string_lossy().into_owned(),
        root: root.to_string_lossy().into_owned(),
        version: fields.text("version")?.unwrap_or_else(|| "0.0.0".to_owned()),
        authors: fields.list("authors")?,
        description: fields.text("description")?,
        homepage: fields.text("homepage")?,
        repository: fields.text("repository")?,
        license: fields.text("license")?,
        license_file: fields.license_file()?,
        readme: fields.readme()?,
        rust_version: fields.text("rust-version")?,
        links: fields.own_text("links"),
        ..Manifest::default()
    };
    let lints = fields.lints()?;
    if let Some(lints) = &lints {
        manifest.lint_flags = lints::flags(lints);
        manifest.lint_check_cfgs = lints::check_cfgs(lints);
    }
    let workspace = match raw.dependencies().any(|(_, d)| d.workspace) {
        true => workspaces.root_for(path, &raw)?.map(|(_, root)| root),
        false => None,
    };
    let shared = workspace.as_ref().and_then(|root| root.workspace.as_ref());
    for (key, dependency) in raw.dependencies() {
        let from_workspace =
            shared.filter(|_| dependency.workspace).and_then(|w| w.dependencies.get(key));
        let given =
            dependency.package.clone().or_else(|| from_workspace.and_then(|d| d.package.clone()));
        let artifact = dependency.artifact || from_workspace.is_some_and(|d| d.artifact);
        if dependency.base || from_workspace.is_some_and(|d| d.base) {
            manifest.unstable.push("path-bases".to_owned());
        }
        manifest.artifact_dependencies |= artifact;
        manifest.dependencies.push(ManifestDependency {
            key: key.clone(),
            renamed: given.is_some(),
            package: given.unwrap_or_else(|| key.clone()),
            artifact,
        });
    }
    manifest.features = features::all(&raw);
    manifest.targets = targets::all(&raw, package, root, &name, &edition, &mut uses);
    manifest.unstable.extend(unstable(&raw, package));
    manifest.name = name;
    manifest.edition = edition;
    Ok(ReadManifest { manifest, raw, uses })
}

/// The features of `cargo-features` that need a nightly cargo.
#[must_use]
pub fn unstable_features(raw: &RawManifest) -> Vec<String> {
    let stable = |feature: &&String| STABLE_FEATURES.contains(&feature.as_str());
    raw.cargo_features.iter().filter(|f| !stable(f)).cloned().collect()
}

fn unstable(raw: &RawManifest, package: &toml::Table) -> Vec<String> {
    let features = unstable_features(raw).into_iter();
    let keys = UNSTABLE_KEYS.iter().filter(|k| package.contains_key(**k));
    let scripts = matches!(package.get("build"), Some(toml::Value::Array(_)));
    features
        .chain(keys.map(|k| format!("package.{k}")))
        .chain(scripts.then(|| "package.build with several scripts".to_owned()))
        .collect()
}

/// Directories of the path dependencies of a manifest, inherited ones
/// included; normal paths.
#[must_use]
pub fn path_dependencies(
    path: &Path,
    raw: &Arc<RawManifest>,
    workspaces: &WorkspaceRoots,
) -> Vec<PathBuf> {
    let root = path.parent().unwrap_or(Path::new("/"));
    let workspace = workspaces.root_for(path, raw).ok().flatten();
    let mut found = Vec::new();
    for (key, dependency) in raw.dependencies() {
        if dependency.workspace {
            if let Some((manifest, parsed)) = &workspace
                && let Some(shared) =
                    parsed.workspace.as_ref().and_then(|w| w.dependencies.get(key))
                && let (Some(directory), Some(at)) = (manifest.parent(), &shared.path)
            {
                found.push(normalize(&directory.join(at)));
            }
        } else if let Some(at) = &dependency.path {
            found.push(normalize(&root.join(at)));
        }
    }
    found
}
