//! Everything planning needs, gathered from cargo, rustc, manifests, lock
//! file and configuration.
//!
//! Two steps, so that a cached plan costs only the first:
//! [`prepare`] reads configuration and identifies the toolchain (a few dozen
//! stats when warm), and [`Prepared::gather`] asks cargo.

use crate::args::{Parsed, Request, clippy_args};
use crate::config::{Config, ConfigError};
use crate::host::{Host, NoHome, normalize};
use crate::lockfile::{LockError, Lockfile};
use crate::manifest::{ManifestError, RawManifest, ReadManifest, WorkspaceRoots};
use crate::members::Workspace;
use crate::memo::Memo;
use crate::package_id::PackageId;
use crate::plan_paths::PlanPathSet;
use crate::rustc_probe::{Probe, ProbeError};
use crate::rustflags::Kind;
use crate::toolchain::{self, HostTools, Toolchain, ToolchainError};
use crate::unit_graph::{Asker, GraphError};
use crate::{manifest, members, plan_paths, profiles};
use larder_plan::input::{Command, Inputs, Manifest, TargetInfo, UnitGraph};
use larder_schema::Digest;
use larder_schema::plan::{EnvVar, Roots, Template};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Versions of cargo whose plans are tested against cargo itself.
pub const SUPPORTED_CARGO: &[&str] = &["1.95."];

/// Why there are no inputs.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// Cargo refused the command; its words are in `stderr` and were
    /// streamed. Exit with its code.
    #[error("cargo refused the command (exit code {code})")]
    Cargo {
        /// Exit code.
        code: i32,
        /// Its standard error.
        stderr: String,
    },
    /// Larder does not model this: hand the command to cargo, with one line
    /// that says so.
    #[error("{0} is not modelled by larder")]
    Unsupported(String),
    /// Cargo could not be asked.
    #[error(transparent)]
    Graph(GraphError),
    /// The configuration is malformed: cargo will say so.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A manifest is malformed: cargo will say so.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The lock file is malformed: cargo will say so.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No usable toolchain.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// rustc does not describe a target.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// No home directory.
    #[error(transparent)]
    Home(#[from] NoHome),
    /// The graph names a package whose manifest is nowhere near its sources.
    #[error("could not find the Cargo.toml of `{id}` above {source_file}")]
    NoManifest {
        /// Package.
        id: String,
        /// One of its root source files.
        source_file: String,
    },
}

impl From<GraphError> for GatherError {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Cargo { code, stderr } => Self::Cargo { code, stderr },
            other => Self::Graph(other),
        }
    }
}

/// What the inputs depend on.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The plan's path set.
    pub paths: PlanPathSet,
    /// Whether the plan may be cached: there was a complete lock file, and
    /// planning did not change it.
    pub cacheable: bool,
    /// Cargo's warnings, to repeat when the plan comes from the cache.
    pub warnings: Vec<String>,
}

/// A command whose configuration and toolchain are known.
#[derive(Debug)]
pub struct Prepared {
    /// The machine, with what rustup's proxy and cargo would have added.
    pub host: Host,
    /// The command.
    pub request: Request,
    /// Its arguments, understood.
    pub parsed: Parsed,
    /// The configuration.
    pub config: Config,
    /// The tools.
    pub toolchain: Toolchain,
    /// Their digest.
    pub digest: Digest,
    /// Cargo's home.
    pub cargo_home: PathBuf,
    /// Triples that were requested; none: the host, without `--target`.
    pub targets: Vec<String>,
    /// Memory.
    pub memo: Memo,
}

/// Reads configuration and identifies the toolchain.
///
/// # Errors
/// [`GatherError::Unsupported`] for what goes to cargo; otherwise where
/// configuration or toolchain cannot be used.
pub fn prepare(host: &Host, request: &Request) -> Result<Prepared, GatherError> {
    let parsed = request.parse();
    if let Some(argument) = parsed.unsupported.first() {
        return Err(GatherError::Unsupported(format!("`{argument}`")));
    }
    if parsed.planning.iter().any(|a| a.ends_with(".rs") && request.command != "test") {
        return Err(GatherError::Unsupported("a single-file package".to_owned()));
    }
    let chosen = toolchain::choose(host, request.toolchain.as_deref())?;
    let host = host.with_env(&chosen.env);
    let host = host.with_env(&toolchain::certificates::variables(&host));
    let cargo_home = host.cargo_home()?;
    let config = Config::load(&host, &cargo_home, &parsed.config)?;
    if config.has_unstable() {
        return Err(GatherError::Unsupported("an [unstable] table in the configuration".into()));
    }
    let memo = Memo::open(&host.larder_dir);
    let toolchain = toolchain::resolve(&host, &memo, chosen, &config)?;
    let version = &toolchain.cargo_version;
    if !SUPPORTED_CARGO.iter().any(|s| version.starts_with(s)) || version.contains('-') {
        return Err(GatherError::Unsupported(format!("cargo {version}")));
    }
    let mut targets =
        if parsed.targets.is_empty() { config.build_targets()? } else { parsed.targets.clone() };
    for target in &mut targets {
        if target == "host-tuple" {
            target.clone_from(&toolchain.host_triple);
        }
    }
    targets.sort();
    targets.dedup();
    let clippy = request.command == "clippy";
    let digest = toolchain.digest(&memo, &targets, clippy)?;
    Ok(Prepared {
        host,
        request: request.clone(),
        parsed,
        config,
        toolchain,
        digest,
        cargo_home,
        targets,
        memo,
    })
}

/// [`prepare`] and [`Prepared::gather`] in one. Cargo's standard error goes
/// to `line` as it comes.
///
/// # Errors
/// See [`GatherError`].
pub fn gather(
    host: &Host,
    request: &Request,
    line: &mut dyn FnMut(&str),
) -> Result<(Inputs, Dependencies), GatherError> {
    prepare(host, request)?.gather(line)
}

impl Prepared {
    /// The host's linker and C library, for what links for the host.
    ///
    /// # Errors
    /// Where the linker is not found or cannot be read.
    pub fn host_tools(&self, linker: Option<&Path>) -> Result<HostTools, GatherError> {
        Ok(toolchain::host_tools(&self.host, &self.memo, linker)?)
    }

    /// Asks cargo for the graph and reads everything else.
    ///
    /// # Errors
    /// See [`GatherError`].
    pub fn gather(
        &self,
        line: &mut dyn FnMut(&str),
    ) -> Result<(Inputs, Dependencies), GatherError> {
        let env = self.config.env()?;
        let applied: Vec<_> = env.iter().filter(|e| e.applies(&self.host)).collect();
        let effective = |name: &str| {
            let configured = applied.iter().find(|e| e.name == name).map(|e| e.value.as_str());
            configured.or_else(|| self.host.var(name))
        };
        let clippy = self.clippy()?;
        let wrapper = self.tool("rustc-wrapper")?;
        let workspace_wrapper = match &clippy {
            Some((driver, _)) => Some(driver.clone()),
            None => self.tool("rustc-workspace-wrapper")?,
        };
        let roots = WorkspaceRoots::new(&self.cargo_home);
        let manifest_path = self.parsed.manifest_path.as_deref();
        // What is wrong with a workspace is for cargo to say.
        let workspace = members::workspace(&self.host.cwd, manifest_path, &roots);
        let lock_before = workspace.as_ref().ok().map(|w| fs_err::read(w.lock_path()).ok());
        let planned = Asker {
            host: &self.host,
            cargo: &self.toolchain.cargo,
            bootstrap: effective("RUSTC_BOOTSTRAP"),
            wrapper: wrapper.as_ref(),
            workspace_wrapper: clippy.as_ref().map(|(driver, _)| driver.as_path()),
            clippy_args: clippy.as_ref().map(|(_, args)| args.as_str()),
        }
        .ask(&self.request, &self.parsed, line)?;
        let workspace = workspace?;
        let lock_path = workspace.lock_path();
        let cacheable = lock_before
            .flatten()
            .is_some_and(|before| fs_err::read(&lock_path).is_ok_and(|after| after == before));
        let lock = Lockfile::read(&lock_path)?.unwrap_or_default();
        let packages = self.packages(&planned.graph, &roots)?;
        let root_manifest = roots.manifest(&workspace.manifest)?;
        if let Some(feature) = manifest::unstable_features(&root_manifest).first() {
            return Err(GatherError::Unsupported(format!("cargo-features = [\"{feature}\"]")));
        }
        if let Some(what) = packages.values().find_map(|read| obstacle(&read.manifest)) {
            return Err(GatherError::Unsupported(what));
        }
        let mut sources = BTreeMap::new();
        let mut members = Vec::new();
        for (id, read) in &packages {
            let Some(parsed) = PackageId::parse(id) else { continue };
            let root = Path::new(&read.manifest.root);
            let source = lock.source(&parsed, root, &workspace.root, &self.cargo_home);
            sources.insert(id.clone(), source);
            if workspace.members.contains(Path::new(&read.manifest.path)) {
                members.push(id.clone());
            }
        }
        let probe = Probe {
            host: &self.host,
            config: &self.config,
            toolchain: &self.toolchain,
            digest: self.digest,
            wrappers: wrapper.iter().chain(&workspace_wrapper).cloned().collect(),
            env: applied.iter().map(|e| (e.name.clone(), e.value.clone())).collect(),
            memo: &self.memo,
        };
        let (host, targets) = self.target_infos(&probe, &planned.graph)?;
        let mut uses = workspace.uses.clone();
        // A member without units may get some by a new file.
        let planned_roots: BTreeSet<&str> =
            packages.values().map(|read| read.manifest.path.as_str()).collect();
        for path in &workspace.members {
            if !planned_roots.contains(path.to_string_lossy().as_ref()) {
                uses.extend(manifest::read(path, &roots)?.uses);
            }
        }
        let paths = plan_paths::collect(self, &workspace.lock_path(), uses, &packages, &env);
        self.memo.save();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let inputs = Inputs {
            manifests: packages.into_iter().map(|(id, read)| (id, read.manifest)).collect(),
            graph: planned.graph,
            sources,
            members,
            roots: Roots {
                workspace: text(&workspace.root),
                cargo_home: text(&self.cargo_home),
                sysroot: host.sysroot.clone(),
                target: text(&self.target_dir(&workspace.root)?),
                build: text(&self.build_dir(&workspace.root)?),
            },
            host,
            targets,
            host_triple: self.toolchain.host_triple.clone(),
            cargo_version: self.toolchain.cargo_version.clone(),
            cargo: text(&self.toolchain.cargo),
            rustc: text(&self.toolchain.rustc),
            rustdoc: text(&self.toolchain.rustdoc),
            rustc_verbose_version: self.toolchain.verbose_version.clone(),
            rustc_wrapper: wrapper.as_deref().map(text),
            rustc_workspace_wrapper: workspace_wrapper.as_deref().map(text),
            toolchain: self.digest,
            env: applied
                .iter()
                .map(|e| EnvVar {
                    name: e.name.clone(),
                    value: Some(Template::literal(&e.value)),
                    configured: true,
                })
                .collect(),
            dylib_path: self.dylib_path(),
            command: self.command(clippy, &root_manifest),
        };
        let warnings = planned.warnings;
        Ok((inputs, Dependencies { paths, cacheable, warnings }))
    }

    /// A wrapper; an empty value means none.
    fn tool(&self, name: &str) -> Result<Option<PathBuf>, ConfigError> {
        Ok(self.config.tool(name)?.filter(|p| !p.as_os_str().is_empty()))
    }

    fn clippy(&self) -> Result<Option<(PathBuf, String)>, GatherError> {
        if self.request.command != "clippy" {
            return Ok(None);
        }
        let driver = self
            .toolchain
            .clippy_driver()
            .ok_or_else(|| GatherError::Unsupported("a toolchain without clippy".to_owned()))?;
        Ok(Some((driver, clippy_args(&self.parsed, &self.request.trailing))))
    }

    /// On macOS cargo adds the system's default where the variable is empty.
    fn dylib_path(&self) -> Option<String> {
        let inherited = self.host.var(dylib_variable());
        if cfg!(target_os = "macos") && inherited.is_none_or(str::is_empty) {
            let home = self.host.var("HOME")?;
            return Some(format!("{home}/lib:/usr/local/lib:/usr/lib"));
        }
        inherited.map(str::to_owned)
    }

    /// The target directory of a workspace.
    ///
    /// # Errors
    /// Where it is configured as what cargo refuses.
    pub fn target_dir(&self, workspace: &Path) -> Result<PathBuf, ConfigError> {
        let chosen = match &self.parsed.target_dir {
            Some(path) => Some(self.host.cwd.join(path)),
            None => self.config.target_dir()?,
        };
        Ok(chosen.map_or_else(|| workspace.join("target"), |p| normalize(&p)))
    }

    /// Where cargo puts what nobody asked for: the target directory, unless
    /// `build.build-dir` says otherwise.
    ///
    /// # Errors
    /// Where it is configured as what cargo refuses, or with the hash that
    /// only cargo can compute.
    pub fn build_dir(&self, workspace: &Path) -> Result<PathBuf, GatherError> {
        let Some(located) = self.config.build_dir()? else {
            return Ok(self.target_dir(workspace)?);
        };
        let text = located
            .value
            .replace("{workspace-root}", &workspace.to_string_lossy())
            .replace("{cargo-cache-home}", &self.cargo_home.to_string_lossy());
        if text.contains(['{', '}']) {
            let what = format!("`build.build-dir = \"{}\"`", located.value);
            return Err(GatherError::Unsupported(what));
        }
        Ok(normalize(&located.from.root(&self.host.cwd).join(text)))
    }

    fn command(&self, clippy: Option<(PathBuf, String)>, root: &RawManifest) -> Command {
        let profile = profiles::name(&self.request.command, self.parsed.profile.as_deref());
        let profile = profiles::requested(profile, root, &self.config);
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.parsed.jobs.as_deref().map(crate::config::Jobs::parse);
        let rustc = self.request.command == "rustc";
        Command {
            name: self.request.command.clone(),
            explicit_target: !self.targets.is_empty(),
            rustc_args: if rustc { self.request.trailing.clone() } else { Vec::new() },
            rustc_crate_types: self.parsed.crate_types.clone(),
            verbose: self.parsed.verbose,
            short_diagnostics: self.parsed.short_diagnostics(),
            jobs: jobs.or_else(|| self.config.jobs()).map_or(cpus, |j| j.resolve(cpus)),
            clippy_args: clippy.as_ref().map(|(_, args)| args.clone()),
            clippy_driver: clippy.map(|(driver, _)| driver.to_string_lossy().into_owned()),
            nightly: self.toolchain.is_nightly(),
            // `build.warnings` needs `-Z warnings` in 1.95.
            warnings_allowed: false,
            selection: self.parsed.selection.clone(),
            profile_root: Some(profile.root.to_owned()),
            base_profile: Some((profile.optimized, profile.debug)),
        }
    }

    fn target_infos(
        &self,
        probe: &Probe<'_>,
        graph: &UnitGraph,
    ) -> Result<(TargetInfo, BTreeMap<String, TargetInfo>), GatherError> {
        let kind = Kind::Host { explicit_target: !self.targets.is_empty() };
        let host = probe.target_info(&kind, None)?;
        let used: BTreeSet<&str> =
            graph.units.iter().filter_map(|u| u.platform.as_deref()).collect();
        let mut targets = BTreeMap::new();
        for platform in used {
            let stem = Path::new(platform).file_stem().filter(|_| platform.ends_with(".json"));
            let triple = stem.map_or(platform.to_owned(), |s| s.to_string_lossy().into_owned());
            let info = probe.target_info(&Kind::Target(triple), Some(platform))?;
            targets.insert(platform.to_owned(), info);
        }
        Ok((host, targets))
    }

    /// Reads the manifest of every package of the graph.
    fn packages(
        &self,
        graph: &UnitGraph,
        roots: &WorkspaceRoots,
    ) -> Result<BTreeMap<String, ReadManifest>, GatherError> {
        let mut sources: BTreeMap<&str, &str> = BTreeMap::new();
        for unit in &graph.units {
            sources.entry(&unit.pkg_id).or_insert(&unit.target.src_path);
        }
        let packages: Vec<(&str, &str)> = sources.into_iter().collect();
        let width = std::thread::available_parallelism().map_or(2, usize::from).min(8);
        let results = std::thread::scope(|scope| {
            let threads: Vec<_> = packages
                .chunks(packages.len().div_ceil(width).max(1))
                .map(|chunk| {
                    scope.spawn(move || {
                        chunk.iter().map(|(id, file)| self.package(id, file, roots)).collect()
                    })
                })
                .collect();
            let mut all: Vec<Result<ReadManifest, GatherError>> = Vec::new();
            for thread in threads {
                all.extend::<Vec<_>>(thread.join().unwrap_or_default());
            }
            all
        });
        let mut read = BTreeMap::new();
        for ((id, _), result) in packages.iter().zip(results) {
            read.insert((*id).to_owned(), result?);
        }
        Ok(read)
    }

    fn package(
        &self,
        id: &str,
        file: &str,
        roots: &WorkspaceRoots,
    ) -> Result<ReadManifest, GatherError> {
        let parsed = PackageId::parse(id);
        let declared = parsed.and_then(|p| p.directory()).map(PathBuf::from);
        if let Some(directory) = declared {
            return Ok(manifest::read(&directory.join("Cargo.toml"), roots)?);
        }
        let registry = self.cargo_home.join("registry/src");
        if let Ok(rest) = Path::new(file).strip_prefix(&registry) {
            let directory: PathBuf = rest.components().take(2).collect();
            return Ok(manifest::read(&registry.join(directory).join("Cargo.toml"), roots)?);
        }
        let wanted = parsed.map(|p| p.name);
        for directory in Path::new(file).ancestors().skip(1) {
            let path = directory.join("Cargo.toml");
            if !path.is_file() {
                continue;
            }
            let read = manifest::read(&path, roots)?;
            if wanted.is_none_or(|name| name == read.manifest.name) {
                return Ok(read);
            }
        }
        Err(GatherError::NoManifest { id: id.to_owned(), source_file: file.to_owned() })
    }
}

/// The variable that holds the search path for dynamic libraries.
fn dylib_variable() -> &'static str {
    if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" }
}

impl Workspace {
    /// The lock file.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.root.join("Cargo.lock")
    }
}

/// What stands against planning a package, if anything.
fn obstacle(manifest: &Manifest) -> Option<String> {
    if manifest.artifact_dependencies {
        return Some(format!("an artifact dependency of `{}`", manifest.name));
    }
    let first = manifest.unstable.first()?;
    Some(format!("`{first}` of `{}`", manifest.name))
}
