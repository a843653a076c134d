//! `cargo larder verify`.

use crate::args::{Common, MessageFormat};
use crate::asked_command;
use crate::building::Context;
use crate::console::Console;
use crate::exit::Exit;
use crate::history::write_atomically;
use crate::quantity;
use crate::reporter::CargoReporter;
use crate::session::Wired;
use crate::settings::Settings;
use anyhow::Context as _;
use clap::Args;
use larder_engine::verify::{Step, VerifyRequest};
use larder_schema::verification::{Cause, Difference, Repeated, Verification, VerifiedUnit};
use std::ffi::OsString;
use std::path::PathBuf;

/// Build units a second time in another place, and compare them with the stored results
///
/// Each unit is run for itself, in a copy of the workspace with another cargo home and an empty
/// store, and compared bit for bit. Fails if a unit differs whose verdict promises that it does
/// not: `portable` and `host-keyed`. The others are shown as what they are.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// How many units, chosen anew each time
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "all")]
    sample: usize,
    /// All units of the command
    #[arg(long)]
    all: bool,
    /// Only units of this package: a name, or a name and version (`serde@1.0.210`)
    #[arg(short, long, value_name = "SPEC")]
    package: Vec<String>,
    /// Write the result to a file; see docs/reference/verify.md
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(crate) common: Common,
    /// The command whose units are checked; `build` if there is none
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Verify {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let console = context.console;
        let default = [OsString::from("build")];
        let command = if self.command.is_empty() { &default[..] } else { &self.command };
        let request = VerifyRequest {
            build: asked_command::request(context, command)?,
            sample: (!self.all).then_some(self.sample),
            packages: self.package.clone(),
        };
        let settings = Settings::read(context.host)?;
        let reporter = CargoReporter::new(console, MessageFormat::default(), None);
        let watch = |step: Step<'_>| show_step(console, step);
        let session = Wired::new(context.host, settings);
        let result = session.verify(&request, &reporter, &watch)?;
        console.clear_progress();
        if let Some(file) = &self.report {
            let json = serde_json::to_vec_pretty(&result)?;
            write_atomically(&context.host.absolute(file), &json)
                .with_context(|| format!("could not write the report `{}`", file.display()))?;
        }
        if self.json {
            console.line(&serde_json::to_string_pretty(&result)?);
        }
        console.status("Finished", &summary(&result));
        Ok(if result.holds() { Exit::Success } else { Exit::Failure })
    }
}

fn show_step(console: &Console, step: Step<'_>) {
    match step {
        Step::Ready { units, of, .. } => {
            console.status("Verifying", &format!("{units} of {of} units, in another place"));
        }
        Step::Checked { unit, done, units } => {
            if unit.is_wrong() {
                console.error(&text(unit));
            } else if unit.outcome == Repeated::Equal && unit.read_only_again.is_empty() {
                console
                    .verbose_status("Equal", &format!("{} ({})", unit.unit, unit.verdict.word()));
            } else {
                console.status("Varies", &text(unit));
            }
            console.progress(done, units, &unit.unit);
        }
    }
}

/// Names of what was read by the second run only, of one unit.
const MOST_READ: usize = 5;

fn text(unit: &VerifiedUnit) -> String {
    let verdict = unit.verdict.word();
    let mut text = match (unit.outcome, unit.promised) {
        (Repeated::Equal, _) => format!("{} is the same ({verdict})", unit.unit),
        (Repeated::Different, true) => {
            format!("{} is not the same although it is {verdict}", unit.unit)
        }
        (Repeated::Different, false) => format!("{} ({verdict})", unit.unit),
        (Repeated::Failed, _) => format!("{} could not be built again ({verdict})", unit.unit),
    };
    if let Some(difference) = &unit.difference {
        text.push_str(&difference_text(difference));
    }
    for name in unit.read_only_again.iter().take(MOST_READ) {
        text.push_str(&format!("\n    read in the second run only: `{name}`"));
    }
    match unit.read_only_again.len().saturating_sub(MOST_READ) {
        0 => {}
        more => text.push_str(&format!("\n    and {more} more")),
    }
    for line in unit.detail.iter().flat_map(|detail| detail.lines()) {
        text.push_str(&format!("\n    {line}"));
    }
    text
}

fn difference_text(difference: &Difference) -> String {
    let Difference { file, member, section, offset, stored, rebuilt, cause } = difference;
    let part = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!(", {name} `{value}`")).unwrap_or_default()
    };
    let offset = offset.map(|offset| format!(", byte {offset}")).unwrap_or_default();
    let cause = match cause {
        Cause::Path => "a path of the place that it is built in",
        Cause::Time => "the time",
        Cause::Host => "the name of the host or user",
        Cause::Order => "the order of things (a hash map?)",
        Cause::Unknown => "not known (a random number?)",
    };
    format!(
        "\n    in `{file}`{}{}{offset}\n      stored: {stored}\n      again:  {rebuilt}\n    \
         likely cause: {cause}",
        part("member", member),
        part("section", section),
    )
}

fn summary(result: &Verification) -> String {
    let totals = &result.totals;
    let mut parts = vec![format!("{} equal", totals.equal)];
    for (count, what) in [
        (totals.different, "different against their verdict"),
        (totals.varying, "different as their verdict says"),
        (totals.failed, "not built again"),
        (totals.reading_more, "that read something else the second time"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let time = quantity::seconds(result.seconds);
    format!("verification of {} units in {time}: {}", totals.checked, parts.join(", "))
}
