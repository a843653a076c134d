//! Whose build scripts concern a unit: the order of `-L` and `-l` arguments
//! follows it, and rustc's command line is part of every key.
//!
//! A unit's own script comes first, then those of its dependencies, sorted by
//! package. Dependencies that run on the host lend no native libraries; theirs
//! go to the search path of dynamic libraries instead.

use crate::graph::{Graph, Kind};
use larder_schema::plan::UnitIndex;

/// Runs of build scripts that concern a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Natives {
    /// Whose libraries it links, in order.
    pub(crate) to_link: Vec<UnitIndex>,
    /// Whose dynamic libraries its host dependencies may load. Cargo leaves
    /// them out of `cargo check`.
    pub(crate) plugins: Vec<UnitIndex>,
}

/// For every unit; empty for units that no root reaches.
pub(crate) fn natives(graph: &Graph<'_>) -> Vec<Natives> {
    let mut memo: Vec<Option<Natives>> = vec![None; graph.units.len()];
    for &root in &graph.inputs.graph.roots {
        visit(graph, &mut memo, root);
    }
    let mut all: Vec<Natives> = memo.into_iter().map(Option::unwrap_or_default).collect();
    if graph.check_intent {
        for natives in &mut all {
            natives.plugins.clear();
        }
    }
    all
}

fn visit(graph: &Graph<'_>, memo: &mut [Option<Natives>], index: UnitIndex) {
    if memo[index].is_some() {
        return;
    }
    let unit = &graph.units[index];
    let mut natives = Natives::default();
    if unit.kind != Kind::CustomBuild {
        natives.to_link = graph.own_runs(unit);
    }
    let mut deps: Vec<UnitIndex> = unit.unit.dependencies.iter().map(|dep| dep.index).collect();
    deps.sort_by_key(|&dep| graph.units[dep].rank);
    for dep in deps {
        visit(graph, memo, dep);
        let below = memo[dep].as_ref().map_or(&[][..], |natives| &natives.to_link);
        if graph.units[dep].for_host {
            natives.plugins.extend(below);
        } else if graph.units[dep].is_linkable() {
            for &run in below {
                if !natives.to_link.contains(&run) {
                    natives.to_link.push(run);
                }
            }
        }
    }
    natives.plugins.sort_by_key(|&run| (graph.units[run].rank, run));
    natives.plugins.dedup();
    memo[index] = Some(natives);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};

    #[test]
    fn own_script_first_then_packages_in_order() {
        let mut project = Project::default();
        let (a_run, a) = project.with_script("a-sys");
        let (b_run, b) = project.with_script("b-sys");
        let lib = project.add(unit("lib").dep(b).dep(a));
        let (root_run, root) = project.with_script_and("root", &[lib, b]);
        project.root(root);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        let natives = natives(&graph);
        assert_eq!(natives[lib].to_link, [a_run, b_run]);
        assert_eq!(natives[root].to_link, [root_run, b_run, a_run]);
        assert!(natives[root].plugins.is_empty());
    }

    #[test]
    fn host_dependencies_lend_plugins_only() {
        let mut project = Project::default();
        let (run, native) = project.with_script("n-sys");
        let pm = project.add(unit("pm").crate_types(&["proc-macro"]).dep(native));
        let root = project.add(unit("root").crate_types(&["bin"]).dep(pm));
        project.root(root);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        let natives = natives(&graph);
        assert_eq!(natives[pm].to_link, [run]);
        assert!(natives[root].to_link.is_empty());
        assert_eq!(natives[root].plugins, [run]);
    }
}
