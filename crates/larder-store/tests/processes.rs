//! Many threads and many processes at one store, some of them killed.
//!
//! A child process is this test binary again, running one test by name with
//! `role=…` as a further filter, which matches no test.

#![expect(clippy::unwrap_used, reason = "a test may panic, also outside of its function")]

use larder_schema::Digest;
use larder_store::conformance::{sample_path_sets, sample_record};
use larder_store::{Check, DiskStore, GcPolicy, StoreError};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KEYS: u8 = 6;

fn key(n: u8) -> Digest {
    Digest::of(&[n])
}

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|a| a.strip_prefix(name).map(str::to_owned))
}

fn child(role: &str, root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "started_as_a_child", "--nocapture"])
        .arg(format!("role={role}"))
        .arg(format!("root={}", root.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Builds a key as an engine does, writing slowly enough to be interrupted.
fn build(store: &DiskStore, n: u8, pace: Duration) {
    let key = key(n);
    if let Some(record) = store.record(&key).unwrap() {
        store.verify(&record, Check::Full).unwrap();
        return;
    }
    let lock = store.lock_key(&key).unwrap();
    if let Some(record) = store.record(&key).unwrap() {
        store.verify(&record, Check::Full).unwrap();
        return;
    }
    // Who builds notes it; two notes of one key at once would be a failure
    // of single flight.
    let note = store.root().join(format!("building-{n}"));
    let pending = if n.is_multiple_of(2) {
        store.begin_at(&Digest::of(&[n, n]), "target/out").unwrap()
    } else {
        store.begin(&key).unwrap()
    };
    fs::write(&note, std::process::id().to_string()).unwrap();
    let mut file = fs::File::create(pending.dir().join("a")).unwrap();
    for _ in 0..8 {
        file.write_all(&[n; 512]).unwrap();
        std::thread::sleep(pace);
    }
    assert_eq!(fs::read_to_string(&note).unwrap(), std::process::id().to_string());
    let mut record = sample_record(&key, &[]);
    record.outputs = pending.hash_outputs().unwrap();
    pending.publish_as(key, record).map_err(|(error, _)| error).unwrap();
    drop(lock);
    store.put_path_sets(&key, &sample_path_sets("src/lib.rs")).unwrap();
}

/// Does nothing unless started by another test of this file.
#[test]
fn started_as_a_child() {
    let (Some(role), Some(root)) = (argument("role="), argument("root=")) else { return };
    let root = PathBuf::from(root);
    match role.as_str() {
        "build" => {
            let store = DiskStore::open(&root).unwrap();
            let _hold = store.hold().unwrap();
            for n in 0..KEYS {
                build(&store, n, Duration::from_millis(1));
            }
        }
        "collect" => {
            let store = DiskStore::open(&root).unwrap();
            loop {
                store.gc(GcPolicy { max_bytes: Some(8192), max_age: None }).unwrap();
            }
        }
        "hold-lock" => {
            let store = DiskStore::open(&root).unwrap();
            let _lock = store.lock_key(&key(0)).unwrap();
            let _hold = store.hold().unwrap();
            fs::write(root.join("locked"), b"").unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
        "fill-disk" => fill_disk(&root),
        other => panic!("no such role: {other}"),
    }
}

fn every_record_is_whole(store: &DiskStore) -> usize {
    (0..KEYS)
        .filter(|&n| {
            let Some(record) = store.record(&key(n)).unwrap() else { return false };
            store.verify(&record, Check::Full).unwrap();
            assert_eq!(record.outputs.len(), 1);
            assert_eq!(record.outputs[0].size, 4096);
            true
        })
        .count()
}

#[test]
fn a_killed_holder_releases_its_lock() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let mut holder = child("hold-lock", root.path());
    let start = Instant::now();
    while !root.path().join("locked").exists() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(store.try_lock_key(&key(0)).unwrap().is_none());
    assert!(store.try_lock_key(&key(1)).unwrap().is_some());
    holder.kill().unwrap();
    holder.wait().unwrap();
    drop(store.lock_key(&key(0)).unwrap());
    assert_eq!(fs::read_dir(root.path().join("v1/run/keys")).unwrap().count(), 0);
}

#[test]
fn a_lock_has_one_holder_although_its_file_comes_and_goes() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let root = tempfile::tempdir().unwrap();
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for tries in [false, false, false, true, true] {
            let (root, inside) = (root.path(), &inside);
            scope.spawn(move || {
                let store = DiskStore::open(root).unwrap();
                for _ in 0..1000 {
                    let lock = if tries {
                        store.try_lock_key(&key(0)).unwrap()
                    } else {
                        Some(store.lock_key(&key(0)).unwrap())
                    };
                    let Some(_lock) = lock else { continue };
                    assert_eq!(inside.fetch_add(1, SeqCst), 0, "two hold one lock");
                    std::thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                }
            });
        }
    });
}

#[test]
fn threads_with_their_own_handles_build_each_key_once() {
    let root = tempfile::tempdir().unwrap();
    let inside = std::sync::atomic::AtomicUsize::new(0);
    let built = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                use std::sync::atomic::Ordering::SeqCst;
                let store = DiskStore::open(root.path()).unwrap();
                let _hold = store.hold().unwrap();
                for round in 0..20u8 {
                    let lock = store.lock_key(&key(round)).unwrap();
                    if store.record(&key(round)).unwrap().is_some() {
                        continue;
                    }
                    assert_eq!(inside.fetch_add(1, SeqCst), 0, "two build one key");
                    let pending = store.begin(&key(round)).unwrap();
                    fs::write(pending.dir().join("a"), b"x").unwrap();
                    built.fetch_add(1, SeqCst);
                    pending.publish(sample_record(&key(round), &[])).unwrap();
                    inside.fetch_sub(1, SeqCst);
                    drop(lock);
                    // All go through the rounds together.
                    while store.record(&key(round)).unwrap().is_none() {}
                }
            });
        }
    });
    assert_eq!(built.into_inner(), 20);
    assert_eq!(fs::read_dir(root.path().join("v1/run/keys")).unwrap().count(), 0);
}

#[test]
fn processes_killed_at_any_moment_leave_a_sound_store() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let mut seen = 0;
    // Moments from before the store is opened to after the last publication.
    for round in 0..24u64 {
        let mut children = [
            child("build", root.path()),
            child("build", root.path()),
            child("collect", root.path()),
        ];
        std::thread::sleep(Duration::from_millis(5 + round * 37 % 90));
        {
            let _hold = store.hold().unwrap();
            seen += every_record_is_whole(&store);
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _hold = store.hold().unwrap();
        every_record_is_whole(&store);
    }
    assert!(seen > 0, "some results were there while others were made and removed");
    // After all that a build goes through, and a collection leaves nothing.
    {
        let _hold = store.hold().unwrap();
        for n in 0..KEYS {
            build(&store, n, Duration::ZERO);
        }
        assert_eq!(every_record_is_whole(&store), usize::from(KEYS));
    }
    for _ in 0..2 {
        store.gc(GcPolicy { max_bytes: Some(0), max_age: None }).unwrap();
    }
    let left = |area: &str| fs::read_dir(root.path().join("v1").join(area)).unwrap().count();
    assert_eq!((left("trash"), left("tmp"), store.stats().unwrap().results.count), (0, 0, 0));
    for shard in fs::read_dir(root.path().join("v1/out")).unwrap() {
        assert_eq!(fs::read_dir(shard.unwrap().path()).unwrap().count(), 0);
    }
}

#[test]
fn builds_that_are_not_killed_succeed_while_collections_run() {
    let root = tempfile::tempdir().unwrap();
    DiskStore::open(root.path()).unwrap();
    let mut collector = child("collect", root.path());
    for _ in 0..4 {
        let mut builders: Vec<Child> = (0..3).map(|_| child("build", root.path())).collect();
        for builder in &mut builders {
            assert!(builder.wait().unwrap().success(), "a build failed beside a collection");
        }
    }
    assert!(collector.try_wait().unwrap().is_none(), "the collector failed");
    collector.kill().unwrap();
    collector.wait().unwrap();
}

/// In a file system of 1 MB: publishes until it is full.
fn fill_disk(root: &Path) {
    let store = DiskStore::open(root).unwrap();
    let mut published = Vec::new();
    let error = loop {
        let n = u8::try_from(published.len()).unwrap();
        let publish = || -> Result<_, StoreError> {
            let pending = store.begin(&key(n))?;
            let full = |source| StoreError::Full { path: root.to_owned(), source };
            fs::write(pending.dir().join("a"), vec![n; 100_000]).map_err(full)?;
            pending.publish(sample_record(&key(n), &[]))
        };
        match publish() {
            Ok(record) => published.push(record),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(published.len() > 3);
    // To the last block: what is published stays whole, and room can be made.
    let _ = fs::write(root.join("rest"), vec![0; 1 << 20]);
    for record in &published {
        store.verify(record, Check::Full).unwrap();
    }
    let report = store.gc(GcPolicy { max_bytes: Some(200_000), max_age: None }).unwrap();
    assert_eq!(report.kept, 2);
    let pending = store.begin(&key(200)).unwrap();
    fs::write(pending.dir().join("a"), vec![1; 1000]).unwrap();
    pending.publish(sample_record(&key(200), &[])).unwrap();
}

#[test]
fn a_full_disk_is_told_and_can_be_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = |then: &[&str]| {
        let script = r#"mount -t tmpfs -o size=1m none "$1" && shift && exec "$@""#;
        Command::new("unshare")
            .args(["--mount", "--user", "--map-root-user", "sh", "-c", script, "sh"])
            .arg(dir.path())
            .args(then)
            .output()
    };
    if !mounted(&["true"]).is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED: no tmpfs can be mounted here; the unit test injects the error instead");
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let root = format!("root={}", dir.path().display());
    let output = mounted(&[
        exe.to_str().unwrap(),
        "--exact",
        "started_as_a_child",
        "--nocapture",
        "role=fill-disk",
        &root,
    ])
    .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
