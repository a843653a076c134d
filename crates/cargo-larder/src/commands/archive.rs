//! `cargo larder export` and `import`.

use super::plan;
use crate::building::Context;
use crate::exit::Exit;
use crate::reporter::CargoReporter;
use crate::session::Wired;
use crate::settings::Settings;
use anyhow::Context as _;
use clap::Args;
use larder_engine::cook::CookRequest;
use larder_engine::request::BuildRequest;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;

/// Write results of the store to one archive, for a machine that cannot reach this one
///
/// All results, or those of a cook plan. Results that hold the path of the store are left out.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The archive to write: a tar archive, compressed by zstd
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only what this cook plan needs
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

/// Take the results of an archive, or of a packed store, into the store
///
/// Every file of an archive is checked against its record first; a damaged archive is refused. Of a
/// store that `cargo larder cook --pack` wrote, files stay packed until a build needs them, and are
/// checked then.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// An archive that `cargo larder export` wrote, or the directory of a packed store
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Export {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let session = Wired::new(context.host, Settings::read(context.host)?);
        let keys = match &self.plan {
            None => None,
            Some(file) => {
                // What a build would find, without doing anything.
                let request = CookRequest {
                    plan: plan::read(context, file)?,
                    build: BuildRequest {
                        command: "cook".into(),
                        dry_run: true,
                        ..BuildRequest::default()
                    },
                    fetch_only: false,
                };
                let reporter = CargoReporter::new(context.console, Default::default(), None);
                let outcome = session.cook(&request, &reporter)?;
                let units = outcome.iter().flat_map(|outcome| &outcome.report.units);
                Some(units.filter_map(|unit| unit.key).collect())
            }
        };
        context.console.clear_progress();
        let path = context.host.absolute(&self.file);
        let could_not = || format!("could not write `{}`", self.file.display());
        let dir = path.parent().with_context(could_not)?;
        let file = tempfile::NamedTempFile::new_in(dir).with_context(could_not)?;
        let done = session.store()?.export(keys.as_ref(), BufWriter::new(file.as_file()))?;
        file.persist(&path).map_err(|error| error.error).with_context(could_not)?;
        let mut text = format!("{} results to {}", done.results, self.file.display());
        if done.left_out > 0 {
            text.push_str(&format!(
                " ({} left out: they hold the path of the store)",
                done.left_out
            ));
        }
        context.console.status("Exported", &text);
        Ok(Exit::Success)
    }
}

impl Import {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let session = Wired::new(context.host, Settings::read(context.host)?);
        let could_not = || format!("could not import `{}`", self.file.display());
        let path = context.host.absolute(&self.file);
        let (results, there) = if path.is_dir() {
            let packed = session.import_packed(&path).with_context(could_not)?;
            (packed.results, packed.there)
        } else {
            let file = File::open(&path).with_context(could_not)?;
            let done = session.store()?.import(BufReader::new(file)).with_context(could_not)?;
            (done.results, done.left_out)
        };
        let mut text = format!("{results} results");
        if there > 0 {
            text.push_str(&format!(" ({there} were there)"));
        }
        context.console.status("Imported", &text);
        Ok(Exit::Success)
    }
}
