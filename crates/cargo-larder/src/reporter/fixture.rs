//! A small plan for the tests of this crate: a workspace package `app` with a
//! build script, a library, its tests and a binary, over a registry package
//! `dep`.

use larder_schema::Digest;
use larder_schema::plan::{
    Dependency, Lto, Mode, PLAN_VERSION, Package, Plan, Profile, Roots, Source, Target, Template,
    Unit,
};

/// Unit: the registry package's library.
pub(crate) const DEP: usize = 0;
/// Unit: the build script's compilation.
pub(crate) const SCRIPT: usize = 1;
/// Unit: its run.
pub(crate) const SCRIPT_RUN: usize = 2;
/// Unit: the library.
pub(crate) const LIB: usize = 3;
/// Unit: the library's unit tests.
pub(crate) const LIB_TEST: usize = 4;
/// Unit: the binary.
pub(crate) const BIN: usize = 5;
/// Package: `app`.
pub(crate) const APP_PACKAGE: usize = 0;

/// The plan.
pub(crate) fn plan() -> Plan {
    Plan {
        version: PLAN_VERSION,
        cargo_version: "1.95.0".into(),
        roots: Roots {
            workspace: "/ws".into(),
            cargo_home: "/ch".into(),
            sysroot: "/sr".into(),
            target: "/ws/target".into(),
            build: "/ws/target".into(),
        },
        host: "x86_64-unknown-linux-gnu".into(),
        rustc: "/sr/bin/rustc".into(),
        cargo: "/sr/bin/cargo".into(),
        rustdoc: "rustdoc".into(),
        toolchain: Digest::of(b"toolchain"),
        packages: vec![
            package("app", "{workspace}", Source::Path { path: String::new() }),
            package(
                "dep",
                "{cargo_home}/registry/src/r/dep-0.1.0",
                Source::Registry {
                    url: "registry+https://github.com/rust-lang/crates.io-index".into(),
                    checksum: Some("00".into()),
                    vendored: false,
                },
            ),
        ],
        units: vec![
            unit(
                1,
                target("dep", "lib", "{cargo_home}/registry/src/r/dep-0.1.0/src/lib.rs"),
                Mode::Build,
                &[],
            ),
            unit(
                0,
                target("build-script-build", "custom-build", "{workspace}/build.rs"),
                Mode::Build,
                &[],
            ),
            unit(
                0,
                target("build-script-build", "custom-build", "{workspace}/build.rs"),
                Mode::RunCustomBuild,
                &[SCRIPT],
            ),
            unit(
                0,
                target("app", "lib", "{workspace}/src/lib.rs"),
                Mode::Build,
                &[DEP, SCRIPT_RUN],
            ),
            unit(0, target("app", "lib", "{workspace}/src/lib.rs"), Mode::Test, &[DEP, SCRIPT_RUN]),
            unit(
                0,
                target("app", "bin", "{workspace}/src/main.rs"),
                Mode::Build,
                &[LIB, SCRIPT_RUN],
            ),
        ],
        roots_units: vec![LIB, BIN],
        profile: "dev".into(),
        profile_description: "unoptimized + debuginfo".into(),
        runners: Vec::new(),
        env: Vec::new(),
        target_libdirs: Vec::new(),
        warnings: Vec::new(),
    }
}

fn package(name: &str, root: &str, source: Source) -> Package {
    let local = matches!(source, Source::Path { .. });
    Package {
        id: if local {
            format!("path+file:///ws#{name}@0.1.0")
        } else {
            format!("registry+https://github.com/rust-lang/crates.io-index#{name}@0.1.0")
        },
        name: name.into(),
        version: "0.1.0".into(),
        source,
        root: Template::from(root),
        member: local,
        links: None,
        has_library: true,
        library: None,
        has_cdylib: false,
        bins: Vec::new(),
        has_tests: false,
        has_benches: false,
        has_examples: false,
        rust_version: None,
        edition: "2024".into(),
    }
}

fn target(name: &str, kind: &str, src: &str) -> Target {
    Target {
        kind: vec![kind.into()],
        crate_types: vec![if kind == "lib" { "lib" } else { "bin" }.into()],
        name: name.into(),
        src_path: Template::from(src),
        edition: "2024".into(),
        doc: kind != "custom-build",
        doctest: kind == "lib",
        test: kind != "custom-build",
        required_features: Vec::new(),
        harness: true,
    }
}

fn unit(package: usize, target: Target, mode: Mode, deps: &[usize]) -> Unit {
    Unit {
        package,
        target,
        profile: Profile {
            name: "dev".into(),
            opt_level: "0".into(),
            lto: "false".into(),
            codegen_units: None,
            debuginfo: "2".into(),
            split_debuginfo: None,
            debug_assertions: true,
            overflow_checks: true,
            rpath: false,
            incremental: false,
            panic: "unwind".into(),
            strip: "none".into(),
        },
        platform: None,
        mode,
        features: vec!["default".into()],
        lto: Lto::Off,
        deps: deps
            .iter()
            .map(|unit| Dependency {
                unit: *unit,
                extern_name: String::new(),
                public: false,
                noprelude: false,
                only_metadata: false,
                linked: true,
            })
            .collect(),
        root: false,
        show_warnings: package == APP_PACKAGE,
        action: None,
        doctest: None,
        outputs: Vec::new(),
        rustflags: Vec::new(),
        overridden: None,
        run_dir: None,
        native_runs: Vec::new(),
        plugin_runs: Vec::new(),
    }
}
