//! What is different every time, and what is of one place or processor.

use crate::table::{QUICK, all_hit, env, lines, manifest, ran, says};
use larder_schema::record::Verdict;
use larder_schema::report::{MissReason, UnitReport};
use larder_test::{Mtime, Project, TestEnv};

/// `seed` is another number in every run of its script, by hash order; `one`
/// takes it over, and `app` shows both.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("project")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"app\", \"one\", \"seed\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("seed/Cargo.toml", manifest("seed", ""))
        .file(
            "seed/build.rs",
            "use std::collections::HashSet;\nfn main() {\n    \
             println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let order: Vec<String> = (0..64).collect::<HashSet<u32>>().iter().map(u32::to_string).collect();\n    \
             println!(\"cargo::rustc-env=SEED={}\", order.join(\" \"));\n}\n",
        )
        .file("seed/src/lib.rs", "pub const SEED: &str = env!(\"SEED\");\n")
        .file("one/Cargo.toml", manifest("one", "[dependencies]\nseed.path = \"../seed\"\n"))
        .file("one/src/lib.rs", "pub const ONE: &str = seed::SEED;\n")
        .file(
            "app/Cargo.toml",
            manifest("app", "[dependencies]\nseed.path = \"../seed\"\none.path = \"../one\"\n"),
        )
        .file(
            "app/src/main.rs",
            "fn main() {\n    println!(\"{}\\n{}\", seed::SEED, one::ONE);\n}\n",
        )
        .build()
}

/// A dependency that comes out differently when it has to be built again is
/// never linked with what was built against the first one.
#[test]
fn chance_leads_to_no_mixed_binary() {
    let env = env();
    let project = project(&env);
    let report = project.larder_report(&["build"]).1;
    let first = says(&project, "app");
    assert_eq!(first.lines().next(), first.lines().nth(1));
    all_hit(&project, &["build"]);

    // The results of the script and of its library are lost; what was built
    // on them is still there, and good as it is for whoever needs no more.
    for lost in ["run-custom-build", "lib"] {
        let of = |unit: &&UnitReport| {
            unit.package == "seed" && [&unit.mode, &unit.kind].contains(&&lost.to_owned())
        };
        let unit = report
            .units
            .iter()
            .filter(|unit| unit.mode != "build" || unit.kind != "custom-build")
            .find(of)
            .expect("a unit");
        let key = unit.key.expect("a key").to_string();
        let record = env.store().join("v1/records").join(&key[..2]).join(format!("{key}.json"));
        std::fs::remove_file(record).expect("a record");
    }
    project.replace("app/src/main.rs", "fn main", "// again\nfn main", Mtime::Now);
    let (output, report) = project.larder_report(&["build"]);
    output.success();
    let one = report.units.iter().find(|unit| unit.package == "one").expect("a unit");
    assert!(
        matches!(one.miss, Some(MissReason::DepOutputDiffers { .. })),
        "{:?}: {:?}",
        one.miss,
        lines(&report)
    );
    let second = says(&project, "app");
    assert_ne!(first, second);
    assert_eq!(second.lines().next(), second.lines().nth(1));
    all_hit(&project, &["build"]);
}

/// A script that writes its package's directory into a file: each checkout has
/// its own.
#[test]
fn a_place_that_a_script_embeds_is_each_checkouts_own() {
    let env = env();
    let one = env
        .project("one")
        .file("Cargo.toml", manifest("app", QUICK))
        .file(
            "build.rs",
            "use std::{env, fs};\nfn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let out = env::var(\"OUT_DIR\").unwrap();\n    \
             fs::write(format!(\"{out}/here\"), env::var(\"CARGO_MANIFEST_DIR\").unwrap()).unwrap();\n}\n",
        )
        .file(
            "src/main.rs",
            "fn main() {\n    println!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/here\")));\n}\n",
        )
        .build();
    let report = one.larder_report(&["build"]).1;
    let run = report.units.iter().find(|unit| unit.mode == "run-custom-build").expect("a run");
    assert_eq!(run.verdict, Some(Verdict::PathBound), "{:?}", run.evidence);
    let two = one.checkout("two");
    assert!(ran(&two, &["build"]).iter().any(|line| line.starts_with("app run: ")));
    for project in [&one, &two] {
        all_hit(project, &["build"]);
        assert_eq!(says(project, "app").trim(), project.root().to_string_lossy());
    }
}

/// A script that tries the compiler, as rustix's does: the metadata that is left
/// has a hash of where it ran, and no text of it.
#[test]
fn what_a_script_compiled_is_bound_to_where_it_ran() {
    let env = env();
    let one = env
        .project("one")
        .file("Cargo.toml", manifest("app", QUICK))
        .file(
            "build.rs",
            "use std::{env, io::Write, process};\nfn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let probe = format!(\"{}/probe\", env::var(\"OUT_DIR\").unwrap());\n    \
             let mut rustc = process::Command::new(env::var(\"RUSTC\").unwrap());\n    \
             rustc.args([\"--crate-type=rlib\", \"--emit=metadata\", \"-o\", &probe, \"-\"]);\n    \
             let mut rustc = rustc.stdin(process::Stdio::piped()).spawn().unwrap();\n    \
             rustc.stdin.take().unwrap().write_all(b\"pub fn probe() {}\").unwrap();\n    \
             assert!(rustc.wait().unwrap().success());\n}\n",
        )
        .file("src/main.rs", "fn main() {}\n")
        .build();
    let report = one.larder_report(&["build"]).1;
    let run = report.units.iter().find(|unit| unit.mode == "run-custom-build").expect("a run");
    assert_eq!(run.verdict, Some(Verdict::PathBound), "{:?}", run.evidence);
    let evidence = run.evidence.join("\n");
    assert!(evidence.contains("`probe` is metadata of rustc's"), "{evidence}");
    let two = one.checkout("two");
    assert!(ran(&two, &["build"]).iter().any(|line| line.starts_with("app run: ")));
    for project in [&one, &two] {
        all_hit(project, &["build"]);
    }
}

/// What is compiled for the processor that is here has the processor in its
/// key; what is not has not.
#[test]
fn the_native_processor_is_an_input() {
    let env = env();
    let project = env
        .project("native")
        .file("Cargo.toml", manifest("app", QUICK))
        .file("src/main.rs", "fn main() {}\n")
        .file(".cargo/config.toml", "[build]\nrustflags = [\"-Ctarget-cpu=native\"]\n")
        .build();
    project.larder(&["build"]).success();
    all_hit(&project, &["build"]);
    all_hit(&project.checkout("other"), &["build"]);
    project.write(".cargo/config.toml", "");
    let runs = ran(&project, &["build"]);
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert!(runs[0].contains("argv") && runs[0].contains("cpu"), "{runs:?}");
}
