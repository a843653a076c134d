//! What planning needs to know: the values that `larder-cargo` reads from
//! cargo, manifests, the lock file, configuration and rustc.

use larder_schema::Digest;
use larder_schema::plan::{Directives, EnvVar, Roots, Source};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The output of `cargo … --unit-graph`, version 1.
#[derive(Clone, Debug, Deserialize)]
pub struct UnitGraph {
    /// 1.
    pub version: u32,
    /// Sorted by cargo.
    pub units: Vec<GraphUnit>,
    /// Indices of the units that were asked for.
    pub roots: Vec<usize>,
}

/// A unit of the graph.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphUnit {
    /// Package id in the `PackageIdSpec` format.
    pub pkg_id: String,
    /// Target.
    pub target: GraphTarget,
    /// Profile.
    pub profile: GraphProfile,
    /// Triple or path of a target specification; absent for host units.
    pub platform: Option<String>,
    /// `build`, `check`, `test`, `doctest`, `run-custom-build`, `doc`, …
    pub mode: String,
    /// Features, sorted.
    pub features: Vec<String>,
    /// With `-Z build-std` only.
    #[serde(default)]
    pub is_std: bool,
    /// Edges.
    pub dependencies: Vec<GraphDependency>,
}

/// A target of the graph.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphTarget {
    /// `lib`, `bin`, `proc-macro`, …
    pub kind: Vec<String>,
    /// Crate types.
    pub crate_types: Vec<String>,
    /// Name.
    pub name: String,
    /// Absolute path of the root source file.
    pub src_path: String,
    /// Edition.
    pub edition: String,
    /// `required-features`.
    #[serde(rename = "required-features", default)]
    pub required_features: Vec<String>,
    /// Documented by default.
    pub doc: bool,
    /// Doctests run.
    pub doctest: bool,
    /// Tested by default.
    pub test: bool,
}

/// A profile of the graph.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphProfile {
    /// Name.
    pub name: String,
    /// `opt-level`.
    pub opt_level: String,
    /// `lto` as text: `false`, `true`, `off`, `thin`, `fat`.
    pub lto: String,
    /// Unstable.
    pub codegen_backend: Option<String>,
    /// `codegen-units`.
    pub codegen_units: Option<u32>,
    /// Number or name.
    #[serde(default)]
    pub debuginfo: serde_json::Value,
    /// `split-debuginfo`.
    pub split_debuginfo: Option<String>,
    /// Debug assertions.
    pub debug_assertions: bool,
    /// Overflow checks.
    pub overflow_checks: bool,
    /// Rpath.
    pub rpath: bool,
    /// Incremental.
    pub incremental: bool,
    /// `unwind`, `abort`.
    pub panic: String,
    /// `{"deferred": "None"}`, `{"resolved": {"Named": "debuginfo"}}`, …
    pub strip: serde_json::Value,
    /// Fields that this cargo has and larder does not know: they make larder
    /// hand the command to cargo.
    #[serde(flatten)]
    pub rest: BTreeMap<String, serde_json::Value>,
}

/// An edge of the graph.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphDependency {
    /// Index of the unit.
    pub index: usize,
    /// Extern name.
    pub extern_crate_name: String,
    /// Unstable public-dependency.
    #[serde(default)]
    pub public: bool,
    /// Build-std.
    #[serde(default)]
    pub noprelude: bool,
}

/// What a package's manifest says, workspace inheritance resolved.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Absolute path of Cargo.toml.
    pub path: String,
    /// Absolute directory.
    pub root: String,
    /// Name.
    pub name: String,
    /// Version (`0.0.0` where absent).
    pub version: String,
    /// Edition of the package.
    pub edition: String,
    /// Authors, for `CARGO_PKG_AUTHORS` (joined by `:`).
    pub authors: Vec<String>,
    /// For `CARGO_PKG_DESCRIPTION`.
    pub description: Option<String>,
    /// For `CARGO_PKG_HOMEPAGE`.
    pub homepage: Option<String>,
    /// For `CARGO_PKG_REPOSITORY`.
    pub repository: Option<String>,
    /// For `CARGO_PKG_LICENSE`.
    pub license: Option<String>,
    /// For `CARGO_PKG_LICENSE_FILE`, as cargo resolves it.
    pub license_file: Option<String>,
    /// For `CARGO_PKG_README`, detection of the default name included.
    pub readme: Option<String>,
    /// For `CARGO_PKG_RUST_VERSION`.
    pub rust_version: Option<String>,
    /// `links`.
    pub links: Option<String>,
    /// Flags from the `[lints]` table, in cargo's order.
    pub lint_flags: Vec<String>,
    /// All features that `--check-cfg` must list, implicit ones of optional
    /// dependencies included, sorted as cargo sorts them.
    pub features: Vec<String>,
    /// Targets, auto-discovered ones included as far as they matter: kind,
    /// name, harness, for every target of the package.
    pub targets: Vec<ManifestTarget>,
    /// Renamed dependencies: for each `[dependencies]`-like entry, the name in
    /// the table and the package's name.
    pub dependencies: Vec<ManifestDependency>,
    /// `cargo-features` or other unstable keys that larder does not model.
    pub unstable: Vec<String>,
    /// Values of `[lints.rust.unexpected_cfgs] check-cfg`, in order (they are
    /// `--check-cfg` arguments of the package's units).
    pub lint_check_cfgs: Vec<String>,
    /// Artifact dependencies (`artifact = …`) occur.
    pub artifact_dependencies: bool,
}

/// A target of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestTarget {
    /// `lib`, `bin`, `example`, `test`, `bench`, `custom-build`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// `harness`.
    pub harness: bool,
    /// `proc-macro = true`.
    pub proc_macro: bool,
    /// Crate types of a library or example.
    pub crate_types: Vec<String>,
}

/// A dependency of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestDependency {
    /// Name in the table.
    pub key: String,
    /// Package name.
    pub package: String,
    /// Whether it was given another name by `package = …`.
    pub renamed: bool,
    /// `artifact = …` occurs.
    pub artifact: bool,
}

/// What rustc says of one compilation kind: the host without `--target`, or
/// a target.
#[derive(Clone, Debug, Default)]
pub struct TargetInfo {
    /// Triple (for a specification file: its stem).
    pub triple: String,
    /// What goes after `--target`; absent for the host kind.
    pub target_arg: Option<String>,
    /// Lines of `--print=cfg`, with the rustflags of the kind.
    pub cfg: Vec<String>,
    /// Crate type → (prefix, suffix) of its file, absent if unsupported; for
    /// `bin lib rlib dylib cdylib staticlib proc-macro`.
    pub file_names: BTreeMap<String, Option<(String, String)>>,
    /// Values of `-C split-debuginfo` that it supports.
    pub split_debuginfo: Vec<String>,
    /// Directory of the sysroot.
    pub sysroot: String,
    /// Directory of the sysroot's libraries for this kind.
    pub target_libdir: String,
    /// `rustflags` that apply to units of this kind.
    pub rustflags: Vec<String>,
    /// `rustdocflags` that apply.
    pub rustdocflags: Vec<String>,
    /// `target.*.linker`, resolved.
    pub linker: Option<String>,
    /// `target.*.runner`, resolved: program and arguments.
    pub runner: Option<Vec<String>>,
    /// `target.<triple>.<links>` overrides.
    pub links_overrides: BTreeMap<String, Directives>,
}

/// The command that is planned, as far as it shapes actions.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// `build`, `check`, `clippy`, `test`, `bench`, `run`, `rustc`.
    pub name: String,
    /// Whether `--target` (or `build.target`) was given.
    pub explicit_target: bool,
    /// Arguments after `--` of `cargo rustc`, for the first root.
    pub rustc_args: Vec<String>,
    /// `--crate-type` of `cargo rustc`.
    pub rustc_crate_types: Vec<String>,
    /// `-v` count: from 2 on, dependencies show warnings.
    pub verbose: u8,
    /// `--message-format` `short` and `json-diagnostic-short` change `--json`.
    pub short_diagnostics: bool,
    /// Value for `NUM_JOBS`.
    pub jobs: usize,
    /// `CLIPPY_ARGS` as cargo-clippy would set it.
    pub clippy_args: Option<String>,
    /// `clippy-driver`, for `cargo clippy`.
    pub clippy_driver: Option<String>,
    /// Channel of cargo allows unstable features (nightly).
    pub nightly: bool,
    /// `warnings` of the configuration are `allow`.
    pub warnings_allowed: bool,
    /// The targets that the command line selects.
    pub selection: Selection,
    /// `debug` or `release`: which of `dev` and `release` the requested
    /// profile comes from through `inherits`. May be absent for `dev`, `test`,
    /// `release` and `bench`.
    pub profile_root: Option<String>,
    /// The requested profile itself, before overrides of packages: `opt-level`
    /// is not 0, and debug information is on. Absent: as the first root has
    /// it.
    pub base_profile: Option<(bool, bool)>,
}

/// The targets that the command line selects. The graph does not tell a check
/// of a library from a check of its unit tests; this does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// `--all-targets`.
    pub all_targets: bool,
    /// `--lib`.
    pub lib: bool,
    /// `--bins` (empty list) or `--bin NAME…` (names or globs).
    pub bins: Option<Vec<String>>,
    /// `--examples` (empty list) or `--example NAME…`.
    pub examples: Option<Vec<String>>,
    /// `--tests` or `--benches`; `--test NAME` and `--bench NAME` do not count.
    pub tests: bool,
}

/// Everything that planning needs.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The graph.
    pub graph: UnitGraph,
    /// Manifests by package id.
    pub manifests: BTreeMap<String, Manifest>,
    /// Sources by package id.
    pub sources: BTreeMap<String, Source>,
    /// Package ids of the workspace's members.
    pub members: Vec<String>,
    /// Where things are.
    pub roots: Roots,
    /// The host kind.
    pub host: TargetInfo,
    /// The target kinds, by the name used in the graph's `platform`.
    pub targets: BTreeMap<String, TargetInfo>,
    /// Host triple.
    pub host_triple: String,
    /// Version of cargo, `1.95.0`.
    pub cargo_version: String,
    /// Absolute path of cargo.
    pub cargo: String,
    /// Path of rustc as cargo would call it.
    pub rustc: String,
    /// Path of rustdoc as cargo would call it.
    pub rustdoc: String,
    /// `rustc -vV`.
    pub rustc_verbose_version: String,
    /// `RUSTC_WRAPPER` or its configuration.
    pub rustc_wrapper: Option<String>,
    /// `RUSTC_WORKSPACE_WRAPPER` or its configuration.
    pub rustc_workspace_wrapper: Option<String>,
    /// Digest of the toolchain.
    pub toolchain: Digest,
    /// `[env]`, resolved against the inherited environment: only what applies.
    pub env: Vec<EnvVar>,
    /// The inherited value of the dynamic library path variable
    /// (`LD_LIBRARY_PATH`), which cargo extends. On macOS, where it is absent
    /// or empty: `$HOME/lib:/usr/local/lib:/usr/lib`, which cargo adds then.
    pub dylib_path: Option<String>,
    /// `build.target-applies-to-host` and such unstable switches are not here:
    /// they go to cargo.
    pub command: Command,
}
