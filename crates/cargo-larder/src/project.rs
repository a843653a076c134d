//! What a Dockerfile has to know of a project, as cargo tells it without
//! resolving anything: `cargo metadata --no-deps`, the lock file's names, and
//! the toolchain file.

use crate::errors::Usage;
use crate::host::Host;
use anyhow::{Context as _, bail};
use larder_docker::settings::Rust;
use serde::Deserialize;
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
    /// Binaries of the default members; the default one first.
    pub(crate) default_bins: Vec<String>,
    /// All binaries.
    pub(crate) all_bins: Vec<String>,
    /// Names in the lock file.
    pub(crate) locked: Vec<String>,
    /// The toolchain.
    pub(crate) rust: Rust,
    /// Labels of an image.
    pub(crate) labels: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    #[serde(default)]
    workspace_default_members: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    default_run: Option<String>,
    description: Option<String>,
    license: Option<String>,
    repository: Option<String>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

impl Package {
    fn bins(&self) -> Vec<String> {
        let bins = self.targets.iter().filter(|target| target.kind.iter().any(|k| k == "bin"));
        let mut bins: Vec<String> = bins.map(|target| target.name.clone()).collect();
        bins.sort_by_key(|bin| Some(bin) != self.default_run.as_ref());
        bins
    }
}

impl Project {
    /// Reads it.
    pub(crate) fn read(host: &Host, manifest: Option<&Path>) -> anyhow::Result<Self> {
        let mut command = Command::new(host.real_cargo());
        command.args(["metadata", "--no-deps", "--format-version=1"]);
        if let Some(manifest) = manifest {
            command.arg("--manifest-path").arg(manifest);
        }
        let output = command.output().context("could not start cargo")?;
        if !output.status.success() {
            bail!("{}", error_of(&output.stderr));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("could not read cargo's metadata")?;
        Self::new(metadata)
    }

    fn new(metadata: Metadata) -> anyhow::Result<Self> {
        let root = metadata.workspace_root;
        let defaults = metadata
            .packages
            .iter()
            .filter(|package| metadata.workspace_default_members.contains(&package.id));
        let default_bins = defaults.clone().flat_map(Package::bins).collect();
        let mut with_bins = defaults.filter(|package| !package.bins().is_empty());
        let labels = match (with_bins.next(), with_bins.next()) {
            (Some(package), None) => labels(package),
            _ => Vec::new(),
        };
        Ok(Self {
            default_bins,
            all_bins: metadata.packages.iter().flat_map(Package::bins).collect(),
            locked: locked(&root)?,
            rust: rust(&root)?,
            labels,
            root,
        })
    }

    /// The binaries that were asked for, or those of the default members.
    pub(crate) fn binaries(&self, asked: &[String]) -> anyhow::Result<Vec<String>> {
        let known = || self.all_bins.join(", ");
        if let Some(unknown) = asked.iter().find(|bin| !self.all_bins.contains(bin)) {
            let message = if self.all_bins.is_empty() {
                "this project has no binaries".to_owned()
            } else {
                format!("there is no binary `{unknown}`; there are: {}", known())
            };
            return Err(Usage(message).into());
        }
        if !asked.is_empty() {
            return Ok(asked.to_vec());
        }
        match self.default_bins.as_slice() {
            [] if self.all_bins.is_empty() => {
                Err(Usage("this project has no binaries, and an image wants one".into()).into())
            }
            [] => Err(Usage(format!("choose with `--bin`: {}", known())).into()),
            bins => Ok(bins.to_vec()),
        }
    }
}

fn error_of(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned()
}

fn labels(package: &Package) -> Vec<(String, String)> {
    [
        ("title", Some(&package.name)),
        ("description", package.description.as_ref()),
        ("licenses", package.license.as_ref()),
        ("source", package.repository.as_ref()),
    ]
    .into_iter()
    .filter_map(|(key, value)| {
        Some((format!("org.opencontainers.image.{key}"), value?.trim().to_owned()))
    })
    .collect()
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
        let channel = if let Ok(table) = toml::from_str::<toml::Table>(&text) {
            let toolchain = table.get("toolchain").and_then(toml::Value::as_table);
            if toolchain.is_some_and(|toolchain| toolchain.contains_key("path")) {
                bail!(
                    "`{}` names a directory, which is not in an image: give an image that has \
                     the toolchain with `--builder`, and put the file into the .dockerignore",
                    path.display()
                );
            }
            toolchain.and_then(|t| t.get("channel")?.as_str()).map(str::to_owned)
        } else {
            Some(text.trim().to_owned())
        };
        let Some(channel) = channel else { break };
        let is_version = channel.starts_with(|c: char| c.is_ascii_digit())
            && channel.chars().all(|c| c.is_ascii_digit() || c == '.');
        let version = if is_version { channel } else { default_version() };
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
        assert!(error.to_string().contains("--builder"));
    }
}
