//! The call of `rustdoc --test`. Most of it is planned with the unit; colour,
//! search paths, the harness's arguments and what the build script said join
//! at run time, each in its place.

use crate::apply::{Runs, applies, custom, directives, made_here, own_runs};
use crate::environment::tool;
use crate::graph::{Graph, View};
use crate::rustc_args::{Arguments, features, lints, path_args, target_arg};
use crate::{externs, lto};
use larder_schema::plan::{Doctest, Lto, OutputName, Plan, Template, UnitIndex};
use std::path::Path;

/// What the command line and the terminal say.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// `always`, `never` or `auto`.
    pub color: &'a str,
    /// Arguments after `--`, a name filter included.
    pub test_args: &'a [String],
    /// `--quiet`.
    pub quiet: bool,
    /// `--error-format`: `human`, `short` or `json`.
    pub error_format: &'a str,
}

/// A rustdoc process. Templates are for the caller to expand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Arguments.
    pub args: Vec<Template>,
    /// Variables that replace or join those of [`Doctest::env`].
    pub env: Vec<(String, Template)>,
    /// Directories before the planned search path of dynamic libraries.
    pub dylib_dirs: Vec<String>,
}

/// The call for a unit of mode `Doctest`; `None` for other units.
#[must_use]
pub fn call(
    plan: &Plan,
    unit: UnitIndex,
    runs: Runs<'_, '_>,
    settings: &Settings<'_>,
) -> Option<Call> {
    let this = &plan.units[unit];
    let planned = this.doctest.as_ref()?;
    let mut args = Arguments(planned.head.clone());
    args.text("--color").text(settings.color);
    args.0.extend(planned.middle.iter().cloned());
    let native = native_dirs(plan, runs);
    for dir in &native {
        args.text("-L").text(dir);
    }
    for arg in settings.test_args {
        args.text("--test-args").text(arg);
    }
    if settings.quiet {
        args.text("--test-args").text("--quiet");
    }
    args.0.extend(planned.tail.iter().cloned());
    let mut env = Vec::new();
    for run in own_runs(plan, unit) {
        env.push(("OUT_DIR".to_owned(), Template(format!("{{out_dir:{run}}}"))));
        let Some(said) = directives(plan, run, runs) else { continue };
        let mut own = Vec::new();
        custom(said, &mut own);
        args.texts(own);
        for (target, arg) in &said.linker_args {
            if applies(target, &this.target, this.mode) {
                args.codegen(format!("link-arg={arg}"));
            }
        }
        env.extend(said.env.iter().map(|(name, value)| (name.clone(), Template::literal(value))));
    }
    args.0.extend(planned.rustdocflags.iter().cloned());
    args.text("--error-format").text(settings.error_format);
    // Cargo takes the host's here, whatever platform the tests are for.
    Some(Call { args: args.0, env, dylib_dirs: made_here(plan, None, &native, runs) })
}

/// Every library directory that a build script of the build named, sorted by
/// path component as cargo sorts them.
pub(crate) fn native_dirs(plan: &Plan, runs: Runs<'_, '_>) -> Vec<String> {
    let mut dirs: Vec<String> = (0..plan.units.len())
        .filter(|&run| plan.units[run].is_run())
        .filter_map(|run| directives(plan, run, runs))
        .flat_map(|said| said.library_paths.iter().cloned())
        .collect();
    dirs.sort_by(|a, b| Path::new(a).cmp(Path::new(b)));
    dirs.dedup_by(|a, b| Path::new(a) == Path::new(b));
    dirs
}

/// The planned part.
pub(crate) fn pieces(
    graph: &Graph<'_>,
    view: &View<'_>,
    lto: &Lto,
    outputs: &[Vec<OutputName>],
) -> Doctest {
    let mut head = Arguments::default();
    head.text(format!("--edition={}", view.unit.target.edition));
    for crate_type in view.crate_types() {
        head.text("--crate-type").text(crate_type);
    }
    let mut middle = Arguments::default();
    let (src, cwd) = path_args(graph, view);
    middle.text("--crate-name").text(view.crate_name()).text("--test").template(src);
    middle.text("--test-run-directory").template(graph.symbols.template(&view.manifest.root));
    if let Some(target) = target_arg(view) {
        middle.text("--target").template(graph.symbols.template(target));
    }
    if let Some((tool, tool_args)) = view.info.runner.as_ref().and_then(|r| r.split_first()) {
        middle.text("--test-runtool").text(tool);
        for arg in tool_args {
            middle.text("--test-runtool-arg").text(arg);
        }
    }
    if let Some(linker) = &view.info.linker {
        middle.codegen(format!("linker={linker}"));
    }
    if view.profile.panic != "unwind" {
        middle.codegen(format!("panic={}", view.profile.panic));
    }
    let mut tail = Arguments::default();
    lints(view, &mut tail);
    tail.0.extend(externs::arguments(graph, view, outputs));
    tail.template("{search}");
    tail.texts(lto::arguments(lto));
    features(view, &mut tail);
    let mut flags = Arguments::default();
    flags.texts(&view.info.rustdocflags);
    Doctest {
        head: head.0,
        middle: middle.0,
        tail: tail.0,
        rustdocflags: flags.0,
        env: tool(graph, view).finish(&graph.inputs.env),
        cwd,
    }
}
