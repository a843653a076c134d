//! A graph that cargo 1.95 printed, and the arguments with which it then
//! called rustc (recorded by a wrapper), directories and hashes written as
//! tokens. The project: `my-app` (rlib and cdylib, a binary, a test), the
//! proc-macro `macros`, and `native`, which has a build script;
//! `cargo test -p my-app --release` with `lto = "thin"`.

use crate::fixture::Project;
use crate::input::{Command, Inputs, Manifest, ManifestTarget, UnitGraph};
use crate::plan;
use larder_schema::plan::{EnvVar, Mode, Plan, Source, Template};

const GRAPH: &str = include_str!("../fixtures/unit-graph.json");
const ARGV: &str = include_str!("../fixtures/cargo-argv.txt");

fn manifest(name: &str, dir: &str, version: &str, targets: &[(&str, &str)]) -> Manifest {
    Manifest {
        path: format!("/w/{dir}/Cargo.toml"),
        root: format!("/w/{dir}"),
        name: name.to_owned(),
        version: version.to_owned(),
        targets: targets
            .iter()
            .map(|(kind, name)| ManifestTarget {
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                harness: true,
                proc_macro: *name == "macros",
                crate_types: Vec::new(),
            })
            .collect(),
        ..Manifest::default()
    }
}

fn inputs() -> Inputs {
    let graph: UnitGraph = serde_json::from_str(GRAPH).unwrap();
    let mut inputs = Project::default().inputs();
    let app = [("lib", "my_app"), ("bin", "my-tool"), ("test", "it")];
    for (id, manifest) in [
        (
            "path+file:///w/app#my-app@0.1.0",
            Manifest {
                authors: vec!["A".into(), "B".into()],
                description: Some("An {odd} one".into()),
                lint_flags: vec!["--warn=unexpected_cfgs".into()],
                lint_check_cfgs: vec!["cfg(odd)".into()],
                features: ["default", "fast", "slow"].map(String::from).into(),
                ..manifest("my-app", "app", "0.1.0", &app)
            },
        ),
        (
            "path+file:///w/macros#0.2.0",
            manifest("macros", "macros", "0.2.0", &[("lib", "macros")]),
        ),
        (
            "path+file:///w/native#0.3.0-pre.1",
            Manifest {
                links: Some("n".into()),
                ..manifest(
                    "native",
                    "native",
                    "0.3.0-pre.1",
                    &[("lib", "native"), ("custom-build", "build-script-build")],
                )
            },
        ),
    ] {
        inputs.sources.insert(id.into(), Source::Path { path: manifest.name.clone() });
        inputs.members.push(id.into());
        inputs.manifests.insert(id.into(), manifest);
    }
    inputs.graph = graph;
    inputs.dylib_path = Some("/s/lib".into());
    inputs.command = Command { name: "test".into(), jobs: 4, ..Command::default() };
    inputs
}

/// The arguments as recorded ones are written.
fn shown(plan: &Plan, args: &[Template]) -> String {
    let expand = |arg: &Template| {
        arg.expand(|token| match token.strip_prefix("file:") {
            Some(file) => {
                let (unit, k) = file.split_once(':').unwrap();
                let units = &plan.units[unit.parse::<usize>().unwrap()];
                let output = &units.outputs[k.parse::<usize>().unwrap()];
                format!("{}/{}", output.deps_dir, output.name)
            }
            None => format!("{{{token}}}"),
        })
    };
    args.iter().map(expand).collect::<Vec<_>>().join(" ")
}

#[test]
fn arguments_are_those_of_cargo() {
    let plan = plan(&inputs()).unwrap();
    let mut got: Vec<String> = plan
        .units
        .iter()
        .filter(|unit| !unit.is_run())
        .filter_map(|unit| Some(shown(&plan, &unit.action.as_ref()?.args)))
        .collect();
    got.sort();
    let expected: Vec<&str> = ARGV.lines().collect();
    assert_eq!(got, expected);
}

fn env(plan: &Plan, unit: usize) -> Vec<String> {
    let show = |var: &EnvVar| match &var.value {
        Some(value) => format!("{}={}", var.name, value.0),
        None => format!("-{}", var.name),
    };
    plan.units[unit].action.as_ref().unwrap().env.iter().map(show).collect()
}

#[test]
fn environment_of_a_test() {
    let mut inputs = inputs();
    let configured = |name: &str| EnvVar {
        name: name.into(),
        value: Some(Template::from("mine")),
        configured: true,
    };
    inputs.env = vec![configured("CARGO_PKG_NAME"), configured("EXTRA")];
    let plan = plan(&inputs).unwrap();
    assert_eq!(
        env(&plan, 6),
        [
            "CARGO={sysroot}/bin/cargo",
            "CARGO_BIN_EXE_my-tool={profile_dir}/my-tool",
            "CARGO_CRATE_NAME=it",
            "CARGO_MANIFEST_DIR={workspace}/app",
            "CARGO_MANIFEST_PATH={workspace}/app/Cargo.toml",
            "CARGO_PKG_AUTHORS=A:B",
            "CARGO_PKG_DESCRIPTION=An {{odd}} one",
            "CARGO_PKG_HOMEPAGE=",
            "CARGO_PKG_LICENSE=",
            "CARGO_PKG_LICENSE_FILE=",
            "CARGO_PKG_NAME=my-app",
            "CARGO_PKG_README=",
            "CARGO_PKG_REPOSITORY=",
            "CARGO_PKG_RUST_VERSION=",
            "CARGO_PKG_VERSION=0.1.0",
            "CARGO_PKG_VERSION_MAJOR=0",
            "CARGO_PKG_VERSION_MINOR=1",
            "CARGO_PKG_VERSION_PATCH=0",
            "CARGO_PKG_VERSION_PRE=",
            "CARGO_PRIMARY_PACKAGE=1",
            "CARGO_TARGET_TMPDIR={target_tmp}",
            "EXTRA=mine",
            "LD_LIBRARY_PATH={host_deps}:{sysroot}/lib",
        ]
    );
    let binary = env(&plan, 5);
    assert!(binary.contains(&"CARGO_BIN_NAME=my-tool".to_owned()));
    let library = env(&plan, 7);
    assert!(library.contains(&"OUT_DIR={out_dir:9}".to_owned()));
    assert!(library.contains(&"CARGO_PKG_VERSION_PRE=pre.1".to_owned()));
    assert!(!library.contains(&"CARGO_PRIMARY_PACKAGE=1".to_owned()));
}

#[test]
fn environment_of_a_build_script() {
    let plan = plan(&inputs()).unwrap();
    let got: Vec<String> =
        env(&plan, 9).into_iter().filter(|var| !var.starts_with("CARGO_PKG")).collect();
    assert_eq!(
        got,
        [
            "CARGO={sysroot}/bin/cargo",
            "CARGO_CFG_FEATURE=",
            "CARGO_ENCODED_RUSTFLAGS=",
            "CARGO_MANIFEST_DIR={workspace}/native",
            "CARGO_MANIFEST_LINKS=n",
            "CARGO_MANIFEST_PATH={workspace}/native/Cargo.toml",
            "DEBUG=false",
            "HOST=x86_64-unknown-linux-gnu",
            "LD_LIBRARY_PATH={host_deps}:{sysroot}/lib/rustlib/x86_64-unknown-linux-gnu/lib:{sysroot}/lib",
            "NUM_JOBS=4",
            "OPT_LEVEL=3",
            "OUT_DIR={own_out_dir}",
            "PROFILE=release",
            "RUSTC={sysroot}/bin/rustc",
            "-RUSTC_WORKSPACE_WRAPPER",
            "-RUSTC_WRAPPER",
            "RUSTDOC={sysroot}/bin/rustdoc",
            "-RUSTFLAGS",
            "TARGET=x86_64-unknown-linux-gnu",
        ]
        .map(|line| line.to_owned())
    );
    let action = plan.units[9].action.as_ref().unwrap();
    assert_eq!(action.program.0, "{file:8:0}");
    assert_eq!(action.cwd.0, "{workspace}/native");
    assert_eq!(plan.units[9].run_dir.as_deref(), Some("release/build/native"));
}

#[test]
fn the_rest_of_the_plan() {
    let plan = plan(&inputs()).unwrap();
    assert_eq!(plan.roots_units, [1, 3, 4, 6]);
    assert_eq!(
        (plan.profile.as_str(), plan.profile_description.as_str()),
        ("release", "optimized")
    );
    assert_eq!(plan.units[3].mode, Mode::Doctest);
    assert!(plan.units[3].action.is_none());
    assert_eq!(plan.units[7].native_runs, [9]);
    assert_eq!(plan.units[6].native_runs, [9]);
    assert!(plan.units[2].deps.iter().all(|dep| !dep.only_metadata));
    assert_eq!(plan.packages[plan.units[1].package].bins, ["my-tool"]);
}

#[test]
fn what_is_not_modelled_is_said_in_one_line() {
    let refused = |change: fn(&mut Inputs)| {
        let mut inputs = inputs();
        change(&mut inputs);
        plan(&inputs).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|i| i.cargo_version = "1.97.0".into()),
        "cargo 1.97.0 (cargo test) is not supported by larder: plain cargo runs, and rebuilds everything"
    );
    let backend = refused(|i| i.graph.units[0].profile.codegen_backend = Some("cranelift".into()));
    assert!(
        backend.starts_with("the profile's `codegen-backend = \"cranelift\"` (package `macros`)")
    );
    let trim = refused(|i| {
        i.graph.units[0].profile.rest.insert("trim_paths".into(), serde_json::json!("all"));
    });
    assert!(trim.starts_with("the profile's `trim-paths`"));
    let std = refused(|i| i.graph.units[0].is_std = true);
    assert!(std.starts_with("`-Z build-std`"));
    let doc = refused(|i| i.graph.units[0].mode = "doc".into());
    assert!(doc.starts_with("the mode `doc`"));
    let artifact = refused(|i| {
        i.manifests.values_mut().for_each(|m| m.artifact_dependencies = true);
    });
    assert!(artifact.starts_with("an artifact dependency"));
    let key = refused(|i| {
        i.manifests.values_mut().for_each(|m| m.unstable = vec!["cargo-features".into()]);
    });
    assert!(key.starts_with("the unstable manifest key `cargo-features`"));
}
