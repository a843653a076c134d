//! Places: what does not depend on the directory is shared by every checkout,
//! what does is each one's own.

use crate::table::{QUICK, all_hit, env, label, manifest, ran, same_as_cargo, says};
use larder_schema::record::Verdict;
use larder_test::{Project, TestEnv};

/// The program tells the place of its package, includes a generated file, and
/// shows a path of the workspace that a script wrote into one.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("one")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"bound\", \"free\", \"writer\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("bound/Cargo.toml", manifest("bound", ""))
        .file("bound/src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\"));\n}\n")
        .file("free/Cargo.toml", manifest("free", ""))
        .file(
            "free/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             std::fs::write(out + \"/made.rs\", \"pub const MADE: u8 = 1;\\n\").unwrap();\n}\n",
        )
        .file(
            "free/src/main.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\nfn main() {\n    println!(\"{MADE} {}\", file!());\n}\n",
        )
        .file("writer/Cargo.toml", manifest("writer", ""))
        .file(
            "writer/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    let here = std::env::current_dir().unwrap();\n    \
             let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             std::fs::write(out + \"/here.rs\", format!(\"pub const HERE: &str = {here:?};\\n\")).unwrap();\n}\n",
        )
        .file(
            "writer/src/main.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/here.rs\"));\nfn main() {\n    println!(\"{HERE}\");\n}\n",
        )
        .build()
}

#[test]
fn two_checkouts() {
    let env = env();
    let one = project(&env);
    one.larder(&["build"]).success();
    let two = one.checkout("deep/er/two");
    let runs = ran(&two, &["build"]);
    let names: Vec<&str> = runs.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(names, ["bound bin", "writer bin", "writer run"], "{runs:?}");
    for project in [&one, &two] {
        for program in ["bound", "free", "writer"] {
            same_as_cargo(project, program);
        }
        all_hit(project, &["build"]);
    }
    assert!(says(&one, "writer").ends_with("/one/writer\n"));
    assert!(says(&two, "writer").ends_with("/deep/er/two/writer\n"));
    assert!(says(&two, "bound").ends_with("/deep/er/two/bound\n"));
    let (_, report) = two.larder_report(&["build"]);
    for unit in &report.units {
        let bound = matches!(label(unit).as_str(), "bound bin" | "writer bin" | "writer run");
        assert_eq!(unit.verdict == Some(Verdict::PathBound), bound, "{}", label(unit));
    }
    // A third one of the same path as the first: a directory that moved.
    std::fs::rename(one.root(), env.root().join("gone")).expect("a move");
    std::fs::rename(two.root(), one.root()).expect("a move");
    all_hit(&one, &["build"]);
    assert!(says(&one, "writer").ends_with("/one/writer\n"));
    assert!(says(&one, "bound").ends_with("/one/bound\n"));
}

/// Another CARGO_HOME, same sources: the same results.
#[test]
fn another_cargo_home() {
    let mut env = env();
    project(&env).larder(&["build"]).success();
    let home = env.root().join("cargo-home-2");
    std::fs::create_dir(&home).expect("a directory");
    env = env.with("CARGO_HOME", home);
    let project = Project::open(&env, env.root().join("one"));
    all_hit(&project, &["build"]);
}

/// Places that scripts say: to rustc, and to dependents by `DEP_*`. Each
/// checkout hears its own, although the scripts run once.
#[test]
fn places_that_scripts_say() {
    let env = env();
    let one = env
        .project("one")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"said-sys\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("said-sys/Cargo.toml", manifest("said-sys", "").replace("edition", "links = \"said\"\nedition"))
        .file(
            "said-sys/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             println!(\"cargo::metadata=ROOT={}\", std::env::current_dir().unwrap().display());\n}\n",
        )
        .file("said-sys/src/lib.rs", "")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nsaid-sys.path = \"../said-sys\"\n"))
        .file(
            "app/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             println!(\"cargo::rustc-env=ROOT={}\", std::env::var(\"DEP_SAID_ROOT\").unwrap());\n}\n",
        )
        .file(
            "app/src/main.rs",
            "use said_sys as _;\nfn main() {\n    println!(\"{}\", env!(\"ROOT\"));\n}\n",
        )
        .build();
    one.larder(&["build"]).success();
    same_as_cargo(&one, "app");
    let two = one.checkout("longer/two");
    two.larder(&["build"]).success();
    same_as_cargo(&two, "app");
    all_hit(&one, &["build"]);
    same_as_cargo(&one, "app");
}
