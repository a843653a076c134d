//! `cargo larder cook`.

use super::plan;
use crate::args::{Common, MessageFormat};
use crate::asked_command;
use crate::building::Context;
use crate::console::Verbosity;
use crate::errors::Usage;
use crate::exit::Exit;
use crate::history::write_atomically;
use crate::quantity;
use crate::reporter::{self, CargoReporter};
use crate::session::Wired;
use crate::settings::Settings;
use anyhow::Context as _;
use clap::Args;
use larder_cargo::single::Wanted;
use larder_engine::cook::CookRequest;
use larder_engine::request::BuildRequest;
use larder_schema::cook::CookPlan;
use std::ffi::OsString;
use std::path::PathBuf;

/// Build the dependencies of a command into the store, without the project's sources
///
/// From a cook plan (`cargo larder plan`), which says everything: no flags, manifests or directory
/// of the project are needed. Or from a directory with manifests, lock file and configuration only:
/// `cargo larder cook -- build --release --bin app`. Or one dependency of a lock file: `cargo larder
/// cook --lock Cargo.lock -p serde`. Sources are fetched by cargo, with the registries, mirrors and
/// credentials of its configuration.
#[derive(Args, Debug)]
pub(crate) struct Cook {
    /// The cook plan
    #[arg(value_name = "FILE", conflicts_with_all = ["lock", "command"])]
    plan: Option<PathBuf>,
    /// Take one dependency from this lock file
    #[arg(long, value_name = "FILE", requires = "package")]
    lock: Option<PathBuf>,
    /// The dependency: `serde`, or `serde@1.0.1` where there are several
    #[arg(short, long, value_name = "SPEC", requires = "lock")]
    package: Option<String>,
    /// Its features, separated by commas or spaces
    #[arg(short = 'F', long, value_name = "FEATURES", requires = "lock")]
    features: Vec<String>,
    /// Without its `default` feature
    #[arg(long, requires = "lock")]
    no_default_features: bool,
    /// Fetch the sources, build nothing
    #[arg(long)]
    fetch_only: bool,
    /// Jobs at a time
    #[arg(short, long, value_name = "N", allow_hyphen_values = true)]
    jobs: Option<String>,
    /// Build as much as possible after a failure
    #[arg(long)]
    keep_going: bool,
    /// Write a report: every unit, whether it came from the store, and why not
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Confine build scripts and proc-macros, as `build --hermetic` does
    #[arg(long)]
    hermetic: bool,
    /// Show what would come from the store and what would run; do nothing
    #[arg(long, conflicts_with = "fetch_only")]
    dry_run: bool,
    /// Write the results into another store as well, compressed: for a layer of an image, from
    /// where `import` takes them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["fetch_only", "dry_run"])]
    pack: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: Common,
    /// The command to plan: `build --release --bin app`
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Cook {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let settings = Settings::read(context.host)?;
        let session = Wired::new(context.host, settings);
        let reporter = CargoReporter::new(context.console, MessageFormat::default(), None);
        let plan = self.plan(context, &session, &reporter)?;
        self.cook(context, &session, &reporter, plan)
    }

    fn plan(
        &self,
        context: &Context<'_>,
        session: &Wired<'_>,
        reporter: &CargoReporter<'_>,
    ) -> anyhow::Result<CookPlan> {
        if let Some(file) = &self.plan {
            return plan::read(context, file);
        }
        if let (Some(lock), Some(spec)) = (&self.lock, &self.package) {
            let build = [OsString::from("build")];
            let words = if self.command.is_empty() { &build[..] } else { &self.command };
            let request = self.planning(context, words)?;
            let features = self.features.iter().flat_map(|list| list.split([',', ' ']));
            let wanted = Wanted {
                spec: spec.clone(),
                features: features.filter(|f| !f.is_empty()).map(str::to_owned).collect(),
                no_default_features: self.no_default_features,
            };
            let lock = context.host.absolute(lock);
            return session.cook_plan_of_lock(&request, &lock, &wanted, reporter);
        }
        if self.command.is_empty() {
            let text = "neither a cook plan nor a command was given: `cargo larder cook FILE`, or \
                        `cargo larder cook -- build --release`";
            return Err(Usage(text.into()).into());
        }
        let request = self.planning(context, &self.command)?;
        session.cook_plan_of_manifests(&request, reporter)
    }

    /// What is planned before it is cooked, with the flags in front of `--`.
    fn planning(&self, context: &Context<'_>, words: &[OsString]) -> anyhow::Result<BuildRequest> {
        let mut request = asked_command::request(context, words)?;
        request.args.extend(self.request(context)?.args);
        let locked = [context.globals, &self.common].iter().any(|c| c.locked || c.frozen);
        if locked && !request.args.iter().any(|arg| arg == "--locked" || arg == "--frozen") {
            request.args.push("--locked".to_owned());
        }
        Ok(request)
    }

    fn cook(
        &self,
        context: &Context<'_>,
        session: &Wired<'_>,
        reporter: &CargoReporter<'_>,
        plan: CookPlan,
    ) -> anyhow::Result<Exit> {
        let console = context.console;
        let packages = plan.packages.len();
        let request =
            CookRequest { plan, build: self.request(context)?, fetch_only: self.fetch_only };
        let Some(mut outcome) = session.cook(&request, reporter)? else {
            console.status("Fetched", &format!("the sources of {packages} crates"));
            return Ok(Exit::Success);
        };
        if self.dry_run {
            console.clear_progress();
            reporter::dry_run(console, &outcome);
        } else {
            reporter.finish(&outcome, context.host.started.elapsed(), &|| true);
        }
        if let Some(cwd) = &context.host.cwd {
            outcome.report.workspace = cwd.display().to_string();
        }
        if let Some(file) = &self.report {
            let json = serde_json::to_vec_pretty(&outcome.report)?;
            write_atomically(&context.host.absolute(file), &json)
                .with_context(|| format!("could not write the report `{}`", file.display()))?;
        }
        if let Some(to) = &self.pack {
            let keys = outcome.report.units.iter().filter_map(|unit| unit.key).collect();
            let packed = session.pack(&keys, &context.host.absolute(to))?;
            let (results, before) = (packed.results, quantity::size(packed.bytes));
            let after = quantity::size(packed.packed_bytes);
            console.status("Packed", &format!("{results} results: {before} in {after}"));
        }
        Ok(if outcome.success { Exit::Success } else { Exit::Failure })
    }

    /// How to build; of cargo's arguments, those that are about its
    /// configuration and the network.
    fn request(&self, context: &Context<'_>) -> anyhow::Result<BuildRequest> {
        let flags = [context.globals, &self.common];
        let given = |get: fn(&Common) -> bool| flags.iter().any(|common| get(common));
        let mut args = Vec::new();
        for config in flags.iter().flat_map(|common| &common.config) {
            args.extend(["--config".to_owned(), config.clone()]);
        }
        let offline = given(|c| c.offline) || given(|c| c.frozen);
        if offline {
            args.push("--offline".to_owned());
        }
        let settings = Settings::read(context.host)?;
        Ok(BuildRequest {
            command: "cook".into(),
            args,
            toolchain: context.split.toolchain.clone(),
            jobs: self.jobs.clone(),
            keep_going: self.keep_going,
            verbose: match context.console.verbosity() {
                Verbosity::Quiet | Verbosity::Normal => 0,
                Verbosity::Verbose => 1,
                Verbosity::VeryVerbose => 2,
            },
            diagnostic_width: context.host.columns,
            color: context.console.is_colored(),
            observe: settings.observe,
            hermetic: settings.hermetic.or_all(self.hermetic),
            dry_run: self.dry_run,
            frozen: offline,
            ..BuildRequest::default()
        })
    }
}
