//! What every driver must do, as one function that each driver's tests call;
//! and a driver that misbehaves on purpose, for the tests of those who must
//! survive it.
//!
//! Behind the feature `conformance`: it panics, which nothing else here does.

use crate::driver::{Answer, Blob, Driver, DriverError};
use larder_schema::Digest;
use larder_schema::pathset::{PATH_SETS_VERSION, PathInput, PathSet, PathSets, PathUse};
use larder_schema::record::{OutputFile, RECORD_VERSION, ResultRecord, Verdict};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A record with the outputs given as name and content.
#[must_use]
pub fn sample_record(key: &Digest, outputs: &[(&str, &[u8])]) -> ResultRecord {
    let outputs = outputs.iter().map(|(name, content)| OutputFile {
        name: (*name).to_owned(),
        digest: Digest::of(content),
        size: content.len() as u64,
        mode: 0o644,
        symlink: None,
    });
    ResultRecord {
        version: RECORD_VERSION,
        key: *key,
        identity: Digest::of(b"identity"),
        unit: "sample v1.0.0 (lib)".into(),
        directory: String::new(),
        outputs: outputs.collect(),
        interface: Digest::of(b"interface"),
        built_against: Vec::new(),
        stdout: "cargo::rustc-cfg=sample\n".into(),
        stderr: String::new(),
        duration_ms: 12,
        metadata_ms: None,
        verdict: Verdict::Portable,
        evidence: Vec::new(),
        side_outputs: Vec::new(),
        undeclared: None,
    }
}

/// Path sets that mention `path`.
#[must_use]
pub fn sample_path_sets(path: &str) -> PathSets {
    let paths = vec![PathInput { path: path.to_owned(), uses: PathUse::Content }];
    PathSets {
        version: PATH_SETS_VERSION,
        sets: vec![PathSet { paths, env: vec!["CC".into()], ..PathSet::default() }],
    }
}

/// All of a blob, if it is there.
///
/// # Errors
/// The driver's, or that of reading.
pub fn read_blob(driver: &dyn Driver, blob: &Blob) -> Answer<Option<Vec<u8>>> {
    let Some(mut reader) = driver.get_blob(blob)? else { return Ok(None) };
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| DriverError::io(&driver.name(), &blob.digest, &error))?;
    Ok(Some(bytes))
}

/// Runs the suite. `fresh` makes an empty driver that takes writes.
///
/// # Panics
/// If the driver does not do what it must.
pub fn check<D: Driver>(fresh: impl Fn() -> D) {
    absence_is_no_error(&fresh());
    what_is_put_is_got(&fresh());
    blobs_of_all_sizes(&fresh());
    a_failing_source_stores_nothing(&fresh());
    many_at_once(&fresh());
    threads_share_it(&fresh());
}

fn absence_is_no_error(driver: &dyn Driver) {
    let (a, blob) = (Digest::of(b"absent"), Blob::of(b"absent"));
    assert_eq!(driver.get_record(&a).expect("get_record"), None);
    assert_eq!(driver.get_path_sets(&a).expect("get_path_sets"), None);
    assert_eq!(read_blob(driver, &blob).expect("get_blob"), None);
    assert_eq!(driver.has_blobs(&[blob]).expect("has_blobs"), [false]);
    assert_eq!(driver.has_blobs(&[]).expect("has_blobs"), [false; 0]);
    assert!(!driver.name().is_empty());
}

fn what_is_put_is_got(driver: &dyn Driver) {
    let key = Digest::of(b"key");
    let mut record = sample_record(&key, &[("liba.rlib", b"content")]);
    driver.admit(&record).expect("admit");
    driver.put_record(&record).expect("put_record");
    assert_eq!(driver.get_record(&key).expect("get_record").as_ref(), Some(&record));
    record.duration_ms += 1;
    driver.put_record(&record).expect("put_record again");
    assert_eq!(driver.get_record(&key).expect("get_record").as_ref(), Some(&record));
    // A key and an identity are different names, even with equal digits.
    assert_eq!(driver.get_path_sets(&key).expect("get_path_sets"), None);
    for path in ["src/lib.rs", "src/other.rs"] {
        let sets = sample_path_sets(path);
        driver.put_path_sets(&record.identity, &sets).expect("put_path_sets");
        assert_eq!(driver.get_path_sets(&record.identity).expect("get_path_sets"), Some(sets));
    }
}

fn blobs_of_all_sizes(driver: &dyn Driver) {
    for size in [0, 1, 4096, 300_001] {
        let content: Vec<u8> = (0..size).map(|i: usize| (i * 7 % 251) as u8).collect();
        let blob = Blob::of(&content);
        for _ in 0..2 {
            driver.put_blob(&blob, &mut &content[..]).expect("put_blob");
        }
        assert_eq!(read_blob(driver, &blob).expect("get_blob"), Some(content));
        assert_eq!(driver.has_blobs(&[blob]).expect("has_blobs"), [true]);
    }
}

fn a_failing_source_stores_nothing(driver: &dyn Driver) {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let content = b"all of it";
    let blob = Blob::of(content);
    driver.put_blob(&blob, &mut content[..4].chain(Fails)).expect_err("the source failed");
    assert_eq!(read_blob(driver, &blob).expect("get_blob"), None);
    driver.put_blob(&blob, &mut &content[..4]).expect_err("the source ended early");
    assert_eq!(read_blob(driver, &blob).expect("get_blob"), None);
    assert_eq!(driver.has_blobs(&[blob]).expect("has_blobs"), [false]);
    driver.put_blob(&blob, &mut &content[..]).expect("put_blob after failures");
    assert_eq!(read_blob(driver, &blob).expect("get_blob").as_deref(), Some(&content[..]));
}

fn many_at_once(driver: &dyn Driver) {
    let name = |i: u8| Digest::of(&[i]);
    for i in (0..20).step_by(2) {
        driver.put_record(&sample_record(&name(i), &[])).expect("put_record");
        driver.put_path_sets(&name(i), &sample_path_sets(&i.to_string())).expect("put_path_sets");
        driver.put_blob(&Blob::of(&[i]), &mut &[i][..]).expect("put_blob");
    }
    let names: Vec<Digest> = (0..20).rev().map(name).collect();
    let blobs: Vec<Blob> = (0..20).rev().map(|i| Blob::of(&[i])).collect();
    let records = driver.get_records(&names).expect("get_records");
    let sets = driver.get_all_path_sets(&names).expect("get_all_path_sets");
    let there = driver.has_blobs(&blobs).expect("has_blobs");
    assert_eq!((records.len(), sets.len(), there.len()), (20, 20, 20));
    for (at, i) in (0..20u8).rev().enumerate() {
        let expected = i % 2 == 0;
        assert_eq!(records[at].as_ref().map(|r| r.key), expected.then(|| name(i)));
        assert_eq!(sets[at], expected.then(|| sample_path_sets(&i.to_string())));
        assert_eq!(there[at], expected);
    }
}

fn threads_share_it(driver: &dyn Driver) {
    let content = vec![42; 10_000];
    let blob = Blob::of(&content);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    if let Some(seen) = read_blob(driver, &blob).expect("get_blob") {
                        assert!(seen == content, "a blob was seen half written");
                    }
                    driver.put_blob(&blob, &mut &content[..]).expect("put_blob");
                }
            });
        }
    });
}

/// What a [`Faulty`] driver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The nth call (from 0) fails.
    FailCall(usize),
    /// Every call from the nth on fails: it is gone.
    GoneAfter(usize),
    /// Blobs end after this many bytes, without an error.
    Truncate(u64),
    /// The lowest bit of the byte at this place is flipped.
    Flip(u64),
    /// Blobs go on with rubbish after their end.
    Lengthen,
    /// Records are those of another key.
    WrongRecord,
    /// Every call takes this long.
    Slow(Duration),
}

/// A driver that passes calls on and misbehaves in one way.
pub struct Faulty<D> {
    inner: D,
    fault: Fault,
    calls: AtomicUsize,
}

impl<D: Driver> Faulty<D> {
    /// Spoils `inner`.
    pub fn new(inner: D, fault: Fault) -> Self {
        Self { inner, fault, calls: AtomicUsize::new(0) }
    }

    fn call(&self) -> Answer<()> {
        let n = self.calls.fetch_add(1, Ordering::Relaxed);
        let fails = match self.fault {
            Fault::FailCall(at) => n == at,
            Fault::GoneAfter(at) => n >= at,
            Fault::Slow(time) => {
                std::thread::sleep(time);
                false
            }
            _ => false,
        };
        if fails {
            let (driver, why) = (self.name(), format!("injected at call {n}"));
            return Err(DriverError::Unavailable { driver, why });
        }
        Ok(())
    }
}

impl<D: Driver> Driver for Faulty<D> {
    fn name(&self) -> String {
        format!("faulty {}", self.inner.name())
    }
    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.call()?;
        let mut found = self.inner.get_record(key)?;
        if let (Fault::WrongRecord, Some(record)) = (self.fault, &mut found) {
            record.key = Digest::of(b"another key");
        }
        Ok(found)
    }
    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        self.call()?;
        self.inner.put_record(record)
    }
    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        self.call()?;
        self.inner.get_path_sets(identity)
    }
    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        self.call()?;
        self.inner.put_path_sets(identity, sets)
    }
    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        self.call()?;
        let Some(reader) = self.inner.get_blob(blob)? else { return Ok(None) };
        Ok(Some(match self.fault {
            Fault::Truncate(at) => Box::new(reader.take(at)),
            Fault::Flip(at) => Box::new(Flipping { inner: reader, left: Some(at) }),
            Fault::Lengthen => Box::new(reader.chain(io::repeat(7))),
            _ => reader,
        }))
    }
    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        self.call()?;
        self.inner.put_blob(blob, content)
    }
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        self.call()?;
        self.inner.has_blobs(blobs)
    }
}

/// Flips a bit when `left` bytes have passed.
struct Flipping<R> {
    inner: R,
    left: Option<u64>,
}

impl<R: Read> Read for Flipping<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if let Some(left) = self.left {
            match usize::try_from(left) {
                Ok(at) if at < n => {
                    buffer[at] ^= 1;
                    self.left = None;
                }
                _ => self.left = Some(left - n as u64),
            }
        }
        Ok(n)
    }
}
