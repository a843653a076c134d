//! `cargo build` and `cargo larder build` in one checkout: neither makes the
//! other build again beyond the first time.

use crate::table::{all_hit, env, manifest, says};
use larder_test::Mtime;

#[test]
fn cargo_and_larder_alternate() {
    let env = env();
    let project = env
        .project("alternate")
        .file(
            "Cargo.toml",
            "[workspace]\nmembers = [\"leaf\", \"app\"]\nresolver = \"3\"\n\n[profile.dev]\ndebug = 0\n",
        )
        .file("leaf/Cargo.toml", manifest("leaf", ""))
        .file("leaf/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n}\n")
        .file("leaf/src/lib.rs", "pub fn text() -> &'static str {\n    \"leaf 1\"\n}\n")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nleaf.path = \"../leaf\"\n"))
        .file("app/src/main.rs", "fn main() {\n    println!(\"{}\", leaf::text());\n}\n")
        .build();
    let fresh = |command: &str| {
        let output = project.cargo(&[command, "--verbose"]);
        output.success().stderr_lacks("Dirty").stderr_lacks("Compiling").stderr_lacks("Checking");
    };
    project.cargo(&["build"]).success();
    project.larder(&["build"]).success();
    for _ in 0..2 {
        fresh("build");
        assert_eq!(says(&project, "app"), "leaf 1\n");
        all_hit(&project, &["build"]);
        assert_eq!(says(&project, "app"), "leaf 1\n");
    }
    // Each builds an edit once; the program is right whoever delivered it.
    project.replace("leaf/src/lib.rs", "leaf 1", "leaf 2", Mtime::Now);
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "app"), "leaf 2\n");
    project.cargo(&["build"]).success().stderr_has("Compiling leaf");
    assert_eq!(says(&project, "app"), "leaf 2\n");
    all_hit(&project, &["build"]);
    fresh("build");
    // Cargo goes back by itself; larder delivers over cargo's file, and the
    // other way round.
    project.replace("leaf/src/lib.rs", "leaf 2", "leaf 3", Mtime::Now);
    project.cargo(&["build"]).success();
    assert_eq!(says(&project, "app"), "leaf 3\n");
    project.replace("leaf/src/lib.rs", "leaf 3", "leaf 2", Mtime::Now);
    all_hit(&project, &["build"]);
    assert_eq!(says(&project, "app"), "leaf 2\n");
    project.cargo(&["build"]).success();
    assert_eq!(says(&project, "app"), "leaf 2\n");
    // Other commands.
    project.cargo(&["check"]).success();
    project.larder(&["check"]).success();
    fresh("check");
    all_hit(&project, &["check"]);
    fresh("build");
    all_hit(&project, &["build"]);
}
