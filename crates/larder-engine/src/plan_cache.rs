//! The plan, from the cache or from cargo.
//!
//! The plan is an action like any other: an identity (toolchain, command,
//! arguments, variables that cargo reads, the nearest manifest), and a path
//! set with the values it had. Where they are the same here, neither cargo nor
//! rustc nor a registry is touched. Paths are symbolic, so one plan serves
//! every checkout; a plan that holds a place literally is bound to it.

use crate::event::Event;
use crate::request::BuildRequest;
use crate::session::{EngineError, Session};
use larder_cargo::Memo;
use larder_cargo::args::Request;
use larder_cargo::config::Jobs;
use larder_cargo::host::{Host, normalize, relative};
use larder_cargo::inputs::{self, Prepared};
use larder_schema::pathset::{PathInput, PathSet, PathUse};
use larder_schema::plan::{PLAN_VERSION, Plan, Roots, Template, Unit};
use larder_schema::{Digest, Framed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A plan with what executing it needs.
pub(crate) struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Whether it came from the cache.
    pub cached: bool,
    /// Digests of linker and libc, by the linker that is configured.
    pub linkers: BTreeMap<Option<String>, String>,
    /// The environment that actions inherit.
    pub env: BTreeMap<OsString, OsString>,
    /// Platforms that the command names.
    pub platforms: Vec<String>,
    /// `build.jobs` of the configuration.
    pub jobs: Option<Jobs>,
    /// Remembers which unpacked sources were checked.
    pub(crate) memo: Memo,
    /// Fetches sources that are not there.
    pub fetch: Fetch,
}

/// Fetches sources.
pub(crate) type Fetch = Box<dyn Fn() -> Result<(), EngineError>>;

#[derive(Serialize, Deserialize)]
struct CachedPlan {
    version: u32,
    /// The workspace root as seen from the working directory.
    workspace: String,
    paths: PathSet,
    /// Digest over the values of `paths`.
    values: Digest,
    /// Cargo's own warnings while planning, to repeat.
    said: Vec<String>,
    plan: Plan,
}

/// Variables with these prefixes shape plans.
const PREFIXES: &[&str] = &["CARGO_", "RUSTC", "RUSTFLAGS", "RUSTDOC", "RUSTUP_", "CLIPPY_"];

/// Except those that only shape output or transfer, or differ every time.
const NOISE: &[&str] = &[
    "CARGO_TERM_",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTRY_TOKEN",
    "RUSTUP_AUTO_INSTALL",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "RUSTC_LOG",
];

/// The command as the planning cargo is asked.
pub(crate) fn cargo_request(request: &BuildRequest) -> Request {
    Request {
        command: request.command.clone(),
        args: request.args.clone(),
        trailing: request.trailing.clone(),
        toolchain: request.toolchain.clone(),
        color: request.color,
    }
}

/// Plans a command.
pub(crate) fn plan(session: &Session<'_>, request: &BuildRequest) -> Result<Planned, EngineError> {
    let prepared = inputs::prepare(&session.host, &cargo_request(request))?;
    let identity = identity(&prepared, request)?;
    if let Some((plan, said)) = cached(session, &prepared, &identity) {
        for warning in &plan.warnings {
            session.reporter.event(&Event::Warning { text: warning.clone(), hint: None });
        }
        for said in &said {
            session.reporter.event(&Event::CargoOutput { text: said });
        }
        return Ok(planned(prepared, plan, true, None));
    }
    let mut show = |line: &str| session.reporter.event(&Event::CargoOutput { text: line });
    let (inputs, dependencies) = prepared.gather(&mut show)?;
    let plan =
        larder_plan::plan(&inputs).map_err(|error| EngineError::Unsupported(error.to_string()))?;
    for warning in &plan.warnings {
        session.reporter.event(&Event::Warning { text: warning.clone(), hint: None });
    }
    if dependencies.cacheable {
        let paths = dependencies.paths.to_path_set(&plan.roots);
        remember(session, &prepared, &identity, &plan, paths, dependencies.warnings);
    }
    Ok(planned(prepared, plan, false, None))
}

/// A plan with what executing it needs; sources come from `cargo fetch` in the
/// workspace unless `fetch` says otherwise.
pub(crate) fn planned(
    prepared: Prepared,
    plan: Plan,
    cached: bool,
    fetch: Option<Fetch>,
) -> Planned {
    let mut linkers: BTreeSet<Option<String>> = BTreeSet::from([None]);
    for unit in &plan.units {
        linkers.insert(configured_linker(unit).map(str::to_owned));
    }
    let linkers = linkers
        .into_iter()
        .map(|linker| {
            // A linker that is not there fails when it is used, as with cargo.
            let tools = prepared.host_tools(linker.as_deref().map(Path::new));
            let digest = tools.map_or_else(|e| e.to_string(), |tools| tools.digest.to_string());
            (linker, digest)
        })
        .collect();
    let env = prepared.host.env.clone();
    let fetch = fetch.unwrap_or_else(|| fetcher(&prepared, &plan));
    let jobs = prepared.config.jobs();
    let (platforms, memo) = (prepared.targets, prepared.memo);
    Planned { plan, cached, linkers, env, platforms, jobs, memo, fetch }
}

/// The linker that the configuration gives a unit, or tells its build script.
pub(crate) fn configured_linker(unit: &Unit) -> Option<&str> {
    let action = unit.action.as_ref()?;
    let argument = action.args.iter().find_map(|arg| arg.0.strip_prefix("linker="));
    argument.or_else(|| {
        let told = action.env.iter().find(|var| var.name == "RUSTC_LINKER")?;
        told.value.as_ref().map(|value| value.0.as_str())
    })
}

fn fetcher(prepared: &Prepared, plan: &Plan) -> Fetch {
    let host: Host = prepared.host.clone();
    let cargo = prepared.toolchain.cargo.clone();
    let manifest = Path::new(&plan.roots.workspace).join("Cargo.toml");
    let config = prepared.parsed.config.clone();
    Box::new(move || {
        let mut command = host.command(&cargo);
        command.arg("fetch").arg("--locked").arg("--manifest-path").arg(&manifest);
        for value in &config {
            command.arg("--config").arg(value);
        }
        let status = command.stdin(std::process::Stdio::null()).status().map_err(|source| {
            EngineError::System { what: format!("`{}` cannot be run", cargo.display()), source }
        })?;
        if status.success() {
            Ok(())
        } else {
            Err(EngineError::Cargo(status.code().unwrap_or(101)))
        }
    })
}

fn identity(prepared: &Prepared, request: &BuildRequest) -> Result<Digest, EngineError> {
    let mut f = Framed::new("larder plan identity 1");
    f.text("larder", env!("CARGO_PKG_VERSION")).number("plan", PLAN_VERSION.into());
    f.digest("toolchain", &prepared.digest);
    f.text("rustc", &prepared.toolchain.rustc.to_string_lossy());
    f.text("cargo", &prepared.toolchain.cargo.to_string_lossy());
    f.text("cargo version", &prepared.toolchain.cargo_version);
    let cargo = prepared.memo.file_digest(&prepared.toolchain.cargo);
    f.digest(
        "cargo content",
        &cargo.map_err(|source| EngineError::System {
            what: format!("`{}` cannot be read", prepared.toolchain.cargo.display()),
            source,
        })?,
    );
    f.text("command", &request.command);
    f.list("args", request.args.iter()).list("trailing", request.trailing.iter());
    for (name, value) in &prepared.host.env {
        let name = name.to_string_lossy();
        let counts = PREFIXES.iter().any(|p| name.starts_with(p))
            && !NOISE.iter().any(|n| name.starts_with(n))
            && !name.ends_with("_TOKEN");
        if counts || name == "LD_LIBRARY_PATH" || name == "HOME" {
            f.text("variable", &name).text("value", &value.to_string_lossy());
        }
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    f.number("cpus", cpus as u64);
    // The nearest manifest tells projects apart that are built by the same
    // words.
    let manifest = match &prepared.parsed.manifest_path {
        Some(path) => Some(prepared.host.cwd.join(path)),
        None => prepared
            .host
            .cwd
            .ancestors()
            .map(|dir| dir.join("Cargo.toml"))
            .find(|path| path.is_file()),
    };
    if let Some(path) = manifest {
        f.text("manifest", &relative(&path, &prepared.host.cwd).to_string_lossy());
        f.bytes("content", &std::fs::read(&path).unwrap_or_default());
    }
    Ok(f.finish())
}

fn cached(
    session: &Session<'_>,
    prepared: &Prepared,
    identity: &Digest,
) -> Option<(Plan, Vec<String>)> {
    let bytes = session.store.plan(identity).ok()??;
    let cached: CachedPlan = serde_json::from_slice(&bytes).ok()?;
    if cached.version != PLAN_VERSION || cached.plan.version != PLAN_VERSION {
        return None;
    }
    let workspace = normalize(&prepared.host.cwd.join(&cached.workspace));
    let values = values(session, prepared, &workspace, &cached.paths);
    if values != cached.values {
        return None;
    }
    let mut plan = cached.plan;
    plan.roots.workspace = workspace.to_string_lossy().into_owned();
    plan.roots.cargo_home = prepared.cargo_home.to_string_lossy().into_owned();
    // What was configured may be relative to a file outside the workspace.
    plan.roots.target = prepared.target_dir(&workspace).ok()?.to_string_lossy().into_owned();
    plan.roots.build = prepared.build_dir(&workspace).ok()?.to_string_lossy().into_owned();
    let root = plan.roots.workspace.clone();
    for package in &mut plan.packages {
        package.id = Template(std::mem::take(&mut package.id)).expand(|_| root.clone());
    }
    Some((plan, cached.said))
}

fn remember(
    session: &Session<'_>,
    prepared: &Prepared,
    identity: &Digest,
    plan: &Plan,
    mut paths: PathSet,
    said: Vec<String>,
) {
    let workspace = PathBuf::from(&plan.roots.workspace);
    let mut portable = plan.clone();
    let prefix = format!("path+file://{}", plan.roots.workspace);
    let mut bound = false;
    for package in &mut portable.packages {
        let id = std::mem::take(&mut package.id);
        package.id = match id.strip_prefix(&prefix) {
            Some(rest) if rest.starts_with(['/', '#']) => {
                format!("path+file://{{workspace}}{}", larder_schema::plan::escape(rest))
            }
            _ => {
                bound |= id.starts_with("path+file:") || id.contains("+file:");
                larder_schema::plan::escape(&id).into_owned()
            }
        };
    }
    let sysroot = plan.roots.sysroot.clone();
    portable.roots = Roots { sysroot, ..Roots::default() };
    let text = serde_json::to_string(&portable).unwrap_or_default();
    if bound || text.contains(&plan.roots.workspace) {
        paths.paths.push(PathInput { path: "{workspace}".to_owned(), uses: PathUse::Location });
    }
    let cached = CachedPlan {
        version: PLAN_VERSION,
        workspace: relative(&workspace, &prepared.host.cwd).to_string_lossy().into_owned(),
        values: values(session, prepared, &workspace, &paths),
        paths,
        said,
        plan: portable,
    };
    if let Ok(bytes) = serde_json::to_vec(&cached) {
        let _ = session.store.put_plan(identity, &bytes);
    }
}

fn values(session: &Session<'_>, prepared: &Prepared, workspace: &Path, paths: &PathSet) -> Digest {
    let workspace = workspace.to_string_lossy();
    let cargo_home = prepared.cargo_home.to_string_lossy();
    let mut f = Framed::new("larder plan values 1");
    for input in &paths.paths {
        let path = Template(input.path.clone()).expand(|token| match token {
            "workspace" => workspace.to_string(),
            "cargo_home" => cargo_home.to_string(),
            other => format!("{{{other}}}"),
        });
        let value = crate::evaluate::value(session.store.stat_cache(), input, Path::new(&path));
        f.text("path", &input.path).text("value", &value);
    }
    for name in &paths.env {
        f.text("variable", name).optional("value", prepared.host.var(name));
    }
    f.finish()
}
