//! Every driver and combinator against the one conformance suite, and against
//! drivers that misbehave.

use larder_schema::Digest;
use larder_store::conformance::{Fault, Faulty, check, read_blob, sample_path_sets, sample_record};
use larder_store::{
    Blob, Bounded, DirDriver, Driver, DriverError, MemoryDriver, Private, ReadOnly, Tiered,
    Verifying,
};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn the_memory_driver_conforms() {
    check(MemoryDriver::new);
}

#[test]
fn the_directory_driver_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    check(|| {
        count.set(count.get() + 1);
        DirDriver::new(&dir.path().join(count.get().to_string()))
    });
}

#[test]
fn combinators_conform() {
    check(|| Verifying::new(MemoryDriver::new()));
    check(|| Bounded::new(MemoryDriver::new(), 1 << 20));
    check(|| Tiered::new(MemoryDriver::new(), MemoryDriver::new()));
    check(|| Arc::new(MemoryDriver::new()));
    check(|| Box::new(MemoryDriver::new()) as Box<dyn Driver>);
    check(|| {
        Tiered::new(MemoryDriver::new(), Verifying::new(Bounded::new(MemoryDriver::new(), 1 << 20)))
    });
    check(|| Faulty::new(MemoryDriver::new(), Fault::Slow(Duration::from_micros(50))));
    // A fast tier that is gone from the start must not be noticed.
    check(|| {
        let gone = Faulty::new(MemoryDriver::new(), Fault::GoneAfter(0));
        Tiered::new(gone, MemoryDriver::new())
    });
}

fn assert_refused<T: std::fmt::Debug>(answer: Result<T, DriverError>) {
    match answer {
        Err(DriverError::Refused { .. }) => {}
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn read_only_reads_and_refuses_writes() {
    let inner = Arc::new(MemoryDriver::new());
    let key = Digest::of(b"k");
    let record = sample_record(&key, &[("a", b"x")]);
    inner.put_record(&record).unwrap();
    inner.put_blob(&Blob::of(b"x"), &mut &b"x"[..]).unwrap();
    let driver = ReadOnly::new(inner);
    assert_eq!(driver.get_record(&key).unwrap().unwrap(), record);
    assert_eq!(read_blob(&driver, &Blob::of(b"x")).unwrap().unwrap(), b"x");
    assert_refused(driver.admit(&record));
    assert_refused(driver.put_record(&record));
    assert_refused(driver.put_path_sets(&key, &sample_path_sets("a")));
    assert_refused(driver.put_blob(&Blob::of(b"y"), &mut &b"y"[..]));
}

#[test]
fn bounded_keeps_large_blobs_and_their_results_out() {
    let inner = Arc::new(MemoryDriver::new());
    let driver = Bounded::new(inner.clone(), 3);
    let large = sample_record(&Digest::of(b"k"), &[("a", b"x"), ("b", b"four")]);
    assert_refused(driver.admit(&large));
    assert_refused(driver.put_record(&large));
    assert_refused(driver.put_blob(&Blob::of(b"four"), &mut &b"four"[..]));
    driver.put_blob(&Blob::of(b"abc"), &mut &b"abc"[..]).unwrap();
    inner.put_blob(&Blob::of(b"four"), &mut &b"four"[..]).unwrap();
    assert_refused(read_blob(&driver, &Blob::of(b"four")));
    // Whoever sends without end is cut off.
    let endless = Bounded::new(Faulty::new(inner, Fault::Lengthen), 100);
    assert_eq!(read_blob(&endless, &Blob::of(b"abc")).unwrap().unwrap().len(), 4);
}

#[test]
fn private_lets_nothing_of_a_private_unit_out() {
    let inner = Arc::new(MemoryDriver::new());
    let public = Digest::of(b"public unit");
    let driver = Private::new(inner.clone(), move |identity: &Digest| *identity == public);
    let private = sample_record(&Digest::of(b"k"), &[("a", b"secret")]);
    assert_refused(driver.admit(&private));
    assert_refused(driver.put_record(&private));
    assert_refused(driver.put_path_sets(&private.identity, &sample_path_sets("a")));
    assert_refused(driver.put_blob(&Blob::of(b"secret"), &mut &b"secret"[..]));
    let mut record = sample_record(&Digest::of(b"l"), &[("a", b"open")]);
    record.identity = public;
    driver.admit(&record).unwrap();
    driver.put_blob(&Blob::of(b"open"), &mut &b"open"[..]).unwrap();
    driver.put_record(&record).unwrap();
    assert_refused(driver.put_blob(&Blob::of(b"secret"), &mut &b"secret"[..]));
    assert_eq!(inner.has_blobs(&[Blob::of(b"secret"), Blob::of(b"open")]).unwrap(), [false, true]);
}

#[test]
fn tiered_fills_the_fast_store_and_survives_either() {
    let (fast, slow) = (Arc::new(MemoryDriver::new()), Arc::new(MemoryDriver::new()));
    let key = Digest::of(b"k");
    let record = sample_record(&key, &[("a", b"x")]);
    let blob = Blob::of(b"x");
    slow.put_record(&record).unwrap();
    slow.put_path_sets(&key, &sample_path_sets("a")).unwrap();
    slow.put_blob(&blob, &mut &b"x"[..]).unwrap();
    let tiered = Tiered::new(fast.clone(), slow.clone());
    let absent = Digest::of(b"absent");
    let found = tiered.get_records(&[absent, key]).unwrap();
    assert_eq!(found, [None, Some(record.clone())]);
    tiered.get_path_sets(&key).unwrap().unwrap();
    assert_eq!(read_blob(&tiered, &blob).unwrap().unwrap(), b"x");
    assert_eq!(fast.get_record(&key).unwrap(), Some(record.clone()));
    assert!(fast.get_path_sets(&key).unwrap().is_some());
    assert_eq!(fast.has_blobs(&[blob]).unwrap(), [true]);
    // With the slow store gone, what is in the fast one is still served.
    let gone = Tiered::new(fast, Faulty::new(slow.clone(), Fault::GoneAfter(0)));
    assert_eq!(gone.get_record(&key).unwrap(), Some(record.clone()));
    assert_eq!(read_blob(&gone, &blob).unwrap().unwrap(), b"x");
    gone.get_record(&absent).expect_err("the slow store's failure is told");
    // A slow store that refuses by policy does not make a write fail.
    let read_only = Tiered::new(MemoryDriver::new(), ReadOnly::new(slow));
    read_only.put_blob(&Blob::of(b"n"), &mut &b"n"[..]).unwrap();
    read_only.put_record(&record).unwrap();
    assert_eq!(read_blob(&read_only, &Blob::of(b"n")).unwrap().unwrap(), b"n");
}

#[test]
fn a_lying_slow_store_does_not_poison_the_fast_one() {
    let content = vec![9; 5000];
    let blob = Blob::of(&content);
    for fault in [Fault::Flip(4999), Fault::Truncate(4999), Fault::Lengthen] {
        let (fast, slow) = (Arc::new(MemoryDriver::new()), MemoryDriver::new());
        slow.put_blob(&blob, &mut &content[..]).unwrap();
        let tiered = Tiered::new(fast.clone(), Verifying::new(Faulty::new(slow, fault)));
        read_blob(&tiered, &blob).expect_err("wrong content");
        assert_eq!(fast.has_blobs(&[blob]).unwrap(), [false], "{fault:?}");
    }
}

#[test]
fn verifying_never_returns_wrong_bytes() {
    let content: Vec<u8> = (0..3000u32).map(|i| (i % 253) as u8).collect();
    let blob = Blob::of(&content);
    let inner = Arc::new(MemoryDriver::new());
    inner.put_blob(&blob, &mut &content[..]).unwrap();
    let key = Digest::of(b"k");
    inner.put_record(&sample_record(&key, &[("a", b"x")])).unwrap();
    let mut faults = vec![Fault::Lengthen, Fault::FailCall(0)];
    for at in (0..3000).step_by(97).chain([2999]) {
        faults.extend([Fault::Flip(at), Fault::Truncate(at)]);
    }
    for fault in faults {
        let driver = Verifying::new(Faulty::new(inner.clone(), fault));
        let error = read_blob(&driver, &blob).expect_err("wrong content");
        let gone = matches!(fault, Fault::FailCall(_));
        assert_eq!(matches!(error, DriverError::Corrupt { .. }), !gone, "{fault:?}: {error}");
        // Nor to one who stops reading at the size that is expected.
        if let Ok(Some(reader)) = Verifying::new(Faulty::new(inner.clone(), fault)).get_blob(&blob)
        {
            let mut bytes = Vec::new();
            let read = reader.take(blob.size).read_to_end(&mut bytes);
            assert!(read.is_err() || bytes == content, "{fault:?}");
        }
    }
    let driver = Verifying::new(Faulty::new(inner.clone(), Fault::WrongRecord));
    assert!(matches!(driver.get_record(&key), Err(DriverError::Corrupt { .. })));
    assert!(matches!(driver.get_records(&[key]), Err(DriverError::Corrupt { .. })));
    // Nor does it send them.
    let wrong = Blob { digest: Digest::of(b"something else"), size: blob.size };
    Verifying::new(inner.clone()).put_blob(&wrong, &mut &content[..]).expect_err("wrong digest");
    assert_eq!(inner.has_blobs(&[wrong]).unwrap(), [false]);
}
