//! What larder has to do about a workspace of habits.

use crate::table::lines;
use larder_schema::report::{Report, UnitReport};
use larder_test::Project;
use larder_test::habits::{Habit, said};

/// Builds, and compares with the table: first the verdicts, then every change.
pub(crate) fn hold(project: &Project<'_>, habits: &[Habit], kind: &str) {
    let report = project.larder_report(&["build"]).1;
    let mut wrong = Vec::new();
    for habit in habits {
        let unit = unit(&report, habit.name, kind);
        if unit.verdict != Some(habit.verdict) {
            let (name, verdict) = (habit.name, unit.verdict);
            wrong.push(format!(
                "{name}: {verdict:?} instead of {:?}: {:?}",
                habit.verdict, unit.evidence
            ));
        }
    }
    let again = lines(&project.larder_report(&["build"]).1);
    if !again.is_empty() {
        wrong.push(format!("nothing changed: {again:?}"));
    }
    for habit in habits {
        for (what, change) in habit.hits {
            change(project);
            let ran = lines(&project.larder_report(&["build"]).1);
            if !ran.is_empty() {
                wrong.push(format!("{}, {what}: should have hit: {ran:?}", habit.name));
            }
        }
        for (what, change, says_now) in habit.misses {
            change(project);
            let report = project.larder_report(&["build"]).1;
            let ran: Vec<String> = lines(&report);
            let of_habit = |line: &String| line.starts_with(habit.name) || line.starts_with("app ");
            if ran.is_empty() || !ran.iter().all(of_habit) {
                wrong.push(format!("{}, {what}: ran {ran:?}", habit.name));
            }
            let now = said(project, habit.name);
            if now != *says_now {
                wrong.push(format!(
                    "{}, {what}: says {now:?}, not {says_now:?}: {ran:?}",
                    habit.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The unit of a package that has the habit.
pub(crate) fn unit<'a>(report: &'a Report, package: &str, kind: &str) -> &'a UnitReport {
    let of = |unit: &&UnitReport| {
        unit.package == package && (unit.mode == kind || unit.mode == "build" && unit.kind == kind)
    };
    report.units.iter().find(of).unwrap_or_else(|| panic!("no {kind} of {package}"))
}
