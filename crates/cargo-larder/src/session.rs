//! The seam to everything below: the engine, the store, cargo's
//! configuration. Commands see only this trait; [`Wired`] is the real one.

use crate::env_vars::{CARGO, PATH};
use crate::errors::{AlreadyPrinted, Unmodelled, WithCode};
use crate::exit::Exit;
use crate::host::Host;
use crate::interrupt;
use crate::settings::Settings;
use anyhow::Context as _;
use larder_cargo::GatherError;
use larder_cargo::fetch::FetchError;
use larder_cargo::toolchain::ToolchainError;
use larder_engine::EngineError;
use larder_engine::event::Reporter;
use larder_engine::request::{BuildRequest, Outcome};
use larder_schema::plan::UnitIndex;
use larder_store::DiskStore;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A process, prepared: what `run`, `test` and `bench` start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Program: the runner of the configuration, else the executable.
    pub(crate) program: OsString,
    /// Arguments: the runner's, the executable if there is a runner.
    pub(crate) args: Vec<OsString>,
    /// Environment on top of the inherited one, sorted by name; absent values
    /// are removed.
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    /// Working directory: the package's.
    pub(crate) cwd: PathBuf,
}

/// What documentation tests are run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DoctestOptions {
    /// Arguments of the user for the test harness (`--test-args`).
    pub(crate) test_args: Vec<String>,
    /// Whether `--test-args --quiet` is added.
    pub(crate) quiet: bool,
    /// `--color`.
    pub(crate) color: &'static str,
    /// `--error-format` of rustdoc: `human`, `short` or `json`.
    pub(crate) error_format: &'static str,
}

/// Count and bytes of one kind of thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    /// How many.
    pub(crate) count: u64,
    /// Bytes of content.
    pub(crate) bytes: u64,
}

/// What the store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct StoreStats {
    /// Its directory.
    pub(crate) directory: PathBuf,
    /// Results.
    pub(crate) results: Usage,
    /// Cached plans.
    pub(crate) plans: Usage,
    /// Bytes of everything.
    pub(crate) bytes: u64,
}

/// What garbage collection keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GcLimits {
    /// Bytes that remain at most.
    pub(crate) max_size: u64,
    /// How long an unused result is kept.
    pub(crate) max_age: Duration,
    /// Say what would be removed, remove nothing.
    pub(crate) dry_run: bool,
}

/// What garbage collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct GcOutcome {
    /// Results removed.
    pub(crate) removed: u64,
    /// Bytes freed.
    pub(crate) freed_bytes: u64,
    /// Results kept.
    pub(crate) kept: u64,
    /// Bytes kept.
    pub(crate) kept_bytes: u64,
    /// Results that had to go but are held by running builds.
    pub(crate) held: u64,
    /// Another collection is running: this one did nothing.
    pub(crate) busy: bool,
    /// What would be removed, in that order; empty after a removal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) results: Vec<Doomed>,
}

/// A result that would be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Doomed {
    /// Its unit.
    pub(crate) unit: String,
    /// Its key.
    pub(crate) key: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Seconds since it was used, exact to an hour.
    pub(crate) unused_seconds: u64,
}

/// Everything below the command line.
pub(crate) trait Session {
    /// Plans, looks up, executes, delivers.
    ///
    /// Errors that mean something here: [`crate::errors::AlreadyPrinted`] (cargo's
    /// planning failed and its output was an event), [`crate::errors::Unmodelled`]
    /// (the command goes to plain cargo).
    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> anyhow::Result<Outcome>;

    /// How `executable`, built by `unit`, is started. `executable` is passed
    /// on as it is: `run` shows and starts it relative to the working directory.
    fn launch(
        &self,
        outcome: &Outcome,
        unit: UnitIndex,
        executable: &Path,
    ) -> anyhow::Result<Launch>;

    /// How rustdoc is started for the documentation tests of `unit`.
    fn doctest(
        &self,
        outcome: &Outcome,
        unit: UnitIndex,
        options: &DoctestOptions,
    ) -> anyhow::Result<Launch>;

    /// What the store holds.
    fn stats(&self) -> anyhow::Result<StoreStats>;

    /// Collects garbage.
    fn gc(&self, limits: GcLimits) -> anyhow::Result<GcOutcome>;
}

/// The engine and the disk store.
pub(crate) struct Wired<'a> {
    host: &'a Host,
    settings: Settings,
    /// What builds see.
    env: BTreeMap<OsString, OsString>,
}

/// Changes to an environment: values, or none where a variable goes.
type Changes = Vec<(OsString, Option<OsString>)>;

impl<'a> Wired<'a> {
    /// For one command.
    pub(crate) fn new(host: &'a Host, settings: Settings) -> Self {
        Self { host, settings, env: host.env_of_builds() }
    }

    /// What of this machine the engine may know.
    pub(crate) fn machine(&self) -> anyhow::Result<larder_cargo::Host> {
        Ok(larder_cargo::Host {
            env: self.env.clone(),
            cwd: self.host.cwd.clone().context("could not find the working directory")?,
            exe: self.host.exe.clone().context("could not find larder's own executable")?,
            larder_dir: self.settings.dir.clone(),
            layers: self.settings.layers.clone(),
        })
    }

    /// The store.
    pub(crate) fn store(&self) -> anyhow::Result<DiskStore> {
        DiskStore::open(&self.settings.dir)
            .with_context(|| format!("could not open the store `{}`", self.settings.dir.display()))
    }

    /// Behind `exec`, programs that call cargo find the one in front.
    fn with_front(&self, mut changes: Changes) -> Changes {
        let Some(front) = self.host.front() else { return changes };
        changes.retain(|(name, _)| name != CARGO.name);
        changes.push((CARGO.name.into(), Some(front.join("cargo").into())));
        // One that is not changed is inherited, with the front in it.
        for (name, value) in &mut changes {
            if name == PATH.name {
                let rest = value.iter().flat_map(std::env::split_paths);
                let joined = std::env::join_paths(std::iter::once(front.to_owned()).chain(rest));
                *value = joined.ok().or(value.take());
            }
        }
        changes
    }

    /// A whole environment as changes to the one that builds see.
    fn changes(&self, env: &BTreeMap<OsString, OsString>) -> Changes {
        let inherited = &self.env;
        let set = env.iter().filter(|(name, value)| inherited.get(*name) != Some(value));
        let gone = inherited.keys().filter(|name| !env.contains_key(*name));
        let mut changes: Changes = set
            .map(|(name, value)| (name.clone(), Some(value.clone())))
            .chain(gone.map(|name| (name.clone(), None)))
            .collect();
        changes.sort();
        changes
    }
}

/// The engine's errors as what they mean here.
pub(crate) fn explained(error: EngineError) -> anyhow::Error {
    match error {
        EngineError::Cargo(code) | EngineError::Fetch(FetchError::Cargo { code }) => {
            AlreadyPrinted(Exit::Program(code)).into()
        }
        EngineError::Unsupported(what) => Unmodelled { what }.into(),
        // Rustup's proxy ends with 1 before there is any cargo.
        EngineError::Gather(GatherError::Toolchain(error @ ToolchainError::NotInstalled(_))) => {
            WithCode { message: error.to_string(), code: 1 }.into()
        }
        other => anyhow::Error::from(other),
    }
}

impl Session for Wired<'_> {
    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> anyhow::Result<Outcome> {
        interrupt::keep_the_store_clean();
        larder_engine::build(&self.machine()?, request, reporter).map_err(explained)
    }

    fn launch(
        &self,
        outcome: &Outcome,
        unit: UnitIndex,
        executable: &Path,
    ) -> anyhow::Result<Launch> {
        let planned = outcome
            .launches
            .iter()
            .find(|launch| launch.unit == unit)
            .context("the engine does not say how an executable is started")?;
        let as_given = |word: &OsString| {
            if *word == planned.executable { executable.into() } else { word.clone() }
        };
        Ok(Launch {
            program: as_given(&planned.program),
            args: planned.args.iter().map(as_given).collect(),
            env: self.with_front(self.changes(&planned.env)),
            cwd: planned.package_root.clone(),
        })
    }

    fn doctest(
        &self,
        outcome: &Outcome,
        unit: UnitIndex,
        options: &DoctestOptions,
    ) -> anyhow::Result<Launch> {
        let settings = larder_plan::doctest::Settings {
            color: options.color,
            test_args: &options.test_args,
            quiet: options.quiet,
            error_format: options.error_format,
        };
        let planned = outcome
            .surroundings
            .doctest(&outcome.plan, unit, &settings)
            .context("the plan does not say how documentation tests are started")?;
        Ok(Launch {
            program: planned.program,
            args: planned.args,
            env: self.changes(&planned.env),
            cwd: planned.package_root,
        })
    }

    fn stats(&self) -> anyhow::Result<StoreStats> {
        let stats = self.store()?.stats()?;
        let usage = |u: larder_store::Usage| Usage { count: u.count, bytes: u.bytes };
        Ok(StoreStats {
            directory: self.settings.dir.clone(),
            results: usage(stats.results),
            plans: usage(stats.plans),
            bytes: stats.bytes(),
        })
    }

    fn gc(&self, limits: GcLimits) -> anyhow::Result<GcOutcome> {
        let policy = larder_store::GcPolicy {
            max_bytes: Some(limits.max_size),
            max_age: Some(limits.max_age),
        };
        let store = self.store()?;
        if limits.dry_run {
            return Ok(preview(store.gc_preview(policy)?));
        }
        let report = store.gc(policy)?;
        Ok(GcOutcome {
            removed: report.removed,
            freed_bytes: report.bytes,
            kept: report.kept,
            kept_bytes: report.kept_bytes,
            held: report.deferred,
            busy: report.busy,
            results: Vec::new(),
        })
    }
}

fn preview(preview: larder_store::GcPreview) -> GcOutcome {
    let results: Vec<Doomed> = preview
        .results
        .into_iter()
        .map(|result| Doomed {
            unit: result.unit,
            key: result.key.to_string(),
            bytes: result.bytes,
            unused_seconds: result.used.elapsed().unwrap_or_default().as_secs(),
        })
        .collect();
    GcOutcome {
        removed: results.len() as u64,
        freed_bytes: results.iter().map(|result| result.bytes).sum(),
        kept: preview.kept,
        kept_bytes: preview.kept_bytes,
        results,
        ..GcOutcome::default()
    }
}
