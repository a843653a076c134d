//! Larder's own line at the end of a build, and what `--dry-run` shows.

use super::names;
use crate::console::Console;
use crate::quantity;
use crate::reason;
use larder_engine::request::Outcome as BuildOutcome;
use larder_schema::report::{Outcome, Totals};

/// `54 units: 53 from the store, 1 executed (41 s saved)`
pub(crate) fn status_line(totals: &Totals) -> String {
    let mut line = format!(
        "{} unit{}: {} from the store, {} executed",
        totals.units,
        if totals.units == 1 { "" } else { "s" },
        totals.hits,
        totals.executed
    );
    if totals.failed > 0 {
        line.push_str(&format!(", {} failed", totals.failed));
    }
    // Less is noise beside the time that this line takes to read.
    if totals.seconds_saved >= 0.05 {
        line.push_str(&format!(" ({} saved)", quantity::seconds(totals.seconds_saved)));
    }
    line
}

/// Every unit of the plan with what would become of it, then the sums.
pub(crate) fn dry_run(console: &Console, outcome: &BuildOutcome) {
    for unit in &outcome.report.units {
        let Some(planned) = outcome.plan.units.get(unit.index) else { continue };
        let package = &outcome.plan.packages[planned.package];
        let mut name = format!(
            "{} ({})",
            names::package(&outcome.plan, package),
            names::target(&planned.target)
        );
        if names::is_unit_test(planned) {
            name.insert_str(name.len() - 1, " test");
        } else if planned.is_run() {
            name.insert_str(name.len() - 1, ", run");
        }
        match (&unit.outcome, &unit.miss) {
            (Outcome::Hit, _) => console.status("Hit", &name),
            (_, Some(miss)) => console.status("Miss", &format!("{name}: {}", reason::line(miss))),
            (_, None) => console.status("Miss", &name),
        }
    }
    let totals = &outcome.report.totals;
    console.status(
        "Larder",
        &format!(
            "{} unit{}: {} from the store, {} to execute (nothing was done: --dry-run)",
            totals.units,
            if totals.units == 1 { "" } else { "s" },
            totals.hits,
            totals.units - totals.hits
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::status_line;
    use larder_schema::report::Totals;

    #[test]
    fn says_what_was_saved() {
        let totals =
            Totals { units: 54, hits: 53, executed: 1, seconds_saved: 41.3, ..Totals::default() };
        assert_eq!(status_line(&totals), "54 units: 53 from the store, 1 executed (41 s saved)");
        let cold = Totals { units: 1, executed: 1, ..Totals::default() };
        assert_eq!(status_line(&cold), "1 unit: 0 from the store, 1 executed");
        let failed = Totals { units: 3, hits: 1, executed: 2, failed: 1, ..Totals::default() };
        assert_eq!(status_line(&failed), "3 units: 1 from the store, 2 executed, 1 failed");
    }
}
