//! What cargo says of a unit graph before it compiles anything: files of two
//! units under one name, and dependencies that nothing can link. Other
//! warnings come with the graph, from cargo itself.
//!
//! Cargo's words, without colours. Paths are real ones: warnings are for
//! people, and never in a key.

use crate::graph::{Graph, Kind, View};
use crate::package::describe;
use larder_schema::plan::{Mode, OutputName, Package};
use std::collections::BTreeMap;

/// The warnings, each whole, in cargo's order.
pub(crate) fn warnings(
    graph: &Graph<'_>,
    packages: &[Package],
    package_index: &BTreeMap<&str, usize>,
    outputs: &[Vec<OutputName>],
) -> Vec<String> {
    let package = |view: &View<'_>| {
        describe(&packages[package_index[view.unit.pkg_id.as_str()]], &view.manifest.root)
    };
    let mut said = collisions(graph, outputs, &package);
    said.extend(graph.units.iter().filter_map(|view| not_linkable(graph, view)));
    said
}

/// Files of different units in one place. Names with a hash never collide.
fn collisions(
    graph: &Graph<'_>,
    outputs: &[Vec<OutputName>],
    package: &dyn Fn(&View<'_>) -> String,
) -> Vec<String> {
    let target = graph.inputs.roots.target.trim_end_matches('/');
    let mut owners: BTreeMap<String, &View<'_>> = BTreeMap::new();
    let mut said = Vec::new();
    for view in &graph.units {
        for output in &outputs[view.index] {
            let own = (!output.name.contains("{extra}"))
                .then(|| format!("{}/{}", output.deps_dir, output.name));
            for path in own.into_iter().chain(output.uplift.clone()) {
                let Some(other) = owners.insert(path.clone(), view) else { continue };
                let of = |view: &View<'_>| {
                    let kind = description(view.kind);
                    format!(
                        "{kind} target `{}` in package `{}`",
                        view.unit.target.name,
                        package(view)
                    )
                };
                said.push(format!(
                    "warning: output filename collision at {target}/{path}\n  |\n  = note: the {} \
                     has the same output filename as the {}\n  = note: this may become a hard \
                     error in the future; see <https://github.com/rust-lang/cargo/issues/6313>\n  \
                     = help: consider changing their names to be unique or compiling them \
                     separately",
                    of(view),
                    of(other)
                ));
            }
        }
    }
    said
}

fn description(kind: Kind) -> &'static str {
    match kind {
        Kind::Lib => "lib",
        Kind::Bin => "bin",
        Kind::Test => "integration-test",
        Kind::ExampleLib | Kind::ExampleBin => "example",
        Kind::Bench => "bench",
        Kind::CustomBuild => "build-script",
    }
}

/// A unit with libraries below it, none of which it can link.
fn not_linkable(graph: &Graph<'_>, view: &View<'_>) -> Option<String> {
    if view.is_run() || view.mode == Mode::Doctest || graph.deps(view).any(View::is_linkable) {
        return None;
    }
    let below = graph.deps(view).find(|dep| dep.kind == Kind::Lib)?.crate_name();
    Some(format!(
        "warning: the package `{below}` provides no linkable target\n  |\n  = note: this might \
         cause `{}` to fail compilation\n  = note: this warning might turn into a hard error in \
         the future\n  = help: consider adding 'dylib' or 'rlib' to key 'crate-type' in \
         `{below}`'s Cargo.toml",
        view.crate_name()
    ))
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Project, unit};
    use crate::plan;

    #[test]
    fn two_files_under_one_name() {
        let mut project = Project::default();
        let bin = |package: &str| unit(package).target("same").crate_types(&["bin"]);
        for package in ["a", "b", "c"] {
            let index =
                project.add(bin(package).target(if package == "c" { "own" } else { "same" }));
            project.root(index);
        }
        let warnings = plan(&project.inputs()).unwrap().warnings;
        // The executable, and its debug information.
        assert_eq!(warnings.len(), 2);
        assert_eq!(
            warnings[0],
            "warning: output filename collision at /w/target/debug/same\n  |\n  \
             = note: the bin target `same` in package `b v1.2.3 (/w/b)` has the same output \
             filename as the bin target `same` in package `a v1.2.3 (/w/a)`\n  \
             = note: this may become a hard error in the future; see \
             <https://github.com/rust-lang/cargo/issues/6313>\n  \
             = help: consider changing their names to be unique or compiling them separately"
        );
    }

    #[test]
    fn a_cdylib_is_nothing_to_link() {
        let mut project = Project::default();
        let c = project.add(unit("c").crate_types(&["cdylib"]));
        let lib = project.add(unit("l"));
        let alone = project.add(unit("d-d").crate_types(&["bin"]).dep(c));
        let both = project.add(unit("e").crate_types(&["bin"]).dep(c).dep(lib));
        project.root(alone);
        project.root(both);
        let warnings = plan(&project.inputs()).unwrap().warnings;
        assert_eq!(
            warnings,
            ["warning: the package `c` provides no linkable target\n  |\n  \
              = note: this might cause `d_d` to fail compilation\n  \
              = note: this warning might turn into a hard error in the future\n  \
              = help: consider adding 'dylib' or 'rlib' to key 'crate-type' in `c`'s Cargo.toml"]
        );
    }
}
