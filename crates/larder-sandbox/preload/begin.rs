//! What happens when a process starts: it finds the shared memory, and hides
//! from the program that it is observed.

use crate::kernel::{self, AT_CWD};
use crate::layout::{ADDRESS, MAGIC, PAGE, SIZE, VARIABLE};
use crate::{log, programs, realpath};
use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::Ordering;

const READ_WRITE_CLOSE: usize = 0o2 | 0o200_0000;
const READ_WRITE: usize = 1 | 2;
const READ_EXECUTE: usize = 1 | 4;
const SHARED: usize = 1;
const PRIVATE_FIXED_NO_REPLACE: usize = 2 | 0x10_0000;
const FAILED: isize = -4096;

pub(crate) const LOADED: &str = "LD_PRELOAD";

#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: unsafe extern "C" fn(c_int, *const *const c_char, *mut *const c_char) = begin;

/// Called by the loader before the program.
unsafe extern "C" fn begin(_: c_int, _: *const *const c_char, env: *mut *const c_char) {
    // SAFETY: the loader gives the environment, which ends with a null.
    unsafe {
        let (Some(library), Some(memory)) = (take(env, LOADED), take(env, VARIABLE)) else {
            return;
        };
        if programs::remember(library, memory) && open(memory) {
            realpath::NEXT.get();
            programs::find_next();
        }
    }
}

/// Takes a variable out of the environment, and gives its `name=value`.
unsafe fn take<'a>(env: *mut *const c_char, name: &str) -> Option<&'a CStr> {
    let mut taken = None;
    let mut from = env;
    let mut to = env;
    // SAFETY: the array ends with a null; nothing is written beyond it.
    unsafe {
        loop {
            let entry = *from;
            from = from.add(1);
            if !entry.is_null() && is(entry, name) {
                taken = Some(CStr::from_ptr(entry));
                continue;
            }
            *to = entry;
            to = to.add(1);
            if entry.is_null() {
                return taken;
            }
        }
    }
}

/// Whether an entry of an environment is of a variable.
pub(crate) unsafe fn is(entry: *const c_char, name: &str) -> bool {
    // SAFETY: a C string.
    let text = unsafe { crate::libc::text(entry) };
    text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
}

/// Maps the shared memory. Where that fails, every call is seen.
unsafe fn open(memory: &CStr) -> bool {
    let value = memory.to_bytes_with_nul();
    let Some(path) = value.get(VARIABLE.len() + 1..) else { return false };
    // SAFETY: calls on a C string, numbers, and addresses that the kernel gave.
    unsafe {
        let fd = kernel::call(kernel::OPEN, [AT_CWD, path.as_ptr().addr(), READ_WRITE_CLOSE, 0, 0]);
        let Ok(fd) = usize::try_from(fd) else { return false };
        let opened = map(fd);
        kernel::call(kernel::CLOSE, [fd, 0, 0, 0, 0]);
        opened
    }
}

unsafe fn map(fd: usize) -> bool {
    let valid = |address: isize| !(FAILED..0).contains(&address);
    // SAFETY: see `open`.
    unsafe {
        let base = kernel::call_six(kernel::MMAP, [0, SIZE, READ_WRITE, SHARED, fd], PAGE);
        if !valid(base) {
            return false;
        }
        let at = base as usize;
        let base: *mut u8 = core::ptr::with_exposed_provenance_mut(at);
        let stub = base.add(ADDRESS).cast::<u64>().read() as usize;
        let code = [stub, PAGE, READ_EXECUTE, PRIVATE_FIXED_NO_REPLACE, fd];
        if base.cast::<u32>().read() != MAGIC
            || kernel::call_six(kernel::MMAP, code, 0) != stub as isize
        {
            kernel::call(kernel::MUNMAP, [at, SIZE, 0, 0, 0]);
            return false;
        }
        kernel::STUB.store(stub, Ordering::Relaxed);
        log::SHARED.store(base, Ordering::Release);
    }
    true
}
