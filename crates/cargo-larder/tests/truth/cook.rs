//! Cook plans: what changes them and in which words, and that the build finds
//! everything that was cooked. What leaves them as they are: `cook_edits`.

use crate::table::{env, label, manifest, says};
use larder_schema::report::Outcome;
use larder_test::{Mtime, Project, TestEnv};

/// A repository with what projects depend on: `ext` has a build script with a
/// dependency, and uses a macro; `plain` has nothing.
pub(crate) fn upstream(env: &TestEnv) -> Project<'_> {
    let ext = "[features]\nloud = []\n\n[dependencies]\next-macros.path = \"../ext-macros\"\n\n\
               [build-dependencies]\next-gen.path = \"../ext-gen\"\n";
    let repository = env
        .project("upstream")
        .file("ext/Cargo.toml", manifest("ext", ext))
        .file("ext/build.rs", "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    std::fs::write(format!(\"{out}/word.rs\"), ext_gen::word()).unwrap();\n    println!(\"cargo::rerun-if-changed=build.rs\");\n}\n")
        .file("ext/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/word.rs\"));\n\npub fn words() -> String {\n    let loud = if cfg!(feature = \"loud\") { \"!\" } else { \"\" };\n    format!(\"{WORD} {}{loud}\", ext_macros::answer!())\n}\n")
        .file("ext-gen/Cargo.toml", manifest("ext-gen", ""))
        .file("ext-gen/src/lib.rs", "pub fn word() -> &'static str {\n    \"pub const WORD: &str = \\\"generated\\\";\"\n}\n")
        .file("ext-macros/Cargo.toml", manifest("ext-macros", "[lib]\nproc-macro = true\n"))
        .file("ext-macros/src/lib.rs", "use proc_macro::TokenStream;\n\n#[proc_macro]\npub fn answer(_: TokenStream) -> TokenStream {\n    \"42\".parse().unwrap()\n}\n")
        .file("plain/Cargo.toml", manifest("plain", ""))
        .file("plain/src/lib.rs", "pub fn plain() -> &'static str {\n    \"plain\"\n}\n")
        .build();
    git(env, &repository, &["init", "--quiet"]);
    commit(env, &repository);
    repository
}

#[track_caller]
pub(crate) fn git(env: &TestEnv, repository: &Project<'_>, args: &[&str]) {
    env.run(repository.command("git").args(args)).success();
}

pub(crate) fn commit(env: &TestEnv, repository: &Project<'_>) {
    git(env, repository, &["add", "."]);
    git(env, repository, &["commit", "--quiet", "-m", "state"]);
}

const PROFILES: &str = "[profile.dev]\ndebug = 0\nincremental = false\n\n[profile.dev.build-override]\nopt-level = 1\n";

/// `app` uses `ext` and `leaf`, which uses `plain`.
pub(crate) fn project<'a>(env: &'a TestEnv, repository: &Project<'_>) -> Project<'a> {
    let url = format!("file://{}", repository.root().display());
    let workspace = format!(
        "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n\n\
         [workspace.dependencies]\next.git = \"{url}\"\nplain.git = \"{url}\"\n\n{PROFILES}"
    );
    let app = "[dependencies]\nleaf.path = \"../leaf\"\next.workspace = true\n";
    let project = env
        .project("project")
        .file("Cargo.toml", workspace)
        .file("crates/app/Cargo.toml", manifest("app", app))
        .file("crates/app/build.rs", "fn main() {\n    println!(\"cargo::rustc-env=BUILT=yes\");\n}\n")
        .file(
            "crates/app/src/main.rs",
            "fn main() {\n    println!(\"{} {} {}\", ext::words(), leaf::leaf(), env!(\"BUILT\"));\n}\n",
        )
        .file("crates/leaf/Cargo.toml", manifest("leaf", "[dependencies]\nplain.workspace = true\n"))
        .file("crates/leaf/src/lib.rs", "pub fn leaf() -> &'static str {\n    plain::plain()\n}\n")
        .build();
    project.cargo(&["generate-lockfile"]).success();
    project
}

const COMMAND: &[&str] = &["plan", "--", "build", "--bin", "app"];

#[track_caller]
pub(crate) fn plan(project: &Project<'_>) -> String {
    project.larder(COMMAND).success().raw_stdout.clone()
}

/// What `plan --diff` says of two plans.
#[track_caller]
pub(crate) fn words(project: &Project<'_>, old: &str, new: &str) -> Vec<String> {
    project.write("../old.json", old);
    project.write("../new.json", new);
    let output = project.larder(&["plan", "--diff", "../old.json", "../new.json"]);
    output.success().stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_dependency_changes_the_plan_and_the_words_say_how() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let app = "crates/app/Cargo.toml";
    let mut before = plan(&project);
    let mut step = |what: &str, expected: &[&str]| {
        let after = plan(&project);
        assert_ne!(before, after, "{what}");
        let words = words(&project, &before, &after);
        let all = expected.iter().all(|one| words.iter().any(|line| line.contains(one)));
        assert!(all && words.len() == expected.len(), "{what}: {words:#?}");
        before = after;
    };
    project.replace(
        app,
        "ext.workspace = true",
        "ext = { workspace = true, features = [\"loud\"] }",
        Mtime::Now,
    );
    step(
        "a feature",
        &[
            "feature loud added: ext 0.1.0 (build script), ext 0.1.0 (build script, run), ext 0.1.0 (lib)",
        ],
    );
    project.replace("Cargo.toml", "opt-level = 1", "opt-level = 2", Mtime::Now);
    step("a setting", &["opt-level changed, 1 → 2: "]);
    project.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"odd\"]\n");
    step("flags", &["flags --cfg odd added: "]);
    project.write(".cargo/config.toml", "[build]\nrustflags = []\n");
    step("flags taken back", &["flags --cfg odd removed: "]);
    project.replace(app, "leaf.path = \"../leaf\"\n", "", Mtime::Now);
    step("a crate that nothing needs", &["plain 0.1.0 was removed"]);
    project.replace(
        app,
        "[dependencies]\n",
        "[dependencies]\nleaf.path = \"../leaf\"\n",
        Mtime::Now,
    );
    step("a crate", &["plain 0.1.0 was added"]);
    repository.append("plain/src/lib.rs", "pub fn more() {}\n");
    repository.replace("plain/Cargo.toml", "0.1.0", "0.2.0", Mtime::Now);
    commit(&env, &repository);
    project.cargo(&["update", "plain"]).success();
    step(
        "another commit",
        &[
            "plain has another version: 0.1.0 → 0.2.0",
            "ext 0.1.0 comes from elsewhere",
            "ext-gen 0.1.0 comes from elsewhere",
            "ext-macros 0.1.0 comes from elsewhere",
        ],
    );
}

/// Everything is cooked elsewhere, with a cargo home and a store that were
/// empty; the build then runs the workspace's units only.
#[test]
fn the_build_finds_what_was_cooked() {
    let env = env().online();
    let text = {
        let repository = upstream(&env);
        plan(&project(&env, &repository))
    };
    let (home, store) = (env.root().join("other-home"), env.root().join("other-store"));
    let env = env.with("CARGO_HOME", home).with("LARDER_DIR", store);
    let kitchen = env.project("kitchen").file("plan.json", text).build();
    kitchen.larder(&["cook", "--fetch-only", "plan.json"]).success();
    // What is fetched is enough.
    let (output, report) = kitchen.larder_report(&["cook", "--offline", "plan.json"]);
    assert_eq!(report.totals.executed, report.totals.units, "{}", output.all());
    assert!(report.units.iter().all(|unit| unit.external));
    let (_, again) = kitchen.larder_report(&["cook", "plan.json"]);
    assert_eq!(again.totals.hits, again.totals.units);
    assert!(!kitchen.path("target").exists());

    let project = Project::open(&env, env.root().join("project"));
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    let mut ran: Vec<String> =
        report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect();
    ran.sort();
    assert_eq!(ran, ["app bin", "app run", "app script", "leaf lib"]);
    assert_eq!(report.totals.hits, again.totals.units);
    assert_eq!(report.totals.external.hits, again.totals.units);
    assert_eq!((report.totals.local.executed, report.totals.local.units), (4, 4));
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
}

#[test]
fn a_plan_that_cannot_be_cooked_here_says_why() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let text = plan(&project);
    let digest = text.split("\"digest\": \"").nth(1).unwrap()[..64].to_owned();
    let kitchen = env
        .project("kitchen")
        .file("other.json", text.replace(&digest, &digest.chars().rev().collect::<String>()))
        .file("future.json", text.replacen("\"version\": 1,", "\"version\": 9,", 1))
        .file("no.json", "{")
        .file("wrong.json", text.replacen("\"unit\": 0", "\"unit\": 999", 1))
        .build();
    for (file, expected) in [
        ("other.json", "nothing that it builds would be used"),
        ("future.json", "it has format 9, and this larder reads format 1"),
        ("no.json", "it is not a cook plan"),
        ("wrong.json", "it is damaged: unit"),
    ] {
        let output = kitchen.larder(&["cook", file]);
        assert_eq!(output.status.code(), Some(101), "{file}");
        assert!(output.stderr.contains(expected), "{file}: {}", output.all());
    }
    let output = kitchen.larder(&["cook"]);
    assert_eq!(output.status.code(), Some(1), "{}", output.all());
}

/// What was cooked goes to a store in another directory as one file; damage is
/// found before anything is published from it.
#[test]
fn a_cooked_store_travels_as_one_archive() {
    let env = env().online();
    let text = {
        let repository = upstream(&env);
        plan(&project(&env, &repository))
    };
    let archive = {
        let kitchen = env.project("kitchen").file("plan.json", text).build();
        kitchen.larder(&["cook", "plan.json"]).success();
        kitchen.larder(&["export", "--plan", "plan.json", "all.tar.zst"]).success();
        kitchen.larder(&["export", "--plan", "plan.json", "again.tar.zst"]).success();
        let bytes = |name: &str| std::fs::read(kitchen.path(name)).expect("an archive");
        assert_eq!(bytes("all.tar.zst"), bytes("again.tar.zst"));
        bytes("all.tar.zst")
    };
    std::fs::rename(env.store(), env.root().join("old-store")).expect("an empty store");
    let kitchen = Project::open(&env, env.root().join("kitchen"));
    let mut damaged = archive.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    for (name, bytes) in [("damaged", &damaged[..]), ("cut", &archive[..middle]), ("no", b"no")] {
        std::fs::write(kitchen.path(name), bytes).expect("an archive");
        let output = kitchen.larder(&["import", name]);
        assert_eq!(output.status.code(), Some(101), "{name}: {}", output.all());
    }
    let (_, report) = kitchen.larder_report(&["cook", "--dry-run", "plan.json"]);
    assert_eq!(report.totals.hits, 0, "nothing came from a damaged archive");
    kitchen.larder(&["import", "all.tar.zst"]).success();
    let (output, report) = kitchen.larder_report(&["cook", "--offline", "plan.json"]);
    assert_eq!(report.totals.hits, report.totals.units, "{}", output.all());
    let project = Project::open(&env, env.root().join("project"));
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    assert_eq!(report.totals.external.executed, 0);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");

    // The text of `OUT_DIR` is in the key of what reads it.
    let store = env.root().join("a/store/elsewhere");
    let env = env.with("LARDER_DIR", store);
    let kitchen = Project::open(&env, env.root().join("kitchen"));
    kitchen.larder(&["import", "all.tar.zst"]).success();
    let (_, report) = kitchen.larder_report(&["cook", "--offline", "plan.json"]);
    let ran = report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label);
    assert_eq!(ran.collect::<Vec<_>>(), ["ext lib"]);
}
