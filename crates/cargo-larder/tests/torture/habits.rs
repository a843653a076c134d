//! A workspace of habits: each is a package, and `app` says what each of them
//! came to.

use crate::table::{QUICK, lines, manifest, says};
use larder_schema::record::Verdict;
use larder_schema::report::{Report, UnitReport};
use larder_test::{Project, TestEnv};

/// One habit.
#[derive(Clone, Copy)]
pub(crate) struct Habit {
    /// Name of its package.
    pub(crate) name: &'static str,
    /// Body of its code: a build script's `main`, or a macro's function. It
    /// calls `say` with a text. `@ROOT@` is the directory of the environment.
    pub(crate) code: &'static str,
    /// The verdict of the unit that has the habit.
    pub(crate) verdict: Verdict,
    /// What makes it run again, with what `app` says then.
    pub(crate) misses: &'static [(&'static str, Change, &'static str)],
    /// What does not.
    pub(crate) hits: &'static [(&'static str, Change)],
}

/// A change of the project's files; those outside it lie in its parent.
pub(crate) type Change = fn(&Project<'_>);

/// Writes the workspace; `package` writes the files of one habit.
pub(crate) fn workspace<'env>(
    env: &'env TestEnv,
    name: &str,
    habits: &[Habit],
    package: &dyn Fn(&Project<'_>, &Habit, &str),
) -> Project<'env> {
    let names: Vec<String> = habits.iter().map(|habit| format!("\"{}\"", habit.name)).collect();
    let depends: String =
        habits.iter().map(|habit| format!("{0}.path = \"../{0}\"\n", habit.name)).collect();
    let prints: String = habits
        .iter()
        .map(|habit| format!("    println!(\"{0}={{}}\", {0}::SAID);\n", habit.name))
        .collect();
    let project = env
        .project(name)
        .file(
            "Cargo.toml",
            format!(
                "[workspace]\nmembers = [\"app\", {}]\nresolver = \"3\"\n\n{QUICK}",
                names.join(", ")
            ),
        )
        .file("app/Cargo.toml", manifest("app", &format!("[dependencies]\n{depends}")))
        .file("app/src/main.rs", format!("fn main() {{\n{prints}}}\n"))
        .build();
    for habit in habits {
        let code = habit.code.replace("@ROOT@", &env.root().display().to_string());
        package(&project, habit, &code);
    }
    project
}

/// What `app` says about a habit.
#[track_caller]
pub(crate) fn said(project: &Project<'_>, habit: &str) -> String {
    let all = says(project, "app");
    let of = |line: &str| line.strip_prefix(habit)?.strip_prefix('=').map(str::to_owned);
    all.lines().find_map(of).unwrap_or_else(|| panic!("nothing of {habit} in {all}"))
}

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
