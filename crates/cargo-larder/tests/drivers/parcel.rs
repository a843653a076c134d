//! What the drivers are tried on: a workspace with a library, a program, a
//! build script that leaves files, a proc-macro, and tests that look for them.

use larder_test::{Output, Project, TestEnv};

pub(crate) fn env() -> TestEnv {
    TestEnv::new().with_larder(env!("CARGO_BIN_EXE_cargo-larder"))
}

/// The workspace, in a directory of that name.
pub(crate) fn parcel<'env>(env: &'env TestEnv, name: &str) -> Project<'env> {
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}")
    };
    let project = env
        .project(name)
        .file(
            "Cargo.toml",
            package(
                "parcel",
                "license = \"MIT\"\ndescription = \"A parcel\"\nauthors = [\"A <a@example.com>\"]\n\n\
                 [dependencies]\nmacros.path = \"macros\"\n\n[workspace]\nmembers = [\"macros\", \"xtask\"]\n\n\
                 [profile.dev]\ndebug = 0\n\n[package.metadata.deb]\ndepends = \"\"\nassets = [\n  \
                 [\"target/release/parcel\", \"usr/bin/\", \"755\"],\n  \
                 [\"data/text.txt\", \"usr/share/parcel/\", \"644\"],\n  \
                 [\"target/release/build/parcel-*/out/generated.txt\", \"usr/share/parcel/\", \"644\"],\n]\n",
            ),
        )
        .file(".cargo/config.toml", "[alias]\nxtask = \"run --quiet --package xtask --\"\n")
        .file("data/text.txt", "text\n")
        .file(
            "build.rs",
            "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             std::fs::write(format!(\"{out}/generated.txt\"), \"generated\\n\").unwrap();\n    \
             std::fs::write(format!(\"{out}/g.rs\"), \"pub const G: &str = \\\"g\\\";\\n\").unwrap();\n    \
             println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             println!(\"cargo::rustc-env=FROM_SCRIPT=seen\");\n    \
             println!(\"cargo::rustc-link-search=native={out}\");\n}\n",
        )
        .file(
            "src/lib.rs",
            "//! ```\n//! assert_eq!(parcel::n(), 42);\n//! ```\n\
             include!(concat!(env!(\"OUT_DIR\"), \"/g.rs\"));\n\
             pub fn n() -> u32 {\n    macros::answer!()\n}\n\n\
             #[test]\nfn unit() {\n    assert_eq!(n(), 42);\n}\n\n\
             #[test]\nfn generated() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             assert!(std::path::Path::new(&out).join(\"generated.txt\").exists());\n}\n",
        )
        .file(
            "src/main.rs",
            "fn main() {\n    println!(\"{} {} {}\", parcel::n(), parcel::G, env!(\"FROM_SCRIPT\"));\n}\n",
        )
        .file(
            "tests/it.rs",
            "#[test]\nfn runs() {\n    let here = std::env::var(\"NEXTEST_BIN_EXE_parcel\");\n    \
             let exe = here.unwrap_or(env!(\"CARGO_BIN_EXE_parcel\").into());\n    \
             let output = std::process::Command::new(exe).output().unwrap();\n    \
             assert_eq!(output.stdout, b\"42 g seen\\n\");\n}\n\n\
             #[test]\nfn data() {\n    assert!(std::path::Path::new(\"data/text.txt\").exists());\n}\n",
        )
        .file("macros/Cargo.toml", package("macros", "\n[lib]\nproc-macro = true\n"))
        .file(
            "macros/src/lib.rs",
            "use proc_macro::TokenStream;\n\n#[proc_macro]\npub fn answer(_: TokenStream) -> TokenStream {\n    \
             \"42u32\".parse().unwrap()\n}\n\n#[test]\nfn in_macros() {}\n",
        )
        .file("xtask/Cargo.toml", package("xtask", ""))
        .file(
            "xtask/src/main.rs",
            "fn main() {\n    let cargo = std::env::var(\"CARGO\").unwrap();\n    \
             for program in [cargo.as_str(), \"cargo\"] {\n        \
             let status = std::process::Command::new(program).args([\"build\", \"-p\", \"parcel\"]).status();\n        \
             assert!(status.unwrap().success());\n    }\n}\n",
        )
        .build();
    project.cargo(&["generate-lockfile"]).success();
    project
}

/// Runs a command in the project as it is.
pub(crate) fn plainly(project: &Project<'_>, command: &[&str]) -> Output {
    let (program, args) = command.split_first().expect("a program");
    env_of(project).run(project.command(program).args(args))
}

/// Runs a command in the project behind `cargo larder exec`; its builds must
/// have been larder's.
#[track_caller]
pub(crate) fn fronted(project: &Project<'_>, command: &[&str]) -> Output {
    let args: Vec<&str> = ["exec", "--"].into_iter().chain(command.iter().copied()).collect();
    let output = project.larder(&args);
    output.success().stderr_has("      Larder ").stderr_lacks("plain cargo runs");
    output
}

/// A program prints this.
#[track_caller]
pub(crate) fn prints(project: &Project<'_>, program: &str, text: &str) {
    plainly(project, &[program]).success().stdout_has(text);
}

fn env_of(project: &Project<'_>) -> TestEnv {
    TestEnv::at(project.root().parent().expect("the environment's root"))
}
