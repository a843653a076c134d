//! What a plan depends on besides its command: files, listings and variables.
//! (The engine's plan cache has what identifies the command.)
//!
//! | input | in | how |
//! |---|---|---|
//! | manifests of members and path packages | path set | content |
//! | `Cargo.lock` | path set | content |
//! | configuration, toolchain files, rustup's settings | path set | content, absent ones too |
//! | where targets and members are discovered | path set | listings and presence |
//! | variables that `[env]` may override | path set | value |
//! | registry and git sources | no | the lock file names them, and they never change |

use crate::config::ConfiguredEnv;
use crate::inputs::Prepared;
use crate::manifest::ReadManifest;
use larder_schema::pathset::{PathInput, PathSet, PathUse};
use larder_schema::plan::{Roots, escape};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Paths and variables that a plan depends on, besides the identity of its
/// command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanPathSet {
    /// Absolute paths; sorted.
    pub paths: Vec<(PathBuf, PathUse)>,
    /// Variables; an absent one is a value too.
    pub env: Vec<String>,
}

impl PlanPathSet {
    /// The path set with templates instead of absolute paths, so that it
    /// serves every checkout.
    #[must_use]
    pub fn to_path_set(&self, roots: &Roots) -> PathSet {
        let mut paths: Vec<PathInput> = self
            .paths
            .iter()
            .map(|(path, uses)| PathInput { path: template(path, roots), uses: *uses })
            .collect();
        paths.sort();
        paths.dedup();
        PathSet { paths, env: self.env.clone(), ..PathSet::default() }
    }
}

fn template(path: &Path, roots: &Roots) -> String {
    let bases = [("{workspace}", &roots.workspace), ("{cargo_home}", &roots.cargo_home)];
    for (token, base) in bases {
        if let Ok(rest) = path.strip_prefix(base) {
            let rest = rest.to_string_lossy();
            return if rest.is_empty() {
                token.to_owned()
            } else {
                format!("{token}/{}", escape(&rest))
            };
        }
    }
    escape(&path.to_string_lossy()).into_owned()
}

pub(crate) fn collect(
    prepared: &Prepared,
    lock: &Path,
    uses: Vec<(PathBuf, PathUse)>,
    packages: &BTreeMap<String, ReadManifest>,
    env: &[ConfiguredEnv],
) -> PlanPathSet {
    let mut paths: BTreeSet<(PathBuf, PathUse)> = uses.into_iter().collect();
    let content = |path: &PathBuf| (path.clone(), PathUse::Content);
    paths.insert((lock.to_owned(), PathUse::Content));
    paths.extend(prepared.config.looked_at().iter().map(content));
    paths.extend(prepared.toolchain.looked_at.iter().map(content));
    let fetched = [prepared.cargo_home.join("registry"), prepared.cargo_home.join("git")];
    for read in packages.values() {
        let root = Path::new(&read.manifest.root);
        if fetched.iter().any(|f| root.starts_with(f)) {
            continue;
        }
        paths.extend(read.uses.iter().cloned());
        // A vendored package is checked against this file by cargo.
        let checksums = root.join(".cargo-checksum.json");
        if checksums.exists() {
            paths.insert((checksums, PathUse::Content));
        }
    }
    let mut env: Vec<String> = env.iter().map(|e| e.name.clone()).collect();
    env.sort();
    env.dedup();
    PlanPathSet { paths: paths.into_iter().collect(), env }
}
