//! `--extern` arguments: what is linked, under which name, from which file.

use crate::graph::{Graph, View};
use larder_schema::plan::{Dependency, Flavor, OutputName, Template, escape};

/// The edges of a unit.
pub(crate) fn dependencies(graph: &Graph<'_>, view: &View<'_>) -> Vec<Dependency> {
    view.unit
        .dependencies
        .iter()
        .map(|edge| {
            let dep = &graph.units[edge.index];
            Dependency {
                unit: edge.index,
                extern_name: edge.extern_crate_name.clone(),
                public: edge.public,
                noprelude: edge.noprelude,
                only_metadata: graph.only_requires_rmeta(view, dep),
                linked: !view.is_run() && dep.is_linkable(),
            }
        })
        .collect()
}

/// The arguments: metadata where that is enough, else every linkable file.
/// A proc-macro gets the compiler's own `proc_macro` last.
pub(crate) fn arguments(
    graph: &Graph<'_>,
    view: &View<'_>,
    outputs: &[Vec<OutputName>],
) -> Vec<Template> {
    let mut args = Vec::new();
    for dep in dependencies(graph, view).iter().filter(|dep| dep.linked) {
        let target = &graph.units[dep.unit];
        let wanted =
            if dep.only_metadata || target.is_check() { Flavor::Rmeta } else { Flavor::Linkable };
        for (k, output) in outputs[dep.unit].iter().enumerate() {
            if output.flavor == wanted {
                args.push(Template::from("--extern"));
                args.push(Template(format!(
                    "{}={{file:{}:{k}}}",
                    escape(&dep.extern_name),
                    dep.unit
                )));
            }
        }
    }
    if view.is_proc_macro() {
        args.push(Template::from("--extern"));
        args.push(Template::from("proc_macro"));
    }
    args
}
