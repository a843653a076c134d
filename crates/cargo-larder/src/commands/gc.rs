//! `cargo larder gc`.

use crate::building::Context;
use crate::exit::Exit;
use crate::quantity;
use crate::session::{Doomed, GcLimits, GcOutcome, Session as _, Wired};
use crate::settings::Settings;
use clap::Args;
use std::time::Duration;

/// Make the store smaller: by age, then least recently used first
///
/// What a running build uses stays. The defaults come from `gc.max-size` and `gc.max-age` of the
/// configuration file.
#[derive(Args, Debug)]
pub(crate) struct Gc {
    /// Bytes that may stay: `20GB`, `512MiB`
    #[arg(long, value_name = "SIZE", value_parser = quantity::parse_size)]
    max_size: Option<u64>,
    /// Remove what was not used for this long: `30d`, `12h`
    #[arg(long, value_name = "AGE", value_parser = quantity::parse_age)]
    max_age: Option<Duration>,
    /// Say what would be removed, result by result; remove nothing
    #[arg(long)]
    dry_run: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Gc {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let settings = Settings::read(context.host)?;
        let limits = GcLimits {
            max_size: self.max_size.unwrap_or(settings.gc_max_size),
            max_age: self.max_age.unwrap_or(settings.gc_max_age),
            dry_run: self.dry_run,
        };
        let outcome = Wired::new(context.host, settings).gc(limits)?;
        if self.json {
            context.console.line(&serde_json::to_string_pretty(&outcome)?);
        } else {
            for result in &outcome.results {
                context.console.line(&line(result));
            }
            context.console.line(&text(&outcome, self.dry_run));
        }
        Ok(Exit::Success)
    }
}

/// `     1.2 MB, unused for 3 days: serde v1.0.0 (lib)`.
fn line(result: &Doomed) -> String {
    let unused = quantity::age(Duration::from_secs(result.unused_seconds));
    format!("{:>12}, unused for {unused}: {}", quantity::size(result.bytes), result.unit)
}

fn text(outcome: &GcOutcome, dry_run: bool) -> String {
    if outcome.busy {
        return "another collection is running: nothing was done".into();
    }
    let mut text = format!(
        "{} {} results, {}; {} stay, {}",
        if dry_run { "would remove" } else { "removed" },
        outcome.removed,
        quantity::size(outcome.freed_bytes),
        outcome.kept,
        quantity::size(outcome.kept_bytes),
    );
    if outcome.held > 0 {
        text.push_str(&format!("; {} go when the builds that use them end", outcome.held));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{line, text};
    use crate::session::{Doomed, GcOutcome};

    #[test]
    fn says_what_went_and_what_stays() {
        let outcome = GcOutcome {
            removed: 3,
            freed_bytes: 2_000_000,
            kept: 4,
            kept_bytes: 1000,
            held: 1,
            ..GcOutcome::default()
        };
        assert_eq!(
            text(&outcome, false),
            "removed 3 results, 2.0 MB; 4 stay, 1.0 kB; 1 go when the builds that use them end"
        );
        assert!(text(&outcome, true).starts_with("would remove"));
    }
    #[test]
    fn a_result_is_a_line() {
        let doomed = Doomed {
            unit: "serde v1.0.0 (lib)".into(),
            key: String::new(),
            bytes: 1_200_000,
            unused_seconds: 2 * 86_400 + 5,
        };
        assert_eq!(line(&doomed), "      1.2 MB, unused for 2 days: serde v1.0.0 (lib)");
    }
}
