//! Garbage collection: what goes, what stays, and that nothing in use goes.

#![expect(clippy::unwrap_used, reason = "a test may panic, also outside of its function")]

use larder_schema::Digest;
use larder_schema::record::ResultRecord;
use larder_store::conformance::sample_record;
use larder_store::{Check, DiskStore, GcPolicy, Hold, Pending};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const EVERYTHING: GcPolicy = GcPolicy { max_bytes: Some(0), max_age: None };
const LEFTOVERS: GcPolicy = GcPolicy { max_bytes: None, max_age: None };

fn key(n: u8) -> Digest {
    Digest::of(&[n])
}

fn publish(store: &DiskStore, n: u8, size: usize) -> ResultRecord {
    let pending = store.begin(&key(n)).unwrap();
    fs::write(pending.dir().join("a"), vec![n; size]).unwrap();
    pending.publish(sample_record(&key(n), &[])).unwrap()
}

fn record_path(root: &Path, key: &Digest) -> PathBuf {
    let name = key.to_string();
    root.join("v1/records").join(&name[..2]).join(format!("{name}.json"))
}

fn used_ago(root: &Path, key: &Digest, ago: Duration) {
    let file = fs::File::open(record_path(root, key)).unwrap();
    file.set_modified(SystemTime::now() - ago).unwrap();
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn least_recently_used_goes_first() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for n in 0..6 {
        publish(&store, n, 100);
        used_ago(root.path(), &key(n), HOUR * (10 + u32::from(n)));
    }
    // A lookup is a use.
    store.record(&key(5)).unwrap().unwrap();
    let report = store.gc(GcPolicy { max_bytes: Some(300), max_age: None }).unwrap();
    assert_eq!((report.removed, report.bytes, report.kept, report.kept_bytes), (3, 300, 3, 300));
    let kept: Vec<u8> = (0..6).filter(|&n| store.record(&key(n)).unwrap().is_some()).collect();
    assert_eq!(kept, [0, 1, 5]);
    assert_eq!(store.stats().unwrap().results.bytes, 300);
}

#[test]
fn a_preview_says_what_goes_and_removes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for n in 0..6 {
        publish(&store, n, 100);
        used_ago(root.path(), &key(n), HOUR * (10 + u32::from(n)));
    }
    store.put_plan(&key(9), &[0; 50]).unwrap();
    for policy in [
        GcPolicy { max_bytes: Some(300), max_age: None },
        GcPolicy { max_bytes: None, max_age: Some(HOUR * 12) },
        EVERYTHING,
    ] {
        let preview = store.gc_preview(policy).unwrap();
        assert_eq!(store.gc_preview(policy).unwrap(), preview, "nothing went");
        let report = store.gc(policy).unwrap();
        assert_eq!(preview.results.len() as u64, report.removed, "{policy:?}");
        assert_eq!(preview.results.iter().map(|r| r.bytes).sum::<u64>(), report.bytes);
        assert_eq!((preview.kept, preview.kept_bytes), (report.kept, report.kept_bytes));
        assert_eq!(preview.small_files, report.small_files, "{policy:?}");
        for doomed in &preview.results {
            assert_eq!(store.record(&doomed.key).unwrap(), None);
        }
    }
}

#[test]
fn old_results_go_whatever_their_size() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for n in 0..4 {
        publish(&store, n, 10);
        used_ago(root.path(), &key(n), HOUR * 24 * u32::from(n));
    }
    let report = store.gc(GcPolicy { max_bytes: None, max_age: Some(HOUR * 36) }).unwrap();
    assert_eq!((report.removed, report.kept), (2, 2));
    assert!(store.record(&key(1)).unwrap().is_some());
}

#[test]
fn nothing_that_a_running_build_saw_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for n in 0..3 {
        publish(&store, n, 10);
    }
    let build = DiskStore::open(root.path()).unwrap();
    let hold = build.hold().unwrap();
    let seen = build.record(&key(0)).unwrap().unwrap();
    let pending = build.begin(&key(9)).unwrap();
    fs::write(pending.dir().join("a"), b"made meanwhile").unwrap();

    let report = store.gc(EVERYTHING).unwrap();
    assert_eq!((report.removed, report.kept, report.deferred), (0, 0, 3));
    build.verify(&seen, Check::Full).unwrap();
    assert_eq!(store.gc(EVERYTHING).unwrap().orphans, 0);
    let made = pending.publish(sample_record(&key(9), &[])).unwrap();
    build.verify(&made, Check::Full).unwrap();
    // Asked for again, a result returns from the trash.
    assert!(build.record(&key(1)).unwrap().is_some());
    // A build that starts later does not delay the removal.
    let later = DiskStore::open(root.path()).unwrap();
    let later_hold = later.hold().unwrap();
    drop(hold);
    let report = store.gc(LEFTOVERS).unwrap();
    assert_eq!((report.removed, report.kept), (2, 2));
    for n in [1, 9] {
        let record = later.record(&key(n)).unwrap().unwrap();
        later.verify(&record, Check::Full).unwrap();
    }
    drop(later_hold);
    let report = store.gc(EVERYTHING).unwrap();
    assert_eq!((report.removed, report.kept, report.deferred), (2, 0, 0));
    assert_eq!(leftovers(root.path()), Vec::<PathBuf>::new());
}

/// Every file and result directory that an empty store would not have.
fn leftovers(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for area in ["out", "records"] {
        for shard in fs::read_dir(root.join("v1").join(area)).unwrap() {
            found.extend(fs::read_dir(shard.unwrap().path()).unwrap().map(|e| e.unwrap().path()));
        }
    }
    for area in ["trash", "tmp", "run/keys"] {
        let area = fs::read_dir(root.join("v1").join(area)).unwrap();
        found.extend(area.map(|e| e.unwrap().path()));
    }
    found
}

#[test]
fn what_killed_processes_left_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let kept = publish(&store, 1, 10);
    let v1 = root.path().join("v1");
    fs::create_dir_all(v1.join("out/ab/ab00112233445566-x/sub")).unwrap();
    fs::create_dir_all(v1.join("out/ab/ab001122334455660011223344556677/target")).unwrap();
    fs::write(v1.join("tmp/.tmpabc"), b"half").unwrap();
    fs::write(v1.join("memo/.tmpabc"), b"half").unwrap();
    fs::create_dir(v1.join("tmp/gone-1")).unwrap();
    fs::write(v1.join("run/keys/00112233445566778899aabbccddeeff"), b"").unwrap();
    let report = store.gc(LEFTOVERS).unwrap();
    assert_eq!((report.orphans, report.small_files, report.kept), (5, 1, 1));
    store.verify(&kept, Check::Full).unwrap();
    assert_eq!(leftovers(root.path()).len(), 2, "the result and its record");
}

#[test]
fn a_collection_killed_before_it_sealed_is_finished_by_the_next() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let record = publish(&store, 1, 10);
    let hold = store.hold().unwrap();
    let trash = root.path().join("v1/trash").join(format!("{}.json", key(1)));
    fs::rename(record_path(root.path(), &key(1)), trash).unwrap();
    let other = DiskStore::open(root.path()).unwrap();
    assert_eq!(other.gc(LEFTOVERS).unwrap().removed, 0, "the hold may have seen it");
    store.verify(&record, Check::Full).unwrap();
    drop(hold);
    assert_eq!(other.gc(LEFTOVERS).unwrap().removed, 1);
}

#[test]
fn a_damaged_result_stays_for_builds_that_began_after_its_directory_was_listed() {
    let root = tempfile::tempdir().unwrap();
    let maker = DiskStore::open(root.path()).unwrap();
    let makers_hold = maker.hold().unwrap();
    let pending = maker.begin(&key(1)).unwrap();
    fs::write(pending.dir().join("a"), b"late").unwrap();
    let collector = DiskStore::open(root.path()).unwrap();
    // Unreferenced, so listed; but its maker lives, so it stays.
    collector.gc(EVERYTHING).unwrap();
    let reader = DiskStore::open(root.path()).unwrap();
    let readers_hold = reader.hold().unwrap();
    pending.publish(sample_record(&key(1), &[])).unwrap();
    let seen = reader.record(&key(1)).unwrap().unwrap();
    collector.drop_record(&seen);
    assert_eq!(collector.record(&key(1)).unwrap(), None);
    drop(makers_hold);
    drop(maker);
    collector.gc(EVERYTHING).unwrap();
    collector.gc(EVERYTHING).unwrap();
    reader.verify(&seen, Check::Full).unwrap();
    drop(readers_hold);
    assert_eq!(collector.gc(EVERYTHING).unwrap().orphans, 1);
    assert_eq!(leftovers(root.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_fixed_place_begun_again_is_not_taken_for_a_leftover() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let hold = store.hold().unwrap();
    let begin = |store: &DiskStore| store.begin_at(&key(1), "out").unwrap();
    // A killed process: its directory stays, its lock and hold do not.
    let place = {
        let pending = begin(&store);
        let place = pending.dir().to_owned();
        drop(pending);
        fs::create_dir_all(&place).unwrap();
        place
    };
    let collector = DiskStore::open(root.path()).unwrap();
    assert_eq!(collector.gc(LEFTOVERS).unwrap().orphans, 0);
    drop(hold);
    let later = DiskStore::open(root.path()).unwrap();
    let pending = begin(&later);
    assert_eq!(pending.dir(), place);
    fs::write(place.join("gen.rs"), b"x").unwrap();
    assert_eq!(collector.gc(LEFTOVERS).unwrap().orphans, 0);
    let record = pending.publish(sample_record(&key(1), &[])).unwrap();
    assert_eq!(collector.gc(LEFTOVERS).unwrap().orphans, 0);
    later.verify(&record, Check::Full).unwrap();
}

#[test]
fn a_fixed_place_is_free_again_when_its_files_are_gone() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let publish_as = |n: u8| {
        let pending = store.begin_at(&Digest::of(b"place"), "target/out").unwrap();
        fs::write(pending.dir().join("gen.rs"), [n]).unwrap();
        let mut record = sample_record(&key(n), &[]);
        record.outputs = pending.hash_outputs().unwrap();
        pending.publish_as(key(n), record).map_err(|(error, _)| error).unwrap()
    };
    let first = publish_as(1);
    let hold = store.hold().unwrap();
    let collector = DiskStore::open(root.path()).unwrap();
    collector.gc(EVERYTHING).unwrap();
    // The first is in the trash, and its files are still used.
    let second = publish_as(2);
    assert_ne!(first.directory, second.directory);
    assert!(files_are_there(&store, &first));
    drop(hold);
    collector.gc(LEFTOVERS).unwrap();
    assert_eq!(store.record(&key(1)).unwrap(), None);
    let found = store.record(&key(2)).unwrap().unwrap();
    store.verify(&found, Check::Full).unwrap();
    let third = publish_as(3);
    assert_eq!(third.directory, first.directory);
    store.verify(&third, Check::Full).unwrap();
    assert_eq!(collector.gc(EVERYTHING).unwrap().removed, 2);
    assert_eq!(leftovers(root.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_result_that_lost_its_record_stays_for_builds_that_found_it() {
    for replaced in [true, false] {
        let root = tempfile::tempdir().unwrap();
        let maker = DiskStore::open(root.path()).unwrap();
        let hold = maker.hold().unwrap();
        let pending = maker.begin(&key(1)).unwrap();
        fs::write(pending.dir().join("a"), b"x").unwrap();
        let collector = DiskStore::open(root.path()).unwrap();
        collector.gc(LEFTOVERS).unwrap();
        // Listed as nobody's, then published and found by a later build.
        let made = pending.publish(sample_record(&key(1), &[])).unwrap();
        let user = DiskStore::open(root.path()).unwrap();
        let used = user.hold().unwrap();
        assert_eq!(user.record(&key(1)).unwrap().unwrap(), made);
        if replaced {
            publish(&maker, 1, 10);
        } else {
            maker.drop_record(&made);
        }
        drop(hold);
        collector.gc(LEFTOVERS).unwrap();
        assert!(files_are_there(&user, &made));
        drop(used);
        collector.gc(LEFTOVERS).unwrap();
        assert!(!files_are_there(&user, &made));
    }
}

#[test]
fn plans_count_and_small_files_go_by_age() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    store.put_plan(&key(1), &[0; 1000]).unwrap();
    store.put_inputs(&key(2), &key(3), &Default::default()).unwrap();
    let report = store.gc(GcPolicy { max_bytes: Some(1000), max_age: None }).unwrap();
    assert_eq!(report.small_files, 0);
    let report = store.gc(GcPolicy { max_bytes: Some(999), max_age: None }).unwrap();
    assert_eq!(report.small_files, 1);
    assert_eq!(store.plan(&key(1)).unwrap(), None);
    store.gc(GcPolicy { max_bytes: None, max_age: Some(Duration::ZERO) }).unwrap();
    assert_eq!(store.inputs(&key(3)).unwrap(), None);
    assert_eq!(store.latest(&key(2)).unwrap(), []);
}

/// One step of an interleaving; the numbers choose a build and a key.
#[derive(Clone, Debug)]
enum Step {
    Begin(usize, u8),
    BeginAt(usize, u8),
    Publish(usize),
    Abandon(usize),
    Lookup(usize, u8),
    EndBuild(usize),
    Damage(u8),
    Gc(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (build, key) = (0..3usize, 0..4u8);
    let step = prop_oneof![
        3 => (build.clone(), key.clone()).prop_map(|(b, k)| Step::Begin(b, k)),
        2 => (build.clone(), key.clone()).prop_map(|(b, k)| Step::BeginAt(b, k)),
        4 => build.clone().prop_map(Step::Publish),
        1 => build.clone().prop_map(Step::Abandon),
        3 => (build.clone(), key.clone()).prop_map(|(b, k)| Step::Lookup(b, k)),
        1 => build.prop_map(Step::EndBuild),
        1 => key.prop_map(Step::Damage),
        3 => prop_oneof![Just(0), Just(20), Just(u64::MAX)].prop_map(Step::Gc),
    ];
    prop::collection::vec(step, 1..60)
}

/// A build: what it holds, what it makes and what it relies on. The order of
/// the fields is that in which a build ends.
struct Build {
    pending: Vec<Pending>,
    seen: Vec<ResultRecord>,
    _hold: Hold,
    store: DiskStore,
}

impl Build {
    fn start(root: &Path) -> Self {
        let store = DiskStore::open(root).unwrap();
        Self { pending: Vec::new(), seen: Vec::new(), _hold: store.hold().unwrap(), store }
    }
}

fn files_are_there(store: &DiskStore, record: &ResultRecord) -> bool {
    record.outputs.iter().all(|o| {
        let file = store.dir_of(record).join(&o.name);
        fs::read(file).is_ok_and(|bytes| Digest::of(&bytes) == o.digest)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_interleaving_exposes_a_record_without_its_files(steps in steps()) {
        let root = tempfile::tempdir().unwrap();
        let collector = DiskStore::open(root.path()).unwrap();
        let mut builds: Vec<Build> = (0..3).map(|_| Build::start(root.path())).collect();
        for step in steps {
            match step {
                Step::Begin(b, k) => {
                    let pending = builds[b].store.begin(&key(k)).unwrap();
                    fs::write(pending.dir().join("a"), [k; 10]).unwrap();
                    builds[b].pending.push(pending);
                }
                Step::BeginAt(b, k) => {
                    // As an engine does: look again before building.
                    if let Some(record) = builds[b].store.record(&key(k)).unwrap() {
                        builds[b].seen.push(record);
                        continue;
                    }
                    let pending = builds[b].store.begin_at(&key(k), "x/out").unwrap();
                    fs::write(pending.dir().join("a"), [k; 10]).unwrap();
                    builds[b].pending.push(pending);
                }
                Step::Publish(b) => {
                    if let Some(pending) = builds[b].pending.pop() {
                        let record = sample_record(pending.key(), &[]);
                        let record = pending.publish(record).unwrap();
                        builds[b].seen.push(record);
                    }
                }
                Step::Abandon(b) => drop(builds[b].pending.pop()),
                Step::Lookup(b, k) => {
                    if let Some(record) = builds[b].store.record(&key(k)).unwrap() {
                        prop_assert!(files_are_there(&builds[b].store, &record));
                        builds[b].seen.push(record);
                    }
                }
                Step::EndBuild(b) => builds[b] = Build::start(root.path()),
                Step::Damage(k) => {
                    if let Some(record) = collector.record(&key(k)).unwrap() {
                        collector.drop_record(&record);
                    }
                }
                Step::Gc(max) => {
                    let policy = GcPolicy { max_bytes: Some(max), max_age: None };
                    collector.gc(policy).unwrap();
                }
            }
            for build in &builds {
                for record in &build.seen {
                    prop_assert!(files_are_there(&build.store, record), "in use: {}", record.directory);
                }
                for pending in &build.pending {
                    prop_assert!(pending.dir().join("a").exists(), "being made");
                }
            }
        }
        drop(builds);
        collector.gc(EVERYTHING).unwrap();
        collector.gc(EVERYTHING).unwrap();
        prop_assert_eq!(leftovers(root.path()), Vec::<PathBuf>::new());
    }
}
