//! The form of a memo: rows of fixed width behind a magic and a checksum,
//! read in one go and searched in place.
//!
//! ```text
//! magic, 8 bytes: what the rows are, and their version
//! checksum of the rows, 8 bytes little endian
//! rows, sorted by their first `KEY` bytes
//! ```
//!
//! Everything in a memo can be found out again, so a file with another magic,
//! an odd length or a wrong checksum is an empty one. Processes merge what
//! they know into what is there and rename over it; when two do so at once
//! one's news are lost, which costs time and nothing else.

use std::io::{self, Write as _};
use std::path::Path;

const HEADER: usize = 16;

/// Detects damage, not malice. Each step is a bijection of the state, so any
/// change within one word shows. About 5 GB/s; SHA-256 would be most of the
/// cost of loading.
fn checksum(rows: &[u8]) -> [u8; 8] {
    let mut state = rows.len() as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut step = |word: [u8; 8]| {
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state = state.rotate_left(31);
    };
    let (words, rest) = rows.as_chunks::<8>();
    words.iter().for_each(|w| step(*w));
    for byte in rest {
        step(u64::from(*byte).to_le_bytes());
    }
    state.to_le_bytes()
}

/// Sorted rows of `WIDTH` bytes, found by their first `KEY` bytes.
#[derive(Debug, Default)]
pub(crate) struct Rows<const WIDTH: usize, const KEY: usize> {
    file: Vec<u8>,
}

impl<const WIDTH: usize, const KEY: usize> Rows<WIDTH, KEY> {
    /// The rows of the memo at `path`; none if it is absent or damaged.
    pub(crate) fn load(path: &Path, magic: &[u8; 8]) -> Self {
        let file = std::fs::read(path).unwrap_or_default();
        let sound = file.len() >= HEADER
            && file[..8] == magic[..]
            && (file.len() - HEADER).is_multiple_of(WIDTH)
            && file[8..HEADER] == checksum(&file[HEADER..]);
        Self { file: if sound { file } else { Vec::new() } }
    }

    /// All rows.
    pub(crate) fn all(&self) -> &[[u8; WIDTH]] {
        self.file.get(HEADER..).unwrap_or_default().as_chunks().0
    }

    /// The row with this key.
    pub(crate) fn find(&self, key: &[u8; KEY]) -> Option<&[u8; WIDTH]> {
        let rows = self.all();
        rows.binary_search_by(|row| row[..KEY].cmp(&key[..])).ok().map(|at| &rows[at])
    }

    /// Replaces the memo at `path`. `rows` need not be sorted; of equal keys
    /// the first counts.
    pub(crate) fn store(
        path: &Path,
        magic: &[u8; 8],
        mut rows: Vec<[u8; WIDTH]>,
    ) -> io::Result<()> {
        rows.sort_by(|a, b| a[..KEY].cmp(&b[..KEY]));
        rows.dedup_by(|b, a| a[..KEY] == b[..KEY]);
        let rows = rows.as_flattened();
        let dir = path.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(dir)?;
        let mut file = tempfile::Builder::new()
            .permissions(crate::read_write::permissions(0o666))
            .tempfile_in(dir)?;
        file.write_all(magic)?;
        file.write_all(&checksum(rows))?;
        file.write_all(rows)?;
        file.persist(path).map_err(|failed| failed.error)?;
        Ok(())
    }
}

/// Copies `N` bytes of a row starting at `at`.
pub(crate) fn field<const N: usize>(row: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&row[at..at + N]);
    bytes
}
