//! Edits of a project that leave its cook plan as it is to the byte, each made
//! in a checkout of its own, and what a build then runs: no external unit.

use crate::cook::{plan, project, upstream, words};
use crate::table::{env, label};
use larder_schema::report::Outcome;
use larder_test::{Mtime, Project};

const APP: &str = "crates/app/Cargo.toml";
const LEAF: &str = "crates/leaf/Cargo.toml";

struct Edit {
    what: &'static str,
    make: fn(&Project<'_>),
    /// What a build runs after it, in a machine that has built the base.
    runs: &'static [&'static str],
}

/// The build script says nothing of its inputs: any file of its package is one.
const APP_AND_SCRIPT: &[&str] = &["app bin", "app run"];

const EDITS: &[Edit] = &[
    Edit { what: "nothing", make: |_| {}, runs: &[] },
    Edit {
        what: "a source",
        make: |p| p.append("crates/leaf/src/lib.rs", "pub fn more() {}\n"),
        runs: &["app bin", "leaf lib"],
    },
    Edit {
        what: "a member's version",
        make: |p| p.replace(APP, "version = \"0.1.0\"", "version = \"0.9.0\"", Mtime::Now),
        runs: &["app bin", "app run", "app script"],
    },
    Edit {
        what: "the version of a member that another one uses",
        make: |p| p.replace(LEAF, "version = \"0.1.0\"", "version = \"0.9.0\"", Mtime::Now),
        runs: &["app bin", "leaf lib"],
    },
    Edit {
        what: "a description",
        make: |p| p.replace(APP, "edition", "description = \"x\"\nedition", Mtime::Now),
        runs: APP_AND_SCRIPT,
    },
    Edit {
        what: "lints of a member",
        make: |p| p.append(LEAF, "\n[lints.rust]\nunused = \"warn\"\n"),
        runs: &["app bin", "leaf lib"],
    },
    Edit {
        what: "lints of the workspace",
        make: |p| {
            p.append("Cargo.toml", "\n[workspace.lints.rust]\nunsafe_code = \"warn\"\n");
            p.append(LEAF, "\n[lints]\nworkspace = true\n");
        },
        runs: &["app bin", "leaf lib"],
    },
    Edit {
        what: "a binary that is found",
        make: |p| p.write("crates/app/src/bin/more.rs", "fn main() {}\n"),
        runs: APP_AND_SCRIPT,
    },
    Edit {
        what: "a binary that is declared",
        make: |p| {
            p.append(LEAF, "\n[[bin]]\nname = \"tool\"\npath = \"src/tool.rs\"\n");
            p.write("crates/leaf/src/tool.rs", "fn main() {}\n");
        },
        runs: &[],
    },
    Edit {
        what: "a test, an example and a benchmark",
        make: |p| {
            p.write("crates/leaf/tests/more.rs", "#[test]\nfn more() {}\n");
            p.write("crates/leaf/examples/more.rs", "fn main() {}\n");
            p.write("crates/leaf/benches/more.rs", "fn main() {}\n");
        },
        runs: &[],
    },
    Edit {
        what: "a development dependency that is locked already",
        make: |p| p.append(LEAF, "\n[dev-dependencies]\next.workspace = true\n"),
        runs: &[],
    },
    Edit {
        what: "a dependency that was there indirectly",
        make: |p| {
            p.replace(APP, "ext.workspace", "plain.workspace = true\next.workspace", Mtime::Now);
        },
        runs: APP_AND_SCRIPT,
    },
    Edit {
        what: "a renamed member",
        make: |p| {
            p.replace(LEAF, "\"leaf\"", "\"petal\"", Mtime::Now);
            let renamed = "leaf = { path = \"../leaf\", package = \"petal\" }";
            p.replace(APP, "leaf.path = \"../leaf\"", renamed, Mtime::Now);
        },
        runs: &["app bin", "app run", "petal lib"],
    },
    Edit {
        what: "a member in another directory",
        make: |p| {
            std::fs::rename(p.path("crates/leaf"), p.path("crates/flower")).expect("a directory");
            p.replace(APP, "../leaf", "../flower", Mtime::Now);
        },
        runs: &["app bin", "app run", "leaf lib"],
    },
    Edit {
        what: "a member that was split off",
        make: |p| {
            let manifest = p.read(LEAF).replace("\"leaf\"", "\"a-part\"");
            p.write("crates/a-part/Cargo.toml", &manifest);
            p.write("crates/a-part/src/lib.rs", &p.read("crates/leaf/src/lib.rs"));
            p.replace(LEAF, "plain.workspace = true", "a-part.path = \"../a-part\"", Mtime::Now);
            p.replace("crates/leaf/src/lib.rs", "plain::plain()", "a_part::leaf()", Mtime::Now);
        },
        runs: &["a-part lib", "app bin", "leaf lib"],
    },
    Edit {
        what: "a new member that nothing uses",
        make: |p| {
            let manifest = p.read(LEAF).replace("\"leaf\"", "\"beside\"");
            p.write("crates/beside/Cargo.toml", &manifest);
            p.write("crates/beside/src/lib.rs", "");
        },
        runs: &[],
    },
];

/// Cooked once; every edit then starts from what the base has built.
#[test]
fn edits_of_the_project_leave_the_plan_as_it_is_and_run_nothing_external() {
    let env = env().online();
    let repository = upstream(&env);
    let base = project(&env, &repository);
    let before = plan(&base);
    assert!(!before.contains(&*base.root().to_string_lossy()), "{before}");
    assert_eq!(
        words(&base, &before, &before),
        ["the plans are equal: nothing would be built anew"]
    );
    let kitchen = env.project("kitchen").file("plan.json", before.clone()).build();
    kitchen.larder(&["cook", "plan.json"]).success();
    base.larder(&["build", "--bin", "app"]).success();

    let mut wrong = Vec::new();
    for (index, edit) in EDITS.iter().enumerate() {
        let project = base.checkout(&format!("edit-{index}"));
        (edit.make)(&project);
        let after = plan(&project);
        if after != before {
            wrong.push(format!("{}: {:?}", edit.what, words(&project, &before, &after)));
            continue;
        }
        let (_, report) = project.larder_report(&["build", "--bin", "app"]);
        let mut ran: Vec<String> =
            report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect();
        ran.sort();
        if ran != edit.runs || report.totals.external.executed != 0 {
            wrong.push(format!("{}: {ran:?} ran", edit.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
