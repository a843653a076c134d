//! What processes recorded themselves: the reader's side of the shared memory
//! whose layout [`super::layout`] describes.

use super::kernel::SharedMemory;
use super::layout::{
    ADDRESS, COUNT, ENTRIES, ENTRY_HEAD, GENERATION, INDEX, MAGIC, PAGE, SIZE, STUB, STUB_RETURN,
};
use crate::observation::Uses;
use nix::errno::Errno;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

/// Longest path that a process records.
const LONGEST: usize = 4096;

/// The log of one run.
#[derive(Debug)]
pub(super) struct Shared {
    memory: SharedMemory,
    /// Where processes map the code.
    address: u64,
    next: usize,
    /// Entries that were begun and not finished when they were last looked at.
    unfinished: Vec<usize>,
}

/// A path that a process was about to use.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) uses: Uses,
    pub(super) follow: bool,
}

/// What is in the shared memory is not what was written into it.
#[derive(Debug, thiserror::Error)]
#[error("the memory that processes record in was damaged")]
pub(super) struct Damaged;

impl Shared {
    pub(super) fn new() -> Result<Self, Errno> {
        let memory = SharedMemory::new(STUB, PAGE, SIZE)?;
        let address = free_address();
        for (at, value) in
            [(0, MAGIC), (ADDRESS, address as u32), (ADDRESS + 4, (address >> 32) as u32)]
        {
            if let Some(word) = memory.word(at) {
                word.store(value, Ordering::Release);
            }
        }
        Ok(Self { memory, address, next: 0, unfinished: Vec::new() })
    }

    /// Where the instruction pointer stands during calls that are recorded.
    pub(super) fn pointer(&self) -> u64 {
        self.address + STUB_RETURN
    }

    /// Its path for other processes, as long as this one lives.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.memory.file().as_raw_fd())
    }

    /// A call is about to change where a spelling leads: until it has surely
    /// happened, nothing is recorded and every call is seen.
    pub(super) fn pause(&self) {
        self.set_generation(|generation| generation | 1);
    }

    /// It has happened: what was spelled before is recorded anew.
    pub(super) fn go_on(&self) {
        self.set_generation(|generation| (generation | 1).wrapping_add(1));
    }

    fn set_generation(&self, next: impl Fn(u32) -> u32) {
        // Nobody else writes this word.
        if let Some(generation) = self.memory.word(GENERATION) {
            generation.store(next(generation.load(Ordering::Relaxed)), Ordering::Release);
        }
    }

    #[cfg(test)]
    pub(super) fn is_paused(&self) -> bool {
        let generation = self.memory.word(GENERATION).unwrap().load(Ordering::Relaxed);
        !generation.is_multiple_of(2)
    }

    /// How many entries were taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.next
    }

    /// What was recorded since.
    pub(super) fn take(&mut self) -> Result<Vec<Entry>, Damaged> {
        let count = self.word(COUNT)? as usize;
        let count = count.min(ENTRIES);
        if count == self.next && self.unfinished.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        let mut unfinished = Vec::new();
        for number in std::mem::take(&mut self.unfinished).into_iter().chain(self.next..count) {
            match self.word(INDEX + 4 * number)? as usize {
                0 => unfinished.push(number),
                offset => entries.push(self.entry(offset)?),
            }
        }
        self.next = count;
        self.unfinished = unfinished;
        Ok(entries)
    }

    fn entry(&self, offset: usize) -> Result<Entry, Damaged> {
        let length = self.word(offset + 8)? as usize;
        let (uses, follow) = match self.word(offset + 12)? {
            super::layout::READ => (Uses::READ, true),
            super::layout::PROBED => (Uses::PROBED, true),
            super::layout::LINK => (Uses::LINK, false),
            _ => return Err(Damaged),
        };
        let path = (length <= LONGEST).then(|| self.memory.bytes(offset + ENTRY_HEAD, length));
        let path = path.flatten().filter(|path| path.first() == Some(&b'/')).ok_or(Damaged)?;
        Ok(Entry { path, uses, follow })
    }

    fn word(&self, at: usize) -> Result<u32, Damaged> {
        self.memory.word(at).map(|word| word.load(Ordering::Acquire)).ok_or(Damaged)
    }
}

/// An address where nothing else is mapped: far below libraries and stacks, far
/// above what is mapped low, and another one in each run.
fn free_address() -> u64 {
    const FIRST: u64 = 0x1100_0000_0000;
    const ROOM: u64 = 0x4000_0000_0000;
    let random = RandomState::new().hash_one(std::process::id());
    FIRST + random % ROOM / PAGE as u64 * PAGE as u64
}

#[cfg(test)]
mod tests {
    use super::super::layout::TEXT;
    use super::*;

    fn write(shared: &Shared, number: usize, offset: usize, kind: u32, path: &[u8]) {
        let set = |at: usize, value| {
            shared.memory.word(at).unwrap().store(value, Ordering::Release);
        };
        set(offset + 8, path.len() as u32);
        set(offset + 12, kind);
        nix::sys::uio::pwrite(shared.memory.file(), path, (PAGE + offset + ENTRY_HEAD) as i64)
            .unwrap();
        set(INDEX + 4 * number, offset as u32);
    }

    #[test]
    fn what_is_finished_later_is_taken_later_and_nothing_twice() {
        let mut shared = Shared::new().unwrap();
        let paths = |shared: &mut Shared| -> Vec<Vec<u8>> {
            shared.take().unwrap().into_iter().map(|entry| entry.path).collect()
        };
        shared.memory.word(COUNT).unwrap().store(3, Ordering::Release);
        write(&shared, 0, TEXT, 1, b"/a");
        write(&shared, 2, TEXT + 64, 3, b"/c");
        assert_eq!(paths(&mut shared), [b"/a", b"/c"]);
        assert!(paths(&mut shared).is_empty());
        write(&shared, 1, TEXT + 128, 2, b"/b");
        assert_eq!(paths(&mut shared), [b"/b"]);
        assert!(paths(&mut shared).is_empty());
    }

    #[test]
    fn damage_is_told() {
        for (offset, kind, path) in
            [(TEXT, 9, &b"/a"[..]), (TEXT, 1, b"a"), (SIZE - 16, 1, b""), (TEXT + 1, 1, b"/a")]
        {
            let mut shared = Shared::new().unwrap();
            shared.memory.word(COUNT).unwrap().store(1, Ordering::Release);
            if offset.is_multiple_of(4) {
                write(&shared, 0, offset, kind, path);
            } else {
                shared.memory.word(INDEX).unwrap().store(offset as u32, Ordering::Release);
            }
            assert!(shared.take().is_err(), "{offset} {kind}");
        }
    }
}
