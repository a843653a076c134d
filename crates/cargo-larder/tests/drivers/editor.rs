//! An editor's checks, as rust-analyzer asks for them: message by message what
//! cargo says, with files that are there and load.

use crate::parcel::{env, parcel};
use larder_test::{Output, Project};
use serde_json::Value;
use std::path::Path;

const CHECK: &[&str] = &[
    "check",
    "--workspace",
    "--all-targets",
    "--keep-going",
    "--message-format=json-diagnostic-rendered-ansi",
];

fn messages(output: &Output) -> Vec<Value> {
    let lines = output.raw_stdout.lines();
    lines.map(|line| serde_json::from_str(line).expect("a message")).collect()
}

/// The messages without places, in an order that does not depend on which unit
/// was ready first: a macro's library is both compiled and checked, and the two
/// messages differ only in their files.
fn comparable(messages: &[Value], exist: bool) -> Vec<Value> {
    let mut all = messages.to_vec();
    all.iter_mut().for_each(|message| without_places(message, exist));
    all.sort_by_cached_key(Value::to_string);
    all
}

/// Takes the names of files out; they must be there. What is left of them is
/// what does not depend on hashes and directories: how many there are, and of
/// which kind.
fn without_places(message: &mut Value, exist: bool) {
    let kind = |path: &Value| {
        let path = Path::new(path.as_str().expect("a path"));
        assert!(!exist || path.exists(), "no {}", path.display());
        Value::from(path.extension().map(|e| e.to_string_lossy().into_owned()))
    };
    for key in ["filenames", "linked_paths"] {
        if let Some(paths) = message.get_mut(key).and_then(Value::as_array_mut) {
            for path in paths {
                let text = path.as_str().expect("a path");
                *path = kind(&Value::from(text.strip_prefix("native=").unwrap_or(text)));
            }
        }
    }
    if let Some(dir) = message.get_mut("out_dir") {
        *dir = kind(dir);
    }
}

#[track_caller]
fn same_messages(cargo: &Output, larder: &Output) -> Vec<Value> {
    assert_eq!(cargo.status.code(), larder.status.code(), "{}", larder.all());
    let ours = messages(larder);
    let (theirs, shown) = (comparable(&messages(cargo), false), comparable(&ours, true));
    assert_eq!(theirs.len(), shown.len(), "{}\n{}", cargo.all(), larder.all());
    for (theirs, ours) in theirs.iter().zip(&shown) {
        assert_eq!(theirs, ours);
    }
    ours
}

fn clean(project: &Project<'_>) {
    if project.path("target").exists() {
        project.remove("target");
    }
}

#[test]
fn checks_say_what_cargo_says() {
    let env = env();
    let project = parcel(&env, "app");
    project.append("src/lib.rs", "\npub fn careless() {\n    let unused = 1;\n}\n");
    let cold = project.cargo(CHECK);
    let warm = project.cargo(CHECK);
    clean(&project);
    let ours = same_messages(&cold, &project.larder(CHECK));
    same_messages(&warm, &project.larder(CHECK));
    // Without the target directory everything is as warm as with it.
    clean(&project);
    same_messages(&warm, &project.larder(CHECK));

    // The proxy server of the editor loads this; rustc does, too.
    let of_macros = ours.iter().find(|message| {
        message["reason"] == "compiler-artifact" && message["target"]["kind"][0] == "proc-macro"
    });
    let library = of_macros.expect("the macro's artifact")["filenames"][0].as_str().unwrap();
    project.write("loads.rs", "pub const N: u32 = macros::answer!();\n");
    let mut rustc = project.command("rustc");
    rustc.args(["--edition=2021", "--crate-type=lib", "--emit=metadata", "loads.rs", "--extern"]);
    env.run(rustc.arg(format!("macros={library}"))).success();

    // The directory that the editor reads generated code from.
    let script = ours.iter().find(|message| message["reason"] == "build-script-executed");
    let out_dir = script.expect("the script's message")["out_dir"].as_str().unwrap();
    assert!(Path::new(out_dir).join("g.rs").is_file());
    assert!(out_dir.starts_with(project.root().to_str().unwrap()), "{out_dir}");
}

#[test]
fn checks_of_wrong_code_say_what_cargo_says() {
    let env = env();
    let project = parcel(&env, "app");
    project.append("src/lib.rs", "\npub fn wrong() -> u8 {\n    \"text\"\n}\n");
    project.append("xtask/src/main.rs", "\nfn unused() {}\n");
    let cold = project.cargo(CHECK);
    let warm = project.cargo(CHECK);
    cold.code(101);
    clean(&project);
    same_messages(&cold, &project.larder(CHECK));
    same_messages(&warm, &project.larder(CHECK));
}
