//! The plan: every unit of one cargo command, with the action that builds it.
//!
//! A plan holds no path of a machine. Texts that depend on where things are
//! hold [`Template`] tokens, and [`Roots`] says what the tokens stand for here.

use crate::Digest;
use serde::{Deserialize, Serialize};

pub use crate::template::{Piece, Template, escape};

/// Version of [`Plan`].
pub const PLAN_VERSION: u32 = 1;

/// Index of a unit in [`Plan::units`].
pub type UnitIndex = usize;

/// What the tokens of a plan stand for on this machine. All absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roots {
    /// Directory of the root manifest.
    pub workspace: String,
    /// Cargo's home.
    pub cargo_home: String,
    /// `rustc --print sysroot`.
    pub sysroot: String,
    /// The target directory.
    pub target: String,
    /// `build.build-dir`: the target directory unless it was configured.
    #[serde(default)]
    pub build: String,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// A registry; immutable.
    Registry {
        /// URL as in the package id: `registry+https://…`, `sparse+https://…`.
        url: String,
        /// Checksum of the `.crate` file, from the lock file.
        checksum: Option<String>,
        /// Whether it was replaced by a directory (vendored): then its files
        /// count by content.
        vendored: bool,
    },
    /// A git repository at a commit; immutable.
    Git {
        /// URL as in the package id, with branch, tag or rev.
        url: String,
        /// The commit.
        commit: String,
    },
    /// A directory; its files count by content.
    Path {
        /// Directory, relative to the workspace root (`../common` outside).
        path: String,
    },
}

impl Source {
    /// Whether the files of the package can never change.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        match self {
            Source::Registry { vendored, checksum, .. } => !vendored && checksum.is_some(),
            Source::Git { .. } => true,
            Source::Path { .. } => false,
        }
    }
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Cargo's package id on this machine; for messages, never in a key.
    pub id: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Source.
    pub source: Source,
    /// Its directory, as a template.
    pub root: Template,
    /// Whether it is a member of the workspace.
    pub member: bool,
    /// `links` of its manifest.
    pub links: Option<String>,
    /// Targets of the package, as machine messages show them, where larder
    /// must tell one from another: names of bins, whether there is a library.
    pub has_library: bool,
    /// Crate name of its library, for what a build script may say of
    /// `RUSTC_BOOTSTRAP`.
    #[serde(default)]
    pub library: Option<String>,
    /// Whether its library has the crate type `cdylib`.
    #[serde(default)]
    pub has_cdylib: bool,
    /// Names of its binary targets.
    pub bins: Vec<String>,
    /// Whether it has targets of kind `test`, `bench`, `example` (for the
    /// checks of `rustc-link-arg-*`).
    pub has_tests: bool,
    /// See `has_tests`.
    pub has_benches: bool,
    /// See `has_tests`.
    pub has_examples: bool,
    /// `rust-version` of its manifest.
    pub rust_version: Option<String>,
    /// Edition of the package.
    pub edition: String,
}

/// A target of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `lib`, `rlib`, `proc-macro`, `bin`, `example`, `test`, `bench`,
    /// `custom-build`, `cdylib`, …
    pub kind: Vec<String>,
    /// Crate types.
    pub crate_types: Vec<String>,
    /// Name, with dashes.
    pub name: String,
    /// Root source file.
    pub src_path: Template,
    /// Edition.
    pub edition: String,
    /// Whether it is documented by default.
    pub doc: bool,
    /// Whether doctests run.
    pub doctest: bool,
    /// Whether it is tested by default.
    pub test: bool,
    /// `required-features`, as machine messages show them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_features: Vec<String>,
    /// Whether the libtest harness is used.
    pub harness: bool,
}

impl Target {
    /// The name as an identifier.
    #[must_use]
    pub fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Whether one of its kinds is `kind`.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|k| k == kind)
    }

    /// Whether it is a library of any crate type.
    #[must_use]
    pub fn is_library(&self) -> bool {
        !["bin", "example", "test", "bench", "custom-build"].iter().any(|k| self.is(k))
    }
}

/// The profile of a unit, as cargo resolved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Name.
    pub name: String,
    /// `0` to `3`, `s`, `z`.
    pub opt_level: String,
    /// The profile's `lto` (not the unit's: see [`Unit::lto`]).
    pub lto: String,
    /// Codegen units.
    pub codegen_units: Option<u32>,
    /// `0`, `1`, `2`, `line-tables-only`, `line-directives-only`.
    pub debuginfo: String,
    /// `off`, `packed`, `unpacked`.
    pub split_debuginfo: Option<String>,
    /// Debug assertions.
    pub debug_assertions: bool,
    /// Overflow checks.
    pub overflow_checks: bool,
    /// `-C rpath`.
    pub rpath: bool,
    /// Incremental compilation.
    pub incremental: bool,
    /// `unwind` or `abort`.
    pub panic: String,
    /// `none`, `debuginfo`, `symbols`.
    pub strip: String,
}

/// What is done with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Compile.
    Build,
    /// Type-check.
    Check,
    /// Type-check with the test harness.
    CheckTest,
    /// Compile with the test harness.
    Test,
    /// Run a build script.
    RunCustomBuild,
    /// Run documentation tests (at the end, never cached).
    Doctest,
}

/// An edge to a unit that must be there first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The unit.
    pub unit: UnitIndex,
    /// Name under which it is `--extern`.
    pub extern_name: String,
    /// Whether it is public (unstable public-dependency).
    pub public: bool,
    /// Whether it is kept out of the extern prelude.
    pub noprelude: bool,
    /// Whether its metadata is enough to start (pipelining).
    pub only_metadata: bool,
    /// Whether its files are given as `--extern`.
    pub linked: bool,
}

/// What a file of an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavor {
    /// An executable or an auxiliary file.
    Normal,
    /// A library that can be linked.
    Linkable,
    /// Metadata (`.rmeta`).
    Rmeta,
    /// Debug information beside the binary.
    DebugInfo,
}

/// A file that cargo expects of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputName {
    /// Name in the output directory; `{extra}` may occur.
    pub name: String,
    /// What it is.
    pub flavor: Flavor,
    /// Where cargo puts it for the user: relative to the target directory,
    /// e.g. `release/rg`. Absent: it stays in `deps`.
    pub uplift: Option<String>,
    /// Directory of the file under cargo, relative to the target directory,
    /// e.g. `release/deps`: where test executables and check outputs are
    /// delivered to.
    pub deps_dir: String,
}

/// An environment variable of an action, on top of the inherited ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// Name.
    pub name: String,
    /// Value; absent: the variable is removed.
    pub value: Option<Template>,
    /// From cargo's `[env]` table or from the unit itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub configured: bool,
}

/// The process that builds a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Program: `{rustc}` is the compiler, wrappers come first as cargo has
    /// them; `{file:U:K}` for a build script.
    pub program: Template,
    /// Arguments. For rustc: without what build scripts add, which cargo
    /// appends at the end.
    pub args: Vec<Template>,
    /// Environment on top of the inherited one, sorted by name.
    pub env: Vec<EnvVar>,
    /// Working directory.
    pub cwd: Template,
    /// Arguments that larder adds to cargo's: remapping of paths.
    pub extra_args: Vec<Template>,
    /// Whether a linker runs: then the linker and libc count.
    pub links: bool,
}

/// The call of `rustdoc --test` for a unit, in the pieces between which the
/// run time has its say; `larder_plan::doctest` puts them together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctest {
    /// Before `--color`: edition and crate types.
    pub head: Vec<Template>,
    /// Between `--color` and the native search paths.
    pub middle: Vec<Template>,
    /// Between the harness's arguments and what the build script says.
    pub tail: Vec<Template>,
    /// `rustdocflags`, last but for the error format.
    pub rustdocflags: Vec<Template>,
    /// Environment on top of the inherited one, sorted by name.
    pub env: Vec<EnvVar>,
    /// Working directory.
    pub cwd: Template,
}

/// How link-time optimisation concerns a unit (cargo's `lto.rs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lto {
    /// It runs here; with `fat`, `thin` or no value.
    Run(Option<String>),
    /// Off.
    Off,
    /// Bitcode only.
    OnlyBitcode,
    /// Object code and bitcode.
    ObjectAndBitcode,
    /// Object code only.
    OnlyObject,
}

/// A unit: a target of a package in a mode, profile, platform and features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Index in [`Plan::packages`].
    pub package: usize,
    /// Target.
    pub target: Target,
    /// Profile.
    pub profile: Profile,
    /// Triple, or the name of a target specification; absent: the host, with
    /// no `--target` given.
    pub platform: Option<String>,
    /// Mode.
    pub mode: Mode,
    /// Features, sorted.
    pub features: Vec<String>,
    /// Link-time optimisation.
    pub lto: Lto,
    /// Edges in cargo's order.
    pub deps: Vec<Dependency>,
    /// Whether it was asked for.
    pub root: bool,
    /// Whether diagnostics are shown: local packages, or `-vv`.
    pub show_warnings: bool,
    /// The process. Absent for doctests and for overridden build scripts.
    pub action: Option<Action>,
    /// How `rustdoc --test` is called; for documentation tests only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doctest: Option<Doctest>,
    /// Files that cargo expects. Those of flavor `DebugInfo` need not appear.
    pub outputs: Vec<OutputName>,
    /// `rustflags` of the unit (for build scripts, in their environment).
    pub rustflags: Vec<String>,
    /// Directives given by configuration instead of running (`links`
    /// overrides).
    pub overridden: Option<Directives>,
    /// For build-script runs: cargo's directory name stem, `release/build/<name>`.
    pub run_dir: Option<String>,
    /// Runs of build scripts whose native libraries count here, in cargo's
    /// order (`BuildScripts::to_link`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub native_runs: Vec<UnitIndex>,
    /// Runs of build scripts below host-only dependencies
    /// (`BuildScripts::plugins`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugin_runs: Vec<UnitIndex>,
}

impl Unit {
    /// Whether it runs a build script.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.mode == Mode::RunCustomBuild
    }

    /// Whether it produces a file for people or a linked image: nothing below
    /// it is read again.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self.mode, Mode::Build | Mode::Test)
            && (self.mode == Mode::Test
                || !self.target.is_library()
                || self.target.crate_types.iter().all(|t| t == "cdylib" || t == "staticlib"))
    }
}

/// What a build script said, in cargo's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Directives {
    /// `rustc-link-search`, with its kind: `native=/path`.
    pub library_paths: Vec<String>,
    /// `rustc-link-lib`.
    pub library_links: Vec<String>,
    /// `rustc-link-arg*`: to which targets, and the argument.
    pub linker_args: Vec<(LinkArgTarget, String)>,
    /// `rustc-cfg`.
    pub cfgs: Vec<String>,
    /// `rustc-check-cfg`.
    pub check_cfgs: Vec<String>,
    /// `rustc-env`.
    pub env: Vec<(String, String)>,
    /// Metadata for dependents: `DEP_<links>_<KEY>`.
    pub metadata: Vec<(String, String)>,
    /// `rerun-if-changed`, as given.
    pub rerun_if_changed: Vec<String>,
    /// `rerun-if-env-changed`.
    pub rerun_if_env_changed: Vec<String>,
    /// `warning` and `error`, in order.
    pub messages: Vec<(Severity, String)>,
}

/// Kind of a build script's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// `cargo::warning`.
    Warning,
    /// `cargo::error`.
    Error,
}

/// To which targets a `rustc-link-arg` applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkArgTarget {
    /// `rustc-link-arg`.
    All,
    /// `rustc-link-arg-cdylib`, `rustc-cdylib-link-arg`.
    Cdylib,
    /// `rustc-link-arg-bins`.
    Bins,
    /// `rustc-link-arg-bin=NAME=`.
    Bin(String),
    /// `rustc-link-arg-tests`.
    Tests,
    /// `rustc-link-arg-benches`.
    Benches,
    /// `rustc-link-arg-examples`.
    Examples,
}

/// How an executable of a target is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runner {
    /// Triple; absent: the host.
    pub platform: Option<String>,
    /// Program and its arguments.
    pub command: Vec<String>,
}

/// Every unit of one cargo command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// `cargo --version`, e.g. `1.95.0`.
    pub cargo_version: String,
    /// What the tokens stand for here.
    pub roots: Roots,
    /// The host's triple.
    pub host: String,
    /// Absolute path of the compiler: `{rustc}`.
    pub rustc: String,
    /// Absolute path of cargo itself, for `CARGO`.
    pub cargo: String,
    /// `rustdoc`.
    pub rustdoc: String,
    /// Digest of the toolchain.
    pub toolchain: Digest,
    /// Packages, sorted by id.
    pub packages: Vec<Package>,
    /// Units in cargo's order (sorted).
    pub units: Vec<Unit>,
    /// Units that were asked for, in cargo's order.
    pub roots_units: Vec<UnitIndex>,
    /// Name of the profile, for the `Finished` line.
    pub profile: String,
    /// Description of it: `optimized`, `unoptimized + debuginfo`.
    pub profile_description: String,
    /// Runners from configuration.
    pub runners: Vec<Runner>,
    /// The `[env]` table of the configuration, resolved.
    pub env: Vec<EnvVar>,
    /// Directory of the sysroot's libraries by platform, for running.
    pub target_libdirs: Vec<(Option<String>, String)>,
    /// Warnings that cargo gave while planning, to repeat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
