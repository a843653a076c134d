//! Sequences of events, and what cargo would have printed.

use super::CargoReporter;
use super::fixture::{BIN, DEP, LIB, LIB_TEST, SCRIPT, SCRIPT_RUN, plan};
use crate::args::MessageFormat;
use crate::console::{Console, Verbosity};
use crate::history::tests::report;
use larder_engine::event::{Event, Reporter as _};
use larder_engine::request::Outcome as BuildOutcome;
use larder_schema::plan::{Directives, Plan, Severity, UnitIndex};
use larder_schema::report::{Change, MissReason, Outcome};
use std::time::Duration;

const JSON: MessageFormat = MessageFormat::Json { render: false, short: false, ansi: false };

/// Runs events through a reporter: standard output and standard error.
fn printed(
    verbosity: Verbosity,
    format: MessageFormat,
    events: impl FnOnce(&CargoReporter<'_>, &Plan),
) -> (String, String) {
    let (console, out, err) = Console::captured(verbosity, false);
    let reporter = CargoReporter::new(&console, format, None);
    let plan = plan();
    reporter.event(&Event::Planned { plan: &plan, cached: false });
    events(&reporter, &plan);
    (out.text(), err.text())
}

fn start(reporter: &CargoReporter<'_>, unit: UnitIndex) {
    reporter.event(&Event::Started {
        unit,
        miss: None,
        command: &|env| format!("{}rustc x", if env { "A=1 " } else { "" }),
    });
}

fn finish(reporter: &CargoReporter<'_>, unit: UnitIndex, outcome: Outcome) {
    reporter.event(&Event::Finished {
        unit,
        outcome,
        miss: None,
        key: None,
        spent: Duration::ZERO,
        files: vec!["/ws/target/debug/libapp.rlib".into()],
        executable: None,
    });
}

fn diagnose(
    reporter: &CargoReporter<'_>,
    unit: UnitIndex,
    level: &str,
    text: &str,
    replayed: bool,
) {
    let json = serde_json::json!({
        "$message_type": "diagnostic",
        "message": text,
        "code": null,
        "level": level,
        "spans": [],
        "children": [{"spans": [{"suggestion_applicability": "MachineApplicable"}]}],
        "rendered": format!("\u{1b}[1m{level}\u{1b}[0m: {text}\n"),
    });
    reporter.event(&Event::Diagnostic { unit, json: &json.to_string(), replayed });
}

#[test]
fn one_line_per_package_that_runs() {
    let (out, err) = printed(Verbosity::Normal, MessageFormat::Human, |r, plan| {
        finish(r, DEP, Outcome::Hit);
        for unit in [SCRIPT, SCRIPT_RUN, LIB, BIN] {
            start(r, unit);
            finish(r, unit, Outcome::Executed);
        }
        let outcome = BuildOutcome {
            plan: plan.clone(),
            report: report("/ws"),
            success: true,
            executables: Vec::new(),
            launches: Vec::new(),
            surroundings: Default::default(),
        };
        r.finish(&outcome, Duration::from_millis(1234), &|| true);
    });
    assert_eq!(
        err,
        "   Compiling app v0.1.0 (/ws)\n    \
         Finished `dev` profile [unoptimized + debuginfo] target(s) in 1.23s\n      \
         Larder 3 units: 2 from the store, 1 executed (4.0 s saved)\n"
    );
    assert_eq!(out, "");
}

#[test]
fn verbose_shows_commands_reasons_and_what_is_fresh() {
    let (_, err) = printed(Verbosity::Verbose, MessageFormat::Human, |r, _| {
        finish(r, DEP, Outcome::Hit);
        let miss = MissReason::InputsChanged {
            changes: vec![Change {
                input: "file src/lib.rs".into(),
                old: Some("1".into()),
                new: Some("2".into()),
            }],
        };
        r.event(&Event::Started {
            unit: LIB,
            miss: Some(&miss),
            command: &|env| format!("{}rustc x", if env { "A=1 " } else { "" }),
        });
    });
    assert_eq!(
        err,
        "       Fresh dep v0.1.0\n       Dirty app v0.1.0 (/ws): the file `src/lib.rs` has changed\n   \
         Compiling app v0.1.0 (/ws)\n     Running `rustc x`\n"
    );
}

#[test]
fn warnings_are_shown_once_and_counted() {
    let (_, err) = printed(Verbosity::Normal, MessageFormat::Human, |r, _| {
        start(r, LIB);
        diagnose(r, LIB, "warning", "unused", false);
        diagnose(r, LIB, "warning", "1 warning emitted", false);
        finish(r, LIB, Outcome::Executed);
        diagnose(r, LIB_TEST, "warning", "unused", true);
        diagnose(r, LIB_TEST, "warning", "other", true);
        finish(r, LIB_TEST, Outcome::Hit);
        // Of other people's packages only with -vv.
        diagnose(r, DEP, "warning", "theirs", true);
        finish(r, DEP, Outcome::Hit);
    });
    assert_eq!(
        err,
        "   Compiling app v0.1.0 (/ws)\nwarning: unused\n\
         warning: `app` (lib) generated 1 warning (run `cargo fix --lib -p app` to apply 1 \
         suggestion)\nwarning: other\n\
         warning: `app` (lib test) generated 2 warnings (1 duplicate) (run `cargo fix --lib -p \
         app --tests` to apply 1 suggestion)\n"
    );
}

#[test]
fn failures_say_what_waits() {
    let (_, err) = printed(Verbosity::Normal, MessageFormat::Human, |r, _| {
        start(r, LIB);
        start(r, LIB_TEST);
        diagnose(r, LIB, "warning", "w", false);
        diagnose(r, LIB, "error", "e", false);
        r.event(&Event::Failed { unit: LIB, text: String::new() });
        finish(r, LIB, Outcome::Failed);
        r.event(&Event::Failed { unit: LIB_TEST, text: "could not compile `app`".into() });
        finish(r, BIN, Outcome::NotRun);
    });
    assert_eq!(
        err,
        "   Compiling app v0.1.0 (/ws)\nwarning: w\nerror: e\n\
         warning: `app` (lib) generated 1 warning\n\
         error: could not compile `app` (lib) due to 1 previous error; 1 warning emitted\n\
         warning: build failed, waiting for other jobs to finish...\n\
         error: could not compile `app`\n"
    );
}

#[test]
fn build_scripts_speak_when_they_are_done_and_when_their_package_fails() {
    let say = |r: &CargoReporter<'_>| {
        r.event(&Event::ScriptMessage {
            unit: SCRIPT_RUN,
            severity: Severity::Warning,
            text: "no openssl",
        });
    };
    let (out, err) = printed(Verbosity::Normal, MessageFormat::Human, |r, _| {
        r.event(&Event::Line { unit: SCRIPT_RUN, text: "cargo::x", stderr: false });
        say(r);
        finish(r, SCRIPT_RUN, Outcome::Hit);
        start(r, LIB);
        r.event(&Event::Failed { unit: LIB, text: String::new() });
    });
    assert_eq!(out, "");
    assert_eq!(
        err,
        "warning: app@0.1.0: no openssl\n   Compiling app v0.1.0 (/ws)\n\
         warning: app@0.1.0: no openssl\nerror: could not compile `app` (lib)\n"
    );
    let (out, _) = printed(Verbosity::VeryVerbose, MessageFormat::Human, |r, _| {
        r.event(&Event::Line { unit: SCRIPT_RUN, text: "cargo::x", stderr: false });
    });
    assert_eq!(out, "[app 0.1.0] cargo::x\n");
}

#[test]
fn machine_messages_are_cargos() {
    let (out, err) = printed(Verbosity::Normal, JSON, |r, plan| {
        r.event(&Event::ScriptRan {
            unit: SCRIPT_RUN,
            directives: &Directives {
                library_paths: vec!["native=/x".into()],
                library_links: vec!["z".into()],
                cfgs: vec!["a".into()],
                env: vec![("K".into(), "V".into())],
                ..Directives::default()
            },
            out_dir: "/out".into(),
        });
        finish(r, SCRIPT_RUN, Outcome::Hit);
        start(r, LIB);
        diagnose(r, LIB, "warning", "unused", false);
        finish(r, LIB, Outcome::Executed);
        let outcome = BuildOutcome {
            plan: plan.clone(),
            report: report("/ws"),
            success: false,
            executables: Vec::new(),
            launches: Vec::new(),
            surroundings: Default::default(),
        };
        r.finish(&outcome, Duration::ZERO, &|| true);
    });
    let target = r#"{"kind":["lib"],"crate_types":["lib"],"name":"app","src_path":"/ws/src/lib.rs","edition":"2024","doc":true,"doctest":true,"test":true}"#;
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            r#"{"reason":"build-script-executed","package_id":"path+file:///ws#app@0.1.0","linked_libs":["z"],"linked_paths":["native=/x"],"cfgs":["a"],"env":[["K","V"]],"out_dir":"/out"}"#.to_owned(),
            format!(r#"{{"reason":"compiler-message","package_id":"path+file:///ws#app@0.1.0","manifest_path":"/ws/Cargo.toml","target":{target},"message":{{"rendered":"warning: unused\n","$message_type":"diagnostic","children":[{{"spans":[{{"suggestion_applicability":"MachineApplicable"}}]}}],"level":"warning","message":"unused","spans":[],"code":null}}}}"#),
            format!(r#"{{"reason":"compiler-artifact","package_id":"path+file:///ws#app@0.1.0","manifest_path":"/ws/Cargo.toml","target":{target},"profile":{{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false}},"features":["default"],"filenames":["/ws/target/debug/libapp.rlib"],"executable":null,"fresh":false}}"#),
            r#"{"reason":"build-finished","success":false}"#.to_owned(),
        ]
    );
    assert_eq!(
        err,
        "   Compiling app v0.1.0 (/ws)\n      \
         Larder 3 units: 2 from the store, 1 executed (4.0 s saved)\n"
    );
}

#[test]
fn rendered_diagnostics_leave_standard_output_to_artifacts() {
    let format = MessageFormat::Json { render: true, short: false, ansi: false };
    let (out, err) = printed(Verbosity::Normal, format, |r, _| {
        diagnose(r, LIB, "warning", "unused", true);
        finish(r, LIB, Outcome::Hit);
    });
    assert!(out.starts_with(r#"{"reason":"compiler-artifact""#) && out.contains(r#""fresh":true"#));
    assert!(err.starts_with("warning: unused\nwarning: `app` (lib) generated 1 warning"));
}

#[test]
fn quiet_shows_diagnostics_and_errors_only() {
    let (_, err) = printed(Verbosity::Quiet, MessageFormat::Human, |r, plan| {
        start(r, LIB);
        diagnose(r, LIB, "warning", "unused", false);
        finish(r, LIB, Outcome::Executed);
        let outcome = BuildOutcome {
            plan: plan.clone(),
            report: report("/ws"),
            success: true,
            executables: Vec::new(),
            launches: Vec::new(),
            surroundings: Default::default(),
        };
        r.finish(&outcome, Duration::ZERO, &|| true);
    });
    assert_eq!(err, "warning: unused\n");
}
