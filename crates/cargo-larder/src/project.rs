//! What a Dockerfile has to know of a project, as cargo tells it without
//! resolving anything: `cargo metadata --no-deps`, the lock file's names, and
//! the toolchain file.

use crate::errors::Usage;
use crate::host::Host;
use anyhow::{Context as _, bail};
use larder_docker::outside::Outside;
use larder_docker::project::Project as Described;
use larder_docker::settings::Rust;
use larder_docker::toolchain;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of the builder image where no toolchain file says another.
fn default_version() -> String {
    larder_plan::SUPPORTED_CARGO
        .last()
        .map(|version| version.trim_end_matches('.').to_owned())
        .unwrap_or_default()
}

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// What cargo tells of it.
    pub(crate) described: Described,
    /// Names in the lock file.
    pub(crate) locked: Vec<String>,
    /// The toolchain.
    pub(crate) rust: Rust,
    /// Crates outside of the workspace.
    pub(crate) outside: Vec<Outside>,
}

impl Project {
    /// Reads it.
    pub(crate) fn read(host: &Host, manifest: Option<&Path>) -> anyhow::Result<Self> {
        let described = described(host, manifest)?;
        let root = PathBuf::from(&described.root);
        let outside = outside(host, &described)?;
        Ok(Self { locked: locked(&root)?, rust: rust(&root)?, described, root, outside })
    }

    /// The binaries that were asked for, or those of the default members.
    pub(crate) fn binaries(&self, asked: &[String]) -> anyhow::Result<Vec<String>> {
        let binaries = self.described.binaries(None, asked);
        binaries.map_err(|error| Usage(error.to_string()).into())
    }
}

fn described(host: &Host, manifest: Option<&Path>) -> anyhow::Result<Described> {
    let mut command = Command::new(host.real_cargo());
    command.args(["metadata", "--no-deps", "--format-version=1"]);
    if let Some(manifest) = manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    let output = command.output().context("could not start cargo")?;
    if !output.status.success() {
        bail!("{}", error_of(&output.stderr));
    }
    Described::from_json(&output.stdout).context("could not read cargo's metadata")
}

/// What the workspace needs outside of itself, and what that needs.
fn outside(host: &Host, project: &Described) -> anyhow::Result<Vec<Outside>> {
    let is_inside = |path: &String| Path::new(path).starts_with(&project.root);
    let mut found = BTreeSet::new();
    let mut pending = project.paths(None);
    while let Some(path) = pending.pop() {
        let manifest = Path::new(&path).join("Cargo.toml");
        if is_inside(&path) || !manifest.is_file() || !found.insert(path) {
            continue;
        }
        let described = described(host, Some(&manifest))?;
        pending.extend(described.paths(manifest.to_str()));
    }
    Ok(larder_docker::outside::outside(&project.root, found.iter().map(String::as_str)))
}

fn error_of(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned()
}

/// Names of the packages in the lock file; none without one.
fn locked(root: &Path) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        package: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let path = root.join("Cargo.lock");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let lock: Lock = toml::from_str(&fs_err::read_to_string(&path)?)
        .with_context(|| format!("could not parse `{}`", path.display()))?;
    Ok(lock.package.into_iter().map(|package| package.name).collect())
}

/// The toolchain file, found as rustup finds it, though only in the root: that
/// is what a build context holds.
fn rust(root: &Path) -> anyhow::Result<Rust> {
    for name in ["rust-toolchain", "rust-toolchain.toml"] {
        let path = root.join(name);
        if !path.is_file() {
            continue;
        }
        let text = fs_err::read_to_string(&path)?;
        let channel = toolchain::channel(&text).with_context(|| {
            format!(
                "`{}` cannot be used: give an image that has the toolchain with `--builder`, and \
                 put the file into the .dockerignore",
                path.display()
            )
        })?;
        let Some(channel) = channel else { break };
        let version = toolchain::version(&channel).map_or_else(default_version, str::to_owned);
        return Ok(Rust { version, file: Some(name.to_owned()) });
    }
    Ok(Rust { version: default_version(), file: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_the_toolchain_file_is_the_images() {
        let read = |name: &str, text: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs_err::write(dir.path().join(name), text).unwrap();
            rust(dir.path())
        };
        let toml = read("rust-toolchain.toml", "[toolchain]\nchannel = '1.95.0'\n").unwrap();
        assert_eq!(
            (toml.version.as_str(), toml.file.as_deref()),
            ("1.95.0", Some("rust-toolchain.toml"))
        );
        let plain = read("rust-toolchain", "stable\n").unwrap();
        assert_eq!(
            (plain.version, plain.file.as_deref()),
            (default_version(), Some("rust-toolchain"))
        );
        assert_eq!(read("x", "").unwrap().file, None);
        let error = read("rust-toolchain.toml", "[toolchain]\npath = '/x'\n").unwrap_err();
        assert!(format!("{error:#}").contains("--builder"));
    }
}
