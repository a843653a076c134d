//! Environment variables of a build script's run.
//!
//! `DEP_*` and the search path of native libraries depend on what other
//! scripts said: [`crate::apply`] adds them. Jobserver variables are the
//! executor's.

use crate::environment::{clippy, package, workspace_wrapper};
use crate::graph::{Graph, View, requested_profile};
use cargo_platform::Cfg;
use larder_schema::plan::EnvVar;
use std::collections::BTreeMap;
use std::str::FromStr as _;

/// Variables of the run.
pub(crate) fn run(graph: &Graph<'_>, view: &View<'_>) -> Vec<EnvVar> {
    let inputs = graph.inputs;
    let symbols = &graph.symbols;
    let libdir = symbols.template(&inputs.host.target_libdir);
    let mut env = package(graph, view, &format!("{{host_deps}}:{}", libdir.0));
    let profile = &view.profile;
    env.set("OUT_DIR", "{own_out_dir}");
    env.text("NUM_JOBS", &inputs.command.jobs.to_string())
        .text("TARGET", &view.info.triple)
        .text("DEBUG", if profile.debuginfo == "0" { "false" } else { "true" })
        .text("OPT_LEVEL", &profile.opt_level)
        .text("PROFILE", profile_root(graph))
        .text("HOST", &inputs.host_triple)
        .set("RUSTC", symbols.template(&inputs.rustc))
        .set("RUSTDOC", symbols.template(&inputs.rustdoc));
    if let Some(linker) = &view.info.linker {
        env.text("RUSTC_LINKER", linker);
    }
    if let Some(links) = &view.manifest.links {
        env.text("CARGO_MANIFEST_LINKS", links);
    }
    for feature in &view.unit.features {
        env.text(format!("CARGO_FEATURE_{}", envify(feature)), "1");
    }
    for (name, values) in cfgs(view) {
        env.text(format!("CARGO_CFG_{}", envify(&name)), &values.join(","));
    }
    match inputs.rustc_wrapper.as_deref().filter(|wrapper| !wrapper.is_empty()) {
        Some(wrapper) => {
            env.text("RUSTC_WRAPPER", wrapper);
        }
        None => env.remove("RUSTC_WRAPPER"),
    }
    match workspace_wrapper(graph) {
        Some(wrapper) if view.member => {
            env.set("RUSTC_WORKSPACE_WRAPPER", symbols.template(wrapper));
        }
        _ => env.remove("RUSTC_WORKSPACE_WRAPPER"),
    }
    env.text("CARGO_ENCODED_RUSTFLAGS", &view.info.rustflags.join("\u{1f}"));
    env.remove("RUSTFLAGS");
    clippy(graph, view, &mut env);
    env.finish(&inputs.env)
}

/// `debug` or `release`: which root the requested profile inherits from.
fn profile_root<'a>(graph: &Graph<'a>) -> &'a str {
    match graph.inputs.command.profile_root.as_deref() {
        Some(root) => root,
        None => match requested_profile(graph.inputs) {
            "release" | "bench" => "release",
            _ => "debug",
        },
    }
}

/// `CARGO_CFG_*`: what rustc says of the platform, with the profile's debug
/// assertions in place of rustc's, and the features.
fn cfgs(view: &View<'_>) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    map.insert("feature".to_owned(), view.unit.features.clone());
    if view.profile.debug_assertions {
        map.insert("debug_assertions".to_owned(), Vec::new());
    }
    for line in &view.info.cfg {
        match Cfg::from_str(line) {
            Ok(Cfg::Name(name)) if name.as_str() == "debug_assertions" => {}
            Ok(Cfg::Name(name)) if name.as_str() == "proc_macro" => {}
            Ok(Cfg::Name(name)) => {
                map.insert(name.as_str().to_owned(), Vec::new());
            }
            Ok(Cfg::KeyPair(name, value)) => {
                map.entry(name.as_str().to_owned()).or_default().push(value);
            }
            Err(_) => {}
        }
    }
    map
}

/// Upper case, with underscores for dashes.
pub(crate) fn envify(text: &str) -> String {
    let upper: String = text.chars().flat_map(char::to_uppercase).collect();
    upper.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};

    #[test]
    fn cfg_of_the_platform_and_the_profile() {
        let mut project = Project::default();
        project.cfg(&[
            "debug_assertions",
            "panic=\"unwind\"",
            "proc_macro",
            "target_feature=\"fxsr\"",
            "target_feature=\"sse\"",
            "unix",
        ]);
        let index = project.add(unit("a").features(&["std", "x-y"]).release());
        project.root(index);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        let map = cfgs(&graph.units[index]);
        let got: Vec<String> = map.iter().map(|(k, v)| format!("{k}={}", v.join(","))).collect();
        assert_eq!(got, ["feature=std,x-y", "panic=unwind", "target_feature=fxsr,sse", "unix="]);
        assert_eq!(envify("x-y_z1"), "X_Y_Z1");
    }
}
