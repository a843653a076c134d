//! Sources of packages that are named by a plan, brought here by cargo.
//!
//! Cargo fetches for a package, so one is written into a temporary directory:
//! it depends on every wanted package at exactly its version or commit, and
//! its lock file has their checksums. Registries, mirrors, credentials and
//! vendored directories are those of the user's configuration, since cargo
//! runs in the user's directory.
//!
//! The lock file is not complete: what only other platforms or features need
//! is not in a plan. Cargo resolves it first, and `--target` and the absence of
//! features keep it from downloading any of it; so there is no `--locked`.
//! That what was asked for is what came is checked afterwards.

use crate::host::Host;
use crate::lockfile::{LockError, Lockfile};
use crate::package_id::{PackageId, percent_decode};
use larder_schema::plan::{Package, Source};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Why sources are not here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Cargo said why.
    #[error("cargo could not fetch the sources (exit code {code})")]
    Cargo {
        /// Its exit code.
        code: i32,
    },
    /// Cargo cannot be started, or the temporary package not written.
    #[error("could not prepare {}", path.display())]
    Prepare {
        /// What was written or started.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The lock file that cargo left is malformed.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Cargo chose another package.
    #[error(
        "cargo resolved {name} {version} to something else than the plan has: a `[patch]` or \
         source replacement of this machine's configuration stands in for it"
    )]
    Different {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
}

/// How to fetch.
#[derive(Debug)]
pub struct Fetcher<'a> {
    /// The machine, with the toolchain's environment.
    pub host: &'a Host,
    /// Cargo.
    pub cargo: &'a Path,
    /// Triples or specifications that the packages are built for.
    pub platforms: &'a [String],
    /// `--config`, `--offline` and the like, for cargo.
    pub args: &'a [String],
}

impl Fetcher<'_> {
    /// Fetches what is not there yet.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub fn fetch<'p>(
        &self,
        packages: impl IntoIterator<Item = &'p Package>,
    ) -> Result<(), FetchError> {
        let wanted: Vec<&Package> =
            packages.into_iter().filter(|p| !matches!(p.source, Source::Path { .. })).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| FetchError::Prepare { path, source }
        };
        let temporary = tempfile::Builder::new()
            .prefix("larder-fetch-")
            .tempdir()
            .map_err(at(&std::env::temp_dir()))?;
        let directory = temporary.path();
        let manifest = directory.join("Cargo.toml");
        let lock = directory.join("Cargo.lock");
        fs_err::create_dir(directory.join("src")).map_err(at(directory))?;
        fs_err::write(directory.join("src/lib.rs"), "").map_err(at(directory))?;
        fs_err::write(&manifest, manifest_text(&wanted)).map_err(at(&manifest))?;
        fs_err::write(&lock, lock_text(&wanted)).map_err(at(&lock))?;
        // What the lock file lacks is resolved first, and quietly: cargo would
        // announce crates that nobody asked for and that are not downloaded.
        self.run(&manifest, &["update", "--workspace", "--quiet"], &[])?;
        self.run(&manifest, &["fetch"], self.platforms)?;
        let resolved = Lockfile::read(&lock)?.unwrap_or_default();
        match wanted.iter().find(|package| !is_in(&resolved, package)) {
            None => Ok(()),
            Some(package) => Err(FetchError::Different {
                name: package.name.clone(),
                version: package.version.clone(),
            }),
        }
    }

    fn run(&self, manifest: &Path, words: &[&str], platforms: &[String]) -> Result<(), FetchError> {
        let mut command = self.host.command(self.cargo);
        command.args(words).arg("--manifest-path").arg(manifest);
        for platform in platforms {
            command.arg("--target").arg(platform);
        }
        // The temporary lock file is nobody's: `--locked` is about the
        // project's.
        command.args(
            self.args
                .iter()
                .filter(|arg| *arg != "--locked")
                .map(|arg| if arg == "--frozen" { "--offline" } else { arg.as_str() }),
        );
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        let prepared = |source| FetchError::Prepare { path: self.cargo.to_owned(), source };
        match status.map_err(prepared)?.code() {
            Some(0) => Ok(()),
            code => Err(FetchError::Cargo { code: code.unwrap_or(101) }),
        }
    }
}

/// Whether cargo resolved to exactly this package.
fn is_in(lock: &Lockfile, package: &Package) -> bool {
    let Some(id) = PackageId::parse(&package.id) else { return false };
    let Some((source, checksum)) = lock.entry(&id) else { return false };
    match &package.source {
        Source::Registry { checksum: wanted, .. } => {
            wanted.is_none() || wanted.as_deref() == checksum
        }
        Source::Git { commit, .. } => source.ends_with(&format!("#{commit}")),
        Source::Path { .. } => true,
    }
}

/// A package that depends on exactly `packages`, without any feature.
fn manifest_text(packages: &[&Package]) -> String {
    let mut text = String::from(
        "[package]\nname = \"larder-fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         publish = false\n\n[workspace]\n\n[dependencies]\n",
    );
    for (index, package) in packages.iter().enumerate() {
        let fields = dependency(&package.name, &package.version, &package.source);
        text.push_str(&format!("p{index} = {{ {fields}, default-features = false }}\n"));
    }
    text
}

/// The fields of a dependency on exactly one version, or on a git source.
pub(crate) fn dependency(name: &str, version: &str, source: &Source) -> String {
    // Requirements take no build metadata; the lock file pins it.
    let version = version.split('+').next().unwrap_or(version);
    let mut fields = vec![("package", name.to_owned()), ("version", format!("={version}"))];
    match source {
        Source::Registry { url, .. } => {
            let index = url.strip_prefix("registry+").unwrap_or(url);
            if index != CRATES_IO {
                fields.push(("registry-index", percent_decode(index)));
            }
        }
        Source::Git { url, .. } => {
            let plain = url.strip_prefix("git+").unwrap_or(url);
            let (url, query) = plain.split_once('?').unwrap_or((plain, ""));
            fields.push(("git", url.to_owned()));
            if let Some((kind @ ("branch" | "tag" | "rev"), name)) = query.split_once('=') {
                fields.push((kind, percent_decode(name)));
            }
        }
        Source::Path { .. } => {}
    }
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
    fields.join(", ")
}

/// What cargo calls its default registry, whatever stands in for it.
const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// A lock file with `packages`, and no more.
fn lock_text(packages: &[&Package]) -> String {
    let mut text = String::from("version = 4\n");
    let source = |package: &Package| match &package.source {
        Source::Registry { url, .. } => url.clone(),
        Source::Git { url, commit } => format!("{url}#{commit}"),
        Source::Path { .. } => String::new(),
    };
    for package in packages {
        text.push_str(&format!(
            "\n[[package]]\nname = {}\nversion = {}\nsource = {}\n",
            quoted(&package.name),
            quoted(&package.version),
            quoted(&source(package))
        ));
        if let Source::Registry { checksum: Some(checksum), .. } = &package.source {
            text.push_str(&format!("checksum = {}\n", quoted(checksum)));
        }
    }
    text.push_str(
        "\n[[package]]\nname = \"larder-fetch\"\nversion = \"0.0.0\"\ndependencies = [\n",
    );
    for package in packages {
        // Cargo leaves the commit out here.
        let source = source(package);
        let source = source.split('#').next().unwrap_or_default();
        let full = format!("{} {} ({source})", package.name, package.version);
        text.push_str(&format!(" {},\n", quoted(&full)));
    }
    text.push_str("]\n");
    text
}

/// A basic string of TOML.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_schema::plan::Template;

    fn package(name: &str, version: &str, source: Source) -> Package {
        let url = match &source {
            Source::Registry { url, .. } | Source::Git { url, .. } => url.clone(),
            Source::Path { path } => path.clone(),
        };
        Package {
            id: format!("{url}#{name}@{version}"),
            name: name.to_owned(),
            version: version.to_owned(),
            source,
            root: Template::default(),
            member: false,
            links: None,
            has_library: true,
            library: None,
            has_cdylib: false,
            bins: Vec::new(),
            has_tests: false,
            has_benches: false,
            has_examples: false,
            rust_version: None,
            edition: "2021".into(),
        }
    }

    #[test]
    fn each_kind_of_source_is_asked_for_exactly() {
        let registry = |url: &str| Source::Registry {
            url: url.to_owned(),
            checksum: Some("c".repeat(64)),
            vendored: false,
        };
        let packages = [
            package("a", "1.0.0+zlib", registry(&format!("registry+{CRATES_IO}"))),
            package("b", "2.0.0", registry("sparse+https://host/index/")),
            package(
                "g",
                "0.1.0",
                Source::Git {
                    url: "git+https://host/g?branch=a%2Fb".into(),
                    commit: "0123".into(),
                },
            ),
        ];
        let all: Vec<&Package> = packages.iter().collect();
        let manifest = manifest_text(&all);
        let parsed: toml::Table = toml::from_str(&manifest).unwrap();
        let dependencies = parsed["dependencies"].as_table().unwrap();
        assert_eq!(dependencies["p0"]["version"].as_str(), Some("=1.0.0"));
        assert!(dependencies["p0"].get("registry-index").is_none());
        assert_eq!(
            dependencies["p1"]["registry-index"].as_str(),
            Some("sparse+https://host/index/")
        );
        assert_eq!(dependencies["p2"]["branch"].as_str(), Some("a/b"));
        assert_eq!(dependencies["p2"]["git"].as_str(), Some("https://host/g"));
        let lock = Lockfile::parse(&lock_text(&all)).unwrap();
        assert!(all.iter().all(|package| is_in(&lock, package)), "{}", lock_text(&all));
        let other = package("a", "1.0.0", registry(&format!("registry+{CRATES_IO}")));
        assert!(!is_in(&lock, &other));
    }
}
