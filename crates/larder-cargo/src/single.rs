//! One dependency of a lock file as a project of its own: a temporary package
//! that depends on it at its locked version, with the rest of the lock file
//! deciding everything below.

use crate::fetch::{dependency, quoted};
use crate::lockfile::{LockError, Lockfile};
use larder_schema::plan::Source;
use std::io;
use std::path::{Path, PathBuf};

/// What is wanted of a lock file.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `serde`, `serde@1.0.1`.
    pub spec: String,
    /// Features to activate.
    pub features: Vec<String>,
    /// Whether the `default` feature stays off.
    pub no_default_features: bool,
}

/// Why there is no such project.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// The lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no lock file.
    #[error("could not find the lock file {}", path.display())]
    NoLock {
        /// Where it should be.
        path: PathBuf,
    },
    /// It has no such package from a registry or git.
    #[error("{} has no dependency `{spec}`", path.display())]
    Unknown {
        /// The lock file.
        path: PathBuf,
        /// What was asked for.
        spec: String,
    },
    /// It has several.
    #[error("{} has several: ask for one of {candidates}", path.display())]
    Ambiguous {
        /// The lock file.
        path: PathBuf,
        /// `a@1.0.0, a@2.0.0`.
        candidates: String,
    },
    /// The temporary package cannot be written.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A temporary project; it goes when this is dropped.
#[derive(Debug)]
pub struct Single {
    /// Its manifest.
    pub manifest: PathBuf,
    /// Its directory.
    pub directory: tempfile::TempDir,
}

/// Makes the project.
///
/// # Errors
/// See [`SingleError`].
pub fn single(path: &Path, wanted: &Wanted) -> Result<Single, SingleError> {
    let lock =
        Lockfile::read(path)?.ok_or_else(|| SingleError::NoLock { path: path.to_owned() })?;
    let (name, version) = match wanted.spec.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (wanted.spec.as_str(), None),
    };
    let mut found = lock.named(name);
    found.retain(|(locked, _)| version.is_none_or(|version| version == *locked));
    let (version, source) = match found.as_slice() {
        [one] => *one,
        [] => {
            let (path, spec) = (path.to_owned(), wanted.spec.clone());
            return Err(SingleError::Unknown { path, spec });
        }
        several => {
            let names: Vec<String> =
                several.iter().map(|(version, _)| format!("{name}@{version}")).collect();
            let (path, candidates) = (path.to_owned(), names.join(", "));
            return Err(SingleError::Ambiguous { path, candidates });
        }
    };
    let plain = source.split('#').next().unwrap_or(source);
    let of = match source.strip_prefix("git+") {
        Some(_) => Source::Git { url: plain.to_owned(), commit: String::new() },
        None => Source::Registry { url: source.to_owned(), checksum: None, vendored: false },
    };
    let features: Vec<String> = wanted.features.iter().map(|f| quoted(f)).collect();
    let manifest_text = format!(
        "[package]\nname = \"larder-single\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         publish = false\n\n[workspace]\n\n[dependencies]\n\
         p0 = {{ {}, features = [{}], default-features = {} }}\n",
        dependency(name, version, &of),
        features.join(", "),
        !wanted.no_default_features,
    );
    let text = fs_err::read_to_string(path)
        .map_err(|source| LockError::Read { path: path.to_owned(), source })?;
    let own = format!(
        "\n[[package]]\nname = \"larder-single\"\nversion = \"0.0.0\"\ndependencies = [\n {},\n]\n",
        quoted(&format!("{name} {version} ({plain})"))
    );
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| SingleError::Write { path, source }
    };
    let directory = tempfile::Builder::new()
        .prefix("larder-single-")
        .tempdir()
        .map_err(write(&std::env::temp_dir()))?;
    let at = directory.path();
    let manifest = at.join("Cargo.toml");
    fs_err::create_dir(at.join("src")).map_err(write(at))?;
    fs_err::write(at.join("src/lib.rs"), "").map_err(write(at))?;
    fs_err::write(&manifest, manifest_text).map_err(write(&manifest))?;
    let lock = at.join("Cargo.lock");
    fs_err::write(&lock, text + &own).map_err(write(&lock))?;
    Ok(Single { manifest, directory })
}
