//! Results on disk: publishing, finding, verifying, moving to and from
//! drivers, and what happens when files are damaged.

#![expect(clippy::unwrap_used, reason = "a test may panic, also outside of its function")]

use larder_schema::Digest;
use larder_schema::pathset::KeyInputs;
use larder_schema::record::ResultRecord;
use larder_store::conformance::{Fault, Faulty, sample_path_sets, sample_record};
use larder_store::transfer::{pull, push};
use larder_store::{
    Check, Damage, DiskStore, Driver, GcPolicy, MemoryDriver, StoreError, interface_of,
};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

fn key(n: u32) -> Digest {
    Digest::of(&n.to_le_bytes())
}

fn publish(store: &DiskStore, key: &Digest, files: &[(&str, &[u8])]) -> ResultRecord {
    let pending = store.begin(key).unwrap();
    for (name, content) in files {
        let path = pending.dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    pending.publish(sample_record(key, &[])).unwrap()
}

fn gc_all(store: &DiskStore) -> larder_store::GcReport {
    store.gc(GcPolicy { max_bytes: Some(0), max_age: None }).unwrap()
}

fn count(dir: &Path) -> usize {
    fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap())
        .fold(0, |n, e| n + if e.file_type().unwrap().is_dir() { count(&e.path()) } else { 1 })
}

#[test]
fn a_published_result_is_found_by_another_process() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let pending = store.begin(&key(1)).unwrap();
    let dir = pending.dir().to_owned();
    fs::write(dir.join("liba-1.rmeta"), b"meta").unwrap();
    fs::create_dir(dir.join("sub")).unwrap();
    fs::write(dir.join("sub/tool"), b"run").unwrap();
    fs::set_permissions(dir.join("sub/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("sub/tool", dir.join("link")).unwrap();
    assert_eq!(store.record(&key(1)).unwrap(), None, "not before it is published");
    let record = pending.publish(sample_record(&key(9), &[])).unwrap();

    let other = DiskStore::open(root.path()).unwrap();
    let found = other.record(&key(1)).unwrap().unwrap();
    assert_eq!(found, record);
    assert_eq!(found.key, key(1));
    assert_eq!(other.dir_of(&found), dir, "the directory did not move");
    let names: Vec<_> = found.outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["liba-1.rmeta", "link", "sub/tool"]);
    assert_eq!(found.output("link").unwrap().symlink.as_deref(), Some("sub/tool"));
    assert_eq!(found.output("sub/tool").unwrap().mode & 0o111, 0o111);
    assert_eq!(found.output("liba-1.rmeta").unwrap().digest, Digest::of(b"meta"));
    assert_eq!(found.interface, interface_of(&found.outputs[..1]), "metadata is the interface");
    other.verify(&found, Check::Quick).unwrap();
    other.verify(&found, Check::Full).unwrap();
}

#[test]
fn what_is_not_published_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let pending = store.begin(&key(1)).unwrap();
    fs::write(pending.dir().join("a"), b"x").unwrap();
    drop(pending);
    assert_eq!(count(&root.path().join("v1/out")), 0);
    assert_eq!(count(&root.path().join("v1/tmp")), 0);
    // An output that no record can describe: not published, removed.
    let pending = store.begin(&key(2)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(pending.dir().join("s")).unwrap();
    let error = pending.publish(sample_record(&key(2), &[])).unwrap_err();
    assert!(matches!(error, StoreError::Unpublishable { .. }) && !error.means_no_store());
    assert_eq!(store.record(&key(2)).unwrap(), None);
    assert_eq!(count(&root.path().join("v1/out")), 0);
}

#[test]
fn a_fixed_place_is_a_function_of_its_digest() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let inner = "target/debug/build/foo-1/out";
    let place = |root: &Path| {
        let store = DiskStore::open(root).unwrap();
        let pending = store.begin_at(&key(1), inner).unwrap();
        fs::write(pending.dir().join("gen.rs"), b"1").unwrap();
        let record = pending.publish(sample_record(&key(1), &[])).unwrap();
        record.directory
    };
    let directory = place(one.path());
    assert_eq!(directory, place(two.path()));
    assert!(directory.ends_with(inner));
    let store = DiskStore::open(one.path()).unwrap();
    // What nobody can have seen is no reason for another place.
    let pending = store.begin_at(&key(2), inner).unwrap();
    let unseen = pending.dir().to_owned();
    drop(pending);
    fs::create_dir_all(&unseen).unwrap();
    fs::write(unseen.join("stale.rs"), b"").unwrap();
    let pending = store.begin_at(&key(2), inner).unwrap();
    assert_eq!(pending.dir(), unseen);
    assert!(!unseen.join("stale.rs").exists());
    // Nor is a place waited for that is being written to.
    let beside = store.begin_at(&key(2), inner).unwrap();
    assert_ne!(beside.dir(), unseen);
    store.begin_at(&key(3), "../../escape").unwrap_err();
}

#[test]
fn a_published_place_is_left_to_who_uses_it() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let publish_as = |n: u32| {
        let pending = store.begin_at(&Digest::of(b"place"), "target/out").unwrap();
        fs::write(pending.dir().join("gen.rs"), n.to_string()).unwrap();
        let mut record = sample_record(&key(n), &[]);
        record.outputs = pending.hash_outputs().unwrap();
        pending.publish_as(key(n), record).map_err(|(error, _)| error).unwrap()
    };
    let first = publish_as(1);
    // Another key, and the same one again: made elsewhere.
    let second = publish_as(2);
    let again = publish_as(1);
    let directories = [&first, &second, &again].map(|record| &record.directory);
    assert!(directories[0] != directories[1] && directories[1] != directories[2]);
    assert_ne!(directories[0], directories[2]);
    for (n, record) in [(1, &first), (2, &second), (1, &again)] {
        assert_eq!(fs::read_to_string(store.dir_of(record).join("gen.rs")).unwrap(), n.to_string());
    }
    // Damaged and dropped: who found it earlier still reads what was there.
    fs::write(store.dir_of(&second).join("gen.rs"), b"22").unwrap();
    store.verify(&second, Check::Quick).unwrap_err();
    assert_eq!(store.record(&key(2)).unwrap(), None);
    let third = publish_as(2);
    assert_ne!(third.directory, second.directory);
    assert!(store.dir_of(&second).exists());
    store.verify(&third, Check::Full).unwrap();
}

#[test]
fn every_kind_of_damage_is_named_and_drops_the_record() {
    type Spoil = fn(&Path);
    type Expected = fn(&Damage) -> bool;
    let cases: [(&str, Spoil, Expected); 5] = [
        ("gone", |f| fs::remove_file(f).unwrap(), |d| *d == Damage::Missing),
        ("truncated", |f| fs::write(f, b"con").unwrap(), |d| matches!(d, Damage::Size { .. })),
        (
            "same size",
            |f| fs::write(f, b"CONTENT").unwrap(),
            |d| matches!(d, Damage::Content { .. }),
        ),
        (
            "a directory",
            |f| {
                fs::remove_file(f).unwrap();
                fs::create_dir(f).unwrap();
            },
            |d| *d == Damage::Kind,
        ),
        (
            "not executable",
            |f| fs::set_permissions(f, fs::Permissions::from_mode(0o755)).unwrap(),
            |d| *d == Damage::Mode,
        ),
    ];
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for (n, (name, spoil, expected)) in cases.into_iter().enumerate() {
        for how in [Check::Quick, Check::Full] {
            let key = key(n as u32);
            let record = publish(&store, &key, &[("lib", b"content"), ("other", b"x")]);
            store.verify(&record, how).unwrap();
            spoil(&store.dir_of(&record).join("lib"));
            let damaged = store.verify(&record, how).unwrap_err();
            assert!(expected(&damaged.damage), "{name}: {damaged}");
            assert!(damaged.file.ends_with("lib"));
            assert_eq!(store.record(&key).unwrap(), None, "{name}");
        }
    }
}

#[test]
fn a_same_size_change_right_after_publishing_is_seen() {
    // Within one tick of the file system's clock the stat stays equal: the
    // rule for racy entries must hold.
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for n in 0..200 {
        let record = publish(&store, &key(n), &[("a", b"before")]);
        fs::write(store.dir_of(&record).join("a"), b"after!").unwrap();
        store.verify(&record, Check::Quick).unwrap_err();
    }
}

#[test]
fn records_that_cannot_be_read_are_absent_and_removed() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let record = publish(&store, &key(1), &[("a", b"x")]);
    let name = key(1).to_string();
    let path = root.path().join("v1/records").join(&name[..2]).join(format!("{name}.json"));
    let good = fs::read(&path).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let other_version = text.replacen("\"version\":1", "\"version\":999", 1);
    let other_key = text.replace(&name, &key(2).to_string());
    let outside = text.replace(&record.directory, "../../../etc");
    for bad in [
        b"".to_vec(),
        b"{".to_vec(),
        good[..good.len() / 2].to_vec(),
        vec![0; good.len()],
        other_version.into_bytes(),
        other_key.into_bytes(),
        outside.into_bytes(),
    ] {
        fs::write(&path, &bad).unwrap();
        assert_eq!(store.record(&key(1)).unwrap(), None, "{}", String::from_utf8_lossy(&bad));
        assert!(!path.exists());
    }
    fs::write(&path, good).unwrap();
    assert_eq!(store.record(&key(1)).unwrap(), Some(record));
}

#[test]
fn small_files_are_kept_by_identity_and_key() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let identity = Digest::of(b"unit");
    assert_eq!(store.path_sets(&identity).unwrap(), None);
    store.put_path_sets(&identity, &sample_path_sets("src/lib.rs")).unwrap();
    assert_eq!(store.path_sets(&identity).unwrap(), Some(sample_path_sets("src/lib.rs")));
    for n in 0..12 {
        let inputs = KeyInputs { key: Some(key(n)), inputs: vec![("CC".into(), n.to_string())] };
        store.put_inputs(&identity, &key(n), &inputs).unwrap();
        assert_eq!(store.inputs(&key(n)).unwrap(), Some(inputs));
    }
    let latest = store.latest(&identity).unwrap();
    assert_eq!((latest.len(), latest[0], latest[7]), (8, key(11), key(4)));
    store.put_inputs(&identity, &key(5), &KeyInputs::default()).unwrap();
    assert_eq!(store.latest(&identity).unwrap()[..2], [key(5), key(11)]);
    store.put_plan(&identity, b"opaque").unwrap();
    assert_eq!(store.plan(&identity).unwrap().as_deref(), Some(&b"opaque"[..]));
    let durations = store.durations();
    durations.set(&identity, Duration::from_secs(3));
    durations.save().unwrap();
    assert_eq!(store.durations().get(&identity), Some(Duration::from_secs(3)));
    let stats = store.stats().unwrap();
    assert_eq!((stats.path_sets.count, stats.inputs.count, stats.plans.bytes), (1, 13, 6));
}

#[test]
fn stores_that_cannot_be_used_say_why() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    for bad in [file.clone(), file.join("below")] {
        let error = DiskStore::open(&bad).unwrap_err();
        assert!(matches!(error, StoreError::InTheWay { .. }), "{error}");
        assert!(error.means_no_store() && error.to_string().contains("file"));
    }
    let foreign = root.path().join("foreign");
    fs::create_dir_all(foreign.join("v1")).unwrap();
    fs::write(foreign.join("v1/FORMAT"), "larder-store 7\n").unwrap();
    let error = DiskStore::open(&foreign).unwrap_err();
    assert!(
        matches!(&error, StoreError::ForeignVersion { found, .. } if found == "larder-store 7")
    );
    assert!(error.means_no_store());
    // A newer larder's bucket beside ours is none of our business.
    let both = root.path().join("both");
    fs::create_dir_all(both.join("v2")).unwrap();
    fs::write(both.join("v2/FORMAT"), "larder-store 2\n").unwrap();
    DiskStore::open(&both).unwrap();
    assert!(both.join("CACHEDIR.TAG").exists());
}

#[test]
fn areas_that_someone_removed_are_made_again() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    for area in ["tmp", "records", "run", "out", "trash", "memo"] {
        fs::remove_dir_all(root.path().join("v1").join(area)).unwrap();
    }
    let store2 = DiskStore::open(root.path()).unwrap();
    let record = publish(&store2, &key(1), &[("a", b"x")]);
    assert_eq!(store.record(&key(1)).unwrap(), Some(record));
    drop(store.lock_key(&key(1)).unwrap());
    assert_eq!(gc_all(&store).removed, 1);
}

#[test]
fn results_travel_through_a_driver() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (here, there) =
        (DiskStore::open(here.path()).unwrap(), DiskStore::open(there.path()).unwrap());
    let remote = MemoryDriver::new();
    let pending = here.begin(&key(1)).unwrap();
    fs::write(pending.dir().join("tool"), b"#!").unwrap();
    fs::set_permissions(pending.dir().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("tool", pending.dir().join("alias")).unwrap();
    let sent = pending.publish(sample_record(&key(1), &[])).unwrap();
    assert_eq!(push(&here, &sent, &remote).unwrap().blobs, 1);
    assert_eq!(push(&here, &sent, &remote).unwrap().blobs, 0, "it is there already");
    let record = remote.get_record(&key(1)).unwrap().unwrap();
    assert_eq!(record.directory, "", "where it lies is nobody else's business");
    let got = pull(&remote, &record, there.begin(&key(1)).unwrap()).unwrap();
    there.verify(&got, Check::Full).unwrap();
    assert_eq!(got.outputs, sent.outputs);
    let tool = fs::metadata(there.dir_of(&got).join("alias")).unwrap();
    assert_eq!((tool.mode() & 0o777, tool.len()), (0o755, 2));
}

#[test]
fn a_hostile_or_broken_remote_never_gets_a_result_published() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let remote = MemoryDriver::new();
    let good = sample_record(&key(1), &[("a", b"first"), ("b", b"second")]);
    for content in [&b"first"[..], b"second"] {
        remote.put_blob(&larder_store::Blob::of(content), &mut &content[..]).unwrap();
    }
    let mut bad = Vec::new();
    for name in ["../x", "/etc/x", "", "a/../../x", ".."] {
        let mut record = good.clone();
        record.outputs[1].name = name.into();
        bad.push(record);
    }
    for (name, target) in [("l", "/etc/passwd"), ("l", "../../x"), ("a", "b")] {
        let mut record = good.clone();
        record.outputs[1].name = name.into();
        record.outputs[1].symlink = Some(target.into());
        record.outputs[1].digest = Digest::of(target.as_bytes());
        bad.push(record);
    }
    let mut through = good.clone();
    through.outputs[0].symlink = Some("b".into());
    through.outputs[0].digest = Digest::of(b"b");
    through.outputs[1].name = "a/b".into();
    bad.push(through);
    let mut lacking = good.clone();
    lacking.outputs[1].digest = Digest::of(b"third");
    bad.push(lacking);
    for record in &bad {
        pull(&remote, record, store.begin(&key(1)).unwrap()).unwrap_err();
    }
    pull(&remote, &good, store.begin(&key(2)).unwrap()).unwrap_err();
    let faults = [Fault::FailCall(1), Fault::Flip(4), Fault::Truncate(2), Fault::Lengthen];
    for fault in faults {
        let remote = Faulty::new(&remote, fault);
        pull(&remote, &good, store.begin(&key(1)).unwrap()).unwrap_err();
    }
    assert_eq!(store.record(&key(1)).unwrap(), None);
    assert_eq!(count(&root.path().join("v1/out")), 0);
    pull(&remote, &good, store.begin(&key(1)).unwrap()).unwrap();
    // A file that was damaged here does not spread.
    let record = store.record(&key(1)).unwrap().unwrap();
    fs::write(store.dir_of(&record).join("a"), b"FIRST").unwrap();
    let empty = MemoryDriver::new();
    push(&store, &record, &empty).unwrap_err();
    assert_eq!(empty.get_record(&key(1)).unwrap(), None);
}

/// Two files with the same bytes, as an `.rlib` holds its `.rmeta`; large
/// enough to be packed.
fn library(seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    (0..200_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

#[test]
fn packed_results_are_unpacked_where_they_are_needed() {
    let root = tempfile::tempdir().unwrap();
    let store = DiskStore::open(root.path()).unwrap();
    let content = library(0);
    let pending = store.begin_at(&key(1), "target/debug/build/a-1/out").unwrap();
    fs::create_dir(pending.dir().join("sub")).unwrap();
    fs::write(pending.dir().join("sub/tool"), &content).unwrap();
    fs::write(pending.dir().join("a.rlib"), &content).unwrap();
    symlink("sub/tool", pending.dir().join("link")).unwrap();
    fs::set_permissions(pending.dir().join("sub/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = pending.publish(sample_record(&key(1), &[])).unwrap();
    publish(&store, &key(2), &[("b.rmeta", b"small")]);

    let there = tempfile::tempdir().unwrap();
    let other = DiskStore::open(there.path()).unwrap();
    let keys = BTreeSet::from([key(1), key(2), key(3)]);
    let packed = store.pack_into(&other, Some(&keys), 2).unwrap();
    assert_eq!((packed.results, packed.bytes, packed.there), (2, 400_005, 0));
    assert!(packed.packed_bytes < 210_000, "the second copy costs nothing: {packed:?}");
    let again = store.pack_into(&other, Some(&keys), 1).unwrap();
    assert_eq!((again.results, again.there), (0, 2));

    let found = other.record(&key(1)).unwrap().unwrap();
    assert_eq!(found, run);
    let dir = other.dir_of(&run);
    assert!(!dir.join("a.rlib").exists() && !dir.join("sub/tool").exists());
    other.verify(&found, Check::Quick).unwrap();
    other.verify(&found, Check::Full).unwrap();
    assert_eq!(fs::read(dir.join("link")).unwrap(), content);
    let mode = fs::metadata(dir.join("sub/tool")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    other.verify(&other.record(&key(2)).unwrap().unwrap(), Check::Full).unwrap();

    // A packed store is packed again without its files.
    fs::remove_dir_all(&dir).unwrap();
    let third = tempfile::tempdir().unwrap();
    let third = DiskStore::open(third.path()).unwrap();
    assert_eq!(other.pack_into(&third, None, 2).unwrap(), packed);
    third.verify(&run, Check::Full).unwrap();

    // Frames stay in the first store: what it lost comes back.
    fs::remove_file(store.dir_of(&run).join("a.rlib")).unwrap();
    store.verify(&run, Check::Full).unwrap();
    assert!(!store.is_packed() && other.is_packed());

    // A file that is there stays, the other one comes back.
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("a.rlib"), &content).unwrap();
    let inode = fs::metadata(dir.join("a.rlib")).unwrap().ino();
    assert_eq!(other.unpack(&dir).unwrap().unwrap().len(), 1);
    assert_eq!(fs::metadata(dir.join("a.rlib")).unwrap().ino(), inode);
    assert_eq!(other.unpack(&dir).unwrap(), Some(Vec::new()), "everything is there");
    let plain = publish(&store, &key(4), &[("c.rmeta", b"plain")]);
    assert_eq!(store.unpack(&store.dir_of(&plain)).unwrap(), None, "it is not packed");

    // The place of a run is taken, as in the store that it was made in.
    let another = other.begin_at(&key(1), "target/debug/build/a-1/out").unwrap();
    assert_ne!(another.dir(), dir);
    drop(another);
    gc_all(&other);
    assert!(!dir.exists(), "packed results are collected as any others");
}

#[test]
fn a_result_with_a_link_out_of_it_is_not_packed() {
    let (root, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = DiskStore::open(root.path()).unwrap();
    for (number, target) in [(1, "/etc"), (2, "../../x"), (3, "a.rlib")] {
        let pending = store.begin(&key(number)).unwrap();
        fs::write(pending.dir().join("a.rlib"), library(1)).unwrap();
        symlink(target, pending.dir().join("link")).unwrap();
        pending.publish(sample_record(&key(number), &[])).unwrap();
    }
    let other = DiskStore::open(there.path()).unwrap();
    assert_eq!(store.pack_into(&other, None, 1).unwrap().results, 1);
    assert!(other.record(&key(3)).unwrap().is_some());
}

#[test]
fn a_damaged_packed_result_is_dropped() {
    type Damaging = fn(&mut Vec<u8>);
    let halve: Damaging = |bytes| bytes.truncate(bytes.len() / 2);
    let flip: Damaging = |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    for damage in [halve, flip] {
        let (root, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = DiskStore::open(root.path()).unwrap();
        publish(&store, &key(1), &[("a.rlib", &library(1)), ("b.rlib", &library(2))]);
        let other = DiskStore::open(there.path()).unwrap();
        store.pack_into(&other, Some(&BTreeSet::from([key(1)])), 1).unwrap();
        let record = other.record(&key(1)).unwrap().unwrap();
        let packed = other.dir_of(&record).join(".larder-packed");
        let mut bytes = fs::read(&packed).unwrap();
        damage(&mut bytes);
        fs::write(&packed, bytes).unwrap();
        let damaged = other.verify(&record, Check::Quick).unwrap_err();
        assert!(matches!(damaged.damage, Damage::Unreadable(_)), "{damaged}");
        assert_eq!(other.record(&key(1)).unwrap(), None);
        // What is damaged before is not packed.
        let record = publish(&store, &key(2), &[("a.rlib", &library(1))]);
        fs::write(store.dir_of(&record).join("a.rlib"), b"else").unwrap();
        assert_eq!(store.pack_into(&other, Some(&BTreeSet::from([key(2)])), 1).unwrap().results, 0);
        assert_eq!(other.record(&key(2)).unwrap(), None);
    }
}
