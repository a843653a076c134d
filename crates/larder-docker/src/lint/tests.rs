//! Every rule with its own two Dockerfiles, the generated ones, and the page.

use super::{Finding, RULES, Subject, lint, reference_page, sarif};
use crate::document::Document;
use crate::generate::{dockerfile, dockerignore, tests::matrix};

fn findings(text: &str, dockerignore: Option<&str>) -> Vec<Finding> {
    let document = Document::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    lint(&Subject { document: &document, dockerignore })
}

#[test]
fn every_rule_finds_its_mistake_and_nothing_where_it_is_mended() {
    for rule in RULES {
        // What this one rule is about is missing on purpose in its own example.
        let ignore = (rule.id != "dockerignore").then_some("/target\n");
        let names = |text| {
            let mut names: Vec<_> = findings(text, ignore).iter().map(|f| f.rule).collect();
            names.dedup();
            names
        };
        assert!(names(rule.bad).contains(&rule.id), "{}: {:?}", rule.id, names(rule.bad));
        assert_eq!(names(rule.good), [""; 0], "{}", rule.id);
    }
}

#[test]
fn rules_are_in_order_and_well_named() {
    assert!(RULES.is_sorted_by_key(|rule| rule.id));
    for rule in RULES {
        assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
        assert!(rule.reason.ends_with('.') && rule.fix.ends_with('.'), "{}", rule.id);
        assert!(!rule.title.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn generated_files_have_no_findings() {
    for settings in matrix() {
        let text = dockerfile(&settings).unwrap();
        let ignore = dockerignore("Dockerfile");
        assert_eq!(findings(&text, Some(&ignore)), [], "{text}");
    }
}

#[test]
fn a_comment_allows_a_finding() {
    let text = "# larder-lint: allow(latest-tag, root-user)\nFROM rust\n";
    let rules: Vec<_> = findings(text, None).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [""; 0]);
}

#[test]
fn cargo_new_makes_a_dummy_too() {
    let text = "FROM rust:1.95 AS b\nRUN cargo new --bin /app\nWORKDIR /app\n\
                COPY Cargo.toml Cargo.lock ./\nRUN cargo build --locked\nCOPY src src\n\
                RUN cargo build --locked\nFROM debian:bookworm-slim\nUSER 1\n";
    let rules: Vec<_> = findings(text, None).iter().map(|f| (f.line, f.rule)).collect();
    assert_eq!(rules, [(2, "dummy-sources")]);
}

/// Each line that is wrong, and what for.
fn said(text: &str) -> Vec<(usize, &'static str)> {
    findings(text, Some("/target\n")).iter().map(|f| (f.line, f.rule)).collect()
}

#[test]
fn a_copied_target_was_cooked_as_the_build_wants_it() {
    let text = |chef: &str, flags: &str| {
        format!(
            "FROM {chef} AS cook\nWORKDIR /app\nCOPY recipe.json .\n\
             RUN cargo chef cook --locked {flags}\nFROM rust:1.95-bookworm AS build\n\
             WORKDIR /app\nCOPY --from=cook /app/target target\nCOPY . .\n\
             RUN cargo build --locked --release\nFROM debian:bookworm-slim\nUSER 1\n"
        )
    };
    assert_eq!(said(&text("chef/cargo-chef:0.1-rust-1.95-bookworm", "--release")), []);
    assert_eq!(said(&text("rust:1.95.0-bookworm", "--release")), []);
    let other = text("chef/cargo-chef:0.1-rust-1.94-bookworm", "--release");
    assert_eq!(said(&other), [(7, "cook-image")]);
    assert_eq!(said(&text("rust:1.95-alpine", "--release")), [(7, "cook-image")]);
    assert_eq!(said(&text("rust:1.95-bookworm", "")), [(9, "cook-flags")]);
}

#[test]
fn a_tag_that_says_only_the_system_is_no_version() {
    for (image, floats) in [
        ("rust:bookworm", true),
        ("rust:slim", true),
        ("chef/cargo-chef:latest-rust-alpine3.22", true),
        ("chef/cargo-chef:latest-rust-1.95", false),
        ("rust:1-alpine", false),
        ("debian:bookworm-slim", false),
    ] {
        let text = format!("FROM {image} AS build\nFROM debian:bookworm-slim\nUSER 1\n");
        let expected: &[_] = if floats { &[(1, "latest-tag")] } else { &[] };
        assert_eq!(said(&text), expected, "{image}");
    }
}

#[test]
fn an_image_of_rust_without_a_release_has_that_of_its_time() {
    for (builder, base, fits) in [
        ("rust:1.90", "debian:bookworm-slim", false),
        ("rust:1.95-slim", "gcr.io/distroless/cc-debian12:nonroot", false),
        ("rust:1", "debian:bookworm-slim", false),
        ("rust:1.95", "debian:trixie-slim", true),
        ("rust:1.85", "debian:bookworm-slim", true),
        ("rust:1.85", "debian:bullseye-slim", false),
        ("chef/cargo-chef:0.1.78-rust-1.91", "debian:bookworm-slim", false),
        ("rust:1.95-slim-bookworm", "debian:bookworm-slim", true),
    ] {
        let text = format!(
            "FROM {builder} AS b\nWORKDIR /app\nCOPY src src\nRUN cargo build --locked --release\n\
             FROM {base}\nCOPY --from=b /app/target/release/app /\nUSER 1\n"
        );
        let expected: &[_] = if fits { &[] } else { &[(6, "libc-mismatch")] };
        assert_eq!(said(&text), expected, "{builder} {base}");
    }
}

#[test]
fn a_binary_is_copied_from_where_its_target_puts_it() {
    let text = |build: &str, source: &str| {
        format!(
            "FROM rust:1.95 AS b\nARG T\nWORKDIR /app\nCOPY src src\nRUN {build}\n\
             FROM debian:trixie-slim\nCOPY --from=b /app/target/{source}/app /\nUSER 1\n"
        )
    };
    let (gnu, musl) = ("armv7-unknown-linux-gnueabihf", "armv7-unknown-linux-musleabihf");
    let build = |target: &str| format!("cargo build --locked --release --target {target}");
    let wrong = [(7, "artifact-target")];
    assert_eq!(said(&text(&build(gnu), &format!("{musl}/release"))), wrong);
    assert_eq!(said(&text(&build(gnu), "release")), wrong);
    assert_eq!(said(&text(&build(gnu), &format!("{gnu}/release"))), []);
    assert_eq!(said(&text(&build("\"$T\""), "release")), []);
    let moved = format!("{} && mv target/{gnu}/release target/release", build(gnu));
    assert_eq!(said(&text(&moved, "release")), []);
}

#[test]
fn programs_that_call_cargo_meet_the_same_trap() {
    let text = "FROM rust:1.95 AS b\nARG TARGETPLATFORM\nWORKDIR /app\nCOPY src src\n\
                RUN --mount=type=cache,id=a-$TARGETPLATFORM,target=/app/target,sharing=locked \\\n\
                dx build --release && cp -r target/dx /\nFROM debian:bookworm-slim\nUSER 1\n";
    assert_eq!(said(text), [(5, "target-mount-mtime")]);
}

/// Shapes of files that are right, and were taken for wrong once.
#[test]
fn what_is_not_sure_is_not_said() {
    for text in [
        // A value of `--features` that comes from outside, or is what holds anyway.
        "FROM rust:1.95 AS b\nARG F\nARG G=default\nCOPY recipe.json .\n\
         RUN cargo chef cook --locked --release\nCOPY src src\n\
         RUN cargo build --locked --release --features \"$F\"\n\
         RUN cargo build --locked --release --features \"$G\"\n\
         FROM debian:bookworm-slim\nUSER 1\n",
        // One cook per profile, one build per profile.
        "FROM rust:1.95 AS b\nARG R\nCOPY recipe.json .\nRUN if [ \"$R\" ]; then \\\n\
         cargo chef cook --locked --release; else cargo chef cook --locked; fi\nCOPY src src\n\
         RUN if [ \"$R\" ]; then cargo build --locked --release; else cargo build --locked; fi\n\
         FROM debian:bookworm-slim\nUSER 1\n",
        // A compiler cache's store, under a variable's name.
        "FROM rust:1.95 AS b\nCOPY . .\nRUN --mount=type=cache,target=$SCCACHE_DIR,sharing=shared \\\n\
         RUSTC_WRAPPER=sccache cargo build --locked\nFROM debian:bookworm-slim\nUSER 1\n",
        // An image to build in.
        "FROM rust:1.95\nRUN rustup target add wasm32-unknown-unknown\nUSER 1\n",
    ] {
        assert_eq!(findings(text, Some("/target\n")), [], "{text}");
    }
}

#[test]
fn sarif_names_rule_and_line() {
    let log = sarif("Dockerfile", &findings("FROM debian\n", None), "1");
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "latest-tag");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], "latest-tag");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whether to write the page")]
fn lint_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/lint.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, reference_page()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(page == reference_page(), "run `UPDATE_DOCS=1 cargo test -p larder-docker lint_page`");
}
