//! Results of a store as one file: a tar archive, compressed by zstd, in the layout of
//! [`DirDriver`], with a first entry that says so.
//!
//! ```text
//! larder-archive                 "larder-archive 2\n"
//! blobs/<aa>/<digest>            contents
//! pathsets/<aa>/<identity>.json  path sets
//! records/<aa>/<key>.json        records; `directory` of build-script runs, whose place is kept
//! ```
//!
//! Entries are sorted and carry no times or owners: one store gives the same
//! bytes twice. What holds the path of the store itself (an `OUT_DIR` in
//! generated code) is left out, since it would lead nowhere in another one.
//!
//! Importing trusts names and sizes no more than [`crate::transfer::pull`] does:
//! every file is hashed against its record before the record is published,
//! and an archive that is cut or damaged is refused.

use crate::disk::DiskStore;
use crate::driver::{Driver as _, DriverError};
use crate::error::StoreError;
use crate::transfer::{TransferError, fetch_files, is_safe_path, push};
use crate::{DirDriver, read_write};
use larder_schema::Digest;
use larder_schema::pathset::{PATH_SETS_VERSION, PathSets};
use larder_schema::record::{RECORD_VERSION, ResultRecord};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

const HEADER: &str = "larder-archive";
const FORMAT: &str = "larder-archive 2\n";

/// 128 MiB: several copies of a crate's metadata are within it.
const WINDOW_LOG: u32 = 27;
const AREAS: [&str; 3] = ["blobs", "pathsets", "records"];

/// Why an archive could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A store, or the archive's content.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The archive cannot be written.
    #[error("could not write the archive")]
    Write(#[source] io::Error),
    /// The archive is cut, damaged, or none.
    #[error("the archive is damaged, or was not written by `cargo larder export`")]
    Damaged(#[source] io::Error),
    /// Another larder wrote it.
    #[error("the archive has format `{found}`, and this larder reads `{}`", FORMAT.trim())]
    Format {
        /// What it says.
        found: String,
    },
}

impl From<StoreError> for ArchiveError {
    fn from(error: StoreError) -> Self {
        Self::Transfer(error.into())
    }
}

impl From<DriverError> for ArchiveError {
    fn from(error: DriverError) -> Self {
        Self::Transfer(error.into())
    }
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// Results.
    pub results: u64,
    /// Results that stayed: they hold the path of the store, or were damaged;
    /// when importing, those that were there.
    pub left_out: u64,
}

impl DiskStore {
    /// Writes results as an archive: those under `keys`, or all.
    ///
    /// # Errors
    /// The store cannot be read, or the archive not written.
    pub fn export(
        &self,
        keys: Option<&BTreeSet<Digest>>,
        to: impl Write,
    ) -> Result<Archived, ArchiveError> {
        let _hold = self.hold()?;
        let mut archived = Archived::default();
        let staging = self.staging()?;
        let driver = DirDriver::new(staging.path());
        for found in self.published()? {
            let record = found.record;
            if keys.is_some_and(|keys| !keys.contains(&record.key)) {
                continue;
            }
            let dir = self.dir_of(&record);
            self.unpack(&dir).map_err(StoreError::at(&dir))?;
            if self.holds_own_path(&record)? {
                archived.left_out += 1;
                continue;
            }
            match push(self, &record, &driver) {
                Ok(_) => {}
                // Damaged files stay where the next build finds them out.
                Err(TransferError::Driver(DriverError::Corrupt { .. })) => {
                    archived.left_out += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            if fixed_place(&record.directory).is_some() {
                driver.put_record(&record)?;
            }
            if let Some(sets) = self.path_sets(&record.identity)? {
                driver.put_path_sets(&record.identity, &sets)?;
            }
            archived.results += 1;
        }
        write(staging.path(), to).map_err(ArchiveError::Write)?;
        Ok(archived)
    }

    /// Publishes the results of an archive.
    ///
    /// # Errors
    /// The archive is damaged or of another format, or the store fails.
    /// Results before the damage are then there; each of them is whole.
    pub fn import(&self, from: impl Read) -> Result<Archived, ArchiveError> {
        let _hold = self.hold()?;
        let staging = self.staging()?;
        unpack(from, staging.path())?;
        let driver = DirDriver::new(staging.path());
        let mut archived = Archived::default();
        for key in names(&staging.path().join("records"))? {
            let damaged = || {
                let why = format!("the record {key} cannot be read");
                ArchiveError::Damaged(io::Error::new(io::ErrorKind::InvalidData, why))
            };
            let record = driver.get_record(&key)?.ok_or_else(damaged)?;
            if record.version != RECORD_VERSION || record.key != key {
                return Err(damaged());
            }
            if self.record(&key)?.is_some() {
                archived.left_out += 1;
                continue;
            }
            let pending = match fixed_place(&record.directory) {
                None => self.begin(&key)?,
                Some((place, inner)) => self.begin_at(&place, &inner)?,
            };
            let outputs = fetch_files(&driver, &record, &pending)?;
            let record = ResultRecord { outputs, ..record };
            pending.publish_as(key, record.clone()).map_err(|(error, _)| error)?;
            if let Some(sets) = driver.get_path_sets(&record.identity)? {
                self.add_path_sets(&record.identity, sets)?;
            }
            archived.results += 1;
        }
        Ok(archived)
    }

    fn staging(&self) -> Result<tempfile::TempDir, StoreError> {
        let tmp = self.layout().tmp();
        tempfile::Builder::new().prefix("archive-").tempdir_in(&tmp).map_err(StoreError::at(&tmp))
    }

    /// Whether a result would be wrong in a store elsewhere.
    fn holds_own_path(&self, record: &ResultRecord) -> Result<bool, StoreError> {
        let root = self.root().to_string_lossy();
        let told = record.stdout.contains(&*root) || record.stderr.contains(&*root);
        if told {
            return Ok(true);
        }
        let dir = self.dir_of(record);
        for output in &record.outputs {
            let content = match &output.symlink {
                Some(target) => target.clone().into_bytes(),
                None => match fs::read(dir.join(&output.name)) {
                    Ok(content) => content,
                    Err(error) if read_write::is_absent(&error) => return Ok(true),
                    Err(error) => return Err(StoreError::at(&dir.join(&output.name))(error)),
                },
            };
            if memchr::memmem::find(&content, root.as_bytes()).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn add_path_sets(&self, identity: &Digest, new: PathSets) -> Result<(), StoreError> {
        let mut sets = self
            .path_sets(identity)?
            .unwrap_or(PathSets { version: PATH_SETS_VERSION, sets: Vec::new() });
        for set in new.sets {
            if !sets.sets.contains(&set) {
                sets.sets.push(set);
            }
        }
        sets.sets.truncate(PathSets::KEPT);
        self.put_path_sets(identity, &sets)
    }
}

/// The place that a digest determines, and what lies below it; `None` for a
/// directory that only its record names. The place is kept: its text is in
/// the keys of what reads `OUT_DIR`.
pub(crate) fn fixed_place(directory: &str) -> Option<(Digest, String)> {
    let mut parts = directory.splitn(3, '/');
    let (_, stem, inner) = (parts.next()?, parts.next()?, parts.next()?);
    // A place is named by the first half of a digest.
    let place = format!("{stem:0<64}").parse().ok()?;
    Some((place, inner.to_owned()))
}

/// The keys that the records in a directory are named by, sorted.
fn names(records: &Path) -> Result<Vec<Digest>, StoreError> {
    let mut keys: Vec<Digest> = crate::stats::sharded(records)?
        .iter()
        .filter_map(|(path, _)| crate::stats::named(path))
        .collect();
    keys.sort_unstable();
    Ok(keys)
}

fn write(staging: &Path, to: impl Write) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(to, 3)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.include_checksum(true)?;
    let mut tar = tar::Builder::new(encoder);
    let header = |size: u64| {
        let mut header = tar::Header::new_ustar();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        header
    };
    tar.append_data(&mut header(FORMAT.len() as u64), HEADER, FORMAT.as_bytes())?;
    for area in AREAS {
        let mut paths: Vec<PathBuf> = crate::stats::sharded(&staging.join(area))
            .map_err(io::Error::other)?
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        paths.sort();
        for path in paths {
            let file = File::open(&path)?;
            let name = path.strip_prefix(staging).map_err(io::Error::other)?;
            tar.append_data(&mut header(file.metadata()?.len()), name, file)?;
        }
    }
    tar.into_inner()?.finish()?.flush()
}

/// Writes the entries of an archive below `staging`: plain files in the areas
/// that there are, and nothing else.
fn unpack(from: impl Read, staging: &Path) -> Result<(), ArchiveError> {
    let decoder = zstd::Decoder::new(from).and_then(|mut decoder| {
        decoder.window_log_max(WINDOW_LOG)?;
        Ok(decoder)
    });
    let mut tar = tar::Archive::new(decoder.map_err(ArchiveError::Damaged)?);
    let mut entries = tar.entries().map_err(ArchiveError::Damaged)?;
    let mut first = match entries.next() {
        Some(entry) => entry.map_err(ArchiveError::Damaged)?,
        None => return Err(ArchiveError::Damaged(io::ErrorKind::UnexpectedEof.into())),
    };
    let mut found = String::new();
    let is_header = first.path().is_ok_and(|path| path == Path::new(HEADER));
    if !is_header {
        return Err(ArchiveError::Damaged(io::Error::other("it does not say what it is")));
    }
    (&mut first).take(64).read_to_string(&mut found).map_err(ArchiveError::Damaged)?;
    if found != FORMAT {
        return Err(ArchiveError::Format { found: found.trim().to_owned() });
    }
    for entry in entries {
        let mut entry = entry.map_err(ArchiveError::Damaged)?;
        let name = entry.path().map_err(ArchiveError::Damaged)?.into_owned();
        let area = name.components().next();
        let known = |area: Component<'_>| AREAS.iter().any(|known| area.as_os_str() == *known);
        let is_plain = entry.header().entry_type().is_file();
        if !is_plain || !is_safe_path(&name.to_string_lossy()) || !area.is_some_and(known) {
            let why = format!("it has an entry `{}`", name.display());
            return Err(ArchiveError::Damaged(io::Error::other(why)));
        }
        let path = staging.join(&name);
        let parent = path.parent().unwrap_or(staging);
        fs::create_dir_all(parent).map_err(StoreError::at(parent))?;
        let mut file = File::create(&path).map_err(StoreError::at(&path))?;
        io::copy(&mut entry, &mut file).map_err(ArchiveError::Damaged)?;
    }
    // What follows the last entry holds the checksum of everything.
    let mut rest = tar.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(ArchiveError::Damaged)?;
    Ok(())
}
