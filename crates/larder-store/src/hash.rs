//! SHA-256 of files and streams, without holding them in memory.

use larder_schema::Digest;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Read size. On 2024 hardware SHA-256 runs at about 1.5 GB/s; anything from
/// 32 KiB up reads as fast.
const CHUNK: usize = 128 * 1024;

/// Size from which a file is read by one thread and hashed by another: reading
/// from the page cache takes half as long as hashing.
const LARGE: u64 = 8 * 1024 * 1024;

/// Chunks under way between the two.
const AHEAD: usize = 4;

/// A running digest and the bytes that went into it.
#[derive(Clone, Default)]
pub(crate) struct Hasher {
    state: Sha256,
    size: u64,
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size += bytes.len() as u64;
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn finish(&self) -> Digest {
        Digest::from_bytes(self.state.clone().finalize().into())
    }
}

/// Digest and size of everything that `from` yields. `see` gets the bytes in
/// order, so that nothing is read twice.
pub(crate) fn hash_stream(
    mut from: impl Read,
    see: &mut dyn FnMut(&[u8]),
) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let filled = read_some(&mut from, &mut chunk)?;
        if filled == 0 {
            return Ok((hasher.finish(), hasher.size()));
        }
        hasher.update(&chunk[..filled]);
        see(&chunk[..filled]);
    }
}

/// The same for a file of about `size` bytes.
pub(crate) fn hash_file(
    file: impl Read + Send,
    size: u64,
    see: &mut dyn FnMut(&[u8]),
) -> io::Result<(Digest, u64)> {
    if size < LARGE {
        return hash_stream(file, see);
    }
    let (full, to_hash) = sync_channel::<(Vec<u8>, usize)>(AHEAD);
    let (hashed, to_fill) = sync_channel::<Vec<u8>>(AHEAD);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read_ahead(file, &full, &to_fill));
        let mut hasher = Hasher::default();
        for (chunk, filled) in to_hash {
            hasher.update(&chunk[..filled]);
            see(&chunk[..filled]);
            // A reader that is done needs no more chunks.
            let _ = hashed.try_send(chunk);
        }
        reader.join().map_err(|_| io::Error::other("the thread that reads it panicked"))??;
        Ok((hasher.finish(), hasher.size()))
    })
}

/// Sends all that `file` yields, in chunks that came back or new ones.
fn read_ahead(
    mut file: impl Read,
    full: &SyncSender<(Vec<u8>, usize)>,
    to_fill: &Receiver<Vec<u8>>,
) -> io::Result<()> {
    loop {
        let mut chunk = to_fill.try_recv().unwrap_or_else(|_| vec![0; CHUNK]);
        let filled = read_some(&mut file, &mut chunk)?;
        if filled == 0 || full.send((chunk, filled)).is_err() {
            return Ok(());
        }
    }
}

/// Reads until there is something, whatever interrupts; 0 at the end.
fn read_some(from: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields `left` bytes in pieces of odd lengths, then an error or the end.
    struct Pieces {
        left: usize,
        fails: bool,
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 && self.fails {
                return Err(io::Error::other("broken"));
            }
            let n = self.left.min(buffer.len()).min(100_003);
            buffer[..n].fill((self.left % 251) as u8);
            self.left -= n;
            Ok(n)
        }
    }

    #[test]
    fn a_large_file_is_hashed_as_it_is_read() {
        let pieces = || Pieces { left: 9_000_001, fails: false };
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let stream = hash_stream(pieces(), &mut |bytes| one.extend_from_slice(bytes)).unwrap();
        let file = hash_file(pieces(), LARGE, &mut |bytes| other.extend_from_slice(bytes)).unwrap();
        assert_eq!(stream, file);
        assert_eq!(stream.1, 9_000_001);
        assert_eq!(stream.0, Digest::of(&other));
        assert!(one == other);
    }

    #[test]
    fn an_error_of_reading_is_one_of_hashing() {
        let broken = || Pieces { left: 9_000_001, fails: true };
        for size in [0, LARGE] {
            let error = hash_file(broken(), size, &mut |_| {}).unwrap_err();
            assert_eq!(error.to_string(), "broken");
        }
    }
}
