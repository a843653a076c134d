//! Incremental compilation of members in dev profiles: as fast as cargo's in
//! one checkout, and invisible to all others.

use crate::table::{all_hit, env, manifest, ran, same_as_cargo, says};
use larder_test::Mtime;

#[test]
fn incremental_results_stay_in_their_checkout() {
    let env = env();
    let project = env
        .project("one")
        .file("Cargo.toml", manifest("app", "[profile.dev]\ndebug = 0\n"))
        .file("src/lib.rs", "pub fn text() -> &'static str {\n    \"text 1\"\n}\n")
        .file("src/main.rs", "fn main() {\n    println!(\"{}\", app::text());\n}\n")
        .build();
    // The first build starts from nothing: it is as good as any.
    assert_eq!(ran(&project, &["build"]), ["app bin: never built", "app lib: never built"]);
    let second = project.checkout("two");
    all_hit(&second, &["build"]);

    let edited =
        ["app bin (incremental): dependency", "app lib (incremental): file {workspace}/src/lib.rs"];
    project.replace("src/lib.rs", "text 1", "text 2", Mtime::Older);
    assert_eq!(ran(&project, &["build"]), edited);
    assert_eq!(says(&project, "app"), "text 2\n");
    same_as_cargo(&project, "app");
    all_hit(&project, &["build"]);

    // The other checkout has no session yet: it builds as from nothing, and
    // that counts for everybody.
    second.replace("src/lib.rs", "text 1", "text 2", Mtime::Older);
    let runs = ran(&second, &["build"]);
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.iter().all(|line| !line.contains("incremental")), "{runs:?}");
    assert_eq!(says(&second, "app"), "text 2\n");
    let third = second.checkout("three");
    all_hit(&third, &["build"]);
    assert_eq!(says(&third, "app"), "text 2\n");

    // Back and forth.
    for (from, to) in [("text 2", "text 1"), ("text 1", "text 2")] {
        project.replace("src/lib.rs", from, to, Mtime::Kept);
        all_hit(&project, &["build"]);
        assert_eq!(says(&project, "app"), format!("{to}\n"));
    }

    // Without its target directory the checkout has no session either.
    project.remove("target");
    project.replace("src/lib.rs", "text 2", "text 3", Mtime::Now);
    let runs = ran(&project, &["build"]);
    assert!(runs.len() == 2 && runs.iter().all(|line| !line.contains("incremental")), "{runs:?}");
    assert_eq!(says(&project, "app"), "text 3\n");
    let fourth = project.checkout("four");
    all_hit(&fourth, &["build"]);
}

/// Rustc throws a session away where an option of these differs.
#[test]
fn what_a_session_knows_stays_the_same() {
    let env = env();
    let project = env
        .project("one")
        .file("Cargo.toml", manifest("app", ""))
        // It declares nothing, so every edit runs it again.
        .file("build.rs", "fn main() {}\n")
        .file("src/main.rs", "fn main() {\n    println!(\"1\");\n}\n")
        .build();
    let options = || -> Vec<String> {
        let output = project.larder(&["build", "-v"]);
        let text = output.success().all();
        let line = text.lines().find(|line| line.contains("--crate-name app ")).expect("a call");
        let words: Vec<&str> = line.split(' ').collect();
        let after = |name: &str| {
            let at = words.iter().position(|word| *word == name).expect(name);
            words[at + 1].to_owned()
        };
        let remaps =
            words.iter().filter(|word| word.starts_with("--remap")).map(|w| (*w).to_owned());
        std::iter::once(after("--out-dir")).chain(remaps).collect()
    };
    let first = options();
    for (from, to) in [("1", "2"), ("2", "3")] {
        project.replace("src/main.rs", from, to, Mtime::Now);
        assert_eq!(options(), first);
        assert_eq!(says(&project, "app"), format!("{to}\n"));
    }
}
