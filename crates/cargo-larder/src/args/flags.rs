//! Cargo 1.95's flags of the building commands, in the groups that its
//! commands share. The values go to cargo as the user wrote them; larder
//! itself looks at few of them.

use clap::{ArgAction, Args};
use std::path::PathBuf;

const PACKAGES: &str = "Package Selection";
const TARGETS: &str = "Target Selection";
const FEATURES: &str = "Feature Selection";
const COMPILATION: &str = "Compilation Options";
const MANIFEST: &str = "Manifest Options";
const LARDER: &str = "Larder Options";

/// What every command of cargo has.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Common {
    /// Say more; twice: also what build scripts print
    #[arg(short, long, action = ArgAction::Count, display_order = 800)]
    pub(crate) verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, display_order = 801)]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_parser = ["auto", "always", "never"],
          ignore_case = true, display_order = 802)]
    pub(crate) color: Option<String>,
    /// Set a configuration value, or read a further configuration file
    #[arg(long, value_name = "KEY=VALUE|PATH", display_order = 803)]
    pub(crate) config: Vec<String>,
    /// Unstable option of cargo; such a build is cargo's
    #[arg(short = 'Z', value_name = "FLAG", display_order = 804)]
    pub(crate) unstable: Vec<String>,
    /// Fail if `Cargo.lock` would change
    #[arg(long, help_heading = MANIFEST, display_order = 805)]
    pub(crate) locked: bool,
    /// Stay off the network
    #[arg(long, help_heading = MANIFEST, display_order = 806)]
    pub(crate) offline: bool,
    /// `--locked` and `--offline`
    #[arg(long, help_heading = MANIFEST, display_order = 807)]
    pub(crate) frozen: bool,
}

/// `--message-format`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct MessageFormats {
    /// How diagnostics and events are printed
    ///
    /// `json` prints cargo's machine messages on standard output. The values that start with
    /// `json-` add to it, separated by commas or given one by one.
    #[arg(long, value_name = "FMT", value_delimiter = ',', ignore_case = true,
          value_parser = ["human", "short", "json", "json-diagnostic-short",
                          "json-diagnostic-rendered-ansi", "json-render-diagnostics"])]
    pub(crate) message_format: Vec<String>,
}

/// Packages, where there can be many.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ManyPackages {
    /// This package; may be given more than once
    #[arg(short, long, value_name = "SPEC", num_args = 0..=1, help_heading = PACKAGES)]
    pub(crate) package: Vec<String>,
    /// All packages of the workspace
    #[arg(long, help_heading = PACKAGES)]
    pub(crate) workspace: bool,
    /// All packages but this one; may be given more than once
    #[arg(long, value_name = "SPEC", help_heading = PACKAGES)]
    pub(crate) exclude: Vec<String>,
    /// The old name of `--workspace`
    #[arg(long, help_heading = PACKAGES)]
    pub(crate) all: bool,
}

impl ManyPackages {
    /// Whether a rerun of one target must say which package it is in, as far
    /// as the flags decide that.
    pub(crate) fn names_package(&self) -> bool {
        !self.package.is_empty() || !self.exclude.is_empty()
    }
}

/// One package.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OnePackage {
    /// The package that has the target
    #[arg(short, long, value_name = "SPEC", num_args = 0..=1, help_heading = PACKAGES)]
    pub(crate) package: Option<Option<String>>,
}

/// Targets, all kinds.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Targets {
    /// The library
    #[arg(long, help_heading = TARGETS)]
    pub(crate) lib: bool,
    /// All binaries
    #[arg(long, help_heading = TARGETS)]
    pub(crate) bins: bool,
    /// This binary; may be given more than once, or without a name to list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, help_heading = TARGETS)]
    pub(crate) bin: Vec<String>,
    /// All examples
    #[arg(long, help_heading = TARGETS)]
    pub(crate) examples: bool,
    /// This example; may be given more than once, or without a name to list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, help_heading = TARGETS)]
    pub(crate) example: Vec<String>,
    /// All targets with `test = true`
    #[arg(long, help_heading = TARGETS)]
    pub(crate) tests: bool,
    /// This test target; may be given more than once, or without a name to list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, help_heading = TARGETS)]
    pub(crate) test: Vec<String>,
    /// All targets with `bench = true`
    #[arg(long, help_heading = TARGETS)]
    pub(crate) benches: bool,
    /// This bench target; may be given more than once, or without a name to list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, help_heading = TARGETS)]
    pub(crate) bench: Vec<String>,
    /// All targets, documentation tests aside
    #[arg(long, help_heading = TARGETS)]
    pub(crate) all_targets: bool,
}

/// Targets that `run` takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RunTargets {
    /// This binary; without a name to list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, help_heading = TARGETS)]
    pub(crate) bin: Vec<String>,
    /// This example; without a name to list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, help_heading = TARGETS)]
    pub(crate) example: Vec<String>,
}

/// Features.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Features {
    /// Features to activate, separated by commas or spaces; may be given more than once
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = FEATURES)]
    pub(crate) features: Vec<String>,
    /// All features
    #[arg(long, help_heading = FEATURES)]
    pub(crate) all_features: bool,
    /// Not the `default` feature
    #[arg(long, help_heading = FEATURES)]
    pub(crate) no_default_features: bool,
}

/// How it is compiled.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Compile {
    /// The profile to build with
    #[arg(long, value_name = "PROFILE-NAME", help_heading = COMPILATION)]
    pub(crate) profile: Option<String>,
    /// Jobs at a time: a number, a negative number (that many fewer than processors), or `default`
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, help_heading = COMPILATION)]
    pub(crate) jobs: Option<String>,
    /// The platform to build for; may be given more than once
    #[arg(long, value_name = "TRIPLE", num_args = 0..=1, help_heading = COMPILATION)]
    pub(crate) target: Vec<String>,
    /// Where results are delivered
    #[arg(long, value_name = "DIRECTORY", help_heading = COMPILATION)]
    pub(crate) target_dir: Option<PathBuf>,
    /// Print the unit graph (unstable); cargo does it
    #[arg(long, help_heading = COMPILATION)]
    pub(crate) unit_graph: bool,
    /// Write a timing report; such a build is cargo's
    #[arg(long, help_heading = COMPILATION)]
    pub(crate) timings: bool,
}

/// `--release`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Release {
    /// Build with the release profile, optimised
    #[arg(short, long, conflicts_with = "profile", help_heading = COMPILATION)]
    pub(crate) release: bool,
}

/// `--keep-going`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct KeepGoing {
    /// Build as much as possible after a failure
    #[arg(long, help_heading = COMPILATION)]
    pub(crate) keep_going: bool,
}

/// `--future-incompat-report`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct FutureIncompat {
    /// Report code that a later compiler will refuse; such a build is cargo's
    #[arg(long)]
    pub(crate) future_incompat_report: bool,
}

/// `--compile-time-deps`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CompileTimeDeps {
    #[arg(long, hide = true)]
    pub(crate) compile_time_deps: bool,
}

/// The manifest.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ManifestFlags {
    /// The Cargo.toml to build
    #[arg(long, value_name = "PATH", help_heading = MANIFEST)]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Do not heed `rust-version` of packages
    #[arg(long, help_heading = MANIFEST)]
    pub(crate) ignore_rust_version: bool,
}

/// Larder's own flags.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LarderFlags {
    /// Write a report of the build: every unit, whether it came from the store, and why not
    ///
    /// One JSON document with a stable schema; see docs/reference/report.md.
    #[arg(long, value_name = "FILE", help_heading = LARDER)]
    pub(crate) report: Option<PathBuf>,
    /// Confine build scripts and proc-macros to what they declare; whatever else they reach for is
    /// an error
    ///
    /// Their own package and result, what they declare, the toolchain and the installed system may
    /// be read; the network is closed. The configuration file says what else some packages may
    /// touch; see docs/reference/hermetic.md. Linux with Landlock.
    #[arg(long, help_heading = LARDER)]
    pub(crate) hermetic: bool,
    /// Show what would come from the store and what would run, and why; do nothing
    #[arg(long, help_heading = LARDER)]
    pub(crate) dry_run: bool,
}

/// What `check` and `clippy` share.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CheckFlags {
    #[command(flatten)]
    pub(crate) future: FutureIncompat,
    #[command(flatten)]
    pub(crate) format: MessageFormats,
    #[command(flatten)]
    pub(crate) packages: ManyPackages,
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) features: Features,
    #[command(flatten)]
    pub(crate) release: Release,
    #[command(flatten)]
    pub(crate) compile: Compile,
    #[command(flatten)]
    pub(crate) keep_going: KeepGoing,
    #[command(flatten)]
    pub(crate) compile_time_deps: CompileTimeDeps,
    #[command(flatten)]
    pub(crate) manifest: ManifestFlags,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) larder: LarderFlags,
}
