//! Every instruction, in both spellings, and every error.

use super::*;
use larder_schema::plan::{Source, Template};

fn package() -> Package {
    Package {
        id: "path+file:///w/a#1.2.3".into(),
        name: "a".into(),
        version: "1.2.3".into(),
        source: Source::Path { path: "a".into() },
        root: Template::from("{workspace}/a"),
        member: true,
        links: None,
        has_library: true,
        library: Some("a".into()),
        has_cdylib: true,
        bins: vec!["tool".into()],
        has_tests: true,
        has_benches: true,
        has_examples: true,
        rust_version: None,
        edition: "2021".into(),
    }
}

fn read(text: &str, package: &Package) -> Result<Directives, DirectiveError> {
    let description = crate::describe(package, "/w/a");
    let script =
        Script { package, description: &description, nightly: false, rustc_bootstrap: None };
    parse(text.as_bytes(), &script)
}

fn said(text: &str) -> Directives {
    read(text, &package()).unwrap()
}

fn error(text: &str, change: impl FnOnce(&mut Package)) -> String {
    let mut package = package();
    change(&mut package);
    read(text, &package).unwrap_err().to_string()
}

#[test]
fn every_instruction_in_both_spellings() {
    let args = |target: LinkArgTarget| Directives {
        linker_args: vec![(target, "-x=1".into())],
        ..Directives::default()
    };
    let table = [
        (
            "rustc-link-lib=static=z",
            Directives { library_links: vec!["static=z".into()], ..Default::default() },
        ),
        (
            "rustc-link-search=native=/o",
            Directives { library_paths: vec!["native=/o".into()], ..Default::default() },
        ),
        (
            "rustc-flags=-l a -lb -L /p -Lnative=/q",
            Directives {
                library_links: vec!["a".into(), "b".into()],
                library_paths: vec!["/p".into(), "native=/q".into()],
                ..Default::default()
            },
        ),
        ("rustc-link-arg=-x=1", args(LinkArgTarget::All)),
        ("rustc-link-arg-cdylib=-x=1", args(LinkArgTarget::Cdylib)),
        ("rustc-cdylib-link-arg=-x=1", args(LinkArgTarget::Cdylib)),
        ("rustc-link-arg-bins=-x=1", args(LinkArgTarget::Bins)),
        ("rustc-link-arg-bin=tool=-x=1", args(LinkArgTarget::Bin("tool".into()))),
        ("rustc-link-arg-tests=-x=1", args(LinkArgTarget::Tests)),
        ("rustc-link-arg-benches=-x=1", args(LinkArgTarget::Benches)),
        ("rustc-link-arg-examples=-x=1", args(LinkArgTarget::Examples)),
        (
            "rustc-cfg=feature=\"f\"",
            Directives { cfgs: vec!["feature=\"f\"".into()], ..Default::default() },
        ),
        (
            "rustc-check-cfg=cfg(x)",
            Directives { check_cfgs: vec!["cfg(x)".into()], ..Default::default() },
        ),
        (
            "rustc-env=A=b=c",
            Directives { env: vec![("A".into(), "b=c".into())], ..Default::default() },
        ),
        (
            "rerun-if-changed=src/x",
            Directives { rerun_if_changed: vec!["src/x".into()], ..Default::default() },
        ),
        (
            "rerun-if-env-changed=CC",
            Directives { rerun_if_env_changed: vec!["CC".into()], ..Default::default() },
        ),
        (
            "warning=w",
            Directives { messages: vec![(Severity::Warning, "w".into())], ..Default::default() },
        ),
    ];
    for (instruction, expected) in table {
        assert_eq!(said(&format!("cargo:{instruction}")), expected, "{instruction}");
        assert_eq!(said(&format!("cargo::{instruction}  \r")), expected, "{instruction}");
    }
}

#[test]
fn metadata_and_errors_differ_by_spelling() {
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(said("cargo:include=/i=1").metadata, [pair("include", "/i=1")]);
    assert_eq!(said("cargo:metadata=k=v").metadata, [pair("metadata", "k=v")]);
    assert_eq!(said("cargo:error=e").metadata, [pair("error", "e")]);
    assert_eq!(said("cargo::metadata=k=v").metadata, [pair("k", "v")]);
    assert_eq!(said("cargo::error=e").messages, [(Severity::Error, "e".to_owned())]);
}

#[test]
fn other_lines_are_not_ours() {
    assert_eq!(said("hello\ncargorustc-cfg=x\n\n  cargo:rustc-cfg=y\n").cfgs, ["y"]);
    let package = package();
    let script =
        Script { package: &package, description: "a", nightly: false, rustc_bootstrap: None };
    let bytes = b"cargo:rustc-cfg=\xff\ncargo:rustc-cfg=z";
    assert_eq!(parse(bytes, &script).unwrap().cfgs, ["z"]);
}

#[test]
fn errors_in_the_words_of_cargo() {
    let whence = "build script of `a v1.2.3 (/w/a)`";
    let same = |_: &mut Package| {};
    assert_eq!(
        error("cargo::what=1", same),
        format!("invalid output in {whence}: `cargo::what=1`\nUnknown key: `what`.\n{DOCS}")
    );
    for (line, syntax) in [
        ("cargo:include", "cargo:"),
        ("cargo::rustc-cfg", "cargo::"),
        ("cargo::metadata=k", "cargo::metadata="),
    ] {
        assert_eq!(
            error(line, same),
            format!(
                "invalid output in {whence}: `{line}`\nExpected a line with `{syntax}KEY=VALUE` \
                 with an `=` character, but none was found.\n{DOCS}"
            )
        );
    }
    assert_eq!(
        error("cargo:rustc-flags=-l a -O", same),
        format!("only `-l` and `-L` flags are allowed in {whence}: `-l a -O`")
    );
    assert_eq!(
        error("cargo:rustc-flags=-l", same),
        format!("flag in rustc-flags has no value in {whence}: ")
    );
    assert_eq!(
        error("cargo:rustc-env=A", same),
        format!("Variable rustc-env has no value in {whence}: A")
    );
    assert_eq!(
        error("cargo:rustc-link-arg-bin=x", same),
        format!(
            "invalid instruction `cargo:rustc-link-arg-bin=x` from {whence}\nThe instruction \
             should have the form cargo:rustc-link-arg-bin=BIN=ARG"
        )
    );
    assert_eq!(
        error("cargo::rustc-link-arg-bin=x=-y", same),
        format!(
            "invalid instruction `cargo::rustc-link-arg-bin` from {whence}\nThe package \
             a v1.2.3 (/w/a) does not have a bin target with the name `x`."
        )
    );
}

#[test]
fn linker_arguments_need_their_targets() {
    for (key, kind) in
        [("bins", "bin"), ("tests", "test"), ("benches", "benchmark"), ("examples", "example")]
    {
        let got = error(&format!("cargo:rustc-link-arg-{key}=-x"), |package| {
            package.bins.clear();
            package.has_tests = false;
            package.has_benches = false;
            package.has_examples = false;
        });
        assert_eq!(
            got,
            format!(
                "invalid instruction `cargo:rustc-link-arg-{key}` from build script of \
                 `a v1.2.3 (/w/a)`\nThe package a v1.2.3 (/w/a) does not have a {kind} target."
            )
        );
    }
    let without = Package { has_cdylib: false, ..package() };
    let directives = read("cargo:rustc-link-arg-cdylib=-x", &without).unwrap();
    assert_eq!(directives.linker_args, [(LinkArgTarget::Cdylib, "-x".to_owned())]);
    assert!(directives.messages[0].1.starts_with(
        "cargo:rustc-link-arg-cdylib was specified in the build script of a v1.2.3 (/w/a), but \
         that package does not contain a cdylib target\n\nAllowing this"
    ));
}

#[test]
fn two_colons_need_a_cargo_that_knows_them() {
    let at = |version: &str| {
        let package = Package { rust_version: Some(version.into()), ..package() };
        read("cargo::rustc-cfg=x", &package)
    };
    assert!(at("1.77").is_ok());
    assert!(at("1.77.0").is_ok());
    assert!(at("1.100").is_ok());
    let message = at("1.76.9").unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "the `cargo::` syntax for build script output instructions was added in Rust 1.77.0, \
             but the minimum supported Rust version of `a v1.2.3 (/w/a)` is 1.76.9.\nSwitch to \
             the old `cargo:rustc-cfg=x` syntax (note the single colon).\n{DOCS}"
        )
    );
    let old = |package: &mut Package| package.rust_version = Some("1.60".into());
    assert!(error("cargo::metadata=k=v", old).contains("Switch to the old `cargo:k=v` syntax"));
    assert!(!error("cargo::error=e", old).contains("Switch"));
}

#[test]
fn rustc_bootstrap_is_the_users() {
    let package = package();
    let with = |nightly: bool, rustc_bootstrap: Option<&str>| {
        let script = Script { package: &package, description: "a", nightly, rustc_bootstrap };
        parse(b"cargo:rustc-env=RUSTC_BOOTSTRAP=1", &script)
    };
    let message = with(false, None).unwrap_err().to_string();
    assert!(message.starts_with("cannot set `RUSTC_BOOTSTRAP=1` from build script of `a`.\nnote:"));
    assert!(
        message.ends_with(
            "the environment variable `RUSTC_BOOTSTRAP=a` before running cargo instead."
        )
    );
    assert!(with(false, Some("b,1")).is_err());
    for allowed in [with(true, None), with(false, Some("b,a"))] {
        let directives = allowed.unwrap();
        assert!(directives.env.is_empty());
        assert_eq!(directives.messages[0].0, Severity::Warning);
    }
}

#[test]
fn a_script_that_failed_leaves_its_messages() {
    let text = b"cargo:warning= a \ncargo::warning=b\ncargo::error=c\ncargo:error=d\n";
    assert_eq!(
        messages(text),
        [
            (Severity::Warning, " a ".to_owned()),
            (Severity::Warning, "b".to_owned()),
            (Severity::Error, "c".to_owned()),
        ]
    );
}
