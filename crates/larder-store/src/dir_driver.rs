//! A driver over a directory that others can reach too: a network share, a CI
//! cache, a volume.
//!
//! ```text
//! <root>/records/<aa>/<key>.json
//!        pathsets/<aa>/<identity>.json
//!        blobs/<aa>/<digest>          named by content, so written once
//!        tmp/                         files before their rename
//! ```
//!
//! It takes no locks, which network shares are bad at: every file is renamed
//! into place whole.

use crate::StoreError;
use crate::driver::{Answer, Blob, Driver, DriverError};
use crate::layout::shard;
use crate::read_write::{permissions, read_quietly, replace};
use larder_schema::Digest;
use larder_schema::pathset::PathSets;
use larder_schema::record::ResultRecord;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A store of plain files named by content.
#[derive(Clone, Debug)]
pub struct DirDriver {
    root: PathBuf,
}

impl DirDriver {
    /// The store at `root`; it is made when first written to.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn path(&self, area: &str, digest: &Digest, suffix: &str) -> PathBuf {
        let name = digest.to_string();
        self.root.join(area).join(shard(&name)).join(format!("{name}{suffix}"))
    }

    fn io(&self, what: &Digest) -> impl Fn(io::Error) -> DriverError {
        let (name, what) = (self.name(), *what);
        move |error| DriverError::io(&name, &what, &error)
    }

    fn get<T: DeserializeOwned>(&self, area: &str, digest: &Digest) -> Answer<Option<T>> {
        let bytes = read_quietly(&self.path(area, digest, ".json")).map_err(self.io(digest))?;
        // What another version wrote counts as absent.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn put(&self, area: &str, digest: &Digest, value: &impl Serialize) -> Answer<()> {
        let bytes = serde_json::to_vec(value).map_err(|e| self.io(digest)(e.into()))?;
        replace(&self.root.join("tmp"), &self.path(area, digest, ".json"), &bytes)
            .map_err(|error| self.unavailable(&error))
    }

    fn unavailable(&self, error: &StoreError) -> DriverError {
        DriverError::Unavailable { driver: self.name(), why: error.to_string() }
    }
}

impl Driver for DirDriver {
    fn name(&self) -> String {
        self.root.display().to_string()
    }

    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.get("records", key)
    }

    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        self.put("records", &record.key, record)
    }

    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        self.get("pathsets", identity)
    }

    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        self.put("pathsets", identity, sets)
    }

    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        match File::open(self.path("blobs", &blob.digest, "")) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if crate::read_write::is_absent(&error) => Ok(None),
            Err(error) => Err(self.io(&blob.digest)(error)),
        }
    }

    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        let mut write = || -> io::Result<()> {
            let path = self.path("blobs", &blob.digest, "");
            let tmp = self.root.join("tmp");
            fs::create_dir_all(&tmp)?;
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut file =
                tempfile::Builder::new().permissions(permissions(0o666)).tempfile_in(&tmp)?;
            let size = io::copy(content, &mut file)?;
            if size != blob.size {
                let why = format!("{size} bytes instead of {}", blob.size);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            file.persist(&path).map_err(|failed| failed.error)?;
            Ok(())
        };
        write().map_err(self.io(&blob.digest))
    }

    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        let there = |blob: &Blob| {
            fs::metadata(self.path("blobs", &blob.digest, "")).is_ok_and(|m| m.len() == blob.size)
        };
        Ok(blobs.iter().map(there).collect())
    }
}
