//! Wrappers of the compiler that the user has: used as cargo uses them, and
//! part of what results are keyed by.

use crate::parcel::{env, parcel, prints};
use larder_test::Project;
use std::os::unix::fs::PermissionsExt as _;

/// A wrapper that says how often it compiled, and sets a variable for rustc.
fn wrapper(project: &Project<'_>, value: &str) -> String {
    let path = project.path("tools/wrapper.sh");
    project.write(
        "tools/wrapper.sh",
        &format!(
            "#!/bin/sh\ncase \"$*\" in *--crate-name\\ ___*) ;; *--crate-name*) echo x >> '{}';; esac\n\
             WRAPPED={value} exec \"$@\"\n",
            project.path("calls").display()
        ),
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("the mode");
    path.to_str().expect("text").to_owned()
}

fn calls(project: &Project<'_>) -> usize {
    let path = project.path("calls");
    let count = std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
    let _ = std::fs::remove_file(path);
    count
}

/// The program prints a variable that only the wrapper sets.
fn wrapped_text(project: &Project<'_>) {
    project.write(
        "src/main.rs",
        "fn main() {\n    println!(\"{} {}\", parcel::n(), option_env!(\"WRAPPED\").unwrap_or(\"plain\"));\n}\n",
    );
}

#[test]
fn a_wrapper_is_used_for_what_is_compiled() {
    let env = env();
    let project = parcel(&env, "app");
    wrapped_text(&project);
    let wrapper = wrapper(&project, "one");
    // The library, the program, the script and the macro.
    let set = format!("build.rustc-wrapper={wrapper:?}");
    let args = ["build", "-p", "parcel", "--config", &set];
    project.larder(&args).success();
    assert_eq!(calls(&project), 4);
    prints(&project, "target/debug/parcel", "42 one\n");
    // What is in the store needs no wrapper.
    project.larder(&args).success().stderr_has(" 0 executed");
    assert_eq!(calls(&project), 0);
    // Without it, nothing that it made is used.
    project.larder(&["build", "-p", "parcel"]).success().stderr_has(" 5 executed");
    prints(&project, "target/debug/parcel", "42 plain\n");
    assert_eq!(calls(&project), 0);
}

#[test]
fn another_text_of_a_wrapper_is_another_wrapper() {
    let env = env();
    let project = parcel(&env, "app");
    wrapped_text(&project);
    let set = format!("build.rustc-wrapper={:?}", wrapper(&project, "one"));
    let args = ["build", "-p", "parcel", "--config", &set];
    project.larder(&args).success();
    wrapper(&project, "two");
    project.larder(&args).success();
    prints(&project, "target/debug/parcel", "42 two\n");
}

#[test]
fn a_workspace_wrapper_is_for_members() {
    let env = env();
    let project = parcel(&env, "app");
    wrapped_text(&project);
    let set = format!("build.rustc-workspace-wrapper={:?}", wrapper(&project, "one"));
    project.larder(&["build", "-p", "parcel", "--config", &set]).success();
    let cargos = project.checkout("cargos");
    cargos.cargo(&["build", "-p", "parcel", "--config", &set]).success();
    assert_eq!(calls(&project), 8, "four under each");
    prints(&project, "target/debug/parcel", "42 one\n");
    prints(&cargos, "target/debug/parcel", "42 one\n");
}

#[test]
fn a_wrapper_that_compiles_nothing_spoils_nothing() {
    // rust-analyzer's, while it runs build scripts: checks succeed at once and
    // leave no files.
    let env = env();
    let project = parcel(&env, "app");
    let path = wrapper(&project, "none");
    project.write(
        "tools/wrapper.sh",
        "#!/bin/sh\ncase \"$*\" in *--emit=dep-info,metadata*) exit 0;; esac\nexec \"$@\"\n",
    );
    let set = format!("build.rustc-wrapper={path:?}");
    let args = ["check", "--quiet", "--workspace", "--message-format=json"];
    let quick = project.larder(&[&args[..], &["--config", &set]].concat());
    quick.success().stdout_has("\"reason\":\"build-script-executed\"");
    project.larder(&args).success();
    project.append("src/lib.rs", "\npub fn wrong() -> u8 {\n    \"text\"\n}\n");
    project.larder(&args).code(101).stdout_has("mismatched types");
    project.larder(&[&args[..], &["--config", &set]].concat()).success();
    project.larder(&args).code(101).stdout_has("mismatched types");
}

#[test]
fn a_wrapper_that_is_not_there_is_named() {
    let env = env();
    let project = parcel(&env, "app");
    let args = ["build", "--config", "build.rustc-wrapper=\"/nowhere/wrapper\""];
    project.larder(&args).code(101).stderr_has("/nowhere/wrapper");
}
