//! `cargo larder plan`.

use crate::args::{Common, MessageFormat};
use crate::asked_command;
use crate::building::Context;
use crate::errors::Usage;
use crate::exit::Exit;
use crate::history::write_atomically;
use crate::layer_directories;
use crate::part_files;
use crate::reporter::{self, CargoReporter};
use crate::session::Wired;
use crate::settings::Settings;
use anyhow::Context as _;
use clap::Args;
use larder_plan::cook_parts::Split;
use larder_schema::cook::CookPlan;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Write a cook plan: what the dependencies of a command need, and nothing of the project
///
/// The file stays the same to the byte while local crates are edited, renamed or added, and changes
/// only with a dependency: its version, features, flags, profile or the toolchain. `cargo larder
/// cook` builds it anywhere; the command itself then finds all of its dependencies in the store.
#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// Where to write it, instead of standard output; with `--layers` and `--split`, a directory
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Plan N layers of workspace crates above the external ones, bottom up
    ///
    /// Writes the directories `0` (external crates) to `N`, each with a `plan.json` and, in
    /// `sources`, the directories of the crates that it builds. A directory stays the same to the
    /// byte while the crates of its layer and of those below do.
    #[arg(long, value_name = "N", requires = "output", conflicts_with = "diff")]
    layers: Option<usize>,
    /// Divide the plan into parts that are cooked one by one: `crates`, one for each crate, or a
    /// number of layers
    ///
    /// Writes `plan.json`, the whole; `parts.json`, which lists the parts bottom up; and the plan of
    /// each part in `parts`. The plan of a part stays the same to the byte while its crates and
    /// those that they need do.
    #[arg(long, value_name = "HOW", value_parser = split, requires = "output", conflicts_with_all = ["diff", "layers"])]
    split: Option<Split>,
    /// Say in words how two cook plans differ
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["output", "command"])]
    diff: Vec<PathBuf>,
    /// The differences as JSON
    #[arg(long, requires = "diff")]
    json: bool,
    #[command(flatten)]
    pub(crate) common: Common,
    /// The command to plan: `build --release --bin app`
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Plan {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        if let [old, new] = self.diff.as_slice() {
            return self.differences(context, old, new);
        }
        if self.command.is_empty() {
            let text = "no command was given: `cargo larder plan -o FILE -- build --release`";
            return Err(Usage(text.into()).into());
        }
        let request = asked_command::request(context, &self.command)?;
        let settings = Settings::read(context.host)?;
        let session = Wired::new(context.host, settings);
        let reporter = CargoReporter::new(context.console, MessageFormat::default(), None);
        if let (Some(count), Some(output)) = (self.layers, &self.output) {
            let layers = session.cook_layers(&request, count, &reporter)?;
            context.console.clear_progress();
            layer_directories::write(&layers, &context.host.absolute(output))?;
            for (number, layer) in layers.layers.iter().enumerate() {
                let directory = output.join(number.to_string());
                let what = match number {
                    0 => format!("{} external crates", layer.plan.packages.len()),
                    _ if layer.crates.is_empty() => "no crates".to_owned(),
                    _ => layer.crates.join(", "),
                };
                context.console.status("Planned", &format!("{what} to {}", directory.display()));
            }
            return Ok(Exit::Success);
        }
        let plan = session.cook_plan(&request, &reporter)?;
        context.console.clear_progress();
        if let (Some(split), Some(output)) = (self.split, &self.output) {
            let parts = part_files::write(&plan, split, &context.host.absolute(output))?;
            let (units, packages) = (plan.units.len(), plan.packages.len());
            let to = output.display();
            let text = format!("{units} units of {packages} crates in {parts} parts to {to}");
            context.console.status("Planned", &text);
            return Ok(Exit::Success);
        }
        let bytes = plan.to_bytes();
        match &self.output {
            None => context.console.raw_out(&String::from_utf8_lossy(&bytes)),
            Some(file) => {
                write_atomically(&context.host.absolute(file), &bytes)
                    .with_context(|| format!("could not write `{}`", file.display()))?;
                let (units, packages) = (plan.units.len(), plan.packages.len());
                let text = format!("{units} units of {packages} crates to {}", file.display());
                context.console.status("Planned", &text);
            }
        }
        Ok(Exit::Success)
    }

    fn differences(&self, context: &Context<'_>, old: &Path, new: &Path) -> anyhow::Result<Exit> {
        let changes = larder_plan::cook_diff::diff(&read(context, old)?, &read(context, new)?);
        if self.json {
            context.console.line(&serde_json::to_string_pretty(&changes)?);
        } else if changes.is_empty() {
            context.console.line("the plans are equal: nothing would be built anew");
        } else {
            for change in &changes {
                context.console.line(&reporter::cook_change(change));
            }
        }
        Ok(Exit::Success)
    }
}

/// `crates`, or a number of layers.
fn split(text: &str) -> Result<Split, String> {
    match (text, text.parse()) {
        ("crates", _) => Ok(Split::Crates),
        (_, Ok(layers)) if layers > 0 => Ok(Split::Layers(layers)),
        _ => Err("it is `crates`, or a number of layers".to_owned()),
    }
}

/// Reads a cook plan.
pub(crate) fn read(context: &Context<'_>, file: &Path) -> anyhow::Result<CookPlan> {
    let bytes = fs_err::read(context.host.absolute(file))?;
    CookPlan::from_bytes(&bytes).with_context(|| {
        format!("could not use `{}`: write it anew with `cargo larder plan`", file.display())
    })
}
