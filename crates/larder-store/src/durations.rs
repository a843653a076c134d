//! How long units took when they last ran, so that the longest path is
//! started first. A wrong or missing value costs time only, so eight bytes of
//! an identity are enough to name it.

use crate::memo::{Rows, field};
use larder_schema::Digest;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MAGIC: &[u8; 8] = b"LRDdur01";
/// Identity (8), milliseconds (4).
const WIDTH: usize = 12;
/// Entries kept: 400 KB. Beyond it unlucky ones are forgotten.
const KEPT: usize = 32_768;

type Memo = Rows<WIDTH, 8>;

/// Remembered wall times by identity. Loaded in one read, saved if changed.
#[derive(Debug)]
pub struct Durations {
    path: PathBuf,
    known: Memo,
    news: Mutex<HashMap<[u8; 8], u32>>,
}

impl Durations {
    /// The memo at `path`, empty if there is none.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned(), known: Memo::load(path, MAGIC), news: Mutex::default() }
    }

    /// How long the unit took when it last ran.
    #[must_use]
    pub fn get(&self, identity: &Digest) -> Option<Duration> {
        let key = field::<8>(identity.as_bytes(), 0);
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = news
            .get(&key)
            .copied()
            .or_else(|| self.known.find(&key).map(|row| u32::from_le_bytes(field(row, 8))))?;
        Some(Duration::from_millis(ms.into()))
    }

    /// Remembers how long the unit took; more than 49 days counts as that.
    pub fn set(&self, identity: &Digest, took: Duration) {
        let ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        let key = field::<8>(identity.as_bytes(), 0);
        self.news.lock().unwrap_or_else(PoisonError::into_inner).insert(key, ms);
    }

    /// Merges what is new into the file.
    ///
    /// # Errors
    /// Those of writing; what was to be saved is kept for another attempt.
    pub fn save(&self) -> io::Result<()> {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if news.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<[u8; WIDTH]> = news
            .iter()
            .map(|(key, ms)| {
                let mut row = [0; WIDTH];
                row[..8].copy_from_slice(key);
                row[8..].copy_from_slice(&ms.to_le_bytes());
                row
            })
            .collect();
        // Ours come first, so they win over what others wrote meanwhile.
        let others = Memo::load(&self.path, MAGIC);
        let room = KEPT.saturating_sub(rows.len());
        let old = others.all().iter().filter(|row| !news.contains_key(&field::<8>(&row[..], 0)));
        rows.extend(old.take(room));
        Memo::store(&self.path, MAGIC, rows)?;
        news.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_processes_learn_is_merged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("durations");
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let (one, two) = (Durations::open(&path), Durations::open(&path));
        one.set(&a, Duration::from_secs(1));
        two.set(&b, Duration::from_millis(20));
        one.save().unwrap();
        two.save().unwrap();
        let read = Durations::open(&path);
        assert_eq!(read.get(&a), Some(Duration::from_secs(1)));
        assert_eq!(read.get(&b), Some(Duration::from_millis(20)));
        assert_eq!(read.get(&Digest::of(b"c")), None);
    }

    #[test]
    fn a_damaged_memo_is_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("durations");
        let a = Digest::of(b"a");
        let memo = Durations::open(&path);
        memo.set(&a, Duration::from_secs(1));
        memo.save().unwrap();
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(Durations::open(&path).get(&a), None, "byte {at}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert_eq!(Durations::open(&path).get(&a), None);
    }
}
