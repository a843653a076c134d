//! Test runs with shell scripts in place of test executables.

use super::*;
use crate::console::{Console, Verbosity};
use crate::history::tests::report;
use crate::reporter::fixture::{self, plan};
use crate::session::{GcLimits, GcOutcome, Session, StoreStats};
use larder_engine::event::Reporter;
use larder_engine::request::{BuildRequest, Outcome};
use std::sync::Mutex;

/// Starts every executable as `sh -c SCRIPT`, and keeps what it was asked.
#[derive(Default)]
struct Scripts {
    test: &'static str,
    doctest: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Scripts {
    fn launch(script: &str) -> Launch {
        Launch {
            program: "sh".into(),
            args: vec!["-c".into(), script.into(), "sh".into()],
            env: vec![("A".into(), Some("x y".into())), ("B".into(), None)],
            cwd: "/".into(),
        }
    }
}

impl Session for &'static Scripts {
    fn build(&self, _: &BuildRequest, _: &dyn Reporter) -> anyhow::Result<Outcome> {
        unreachable!()
    }
    fn launch(&self, _: &Outcome, unit: UnitIndex, exe: &Path) -> anyhow::Result<Launch> {
        self.asked.lock().unwrap().push(format!("{unit} {}", exe.display()));
        Ok(Scripts::launch(self.test))
    }
    fn doctest(
        &self,
        _: &Outcome,
        unit: UnitIndex,
        options: &DoctestOptions,
    ) -> anyhow::Result<Launch> {
        self.asked.lock().unwrap().push(format!("{unit} {:?}", options.test_args));
        Ok(Scripts::launch(self.doctest))
    }
    fn stats(&self) -> anyhow::Result<StoreStats> {
        unreachable!()
    }
    fn gc(&self, _: GcLimits) -> anyhow::Result<GcOutcome> {
        unreachable!()
    }
}

struct Ran {
    result: anyhow::Result<Exit>,
    err: String,
    scripts: &'static Scripts,
}

fn ran(scripts: Scripts, verbosity: Verbosity, change: impl FnOnce(&mut TestRun)) -> Ran {
    let scripts: &'static Scripts = Box::leak(Box::new(scripts));
    let mut plan = plan();
    let mut doctest = plan.units[fixture::LIB].clone();
    doctest.mode = Mode::Doctest;
    plan.units.push(doctest);
    let (console, _, err) = Console::captured(verbosity, false);
    let built = Built {
        outcome: Outcome {
            executables: vec![(fixture::LIB_TEST, "/ws/target/debug/deps/app-1".into())],
            plan,
            report: report("/ws"),
            success: true,
            launches: Vec::new(),
            surroundings: Default::default(),
        },
        session: Box::new(scripts),
        console: &console,
        format: MessageFormat::Human,
        names_package: false,
        dry_run: false,
    };
    let mut run =
        TestRun { kind: Kind::Test, args: vec!["name".into()], no_run: false, no_fail_fast: false };
    change(&mut run);
    let host = Host::fake(&[], &[], "/ws");
    let result = tests(&host, &built, &run);
    if let Err(error) = &result {
        errors::show(&console, error);
    }
    Ran { result, err: err.text(), scripts }
}

#[test]
fn tests_then_documentation_tests() {
    let scripts = Scripts { test: "exit 0", doctest: "exit 0", ..Scripts::default() };
    let ran = ran(scripts, Verbosity::Normal, |_| {});
    assert_eq!(ran.result.unwrap(), Exit::Success);
    assert_eq!(
        ran.err,
        "     Running unittests src/lib.rs (target/debug/deps/app-1)\n   Doc-tests app\n"
    );
    assert_eq!(
        *ran.scripts.asked.lock().unwrap(),
        ["4 /ws/target/debug/deps/app-1", "6 [\"name\"]"]
    );
}

#[test]
fn the_first_failure_ends_the_run_with_its_code() {
    let scripts = Scripts { test: "exit 101", doctest: "exit 0", ..Scripts::default() };
    let failed = ran(scripts, Verbosity::Normal, |_| {});
    assert_eq!(
        failed.err,
        "     Running unittests src/lib.rs (target/debug/deps/app-1)\n\
         error: test failed, to rerun pass `--lib`\n"
    );
    assert_eq!(errors::exit(&failed.result.unwrap_err()), Exit::Program(101));

    let scripts = Scripts { test: "exit 3", doctest: "exit 0", ..Scripts::default() };
    let strange = ran(scripts, Verbosity::Quiet, |_| {});
    assert_eq!(
        strange.err,
        "error: test failed, to rerun pass `--lib`\n\nCaused by:\n  process didn't exit \
         successfully: `sh -c 'exit 3' sh name --quiet` (exit status: 3)\n"
    );
    assert_eq!(errors::exit(&strange.result.unwrap_err()), Exit::Program(3));
}

#[test]
fn without_fail_fast_all_failures_are_listed() {
    let scripts = Scripts { test: "exit 1", doctest: "kill -9 $$", ..Scripts::default() };
    let ran = ran(scripts, Verbosity::Normal, |run| run.no_fail_fast = true);
    let exit = errors::exit(&ran.result.unwrap_err());
    assert_eq!(exit, Exit::Program(101));
    assert!(ran.err.contains("(signal: 9, SIGKILL: kill)\n"), "{}", ran.err);
    assert!(
        ran.err.contains("note: test exited abnormally; to see the full output pass --no-capture")
    );
    assert!(
        ran.err.ends_with("error: 2 targets failed:\n    `--lib`\n    `--doc`\n"),
        "{}",
        ran.err
    );
}

#[test]
fn nothing_runs_with_no_run() {
    let scripts = Scripts { test: "exit 1", doctest: "exit 1", ..Scripts::default() };
    let bench = ran(scripts, Verbosity::Normal, |run| {
        run.no_run = true;
        run.kind = Kind::Bench;
    });
    assert_eq!(bench.err, "  Executable benches src/lib.rs (target/debug/deps/app-1)\n");
    assert_eq!(bench.result.unwrap(), Exit::Success);
}

#[test]
fn commands_are_shown_as_cargo_shows_them() {
    let launch = Scripts::launch("a b");
    assert_eq!(launch.shown(false), "`sh -c 'a b' sh`");
    assert_eq!(launch.shown(true), "`A='x y' sh -c 'a b' sh`");
}
