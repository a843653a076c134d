//! Real processes, confined: what is outside is refused and named, what is
//! inside works.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use larder_sandbox::capabilities::Capabilities;
use larder_sandbox::confine::{Confinement, Network, Violation};
use larder_sandbox::observation::Mechanism;
use larder_sandbox::process::Process;
use larder_sandbox::watch::{Observe, Watch, Watched};
use std::path::{Path, PathBuf};

fn run(process: &Process, within: &Confinement, observe: Observe) -> (Watched, Vec<String>) {
    let watch = Watch { observe, confinement: Some(within.clone()), library: None };
    let mut lines = Vec::new();
    let watched = process.run_watched(&watch, &mut |_, line| lines.push(line.to_owned())).unwrap();
    (watched, lines)
}

fn shell(script: &str, cwd: &Path) -> Process {
    Process {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: [("PATH".into(), "/usr/bin:/bin".into())].into(),
        cwd: cwd.to_owned(),
    }
}

fn system() -> Vec<PathBuf> {
    ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"].map(PathBuf::from).to_vec()
}

/// Whether this kernel has Landlock; without it there is nothing to test but
/// that it is said.
fn enforces(watched: &Watched) -> bool {
    let enforced = watched.enforced.expect("a confinement was asked for");
    assert_eq!(enforced.version, Capabilities::probe().landlock);
    if !enforced.files() {
        larder_test::skipped("what confinement prevents: this kernel has no Landlock");
    }
    enforced.files()
}

#[test]
fn what_is_outside_is_refused_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(directory.path()).unwrap();
    for name in ["own", "given", "secret"] {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("file"), format!("{name}\n")).unwrap();
    }
    std::os::unix::fs::symlink("../secret/file", root.join("given/link")).unwrap();
    let mut readable = system();
    readable.push(root.join("given"));
    let within = Confinement { readable, writable: vec![root.join("own")], network: false };
    let script = "cat given/file; echo x > own/new; cat own/new; \
                  cat secret/file; ls secret; cat given/link; \
                  echo x > given/new; echo x > secret/new; cat /dev/null; test -e secret/file";
    for mechanism in [Mechanism::Notify, Mechanism::Trace] {
        let (watched, lines) = run(&shell(script, &root), &within, Observe::Only(mechanism));
        assert!(watched.ended.status.success(), "{lines:?}");
        let enforced = enforces(&watched);
        assert!(lines.contains(&"given".into()) && lines.contains(&"x".into()));
        assert_eq!(lines.contains(&"secret".into()), !enforced);
        assert_eq!(root.join("secret/new").exists(), !enforced);
        let seen = watched.observation.unwrap();
        assert_eq!(
            within.violations(&seen),
            [
                Violation::Read(root.join("given/link")),
                Violation::Read(root.join("secret")),
                Violation::Read(root.join("secret/file")),
                Violation::Write(root.join("given/new")),
                Violation::Write(root.join("secret/new")),
            ],
            "{mechanism}"
        );
    }
}

#[test]
fn what_stays_inside_violates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(directory.path()).unwrap();
    let within = Confinement { readable: system(), writable: vec![root.clone()], network: false };
    let script = "mkdir a && echo x > a/x && mv a b && cat b/x && rm -r b && uname >/dev/null";
    let (watched, lines) = run(&shell(script, &root), &within, Observe::Best);
    assert!(watched.ended.status.success(), "{lines:?}");
    assert_eq!(within.violations(&watched.observation.unwrap()), []);
}

#[test]
fn the_network_is_closed_as_far_as_the_kernel_can() {
    let directory = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let own = std::env::current_exe().unwrap();
    let examples = own.parent().unwrap().parent().unwrap().join("examples");
    let process = Process {
        program: examples.join("habits"),
        args: vec!["connect".into(), address.clone().into()],
        env: [].into(),
        cwd: directory.path().to_owned(),
    };
    let mut readable = system();
    readable.push(examples);
    for network in [true, false] {
        let within = Confinement { readable: readable.clone(), writable: Vec::new(), network };
        for observe in [Observe::No, Observe::Only(Mechanism::Notify)] {
            let (watched, lines) = run(&process, &within, observe);
            let mechanism = watched.observation.as_ref().ok().map(|seen| seen.mechanism);
            let connected = match watched.enforced.unwrap().network(mechanism) {
                Network::Allowed | Network::Open => "connected",
                Network::Closed | Network::TcpClosed => "PermissionDenied",
            };
            assert_eq!(lines, [connected], "{network} {observe:?}");
            if let Ok(seen) = watched.observation {
                let violations = within.violations(&seen);
                assert_eq!(violations.contains(&Violation::Network(None)), !network);
            }
        }
    }
}
