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
