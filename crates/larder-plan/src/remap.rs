//! The arguments that larder adds to cargo's: paths of this machine are kept
//! out of what rustc writes, so that two checkouts give identical bits.
//!
//! | what | becomes | so that |
//! |---|---|---|
//! | `{cargo_home}/registry/src` | `/cargo/registry/src` | registry sources have one name everywhere |
//! | `{cargo_home}/git/checkouts` | `/cargo/git/checkouts` | git sources too |
//! | the package, where a registry or git package lies elsewhere (vendored) | `/cargo/vendor/<name>-<version>` | a vendor directory has no place |
//! | the workspace, for path packages in it | `.` | cargo passes `src/lib.rs` with the workspace as working directory; that directory is all there is to remap |
//! | `OUT_DIR` of the package's script | `/cargo/build/<name>-<version>/out` | generated code does not name the store |
//!
//! Every scope is remapped. Tried on rustc 1.95, two directories and two cargo
//! homes, with and without debug information and optimisation:
//!
//! - Any narrower `--remap-path-scope`, `debuginfo,object` included, writes the
//!   working directory into the metadata of a library, for the diagnostics of
//!   its dependents; no rlib of a workspace is the same twice then. With all
//!   scopes rlibs, rmetas and binaries are identical.
//! - It costs nothing inside a workspace: names are relative to begin with, so
//!   `file!()`, panics, diagnostics (of dependents too, with their source
//!   lines) and backtraces (`at ./src/lib.rs`) have cargo's text to the byte.
//!   The one exception is `file!()` in a file that is included by an absolute
//!   path. `env!` is not touched: `CARGO_MANIFEST_DIR` stays the real path.
//! - Mapping the workspace to `/workspace` instead shows in backtraces, and
//!   leaves debuggers without sources; with `.` they find them when started in
//!   the workspace root. From elsewhere: `set substitute-path . <workspace>`
//!   (gdb), `settings set target.source-map . <workspace>` (lldb). For
//!   dependencies: `set substitute-path /cargo/registry <cargo home>/registry`.
//!
//! Path packages outside the workspace root are not remapped: cargo passes
//! their sources as absolute paths, which `file!()` shows, so their results
//! are bound to that path anyway.
//!
//! `OUT_DIR` is not remapped for units that compile incrementally. Its place
//! follows the script's inputs, rustc keeps the flag with its session, and a
//! script that declares nothing would so throw the session away at every edit.
//!
//! If the user's own flags remap anything, larder adds nothing: rustc lets the
//! last match win, so ours would undo theirs.

use crate::graph::{Graph, View};
use crate::symbolic::under;
use larder_schema::plan::{Template, escape};

const FLAG: &str = "--remap-path-prefix=";

/// What is added for a unit whose planned arguments are `args`.
pub(crate) fn arguments(graph: &Graph<'_>, view: &View<'_>, args: &[Template]) -> Vec<Template> {
    if args.iter().any(|arg| is_remapping(&arg.0)) {
        return Vec::new();
    }
    let roots = &graph.inputs.roots;
    let package = format!("{}-{}", view.manifest.name, view.manifest.version);
    let home = roots.cargo_home.trim_end_matches('/');
    let in_home = |directory: &str| {
        under(&view.manifest.root, &format!("{home}/{directory}")).is_some() && !home.is_empty()
    };
    let mut remaps: Vec<(String, String)> = Vec::new();
    if view.is_local() {
        let workspace = roots.workspace.trim_end_matches('/');
        if under(&view.unit.target.src_path, workspace).is_some() {
            remaps.push(("{workspace}".to_owned(), ".".to_owned()));
        }
    } else if let Some(directory) =
        ["registry/src", "git/checkouts"].into_iter().find(|directory| in_home(directory))
    {
        remaps.push((format!("{{cargo_home}}/{directory}"), format!("/cargo/{directory}")));
    } else {
        let root = graph.symbols.template(&view.manifest.root).0;
        remaps.push((root, format!("/cargo/vendor/{}", escape(&package))));
    }
    let incremental = args.iter().any(|arg| arg.0.contains("{incremental}"));
    if let Some(run) = graph.deps(view).find(|dep| dep.is_run() && !incremental) {
        let virtual_dir = format!("/cargo/build/{}/out", escape(&package));
        remaps.push((format!("{{out_dir:{}}}", run.index), virtual_dir));
    }
    remaps.into_iter().map(|(from, to)| Template(format!("{FLAG}{from}={to}"))).collect()
}

fn is_remapping(arg: &str) -> bool {
    arg.starts_with("--remap-path-") || arg.contains("remap-cwd-prefix")
}

/// What the virtual directories in the output of a unit with these
/// `extra_args` stand for here: pairs of virtual and real directory. For
/// showing diagnostics; the `.` of the workspace needs no translation.
#[must_use]
pub fn translations(extra_args: &[Template]) -> Vec<(String, Template)> {
    extra_args
        .iter()
        .filter_map(|arg| arg.0.strip_prefix(FLAG)?.rsplit_once('='))
        .filter(|(_, to)| to.starts_with('/'))
        .map(|(from, to)| (Template::from(to).expand(str::to_owned), Template::from(from)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};
    use crate::plan;

    #[test]
    fn each_kind_of_source() {
        let mut project = Project::default();
        let registry = project.add(unit("dep").registry());
        let (run, local) = project.with_script_and("app", &[registry]);
        project.root(local);
        let plan = plan(&project.inputs()).unwrap();
        let extra = |unit: usize| -> Vec<String> {
            let action = plan.units[unit].action.as_ref().unwrap();
            action.extra_args.iter().map(|t| t.0.clone()).collect()
        };
        assert_eq!(
            extra(registry),
            ["--remap-path-prefix={cargo_home}/registry/src=/cargo/registry/src"]
        );
        assert_eq!(
            extra(local),
            [
                "--remap-path-prefix={workspace}=.".to_owned(),
                format!("--remap-path-prefix={{out_dir:{run}}}=/cargo/build/app-1.2.3/out"),
            ]
        );
        assert!(extra(run).is_empty());
        let args = &plan.units[local].action.as_ref().unwrap().extra_args;
        assert_eq!(
            translations(args),
            [("/cargo/build/app-1.2.3/out".to_owned(), Template(format!("{{out_dir:{run}}}")))]
        );
    }

    #[test]
    fn an_incremental_session_outlives_the_place_of_out_dir() {
        let mut project = Project::default();
        let (run, _) = project.with_script("app");
        let local = project.add(unit("app").dep(run).incremental());
        project.root(local);
        let plan = plan(&project.inputs()).unwrap();
        let action = plan.units[local].action.as_ref().unwrap();
        assert!(action.args.iter().any(|arg| arg.0.contains("{incremental}")));
        assert_eq!(action.extra_args, [Template::from("--remap-path-prefix={workspace}=.")]);
    }

    #[test]
    fn flags_of_the_user_are_left_alone() {
        let mut project = Project::default();
        let local = project.add(unit("app"));
        project.root(local);
        let mut inputs = project.inputs();
        inputs.host.rustflags = vec!["--remap-path-prefix=/w=/src".into()];
        let plan = plan(&inputs).unwrap();
        assert!(plan.units[local].action.as_ref().unwrap().extra_args.is_empty());
    }
}
