//! What a warm build pays for looking things up: `cargo run --release -p
//! larder-store --example lookup_cost`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "prints numbers for people")]

use larder_schema::Digest;
use larder_store::conformance::{sample_path_sets, sample_record};
use larder_store::{Check, DiskStore, StatCache};
use std::fs;
use std::time::{Duration, Instant};

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = run();
    println!("{:>9.2} ms  {what}", start.elapsed().as_secs_f64() * 1e3);
    value
}

fn main() {
    const UNITS: u32 = 2000;
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::open(dir.path()).unwrap();
    let keys: Vec<Digest> = (0..UNITS).map(|n| Digest::of(&n.to_le_bytes())).collect();
    timed("publish 2000 results of 3 files", || {
        for key in &keys {
            let pending = store.begin(key).unwrap();
            for name in ["liba.rlib", "liba.rmeta", "a.d"] {
                fs::write(pending.dir().join(name), key.as_bytes().repeat(128)).unwrap();
            }
            pending.publish(sample_record(key, &[])).unwrap();
            store.put_path_sets(key, &sample_path_sets("src/lib.rs")).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(50));
    timed("settle 6000 outputs", || store.stat_cache().settle(Duration::from_secs(10)));
    timed("save the stat cache", || store.stat_cache().save().unwrap());
    for _ in 0..3 {
        let store = timed("open", || DiskStore::open(dir.path()).unwrap());
        let _hold = timed("hold", || store.hold().unwrap());
        timed("2000 path sets", || keys.iter().for_each(|k| drop(store.path_sets(k).unwrap())));
        let records = timed("2000 records", || {
            keys.iter().map(|k| store.record(k).unwrap().unwrap()).collect::<Vec<_>>()
        });
        timed("load the stat cache (6000 entries)", || {
            StatCache::open(&dir.path().join("v1/memo/stat"))
                .known(&fs::metadata(dir.path()).unwrap())
        });
        timed("quick check of 6000 files", || {
            records.iter().for_each(|r| store.verify(r, Check::Quick).unwrap());
        });
        timed("2000 absent records", || {
            (UNITS..2 * UNITS).for_each(|n| drop(store.record(&Digest::of(&n.to_le_bytes()))));
        });
    }
    timed("statistics", || store.stats().unwrap());
    let policy = larder_store::GcPolicy { max_bytes: Some(0), max_age: None };
    let report = timed("remove 2000 results", || store.gc(policy).unwrap());
    println!("{report:?}");
}
