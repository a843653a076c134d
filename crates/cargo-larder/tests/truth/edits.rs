//! Edits of files: who depends on them runs again, nobody else.

use crate::table::{QUICK, all_hit, env, manifest, ran, same_as_cargo, says};
use larder_test::{Mtime, Project, TestEnv};

/// `app` (two programs, a library, an included text) uses `shared` and `leaf`;
/// `shared` uses `leaf`; nobody uses `alone`.
fn project(env: &TestEnv) -> Project<'_> {
    let project = env
        .project("edits")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("README.md", "# Edits\n")
        .file("crates/leaf/Cargo.toml", manifest("leaf", ""))
        .file("crates/leaf/src/lib.rs", "pub fn text() -> &'static str {\n    \"leaf 1\"\n}\n")
        .file("crates/shared/Cargo.toml", manifest("shared", "[dependencies]\nleaf.path = \"../leaf\"\n"))
        .file(
            "crates/shared/src/lib.rs",
            "mod part;\npub fn text() -> String {\n    format!(\"shared {} {}\", part::PART, leaf::text())\n}\n",
        )
        .file("crates/shared/src/part.rs", "pub const PART: u8 = 1;\n")
        .file("crates/alone/Cargo.toml", manifest("alone", ""))
        .file("crates/alone/src/lib.rs", "pub fn nothing() {}\n")
        .file(
            "crates/app/Cargo.toml",
            manifest(
                "app",
                "[features]\nloud = []\n\n[dependencies]\nshared.path = \"../shared\"\nleaf.path = \"../leaf\"\n",
            ),
        )
        .file("crates/app/README.md", "# App\n")
        .file("crates/app/text.txt", "text 1")
        .file("crates/app/src/lib.rs", "pub const TEXT: &str = include_str!(\"../text.txt\");\n")
        .file(
            "crates/app/src/main.rs",
            "fn main() {\n    let loud = cfg!(feature = \"loud\");\n    \
             println!(\"{} {} {} {loud}\", shared::text(), app::TEXT, env!(\"CARGO_PKG_VERSION\"));\n}\n",
        )
        .file("crates/app/src/bin/second.rs", "fn main() {\n    println!(\"second {}\", leaf::text());\n}\n")
        .build();
    project.cargo(&["generate-lockfile"]).success();
    project
}

/// What an edit must make run.
struct Row {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    runs: &'static [&'static str],
}

#[test]
fn an_edit_runs_what_depends_on_it() {
    let env = env();
    let project = project(&env);
    assert_eq!(ran(&project, &["build"]).len(), 6);
    all_hit(&project, &["build"]);
    let rows = [
        Row {
            what: "a leaf",
            file: "crates/leaf/src/lib.rs",
            from: "leaf 1",
            to: "leaf 2",
            runs: &[
                "app bin second: dependency",
                "app bin: dependency",
                "app lib: dependency",
                "leaf lib: file {workspace}/crates/leaf/src/lib.rs",
                "shared lib: dependency",
            ],
        },
        Row {
            what: "a module of a shared member",
            file: "crates/shared/src/part.rs",
            from: "= 1",
            to: "= 22",
            runs: &[
                "app bin second: dependency",
                "app bin: dependency",
                "app lib: dependency",
                "shared lib: file {workspace}/crates/shared/src/part.rs",
            ],
        },
        Row {
            what: "a comment",
            file: "crates/app/src/bin/second.rs",
            from: "fn main",
            to: "// why\nfn main",
            runs: &["app bin second: file {workspace}/crates/app/src/bin/second.rs"],
        },
        Row {
            what: "another program of the package",
            file: "crates/app/src/bin/second.rs",
            from: "\"second",
            to: "\"other second",
            runs: &["app bin second: file {workspace}/crates/app/src/bin/second.rs"],
        },
        Row {
            what: "a file of include_str!",
            file: "crates/app/text.txt",
            from: "1",
            to: "2",
            runs: &[
                "app bin second: dependency",
                "app bin: dependency",
                "app lib: file {workspace}/crates/app/text.txt",
            ],
        },
        Row {
            what: "a member that nobody uses",
            file: "crates/alone/src/lib.rs",
            from: "nothing",
            to: "something",
            runs: &["alone lib: file {workspace}/crates/alone/src/lib.rs"],
        },
        Row { what: "a README", file: "README.md", from: "Edits", to: "More", runs: &[] },
        Row {
            what: "a README of a package",
            file: "crates/app/README.md",
            from: "App",
            to: "More",
            runs: &[],
        },
    ];
    for row in rows {
        let before = project.read(row.file);
        project.replace(row.file, row.from, row.to, Mtime::Now);
        assert_eq!(ran(&project, &["build"]), row.runs, "{}", row.what);
        same_as_cargo(&project, "app");
        same_as_cargo(&project, "second");
        // Back again: cargo would rebuild, the store knows.
        project.write(row.file, &before);
        all_hit(&project, &["build"]);
    }
    assert_eq!(says(&project, "app"), "shared 1 leaf 1 text 1 0.1.0 false\n");
    assert_eq!(says(&project, "second"), "second leaf 1\n");
}

#[test]
fn manifests_and_targets() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();

    // A version is in the identity of its package, and so of its dependents.
    project.replace("crates/app/Cargo.toml", "0.1.0", "0.2.0", Mtime::Now);
    let version = ["app bin second: version", "app bin: version", "app lib: version"];
    let lines = ran(&project, &["build"]);
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (line, expected) in lines.iter().zip(version) {
        assert!(line.starts_with(expected.split(": ").next().unwrap()), "{line}");
        assert!(line.contains("version"), "{line}");
    }
    assert!(says(&project, "app").contains(" 0.2.0 "));
    same_as_cargo(&project, "app");
    project.replace("crates/app/Cargo.toml", "0.2.0", "0.1.0", Mtime::Now);
    all_hit(&project, &["build"]);

    // What nobody reads is nobody's input.
    project.replace(
        "crates/app/Cargo.toml",
        "edition",
        "description = \"words\"\nedition",
        Mtime::Now,
    );
    all_hit(&project, &["build"]);

    let runs = ran(&project, &["build", "--features", "app/loud"]);
    assert_eq!(runs.len(), 3, "{runs:?}");
    assert!(runs.iter().all(|line| line.contains(": ") && line.contains("features")), "{runs:?}");
    assert!(says(&project, "app").ends_with("true\n"));
    all_hit(&project, &["build"]);
    assert!(says(&project, "app").ends_with("false\n"));
    all_hit(&project, &["build", "--features", "app/loud"]);
    assert!(says(&project, "app").ends_with("true\n"));

    // Targets and members that cargo discovers.
    project.write("crates/app/src/bin/third.rs", "fn main() {\n    println!(\"third\");\n}\n");
    assert_eq!(ran(&project, &["build"]), ["app bin third: never built"]);
    assert_eq!(says(&project, "third"), "third\n");
    project.write("crates/new/Cargo.toml", &manifest("new", ""));
    project.write("crates/new/src/lib.rs", "pub fn new() {}\n");
    assert_eq!(ran(&project, &["build"]), ["new lib: never built"]);
    project.remove("crates/app/src/bin/third.rs");
    project.remove("crates/new");
    all_hit(&project, &["build"]);

    // A module moves into a directory.
    let part = project.read("crates/shared/src/part.rs");
    project.write("crates/shared/src/part/mod.rs", &part.replace('1', "33"));
    project.remove("crates/shared/src/part.rs");
    assert_eq!(
        ran(&project, &["build", "-p", "shared"]),
        ["shared lib: file {workspace}/crates/shared/src/part.rs"]
    );
    project.larder(&["build"]).success();
    same_as_cargo(&project, "app");
}

/// A failing unit publishes nothing; what was built before it stays.
#[test]
fn a_failing_unit_publishes_nothing() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    project.replace("crates/shared/src/part.rs", "= 1", "= \"no\"", Mtime::Now);
    for _ in 0..2 {
        project.larder(&["build"]).code(101).stderr_has("mismatched types");
    }
    project.replace("crates/shared/src/part.rs", "= \"no\"", "= 5", Mtime::Now);
    let runs = ran(&project, &["build"]);
    assert_eq!(runs.len(), 4, "{runs:?}");
    assert!(says(&project, "app").starts_with("shared 5 "));
    project.replace("crates/shared/src/part.rs", "= 5", "= 1", Mtime::Now);
    all_hit(&project, &["build"]);
}
