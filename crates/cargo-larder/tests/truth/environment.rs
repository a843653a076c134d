//! Variables: what a program reads is in its key, with no configuration.

use crate::table::{QUICK, all_hit, env, manifest, ran, same_as_cargo, says};
use larder_test::{Mtime, Project, TestEnv};

/// `app` reads variables in every way there is: `env!`, `option_env!`, a
/// proc-macro that tells nobody, and a build script that composes names.
fn project(env: &TestEnv) -> Project<'_> {
    env.project("variables")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"app\", \"plain\", \"reader\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("reader/Cargo.toml", manifest("reader", "[lib]\nproc-macro = true\n"))
        .file(
            "reader/src/lib.rs",
            r#"use proc_macro::TokenStream;
fn text(name: &str) -> TokenStream {
    format!("{:?}", std::env::var(name).unwrap_or_else(|_| "unset".to_owned())).parse().unwrap()
}
#[proc_macro]
pub fn offline(_: TokenStream) -> TokenStream {
    text("SQLX_OFFLINE")
}
#[proc_macro]
pub fn description(_: TokenStream) -> TokenStream {
    text("CARGO_PKG_DESCRIPTION")
}
#[proc_macro]
pub fn configured(_: TokenStream) -> TokenStream {
    text("FROM_CONFIGURATION")
}
#[proc_macro]
pub fn scripted(_: TokenStream) -> TokenStream {
    text("FROM_SCRIPT")
}
"#,
        )
        .file("plain/Cargo.toml", manifest("plain", "[dependencies]\nreader.path = \"../reader\"\n"))
        .file("plain/src/lib.rs", "pub const NAME: &str = env!(\"CARGO_PKG_NAME\");\npub const SET: [&str; 2] = [reader::description!(), reader::configured!()];\n")
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nplain.path = \"../plain\"\nreader.path = \"../reader\"\n"))
        .file(
            "app/build.rs",
            r#"use std::env;
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").unwrap().to_uppercase().replace('-', "_");
    let dir = env::var(format!("{target}_OPENSSL_DIR")).unwrap_or_else(|_| "none".to_owned());
    let unmentioned = env::vars_os().count();
    assert!(unmentioned > 0);
    println!("cargo::rustc-env=DIR={dir}");
    println!("cargo::rustc-env=FROM_SCRIPT={}", env::var("DEPTH").unwrap_or_else(|_| "0".to_owned()));
}
"#,
        )
        .file(
            "app/src/main.rs",
            "fn main() {\n    println!(\n        \"{} {} {:?} {} {} {} {:?}\",\n        plain::NAME,\n        env!(\"HOME\"),\n        \
             option_env!(\"OPTION\"),\n        env!(\"DIR\"),\n        reader::offline!(),\n        reader::scripted!(),\n        \
             plain::SET,\n    );\n}\n",
        )
        .build()
}

fn with<'env>(env: &'env TestEnv, project: &str) -> Project<'env> {
    Project::open(env, env.root().join(project))
}

#[test]
fn variables_that_are_read_count() {
    let mut env = env();
    {
        // The script of this table must not read everything.
        let project = project(&env);
        project.edit("app/build.rs", Mtime::Now, |text| {
            text.lines().filter(|line| !line.contains("unmentioned")).collect::<Vec<_>>().join("\n")
        });
        project.larder(&["build"]).success();
        same_as_cargo(&project, "app");
        all_hit(&project, &["build"]);
    }
    let openssl = format!("{}_OPENSSL_DIR", env.host().to_uppercase().replace('-', "_"));
    let home = env.root().join("other-home").into_os_string();
    let rows: [(&str, std::ffi::OsString, &[&str], &str); 6] = [
        // Nobody reads it: not the compiler, not the script, not the macro.
        ("UNRELATED", "1".into(), &[], "None none unset 0"),
        ("OPTION", "some".into(), &["app bin: env OPTION"], "Some(\"some\") none unset 0"),
        (
            "SQLX_OFFLINE",
            "true".into(),
            &["app bin: env SQLX_OFFLINE (mentioned)", "plain lib: env SQLX_OFFLINE (mentioned)"],
            "None none true 0",
        ),
        ("HOME", home, &["app bin: env HOME"], "other-home None none unset 0"),
        (
            &openssl,
            "/opt/ssl".into(),
            &["app bin: dependency", &format!("app run: env {openssl} (mentioned)")],
            "None /opt/ssl unset 0",
        ),
        (
            "DEPTH",
            "9".into(),
            &["app bin: dependency", "app run: env DEPTH (mentioned)"],
            "None none unset 9",
        ),
    ];
    for (name, value, runs, text) in rows {
        let before = env.vars().get(std::ffi::OsStr::new(name)).cloned();
        env = env.with(name, value);
        let project = with(&env, "variables");
        assert_eq!(ran(&project, &["build"]), runs, "{name}");
        let said = says(&project, "app");
        assert!(said.contains(text), "{name}: {said}");
        all_hit(&project, &["build"]);
        env = match before {
            Some(value) => env.with(name, value),
            None => env.without(name),
        };
        let project = with(&env, "variables");
        all_hit(&project, &["build"]);
        assert!(says(&project, "app").contains("None none unset 0"), "{name}");
    }
}

/// What cargo itself sets for a package, and `[env]` of the configuration:
/// macros read them like any other variable.
#[test]
fn variables_that_cargo_sets_count_for_macros() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    let says_now = || says(&project, "app");
    assert!(says_now().ends_with("[\"\", \"unset\"]\n"), "{}", says_now());

    project.replace("plain/Cargo.toml", "edition", "description = \"words\"\nedition", Mtime::Now);
    let runs = ran(&project, &["build"]);
    let described = "plain lib: env CARGO_PKG_DESCRIPTION (mentioned)";
    assert_eq!(runs, ["app bin: dependency", described]);
    assert!(says_now().ends_with("[\"words\", \"unset\"]\n"), "{}", says_now());

    for value in ["one", "two"] {
        project.write(".cargo/config.toml", &format!("[env]\nFROM_CONFIGURATION = \"{value}\"\n"));
        let runs = ran(&project, &["build"]);
        let configured = "plain lib: env FROM_CONFIGURATION (mentioned)";
        assert!(runs.iter().any(|line| line == configured), "{value} {runs:?}");
        // Cargo itself overlooks the second value: it asks dep-info only.
        assert!(says_now().ends_with(&format!("[\"words\", \"{value}\"]\n")), "{}", says_now());
        all_hit(&project, &["build"]);
    }
    project.remove(".cargo");
    all_hit(&project, &["build"]);
    assert!(says_now().ends_with("[\"words\", \"unset\"]\n"), "{}", says_now());
}

/// A script that goes through the whole environment gets and counts it all;
/// but for noise.
#[test]
fn scripts_that_read_everything() {
    let mut env = env();
    project(&env).larder(&["build"]).success();
    for (name, counts) in [("UNRELATED", true), ("SHLVL", false), ("COLUMNS", false)] {
        env = env.with(name, "7");
        let runs = ran(&with(&env, "variables"), &["build"]);
        let script = runs.iter().any(|line| line.starts_with("app run: "));
        assert_eq!(script, counts, "{name} {runs:?}");
        env = env.without(name);
    }
}

/// `[env]` whose value depends on the place, and one that the user overrides.
#[test]
fn configured_variables_in_two_checkouts() {
    let mut env = env();
    {
        let project = env
            .project("one")
            .file("Cargo.toml", manifest("app", QUICK))
            .file(
                ".cargo/config.toml",
                "[env]\nPLACE = { value = \"data\", relative = true }\nWEAK = \"configured\"\nSTRONG = { value = \"configured\", force = true }\n",
            )
            .file(
                "src/main.rs",
                "fn main() {\n    println!(\"{} {} {}\", env!(\"PLACE\"), env!(\"WEAK\"), env!(\"STRONG\"));\n}\n",
            )
            .build();
        project.larder(&["build"]).success();
        same_as_cargo(&project, "app");
        let second = project.checkout("two");
        second.larder(&["build"]).success();
        same_as_cargo(&second, "app");
        assert!(says(&second, "app").contains("/two/data configured configured"));
        all_hit(&project, &["build"]);
        assert!(says(&project, "app").contains("/one/data configured configured"));
    }
    env = env.with("WEAK", "user").with("STRONG", "user");
    let project = with(&env, "one");
    project.larder(&["build"]).success();
    assert!(says(&project, "app").ends_with("/one/data user configured\n"));
    same_as_cargo(&project, "app");
}
