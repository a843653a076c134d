//! Files outside the workspace, found from it: each checkout has its own.

use crate::table::{QUICK, all_hit, env, manifest, ran, same_as_cargo, says};
use larder_test::{Project, TestEnv};

fn project<'env>(env: &'env TestEnv, place: &str) -> Project<'env> {
    env.project(&format!("{place}/workspace"))
        .file("Cargo.toml", manifest("app", QUICK))
        .file(
            "build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             println!(\"cargo::rerun-if-changed=../declared.txt\");\n    \
             let read = |path: &str| std::fs::read_to_string(path).unwrap();\n    \
             println!(\"cargo::rustc-env=SAID={} {}\", read(\"../declared.txt\"), read(\"../undeclared.txt\"));\n}\n",
        )
        .file(
            "src/main.rs",
            "fn main() {\n    println!(\"{} {}\", env!(\"SAID\"), include_str!(\"../../included.txt\"));\n}\n",
        )
        .build()
}

fn neighbours(project: &Project<'_>, declared: &str, undeclared: &str, included: &str) {
    for (file, text) in [("declared", declared), ("undeclared", undeclared), ("included", included)]
    {
        project.write(format!("../{file}.txt"), text);
    }
}

#[test]
fn each_checkout_has_its_own_neighbours() {
    let env = env();
    let one = project(&env, "one");
    neighbours(&one, "a", "b", "c");
    one.larder(&["build"]).success();
    assert_eq!(says(&one, "app"), "a b c\n");
    all_hit(&one, &["build"]);
    for (place, declared, undeclared, included) in
        [("two", "A", "b", "c"), ("three", "a", "B", "c"), ("four", "a", "b", "C")]
    {
        let other = project(&env, place);
        neighbours(&other, declared, undeclared, included);
        assert!(!ran(&other, &["build"]).is_empty(), "{place}");
        assert_eq!(says(&other, "app"), format!("{declared} {undeclared} {included}\n"));
        same_as_cargo(&other, "app");
        all_hit(&other, &["build"]);
    }
    let same = project(&env, "five");
    neighbours(&same, "a", "b", "c");
    all_hit(&same, &["build"]);
    assert_eq!(says(&same, "app"), "a b c\n");
}
