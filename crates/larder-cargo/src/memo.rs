//! Memory between runs: digests of files by their stat, and answers of tools
//! by what they were asked.
//!
//! A file's digest is remembered with its device, inode, size, mtime and
//! ctime. The ctime cannot be set by programs, so it alone decides whether a
//! file changed; as in git, a file whose ctime is too near to the moment of
//! hashing is not remembered, since a second write could share it. The device
//! of an overlay is another one wherever it is mounted, in every container and
//! every step of a `docker build`, while inode and times are those of the file
//! in its layer: there the device does not count. A memo
//! that is damaged or gone costs time, never correctness; failures to write
//! one are not errors.

use larder_schema::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// Version of the directory: another layout gets another name.
const VERSION: &str = "v2";

/// How old a change must be before its digest is remembered.
const RACY: Duration = Duration::from_secs(2);

/// What identifies a file's content without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    device: u64,
    inode: u64,
    size: u64,
    ctime: i64,
    ctime_nanos: i64,
    mtime: i64,
    mtime_nanos: i64,
}

impl Stat {
    /// The stat in `metadata`.
    #[cfg(unix)]
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            ctime: metadata.ctime(),
            ctime_nanos: metadata.ctime_nsec(),
            mtime: metadata.mtime(),
            mtime_nanos: metadata.mtime_nsec(),
        }
    }

    pub(crate) fn is_racy(&self) -> bool {
        let changed = SystemTime::UNIX_EPOCH
            + Duration::new(self.ctime.try_into().unwrap_or(0), 0)
            + Duration::from_nanos(self.ctime_nanos.try_into().unwrap_or(0));
        SystemTime::now().duration_since(changed).is_ok_and(|age| age < RACY)
            || SystemTime::now() < changed
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FileMemo {
    stat: Stat,
    digest: Digest,
}

#[derive(Debug, Default)]
struct Files {
    known: BTreeMap<PathBuf, FileMemo>,
    dirty: bool,
}

/// The memory of one larder directory. Shared by threads; written by
/// [`Memo::save`] and when dropped.
#[derive(Debug)]
pub struct Memo {
    directory: PathBuf,
    files: Mutex<Files>,
    /// Devices that were met, and whether they are overlays.
    overlays: Mutex<BTreeMap<u64, bool>>,
}

impl Memo {
    /// Opens the memory below `larder_dir`; what cannot be read is forgotten.
    #[must_use]
    pub fn open(larder_dir: &Path) -> Self {
        let directory = larder_dir.join("memo").join(VERSION);
        let known = fs_err::read(directory.join("files.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let files = Mutex::new(Files { known, dirty: false });
        Self { directory, files, overlays: Mutex::default() }
    }

    /// The BLAKE3 digest of a file's content. It is compared with others of this
    /// kind only: everything that larder stores is known by its SHA-256.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn file_digest(&self, path: &Path) -> io::Result<Digest> {
        let before = self.stat(path)?;
        if let Some(memo) = self.lock().known.get(path)
            && memo.stat == before
        {
            return Ok(memo.digest);
        }
        let digest = identify(path)?;
        let after = self.stat(path)?;
        let mut files = self.lock();
        if before == after && !after.is_racy() {
            files.known.insert(path.to_owned(), FileMemo { stat: after, digest });
            files.dirty = true;
        }
        Ok(digest)
    }

    /// The stat of a file as it is remembered.
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let mut stat = Stat::of(&fs_err::metadata(path)?);
        let mut overlays = self.overlays.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *overlays.entry(stat.device).or_insert_with(|| is_on_overlay(path)) {
            stat.device = 0;
        }
        Ok(stat)
    }

    /// What was remembered under `key`.
    #[must_use]
    pub fn answer<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Option<T> {
        let bytes = fs_err::read(self.answer_path(kind, key)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Remembers `value` under `key`.
    pub fn remember<T: Serialize>(&self, kind: &str, key: &Digest, value: &T) {
        if let Ok(bytes) = serde_json::to_vec(value) {
            let _ = publish(&self.answer_path(kind, key), &bytes);
        }
    }

    fn answer_path(&self, kind: &str, key: &Digest) -> PathBuf {
        self.directory.join(kind).join(format!("{key}.json"))
    }

    /// Writes what is new.
    pub fn save(&self) {
        let mut files = self.lock();
        if !files.dirty {
            return;
        }
        files.dirty = false;
        // Another process may have learned other files meanwhile.
        let path = self.directory.join("files.json");
        let mut all: BTreeMap<PathBuf, FileMemo> = fs_err::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        all.extend(files.known.iter().map(|(p, m)| (p.clone(), m.clone())));
        if let Ok(bytes) = serde_json::to_vec(&all) {
            let _ = publish(&path, &bytes);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Memo {
    fn drop(&mut self) {
        self.save();
    }
}

/// Whether a file lies on an overlay file system.
#[cfg(target_os = "linux")]
fn is_on_overlay(path: &Path) -> bool {
    use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, statfs};
    statfs(path).is_ok_and(|found| found.filesystem_type() == OVERLAYFS_SUPER_MAGIC)
}

#[cfg(not(target_os = "linux"))]
fn is_on_overlay(_: &Path) -> bool {
    false
}

/// What a file's content is known by. These digests say which tool it was and
/// nothing else, and a compiler has half a gigabyte: so BLAKE3, which reads it
/// in a fraction of SHA-256's time.
fn identify(path: &Path) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    feed(path, |bytes| {
        hasher.update(bytes);
    })?;
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

/// The SHA-256 of a file's content, as records and archives have it.
pub(crate) fn hash_file(path: &Path) -> io::Result<Digest> {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    feed(path, |bytes| hasher.update(bytes))?;
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

fn feed(path: &Path, mut hash: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = fs_err::File::open(path)?;
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            n => hash(&buffer[..n]),
        }
    }
}

/// Writes a file by temp and rename.
pub(crate) fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(directory)?;
    let temp = tempfile::NamedTempFile::new_in(directory)?;
    fs_err::write(temp.path(), bytes)?;
    temp.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_hashed_again_and_a_fresh_one_is_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "one").unwrap();
        let memo = Memo::open(dir.path());
        let blake3 = |bytes: &[u8]| Digest::from_bytes(blake3::hash(bytes).into());
        assert_eq!(memo.file_digest(&file).unwrap(), blake3(b"one"));
        assert!(memo.lock().known.is_empty(), "a file changed just now is racy");
        std::fs::write(&file, "two").unwrap();
        assert_eq!(memo.file_digest(&file).unwrap(), blake3(b"two"));
        memo.remember("t", &Digest::of(b"q"), &"a");
        assert_eq!(memo.answer::<String>("t", &Digest::of(b"q")).as_deref(), Some("a"));
    }

    #[test]
    fn the_device_of_an_overlay_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "one").unwrap();
        let memo = Memo::open(dir.path());
        let plain = memo.stat(&file).unwrap();
        let device = Stat::of(&std::fs::metadata(&file).unwrap()).device;
        let is_overlay = is_on_overlay(&file);
        assert_eq!(plain.device, if is_overlay { 0 } else { device });
        // As if it were mounted from layers.
        memo.overlays.lock().unwrap().insert(device, true);
        let layered = memo.stat(&file).unwrap();
        assert_eq!(layered, Stat { device: 0, ..plain });
        std::fs::write(&file, "other").unwrap();
        assert_ne!(memo.stat(&file).unwrap(), layered);
    }
}
