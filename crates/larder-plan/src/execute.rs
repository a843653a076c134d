//! The environment of the processes that `cargo run`, `cargo test` and
//! `cargo bench` start.

use crate::apply::{Runs, directives, made_here, own_runs};
use crate::doctest::native_dirs;
use larder_schema::plan::{EnvVar, Plan, Template, UnitIndex};

/// What an executable is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// Program and arguments that come before the executable: the runner.
    pub runner: Vec<String>,
    /// Variables on top of the inherited ones, sorted by name. The search path
    /// of dynamic libraries is not among them.
    pub env: Vec<EnvVar>,
    /// The search path of dynamic libraries, before the inherited one: those
    /// of build scripts, `{profile_dir}`, `{profile_deps}`, the sysroot's.
    pub dylib_dirs: Vec<Template>,
    /// Working directory of tests and benches: the package. `cargo run` stays
    /// where the user is.
    pub package_root: Template,
}

/// How the executable of `unit` is started.
#[must_use]
pub fn execution(plan: &Plan, unit: UnitIndex, runs: Runs<'_, '_>) -> Execution {
    let this = &plan.units[unit];
    let mut env: Vec<EnvVar> = this
        .action
        .iter()
        .flat_map(|action| &action.env)
        .filter(|var| var.configured || is_package_variable(&var.name))
        .cloned()
        .collect();
    let mut set = |name: &str, value: Template| {
        env.retain(|var| var.name != name);
        env.push(EnvVar { name: name.to_owned(), value: Some(value), configured: false });
    };
    for run in own_runs(plan, unit) {
        set("OUT_DIR", Template(format!("{{out_dir:{run}}}")));
        for (name, value) in directives(plan, run, runs).into_iter().flat_map(|said| &said.env) {
            set(name, Template::literal(value));
        }
    }
    env.sort_by(|a, b| a.name.cmp(&b.name));
    let libdir = plan
        .target_libdirs
        .iter()
        .find(|(platform, _)| *platform == this.platform)
        .map(|(_, directory)| Template::literal(directory));
    let dylib_dirs = made_here(plan, this.platform.as_deref(), &native_dirs(plan, runs), runs)
        .iter()
        .map(|dir| Template::literal(dir))
        .chain([Template::from("{profile_dir}"), Template::from("{profile_deps}")])
        .chain(libdir)
        .collect();
    Execution {
        runner: plan
            .runners
            .iter()
            .find(|runner| runner.platform == this.platform)
            .map(|runner| runner.command.clone())
            .unwrap_or_default(),
        env,
        dylib_dirs,
        package_root: plan.packages[this.package].root.clone(),
    }
}

/// Cargo tells these to every process that concerns the package.
fn is_package_variable(name: &str) -> bool {
    name == "CARGO"
        || ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_EXE_"].iter().any(|p| name.starts_with(p))
}
