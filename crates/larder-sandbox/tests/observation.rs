//! Real processes, each with a habit, under each mechanism that works here.
//! What they do has to be seen, and has to go as it would unobserved.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use larder_sandbox::capabilities::Capabilities;
use larder_sandbox::inputs::{inputs, writes};
use larder_sandbox::observation::{
    Domain, Found, Gap, Mechanism, Observation, Query, Refusal, Socket, Unobserved, Uses,
};
use larder_sandbox::process::{Process, Stream};
use larder_sandbox::watch::{self, Observe, Watch};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const ALL: [Way; 4] = [
    Way::By(Mechanism::Notify),
    Way::Recorded,
    Way::By(Mechanism::Trace),
    Way::By(Mechanism::TraceEvery),
];

/// How a process is observed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    By(Mechanism),
    /// By notification, where the process does not record it itself.
    Recorded,
}

impl Way {
    fn mechanism(self) -> Mechanism {
        match self {
            Self::By(mechanism) => mechanism,
            Self::Recorded => Mechanism::Notify,
        }
    }

    fn watch(self) -> Watch {
        let observe = Observe::Only(self.mechanism());
        let library = (self == Self::Recorded).then(library).flatten();
        Watch { observe, library, ..Watch::default() }
    }
}

/// The library, in a place of its own: tests of one process share it.
fn library() -> Option<PathBuf> {
    static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    watch::library(PLACE.path()).unwrap()
}

struct Ran {
    status: ExitStatus,
    stdout: Vec<String>,
    seen: Observation,
}

impl Ran {
    fn uses(&self, path: &Path) -> Uses {
        self.seen.paths.get(path).map_or(Uses::empty(), |touched| touched.uses)
    }

    fn found(&self, path: &Path) -> Option<Found> {
        self.seen.paths.get(path).map(|touched| touched.found)
    }
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(directory.path()).unwrap();
    (directory, path)
}

fn habits() -> PathBuf {
    // target/<profile>/deps/<test> beside target/<profile>/examples/habits.
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("examples/habits")
}

fn process(program: impl Into<PathBuf>, args: &[&str], cwd: &Path) -> Process {
    Process {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: cwd.to_owned(),
    }
}

fn shell(script: &str, cwd: &Path) -> Process {
    process("/bin/sh", &["-c", script], cwd)
}

fn observe(process: &Process, way: Way) -> Ran {
    let mut stdout = Vec::new();
    let watched = process
        .run_watched(&way.watch(), &mut |stream, line| {
            if stream == Stream::Stdout {
                stdout.push(line.to_owned());
            }
        })
        .unwrap();
    let seen = watched.observation.unwrap_or_else(|reason| panic!("{way:?}: {reason}"));
    assert_eq!(seen.mechanism, way.mechanism());
    Ran { status: watched.ended.status, stdout, seen }
}

/// Runs a script in a directory of its own under each mechanism.
fn each(prepare: &dyn Fn(&Path), script: &str, check: &dyn Fn(&Ran, &Path)) {
    for way in ALL {
        let (_guard, path) = directory();
        prepare(&path);
        let ran = observe(&shell(script, &path), way);
        assert_eq!(ran.seen.gaps, [].into(), "{way:?}");
        check(&ran, &path);
    }
}

fn write(path: &Path, name: &str) {
    std::fs::write(path.join(name), name).unwrap();
}

#[test]
fn what_is_read_asked_about_and_missing_is_seen() {
    each(
        &|dir| write(dir, "read"),
        "cat read; test -e asked; cat missing; cat nowhere/below; true",
        &|ran, dir| {
            assert_eq!(ran.stdout, ["read"]);
            assert!(ran.uses(&dir.join("read")).contains(Uses::READ));
            assert_eq!(ran.found(&dir.join("read")), Some(Found::File));
            assert_eq!(ran.found(&dir.join("asked")), Some(Found::Absent));
            assert!(ran.uses(&dir.join("asked")).contains(Uses::PROBED));
            assert_eq!(ran.found(&dir.join("missing")), Some(Found::Absent));
            assert_eq!(ran.found(&dir.join("nowhere/below")), Some(Found::Absent));
        },
    );
}

#[test]
fn programs_are_seen_with_their_interpreters() {
    each(
        &|dir| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::write(dir.join("tool"), "#!/bin/sh\necho tool\n").unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(dir.join("tool"), mode).unwrap();
        },
        "./tool; no-such-tool; true",
        &|ran, dir| {
            assert_eq!(ran.stdout, ["tool"]);
            assert!(ran.uses(&dir.join("tool")).contains(Uses::EXECUTED));
            assert!(ran.uses(Path::new("/bin/sh")).contains(Uses::EXECUTED));
            let loaders = ran
                .seen
                .paths
                .iter()
                .filter(|(_, touched)| touched.uses.contains(Uses::EXECUTED))
                .filter(|(path, _)| path.to_string_lossy().contains("/ld-"));
            assert_eq!(loaders.count(), 1, "the loader, which the kernel opens");
            let absent = ran.found(Path::new("/usr/bin/no-such-tool"));
            assert_eq!(absent, Some(Found::Absent), "looked for on PATH");
        },
    );
}

#[test]
fn directories_are_listed_and_links_read() {
    each(
        &|dir| {
            std::fs::create_dir(dir.join("listed")).unwrap();
            write(dir, "listed/a");
            std::os::unix::fs::symlink("listed", dir.join("link")).unwrap();
        },
        "ls listed; readlink link; cat link/../listed/a",
        &|ran, dir| {
            assert!(ran.uses(&dir.join("listed")).contains(Uses::LISTED));
            assert!(ran.uses(&dir.join("link")).contains(Uses::LINK));
            assert!(ran.uses(&dir.join("listed/a")).contains(Uses::READ));
            assert!(ran.seen.paths.keys().all(|path| !path.to_string_lossy().contains("..")));
        },
    );
}

#[test]
fn writes_are_told_from_inputs() {
    each(
        &|dir| {
            for name in ["old", "gone", "grows", "replaced"] {
                write(dir, name);
            }
        },
        "mkdir made; echo x > made/x; cat made/x; mv old new; cat new; rm gone; \
         echo y >> grows; echo z > tmp; cat tmp; mv tmp replaced; cat replaced; \
         echo t > passing; rm passing; ln -s nowhere link",
        &|ran, dir| {
            let dirs = dir.to_owned();
            let inside = |path: &&PathBuf| path.starts_with(&dirs);
            let left = writes(&ran.seen, &|path| !path.starts_with(&dirs));
            let name = |path: &PathBuf| path.strip_prefix(&dirs).unwrap().display().to_string();
            let left: Vec<_> = left.iter().map(name).collect();
            assert_eq!(
                left,
                ["gone", "grows", "link", "made", "made/x", "new", "old", "replaced"],
                "{:?}",
                ran.seen.mechanism
            );
            let inputs = inputs(&ran.seen, &|_| false);
            let read: Vec<_> = inputs
                .iter()
                .filter(|(path, uses)| {
                    inside(path) && uses.contains(&larder_schema::pathset::PathUse::Content)
                })
                .map(|(path, _)| name(path))
                .collect();
            assert_eq!(read, ["old"], "what it made itself is no input");
        },
    );
}

#[test]
fn what_own_links_lead_to_is_an_input() {
    each(
        &|dir| {
            std::fs::create_dir(dir.join("given")).unwrap();
            write(dir, "given/a");
            write(dir, "given/b");
        },
        "cat made/a; ln -s given made; cat made/a; mkdir sub; ln -s ../given/b sub/b; \
         mv sub moved; cat moved/b; cat later/../given/a; mkdir later; cat later/../given/a",
        &|ran, dir| {
            assert_eq!(ran.stdout, ["given/agiven/bgiven/a"]);
            let inputs = inputs(&ran.seen, &|_| false);
            for name in ["given/a", "given/b"] {
                let uses = inputs.get(&dir.join(name));
                let content = larder_schema::pathset::PathUse::Content;
                assert!(uses.is_some_and(|uses| uses.contains(&content)), "{name}");
            }
        },
    );
}

#[test]
fn ways_that_are_turned_lead_where_they_lead_then() {
    each(
        &|dir| {
            for name in ["one/in", "two/in"] {
                std::fs::create_dir_all(dir.join(name)).unwrap();
            }
            for name in ["one/a", "two/a", "a"] {
                write(dir, name);
            }
        },
        "ln -s one/in way; cat way/../a; rm way; ln -s two/in way; cat way/../a; \
         rm way; mkdir way; cat way/../a",
        &|ran, dir| {
            assert_eq!(ran.stdout, ["one/atwo/aa"]);
            for name in ["one/a", "two/a", "a"] {
                assert!(ran.uses(&dir.join(name)).contains(Uses::READ), "{name}");
            }
        },
    );
}

#[test]
fn threads_and_spawned_children_are_seen() {
    let habits = habits();
    for way in ALL {
        let (_guard, dir) = directory();
        let paths: Vec<String> = (0..16)
            .map(|index| {
                write(&dir, &index.to_string());
                dir.join(index.to_string()).display().to_string()
            })
            .collect();
        let mut args = vec!["threads"];
        args.extend(paths.iter().map(String::as_str));
        let ran = observe(&process(&habits, &args, &dir), way);
        assert!(ran.status.success());
        for path in &paths {
            assert!(ran.uses(Path::new(path)).contains(Uses::READ), "{way:?} {path}");
        }
        let ran = observe(&process(&habits, &["spawn", "/bin/cat", &paths[3]], &dir), way);
        assert_eq!(ran.stdout, ["3"]);
        assert!(ran.uses(Path::new(&paths[3])).contains(Uses::READ));
        assert!(ran.uses(Path::new("/bin/cat")).contains(Uses::EXECUTED));
    }
}

#[test]
fn relative_paths_follow_the_working_directory() {
    for way in ALL {
        let (_guard, dir) = directory();
        std::fs::create_dir(dir.join("sub")).unwrap();
        write(&dir, "beside");
        write(&dir, "sub/in");
        let ran = observe(&process(habits(), &["walk"], &dir), way);
        assert!(ran.status.success());
        assert!(ran.uses(&dir.join("beside")).contains(Uses::READ));
        assert!(ran.uses(&dir.join("sub/in")).contains(Uses::READ));
    }
}

#[test]
fn a_static_program_is_seen() {
    let (_guard, dir) = directory();
    write(&dir, "read");
    let source = "fn main() { print!(\"{}\", std::fs::read_to_string(\"read\").unwrap()) }";
    std::fs::write(dir.join("static.rs"), source).unwrap();
    let built = std::process::Command::new("rustc")
        .args(["-Ctarget-feature=+crt-static", "static.rs"])
        .current_dir(&dir)
        .status()
        .unwrap();
    assert!(built.success());
    for way in ALL {
        let ran = observe(&process(dir.join("static"), &[], &dir), way);
        assert_eq!(ran.stdout, ["read"]);
        assert!(ran.uses(&dir.join("read")).contains(Uses::READ), "{way:?}");
        assert!(!ran.seen.paths.keys().any(|path| path.to_string_lossy().contains("libc.so")));
    }
}

#[test]
fn exit_codes_and_signals_are_its_own() {
    for way in ALL {
        let (_guard, dir) = directory();
        let code = |script: &str| observe(&shell(script, &dir), way).status;
        assert_eq!(code("exit 7").code(), Some(7), "{way:?}");
        assert_eq!(code("kill -KILL $$").signal(), Some(9), "{way:?}");
        assert_eq!(code("kill -SEGV $$").signal(), Some(11), "{way:?}");
        let caught = "trap 'echo caught' USR1; kill -USR1 $$; cat /dev/null";
        assert_eq!(observe(&shell(caught, &dir), way).stdout, ["caught"]);
        // Stopped, and continued by somebody else.
        let stopped = "(sleep 0.2; kill -CONT $$) & kill -STOP $$; wait; echo on";
        assert_eq!(observe(&shell(stopped, &dir), way).stdout, ["on"], "{way:?}");
        // A real-time signal, which has no name.
        let real_time = "trap 'echo rt' 40; kill -40 $$; cat /dev/null";
        assert_eq!(observe(&shell(real_time, &dir), way).stdout, ["rt"], "{way:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_an_error_as_ever() {
    for way in ALL {
        let process = process("/no/such/program", &[], Path::new("/"));
        let error = process.run_watched(&way.watch(), &mut |_, _| {}).unwrap_err();
        assert_eq!(error.source.kind(), std::io::ErrorKind::NotFound, "{way:?}");
    }
}

#[test]
fn killing_the_tree_ends_the_observation() {
    for way in ALL {
        let (_guard, dir) = directory();
        // The whole group, while all of them are in system calls.
        let script = "while :; do cat read; done & while :; do cat read; done & \
                      (sleep 0.3; kill -KILL 0) & wait";
        write(&dir, "read");
        let in_group = format!("exec setsid sh -c '{script}'");
        let ran = observe(&shell(&in_group, &dir), way);
        assert_eq!(ran.status.signal(), Some(9), "{way:?}");
        assert!(ran.uses(&dir.join("read")).contains(Uses::READ));
    }
}

#[test]
fn what_outlives_the_run_goes_on_and_delays_nobody() {
    for way in ALL {
        let (_guard, dir) = directory();
        let script = "(exec >&- 2>&-; while ! test -e stop; do sleep 0.05; done; \
                      cat stop > done) & echo started";
        let ran = observe(&shell(script, &dir), way);
        assert_eq!(ran.stdout, ["started"]);
        assert!(ran.seen.gaps.contains(&Gap::Outlived), "{way:?}");
        assert!(!dir.join("done").exists());
        std::fs::write(dir.join("stop"), "whole").unwrap();
        // It can still open and execute: its calls are answered.
        let until = Instant::now() + Duration::from_secs(20);
        let done = || std::fs::read_to_string(dir.join("done")).is_ok_and(|text| text == "whole");
        while !done() {
            assert!(Instant::now() < until, "{way:?}: it did not go on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn what_outlives_the_observer_goes_on_too() {
    let (_guard, dir) = directory();
    // The observer's process is `habits` here, and is gone when the daemon is
    // told to go on; whatever observes `habits` itself does not matter.
    let script = "(exec >&- 2>&-; while ! test -e stop; do sleep 0.05; done; cat stop > done) &";
    let status = std::process::Command::new(habits())
        .args(["daemon", script])
        .current_dir(&dir)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::write(dir.join("stop"), "whole").unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(dir.join("done")).is_ok_and(|text| text == "whole") {
        assert!(Instant::now() < until, "it did not go on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sockets_are_seen_and_refused_connections_stay_refused() {
    // A port of this machine at which nobody listens any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for way in ALL {
        let (_guard, dir) = directory();
        let ran = observe(&process(habits(), &["connect", &port.to_string()], &dir), way);
        assert_eq!(ran.stdout, ["ConnectionRefused"], "{way:?}");
        let socket = |peer| Socket { domain: Domain::Internet, peer };
        assert!(ran.seen.sockets.contains(&socket(None)));
        assert!(ran.seen.sockets.contains(&socket(Some(port.to_string()))));
        assert!(ran.seen.uses_network());
    }
}

#[test]
fn questions_about_the_host_are_seen_and_those_of_libraries_are_not() {
    each(&|_| {}, "true", &|ran, _| assert_eq!(ran.seen.queries, [].into()));
    each(&|_| {}, "uname -n; nproc", &|ran, _| {
        assert_eq!(ran.seen.queries, [Query::Uname, Query::Processors].into());
        assert!(!ran.seen.uses_network());
    });
}

#[test]
fn an_observer_inside_an_observed_tree_traces() {
    let unobserved = Unobserved::Refused { notify: Refusal::Busy, trace: Refusal::Forbidden };
    for (outer, inner) in [
        (Mechanism::Notify, "TraceEvery true"),
        // One tracer at a time, and no listener that would outrank it.
        (Mechanism::Trace, &unobserved.to_string()),
        (Mechanism::TraceEvery, "Notify true"),
    ] {
        let (_guard, dir) = directory();
        write(&dir, "read");
        let path = dir.join("read").display().to_string();
        let ran = observe(&process(habits(), &["nested", &path], &dir), Way::By(outer));
        assert_eq!(ran.stdout, [inner], "{outer}");
        // The outer one sees what the inner one's process does.
        assert!(ran.uses(&dir.join("read")).contains(Uses::READ), "{outer}");
    }
}

#[test]
fn best_takes_notification_and_not_asked_is_said() {
    let (_guard, dir) = directory();
    let run = |observe| {
        let watch = Watch { observe, ..Watch::default() };
        shell("true", &dir).run_watched(&watch, &mut |_, _| {}).unwrap().observation
    };
    assert_eq!(run(Observe::Best).unwrap().mechanism, Mechanism::Notify);
    assert_eq!(run(Observe::No), Err(Unobserved::NotAsked));
    let capabilities = Capabilities::probe();
    assert_eq!(capabilities.notify, Ok(()));
    assert_eq!(capabilities.trace, Ok(()));
    assert_eq!(capabilities.observes(), Some(Mechanism::Notify));
    let reason = Unobserved::Refused { notify: Refusal::Missing, trace: Refusal::Forbidden };
    assert!(reason.to_string().contains("the kernel does not offer it"));
}

#[test]
fn two_runs_that_do_the_same_are_seen_the_same_by_all_mechanisms() {
    let (_guard, dir) = directory();
    write(&dir, "read");
    let script = "cat read; ls; test -e missing; uname >/dev/null";
    let seen = |way| {
        let mut seen = observe(&shell(script, &dir), way).seen;
        seen.mechanism = Mechanism::Notify;
        // Other processes of the machine come and go.
        seen.paths.retain(|path, _| !path.starts_with("/proc"));
        seen
    };
    let first = seen(ALL[0]);
    for way in ALL {
        assert_eq!(seen(way), first, "{way:?}");
    }
}

/// Everything that a compiler of C looks at: the same, whether it is recorded
/// in the process or seen from outside.
#[test]
fn a_compiler_is_seen_the_same_when_it_records_itself() {
    let (_guard, dir) = directory();
    for (name, text) in [
        (
            "main.c",
            "#include <stdio.h>\n#include \"own.h\"\n#include \"linked.h\"\nint main(void) { return OWN; }\n",
        ),
        ("own.h", "#if __has_include(<no-such.h>)\n#endif\n#define OWN 0\n"),
    ] {
        std::fs::write(dir.join(name), text).unwrap();
    }
    std::fs::create_dir_all(dir.join("deep/er")).unwrap();
    std::fs::write(dir.join("deep/real.h"), "").unwrap();
    std::os::unix::fs::symlink("../real.h", dir.join("deep/er/linked.h")).unwrap();
    let script = "cc -g -O1 -I gone -I deep/../deep/er -I ./deep -c main.c -o main.o && \
                  cc main.o -o main && ./main && rm main.o main";
    let seen = |way| {
        let ran = observe(&shell(script, &dir), way);
        assert!(ran.status.success(), "{way:?}");
        let passing = |path: &Path| path.starts_with("/tmp") && !path.starts_with(&dir);
        let seen = ran.seen;
        assert_eq!(seen.gaps, [].into(), "{way:?}");
        let kept = seen.paths.into_iter().filter(|(path, _)| !passing(path));
        kept.filter(|(path, _)| !path.starts_with("/proc")).collect::<BTreeMap<_, _>>()
    };
    let outside = seen(Way::By(Mechanism::Notify));
    let recorded = seen(Way::Recorded);
    assert!(outside.len() > 100, "{outside:#?}");
    for (path, touched) in &outside {
        assert_eq!(recorded.get(path), Some(touched), "{}", path.display());
    }
    let more: Vec<_> = recorded.keys().filter(|path| !outside.contains_key(*path)).collect();
    assert!(more.is_empty(), "{more:?}");
}

/// Neither a process nor those that it starts find out from their environment.
#[test]
fn that_a_process_records_itself_is_not_in_its_environment() {
    let (_guard, dir) = directory();
    let script = "env; sh -c env; bash -c 'env; exec env'; cc -print-prog-name=as >/dev/null";
    let of = |way| observe(&shell(script, &dir), way).stdout;
    let usual = of(Way::By(Mechanism::Notify));
    assert!(usual.iter().any(|line| line.starts_with("PATH=")));
    assert_eq!(of(Way::Recorded), usual);
}

/// The library is nothing of theirs, and without anybody who reads what it
/// records it hides nothing.
#[test]
fn the_library_is_not_seen_and_hides_nothing() {
    let Some(library) = library() else { return };
    let (_guard, dir) = directory();
    let recorded = observe(&shell("test -e asked", &dir), Way::Recorded);
    assert_eq!(recorded.uses(&library), Uses::empty());
    let mut process = shell("test -e asked", &dir);
    process.env.insert("LD_PRELOAD".into(), library.into());
    for variable in [None, Some("/no/such/memory"), Some("/dev/null"), Some("/bin/sh")] {
        process.env.remove(OsStr::new("LARDER_RECORD"));
        process.env.extend(variable.map(|value| ("LARDER_RECORD".into(), value.into())));
        let seen = observe(&process, Way::By(Mechanism::Notify));
        assert!(seen.status.success() || seen.status.code() == Some(1), "{:?}", seen.status);
        assert_eq!(seen.found(&dir.join("asked")), Some(Found::Absent), "{variable:?}");
    }
}
