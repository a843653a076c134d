//! What every table uses: builds whose report becomes a list of lines, one for
//! each unit that ran.

use larder_schema::report::{MissReason, Outcome, Report, UnitReport};
use larder_test::{Project, TestEnv};

pub(crate) use larder_test::habits::{QUICK, manifest};

/// A machine of its own for one table.
pub(crate) fn env() -> TestEnv {
    TestEnv::new().with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
}

/// Builds, and says what ran: `leaf lib: file {workspace}/leaf/src/lib.rs`.
#[track_caller]
pub(crate) fn ran(project: &Project<'_>, args: &[&str]) -> Vec<String> {
    lines(&project.larder_report(args).1)
}

/// What ran by a report, and why, sorted.
pub(crate) fn lines(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report
        .units
        .iter()
        .filter(|unit| unit.outcome != Outcome::Hit)
        .map(|unit| {
            let how = match unit.outcome {
                Outcome::Incremental => " (incremental)",
                Outcome::Failed => " (failed)",
                Outcome::NotRun => " (not run)",
                Outcome::Hit | Outcome::Executed => "",
            };
            format!("{}{how}: {}", label(unit), unit.miss.as_ref().map_or("?".into(), reason))
        })
        .collect();
    lines.sort();
    lines
}

/// `leaf lib`, `app bin`, `scripted script`, `scripted run`.
pub(crate) fn label(unit: &UnitReport) -> String {
    let kind = match (unit.mode.as_str(), unit.kind.as_str()) {
        ("run-custom-build", _) => "run",
        (_, "custom-build") => "script",
        (_, "proc-macro") => "macro",
        (_, kind) => kind,
    };
    if matches!(kind, "bin" | "example") && unit.target != unit.package {
        return format!("{} {kind} {}", unit.package, unit.target);
    }
    format!("{} {kind}", unit.package)
}

fn reason(miss: &MissReason) -> String {
    match miss {
        MissReason::NeverBuilt => "never built".into(),
        MissReason::InputsChanged { changes } => {
            let inputs: Vec<&str> = changes.iter().map(|change| change.input.as_str()).collect();
            inputs.join(", ")
        }
        MissReason::DependencyChanged { .. } => "dependency".into(),
        MissReason::DepOutputDiffers { .. } => "dependency output".into(),
        MissReason::Damaged { .. } => "damaged".into(),
        MissReason::Collected => "collected".into(),
        MissReason::SideOutputChanged { .. } => "side output".into(),
        MissReason::Unobserved { .. } => "unobserved".into(),
        MissReason::NotHermetic { .. } => "not hermetic".into(),
        MissReason::Uncacheable { .. } => "uncacheable".into(),
    }
}

/// What a delivered program prints.
#[track_caller]
pub(crate) fn says(project: &Project<'_>, program: &str) -> String {
    project.says(program)
}

/// What cargo's own build of the same program prints, built beside ours.
#[track_caller]
pub(crate) fn says_cargo(project: &Project<'_>, program: &str) -> String {
    let args = ["run", "--quiet", "--target-dir", "cargo-target", "--bin", program];
    project.cargo(&args).success().raw_stdout.clone()
}

/// The program says the same as cargo's.
#[track_caller]
pub(crate) fn same_as_cargo(project: &Project<'_>, program: &str) {
    assert_eq!(says(project, program), says_cargo(project, program), "{program}");
}

/// Nothing runs, and the status line agrees.
#[track_caller]
pub(crate) fn all_hit(project: &Project<'_>, args: &[&str]) {
    assert_eq!(ran(project, args), [""; 0], "everything should have been in the store");
}
