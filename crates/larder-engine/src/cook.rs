//! Cook plans: written from the plan of a command, and executed without its
//! project.
//!
//! Executing one is a build whose plan is read instead of made, that delivers
//! nothing. Identities, keys and results are those of the build in the
//! project, so that finds them.

use crate::event::{Event, Reporter};
use crate::mention_memo;
use crate::plan_cache::{self, Planned};
use crate::request::{BuildRequest, Outcome};
use crate::session::{EngineError, Session};
use larder_cargo::args::Request;
use larder_cargo::fetch::Fetcher;
use larder_cargo::host::Host;
use larder_cargo::inputs::{self, GatherError, Prepared};
use larder_cargo::single::{Wanted, single};
use larder_cargo::stand_in::stand_in;
use larder_plan::cook::{Kitchen, plan_of};
use larder_plan::cook_layers::Layer;
use larder_schema::cook::{CookPlan, CookToolchain};
use larder_schema::plan::{Package, Plan, Roots, Source};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A cook plan to execute.
#[derive(Clone, Debug)]
pub struct CookRequest {
    /// The plan.
    pub plan: CookPlan,
    /// How to build it: jobs, verbosity, `+toolchain`. Of `args`, only those
    /// that concern cargo's configuration and network.
    pub build: BuildRequest,
    /// Fetch the sources of all packages, and build nothing.
    pub fetch_only: bool,
}

/// The cook plan of a building command.
///
/// # Errors
/// See [`EngineError`].
pub fn cook_plan(
    host: &Host,
    request: &BuildRequest,
    reporter: &dyn Reporter,
) -> Result<CookPlan, EngineError> {
    let session = Session::open(host, reporter)?;
    let _hold = session.store.hold()?;
    let planned = plan_cache::plan(&session, request)?;
    let _ = session.store.stat_cache().save();
    Ok(larder_plan::cook::cook_plan(&planned.plan, toolchain(&planned, request)))
}

/// Gives a store what is known of the programs of another one's results,
/// unless it knows something itself.
///
/// # Errors
/// Those of reading and writing.
pub fn share_memo(from: &Path, to: &Path) -> std::io::Result<()> {
    let to = mention_memo::file(to);
    if to.exists() {
        return Ok(());
    }
    match fs_err::copy(mention_memo::file(from), &to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The layers of a building command: its external units, then crates of its
/// workspace.
#[derive(Clone, Debug)]
pub struct CookLayers {
    /// Bottom up; the first one is the command's [`cook_plan`].
    pub layers: Vec<Layer>,
    /// The workspace, where their sources are.
    pub workspace: PathBuf,
}

/// A command's external units, and `count` layers of workspace crates.
///
/// # Errors
/// See [`EngineError`].
pub fn cook_layers(
    host: &Host,
    request: &BuildRequest,
    count: usize,
    reporter: &dyn Reporter,
) -> Result<CookLayers, EngineError> {
    let session = Session::open(host, reporter)?;
    let _hold = session.store.hold()?;
    let planned = plan_cache::plan(&session, request)?;
    let _ = session.store.stat_cache().save();
    let toolchain = toolchain(&planned, request);
    Ok(CookLayers {
        layers: larder_plan::cook_layers::cook_layers(&planned.plan, &toolchain, count),
        workspace: PathBuf::from(&planned.plan.roots.workspace),
    })
}

/// The cook plan of a command in a directory that may lack sources: missing
/// targets are stood in for in a copy.
///
/// # Errors
/// See [`EngineError`].
pub fn cook_plan_of_manifests(
    host: &Host,
    request: &BuildRequest,
    reporter: &dyn Reporter,
) -> Result<CookPlan, EngineError> {
    let session = Session::open(host, reporter)?;
    let parsed = plan_cache::cargo_request(request).parse();
    let home = host.cargo_home().map_err(GatherError::from)?;
    let copy = stand_in(host, &home, &parsed)?;
    planned_elsewhere(&session, request, &copy.manifest, &copy.workspace)
}

/// The cook plan of one dependency of a lock file, built by a command as
/// `build --release`.
///
/// # Errors
/// See [`EngineError`].
pub fn cook_plan_of_lock(
    host: &Host,
    request: &BuildRequest,
    lock: &Path,
    wanted: &Wanted,
    reporter: &dyn Reporter,
) -> Result<CookPlan, EngineError> {
    let session = Session::open(host, reporter)?;
    let project = single(lock, wanted)?;
    planned_elsewhere(&session, request, &project.manifest, project.directory.path())
}

/// Plans with a manifest that stands for the one in `workspace`. Not cached:
/// the copy is gone afterwards.
fn planned_elsewhere(
    session: &Session<'_>,
    request: &BuildRequest,
    manifest: &Path,
    workspace: &Path,
) -> Result<CookPlan, EngineError> {
    let mut cargo_request = plan_cache::cargo_request(request);
    cargo_request.args = without_manifest(&cargo_request.args);
    cargo_request.args.push(format!("--manifest-path={}", manifest.display()));
    let prepared = inputs::prepare(&session.host, &cargo_request)?;
    let mut show = |line: &str| session.reporter.event(&Event::CargoOutput { text: line });
    let (mut inputs, _) = prepared.gather(&mut show)?;
    // What lies in the real workspace (vendored packages) is named by it; the
    // rest of the copy is in no external unit.
    inputs.roots.workspace = workspace.to_string_lossy().into_owned();
    let plan =
        larder_plan::plan(&inputs).map_err(|error| EngineError::Unsupported(error.to_string()))?;
    let planned = plan_cache::planned(prepared, plan, false, None);
    Ok(larder_plan::cook::cook_plan(&planned.plan, toolchain(&planned, request)))
}

/// Arguments without `--manifest-path`.
fn without_manifest(args: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--manifest-path" {
            args.next();
        } else if !arg.starts_with("--manifest-path=") {
            kept.push(arg.clone());
        }
    }
    kept
}

fn toolchain(planned: &Planned, request: &BuildRequest) -> CookToolchain {
    let name = planned.env.get(std::ffi::OsStr::new(RUSTUP)).and_then(|name| name.to_str());
    CookToolchain {
        name: name.filter(|name| !name.is_empty()).map(str::to_owned),
        cargo: planned.plan.cargo_version.clone(),
        host: planned.plan.host.clone(),
        platforms: planned.platforms.clone(),
        clippy: request.command == "clippy",
        digest: planned.plan.toolchain,
    }
}

/// The variable through which rustup's choice reaches processes.
const RUSTUP: &str = "RUSTUP_TOOLCHAIN";

/// Executes a cook plan; `None` if only sources were asked for.
///
/// # Errors
/// See [`EngineError`]; a unit that fails is not an error but an outcome.
pub fn cook(
    host: &Host,
    request: &CookRequest,
    reporter: &dyn Reporter,
) -> Result<Option<Outcome>, EngineError> {
    let session = Session::open(host, reporter)?;
    let started = Instant::now();
    let _hold = session.store.hold()?;
    let prepared = prepare(&session, request)?;
    // Crates of a workspace may be compiled incrementally. Nothing of that is
    // kept: what a first session makes is like any other result.
    let sessions = tempfile::tempdir().map_err(|source| EngineError::System {
        what: "could not make a temporary directory".to_owned(),
        source,
    })?;
    let plan = plan_of(&request.plan, kitchen(&prepared, request, sessions.path()));
    if request.fetch_only {
        fetcher(&prepared, &plan, request)()?;
        return Ok(None);
    }
    let fetch = fetcher(&prepared, &plan, request);
    let planned = plan_cache::planned(prepared, plan, false, Some(fetch));
    session.reporter.event(&Event::Planned { plan: &planned.plan, cached: false });
    let seconds = started.elapsed().as_secs_f64();
    let outcome = session.execute(&request.build, planned, started, seconds);
    let _ = session.store.stat_cache().save();
    outcome.map(Some)
}

/// The toolchain of the plan, if it is here.
fn prepare(session: &Session<'_>, request: &CookRequest) -> Result<Prepared, EngineError> {
    let wanted = &request.plan.toolchain;
    let build = &request.build;
    let mut args = build.args.clone();
    args.extend(wanted.platforms.iter().map(|platform| format!("--target={platform}")));
    let mut cargo_request = Request {
        command: if wanted.clippy { "clippy" } else { "build" }.to_owned(),
        args,
        trailing: Vec::new(),
        toolchain: build.toolchain.clone(),
        color: build.color,
    };
    // What rustup would choose here has nothing to do with the project.
    let host = &session.host;
    if let Some(name) = &wanted.name
        && build.toolchain.is_none()
        && host.var(RUSTUP) != Some(name)
        && is_installed(host, name)
    {
        cargo_request.toolchain = Some(name.clone());
    }
    let mut prepared = inputs::prepare(host, &cargo_request)?;
    // `build.target` of this machine's configuration is not the plan's.
    prepared.targets.clone_from(&wanted.platforms);
    let digest = prepared.toolchain.digest(&prepared.memo, &wanted.platforms, wanted.clippy);
    prepared.digest = digest.map_err(larder_cargo::GatherError::from)?;
    let here = &prepared.toolchain;
    if prepared.digest != wanted.digest || here.host_triple != wanted.host {
        return Err(EngineError::OtherToolchain {
            wanted: format!(
                "{} for {} ({})",
                wanted.name.as_deref().unwrap_or("a toolchain with cargo"),
                wanted.host,
                wanted.digest.short()
            ),
            here: format!(
                "{} for {} ({})",
                here.release,
                here.host_triple,
                prepared.digest.short()
            ),
        });
    }
    Ok(prepared)
}

fn is_installed(host: &Host, name: &str) -> bool {
    let plain = !name.contains('/') && !name.is_empty();
    plain && host.rustup_home().is_ok_and(|home| home.join("toolchains").join(name).is_dir())
}

/// Where things are here. The working directory stands for the workspace only
/// if the plan looks for sources in it, vendored or its own: a path of the host that
/// happens to lie below would be taken for one of the project.
fn kitchen(prepared: &Prepared, request: &CookRequest, sessions: &Path) -> Kitchen {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let is_below = |package: &Package| package.root.0.starts_with("{workspace}");
    let workspace = if request.plan.packages.iter().any(is_below) {
        prepared.host.cwd.clone()
    } else {
        prepared.host.larder_dir.join("planning/no-workspace")
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = request.build.jobs.as_deref().and_then(|jobs| jobs.parse().ok());
    Kitchen {
        roots: Roots {
            // Nothing is delivered.
            target: String::new(),
            build: text(sessions),
            workspace: text(&workspace),
            cargo_home: text(&prepared.cargo_home),
            sysroot: text(&prepared.toolchain.sysroot),
        },
        rustc: text(&prepared.toolchain.rustc),
        cargo: text(&prepared.toolchain.cargo),
        rustdoc: text(&prepared.toolchain.rustdoc),
        jobs: jobs.unwrap_or(cpus),
    }
}

/// Fetches what is missing, and sees to it that it lies where the plan says.
fn fetcher(
    prepared: &Prepared,
    plan: &Plan,
    request: &CookRequest,
) -> Box<dyn Fn() -> Result<(), EngineError>> {
    let host = prepared.host.clone();
    let cargo = prepared.toolchain.cargo.clone();
    let args = request.build.args.clone();
    let mut platforms = vec![request.plan.toolchain.host.clone()];
    platforms.extend(request.plan.toolchain.platforms.iter().cloned());
    platforms.dedup();
    let packages: Vec<(Package, PathBuf)> =
        plan.packages.iter().map(|package| (package.clone(), root(&plan.roots, package))).collect();
    let is_path = |package: &Package| matches!(package.source, Source::Path { .. });
    let (local, packages): (Vec<_>, Vec<_>) =
        packages.into_iter().partition(|(package, _)| is_path(package));
    Box::new(move || {
        let is_gone = |root: &Path| !root.join("Cargo.toml").is_file();
        if let Some((package, root)) = local.iter().find(|(_, root)| is_gone(root)) {
            let package = format!("{} {}", package.name, package.version);
            return Err(EngineError::SourcesElsewhere { package, root: root.clone() });
        }
        if !packages.iter().any(|(_, root)| is_gone(root)) {
            return Ok(());
        }
        let fetcher = Fetcher { host: &host, cargo: &cargo, platforms: &platforms, args: &args };
        fetcher.fetch(packages.iter().map(|(package, _)| package)).map_err(EngineError::Fetch)?;
        match packages.iter().find(|(_, root)| is_gone(root)) {
            None => Ok(()),
            Some((package, root)) => Err(EngineError::SourcesElsewhere {
                package: format!("{} {}", package.name, package.version),
                root: root.clone(),
            }),
        }
    })
}

fn root(roots: &Roots, package: &Package) -> PathBuf {
    PathBuf::from(package.root.expand(|token| match token {
        "workspace" => roots.workspace.clone(),
        "cargo_home" => roots.cargo_home.clone(),
        other => format!("{{{other}}}"),
    }))
}
