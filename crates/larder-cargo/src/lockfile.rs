//! `Cargo.lock`, versions 1 to 4: checksums of registry packages and commits
//! of git ones.

use crate::package_id::{PackageId, percent_decode};
use larder_schema::plan::Source;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A lock file that is not what cargo writes.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML of a lock file.
    #[error("could not parse {}: run `cargo generate-lockfile` to write it anew", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

#[derive(Deserialize)]
struct RawLock {
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    package: Vec<RawPackage>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// Name and version.
type Key = (String, String);
/// Source as written, and checksum.
type Entry = (String, Option<String>);

/// What the lock file says.
#[derive(Clone, Debug, Default)]
pub struct Lockfile {
    /// Format.
    pub version: u32,
    /// By name and version: every source with its checksum.
    packages: BTreeMap<Key, Vec<Entry>>,
}

impl Lockfile {
    /// Reads a lock file; `None` where there is none.
    ///
    /// # Errors
    /// Where it cannot be read or parsed.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        match fs_err::read_to_string(path) {
            Ok(text) => Self::parse(&text)
                .map(Some)
                .map_err(|source| LockError::Syntax { path: path.to_owned(), source }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LockError::Read { path: path.to_owned(), source }),
        }
    }

    /// Reads the text of a lock file.
    ///
    /// # Errors
    /// Where it is not TOML of a lock file.
    pub fn parse(text: &str) -> Result<Self, Box<toml::de::Error>> {
        let raw: RawLock = toml::from_str(text)?;
        let mut lock = Self { version: raw.version.unwrap_or(1), ..Self::default() };
        for package in raw.package {
            let Some(source) = package.source else { continue };
            // Version 1 keeps checksums in a table of their own.
            let checksum = package.checksum.or_else(|| {
                let key = format!("checksum {} {} ({source})", package.name, package.version);
                raw.metadata.get(&key).filter(|c| *c != "<none>").cloned()
            });
            lock.packages
                .entry((package.name, package.version))
                .or_default()
                .push((source, checksum));
        }
        Ok(lock)
    }

    /// The entry for a package of the graph: its source as the lock file has
    /// it, and its checksum.
    #[must_use]
    pub fn entry(&self, id: &PackageId<'_>) -> Option<(&str, Option<&str>)> {
        let all = self.packages.get(&(id.name.to_owned(), id.version.to_owned()))?;
        let wanted = percent_decode(id.source);
        let found = all
            .iter()
            .find(|(source, _)| {
                let source = source.split('#').next().unwrap_or(source);
                percent_decode(source) == wanted
            })
            .or_else(|| {
                // One of its kind is enough: older lock files encode branch
                // names otherwise.
                let mut same = all.iter().filter(|(s, _)| s.split('+').next() == Some(id.kind));
                same.next().filter(|_| same.next().is_none())
            })?;
        Some((found.0.as_str(), found.1.as_deref()))
    }

    /// Versions and sources of the packages of a name that do not lie in the
    /// project; sources as written, git ones with their commit.
    #[must_use]
    pub fn named(&self, name: &str) -> Vec<(&str, &str)> {
        let all = self.packages.iter().filter(|((other, _), _)| other == name);
        all.flat_map(|((_, version), entries)| {
            entries.iter().map(|(source, _)| (version.as_str(), source.as_str()))
        })
        .collect()
    }

    /// The source of a package of the graph. `root` is the package's
    /// directory, `workspace` the workspace's, `cargo_home` tells unpacked
    /// sources from vendored ones.
    #[must_use]
    pub fn source(
        &self,
        id: &PackageId<'_>,
        root: &Path,
        workspace: &Path,
        cargo_home: &Path,
    ) -> Source {
        match id.kind {
            "path" => Source::Path {
                path: crate::host::relative(root, workspace).to_string_lossy().into_owned(),
            },
            "git" if root.starts_with(cargo_home.join("git")) => {
                let commit = self
                    .entry(id)
                    .and_then(|(source, _)| source.split_once('#'))
                    .map(|(_, commit)| commit.to_owned())
                    .unwrap_or_default();
                Source::Git { url: id.source.to_owned(), commit }
            }
            _ => Source::Registry {
                url: id.source.to_owned(),
                checksum: self.entry(id).and_then(|(_, c)| c).map(str::to_owned),
                vendored: !root.starts_with(cargo_home.join("registry/src")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_old_and_new_formats() {
        let index = "registry+https://github.com/rust-lang/crates.io-index";
        let v1 = format!(
            "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{index}\"\n\
             [metadata]\n\"checksum a 1.0.0 ({index})\" = \"c1\"\n"
        );
        let v4 = format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
             source = \"{index}\"\nchecksum = \"c4\"\n"
        );
        let text = format!("{index}#a@1.0.0");
        let id = PackageId::parse(&text).unwrap();
        for (text, checksum) in [(v1, "c1"), (v4, "c4")] {
            let lock = Lockfile::parse(&text).unwrap();
            assert_eq!(lock.entry(&id), Some((index, Some(checksum))));
        }
    }

    #[test]
    fn git_commits_and_vendored_trees() {
        let lock = Lockfile::parse(
            "version = 3\n[[package]]\nname = \"g\"\nversion = \"0.1.0\"\n\
             source = \"git+https://h/g?branch=a/b#0123\"\n",
        )
        .unwrap();
        let id = PackageId::parse("git+https://h/g?branch=a%2Fb#0.1.0").unwrap();
        let home = Path::new("/home/.cargo");
        let of = |root: &str| lock.source(&id, Path::new(root), Path::new("/w"), home);
        let url = "git+https://h/g?branch=a%2Fb".to_owned();
        assert_eq!(
            of("/home/.cargo/git/checkouts/g-1/0123"),
            Source::Git { url: url.clone(), commit: "0123".into() }
        );
        assert_eq!(of("/w/vendor/g"), Source::Registry { url, checksum: None, vendored: true });
    }
}
