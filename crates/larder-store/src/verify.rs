//! Whether the files of a result are still what its record says.

use crate::disk::DiskStore;
use larder_schema::Digest;
use larder_schema::record::{OutputFile, ResultRecord};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Existence and size; the content of files whose stat is not known. For
    /// every hit: about 2 µs per file.
    Quick,
    /// The content of every file. For what is executed, and on demand.
    Full,
}

/// A stored file that is not what was stored. Its record is gone already, so
/// the unit will be built again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` in the store, of {unit}, {damage}: the result is dropped and built again")]
pub struct Damaged {
    /// The unit, for people.
    pub unit: String,
    /// The key of the result.
    pub key: Digest,
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub damage: Damage,
}

/// What is wrong with a stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// It is gone.
    Missing,
    /// It is a directory where there was a file, or the like.
    Kind,
    /// Bytes recorded and found.
    Size {
        /// Recorded.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// Digests recorded and found.
    Content {
        /// Recorded.
        expected: Digest,
        /// Found.
        found: Digest,
    },
    /// It was executable and is not, or the other way round.
    Mode,
    /// The system refuses to read it.
    Unreadable(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is gone"),
            Self::Kind => f.write_str("is no longer a file of the same kind"),
            Self::Size { expected, found } => {
                write!(f, "has {found} bytes instead of {expected}")
            }
            Self::Content { .. } => f.write_str("has other content than was stored"),
            Self::Mode => f.write_str("is executable where it was not, or the other way round"),
            Self::Unreadable(why) => write!(f, "cannot be read ({why})"),
        }
    }
}

impl DiskStore {
    /// Compares the files of `record` with what it says. Packed ones are
    /// unpacked.
    ///
    /// # Errors
    /// The first difference; the record has then been dropped.
    pub fn verify(&self, record: &ResultRecord, how: Check) -> Result<(), Box<Damaged>> {
        let dir = self.dir_of(record);
        let mut unpacked = None;
        for output in &record.outputs {
            let file = dir.join(&output.name);
            let mut verified = self.verify_file(output, &file, how);
            if verified == Err(Damage::Missing) {
                let there = unpacked.get_or_insert_with(|| self.unpack(&dir));
                verified = match there {
                    // Hashed on the way.
                    Ok(Some(files)) if files.contains(output) => Ok(()),
                    Ok(_) => Err(Damage::Missing),
                    Err(error) => Err(Damage::Unreadable(error.to_string())),
                };
            }
            if let Err(damage) = verified {
                self.drop_record(record);
                let unit = record.unit.clone();
                return Err(Box::new(Damaged { unit, key: record.key, file, damage }));
            }
        }
        Ok(())
    }

    fn verify_file(&self, output: &OutputFile, file: &Path, how: Check) -> Result<(), Damage> {
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Damage::Missing,
            _ => Damage::Unreadable(error.to_string()),
        };
        let meta = std::fs::symlink_metadata(file).map_err(unreadable)?;
        if let Some(target) = &output.symlink {
            let found = std::fs::read_link(file).map_err(|_| Damage::Kind)?;
            return if found == Path::new(target) {
                Ok(())
            } else {
                let found = Digest::of(found.as_os_str().as_encoded_bytes());
                Err(Damage::Content { expected: output.digest, found })
            };
        }
        if !meta.is_file() {
            return Err(Damage::Kind);
        }
        if meta.len() != output.size {
            return Err(Damage::Size { expected: output.size, found: meta.len() });
        }
        if (meta.mode() ^ output.mode) & 0o111 != 0 {
            return Err(Damage::Mode);
        }
        let known = match how {
            Check::Quick => self.stat_cache().known(&meta),
            Check::Full => None,
        };
        let found = match known {
            Some(digest) => digest,
            None => self.stat_cache().read(file).map_err(unreadable)?.0,
        };
        if found != output.digest {
            return Err(Damage::Content { expected: output.digest, found });
        }
        Ok(())
    }
}
