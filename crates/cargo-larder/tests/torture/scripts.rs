//! Habits of build scripts.

use crate::habits::{hold, unit};
use crate::table::{all_hit, env, lines};
use larder_schema::record::Verdict;
use larder_schema::verification::Verification;
use larder_test::habits::scripts::{HABITS, machine, project, rows};
use larder_test::habits::{Habit, said};
use std::path::Path;

#[test]
fn the_table_of_scripts() {
    let env = machine(env());
    let habits = rows(&env);
    let project = project(&env, &habits);
    hold(&project, &habits, "run-custom-build");
}

/// What ptrace sees is what notification sees.
#[test]
fn the_table_under_ptrace() {
    hold_under("ptrace");
}

/// What scripts and compilers record themselves is what notification sees.
#[test]
fn the_table_under_notification_alone() {
    hold_under("notify");
}

fn hold_under(observe: &str) {
    let env = machine(env()).with("LARDER_OBSERVE", observe);
    let of_interest = [
        "host_file",
        "lists",
        "misses_a_file",
        "link",
        "tool",
        "threads",
        "children",
        "network",
        "daemon",
        "static_helper",
        "musl_helper",
        "late",
    ];
    let known = |name: &&str| HABITS.iter().any(|habit| habit.name == *name);
    assert!(of_interest.iter().all(known));
    let habits: Vec<Habit> =
        rows(&env).into_iter().filter(|habit| of_interest.contains(&habit.name)).collect();
    let project = project(&env, &habits);
    hold(&project, &habits, "run-custom-build");
}

/// Another directory of the same project runs nothing, whatever the habits.
#[test]
fn a_second_directory_runs_nothing() {
    let env = machine(env());
    let one = project(&env, &rows(&env));
    let report = one.larder_report(&["build"]).1;
    let second = one.checkout("second");
    // Whose text is in the results is each checkout's own business.
    let runs = lines(&second.larder_report(&["build"]).1);
    assert!(runs.is_empty(), "{runs:?}");
    assert_eq!(second.read("target/made/here.txt"), "x");

    // What nobody declared is in the report, with whose code it was.
    let undeclared = unit(&report, "host_file", "run-custom-build").undeclared.clone();
    let undeclared = undeclared.expect("something undeclared");
    assert_eq!(undeclared.by, ["host_file"]);
    assert_eq!(undeclared.paths, [env.root().join("host/os-release").display().to_string()]);
    assert!(unit(&report, "nothing", "run-custom-build").undeclared.is_none());
    let explained = one.larder(&["explain", "host_file"]);
    explained.success().stdout_has("read without being declared").stdout_has("host/os-release");
}

/// Run again in another place, each script keeps what its verdict promises, and
/// reads nothing that its key does not hold.
#[test]
fn verify_finds_no_broken_promise() {
    let env = machine(env());
    let project = project(&env, &rows(&env));
    project.larder(&["build"]).success();
    let output = project.larder(&["verify", "--all", "--json"]);
    output.success();
    let result: Verification = serde_json::from_str(&output.raw_stdout).expect("a verification");
    let more = result.units.iter().filter(|unit| !unit.read_only_again.is_empty());
    assert_eq!(more.count(), 0, "{:#?}", result.units);
}

/// Of all files that were seen, any one alone makes its own script run, and
/// what else lies about makes none run.
#[test]
fn each_observed_file_alone() {
    let env = machine(env());
    let habits = rows(&env);
    let project = project(&env, &habits);
    let report = project.larder_report(&["build"]).1;
    let mut tried = 0;
    for habit in &habits {
        let unit = unit(&report, habit.name, "run-custom-build");
        for path in unit.undeclared.iter().flat_map(|undeclared| &undeclared.paths) {
            let real = path.replace("{workspace}", &project.root().display().to_string());
            // The tools are the machine's.
            let real = Path::new(&real);
            if !real.starts_with(env.root()) || !real.is_file() || real.ends_with("Cargo.toml") {
                continue;
            }
            let before = std::fs::read(real).expect("a file");
            let is_c = real.extension().is_some_and(|extension| extension == "c");
            let comment: &[u8] = if is_c { b"// more\n" } else { b"\n#more\n" };
            let more = [&before, comment].concat();
            std::fs::write(real, more).expect("a file");
            let runs = lines(&project.larder_report(&["build"]).1);
            let own = format!("{} run: ", habit.name);
            assert!(runs.iter().any(|line| line.starts_with(&own)), "{path}: {runs:?}");
            let others = |line: &&String| {
                !line.starts_with(&format!("{} ", habit.name)) && !line.starts_with("app ")
            };
            assert!(!runs.iter().any(|line| others(&line)), "{path}: {runs:?}");
            std::fs::write(real, before).expect("a file");
            all_hit(&project, &["build"]);
            tried += 1;
        }
    }
    assert!(tried >= 14, "only {tried} files were tried");
}

/// Without observation the verdict says so, and only what is declared counts.
#[test]
fn observation_can_be_switched_off() {
    let env = machine(env()).with("LARDER_OBSERVE", "off");
    let project = project(&env, &rows(&env));
    let report = project.larder_report(&["build"]).1;
    let unit = unit(&report, "host_file", "run-custom-build");
    assert_eq!(unit.verdict, Some(Verdict::Unobserved), "{:?}", unit.evidence);
    project.write("../host/os-release", "two");
    all_hit(&project, &["build"]);
    assert_eq!(said(&project, "host_file"), "one");
    project.larder(&["doctor"]).stdout_has("switched off");
}
