//! Scripts and other callers of cargo, and how they name it.

use crate::parcel::{env, fronted, parcel, plainly, prints};

#[test]
fn every_name_of_cargo_leads_to_larder() {
    let env = env();
    let project = parcel(&env, "app");
    let script = "set -e; cargo build; \"$CARGO\" check; env -u CARGO cargo build; CARGO=/nowhere cargo build; \
                  cargo --version; cargo metadata --format-version 1 --no-deps";
    let output = fronted(&project, &["sh", "-c", script]);
    assert_eq!(output.stderr.matches("      Larder ").count(), 4, "{}", output.all());
    output.stdout_has("cargo 1.").stdout_has("\"packages\"");
    prints(&project, "target/debug/parcel", "42 g seen\n");
    assert!(!project.path("target/debug/.fingerprint").exists());
}

#[test]
fn toolchains_are_chosen_behind_the_front() {
    let env = env();
    let project = parcel(&env, "app");
    // The name of the toolchain that the tests run with, or rustup's default.
    let rustup = plainly(&project, &["rustup", "show", "active-toolchain"]);
    let Some(name) = rustup.raw_stdout.split_whitespace().next() else {
        // Without rustup no cargo understands `+toolchain`.
        assert!(!rustup.status.success(), "{}", rustup.all());
        return;
    };
    let plus = format!("+{name}");
    fronted(&project, &["cargo", &plus, "build"]).stderr_has("0 from the store");
    fronted(&project, &["cargo", "build"]).stderr_has(" 0 executed");
}

#[test]
fn an_alias_is_the_command_that_it_stands_for() {
    let env = env();
    let project = parcel(&env, "app");
    // The alias, and what its program calls: by `CARGO`, then by `PATH`.
    let output = fronted(&project, &["cargo", "xtask"]);
    assert_eq!(output.stderr.matches("      Larder ").count(), 2, "{}", output.all());
    output.stderr_has("executed").stderr_has(" 0 executed");
    assert!(!project.path("target/debug/.fingerprint").exists());
    project.larder(&["xtask"]).success().stderr_lacks("plain cargo runs it");
}

#[test]
fn one_front_is_enough() {
    let env = env();
    let project = parcel(&env, "app");
    let larder = env!("CARGO_BIN_EXE_cargo-larder");
    let output = fronted(&project, &[larder, "larder", "exec", "--", "cargo", "build"]);
    output.stderr_has(" 0 from the store");
    project.larder(&["build"]).success().stderr_has(" 0 executed");
}

#[test]
#[ignore = "wants make: cargo xtask drivers"]
fn make_builds_through_larder() {
    let env = env();
    let project = parcel(&env, "app");
    project.write(
        "Makefile",
        "CARGO ?= cargo\nall:\n\t+$(CARGO) build --release\n\tcargo test --lib\n",
    );
    let output = fronted(&project, &["make", "-j2"]);
    assert_eq!(output.stderr.matches("      Larder ").count(), 2, "{}", output.all());
    prints(&project, "target/release/parcel", "42 g seen\n");
}

#[test]
#[ignore = "wants just: cargo xtask drivers"]
fn just_builds_through_larder() {
    let env = env();
    let project = parcel(&env, "app");
    project.write("justfile", "build:\n    cargo build --release\n");
    fronted(&project, &["just", "build"]).success();
    prints(&project, "target/release/parcel", "42 g seen\n");
}
