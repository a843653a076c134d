//! Environment variables that cargo sets for rustc and rustdoc, on top of
//! what it inherited.
//!
//! The `[env]` table never replaces what cargo sets, so it comes last and
//! fills gaps only. What a build script sets replaces both, at run time.

use crate::graph::{Graph, Kind, View};
use crate::outputs::binary_name;
use larder_schema::plan::{EnvVar, Template, escape};
use std::collections::BTreeMap;

/// Variables under construction, sorted by name.
#[derive(Default)]
pub(crate) struct Environment(BTreeMap<String, EnvVar>);

impl Environment {
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<Template>) -> &mut Self {
        let name = name.into();
        let var = EnvVar { name: name.clone(), value: Some(value.into()), configured: false };
        self.0.insert(name, var);
        self
    }

    pub(crate) fn text(&mut self, name: impl Into<String>, value: &str) -> &mut Self {
        self.set(name, Template::literal(value))
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let var = EnvVar { name: name.to_owned(), value: None, configured: false };
        self.0.insert(name.to_owned(), var);
    }

    /// Adds the `[env]` table where cargo has not said anything.
    pub(crate) fn finish(mut self, configured: &[EnvVar]) -> Vec<EnvVar> {
        for var in configured {
            self.0
                .entry(var.name.clone())
                .or_insert_with(|| EnvVar { configured: true, ..var.clone() });
        }
        self.0.into_values().collect()
    }
}

/// Name of the variable that the dynamic loader of the host reads.
#[must_use]
pub fn dylib_path_variable(host: &str) -> &'static str {
    if host.contains("-apple-") {
        "DYLD_FALLBACK_LIBRARY_PATH"
    } else if host.contains("-windows") {
        "PATH"
    } else if host.contains("-aix") {
        "LIBPATH"
    } else {
        "LD_LIBRARY_PATH"
    }
}

/// What every process that concerns a package gets: who cargo is, where the
/// package is and what its manifest says. `libraries` are put before the
/// inherited search path.
pub(crate) fn package(graph: &Graph<'_>, view: &View<'_>, libraries: &str) -> Environment {
    let inputs = graph.inputs;
    let manifest = view.manifest;
    let mut env = Environment::default();
    let search = match &inputs.dylib_path {
        None => libraries.to_owned(),
        Some(inherited) => format!("{libraries}:{}", graph.symbols.list(inherited)),
    };
    env.set(dylib_path_variable(&inputs.host_triple), search);
    env.set("CARGO", graph.symbols.template(&inputs.cargo));
    env.set("CARGO_MANIFEST_DIR", graph.symbols.template(&manifest.root));
    env.set("CARGO_MANIFEST_PATH", graph.symbols.template(&manifest.path));
    let (major, minor, patch, pre) = match semver::Version::parse(&manifest.version) {
        Ok(v) => (v.major.to_string(), v.minor.to_string(), v.patch.to_string(), v.pre.to_string()),
        Err(_) => Default::default(),
    };
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    env.text("CARGO_PKG_VERSION", &manifest.version)
        .text("CARGO_PKG_VERSION_MAJOR", &major)
        .text("CARGO_PKG_VERSION_MINOR", &minor)
        .text("CARGO_PKG_VERSION_PATCH", &patch)
        .text("CARGO_PKG_VERSION_PRE", &pre)
        .text("CARGO_PKG_NAME", &manifest.name)
        .text("CARGO_PKG_AUTHORS", &manifest.authors.join(":"))
        .text("CARGO_PKG_DESCRIPTION", &optional(&manifest.description))
        .text("CARGO_PKG_HOMEPAGE", &optional(&manifest.homepage))
        .text("CARGO_PKG_REPOSITORY", &optional(&manifest.repository))
        .text("CARGO_PKG_LICENSE", &optional(&manifest.license))
        .text("CARGO_PKG_LICENSE_FILE", &optional(&manifest.license_file))
        .text("CARGO_PKG_RUST_VERSION", &optional(&manifest.rust_version))
        .text("CARGO_PKG_README", &optional(&manifest.readme));
    env
}

/// The wrapper of workspace members: clippy's driver for `cargo clippy`.
pub(crate) fn workspace_wrapper<'a>(graph: &Graph<'a>) -> Option<&'a str> {
    let inputs = graph.inputs;
    inputs
        .command
        .clippy_driver
        .as_deref()
        .or(inputs.rustc_workspace_wrapper.as_deref())
        .filter(|wrapper| !wrapper.is_empty())
}

/// What cargo-clippy exports to everything: its driver and `CLIPPY_ARGS`.
/// Larder gives both to members only, so that lints of a workspace are in no
/// key of a dependency. (`CLIPPY_TERMINAL_WIDTH` is the executor's.)
pub(crate) fn clippy(graph: &Graph<'_>, view: &View<'_>, env: &mut Environment) {
    if let Some(args) = &graph.inputs.command.clippy_args
        && view.member
    {
        env.text("CLIPPY_ARGS", args);
        if let Some(driver) = workspace_wrapper(graph) {
            env.set("RUSTC_WORKSPACE_WRAPPER", graph.symbols.template(driver));
        }
    }
}

/// Variables of a tool that has a unit: rustc or rustdoc.
pub(crate) fn tool(graph: &Graph<'_>, view: &View<'_>) -> Environment {
    let mut env = package(graph, view, "{host_deps}");
    if view.is_executable() {
        env.text("CARGO_BIN_NAME", &view.unit.target.name);
    }
    env.text("CARGO_CRATE_NAME", &view.crate_name());
    binaries(graph, view, &mut env);
    env
}

/// Variables of rustc.
pub(crate) fn rustc(graph: &Graph<'_>, view: &View<'_>) -> Vec<EnvVar> {
    let mut env = tool(graph, view);
    if let Some(run) = graph.deps(view).find(|dep| dep.is_run()) {
        env.set("OUT_DIR", format!("{{out_dir:{}}}", run.index));
    }
    if view.primary {
        env.text("CARGO_PRIMARY_PACKAGE", "1");
    }
    if matches!(view.kind, Kind::Test | Kind::Bench) {
        env.set("CARGO_TARGET_TMPDIR", target_tmp(view));
    }
    clippy(graph, view, &mut env);
    env.finish(&graph.inputs.env)
}

/// The scratch directory of integration tests: with `--target` it is the
/// platform's.
fn target_tmp(view: &View<'_>) -> String {
    match view.unit.platform {
        None => "{target_tmp}".to_owned(),
        Some(_) => format!("{{build}}/{}/tmp", escape(&view.info.triple)),
    }
}

/// `CARGO_BIN_EXE_*` for integration tests and benches. A check builds no
/// binary, so cargo says where it would be only symbolically.
fn binaries(graph: &Graph<'_>, view: &View<'_>, env: &mut Environment) {
    if !matches!(view.kind, Kind::Test | Kind::Bench) {
        return;
    }
    for bin in view.manifest.targets.iter().filter(|t| t.kind == "bin") {
        let value = if graph.check_intent {
            format!("placeholder:{}", escape(&bin.name))
        } else {
            let name = binary_name(view.info, &bin.name).unwrap_or_else(|| bin.name.clone());
            format!("{{profile_dir}}/{}", escape(&name))
        };
        env.set(format!("CARGO_BIN_EXE_{}", bin.name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};

    #[test]
    fn the_scratch_directory_of_tests_is_that_of_the_platform() {
        let test = || unit("a").target("it").kind("test").crate_types(&["bin"]).mode("test");
        for (spec, expected) in [
            (test(), "{target_tmp}"),
            (test().platform("x86_64-unknown-linux-gnu"), "{build}/x86_64-unknown-linux-gnu/tmp"),
        ] {
            let mut project = Project::default();
            let index = project.add(spec);
            project.root(index);
            let inputs = project.inputs();
            let graph = Graph::new(&inputs).unwrap();
            let env = rustc(&graph, &graph.units[index]);
            let found = env.iter().find(|var| var.name == "CARGO_TARGET_TMPDIR").unwrap();
            assert_eq!(found.value.as_ref().unwrap().0, expected);
        }
    }
}
