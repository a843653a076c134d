//! What build scripts add to a process, once they have run: pure functions
//! over a plan and directives, used when a unit runs and by parity.
//!
//! Directives come with real paths here; the caller expands what the store
//! keeps symbolic.

use crate::run_environment::envify;
use larder_schema::plan::{Directives, LinkArgTarget, Mode, Plan, Target, Unit, UnitIndex};

/// A build-script run that is over.
#[derive(Clone, Copy, Debug)]
pub struct RunResult<'r> {
    /// What the script said.
    pub directives: &'r Directives,
    /// Its `OUT_DIR` as the script saw it. Not asked for scripts that the
    /// configuration overrides.
    pub out_dir: &'r str,
}

/// Looks a run up. Every run below the unit in question must be there; others
/// may be absent.
pub type Runs<'f, 'r> = &'f dyn Fn(UnitIndex) -> Option<RunResult<'r>>;

/// What is added to a planned process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// After the planned arguments.
    pub args: Vec<String>,
    /// Replace planned variables of the same name; later ones replace earlier.
    pub env: Vec<(String, String)>,
    /// Appended to the search path of dynamic libraries.
    pub dylib_dirs: Vec<String>,
}

/// What build scripts add to the compilation of `unit`: `-L`, `-l` and
/// link-args first, then `--cfg`, `--check-cfg` and variables of its own
/// package's script.
#[must_use]
pub fn rustc_additions(plan: &Plan, unit: UnitIndex, runs: Runs<'_, '_>) -> Additions {
    let this = &plan.units[unit];
    let mut additions = Additions::default();
    native(plan, this, runs, &mut additions.args);
    additions.dylib_dirs = plugin_dirs(plan, this, runs);
    for run in own_runs(plan, unit) {
        if let Some(said) = directives(plan, run, runs) {
            custom(said, &mut additions.args);
            additions.env.extend(said.env.iter().cloned());
        }
    }
    additions
}

/// What other build scripts add to a build-script run: `DEP_<links>_<key>` of
/// direct dependencies, and directories with dynamic libraries.
#[must_use]
pub fn run_additions(plan: &Plan, unit: UnitIndex, runs: Runs<'_, '_>) -> Additions {
    let this = &plan.units[unit];
    let mut additions = Additions::default();
    for dep in &this.deps {
        let run = &plan.units[dep.unit];
        let Some(links) = plan.packages[run.package].links.as_ref().filter(|_| run.is_run()) else {
            continue;
        };
        if let Some(said) = directives(plan, dep.unit, runs) {
            for (key, value) in &said.metadata {
                let name = format!("DEP_{}_{}", envify(links), envify(key));
                additions.env.push((name, value.clone()));
            }
        }
    }
    additions.dylib_dirs = plugin_dirs(plan, this, runs);
    additions
}

/// Runs of the build scripts of a unit's own package, in cargo's order.
pub fn own_runs(plan: &Plan, unit: UnitIndex) -> impl Iterator<Item = UnitIndex> + '_ {
    let this = &plan.units[unit];
    this.deps
        .iter()
        .map(|dep| dep.unit)
        .filter(|&dep| plan.units[dep].is_run() && plan.units[dep].package == this.package)
}

/// What a run said, or what the configuration says in its place.
pub(crate) fn directives<'p, 'r: 'p>(
    plan: &'p Plan,
    run: UnitIndex,
    runs: Runs<'_, 'r>,
) -> Option<&'p Directives> {
    match &plan.units[run].overridden {
        Some(overridden) => Some(overridden),
        None => runs(run).map(|result| result.directives),
    }
}

/// `-L`, `-l` and link-args of everything that the unit links.
///
/// Directories that a script made itself come before those of the system, so
/// that a bundled library wins over an installed one; else the order is that
/// of the scripts.
fn native(plan: &Plan, this: &Unit, runs: Runs<'_, '_>, args: &mut Vec<String>) {
    let mut inside = Vec::new();
    let mut outside = Vec::new();
    for &run in &this.native_runs {
        let Some(said) = directives(plan, run, runs) else { continue };
        let own = out_dir(plan, run, runs);
        for path in &said.library_paths {
            let is_own = own.is_some_and(|own| is_under(search_dir(path), own));
            if is_own { &mut inside } else { &mut outside }.push(path);
        }
    }
    for path in inside.into_iter().chain(outside) {
        args.extend(["-L".to_owned(), path.clone()]);
    }
    let package = &plan.packages[this.package];
    let passes_libraries = this.target.is_library() || !package.has_library;
    for &run in &this.native_runs {
        let Some(said) = directives(plan, run, runs) else { continue };
        let is_own = plan.units[run].package == this.package;
        if is_own && passes_libraries {
            for library in &said.library_links {
                args.extend(["-l".to_owned(), library.clone()]);
            }
        }
        for (target, arg) in &said.linker_args {
            let concerns = is_own || *target == LinkArgTarget::Cdylib;
            if concerns && applies(target, &this.target, this.mode) {
                args.extend(["-C".to_owned(), format!("link-arg={arg}")]);
            }
        }
    }
}

/// `--cfg` and `--check-cfg` of a package's own script.
pub(crate) fn custom(said: &Directives, args: &mut Vec<String>) {
    for cfg in &said.cfgs {
        args.extend(["--cfg".to_owned(), cfg.clone()]);
    }
    for check in &said.check_cfgs {
        args.extend(["--check-cfg".to_owned(), check.clone()]);
    }
}

/// Whether a linker argument concerns a target.
pub(crate) fn applies(to: &LinkArgTarget, target: &Target, mode: Mode) -> bool {
    let is_test = matches!(mode, Mode::Test | Mode::CheckTest | Mode::Doctest);
    let has = |crate_type: &str| target.crate_types.iter().any(|t| t == crate_type);
    match to {
        LinkArgTarget::All => true,
        LinkArgTarget::Cdylib => !is_test && target.is_library() && has("cdylib"),
        LinkArgTarget::Bins => target.is("bin"),
        LinkArgTarget::Bin(name) => target.is("bin") && target.name == *name,
        LinkArgTarget::Tests => target.is("test"),
        LinkArgTarget::Benches => target.is("bench"),
        LinkArgTarget::Examples => {
            target.is("example") && target.crate_types.iter().all(|t| t == "bin")
        }
    }
}

/// Directories that host dependencies may load libraries from.
fn plugin_dirs(plan: &Plan, this: &Unit, runs: Runs<'_, '_>) -> Vec<String> {
    let mut dirs = Vec::new();
    for &run in &this.plugin_runs {
        if let Some(said) = directives(plan, run, runs) {
            dirs.extend(made_here(plan, None, &said.library_paths, runs));
        }
    }
    dirs
}

/// The search directories that build scripts for one platform (absent: the
/// host, without `--target`) made. Cargo keeps those inside its directory for
/// the platform; larder those inside any `OUT_DIR` of it, which is the same for
/// scripts that write where they may.
pub(crate) fn made_here(
    plan: &Plan,
    platform: Option<&str>,
    paths: &[String],
    runs: Runs<'_, '_>,
) -> Vec<String> {
    let out_dirs: Vec<&str> = (0..plan.units.len())
        .filter(|&run| plan.units[run].platform.as_deref() == platform)
        .filter_map(|run| out_dir(plan, run, runs))
        .collect();
    paths
        .iter()
        .map(|path| search_dir(path))
        .filter(|dir| out_dirs.iter().any(|out| is_under(dir, out)))
        .map(ToOwned::to_owned)
        .collect()
}

/// `OUT_DIR` of a build-script run that really ran.
fn out_dir<'r>(plan: &Plan, run: UnitIndex, runs: Runs<'_, 'r>) -> Option<&'r str> {
    let unit = &plan.units[run];
    if !unit.is_run() || unit.overridden.is_some() {
        return None;
    }
    runs(run).map(|result| result.out_dir)
}

/// The directory of a search path that may start with its kind.
fn search_dir(path: &str) -> &str {
    match path.split_once('=') {
        Some(("native" | "crate" | "dependency" | "framework" | "all", dir)) => dir,
        _ => path,
    }
}

fn is_under(path: &str, directory: &str) -> bool {
    crate::symbolic::under(path, directory.trim_end_matches('/')).is_some()
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
