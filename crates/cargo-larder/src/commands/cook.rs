//! `cargo larder cook`.

use super::plan;
use crate::args::{Common, MessageFormat};
use crate::building::Context;
use crate::console::Verbosity;
use crate::errors::Usage;
use crate::exit::Exit;
use crate::history::write_atomically;
use crate::reporter::{self, CargoReporter};
use crate::session::Wired;
use crate::settings::Settings;
use anyhow::Context as _;
use clap::Args;
use larder_engine::cook::CookRequest;
use larder_engine::request::BuildRequest;
use larder_schema::cook::CookPlan;
use std::path::PathBuf;

/// Build the dependencies of a cook plan into the store, without the project
///
/// The plan says everything: no flags, manifests or directory of the project are needed. Sources
/// are fetched by cargo, with the registries, mirrors and credentials of its configuration.
#[derive(Args, Debug)]
pub(crate) struct Cook {
    /// The cook plan
    #[arg(value_name = "FILE")]
    plan: Option<PathBuf>,
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
    /// Show what would come from the store and what would run; do nothing
    #[arg(long, conflicts_with = "fetch_only")]
    dry_run: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

impl Cook {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let settings = Settings::read(context.host)?;
        let session = Wired::new(context.host, settings);
        let reporter = CargoReporter::new(context.console, MessageFormat::default(), None);
        let plan = self.plan(context)?;
        self.cook(context, &session, &reporter, plan)
    }

    fn plan(&self, context: &Context<'_>) -> anyhow::Result<CookPlan> {
        match &self.plan {
            Some(file) => plan::read(context, file),
            None => {
                let text =
                    "no cook plan was given: `cargo larder plan -o FILE -- build` writes one";
                Err(Usage(text.into()).into())
            }
        }
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
            CookRequest { plan, build: self.request(context), fetch_only: self.fetch_only };
        let Some(mut outcome) = session.cook(&request, reporter)? else {
            console.status("Fetched", &format!("the sources of {packages} crates"));
            return Ok(Exit::Success);
        };
        if self.dry_run {
            console.clear_progress();
            reporter::dry_run(console, &outcome);
        } else {
            reporter.finish(&outcome, context.host.started.elapsed());
        }
        if let Some(cwd) = &context.host.cwd {
            outcome.report.workspace = cwd.display().to_string();
        }
        if let Some(file) = &self.report {
            let json = serde_json::to_vec_pretty(&outcome.report)?;
            write_atomically(&context.host.absolute(file), &json)
                .with_context(|| format!("could not write the report `{}`", file.display()))?;
        }
        Ok(if outcome.success { Exit::Success } else { Exit::Failure })
    }

    /// How to build; of cargo's arguments, those that are about its
    /// configuration and the network.
    fn request(&self, context: &Context<'_>) -> BuildRequest {
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
        BuildRequest {
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
            dry_run: self.dry_run,
            frozen: offline,
            ..BuildRequest::default()
        }
    }
}
