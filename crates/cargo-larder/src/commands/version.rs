//! `cargo larder version`.

use crate::building::Context;
use crate::console::Console;
use crate::exit::Exit;
use clap::Args;

/// Print larder's version
#[derive(Args, Debug)]
pub(crate) struct Version {
    /// Also the versions of what larder writes and understands
    #[arg(short, long)]
    verbose: bool,
}

impl Version {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        print(context.console, self.verbose || context.globals.verbose > 0);
        Ok(Exit::Success)
    }
}

/// Prints the version.
pub(crate) fn print(console: &Console, verbose: bool) {
    console.line(concat!("larder ", env!("CARGO_PKG_VERSION")));
    if verbose {
        console.line(&format!("plan: {}", larder_schema::plan::PLAN_VERSION));
        console.line(&format!("record: {}", larder_schema::record::RECORD_VERSION));
        console.line(&format!("report: {}", larder_schema::report::REPORT_VERSION));
    }
}
