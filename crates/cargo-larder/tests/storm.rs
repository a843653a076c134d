//! Many builds on one store at once, and builds that are killed at random
//! moments. Run with `LARDER_STORM=full` for the numbers of the acceptance
//! list: 20 cold builds, 200 warm ones, 200 kills.

use larder_schema::report::{Outcome, Report};
use larder_test::{Project, TestEnv};
use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Units of the project: nine libraries and a binary.
const UNITS: usize = 10;

fn scaled(quick: usize, full: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test chooses its own size")]
    let is_full = std::env::var_os("LARDER_STORM").is_some_and(|value| value == "full");
    if is_full { full } else { quick }
}

fn env() -> TestEnv {
    TestEnv::new().with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
}

/// Nine libraries in three layers, and a binary that adds up what they say.
fn project<'env>(env: &'env TestEnv, name: &str) -> Project<'env> {
    let mut builder = env.project(name).file(
        "Cargo.toml",
        "[workspace]\nmembers = [\"l*\", \"app\"]\nresolver = \"3\"\n\n[profile.dev]\ndebug = 0\n\
         incremental = false\n",
    );
    let package = |name: &str, deps: &[String]| {
        let deps: Vec<String> =
            deps.iter().map(|dep| format!("{dep} = {{ path = \"../{dep}\" }}")).collect();
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
             [dependencies]\n{}\n",
            deps.join("\n")
        )
    };
    for index in 0..UNITS - 1 {
        let name = format!("l{index}");
        let deps: Vec<String> = if index < 3 { vec![] } else { vec![format!("l{}", index - 3)] };
        let below: Vec<String> = deps.iter().map(|dep| format!(" + {dep}::value()")).collect();
        builder = builder.file(format!("{name}/Cargo.toml"), package(&name, &deps)).file(
            format!("{name}/src/lib.rs"),
            format!("pub fn value() -> u64 {{ {index}{} }}\n", below.concat()),
        );
    }
    let all: Vec<String> = (0..UNITS - 1).map(|index| format!("l{index}")).collect();
    let sum: Vec<String> = all.iter().map(|name| format!("{name}::value()")).collect();
    builder
        .file("app/Cargo.toml", package("app", &all))
        .file(
            "app/src/main.rs",
            format!("fn main() {{ println!(\"{{}}\", {}); }}\n", sum.join(" + ")),
        )
        .build()
}

/// What the binary prints: each library counts its own index and the indices
/// below it.
fn expected() -> String {
    let value = |mut index: usize| {
        let mut sum = index;
        while index >= 3 {
            index -= 3;
            sum += index;
        }
        sum
    };
    (0..UNITS - 1).map(value).sum::<usize>().to_string()
}

fn start(env: &TestEnv, project: &Project<'_>, report: &str) -> Child {
    env.larder_command()
        .args(["build", "--report"])
        .arg(project.path(report))
        .current_dir(project.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a build")
}

fn report(project: &Project<'_>, name: &str) -> Report {
    serde_json::from_str(&project.read(name)).expect("a report")
}

fn printed(project: &Project<'_>) -> String {
    let output = project.command(project.path("target/debug/app")).output().expect("a program");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn each_unit_is_compiled_once_by_all_who_want_it_at_once() {
    let env = env();
    let first = project(&env, "first");
    // The lock file comes first, so that nobody has to write one.
    first.cargo(&["generate-lockfile", "--offline"]).success();
    let cold = scaled(6, 20);
    let checkouts: Vec<Project<'_>> =
        (0..cold).map(|index| first.checkout(&format!("cold-{index}"))).collect();
    let builds: Vec<Child> =
        checkouts.iter().map(|checkout| start(&env, checkout, "report.json")).collect();
    for mut build in builds {
        assert!(build.wait().expect("an end").success());
    }
    let mut executed: BTreeMap<String, usize> = BTreeMap::new();
    for checkout in &checkouts {
        assert_eq!(printed(checkout), expected());
        let report = report(checkout, "report.json");
        assert_eq!(report.totals.units, UNITS);
        for unit in report.units.iter().filter(|unit| unit.outcome == Outcome::Executed) {
            *executed.entry(unit.package.clone()).or_default() += 1;
        }
    }
    assert_eq!(executed.len(), UNITS, "{executed:?}");
    assert!(executed.values().all(|&times| times == 1), "{executed:?}");

    // Warm builds, in batches: nobody executes anything.
    let mut left = scaled(24, 200);
    while left > 0 {
        let batch = left.min(20);
        left -= batch;
        let builds: Vec<(usize, Child)> = (0..batch)
            .map(|index| {
                let checkout = &checkouts[index % checkouts.len()];
                (index, start(&env, checkout, &format!("warm-{index}.json")))
            })
            .collect();
        for (index, mut build) in builds {
            assert!(build.wait().expect("an end").success());
            let checkout = &checkouts[index % checkouts.len()];
            let report = report(checkout, &format!("warm-{index}.json"));
            assert_eq!((report.totals.hits, report.totals.executed), (UNITS, 0));
        }
    }
    for checkout in &checkouts {
        assert_eq!(printed(checkout), expected());
    }
}

#[test]
fn a_killed_build_leaves_nothing_that_harms_the_next() {
    let env = env();
    let project = project(&env, "killed");
    project.cargo(&["generate-lockfile", "--offline"]).success();
    // Growing delays hit every phase: planning, lookups, compiling, delivery.
    let kills = scaled(12, 200);
    for round in 0..kills {
        let edit = format!("pub fn value() -> u64 {{ {} + 0 * {round} }}\n", 0);
        project.write("l0/src/lib.rs", &edit);
        let mut build = start(&env, &project, "killed.json");
        std::thread::sleep(Duration::from_millis((round as u64 * 37) % 900));
        let _ = build.kill();
        let _ = build.wait();
    }
    project.write("l0/src/lib.rs", "pub fn value() -> u64 { 0 }\n");
    let (_, report) = project.larder_report(&["build"]);
    assert_eq!(report.totals.failed, 0);
    assert_eq!(printed(&project), expected());
    let elsewhere = project.checkout("elsewhere");
    let (_, report) = elsewhere.larder_report(&["build"]);
    assert_eq!(report.totals.executed, 0, "{:?}", report.units);
    assert_eq!(printed(&elsewhere), expected());
}
