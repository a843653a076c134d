//! Small unit graphs for tests.

use crate::input::{
    Command, GraphDependency, GraphProfile, GraphTarget, GraphUnit, Inputs, Manifest,
    ManifestTarget, TargetInfo, UnitGraph,
};
use larder_schema::Digest;
use larder_schema::plan::{Roots, Source, UnitIndex};
use std::collections::BTreeMap;

/// A unit to be.
#[derive(Clone, Debug)]
pub(crate) struct UnitSpec {
    name: String,
    target: Option<String>,
    kind: String,
    crate_types: Vec<String>,
    mode: String,
    lto: String,
    opt_level: String,
    platform: Option<String>,
    features: Vec<String>,
    registry: bool,
    incremental: bool,
    links: Option<String>,
    deps: Vec<UnitIndex>,
}

/// A library called `name` in a path package of the same name.
pub(crate) fn unit(name: &str) -> UnitSpec {
    UnitSpec {
        name: name.to_owned(),
        target: None,
        kind: String::new(),
        crate_types: vec!["lib".to_owned()],
        mode: "build".to_owned(),
        lto: "false".to_owned(),
        opt_level: "0".to_owned(),
        platform: None,
        features: Vec::new(),
        registry: false,
        incremental: false,
        links: None,
        deps: Vec::new(),
    }
}

impl UnitSpec {
    pub(crate) fn crate_types(mut self, types: &[&str]) -> Self {
        self.crate_types = types.iter().map(|t| (*t).to_owned()).collect();
        self
    }
    pub(crate) fn kind(mut self, kind: &str) -> Self {
        self.kind = kind.to_owned();
        self
    }
    pub(crate) fn target(mut self, name: &str) -> Self {
        self.target = Some(name.to_owned());
        self
    }
    pub(crate) fn mode(mut self, mode: &str) -> Self {
        self.mode = mode.to_owned();
        self
    }
    pub(crate) fn lto(mut self, lto: &str) -> Self {
        self.lto = lto.to_owned();
        self
    }
    pub(crate) fn platform(mut self, platform: &str) -> Self {
        self.platform = Some(platform.to_owned());
        self
    }
    pub(crate) fn features(mut self, features: &[&str]) -> Self {
        self.features = features.iter().map(|f| (*f).to_owned()).collect();
        self
    }
    pub(crate) fn registry(mut self) -> Self {
        self.registry = true;
        self
    }
    pub(crate) fn incremental(mut self) -> Self {
        self.incremental = true;
        self
    }
    pub(crate) fn links(mut self, links: &str) -> Self {
        self.links = Some(links.to_owned());
        self
    }
    pub(crate) fn release(mut self) -> Self {
        self.opt_level = "3".to_owned();
        self
    }
    pub(crate) fn dep(mut self, unit: UnitIndex) -> Self {
        self.deps.push(unit);
        self
    }

    fn id(&self) -> String {
        if self.registry {
            format!("registry+https://github.com/rust-lang/crates.io-index#{}@1.2.3", self.name)
        } else {
            format!("path+file:///w/{}#1.2.3", self.name)
        }
    }
    fn root(&self) -> String {
        if self.registry {
            format!("/h/registry/src/index/{}-1.2.3", self.name)
        } else {
            format!("/w/{}", self.name)
        }
    }
    fn kind_or_type(&self) -> Vec<String> {
        match self.kind.as_str() {
            "" if self.crate_types == ["bin"] => {
                if self.name == "build-script-build" {
                    "custom-build"
                } else {
                    "bin"
                }
            }
            "" => return self.crate_types.clone(),
            kind => kind,
        }
        .split(' ')
        .map(ToOwned::to_owned)
        .collect()
    }
}

/// A project to be.
#[derive(Default)]
pub(crate) struct Project {
    units: Vec<UnitSpec>,
    roots: Vec<UnitIndex>,
    cfg: Vec<String>,
    pub(crate) command: Command,
}

impl Project {
    pub(crate) fn add(&mut self, unit: UnitSpec) -> UnitIndex {
        self.units.push(unit);
        self.units.len() - 1
    }

    pub(crate) fn root(&mut self, unit: UnitIndex) {
        self.roots.push(unit);
    }

    pub(crate) fn cfg(&mut self, lines: &[&str]) {
        self.cfg = lines.iter().map(|l| (*l).to_owned()).collect();
    }

    /// A library with a build script: its run and itself.
    pub(crate) fn with_script(&mut self, name: &str) -> (UnitIndex, UnitIndex) {
        self.with_script_and(name, &[])
    }

    /// The same with further dependencies.
    pub(crate) fn with_script_and(
        &mut self,
        name: &str,
        deps: &[UnitIndex],
    ) -> (UnitIndex, UnitIndex) {
        let of = |mode: &str| {
            unit(name)
                .target("build-script-build")
                .kind("custom-build")
                .crate_types(&["bin"])
                .mode(mode)
                .links(name)
        };
        let script = self.add(of("build"));
        let run = self.add(of("run-custom-build").dep(script));
        let mut lib = unit(name).links(name).dep(run);
        lib.deps.extend(deps);
        (run, self.add(lib))
    }

    pub(crate) fn inputs(&self) -> Inputs {
        let info = TargetInfo {
            triple: "x86_64-unknown-linux-gnu".to_owned(),
            cfg: self.cfg.clone(),
            file_names: [
                ("bin", ("", "")),
                ("rlib", ("lib", ".rlib")),
                ("dylib", ("lib", ".so")),
                ("cdylib", ("lib", ".so")),
                ("staticlib", ("lib", ".a")),
                ("proc-macro", ("lib", ".so")),
            ]
            .map(|(t, (a, b))| (t.to_owned(), Some((a.to_owned(), b.to_owned()))))
            .into(),
            split_debuginfo: vec!["off".into(), "packed".into(), "unpacked".into()],
            sysroot: "/s".to_owned(),
            target_libdir: "/s/lib/rustlib/x86_64-unknown-linux-gnu/lib".to_owned(),
            ..TargetInfo::default()
        };
        let mut manifests: BTreeMap<String, Manifest> = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for spec in &self.units {
            let source = if spec.registry {
                Source::Registry {
                    url: "registry+https://github.com/rust-lang/crates.io-index".to_owned(),
                    checksum: Some("00".to_owned()),
                    vendored: false,
                }
            } else {
                Source::Path { path: spec.name.clone() }
            };
            sources.insert(spec.id(), source);
            let manifest = manifests.entry(spec.id()).or_insert_with(|| Manifest {
                path: format!("{}/Cargo.toml", spec.root()),
                root: spec.root(),
                name: spec.name.clone(),
                version: "1.2.3".to_owned(),
                edition: "2021".to_owned(),
                ..Manifest::default()
            });
            manifest.links = manifest.links.take().or_else(|| spec.links.clone());
            let kind = &spec.kind_or_type()[0];
            let section = match kind.as_str() {
                "bin" | "test" | "bench" | "example" | "custom-build" => kind.as_str(),
                _ => "lib",
            };
            manifest.targets.push(ManifestTarget {
                kind: section.to_owned(),
                name: spec.target.clone().unwrap_or_else(|| spec.name.clone()),
                harness: true,
                proc_macro: kind == "proc-macro",
                crate_types: spec.crate_types.clone(),
            });
        }
        let platforms = self.units.iter().filter_map(|u| u.platform.clone());
        Inputs {
            graph: UnitGraph {
                version: 1,
                units: self.units.iter().map(graph_unit).collect(),
                roots: self.roots.clone(),
            },
            members: manifests.keys().filter(|id| id.starts_with("path")).cloned().collect(),
            manifests,
            sources,
            roots: Roots {
                workspace: "/w".to_owned(),
                cargo_home: "/h".to_owned(),
                sysroot: "/s".to_owned(),
                target: "/w/target".to_owned(),
                build: "/w/target".to_owned(),
            },
            targets: platforms
                .map(|p| (p.clone(), TargetInfo { target_arg: Some(p), ..info.clone() }))
                .collect(),
            host: info,
            host_triple: "x86_64-unknown-linux-gnu".to_owned(),
            cargo_version: "1.95.0".to_owned(),
            cargo: "/s/bin/cargo".to_owned(),
            rustc: "/s/bin/rustc".to_owned(),
            rustdoc: "/s/bin/rustdoc".to_owned(),
            rustc_verbose_version: String::new(),
            rustc_wrapper: None,
            rustc_workspace_wrapper: None,
            toolchain: Digest::of(b""),
            env: Vec::new(),
            dylib_path: None,
            command: self.command.clone(),
        }
    }
}

fn graph_unit(spec: &UnitSpec) -> GraphUnit {
    let debug = spec.opt_level == "0";
    GraphUnit {
        pkg_id: spec.id(),
        target: GraphTarget {
            kind: spec.kind_or_type(),
            crate_types: spec.crate_types.clone(),
            name: spec.target.clone().unwrap_or_else(|| spec.name.clone()),
            src_path: format!("{}/src/lib.rs", spec.root()),
            edition: "2021".to_owned(),
            required_features: Vec::new(),
            doc: true,
            doctest: true,
            test: true,
        },
        profile: GraphProfile {
            name: if debug { "dev" } else { "release" }.to_owned(),
            opt_level: spec.opt_level.clone(),
            lto: spec.lto.clone(),
            codegen_backend: None,
            codegen_units: None,
            debuginfo: serde_json::json!(if debug { 2 } else { 0 }),
            split_debuginfo: None,
            debug_assertions: debug,
            overflow_checks: debug,
            rpath: false,
            incremental: spec.incremental,
            panic: "unwind".to_owned(),
            strip: serde_json::json!({"deferred": "None"}),
            rest: BTreeMap::new(),
        },
        platform: spec.platform.clone(),
        mode: spec.mode.clone(),
        features: spec.features.clone(),
        is_std: false,
        dependencies: spec
            .deps
            .iter()
            .map(|&index| GraphDependency {
                index,
                extern_crate_name: format!("unit_{index}"),
                public: false,
                noprelude: false,
            })
            .collect(),
    }
}
