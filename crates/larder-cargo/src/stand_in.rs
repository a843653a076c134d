//! A project of which only manifests, lock file and configuration are there:
//! a copy for planning, in which empty files stand for the missing targets.
//!
//! The copy has the manifests under a temporary directory, at the same paths
//! as below `/`, so that relative paths between packages hold. Cargo is asked
//! there, from the project's own directory: the configuration is the
//! project's. Nothing is written into the project, and nothing in the copy is
//! ever compiled.
//!
//! What stands in for what:
//!
//! | a manifest says | file |
//! |---|---|
//! | a target with a path, or a name | that file, where cargo looks for it |
//! | `build = "…"`, `links`, or build dependencies | the build script |
//! | no target, and another package depends on it | `src/lib.rs` |
//! | no target, and none does | `src/main.rs` |
//! | `--bin NAME` that no manifest declares | `src/main.rs` of the package NAME, else `src/bin/NAME.rs` of the one that is asked for |
//!
//! Files that are there count as they are, without their content.

use crate::args::Parsed;
use crate::host::Host;
use crate::manifest::{ManifestError, RawManifest, RawTarget, WorkspaceRoots, path_dependencies};
use crate::members::{self, Workspace};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// A manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The lock file is missing: versions would be chosen that no build has.
    #[error("{} is missing: copy it beside the manifests", path.display())]
    NoLock {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file cannot be copied.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A binary is nowhere declared, and several packages may have it.
    #[error("no manifest declares the binary `{bin}`: name its package with `-p`")]
    WhoseBinary {
        /// Its name.
        bin: String,
    },
}

/// A copy; it goes when this is dropped.
#[derive(Debug)]
pub struct StandIn {
    /// The manifest to plan with.
    pub manifest: PathBuf,
    /// The workspace that it stands for.
    pub workspace: PathBuf,
    _directory: tempfile::TempDir,
}

/// Makes the copy for a command that starts in `host.cwd`.
///
/// # Errors
/// See [`StandInError`].
pub fn stand_in(host: &Host, home: &Path, parsed: &Parsed) -> Result<StandIn, StandInError> {
    let roots = WorkspaceRoots::new(home);
    let workspace = members::workspace(&host.cwd, parsed.manifest_path.as_deref(), &roots)?;
    let lock = workspace.lock_path();
    if !lock.is_file() {
        return Err(StandInError::NoLock { path: lock });
    }
    let directory = tempfile::Builder::new()
        .prefix("larder-stand-in-")
        .tempdir()
        .map_err(|source| StandInError::Write { path: std::env::temp_dir(), source })?;
    let copy = Copy { root: directory.path() };
    copy.file(&lock)?;
    let packages = packages(&workspace, &roots)?;
    for package in &packages {
        copy.file(&package.manifest)?;
        for file in package.existing() {
            copy.empty(&package.directory.join(file))?;
        }
    }
    copy.file(&workspace.manifest)?;
    let needed: BTreeSet<&PathBuf> = packages.iter().flat_map(|p| &p.below).collect();
    for package in &packages {
        for file in package.missing(needed.contains(&package.directory)) {
            copy.empty(&package.directory.join(file))?;
        }
    }
    for (directory, file) in binaries(&packages, &needed, parsed)? {
        copy.empty(&directory.join(file))?;
    }
    Ok(StandIn {
        manifest: copy.place(&workspace.current),
        workspace: workspace.root,
        _directory: directory,
    })
}

/// A local package.
struct Package {
    manifest: PathBuf,
    directory: PathBuf,
    name: String,
    raw: Arc<RawManifest>,
    /// Directories of the packages that it depends on.
    below: Vec<PathBuf>,
}

fn packages(workspace: &Workspace, roots: &WorkspaceRoots) -> Result<Vec<Package>, ManifestError> {
    let manifests = workspace.members.iter().chain(&workspace.outside);
    let mut packages = Vec::new();
    for manifest in manifests {
        let raw = roots.manifest(manifest)?;
        packages.push(Package {
            manifest: manifest.clone(),
            directory: manifest.parent().unwrap_or(Path::new("/")).to_owned(),
            name: raw.package_text("name").unwrap_or_default().to_owned(),
            below: path_dependencies(manifest, &raw, roots),
            raw,
        });
    }
    Ok(packages)
}

/// Directories in which cargo discovers targets.
const DISCOVERED: [&str; 4] = ["src/bin", "examples", "tests", "benches"];

impl Package {
    /// Root files of targets that are there.
    fn existing(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> =
            ["src/lib.rs", "src/main.rs", "build.rs"].iter().map(PathBuf::from).collect();
        found.extend(self.declared());
        for directory in DISCOVERED {
            let entries = fs_err::read_dir(self.directory.join(directory));
            for entry in entries.into_iter().flatten().flatten() {
                let path = Path::new(directory).join(entry.file_name());
                found.push(path.join("main.rs"));
                found.push(path);
            }
        }
        found.retain(|file| self.directory.join(file).is_file());
        found
    }

    /// Root files that the manifest names.
    fn declared(&self) -> Vec<PathBuf> {
        let raw = &self.raw;
        let mut files = Vec::new();
        if let Some(lib) = &raw.lib {
            files.push(PathBuf::from(lib.path.as_deref().unwrap_or("src/lib.rs")));
        }
        let kinds = [&raw.bin, &raw.example, &raw.test, &raw.bench];
        for (kind, directory) in kinds.into_iter().zip(DISCOVERED) {
            for target in kind.iter().flatten() {
                files.extend(self.root_of(target, directory));
            }
        }
        if let Some(build) = raw.package_text("build") {
            files.push(PathBuf::from(build));
        }
        files
    }

    /// Where cargo looks for a target without a path.
    fn root_of(&self, target: &RawTarget, directory: &str) -> Option<PathBuf> {
        if let Some(path) = &target.path {
            return Some(PathBuf::from(path));
        }
        let name = target.name.as_deref()?;
        let nested = Path::new(directory).join(name).join("main.rs");
        let flat = Path::new(directory).join(format!("{name}.rs"));
        let is_main = directory == "src/bin" && name == self.name;
        let there = |file: &PathBuf| self.directory.join(file).is_file();
        Some(match is_main {
            _ if there(&flat) => flat,
            _ if there(&nested) => nested,
            true => PathBuf::from("src/main.rs"),
            false => flat,
        })
    }

    /// Root files that have to be there and are not.
    fn missing(&self, is_needed: bool) -> Vec<PathBuf> {
        let mut files = self.declared();
        let runs = self.raw.package_text("links").is_some()
            || [&self.raw.build_dependencies, &self.raw.build_dependencies2]
                .iter()
                .any(|table| table.as_ref().is_some_and(|table| !table.is_empty()));
        let build = self.raw.package().and_then(|package| package.get("build"));
        let said_none = build.and_then(toml::Value::as_bool) == Some(false);
        let said_so = build.and_then(toml::Value::as_bool) == Some(true);
        if said_so || runs && build.is_none() && !said_none {
            files.push(PathBuf::from("build.rs"));
        }
        let has_targets = self.raw.lib.is_some()
            || self.raw.bin.as_ref().is_some_and(|bins| !bins.is_empty())
            || self
                .existing()
                .iter()
                .any(|file| file.starts_with("src") && file.extension().is_some_and(|e| e == "rs"));
        if !has_targets {
            files.push(PathBuf::from(if is_needed { "src/lib.rs" } else { "src/main.rs" }));
        } else if is_needed && self.raw.lib.is_none() {
            files.push(PathBuf::from("src/lib.rs"));
        }
        files.retain(|file| !self.directory.join(file).is_file());
        files
    }

    fn has_binary(&self, name: &str) -> bool {
        let declared = self.raw.bin.iter().flatten().any(|t| t.name.as_deref() == Some(name));
        declared
            || ["rs", ""].iter().any(|extension| {
                let file = match *extension {
                    "" => format!("src/bin/{name}/main.rs"),
                    _ => format!("src/bin/{name}.rs"),
                };
                self.directory.join(file).is_file()
            })
    }
}

/// Files of the binaries that the command names and no manifest declares.
fn binaries(
    packages: &[Package],
    needed: &BTreeSet<&PathBuf>,
    parsed: &Parsed,
) -> Result<Vec<(PathBuf, PathBuf)>, StandInError> {
    let mut files = Vec::new();
    let chosen = chosen(&parsed.planning);
    for bin in parsed.selection.bins.iter().flatten() {
        if bin.contains(['*', '?', '[']) || packages.iter().any(|p| p.has_binary(bin)) {
            continue;
        }
        if let Some(package) = packages.iter().find(|p| p.name == *bin) {
            files.push((package.directory.clone(), PathBuf::from("src/main.rs")));
            continue;
        }
        let mut candidates = packages.iter().filter(|p| match chosen.is_empty() {
            true => !needed.contains(&p.directory),
            false => chosen.contains(&p.name),
        });
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => {
                files.push((only.directory.clone(), PathBuf::from(format!("src/bin/{bin}.rs"))));
            }
            _ => return Err(StandInError::WhoseBinary { bin: bin.clone() }),
        }
    }
    Ok(files)
}

/// Names that `-p` gives.
fn chosen(args: &[String]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = match arg.as_str() {
            "-p" | "--package" => args.next().map(String::as_str),
            other => other.strip_prefix("--package="),
        };
        // A specification may hold a URL and a version.
        let name = value.map(|v| v.rsplit(['/', '#']).next().unwrap_or(v));
        names.extend(name.and_then(|n| n.split('@').next()).map(str::to_owned));
    }
    names
}

struct Copy<'a> {
    root: &'a Path,
}

impl Copy<'_> {
    /// Where a path of the project is in the copy.
    fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn file(&self, path: &Path) -> Result<(), StandInError> {
        self.put(path, &|to| fs_err::copy(path, to).map(drop))
    }

    fn empty(&self, path: &Path) -> Result<(), StandInError> {
        self.put(path, &|to| fs_err::write(to, ""))
    }

    fn put(
        &self,
        path: &Path,
        write: &dyn Fn(&Path) -> io::Result<()>,
    ) -> Result<(), StandInError> {
        let to = self.place(path);
        let parent = to.parent().unwrap_or(self.root);
        let done = fs_err::create_dir_all(parent).and_then(|()| write(&to));
        done.map_err(|source| StandInError::Write { path: to.clone(), source })
    }
}
