//! Results of runs that nobody observed: good enough for builds that cannot
//! observe either, and for no others.

use crate::table::{QUICK, all_hit, env, manifest, ran, says};
use larder_test::{Project, TestEnv};
use std::os::unix::fs::PermissionsExt as _;

/// A machine whose configuration file can be changed between builds.
fn machine() -> TestEnv {
    let env = env();
    let config = env.root().join("config.toml");
    env.with("LARDER_CONFIG", config)
}

fn configure(env: &TestEnv, text: &str) {
    std::fs::write(env.root().join("config.toml"), text).expect("the configuration file");
}

/// A script and a macro that read a file which nobody declares.
fn project(env: &TestEnv) -> Project<'_> {
    let file = env.root().join("host.txt").display().to_string();
    env.project("project")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"app\", \"made\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("made/Cargo.toml", manifest("made", "[lib]\nproc-macro = true\n"))
        .file(
            "made/src/lib.rs",
            format!(
                "use proc_macro::{{Literal, TokenStream, TokenTree}};\n#[proc_macro]\n\
                 pub fn said(_: TokenStream) -> TokenStream {{\n    \
                 let text = std::fs::read_to_string({file:?}).unwrap();\n    \
                 TokenTree::Literal(Literal::string(&text)).into()\n}}\n"
            ),
        )
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nmade.path = \"../made\"\n"))
        .file(
            "app/build.rs",
            format!(
                "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
                 println!(\"cargo::rustc-env=SAID={{}}\", std::fs::read_to_string({file:?}).unwrap());\n}}\n"
            ),
        )
        .file(
            "app/src/main.rs",
            "fn main() {\n    println!(\"{} {}\", env!(\"SAID\"), made::said!());\n}\n",
        )
        .file("../host.txt", "one")
        .build()
}

#[test]
fn a_build_that_observes_takes_no_result_that_nobody_saw() {
    let env = machine();
    let project = project(&env);
    configure(&env, "observe = \"off\"\n");
    project.larder(&["build"]).success();
    project.write("../host.txt", "two");
    // As with cargo: nobody said that it counts.
    all_hit(&project, &["build"]);
    assert_eq!(says(&project, "app"), "one one\n");

    configure(&env, "");
    let dry = project.larder(&["build", "--dry-run"]);
    dry.success().stderr_has("nobody saw what the stored result was made from");
    let runs = ran(&project, &["build"]);
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.contains(&"app run: unobserved".to_owned()), "{runs:?}");
    assert_eq!(says(&project, "app"), "two two\n");
    all_hit(&project, &["build"]);

    // What was seen serves everybody.
    configure(&env, "observe = \"off\"\n");
    all_hit(&project, &["build"]);
    configure(&env, "observe = \"ptrace\"\n");
    all_hit(&project, &["build"]);
}

/// The unseen result stands for itself where its inputs are the same, but
/// only a run shows that.
#[test]
fn what_nobody_saw_runs_once_and_then_hits() {
    let env = machine();
    let project = project(&env);
    configure(&env, "observe = \"off\"\n");
    project.larder(&["build"]).success();
    configure(&env, "");
    let runs = ran(&project, &["build"]);
    assert!(runs.contains(&"app run: unobserved".to_owned()), "{runs:?}");
    all_hit(&project, &["build"]);
    assert_eq!(says(&project, "app"), "one one\n");
}

/// What can never be seen is not built for ever.
#[test]
fn what_hides_behind_a_wrapper_hits() {
    let env = machine();
    let wrapper = env.root().join("wrapper");
    std::fs::write(&wrapper, "#!/bin/sh\nexec \"$@\"\n").expect("a wrapper");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&wrapper, mode).expect("a mode");
    let env = env.with("RUSTC_WRAPPER", wrapper);
    let project = project(&env);
    project.larder(&["build"]).success();
    all_hit(&project, &["build"]);
}
