//! What happens at the same time: edits during a build, and two checkouts.

use crate::table::{QUICK, all_hit, env, lines, manifest, ran, says};
use larder_sandbox::jobs::{Pool, machine_directory};
use larder_schema::report::Report;
use larder_test::{Project, TestEnv};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Waits until a file is there: bounded, in small steps.
fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A machine whose builds all tell the script where to wait. The file that it
/// waits for would be seen as an input that changes, and every result used
/// once: here only the edit may be the reason.
fn waiting() -> TestEnv {
    let env = env();
    let root = env.root().to_owned();
    env.with("HANDSHAKE", root).with("LARDER_OBSERVE", "off")
}

/// Builds while `edit` runs in the middle: the script of `slow` says that it
/// has read its input, and waits for the edit.
fn build_with_an_edit(env: &TestEnv, project: &Project<'_>, edit: &dyn Fn()) -> Report {
    let (ready, go) = (env.root().join("ready"), env.root().join("go"));
    for file in [&ready, &go] {
        let _ = std::fs::remove_file(file);
    }
    let report = env.root().join("report.json");
    let mut command = env.larder_command();
    command.args(["build", "--report"]).arg(&report).current_dir(project.root());
    let mut child = command.spawn().expect("a build");
    wait_for(&ready);
    edit();
    std::fs::write(&go, "").expect("a file");
    assert!(child.wait().expect("an end").success());
    let text = std::fs::read_to_string(&report).expect("a report");
    serde_json::from_str(&text).expect("a report")
}

/// `slow` has a script that waits; `app` depends on it.
fn project<'env>(env: &'env TestEnv, declares: &str) -> Project<'env> {
    env.project("edited")
        .file("Cargo.toml", format!("[workspace]\nmembers = [\"slow\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"))
        .file("slow/Cargo.toml", manifest("slow", ""))
        .file(
            "slow/build.rs",
            format!(
                "use std::{{fs, path::Path, thread, time::Duration}};\nfn main() {{\n{declares}    \
                 let data = fs::read_to_string(\"data/a.txt\").unwrap();\n    \
                 println!(\"cargo::rustc-env=DATA={{data}}\");\n    \
                 let Some(dir) = std::env::var_os(\"HANDSHAKE\") else {{ return }};\n    \
                 fs::write(Path::new(&dir).join(\"ready\"), \"\").unwrap();\n    \
                 for _ in 0..6000 {{\n        if Path::new(&dir).join(\"go\").exists() {{ return }}\n        \
                 thread::sleep(Duration::from_millis(5));\n    }}\n}}\n"
            ),
        )
        .file("slow/data/a.txt", "data 1")
        .file("slow/src/lib.rs", "pub const DATA: &str = env!(\"DATA\");\n")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nslow.path = \"../slow\"\n"))
        .file("app/src/main.rs", "fn main() {\n    println!(\"app 1 {}\", slow::DATA);\n}\n")
        .build()
}

/// An input of the running unit changes under it: its result is used once.
/// Whatever the next build finds, it is not the old text under the new key.
#[test]
fn an_input_changes_under_its_reader() {
    let file = "    println!(\"cargo::rerun-if-changed=data/a.txt\");\n";
    let directory = "    println!(\"cargo::rerun-if-changed=data\");\n";
    for declares in [file, directory, ""] {
        let env = waiting();
        let project = project(&env, declares);
        let edit = || project.write("slow/data/a.txt", "data 2");
        let report = build_with_an_edit(&env, &project, &edit);
        assert_eq!(report.totals.executed, 4);
        let once: Vec<_> =
            report.units.iter().filter(|u| u.key.is_none()).map(crate::table::label).collect();
        assert_eq!(once, ["app bin", "slow lib", "slow run"], "{declares:?}");
        assert_eq!(says(&project, "app"), "app 1 data 1\n");
        let runs = ran(&project, &["build"]);
        assert_eq!(runs.len(), 3, "{declares:?} {runs:?}");
        assert_eq!(says(&project, "app"), "app 1 data 2\n", "{declares:?}");
        all_hit(&project, &["build"]);
        project.write("slow/data/a.txt", "data 1");
        project.larder(&["build"]).success();
        assert_eq!(says(&project, "app"), "app 1 data 1\n", "{declares:?}");
    }
}

/// A source of a later unit changes: it is built as it is then, once.
#[test]
fn a_source_of_a_later_unit_changes() {
    let env = waiting();
    let project = project(&env, "    println!(\"cargo::rerun-if-changed=build.rs\");\n");
    let edit = || {
        project.replace("app/src/main.rs", "app 1", "app 2", larder_test::Mtime::Older);
    };
    let report = build_with_an_edit(&env, &project, &edit);
    assert_eq!(report.totals.executed, 4);
    assert_eq!(says(&project, "app"), "app 2 data 1\n");
    all_hit(&project, &["build"]);
    project.replace("app/src/main.rs", "app 2", "app 1", larder_test::Mtime::Now);
    assert_eq!(ran(&project, &["build"]), ["app bin: file {workspace}/app/src/main.rs"]);
    assert_eq!(says(&project, "app"), "app 1 data 1\n");
    project.replace("app/src/main.rs", "app 1", "app 2", larder_test::Mtime::Now);
    all_hit(&project, &["build"]);
    assert_eq!(says(&project, "app"), "app 2 data 1\n");
}

/// Two checkouts with different contents on one store at once: each gets its
/// own, and what they share is built once.
#[test]
fn two_checkouts_at_once() {
    let env = env();
    let one = project(&env, "    println!(\"cargo::rerun-if-changed=data\");\n");
    let two = one.checkout("two");
    two.write("slow/data/a.txt", "data 2");
    let start = |project: &Project<'_>, name: &str| {
        let report = env.root().join(name);
        let mut command = env.larder_command();
        command.args(["build", "--report"]).arg(&report).current_dir(project.root());
        (command.spawn().expect("a build"), report)
    };
    let mut builds = [start(&one, "one.json"), start(&two, "two.json"), start(&one, "three.json")];
    let mut executed = Vec::new();
    for (child, report) in &mut builds {
        assert!(child.wait().expect("an end").success());
        let text = std::fs::read_to_string(report).expect("a report");
        let report: Report = serde_json::from_str(&text).expect("a report");
        executed.extend(lines(&report));
    }
    let count = |label: &str| executed.iter().filter(|line| line.starts_with(label)).count();
    // Packages with different files do not wait for each other.
    assert!(count("slow script: ") <= 2, "{executed:?}");
    for label in ["slow run: ", "slow lib: ", "app bin: "] {
        assert_eq!(count(label), 2, "{label} {executed:?}");
    }
    for (project, data) in [(&one, "data 1"), (&two, "data 2")] {
        assert_eq!(says(project, "app"), format!("app 1 {data}\n"));
        all_hit(project, &["build"]);
        assert_eq!(says(project, "app"), format!("app 1 {data}\n"));
    }
}

/// Two runs of one script that differ in a variable which it does not declare,
/// the second while the first build still has to compile what uses the first
/// one's files: each build gets its own, and nothing is published under the
/// wrong key.
#[test]
fn a_run_does_not_replace_what_another_build_uses() {
    // The scripts wait for a file: if that were seen, it would be an input
    // that changed, and their results would be used once.
    let env = env().with("LARDER_OBSERVE", "off");
    let root = env.root().to_owned();
    let project = env
        .project("shared")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"gate\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("gate/Cargo.toml", manifest("gate", ""))
        .file(
            "gate/build.rs",
            format!(
                "use std::{{path::Path, thread, time::Duration}};\nfn main() {{\n    \
                 println!(\"cargo::rerun-if-changed=turn\");\n    \
                 for _ in 0..12000 {{\n        if Path::new({:?}).exists() {{ return }}\n        \
                 thread::sleep(Duration::from_millis(5));\n    }}\n}}\n",
                root.join("go")
            ),
        )
        .file("gate/turn", "1")
        .file("gate/src/lib.rs", "")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\ngate.path = \"../gate\"\n"))
        .file(
            "app/build.rs",
            format!(
                "use std::{{env, fs, path::Path}};\nfn main() {{\n    \
                 println!(\"cargo::rerun-if-changed=build.rs\");\n    \
                 let colour = env::var(\"PAINT_COLOUR\").unwrap();\n    \
                 let out = env::var(\"OUT_DIR\").unwrap();\n    \
                 fs::write(Path::new(&out).join(\"colour.txt\"), &colour).unwrap();\n    \
                 fs::write(Path::new({root:?}).join(&colour), \"\").unwrap();\n}}\n"
            ),
        )
        .file(
            "app/src/main.rs",
            "use gate as _;\nfn main() {\n    \
             println!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/colour.txt\")));\n}\n",
        )
        .build();
    let build = |project: &Project<'_>, colour: &str| {
        let mut command = env.larder_command();
        command.args(["build", "-j4"]).current_dir(project.root()).env("PAINT_COLOUR", colour);
        command
    };
    // What the script reads is known from an earlier build.
    std::fs::write(root.join("go"), "").expect("a file");
    env.run(&mut build(&project, "green")).success();
    std::fs::remove_file(root.join("go")).expect("a file");
    project.write("gate/turn", "2");
    let other = project.checkout("other");
    let start = |project: &Project<'_>, colour: &str| {
        let child = build(project, colour).spawn().expect("a build");
        wait_for(&root.join(colour));
        child
    };
    let mut builds = [start(&project, "red"), start(&other, "blue")];
    std::fs::write(root.join("go"), "").expect("a file");
    for child in &mut builds {
        assert!(child.wait().expect("an end").success());
    }
    assert_eq!([says(&project, "app"), says(&other, "app")], ["red\n", "blue\n"]);
    // Both results are there, and say what their keys do.
    for colour in ["red", "blue"] {
        let third = project.checkout(&format!("third-{colour}"));
        let output = env.run(&mut build(&third, colour));
        output.success().stderr_has("6 units: 6 from the store");
        assert_eq!(says(&third, "app"), format!("{colour}\n"));
    }
}

/// All job slots are taken by somebody who does not give them back: the build
/// says what it waits for, and goes on when they are free.
#[test]
fn a_build_without_a_job_slot_says_so() {
    let env = env();
    let run = env.root().join("run");
    std::fs::create_dir(&run).expect("a directory");
    let env = env.with("XDG_RUNTIME_DIR", &run);
    let project = project(&env, "");
    let directory = machine_directory(Some(&run), env.root()).expect("a directory");
    let slots = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = Arc::new(Pool::shared(&directory, slots).expect("a pool"));
    let acquire = |_| pool.acquire(&|| false).expect("a slot").expect("a slot");
    let mut held: Vec<_> = (0..slots).map(acquire).collect();

    let mut command = env.larder_command();
    command.arg("build").current_dir(project.root()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a build");
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.take().expect("its messages")).lines() {
        let line = line.expect("a line");
        // What it waits for is there from now on.
        if line.contains("Blocking waiting for job slots") {
            held.clear();
        }
        said.push(line);
    }
    assert!(child.wait().expect("an end").success(), "{said:#?}");
    assert!(held.is_empty(), "{said:#?}");
    let blocked = said.iter().filter(|line| line.contains("Blocking"));
    assert_eq!(blocked.count(), 1, "{said:#?}");
}
