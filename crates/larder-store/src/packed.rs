//! Packed results: files that lie compressed in their result's directory until
//! a build needs them.
//!
//! ```text
//! out/<aa>/<name>/.larder-packed   a zstd frame: one line of JSON (`PackedHead`),
//!                                  then the contents of the files, one after the other
//! ```
//!
//! For stores that are carried around and read once, such as a layer of a
//! container image: a library's metadata lies in its `.rmeta` and again in its
//! `.rlib`, so all files of a result are one frame, whose window is as large
//! as they are. The record stays as it is, and a result that is looked up but
//! whose files nobody reads is never unpacked.
//!
//! Results are packed into another store, and their files stay in their own: a
//! build that has seen them may read them at any time. Packing a packed store
//! copies frames, so the same call imports one. Unpacking writes each file
//! beside the store's others, hashes it on the way and renames it into place,
//! so that two builds may unpack the same result.
//!
//! The text of a store's own path is in some results (an `OUT_DIR` in generated
//! code); so a packed store is to be read at the path of the one that it was
//! made from.

use crate::archive::fixed_place;
use crate::disk::DiskStore;
use crate::error::StoreError;
use crate::hash::Hasher;
use crate::pending::KEPT;
use crate::read_write::{is_absent, permissions};
use crate::transfer::{is_safe_link, is_safe_path};
use larder_schema::Digest;
use larder_schema::packed::{PACKED_VERSION, PackedHead};
use larder_schema::record::OutputFile;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Name of the packed files, in the directory below `out/<aa>`.
const PACKED: &str = ".larder-packed";

/// Windows larger than 128 MiB are refused by readers that are not told so.
const WINDOW_LOG_MAX: u32 = 27;

/// What packing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Results that were packed.
    pub results: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Bytes of what is in their place.
    pub packed_bytes: u64,
    /// Results that the other store had.
    pub there: u64,
}

impl Packed {
    fn add(&mut self, other: Self) {
        self.results += other.results;
        self.bytes += other.bytes;
        self.packed_bytes += other.packed_bytes;
        self.there += other.there;
    }
}

impl DiskStore {
    /// Packs the results under `keys` into the store `to`, `jobs` at a time;
    /// all results without `keys`. Keys without a result, results that are
    /// damaged, and those with links that lead out of them are left out.
    ///
    /// # Errors
    /// Those of reading and writing. What is packed until then stays so.
    pub fn pack_into(
        &self,
        to: &DiskStore,
        keys: Option<&BTreeSet<Digest>>,
        jobs: usize,
    ) -> Result<Packed, StoreError> {
        let _holds = (self.hold()?, to.hold()?);
        let mark = to.layout().packed();
        fs::write(&mark, b"").map_err(StoreError::at(&mark))?;
        let keys = match keys {
            Some(keys) => keys.clone(),
            None => self.published()?.into_iter().map(|found| found.record.key).collect(),
        };
        let queue = Mutex::new(keys.iter());
        let total = Mutex::new(Ok(Packed::default()));
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(|| {
                    loop {
                        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(key) = next else { return };
                        let packed = self.pack_result(to, key);
                        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                        match (&mut *total, packed) {
                            (Ok(total), Ok(packed)) => total.add(packed),
                            (Ok(_), Err(error)) => *total = Err(error),
                            (Err(_), _) => return,
                        }
                    }
                });
            }
        });
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Packs one result, as one that is built: in a directory of its own, or
    /// the place that its path determines, its record last.
    fn pack_result(&self, to: &DiskStore, key: &Digest) -> Result<Packed, StoreError> {
        let Some(record) = self.record(key)? else { return Ok(Packed::default()) };
        // What is in a layer beneath this store is in a layer already.
        if self.layers().out_of(Path::new(&record.directory)).is_some() {
            return Ok(Packed::default());
        }
        if to.record(key)?.is_some() {
            return Ok(Packed { there: 1, ..Packed::default() });
        }
        let from = self.out_root(&record);
        let (files, links): (Vec<OutputFile>, Vec<OutputFile>) =
            record.outputs.iter().cloned().partition(|output| output.symlink.is_none());
        // What is unpacked later must not be written through a link that leads
        // out of the result.
        let leads_out = |link: &OutputFile| {
            let target = link.symlink.as_deref().unwrap_or_default();
            !is_safe_path(&link.name) || !is_safe_link(&link.name, target)
        };
        if links.iter().any(leads_out) {
            return Ok(Packed::default());
        }
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        // It stays beside the files: a store that is packed again, for another
        // layer, mostly has the same results.
        let frame = from.join(PACKED);
        if !frame.exists() && !self.write_packed(&self.dir_of(&record), files, &frame)? {
            return Ok(Packed::default());
        }
        let pending = match fixed_place(&record.directory) {
            None => to.begin(key)?,
            Some((place, inner)) => to.begin_at(&place, &inner)?,
        };
        let copied = pending.root().join(PACKED);
        let packed_bytes = fs::copy(&frame, &copied).map_err(StoreError::at(&copied))?;
        for link in links {
            let path = pending.dir().join(&link.name);
            let make = || {
                fs::create_dir_all(path.parent().unwrap_or(pending.dir()))?;
                std::os::unix::fs::symlink(link.symlink.unwrap_or_default(), &path)
            };
            make().map_err(StoreError::at(&path))?;
        }
        copy_files(&from.join(KEPT), &pending.kept_dir())?;
        let (identity, key) = (record.identity, *key);
        pending.publish_as(key, record).map_err(|(error, _)| error)?;
        if let Some(sets) = self.path_sets(&identity)? {
            to.add_path_sets(&identity, sets)?;
        }
        Ok(Packed { results: 1, bytes, packed_bytes, there: 0 })
    }

    /// Writes the packed files of a result; `false` if one is not what the
    /// record says: the next build that needs it will find that out.
    fn write_packed(
        &self,
        dir: &Path,
        files: Vec<OutputFile>,
        to: &Path,
    ) -> Result<bool, StoreError> {
        let head = PackedHead { version: PACKED_VERSION, files };
        let write = || -> io::Result<bool> {
            let mut temporary = tempfile::Builder::new()
                .permissions(permissions(0o666))
                .tempfile_in(self.layout().tmp())?;
            let mut encoder = encoder(BufWriter::new(temporary.as_file_mut()), &head.files)?;
            encoder.write_all(&serde_json::to_vec(&head)?)?;
            encoder.write_all(b"\n")?;
            for file in &head.files {
                let mut content = match File::open(dir.join(&file.name)) {
                    Ok(content) => content,
                    Err(error) if is_absent(&error) => return Ok(false),
                    Err(error) => return Err(error),
                };
                if !copy(&mut content, &mut encoder, file)? {
                    return Ok(false);
                }
            }
            encoder.finish()?.flush()?;
            temporary.persist(to).map_err(|failed| failed.error)?;
            Ok(true)
        };
        write().map_err(StoreError::at(to))
    }

    /// Puts the files of a packed result into its directory, or one below that
    /// (the `dir` of a result). Those that are there stay. The files that were
    /// written and hashed; `None` if the result is not packed.
    ///
    /// # Errors
    /// Those of reading and writing; content that is not what its digest says
    /// is [`io::ErrorKind::InvalidData`].
    pub fn unpack(&self, dir: &Path) -> io::Result<Option<Vec<OutputFile>>> {
        let Some(root) = self.root_of(dir) else { return Ok(None) };
        let packed = match File::open(root.join(PACKED)) {
            Ok(packed) => packed,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut decoder = zstd::Decoder::new(packed)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        let mut content = BufReader::with_capacity(128 * 1024, decoder);
        let mut line = Vec::new();
        // A head of many megabytes is none of ours.
        (&mut content).take(64 << 20).read_until(b'\n', &mut line)?;
        let head: PackedHead = serde_json::from_slice(&line)?;
        if head.version != PACKED_VERSION {
            return Ok(None);
        }
        let is_there = |file: &OutputFile| fs::symlink_metadata(dir.join(&file.name)).is_ok();
        if head.files.iter().all(is_there) {
            return Ok(Some(Vec::new()));
        }
        let mut written = Vec::new();
        for file in head.files {
            if is_there(&file) {
                io::copy(&mut (&mut content).take(file.size), &mut io::sink())?;
            } else {
                self.unpack_file(&mut content, &file, dir)?;
                written.push(file);
            }
        }
        Ok(Some(written))
    }

    fn unpack_file(&self, from: &mut impl Read, file: &OutputFile, dir: &Path) -> io::Result<()> {
        let invalid = |why: &str| {
            let text = format!("`{}` is packed and {why}", file.name);
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        if !is_safe_path(&file.name) {
            return Err(invalid("its name leaves the result's directory"));
        }
        let path = dir.join(&file.name);
        let mut temporary = tempfile::Builder::new()
            .permissions(permissions(file.mode & 0o777))
            .tempfile_in(self.layout().tmp())?;
        if !copy(from, temporary.as_file_mut(), file)? {
            return Err(invalid("has other content than was stored"));
        }
        // The umask took bits that the record has.
        temporary.as_file().set_permissions(permissions(file.mode & 0o777))?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        temporary.persist(&path).map_err(|failed| failed.error)?;
        self.stat_cache().wrote(&fs::symlink_metadata(&path)?, &file.digest);
        Ok(())
    }

    /// Whether results were packed into this store, so that unpacking ahead is
    /// worth a thought.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.layout().packed().exists()
    }

    /// Unpacks what is packed of these directories, `jobs` at a time. What
    /// goes wrong shows where a result is verified.
    pub fn unpack_all(&self, dirs: &[PathBuf], jobs: usize) {
        let queue = Mutex::new(dirs.iter());
        std::thread::scope(|scope| {
            for _ in 0..jobs.min(dirs.len()) {
                scope.spawn(|| {
                    loop {
                        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(dir) = next else { return };
                        let _ = self.unpack(dir);
                    }
                });
            }
        });
    }

    /// `out/<aa>/<name>` of a directory in it.
    fn root_of(&self, dir: &Path) -> Option<PathBuf> {
        let out = self.layout().out();
        let mut inner = dir.strip_prefix(&out).ok()?.components();
        Some(out.join(inner.next()?).join(inner.next()?))
    }
}

/// Copies the files of a directory, if there is one.
fn copy_files(from: &Path, to: &Path) -> Result<(), StoreError> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to).map_err(StoreError::at(to))?;
    for (path, _) in crate::stats::entries(from)? {
        let to = to.join(path.file_name().unwrap_or_default());
        fs::copy(&path, &to).map_err(StoreError::at(&to))?;
    }
    Ok(())
}

/// Level 3, with a window over all of `files` and matches at any distance: the
/// second copy of a library's metadata costs nothing.
fn encoder<W: Write>(to: W, files: &[OutputFile]) -> io::Result<zstd::Encoder<'static, W>> {
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let window = (bytes.max(1).ilog2() + 1).clamp(17, WINDOW_LOG_MAX);
    let mut encoder = zstd::Encoder::new(to, 3)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(window)?;
    Ok(encoder)
}

/// Copies the content of `file`; whether it is what its digest says.
fn copy(from: &mut impl Read, to: &mut impl Write, file: &OutputFile) -> io::Result<bool> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 128 * 1024];
    while hasher.size() < file.size {
        let left = usize::try_from(file.size - hasher.size()).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        match from.read(&mut buffer[..wanted]) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                to.write_all(&buffer[..n])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finish() == file.digest)
}
