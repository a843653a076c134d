//! Proc-macros read files and places, and tell nobody.

use crate::table::{QUICK, all_hit, env, manifest, ran, same_as_cargo, says};
use larder_test::{Mtime, Project, TestEnv};

/// A macro that reads a file of the package it is used in, and one that gives
/// the package's directory.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("one")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"app\", \"lib\", \"reader\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("reader/Cargo.toml", manifest("reader", "[lib]\nproc-macro = true\n"))
        .file(
            "reader/src/lib.rs",
            r#"use proc_macro::{Literal, TokenStream, TokenTree};
fn literal(text: &str) -> TokenStream {
    TokenTree::Literal(Literal::string(text)).into()
}
fn place() -> String {
    std::env::var("CARGO_MANIFEST_DIR").unwrap()
}
#[proc_macro]
pub fn file(name: TokenStream) -> TokenStream {
    let name = name.to_string();
    let path = format!("{}/{}", place(), name.trim_matches('"'));
    literal(std::fs::read_to_string(&path).as_deref().unwrap_or("none"))
}
#[proc_macro]
pub fn directory(_: TokenStream) -> TokenStream {
    literal(&place())
}
"#,
        )
        .file("lib/Cargo.toml", manifest("lib", "[dependencies]\nreader.path = \"../reader\"\n"))
        .file("lib/src/lib.rs", "pub const PLACE: &str = reader::directory!();\n")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nlib.path = \"../lib\"\nreader.path = \"../reader\"\n"))
        .file("app/queries/one.sql", "select 1")
        .file("app/.sqlx/query.json", "json 1")
        .file(
            "app/src/main.rs",
            "fn main() {\n    println!(\"{}, {}, {}, {}\", reader::file!(\"queries/one.sql\"), reader::file!(\".sqlx/query.json\"),\n        \
             reader::file!(\"queries/later.sql\"), lib::PLACE);\n}\n",
        )
        .build()
}

/// kunobi-ninja/kache#635 and launchbadge/sqlx#4267: the file that a macro
/// read changes, and nothing else.
#[test]
fn kache_issue_635_sqlx_issue_4267_files_that_macros_read() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    assert!(says(&project, "app").starts_with("select 1, json 1, none, "));
    all_hit(&project, &["build"]);
    let rows: [(&str, &str, &str); 3] = [
        ("app/queries/one.sql", "select 2", "select 2, json 1, none, "),
        ("app/.sqlx/query.json", "json 2", "select 2, json 2, none, "),
        ("app/queries/later.sql", "later", "select 2, json 2, later, "),
    ];
    for (file, text, says_now) in rows {
        project.write(file, text);
        let runs = ran(&project, &["build"]);
        assert_eq!(runs.len(), 1, "{file} {runs:?}");
        assert!(runs[0].starts_with("app bin: "), "{file} {runs:?}");
        let said = says(&project, "app");
        assert!(said.starts_with(says_now), "{file}: {said}");
    }
    all_hit(&project, &["build"]);
    // Another target's file is not of this package's unit.
    project.append("lib/src/lib.rs", "// a comment\n");
    let runs = ran(&project, &["build"]);
    assert!(runs.iter().any(|line| line.starts_with("lib lib: ")), "{runs:?}");
    project.replace("app/queries/one.sql", "select 2", "select 3", Mtime::Older);
    project.larder(&["build"]).success();
    assert!(says(&project, "app").starts_with("select 3, "));
}

/// What lies above the package: named by the sources, or by the macro's code.
#[test]
fn sqlx_issue_4267_files_above_the_package() {
    let env = env();
    let project = project(&env);
    project.edit("app/src/main.rs", Mtime::Now, |text| {
        text.replace("queries/one.sql", "../schema/one.sql").replace("queries/later.sql", "above")
    });
    project.edit("reader/src/lib.rs", Mtime::Now, |text| {
        text.replace("let path", "let name = if name == \"\\\"above\\\"\" { \"../.sqlx/a.json\".to_owned() } else { name };\n    let path")
    });
    project.write("schema/one.sql", "select 1");
    project.write(".sqlx/a.json", "above 1");
    project.larder(&["build"]).success();
    assert!(says(&project, "app").starts_with("select 1, json 1, above 1, "));
    all_hit(&project, &["build"]);
    project.write("schema/one.sql", "select 2");
    assert_eq!(ran(&project, &["build"]), ["app bin: file {workspace}/schema/one.sql"]);
    project.write(".sqlx/a.json", "above 2");
    let runs = ran(&project, &["build"]);
    assert!(runs.contains(&"app bin: file {workspace}/.sqlx/a.json".to_owned()), "{runs:?}");
    assert!(says(&project, "app").starts_with("select 2, json 1, above 2, "));
    project.write("schema/two.sql", "nobody");
    all_hit(&project, &["build"]);
}

/// A macro that knows no place: the file is named from the working directory
/// or from the source's own.
#[test]
fn kache_issue_635_files_from_elsewhere_than_the_package() {
    let env = env();
    let project = env
        .project("relative")
        .file("Cargo.toml", format!("[workspace]\nmembers = [\"app\", \"reader\"]\nresolver = \"3\"\n\n{QUICK}"))
        .file("reader/Cargo.toml", manifest("reader", "[lib]\nproc-macro = true\n"))
        .file(
            "reader/src/lib.rs",
            r#"use proc_macro::{Literal, Span, TokenStream, TokenTree};
fn read(path: &std::path::Path) -> TokenStream {
    TokenTree::Literal(Literal::string(&std::fs::read_to_string(path).unwrap())).into()
}
#[proc_macro]
pub fn here(name: TokenStream) -> TokenStream {
    read(name.to_string().trim_matches('"').as_ref())
}
#[proc_macro]
pub fn beside(name: TokenStream) -> TokenStream {
    let source = Span::call_site().local_file().unwrap();
    read(&source.with_file_name(name.to_string().trim_matches('"')))
}
"#,
        )
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nreader.path = \"../reader\"\n"))
        .file("app/src/main.rs", "fn main() {\n    println!(\"{} {}\", reader::here!(\"sql/one.sql\"), reader::beside!(\"two.sql\"));\n}\n")
        .file("app/src/two.sql", "two 1")
        .file("sql/one.sql", "one 1")
        .build();
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "app"), "one 1 two 1\n");
    all_hit(&project.checkout("elsewhere"), &["build"]);
    for (file, from, to) in
        [("sql/one.sql", "one 1", "one 2"), ("app/src/two.sql", "two 1", "two 2")]
    {
        project.replace(file, from, to, Mtime::Older);
        assert_eq!(ran(&project, &["build"]), [format!("app bin: file {{workspace}}/{file}")]);
        assert!(says(&project, "app").contains(to));
    }
}

/// A place that a macro put into a constant is only in metadata; each checkout
/// has its own all the same.
#[test]
fn places_from_macros_are_each_checkouts_own() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    assert!(says(&project, "app").ends_with("/one/lib\n"));
    let second = project.checkout("two");
    second.larder(&["build"]).success();
    assert!(says(&second, "app").ends_with("/two/lib\n"), "{}", says(&second, "app"));
    same_as_cargo(&second, "app");
    all_hit(&project, &["build"]);
    assert!(says(&project, "app").ends_with("/one/lib\n"));
}
