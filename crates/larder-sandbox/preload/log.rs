//! Writing to the shared memory. No lock, no allocation: this runs in signal
//! handlers and between fork and exec.

use crate::kernel;
use crate::layout::{COUNT, ENTRIES, ENTRY_HEAD, GENERATION, INDEX, TABLE, TAIL, TEXT, TEXT_SIZE};
use core::ffi::c_char;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The shared memory; null: nothing is recorded.
pub(crate) static SHARED: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

/// Longest path that is put together from the working directory and a name.
const LONGEST_JOINED: usize = 1024;
const LONGEST: usize = 4096;

/// Slots of the table that are looked at.
const NEAR: usize = 32;

/// Whether something is recorded at all.
pub(crate) fn is_open() -> bool {
    !SHARED.load(Ordering::Relaxed).is_null()
}

/// Records that a path is about to be used. Whether that was done: otherwise
/// the call has to be seen.
///
/// # Safety
/// `path` is null or a C string.
pub(crate) unsafe fn record(kind: u32, path: *const c_char) -> bool {
    if path.is_null() || !is_open() {
        return false;
    }
    // SAFETY: the caller's.
    let path = unsafe { crate::libc::text(path) };
    match path.first() {
        None => false,
        Some(b'/') => enter(kind, path),
        Some(_) => {
            let mut joined = [0u8; LONGEST_JOINED];
            let Some(at) = kernel::working_directory(&mut joined) else { return false };
            let end = at + 1 + path.len();
            let Some(rest) = joined.get_mut(at..end) else { return false };
            let Some((slash, name)) = rest.split_first_mut() else { return false };
            *slash = b'/';
            name.copy_from_slice(path);
            joined.get(..end).is_some_and(|path| enter(kind, path))
        }
    }
}

/// Records an absolute path.
pub(crate) fn enter(kind: u32, path: &[u8]) -> bool {
    let base = SHARED.load(Ordering::Relaxed);
    if base.is_null() || path.len() > LONGEST {
        return false;
    }
    // SAFETY: a word of the mapping, at a multiple of four.
    let word = |at: usize| unsafe { &*base.add(at).cast::<AtomicU32>() };
    let generation = word(GENERATION).load(Ordering::Acquire);
    if !generation.is_multiple_of(2) {
        return false;
    }
    let hash = hash(kind ^ generation.rotate_left(16), path);
    let head = [hash, generation, path.len() as u32, kind];
    let slot = |near: usize| TABLE + 4 * ((hash as usize + near) % ENTRIES);
    let mut free = None;
    for near in 0..NEAR {
        let offset = word(slot(near)).load(Ordering::Acquire) as usize;
        if offset == 0 {
            free = Some(near);
            break;
        }
        let same = |at: usize| word(offset + 4 * at).load(Ordering::Relaxed) == head[at];
        // SAFETY: what the table has offsets of is finished, and lies in the
        // mapping with as many bytes as its head says.
        let text =
            || unsafe { core::slice::from_raw_parts(base.add(offset + ENTRY_HEAD), path.len()) };
        if (0..4).all(same) && text() == path {
            return true;
        }
    }
    let Some(free) = free else { return false };
    let size = (ENTRY_HEAD + path.len()).next_multiple_of(4);
    let room = || {
        (word(COUNT).load(Ordering::Relaxed) as usize) < ENTRIES
            && word(TAIL).load(Ordering::Relaxed) as usize + size <= TEXT_SIZE
    };
    if !room() {
        return false;
    }
    let number = word(COUNT).fetch_add(1, Ordering::AcqRel) as usize;
    let taken = word(TAIL).fetch_add(size as u32, Ordering::AcqRel) as usize;
    if number >= ENTRIES || taken + size > TEXT_SIZE {
        return false;
    }
    let offset = TEXT + taken;
    for (at, value) in head.into_iter().enumerate() {
        word(offset + 4 * at).store(value, Ordering::Relaxed);
    }
    // SAFETY: these bytes were taken by us alone.
    unsafe {
        core::ptr::copy_nonoverlapping(path.as_ptr(), base.add(offset + ENTRY_HEAD), path.len());
    }
    word(INDEX + 4 * number).store(offset as u32, Ordering::Release);
    // Whoever was faster has perhaps entered the same; then it is there twice.
    let _ =
        word(slot(free)).compare_exchange(0, offset as u32, Ordering::Release, Ordering::Relaxed);
    true
}

fn hash(seed: u32, path: &[u8]) -> u32 {
    const FACTOR: u64 = 0x517c_c1b7_2722_0a95;
    let mut hash = u64::from(seed);
    let mut chunks = path.chunks_exact(8);
    let mut add = |bytes: &[u8]| {
        let mut word = [0u8; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    };
    for chunk in chunks.by_ref() {
        add(chunk);
    }
    add(chunks.remainder());
    (hash >> 32) as u32
}
