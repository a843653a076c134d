//! Native libraries: rustc bundles or links them without saying so.

use crate::table::{QUICK, all_hit, env, lines, manifest, says};
use larder_test::{Project, TestEnv};

/// Makes `native/libanswer.a` of a C file.
fn archive(env: &TestEnv, project: &Project<'_>, answer: u8) {
    project.write("native/answer.c", &format!("int answer(void) {{ return {answer}; }}\n"));
    for words in
        ["cc -c -o native/answer.o native/answer.c", "ar rcs native/libanswer.a native/answer.o"]
    {
        let mut words = words.split(' ');
        let mut command = project.command(words.next().expect("a program"));
        env.run(command.args(words)).success();
    }
    project.remove("native/answer.o");
}

fn project<'env>(env: &'env TestEnv, name: &str, script: &str, attribute: &str) -> Project<'env> {
    let project = env
        .project(name)
        .file("Cargo.toml", format!("[workspace]\nmembers = [\"answer\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"))
        .file("answer/Cargo.toml", manifest("answer", ""))
        .file(
            "answer/build.rs",
            format!(
                "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
                 let here = std::env::current_dir().unwrap();\n    \
                 println!(\"cargo::rustc-link-search=native={{}}/../native\", here.display());\n{script}}}\n"
            ),
        )
        .file(
            "answer/src/lib.rs",
            format!(
                "{attribute}unsafe extern \"C\" {{\n    fn answer() -> i32;\n}}\npub fn get() -> i32 {{\n    unsafe {{ answer() }}\n}}\n"
            ),
        )
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nanswer.path = \"../answer\"\n"))
        .file("app/src/main.rs", "fn main() {\n    println!(\"{}\", answer::get());\n}\n")
        .build();
    archive(env, &project, 1);
    project
}

/// kunobi-ninja/kache#421: a static library is swapped between builds, and no
/// source changes.
#[test]
fn kache_issue_421_a_static_library_is_swapped() {
    let env = env();
    let by_script = "    println!(\"cargo::rustc-link-lib=static=answer\");\n";
    let by_attribute = "#[link(name = \"answer\", kind = \"static\")]\n";
    for (name, script, attribute) in [("script", by_script, ""), ("attribute", "", by_attribute)] {
        let project = project(&env, name, script, attribute);
        project.larder(&["build"]).success();
        assert_eq!(says(&project, "app"), "1\n");
        all_hit(&project, &["build"]);
        archive(&env, &project, 2);
        let (_, report) = project.larder_report(&["build"]);
        assert_eq!(says(&project, "app"), "2\n", "{name}: {:?}", lines(&report));
        let runs = lines(&report);
        assert!(
            runs.iter().any(|l| l.starts_with("answer lib: file ") && l.contains("libanswer.a")),
            "{runs:?}"
        );
        archive(&env, &project, 1);
        project.larder(&["build"]).success();
        assert_eq!(says(&project, "app"), "1\n");
    }
}

/// A file that a link argument names.
#[test]
fn files_of_link_arguments() {
    let env = env();
    let project = env
        .project("arguments")
        .file("Cargo.toml", manifest("app", QUICK))
        .file(
            "build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let here = std::env::current_dir().unwrap();\n    \
             println!(\"cargo::rustc-link-arg-bins={}/native/libanswer.a\", here.display());\n}\n",
        )
        .file("src/main.rs", "unsafe extern \"C\" {\n    fn answer() -> i32;\n}\nfn main() {\n    println!(\"{}\", unsafe { answer() });\n}\n")
        .build();
    archive(&env, &project, 1);
    project.larder(&["build"]).success();
    all_hit(&project, &["build"]);
    archive(&env, &project, 2);
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "app"), "2\n");
    let second = project.checkout("second");
    second.larder(&["build"]).success();
    assert_eq!(says(&second, "app"), "2\n");
}
