//! rustc's arguments, in cargo's order. What build scripts add comes at run
//! time ([`crate::apply`]), as does `--diagnostic-width`.

use crate::graph::{Graph, Kind, View};
use crate::outputs::has_extra_filename;
use crate::symbolic::under;
use crate::{externs, lto};
use larder_schema::plan::{Lto, Mode, OutputName, Template};

/// A list of arguments under construction.
#[derive(Default)]
pub(crate) struct Arguments(pub(crate) Vec<Template>);

impl Arguments {
    pub(crate) fn text(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.0.push(Template::literal(text.as_ref()));
        self
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        for text in texts {
            self.text(text);
        }
    }

    pub(crate) fn template(&mut self, template: impl Into<Template>) -> &mut Self {
        self.0.push(template.into());
        self
    }

    pub(crate) fn codegen(&mut self, option: impl AsRef<str>) {
        self.text("-C").text(option);
    }
}

/// All arguments of the compiler itself.
pub(crate) fn arguments(
    graph: &Graph<'_>,
    view: &View<'_>,
    lto: &Lto,
    outputs: &[Vec<OutputName>],
) -> Vec<Template> {
    let command = &graph.inputs.command;
    let mut args = Arguments::default();
    base(graph, view, lto, &mut args);
    args.template("{search}");
    args.0.extend(externs::arguments(graph, view, outputs));
    if !view.shows_warnings(command.verbose) {
        args.text("--cap-lints").text("allow");
    } else if !view.is_local() {
        args.text("--cap-lints").text("warn");
    }
    if graph.inputs.graph.roots.first() == Some(&view.index) {
        args.texts(&command.rustc_args);
    }
    args.texts(&view.info.rustflags);
    args.0
}

fn base(graph: &Graph<'_>, view: &View<'_>, lto: &Lto, args: &mut Arguments) {
    let profile = &view.profile;
    let test = view.is_any_test();
    args.text("--crate-name").text(view.crate_name());
    args.text(format!("--edition={}", view.unit.target.edition));
    let (src, _) = path_args(graph, view);
    args.template(src);
    args.text("--error-format=json");
    let short = if graph.inputs.command.short_diagnostics { ",diagnostic-short" } else { "" };
    args.text(format!("--json=diagnostic-rendered-ansi,artifacts,future-incompat{short}"));
    if !test {
        for crate_type in view.crate_types() {
            args.text("--crate-type").text(crate_type);
        }
    }
    args.text(if view.is_check() {
        "--emit=dep-info,metadata"
    } else if view.requires_upstream_objects() {
        "--emit=dep-info,link"
    } else {
        "--emit=dep-info,metadata,link"
    });
    let dylib = !test && view.crate_types().iter().any(|t| t == "dylib");
    if view.is_proc_macro() || (dylib && !view.primary) {
        args.codegen("prefer-dynamic");
    }
    let optimised = profile.opt_level != "0";
    if optimised {
        args.codegen(format!("opt-level={}", profile.opt_level));
    }
    if profile.panic != "unwind" {
        args.codegen(format!("panic={}", profile.panic));
    }
    args.texts(lto::arguments(lto));
    if let Some(units) = profile.codegen_units {
        args.codegen(format!("codegen-units={units}"));
    }
    if profile.debuginfo != "0" {
        args.codegen(format!("debuginfo={}", profile.debuginfo));
        if let Some(split) = &profile.split_debuginfo
            && view.info.split_debuginfo.contains(split)
        {
            args.codegen(format!("split-debuginfo={split}"));
        }
    }
    lints(view, args);
    assertions(optimised, profile.debug_assertions, profile.overflow_checks, args);
    if test && view.harness {
        args.text("--test");
        if profile.panic == "abort" {
            args.text("-Z").text("panic-abort-tests");
        }
    } else if test {
        args.text("--cfg").text("test");
    }
    features(view, args);
    args.template("-C").template("metadata={hash}");
    if has_extra_filename(view) {
        args.template("-C").template("extra-filename=-{extra}");
    }
    if profile.rpath {
        args.codegen("rpath");
    }
    args.template("--out-dir").template("{out}");
    if let Some(target) = target_arg(view) {
        args.text("--target").template(graph.symbols.template(target));
    }
    if let Some(linker) = &view.info.linker {
        args.codegen(format!("linker={linker}"));
    }
    if profile.incremental {
        args.template("-C").template("incremental={incremental}");
    }
    if profile.strip != "none" {
        args.codegen(format!("strip={}", profile.strip));
    }
}

/// What goes after `--target`: nothing for units of the host.
pub(crate) fn target_arg<'a>(view: &View<'a>) -> Option<&'a str> {
    view.unit.platform.as_ref().map(|p| view.info.target_arg.as_deref().unwrap_or(p))
}

/// Flags of the `[lints]` table.
pub(crate) fn lints(view: &View<'_>, args: &mut Arguments) {
    args.texts(&view.manifest.lint_flags);
    for check in &view.manifest.lint_check_cfgs {
        args.text("--check-cfg").text(check);
    }
}

/// `-C overflow-checks` follows `-C debug-assertions`, which follows the
/// optimisation; only what differs is said.
fn assertions(optimised: bool, debug: bool, overflow: bool, args: &mut Arguments) {
    if debug == optimised {
        args.codegen(if debug { "debug-assertions=on" } else { "debug-assertions=off" });
    }
    if overflow != debug {
        args.codegen(if overflow { "overflow-checks=on" } else { "overflow-checks=off" });
    }
}

/// `--cfg feature=…` for those that are on, `--check-cfg` for all there are.
pub(crate) fn features(view: &View<'_>, args: &mut Arguments) {
    for feature in &view.unit.features {
        args.text("--cfg").text(format!("feature=\"{feature}\""));
    }
    args.text("--check-cfg").text("cfg(docsrs,test)");
    let all: Vec<String> = view.manifest.features.iter().map(|f| format!("\"{f}\"")).collect();
    args.text("--check-cfg").text(format!("cfg(feature, values({}))", all.join(", ")));
}

/// The root source file as it is passed, and the working directory: relative
/// to the workspace for path packages inside it, else absolute from the
/// package's own directory.
pub(crate) fn path_args(graph: &Graph<'_>, view: &View<'_>) -> (Template, Template) {
    let src = &view.unit.target.src_path;
    let workspace = graph.inputs.roots.workspace.trim_end_matches('/');
    if view.is_local()
        && let Some(relative) = under(src, workspace)
    {
        let relative = relative.strip_prefix('/').unwrap_or(relative);
        return (Template::literal(relative), Template::from("{workspace}"));
    }
    (graph.symbols.template(src), graph.symbols.template(&view.manifest.root))
}

/// Whether a linker runs.
pub(crate) fn links(view: &View<'_>) -> bool {
    match view.mode {
        Mode::Test => true,
        Mode::Build => match view.kind {
            Kind::Lib | Kind::ExampleLib => {
                view.crate_types().iter().any(|t| crate::crate_type::runs_linker(t))
            }
            _ => true,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_say_only_what_differs() {
        let table: &[(bool, bool, bool, &[&str])] = &[
            (false, true, true, &[]),
            (false, true, false, &["-C", "overflow-checks=off"]),
            (false, false, false, &["-C", "debug-assertions=off"]),
            (false, false, true, &["-C", "debug-assertions=off", "-C", "overflow-checks=on"]),
            (true, false, false, &[]),
            (true, false, true, &["-C", "overflow-checks=on"]),
            (true, true, true, &["-C", "debug-assertions=on"]),
            (true, true, false, &["-C", "debug-assertions=on", "-C", "overflow-checks=off"]),
        ];
        for &(optimised, debug, overflow, expected) in table {
            let mut args = Arguments::default();
            assertions(optimised, debug, overflow, &mut args);
            let got: Vec<&str> = args.0.iter().map(|t| t.0.as_str()).collect();
            assert_eq!(got, expected, "{optimised} {debug} {overflow}");
        }
    }
}
