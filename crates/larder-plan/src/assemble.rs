//! The plan as a whole.

use crate::environment::{self, workspace_wrapper};
use crate::graph::{Graph, View, requested_profile};
use crate::input::Inputs;
use crate::natives::natives;
use crate::outputs::outputs;
use crate::rustc_args::{self, Arguments, path_args};
use crate::unsupported::Unsupported;
use crate::{doctest, externs, lto, package, remap, run_environment, warnings};
use larder_schema::plan::{
    Action, Flavor, Lto, Mode, OutputName, PLAN_VERSION, Plan, Runner, Target, Template, Unit,
};

/// Turns a unit graph into actions.
///
/// # Errors
///
/// [`Unsupported`] if the graph holds something that larder does not model;
/// the command is cargo's then.
pub fn plan(inputs: &Inputs) -> Result<Plan, Unsupported> {
    let graph = Graph::new(inputs)?;
    let lto = lto::lto(&graph);
    let mut natives = natives(&graph);
    let all_outputs =
        graph.units.iter().map(|view| outputs(&graph, view)).collect::<Result<Vec<_>, _>>()?;
    let (packages, package_index) = package::packages(&graph);
    let warnings = warnings::warnings(&graph, &packages, &package_index, &all_outputs);
    let units = graph
        .units
        .iter()
        .map(|view| {
            let natives = std::mem::take(&mut natives[view.index]);
            let overridden = overridden(view);
            let action = match view.mode {
                Mode::Doctest => None,
                Mode::RunCustomBuild if overridden.is_some() => None,
                Mode::RunCustomBuild => run_action(&graph, view, &all_outputs),
                _ => Some(rustc_action(&graph, view, &lto[view.index], &all_outputs)),
            };
            Unit {
                package: package_index[view.unit.pkg_id.as_str()],
                target: target(&graph, view),
                profile: view.profile.clone(),
                platform: view.unit.platform.clone(),
                mode: view.mode,
                features: view.unit.features.clone(),
                lto: lto[view.index].clone(),
                deps: externs::dependencies(&graph, view),
                root: view.root,
                show_warnings: view.shows_warnings(inputs.command.verbose),
                action,
                doctest: (view.mode == Mode::Doctest)
                    .then(|| doctest::pieces(&graph, view, &lto[view.index], &all_outputs)),
                outputs: all_outputs[view.index].clone(),
                rustflags: view.info.rustflags.clone(),
                overridden,
                run_dir: view
                    .is_run()
                    .then(|| format!("{}/build/{}", graph.dest(view), view.manifest.name)),
                native_runs: natives.to_link,
                plugin_runs: natives.plugins,
            }
        })
        .collect();
    Ok(Plan {
        version: PLAN_VERSION,
        cargo_version: inputs.cargo_version.clone(),
        roots: inputs.roots.clone(),
        host: inputs.host_triple.clone(),
        rustc: inputs.rustc.clone(),
        cargo: inputs.cargo.clone(),
        rustdoc: inputs.rustdoc.clone(),
        toolchain: inputs.toolchain,
        packages,
        units,
        roots_units: inputs.graph.roots.clone(),
        profile: requested_profile(inputs).to_owned(),
        profile_description: profile_description(&graph),
        runners: runners(inputs),
        env: inputs.env.clone(),
        target_libdirs: std::iter::once((None, inputs.host.target_libdir.clone()))
            .chain(inputs.targets.iter().map(|(k, t)| (Some(k.clone()), t.target_libdir.clone())))
            .collect(),
        warnings,
    })
}

fn target(graph: &Graph<'_>, view: &View<'_>) -> Target {
    let target = &view.unit.target;
    Target {
        kind: target.kind.clone(),
        crate_types: target.crate_types.clone(),
        name: target.name.clone(),
        src_path: graph.symbols.template(&target.src_path),
        edition: target.edition.clone(),
        doc: target.doc,
        doctest: target.doctest,
        test: target.test,
        required_features: target.required_features.clone(),
        harness: view.harness,
    }
}

/// The configuration's word on the native library that the package links.
fn overridden(view: &View<'_>) -> Option<larder_schema::plan::Directives> {
    let links = view.manifest.links.as_ref().filter(|_| view.is_run())?;
    view.info.links_overrides.get(links).cloned()
}

fn rustc_action(
    graph: &Graph<'_>,
    view: &View<'_>,
    lto: &Lto,
    all_outputs: &[Vec<OutputName>],
) -> Action {
    let mut chain: Vec<Template> = Vec::new();
    let wrapper = graph.inputs.rustc_wrapper.as_deref().filter(|w| !w.is_empty());
    if let Some(wrapper) = wrapper {
        chain.push(graph.symbols.template(wrapper));
    }
    if let Some(wrapper) = workspace_wrapper(graph).filter(|_| view.member) {
        chain.push(graph.symbols.template(wrapper));
    }
    chain.push(Template::from("{rustc}"));
    let program = chain.remove(0);
    let mut args = Arguments(chain);
    args.0.extend(rustc_args::arguments(graph, view, lto, all_outputs));
    let (_, cwd) = path_args(graph, view);
    Action {
        program,
        extra_args: remap::arguments(graph, view, &args.0),
        args: args.0,
        env: environment::rustc(graph, view),
        cwd,
        links: rustc_args::links(view),
    }
}

/// The run of a build script: the executable of the unit that compiled it.
fn run_action(
    graph: &Graph<'_>,
    view: &View<'_>,
    all_outputs: &[Vec<OutputName>],
) -> Option<Action> {
    let script = graph.deps(view).find(|dep| !dep.is_run() && dep.kind == view.kind)?;
    let file = all_outputs[script.index].iter().position(|o| o.flavor == Flavor::Normal)?;
    Some(Action {
        program: Template(format!("{{file:{}:{file}}}", script.index)),
        args: Vec::new(),
        env: run_environment::run(graph, view),
        cwd: graph.symbols.template(&view.manifest.root),
        extra_args: Vec::new(),
        links: false,
    })
}

/// What the `Finished` line says of the profile.
fn profile_description(graph: &Graph<'_>) -> String {
    let root = graph.inputs.graph.roots.first().map(|&root| &graph.units[root].profile);
    let (optimised, debug) = match (graph.inputs.command.base_profile, root) {
        (Some(base), _) => base,
        (None, Some(root)) => (root.opt_level != "0", root.debuginfo != "0"),
        (None, None) => (false, true),
    };
    let level = if optimised { "optimized" } else { "unoptimized" };
    if debug { format!("{level} + debuginfo") } else { level.to_owned() }
}

fn runners(inputs: &Inputs) -> Vec<Runner> {
    let host = inputs.host.runner.clone().map(|command| Runner { platform: None, command });
    let targets = inputs.targets.iter().filter_map(|(name, info)| {
        let command = info.runner.clone()?;
        Some(Runner { platform: Some(name.clone()), command })
    });
    host.into_iter().chain(targets).collect()
}
