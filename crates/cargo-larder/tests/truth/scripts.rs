//! Build scripts: what they declare, what they do not, and what they write.

use crate::table::{QUICK, all_hit, env, lines, manifest, ran, same_as_cargo, says};
use larder_test::{Mtime, Project, TestEnv};

/// `app` uses `declared`, whose script declares all that it reads, and
/// `silent`, whose script declares nothing.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("scripts")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"declared\", \"silent\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("declared/Cargo.toml", manifest("declared", ""))
        .file(
            "declared/build.rs",
            r#"use std::{env, fs};
fn main() {
    for line in ["rerun-if-env-changed=FLAVOR", "rerun-if-changed=input.txt", "rerun-if-changed=inputs"] {
        println!("cargo:{line}");
    }
    let mut all = env::var("FLAVOR").unwrap_or_else(|_| "plain".to_owned());
    all += &fs::read_to_string("input.txt").unwrap();
    let mut names: Vec<_> = fs::read_dir("inputs").unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for name in names {
        all += &format!(" {}={}", name.file_name().unwrap().to_str().unwrap(), fs::read_to_string(&name).unwrap());
    }
    let out = env::var("OUT_DIR").unwrap();
    fs::write(format!("{out}/all.rs"), format!("pub const ALL: &str = {all:?};\n")).unwrap();
}
"#,
        )
        .file("declared/input.txt", " input")
        .file("declared/inputs/a", "1")
        .file("declared/unrelated.txt", "nothing")
        .file("declared/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/all.rs\"));\n")
        .file("silent/Cargo.toml", manifest("silent", ""))
        .file(
            "silent/build.rs",
            "fn main() {\n    let data = std::fs::read_to_string(\"data/deep/data.txt\").unwrap();\n    \
             println!(\"cargo::rustc-env=DATA={data}\");\n}\n",
        )
        .file("silent/data/deep/data.txt", "data")
        .file("silent/src/lib.rs", "pub const DATA: &str = env!(\"DATA\");\n")
        .file(
            "app/Cargo.toml",
            manifest("app", "[dependencies]\ndeclared.path = \"../declared\"\nsilent.path = \"../silent\"\n"),
        )
        .file("app/src/main.rs", "fn main() {\n    println!(\"{} {}\", declared::ALL, silent::DATA);\n}\n")
        .build()
}

#[test]
fn inputs_of_scripts() {
    let mut env = env();
    {
        let project = project(&env);
        assert_eq!(ran(&project, &["build"]).len(), 7);
        all_hit(&project, &["build"]);
        assert_eq!(says(&project, "app"), "plain input a=1 data\n");
        let declared = |why: &str| {
            vec![
                "app bin: dependency".to_owned(),
                "declared lib: dependency".to_owned(),
                format!("declared run: {why}"),
            ]
        };
        let silent = |why: &str| {
            vec![
                "app bin: dependency".to_owned(),
                format!("silent lib: {why}dependency"),
                "silent run: package {workspace}/silent".to_owned(),
            ]
        };
        type Change = fn(&Project<'_>);
        let rows: [(&str, Change, Vec<String>); 7] = [
            (
                "a declared file",
                |p| p.write("declared/input.txt", " other"),
                declared("tree {workspace}/declared/input.txt"),
            ),
            (
                "a file in a declared directory",
                |p| p.replace("declared/inputs/a", "1", "2", Mtime::Older),
                declared("tree {workspace}/declared/inputs"),
            ),
            (
                "a new file in a declared directory",
                |p| p.write("declared/inputs/b", "3"),
                declared("tree {workspace}/declared/inputs"),
            ),
            (
                "a file that nobody declared",
                |p| p.write("declared/unrelated.txt", "other"),
                Vec::new(),
            ),
            (
                "any file without declarations",
                |p| p.write("silent/data/deep/data.txt", "changed"),
                silent(""),
            ),
            (
                "a new file without declarations",
                |p| p.write("silent/data/more.txt", "more"),
                silent(""),
            ),
            (
                "the script itself",
                |p| p.replace("declared/build.rs", "\"plain\"", "\"vanilla\"", Mtime::Older),
                vec![
                    "app bin: dependency".to_owned(),
                    "declared lib: dependency".to_owned(),
                    "declared run: dependency".to_owned(),
                    "declared script: file {workspace}/declared/build.rs".to_owned(),
                ],
            ),
        ];
        for (number, (what, change, runs)) in rows.into_iter().enumerate() {
            let copy = project.checkout(&format!("row-{number}"));
            change(&copy);
            assert_eq!(ran(&copy, &["build"]), runs, "{what}");
            same_as_cargo(&copy, "app");
        }
        all_hit(&project, &["build"]);
    }
    // A variable that is declared.
    env = env.with("FLAVOR", "sweet");
    let project = Project::open(&env, env.root().join("scripts"));
    let runs = ran(&project, &["build"]);
    assert_eq!(runs.len(), 3, "{runs:?}");
    assert!(runs[2].starts_with("declared run: ") && runs[2].contains("env FLAVOR"), "{runs:?}");
    assert!(says(&project, "app").starts_with("sweet input"));
    env = env.without("FLAVOR");
    let project = Project::open(&env, env.root().join("scripts"));
    all_hit(&project, &["build"]);
    assert!(says(&project, "app").starts_with("plain input"));
}

/// A script that declares a file which is not there runs in every build, as
/// under cargo; with the file it counts like any other.
#[test]
fn absent_files_make_scripts_run_always() {
    let env = env();
    let project = env
        .project("always")
        .file("Cargo.toml", manifest("always", QUICK))
        .file(
            "build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=stamp\");\n    \
             println!(\"cargo::rustc-env=TIME={}\", std::fs::read_to_string(\"now.txt\").unwrap());\n}\n",
        )
        .file("now.txt", "noon")
        .file("src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"TIME\"));\n}\n")
        .build();
    for now in ["noon", "night"] {
        project.write("now.txt", now);
        let (_, report) = project.larder_report(&["build"]);
        let runs = lines(&report);
        assert!(runs.iter().any(|line| line.starts_with("always run: ")), "{runs:?}");
        assert!(report.units.iter().any(|u| u.evidence.iter().any(|e| e.contains("`stamp`"))));
        assert_eq!(says(&project, "always"), format!("{now}\n"));
        same_as_cargo(&project, "always");
    }
    project.write("stamp", "");
    project.larder(&["build"]).success();
    all_hit(&project, &["build"]);
    project.write("stamp", "1");
    let runs = ran(&project, &["build"]);
    assert!(runs.contains(&"always run: tree {workspace}/stamp".to_owned()), "{runs:?}");
}

/// A script that writes into its sources: what it wrote is a condition of its
/// result.
#[test]
fn side_outputs_are_there_or_the_script_runs() {
    let env = env();
    let project = env
        .project("side")
        .file("Cargo.toml", manifest("side", QUICK))
        .file(
            "build.rs",
            "use std::fs;\nfn main() {\n    println!(\"cargo::rerun-if-changed=schema.txt\");\n    \
             let schema = fs::read_to_string(\"schema.txt\").unwrap();\n    \
             fs::write(\"src/generated.rs\", format!(\"pub const SCHEMA: &str = {schema:?};\\n\")).unwrap();\n}\n",
        )
        .file("schema.txt", "one")
        .file("src/main.rs", "mod generated;\nfn main() {\n    println!(\"{}\", generated::SCHEMA);\n}\n")
        .build();
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "side"), "one\n");
    all_hit(&project, &["build"]);

    // Absent, it is written again, in a dry run only counted.
    let written = project.read("src/generated.rs");
    project.remove("src/generated.rs");
    all_hit(&project, &["build", "--dry-run"]);
    assert!(!project.path("src/generated.rs").exists());
    all_hit(&project, &["build"]);
    assert_eq!(project.read("src/generated.rs"), written);
    // Changed, it is the script's business.
    project.write("src/generated.rs", "pub const SCHEMA: &str = \"by hand\";\n");
    let runs = ran(&project, &["build"]);
    assert_eq!(runs[0], "side run: side output", "{runs:?}");
    assert_eq!(says(&project, "side"), "one\n");
    assert_eq!(project.read("src/generated.rs"), written);
    all_hit(&project, &["build"]);

    // A checkout without the generated file, and one with a stale one.
    let second = project.checkout("second");
    second.remove("src/generated.rs");
    all_hit(&second, &["build"]);
    assert_eq!(second.read("src/generated.rs"), written);
    assert_eq!(says(&second, "side"), "one\n");
    second.write("schema.txt", "two");
    second.larder(&["build"]).success();
    assert_eq!(says(&second, "side"), "two\n");
    same_as_cargo(&second, "side");
    all_hit(&second, &["build"]);
    all_hit(&project, &["build"]);
    assert_eq!(says(&project, "side"), "one\n");
}

/// What a script writes below the target directory of its package, with its
/// mode, and what holds the path of one checkout.
#[test]
fn side_outputs_are_restored_as_they_were_left() {
    let env = env();
    let project = env
        .project("left")
        .file("Cargo.toml", manifest("left", QUICK))
        .file(
            "build.rs",
            "use std::{env, fs, os::unix::fs::PermissionsExt};\nfn main() {\n    \
             println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             fs::create_dir_all(\"gen/deep\").unwrap();\n    \
             fs::write(\"gen/deep/tool.sh\", \"#!/bin/sh\\n\").unwrap();\n    \
             fs::set_permissions(\"gen/deep/tool.sh\", fs::Permissions::from_mode(0o755)).unwrap();\n    \
             if fs::exists(\"says-where\").unwrap() {\n        \
             fs::write(\"gen/where\", env::var(\"CARGO_MANIFEST_DIR\").unwrap()).unwrap();\n    }\n}\n",
        )
        .file("src/main.rs", "fn main() {}\n")
        .build();
    project.larder(&["build"]).success();
    let second = project.checkout("second");
    second.remove("gen");
    all_hit(&second, &["build"]);
    assert_eq!(second.read("gen/deep/tool.sh"), "#!/bin/sh\n");
    let mode = |project: &larder_test::Project<'_>| {
        use std::os::unix::fs::PermissionsExt as _;
        let meta = std::fs::metadata(project.path("gen/deep/tool.sh")).expect("a file");
        meta.permissions().mode() & 0o777
    };
    assert_eq!(mode(&second), 0o755);
    // What names its checkout is no other checkout's.
    project.write("says-where", "");
    project.append("build.rs", "// again\n");
    project.larder(&["build"]).success();
    let third = project.checkout("third");
    third.remove("gen");
    third.larder(&["build"]).success();
    assert_eq!(third.read("gen/where"), third.root().display().to_string());
    all_hit(&third, &["build"]);
    third.remove("gen");
    all_hit(&third, &["build"]);
    assert_eq!(third.read("gen/where"), third.root().display().to_string());
}

/// `DEP_*` values reach the dependents' scripts, and `links` can be answered
/// by the configuration.
#[test]
fn metadata_and_overrides() {
    let env = env();
    let project = env
        .project("links")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"native-sys\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("native-sys/Cargo.toml", manifest("native-sys", "").replace("edition", "links = \"native\"\nedition"))
        .file(
            "native-sys/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=level.txt\");\n    \
             println!(\"cargo::metadata=LEVEL={}\", std::fs::read_to_string(\"level.txt\").unwrap());\n}\n",
        )
        .file("native-sys/level.txt", "1")
        .file("native-sys/src/lib.rs", "")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nnative-sys.path = \"../native-sys\"\n"))
        .file(
            "app/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             println!(\"cargo::rustc-env=LEVEL={}\", std::env::var(\"DEP_NATIVE_LEVEL\").unwrap());\n}\n",
        )
        .file("app/src/main.rs", "use native_sys as _;\nfn main() {\n    println!(\"level {}\", env!(\"LEVEL\"));\n}\n")
        .build();
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "app"), "level 1\n");
    project.write("native-sys/level.txt", "2");
    assert_eq!(
        ran(&project, &["build"]),
        [
            "app bin: dependency",
            "app run: dependency",
            "native-sys lib: dependency",
            "native-sys run: tree {workspace}/native-sys/level.txt",
        ]
    );
    assert_eq!(says(&project, "app"), "level 2\n");
    same_as_cargo(&project, "app");

    let overridden = |level: u8| {
        let table = format!("[target.{}.native]\nLEVEL = \"{level}\"\n", env.host());
        project.write(".cargo/config.toml", &table);
    };
    for level in [7, 8] {
        overridden(level);
        let (_, report) = project.larder_report(&["build"]);
        let runs = lines(&report);
        assert!(runs.iter().any(|line| line.starts_with("app run: ")), "{runs:?}");
        assert!(!runs.iter().any(|line| line.starts_with("native-sys run: ")), "{runs:?}");
        assert_eq!(says(&project, "app"), format!("level {level}\n"));
        same_as_cargo(&project, "app");
        all_hit(&project, &["build"]);
    }
    project.remove(".cargo");
    all_hit(&project, &["build"]);
    assert_eq!(says(&project, "app"), "level 2\n");
}
