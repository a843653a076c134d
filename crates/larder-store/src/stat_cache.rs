//! Digests of files whose stat has not changed since they were read.
//!
//! | part of the stat | in the entry | why |
//! |---|---|---|
//! | device, inode | key | name the file whatever its path; links share an entry |
//! | size | yes | cheap |
//! | ctime, nanoseconds | yes | the kernel sets it on every change and no program can set it back |
//! | mtime | no | `touch`, `tar`, `git` and Docker set it to anything |
//! | path | no | a renamed file gets a new ctime anyway |
//!
//! A change within the same tick of the file system's clock leaves the ctime
//! equal. So, as in git's index, an entry is only made if the file's ctime was
//! older than [`TICK`] when reading began: whatever changes it later gets
//! another ctime. A younger file is *unsettled*: its digest is returned, not
//! remembered. [`StatCache::settle`] reads such files again when they are old
//! enough (the outputs of a build, while it waits for a compiler or at its
//! end), so that the next build need not.
//!
//! On a network file system whose clock runs behind by more than a tick the
//! rule is weaker; rustc's own inputs are no safer there.

use crate::hash::hash_file;
use crate::memo::{Rows, field};
use crate::read_write::is_absent;
use larder_schema::Digest;
use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longer than one tick of the clock behind ctimes: Linux stamps files with
/// the time of the last timer interrupt, at most 10 ms apart.
const TICK: Duration = Duration::from_millis(20);

/// The same for file systems that store whole seconds (HFS+, ext3) or pairs
/// of them (FAT), told by a ctime without nanoseconds.
const COARSE_TICK: Duration = Duration::from_millis(2100);

const MAGIC: &[u8; 8] = b"LRDstat1";

/// Device, inode (8 each): the key. Size, ctime in ns (8 each), day of last
/// use (4), digest (32).
const WIDTH: usize = 68;
type Memo = Rows<WIDTH, 16>;

/// Entries kept, those used last: 4.5 MB on disk.
const KEPT: usize = 65_536;

/// Files waiting to be settled. More than any build produces; beyond it they
/// are read again by the next build.
const UNSETTLED: usize = 16_384;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stat {
    key: [u8; 16],
    size: u64,
    ctime: i64,
}

impl Stat {
    fn of(meta: &Metadata) -> Self {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&meta.dev().to_be_bytes());
        key[8..].copy_from_slice(&meta.ino().to_be_bytes());
        let ctime = meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec());
        Self { key, size: meta.size(), ctime }
    }

    /// Whether a later change of the file must show in its ctime, if reading
    /// began at `now` (ns since 1970).
    fn settled_at(&self, now: i64) -> bool {
        let coarse = self.ctime % 1_000_000_000 == 0;
        let tick = if coarse { COARSE_TICK } else { TICK };
        let tick = i64::try_from(tick.as_nanos()).unwrap_or(i64::MAX);
        now.saturating_sub(self.ctime) > tick
    }

    fn row(&self, digest: &Digest, day: u32) -> [u8; WIDTH] {
        let mut row = [0; WIDTH];
        row[..16].copy_from_slice(&self.key);
        row[16..24].copy_from_slice(&self.size.to_le_bytes());
        row[24..32].copy_from_slice(&self.ctime.to_le_bytes());
        row[32..36].copy_from_slice(&day.to_le_bytes());
        row[36..].copy_from_slice(digest.as_bytes());
        row
    }

    fn digest_in(&self, row: &[u8; WIDTH]) -> Option<Digest> {
        let same =
            row[16..24] == self.size.to_le_bytes() && row[24..32] == self.ctime.to_le_bytes();
        same.then(|| Digest::from_bytes(field(row, 36)))
    }
}

fn day_of(row: &[u8; WIDTH]) -> u32 {
    u32::from_le_bytes(field(row, 32))
}

#[derive(Default)]
struct News {
    rows: HashMap<[u8; 16], [u8; WIDTH]>,
    /// Whether `rows` has something that the file lacks.
    changed: bool,
    unsettled: Vec<PathBuf>,
    /// Of files that this process wrote; never saved.
    written: HashMap<[u8; 16], [u8; WIDTH]>,
}

/// A cache of file digests, shared by threads, kept in one file.
///
/// The file is read when the first digest is asked for and written by
/// [`StatCache::save`]. Several processes may use the same file: what one
/// learns may get lost, never turn into a wrong digest.
pub struct StatCache {
    path: PathBuf,
    known: OnceLock<Memo>,
    news: Mutex<News>,
    today: u32,
}

impl std::fmt::Debug for StatCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatCache").field("path", &self.path).finish_non_exhaustive()
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

impl StatCache {
    /// The cache in the file at `path`, which need not exist.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let today = u32::try_from(now() / 86_400_000_000_000).unwrap_or(0);
        Self { path: path.to_owned(), known: OnceLock::new(), news: Mutex::default(), today }
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The digest of the file at `path`, following symbolic links; `None` if
    /// there is nothing. Reads the file only if its stat is not known.
    ///
    /// # Errors
    /// Those of reading; a directory is one.
    pub fn digest(&self, path: &Path) -> io::Result<Option<Digest>> {
        let meta = match std::fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if is_absent(&error) => return Ok(None),
            // This call words the error with the path.
            Err(_) => fs_err::metadata(path)?,
        };
        if let Some(digest) = self.known(&meta) {
            return Ok(Some(digest));
        }
        match self.read(path) {
            Ok((digest, _)) => Ok(Some(digest)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The digest of the file that `meta` is the stat of, if it is known.
    #[must_use]
    pub fn known(&self, meta: &Metadata) -> Option<Digest> {
        let stat = Stat::of(meta);
        let news = self.news();
        if let Some(row) = news.rows.get(&stat.key).or_else(|| news.written.get(&stat.key)) {
            return stat.digest_in(row);
        }
        drop(news);
        let known = self.known.get_or_init(|| Memo::load(&self.path, MAGIC));
        let row = known.find(&stat.key)?;
        let digest = stat.digest_in(row)?;
        if day_of(row) != self.today {
            let mut news = self.news();
            news.rows.entry(stat.key).or_insert_with(|| stat.row(&digest, self.today));
            news.changed = true;
        }
        Some(digest)
    }

    /// Remembers the digest of a file of the store that this process hashed
    /// while it wrote it, for as long as it runs. Such a file is as young as a
    /// file can be; but nobody else writes to it.
    pub(crate) fn wrote(&self, meta: &Metadata, digest: &Digest) {
        let stat = Stat::of(meta);
        self.news().written.insert(stat.key, stat.row(digest, self.today));
    }

    /// Reads the file at `path` whatever is known, and remembers its digest.
    /// Returns its stat too.
    ///
    /// # Errors
    /// Those of reading; a directory is one.
    pub fn read(&self, path: &Path) -> io::Result<(Digest, Metadata)> {
        self.read_with(path, &mut |_| {})
    }

    /// The same. `see` gets the content in order, a chunk at a time, and
    /// `None` before its first byte: where a file changes while it is read, it
    /// is read again from there.
    ///
    /// # Errors
    /// Those of reading; a directory is one.
    pub fn read_with(
        &self,
        path: &Path,
        see: &mut dyn FnMut(Option<&[u8]>),
    ) -> io::Result<(Digest, Metadata)> {
        // A file that changes all the time gets the digest of some state of
        // it, which is not remembered.
        let mut tries = 3;
        loop {
            let file = fs_err::File::open(path)?;
            let began = now();
            let before = file.metadata()?;
            see(None);
            let (digest, _) = hash_file(&file, before.len(), &mut |bytes| see(Some(bytes)))?;
            let after = file.metadata()?;
            let stat = Stat::of(&after);
            if stat == Stat::of(&before) {
                if stat.settled_at(began) {
                    let mut news = self.news();
                    news.rows.insert(stat.key, stat.row(&digest, self.today));
                    news.changed = true;
                } else {
                    let mut news = self.news();
                    if news.unsettled.len() < UNSETTLED {
                        news.unsettled.push(path.to_owned());
                    }
                }
                return Ok((digest, after));
            }
            tries -= 1;
            if tries == 0 {
                return Ok((digest, after));
            }
        }
    }

    /// Reads files again that were too young to be remembered, for at most
    /// about `budget`. Returns how many are left.
    pub fn settle(&self, budget: Duration) -> usize {
        let start = Instant::now();
        let mut pending = std::mem::take(&mut self.news().unsettled);
        while start.elapsed() < budget {
            let Some(path) = pending.pop() else { break };
            // Gone or unreadable files need no entry. One that is still too
            // young is put back by `read` and waits for the next call.
            let _ = self.digest(&path);
        }
        let mut news = self.news();
        news.unsettled.append(&mut pending);
        news.unsettled.len()
    }

    /// Merges what is new into the file; `false` if nothing was.
    ///
    /// # Errors
    /// Those of writing; what was to be saved is kept for another attempt.
    pub fn save(&self) -> io::Result<bool> {
        let mut news = self.news();
        if !news.changed {
            return Ok(false);
        }
        let others = Memo::load(&self.path, MAGIC);
        let mut rows: Vec<_> = news.rows.values().copied().collect();
        rows.extend(
            others.all().iter().filter(|row| !news.rows.contains_key(&field::<16>(&row[..], 0))),
        );
        if rows.len() > KEPT {
            rows.sort_by_key(|row| std::cmp::Reverse(day_of(row)));
            rows.truncate(KEPT);
        }
        Memo::store(&self.path, MAGIC, rows)?;
        // The rows stay: the file as it was loaded does not have them.
        news.changed = false;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn settled_file(dir: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        std::thread::sleep(TICK + Duration::from_millis(5));
        path
    }

    #[test]
    fn a_change_within_the_tick_cannot_be_remembered() {
        let second = 1_000_000_000;
        let fine = Stat { key: [0; 16], size: 1, ctime: 5 * second + 1 };
        assert!(!fine.settled_at(5 * second + 2));
        assert!(!fine.settled_at(4 * second), "the clock was set back");
        assert!(fine.settled_at(5 * second + 30_000_000));
        let coarse = Stat { ctime: 5 * second, ..fine };
        assert!(!coarse.settled_at(6 * second));
        assert!(coarse.settled_at(8 * second));
    }

    #[test]
    fn what_is_saved_is_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let memo = dir.path().join("stat");
        let file = settled_file(dir.path(), "f", b"one");
        let cache = StatCache::open(&memo);
        assert_eq!(cache.digest(&file).unwrap(), Some(Digest::of(b"one")));
        assert_eq!(cache.digest(&dir.path().join("absent")).unwrap(), None);
        assert_eq!(cache.digest(&file.join("below")).unwrap(), None);
        cache.digest(dir.path()).unwrap_err();
        assert!(cache.save().unwrap());
        assert!(!cache.save().unwrap(), "nothing is new");
        let next = StatCache::open(&memo);
        assert_eq!(next.known(&fs::metadata(&file).unwrap()), Some(Digest::of(b"one")));
        assert!(!next.save().unwrap());
        // Same size, mtime set back: the ctime tells.
        let mtime = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, b"two").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(mtime).unwrap();
        assert_eq!(next.digest(&file).unwrap(), Some(Digest::of(b"two")));
    }

    #[test]
    fn a_young_file_is_remembered_only_when_it_has_settled() {
        let dir = tempfile::tempdir().unwrap();
        let cache = StatCache::open(&dir.path().join("stat"));
        let file = dir.path().join("f");
        // The directory of a slow machine may be older than a tick by the
        // time it is read; then there is nothing to see.
        fs::write(&file, b"x").unwrap();
        cache.read(&file).unwrap();
        std::thread::sleep(TICK + Duration::from_millis(5));
        assert_eq!(cache.settle(Duration::from_secs(1)), 0);
        assert_eq!(cache.known(&fs::metadata(&file).unwrap()), Some(Digest::of(b"x")));
    }

    #[test]
    fn concurrent_savers_lose_news_at_most() {
        let dir = tempfile::tempdir().unwrap();
        let memo = dir.path().join("stat");
        let files: Vec<_> = (0..8u8)
            .map(|i| {
                let path = dir.path().join(i.to_string());
                fs::write(&path, [i; 9]).unwrap();
                path
            })
            .collect();
        std::thread::sleep(TICK + Duration::from_millis(5));
        std::thread::scope(|scope| {
            for file in &files {
                let (memo, files) = (&memo, &files);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let cache = StatCache::open(memo);
                        cache.read(file).unwrap();
                        cache.save().unwrap();
                        for (i, file) in files.iter().enumerate() {
                            let expected = Digest::of(&[i as u8; 9]);
                            assert_eq!(cache.digest(file).unwrap(), Some(expected));
                        }
                    }
                });
            }
        });
        let left = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, files.len() + 1, "no temporary files stay");
    }

    #[test]
    fn the_file_stays_bounded_and_keeps_what_was_used_last() {
        let dir = tempfile::tempdir().unwrap();
        let memo = dir.path().join("stat");
        let rows = (0..KEPT as u64 + 10)
            .map(|i| {
                let mut key = [0; 16];
                key[8..].copy_from_slice(&i.to_be_bytes());
                Stat { key, size: 1, ctime: 1 }.row(&Digest::of(b""), 5)
            })
            .collect();
        Memo::store(&memo, MAGIC, rows).unwrap();
        let file = settled_file(dir.path(), "f", b"new");
        let cache = StatCache::open(&memo);
        cache.read(&file).unwrap();
        cache.save().unwrap();
        assert_eq!(Memo::load(&memo, MAGIC).all().len(), KEPT);
        let meta = fs::metadata(&file).unwrap();
        assert_eq!(StatCache::open(&memo).known(&meta), Some(Digest::of(b"new")));
    }
}
