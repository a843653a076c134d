//! `cargo larder stats`.

use crate::building::Context;
use crate::exit::Exit;
use crate::history::{History, Sums};
use crate::quantity;
use crate::session::{Session as _, StoreStats, Wired};
use crate::settings::Settings;
use clap::Args;
use serde::Serialize;

/// Show what the store holds and what it saved
#[derive(Args, Debug)]
pub(crate) struct Stats {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    store: StoreStats,
    builds: Sums,
}

impl Stats {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let settings = Settings::read(context.host)?;
        let builds = History::at(&settings.dir).sums();
        let store = Wired::new(context.host, settings).stats()?;
        let shown = Shown { store, builds };
        if self.json {
            context.console.line(&serde_json::to_string_pretty(&shown)?);
        } else {
            context.console.raw_out(&text(&shown));
        }
        Ok(Exit::Success)
    }
}

fn text(shown: &Shown) -> String {
    let Shown { store, builds } = shown;
    let rate = match builds.units {
        0 => String::new(),
        units => format!(" ({} %)", builds.hits * 100 / units),
    };
    format!(
        "Store      {}\n\
         Results    {}, {}\n\
         Plans      {}, {}\n\
         In all     {}\n\
         Builds     {}, {} units\n\
         Hits       {}{rate}\n\
         Executed   {}, {}\n\
         Saved      {}\n",
        store.directory.display(),
        store.results.count,
        quantity::size(store.results.bytes),
        store.plans.count,
        quantity::size(store.plans.bytes),
        quantity::size(store.bytes),
        builds.builds,
        builds.units,
        builds.hits,
        builds.executed,
        quantity::seconds(builds.seconds_spent),
        quantity::seconds(builds.seconds_saved),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Usage;

    #[test]
    fn text_and_json_say_the_same() {
        let shown = Shown {
            store: StoreStats {
                directory: "/c/larder".into(),
                results: Usage { count: 12, bytes: 3_400_000 },
                bytes: 3_500_000,
                ..StoreStats::default()
            },
            builds: Sums { builds: 2, units: 8, hits: 6, seconds_saved: 12.0, ..Sums::default() },
        };
        assert!(text(&shown).contains("Results    12, 3.4 MB\n"));
        assert!(text(&shown).contains("Hits       6 (75 %)\n"));
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!(json["store"]["results"]["count"], 12);
        assert_eq!(json["builds"]["hits"], 6);
    }
}
