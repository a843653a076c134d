//! `cargo larder verify`: crates with one habit each, and what is said of
//! them.

use crate::table::{QUICK, all_hit, env, manifest, ran};
use larder_schema::record::{Sharing, Verdict};
use larder_schema::verification::{Cause, Repeated, Verification, VerifiedUnit};
use larder_test::{Project, TestEnv};

/// A script that writes `made.rs`; `text` is an expression of its content.
fn script(before: &str, text: &str) -> String {
    format!(
        "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
         let out = std::env::var(\"OUT_DIR\").unwrap();\n    {before}\n    \
         std::fs::write(format!(\"{{out}}/made.rs\"), {text}).unwrap();\n}}\n"
    )
}

const INCLUDE: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n";

const MEMBERS: &[&str] =
    &["plain", "place", "outdir", "clock", "random", "shuffled", "shuffler", "user"];

fn project(env: &TestEnv) -> Project<'_> {
    let members = MEMBERS.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let mut project = env
        .project("habits")
        .file("Cargo.toml", format!("[workspace]\nmembers = [{members}]\nresolver = \"3\"\n\n{QUICK}"))
        .file("plain/src/lib.rs", "pub fn file() -> &'static str {\n    file!()\n}\n")
        .file("plain/src/main.rs", "fn main() {\n    println!(\"{}\", plain::file());\n}\n")
        .file("place/src/lib.rs", "pub const HERE: &str = env!(\"CARGO_MANIFEST_DIR\");\n")
        .file("outdir/src/lib.rs", INCLUDE)
        .file("outdir/build.rs", script("", "format!(\"pub const OUT: &str = {out:?};\")"))
        .file("clock/src/lib.rs", INCLUDE)
        .file(
            "clock/build.rs",
            script(
                "let now = std::time::SystemTime::now();\n    \
                 let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();",
                "format!(\"pub const AT: u64 = {now};\")",
            ),
        )
        .file("random/src/lib.rs", INCLUDE)
        .file(
            "random/build.rs",
            script(
                "use std::hash::{BuildHasher as _, Hasher as _};\n    \
                 let seed = std::hash::RandomState::new().build_hasher().finish();",
                "format!(\"pub const SEED: u64 = 0x{seed:016x};\")",
            ),
        )
        .file("shuffled/src/lib.rs", "pub static NAMES: &[&str] = shuffler::names!();\n")
        .file(
            "shuffler/src/lib.rs",
            "use proc_macro::TokenStream;\n#[proc_macro]\npub fn names(_: TokenStream) -> TokenStream {\n    \
             let all: std::collections::HashSet<String> = (0..40).map(|n| format!(\"name{n:02}\")).collect();\n    \
             let list: Vec<String> = all.into_iter().map(|name| format!(\"{name:?}\")).collect();\n    \
             format!(\"&[{}]\", list.join(\",\")).parse().unwrap()\n}\n",
        )
        .file("user/src/lib.rs", INCLUDE)
        .file(
            "user/build.rs",
            script(
                "let user = std::env::var(\"USER\").unwrap();",
                "format!(\"pub const BY: &str = {user:?};\")",
            ),
        );
    for name in MEMBERS {
        let more = match *name {
            "shuffled" => "[dependencies]\nshuffler.path = \"../shuffler\"\n",
            "shuffler" => "[lib]\nproc-macro = true\n",
            _ => "",
        };
        project = project.file(format!("{name}/Cargo.toml"), manifest(name, more));
    }
    project.build()
}

/// Runs it with more arguments; the exit code, and what it found.
fn verify(project: &Project<'_>, args: &[&str]) -> (bool, Verification) {
    let output = project.larder(&[&["verify", "--json"], args].concat());
    let result = serde_json::from_str(&output.raw_stdout);
    let result = result.unwrap_or_else(|error| panic!("{error}\n{}", output.all()));
    (output.status.success(), result)
}

#[track_caller]
fn unit<'v>(result: &'v Verification, name: &str) -> &'v VerifiedUnit {
    let unit = result.units.iter().find(|unit| unit.unit == name);
    unit.unwrap_or_else(|| panic!("no {name} in {:?}", result.units))
}

#[test]
fn each_habit_is_found_and_named() {
    let env = env().with("USER", "somebody-42");
    let project = project(&env);
    project.larder(&["build"]).success();
    let (holds, result) = verify(&project, &["--all"]);
    // Randomness is seen by nothing but building twice: two broken promises.
    assert!(!holds, "{result:?}");
    for (name, verdict, cause, shows) in [
        ("place v0.1.0 (lib)", Verdict::PathBound, Cause::Path, "/habits/place"),
        ("outdir v0.1.0 (build script run)", Verdict::PathBound, Cause::Path, "/target/debug/"),
        ("clock v0.1.0 (build script run)", Verdict::Volatile, Cause::Time, "AT: u64 = 1"),
        ("random v0.1.0 (build script run)", Verdict::Portable, Cause::Unknown, "SEED: u64 = 0x"),
        ("shuffled v0.1.0 (lib)", Verdict::Portable, Cause::Order, "name"),
    ] {
        let unit = unit(&result, name);
        assert_eq!((unit.verdict, unit.outcome), (verdict, Repeated::Different), "{name}");
        let difference = unit.difference.as_ref().expect("a difference");
        assert_eq!(difference.cause, cause, "{name}: {difference:?}");
        assert!(difference.stored.contains(shows), "{name}: {difference:?}");
        assert_ne!(difference.stored, difference.rebuilt);
    }
    let place = unit(&result, "place v0.1.0 (lib)");
    let difference = place.difference.as_ref().expect("a difference");
    assert!(difference.member.is_some() && difference.section.is_some(), "{difference:?}");
    // The same user here as there: only the evidence tells.
    let user = unit(&result, "user v0.1.0 (build script run)");
    assert_eq!((user.verdict, user.outcome), (Verdict::PathBound, Repeated::Equal));
    assert!(user.evidence.iter().any(|line| line.contains("the user at byte")), "{user:?}");
    // What is built from such outputs is the same if they are.
    for name in ["plain v0.1.0 (lib)", "plain v0.1.0 (bin \"plain\")", "clock v0.1.0 (lib)"] {
        let unit = unit(&result, name);
        assert!(unit.promised, "{name}");
        assert_eq!(unit.outcome, Repeated::Equal, "{name}");
        assert_eq!(unit.verdict.sharing(), Sharing::Everywhere);
    }
    assert_eq!((result.totals.different, result.totals.failed), (2, 0));
    assert_eq!((result.totals.varying, result.totals.reading_more), (3, 0), "{result:?}");
    // Nothing of it got into the store or the project.
    all_hit(&project, &["build"]);
}

/// A compiler that gives something else each time, although nothing that it
/// reads says so: the promise is broken, and the command fails.
#[cfg(unix)]
#[test]
fn a_broken_promise_fails() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = env();
    let wrapper = env.root().join("wrapper");
    std::fs::write(&wrapper, "#!/bin/sh\nSTAMP=$(date +%s%N) exec \"$@\"\n").expect("a wrapper");
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let env = env.with("RUSTC_WRAPPER", wrapper);
    let project = env
        .project("app")
        .file("Cargo.toml", manifest("app", QUICK))
        .file("src/lib.rs", "pub static STAMP: Option<&str> = option_env!(\"STAMP\");\n")
        .build();
    project.larder(&["build"]).success();
    let (holds, result) = verify(&project, &["--sample", "1"]);
    assert!(!holds, "{result:?}");
    let unit = unit(&result, "app v0.1.0 (lib)");
    assert!(unit.promised && unit.outcome == Repeated::Different, "{unit:?}");
    assert_eq!((result.totals.checked, result.totals.different), (1, 1));
    let shown = project.larder(&["verify", "--all"]);
    shown.code(101).stderr_has("app v0.1.0 (lib) is not the same although it is portable");
}

/// A second run is seen as the first one was: a script that reads another file
/// then gives the same, and its key does not hold what it read.
#[test]
fn what_only_the_second_run_reads_is_named() {
    let env = env();
    let other = env.root().join("host/other").display().to_string();
    let code = format!(
        "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
         std::fs::read(\"text\").unwrap();\n    \
         let here = std::env::current_dir().unwrap();\n    \
         if here.to_string_lossy().contains(\"larder-verify\") {{\n        \
         std::fs::read({other:?}).unwrap();\n    }}\n}}\n"
    );
    let project = env
        .project("app")
        .file("Cargo.toml", manifest("app", QUICK))
        .file("build.rs", code)
        .file("src/lib.rs", "")
        .file("text", "x")
        .file("../host/other", "x")
        .build();
    project.larder(&["build"]).success();
    let (holds, result) = verify(&project, &["--all"]);
    assert!(holds && result.totals.reading_more == 1, "{result:?}");
    let again = unit(&result, "app v0.1.0 (build script run)");
    assert_eq!((again.outcome, &again.read_only_again), (Repeated::Equal, &vec![other]));
    let shown = project.larder(&["verify", "--all"]);
    shown.success().stderr_has("read in the second run only: `[ROOT]/host/other`");
    shown.stderr_has("1 that read something else the second time");
}

/// Without a build there is nothing to compare with, and a package that is
/// not there is said to be none.
#[test]
fn what_is_not_stored_is_said() {
    let env = env();
    let project = env
        .project("app")
        .file("Cargo.toml", manifest("app", QUICK))
        .file("src/lib.rs", "")
        .build();
    project.larder(&["verify"]).code(101).stderr_has("run `cargo larder build` first");
    project.larder(&["build"]).success();
    project.larder(&["verify", "-p", "other"]).code(101).stderr_has("no result of `other`");
    let (holds, result) = verify(&project, &["-p", "app@0.1.0", "--", "build"]);
    assert!(holds && result.totals.equal == 1, "{result:?}");
}

/// What lies outside the workspace comes along: a path package that nothing
/// is built from, too, and a source.
#[test]
fn the_other_place_is_whole() {
    let env = env();
    let project = env
        .project("deep/app")
        .file(
            "Cargo.toml",
            manifest("app", "[dependencies]\nused.path = \"../used\"\n[target.'cfg(windows)'.dependencies]\nunused.path = \"../unused\"\n")
                + QUICK,
        )
        .file("src/lib.rs", "pub use used::USED;\npub const TEXT: &str = include_str!(\"../../text\");\n")
        .file("../used/Cargo.toml", manifest("used", ""))
        .file("../used/src/lib.rs", "pub const USED: u8 = 1;\n")
        .file("../unused/Cargo.toml", manifest("unused", ""))
        .file("../unused/src/lib.rs", "")
        .file("../text", "some text")
        .build();
    project.larder(&["build"]).success();
    let (holds, result) = verify(&project, &["--all"]);
    assert!(holds && result.totals.checked == 2, "{result:?}");
    assert_eq!(unit(&result, "app v0.1.0 (lib)").outcome, Repeated::Equal);
    // Cargo names its sources by their whole path, which is in the metadata.
    let used = unit(&result, "used v0.1.0 (lib)");
    assert_eq!((used.verdict, used.outcome), (Verdict::PathBound, Repeated::Different));
    assert_eq!(used.difference.as_ref().map(|d| d.cause), Some(Cause::Path));
}

/// Results that show a place are used only where it is the same.
#[test]
fn names_and_the_store_bind() {
    let env = env().with("USER", "somebody-42");
    let project = project(&env);
    project.larder(&["build"]).success();
    let root = project.root().to_owned();
    let env = env.with("USER", "somebody-43");
    let project = Project::open(&env, root);
    let runs = ran(&project, &["build"]);
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.iter().all(|line| line.starts_with("user ")), "{runs:?}");
}
