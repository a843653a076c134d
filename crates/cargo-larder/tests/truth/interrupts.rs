//! Signals as a terminal sends them, to the whole process group, while a build
//! waits at a place that is known: the process ends as cargo does, everything
//! that it started is gone, and the store holds what was finished and nothing
//! else.

use crate::table::{QUICK, env, lines, manifest, says};
use larder_schema::report::Report;
use larder_store::{DiskStore, GcPolicy};
use larder_test::{Project, TestEnv};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Writes its process id and that of a child, and waits for a file `go`.
const LATCH: &str = r#"
fn latch() {
    use std::{fs, path::Path, process, thread, time::Duration};
    let Some(dir) = std::env::var_os("LATCH") else { return };
    let dir = Path::new(&dir);
    if dir.join("go").exists() { return }
    let child = process::Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(dir.join("new"), format!("{}\n{}\n", process::id(), child.id())).unwrap();
    fs::rename(dir.join("new"), dir.join("ready")).unwrap();
    while !dir.join("go").exists() { thread::sleep(Duration::from_millis(5)); }
}
"#;

/// A package with a script and a proc-macro that rustc runs, and a program with
/// a test: each waits if `at` names it.
fn project<'env>(env: &'env TestEnv, at: &str) -> Project<'env> {
    let wait = |place: &str| if place == at { "latch();" } else { "" };
    env.project("interrupted")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"done\", \"slow\", \"app\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("done/Cargo.toml", manifest("done", ""))
        .file("done/src/lib.rs", "pub const DONE: u8 = 1;\n")
        .file("slow/Cargo.toml", manifest("slow", "[lib]\nproc-macro = true\n\n[dependencies]\ndone.path = \"../done\"\n\n[build-dependencies]\ndone.path = \"../done\"\n"))
        .file(
            "slow/build.rs",
            format!(
                "{LATCH}\nfn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
                 let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                 std::fs::write(out + \"/made\", [done::DONE]).unwrap();\n    {}\n}}\n",
                wait("script")
            ),
        )
        .file(
            "slow/src/lib.rs",
            format!(
                "{LATCH}\n#[proc_macro]\npub fn answer(_: proc_macro::TokenStream) -> \
                 proc_macro::TokenStream {{\n    {}\n    \"42\".parse().unwrap()\n}}\n",
                wait("rustc")
            ),
        )
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nslow.path = \"../slow\"\n"))
        .file(
            "app/src/main.rs",
            format!(
                "{LATCH}\nfn main() {{\n    {}\n    println!(\"{{}}\", slow::answer!());\n}}\n\
                 #[test]\nfn waits() {{ {} }}\n",
                wait("run"),
                wait("test")
            ),
        )
        .build()
}

/// Starts `command` in a group of its own, waits until it is at the latch,
/// signals the group, and says how the process ended. Whatever it started has
/// ended then.
fn interrupted(mut command: Command, latch: &Path, signal: Signal) -> ExitStatus {
    let ready = latch.join("ready");
    let _ = std::fs::remove_file(&ready);
    let err = latch.join("stderr");
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(std::fs::File::create(&err).expect("a file"));
    let mut child = command.spawn().expect("a build");
    let start = Instant::now();
    while !ready.exists() {
        let over = child.try_wait().expect("a child");
        let said = || std::fs::read_to_string(&err).unwrap_or_default();
        assert!(over.is_none() && start.elapsed().as_secs() < 120, "{over:?}\n{}", said());
        std::thread::sleep(Duration::from_millis(5));
    }
    killpg(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), signal).expect("a group");
    let status = child.wait().expect("an end");
    for pid in std::fs::read_to_string(&ready).expect("process ids").lines() {
        let start = Instant::now();
        while is_alive(pid) {
            assert!(start.elapsed().as_secs() < 60, "{pid} is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let said = std::fs::read_to_string(&err).expect("standard error");
    assert!(!said.contains("error"), "{said}");
    status
}

/// Whether a process runs; one that ended but was not waited for does not.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some(Some('Z' | 'X')))
}

fn larder(project: &Project<'_>, env: &TestEnv, command: &str) -> Command {
    let mut larder = env.larder_command();
    larder.arg(command).current_dir(project.root());
    larder
}

/// The files below the store's directory for locks of keys.
fn locks(dir: &Path) -> Vec<PathBuf> {
    let entries = |dir: &Path| {
        let found = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
        found.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for path in entries(dir).into_iter().filter(|path| path.is_dir() && !path.is_symlink()) {
        let is_of_keys = path.ends_with("run/keys");
        found.extend(if is_of_keys { entries(&path) } else { locks(&path) });
    }
    found
}

#[test]
fn a_signal_ends_a_build_as_it_ends_cargo() {
    for (at, command, signal, missing) in [
        ("script", "build", Signal::SIGINT, &["app bin", "slow macro", "slow run"][..]),
        ("rustc", "check", Signal::SIGTERM, &["app bin"]),
        ("run", "run", Signal::SIGINT, &[]),
        ("test", "test", Signal::SIGTERM, &[]),
    ] {
        let env = env();
        let latch = env.root().join("latch");
        std::fs::create_dir(&latch).expect("a directory");
        let env = env.with("LATCH", &latch);
        let project = project(&env, at);
        let mut cargo = project.command("cargo");
        cargo.args([command, "--target-dir", "cargo-target"]);
        let expected = interrupted(cargo, &latch, signal);
        assert_eq!(expected.signal(), Some(signal as i32), "{at} {command}");
        let status = interrupted(larder(&project, &env, command), &latch, signal);
        assert_eq!(status, expected, "{at} {command} {signal}");

        assert_eq!(locks(&env.store()), [""; 0].map(PathBuf::from), "{at} {command} {signal}");
        let store = DiskStore::open(&env.store()).expect("the store");
        let collected =
            store.gc(GcPolicy { max_bytes: None, max_age: None }).expect("a collection");
        assert_eq!((collected.orphans, collected.removed), (0, 0), "{at} {command} {signal}");

        std::fs::write(latch.join("go"), "").expect("a file");
        let report = env.root().join("report.json");
        let mut next = larder(&project, &env, command);
        let output = next.arg("--report").arg(&report).output().expect("a build");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Report =
            serde_json::from_slice(&std::fs::read(&report).expect("a report")).expect("a report");
        let ran = lines(&report);
        let ran: Vec<_> = ran.iter().filter_map(|l| l.split_once(':')).map(|(u, _)| u).collect();
        assert_eq!(ran, missing, "{at} {command} {signal}");
        if command == "build" {
            assert_eq!(says(&project, "app"), "42\n");
        }
    }
}
