//! Results between the local store and a driver.
//!
//! A record that comes from elsewhere is not trusted: names that leave the
//! result's directory, links out of it, and bits beyond `rwx` are refused or
//! dropped, and every byte is hashed before the record is published.

use crate::disk::DiskStore;
use crate::driver::{Blob, Driver, DriverError};
use crate::error::StoreError;
use crate::pending::Pending;
use crate::read_write::permissions;
use larder_schema::Digest;
use larder_schema::record::{OutputFile, ResultRecord};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path};

/// Why a result could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The local store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The other side.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

/// What a transfer moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Blobs that were sent.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Whether `path` stays inside the directory that it is relative to: no root,
/// no `..`, no `.`, not empty.
#[must_use]
pub fn is_safe_path(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    components.peek().is_some()
        && components.all(|c| matches!(c, Component::Normal(_)))
        && !path.contains('\0')
}

/// Whether a link at `name` that leads to `target` stays inside the result.
pub(crate) fn is_safe_link(name: &str, target: &str) -> bool {
    let mut depth = Path::new(name).components().count() - 1;
    Path::new(target).components().all(|component| match component {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir if depth > 0 => {
            depth -= 1;
            true
        }
        _ => false,
    })
}

/// Sends a result: what the other side lacks of its files, then its record.
///
/// # Errors
/// A policy refuses the result, the other side fails, or a local file is not
/// what the record says.
pub fn push(
    store: &DiskStore,
    record: &ResultRecord,
    to: &dyn Driver,
) -> Result<Moved, TransferError> {
    to.admit(record)?;
    let files: Vec<&OutputFile> = record.outputs.iter().filter(|o| o.symlink.is_none()).collect();
    let blobs: Vec<Blob> = files.iter().map(|o| Blob::from(*o)).collect();
    let there = to.has_blobs(&blobs)?;
    let dir = store.dir_of(record);
    let mut moved = Moved::default();
    let mut sent = HashSet::new();
    for (i, (file, blob)) in files.iter().zip(&blobs).enumerate() {
        if there.get(i).copied().unwrap_or(false) || !sent.insert(*blob) {
            continue;
        }
        let path = dir.join(&file.name);
        let content = File::open(&path).map_err(StoreError::at(&path))?;
        // A file that was damaged here must not spread.
        crate::Verifying::new(to).put_blob(blob, &mut &content)?;
        moved.blobs += 1;
        moved.bytes += blob.size;
    }
    // Where it lies here means nothing there.
    to.put_record(&ResultRecord { directory: String::new(), ..record.clone() })?;
    Ok(moved)
}

/// Fetches the files of `record` into `pending` and publishes it there.
///
/// # Errors
/// The other side fails, lacks a file or lies, or the local store fails.
/// Nothing is published then.
pub fn pull(
    from: &dyn Driver,
    record: &ResultRecord,
    pending: Pending,
) -> Result<ResultRecord, TransferError> {
    let corrupt = |what: &str, why: &str| DriverError::Corrupt {
        driver: from.name(),
        what: what.to_owned(),
        why: why.to_owned(),
    };
    if record.key != *pending.key() {
        return Err(corrupt(&record.unit, "its record answers another key").into());
    }
    let outputs = fetch_files(from, record, &pending)?;
    Ok(pending.publish(ResultRecord { outputs, ..record.clone() })?)
}

/// Fetches the files of `record` into `pending`, each checked, and returns
/// them as the record may name them.
pub(crate) fn fetch_files(
    from: &dyn Driver,
    record: &ResultRecord,
    pending: &Pending,
) -> Result<Vec<OutputFile>, TransferError> {
    let corrupt = |what: &str, why: &str| DriverError::Corrupt {
        driver: from.name(),
        what: what.to_owned(),
        why: why.to_owned(),
    };
    let mut outputs = record.outputs.clone();
    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    if outputs.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err(corrupt(&record.unit, "an output is listed twice").into());
    }
    // Links last: no file is written through one.
    let (links, files): (Vec<&OutputFile>, Vec<_>) =
        outputs.iter().partition(|output| output.symlink.is_some());
    for output in files.into_iter().chain(links) {
        if !is_safe_path(&output.name) {
            return Err(corrupt(&output.name, "its name leaves the result's directory").into());
        }
        let path = pending.dir().join(&output.name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(StoreError::at(parent))?;
        }
        match &output.symlink {
            Some(target) => {
                if !is_safe_link(&output.name, target) {
                    return Err(corrupt(&output.name, "it links out of the result").into());
                }
                if Digest::of(target.as_bytes()) != output.digest {
                    return Err(
                        corrupt(&output.name, "its target is not what its digest says").into()
                    );
                }
                std::os::unix::fs::symlink(target, &path).map_err(StoreError::at(&path))?;
            }
            None => fetch_file(from, output, &path)?,
        }
    }
    for output in &mut outputs {
        output.mode &= 0o777;
    }
    Ok(outputs)
}

fn fetch_file(from: &dyn Driver, output: &OutputFile, path: &Path) -> Result<(), TransferError> {
    let blob = Blob::from(output);
    let lacking = || DriverError::Unavailable {
        driver: from.name(),
        why: format!("it has a record but not its file `{}`", output.name),
    };
    let verifying = crate::Verifying::new(from);
    let mut content = verifying.get_blob(&blob)?.ok_or_else(lacking)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(path).map_err(StoreError::at(path))?;
    copy(&mut content, &mut file, path, &from.name())?;
    file.set_permissions(permissions(output.mode & 0o777)).map_err(StoreError::at(path))?;
    Ok(())
}

/// As `io::copy`, telling whose fault a failure is.
fn copy(
    from: &mut dyn io::Read,
    to: &mut File,
    path: &Path,
    driver: &str,
) -> Result<(), TransferError> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(DriverError::io(driver, &path.display(), &error).into()),
        };
        to.write_all(&buffer[..n]).map_err(StoreError::at(path))?;
    }
}
