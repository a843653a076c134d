//! System calls: seen by the filter, or passed by it.

use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering};

pub(crate) const OPEN: usize = 257;
pub(crate) const STAT: usize = 262;
pub(crate) const STATX: usize = 332;
pub(crate) const READLINK: usize = 267;
pub(crate) const ACCESS: usize = 269;
pub(crate) const EXECUTE: usize = 59;
pub(crate) const MMAP: usize = 9;
pub(crate) const MUNMAP: usize = 11;
pub(crate) const CLOSE: usize = 3;
const GETCWD: usize = 79;

pub(crate) const AT_CWD: usize = -100isize as usize;
pub(crate) const NO_FOLLOW: usize = 0x100;
pub(crate) const EMPTY_PATH: usize = 0x1000;

/// Where the page of code is; 0: nowhere, and nothing is recorded.
pub(crate) static STUB: AtomicUsize = AtomicUsize::new(0);

/// A call that the filter sees.
///
/// # Safety
/// As the call.
pub(crate) unsafe fn call(number: usize, args: [usize; 5]) -> isize {
    // SAFETY: the caller's.
    unsafe { call_six(number, args, 0) }
}

/// The same with a sixth argument.
///
/// # Safety
/// As the call.
pub(crate) unsafe fn call_six(number: usize, args: [usize; 5], sixth: usize) -> isize {
    let result: isize;
    // SAFETY: the caller's; the kernel keeps all registers but these.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") sixth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// A call that was recorded: the filter lets it pass.
///
/// # Safety
/// As the call; and [`STUB`] is set.
pub(crate) unsafe fn recorded(number: usize, args: [usize; 5]) -> isize {
    type Stub = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize) -> isize;
    let address = STUB.load(Ordering::Relaxed);
    // SAFETY: there is code of this type, which never goes away.
    unsafe {
        let stub =
            core::mem::transmute::<*const (), Stub>(core::ptr::with_exposed_provenance(address));
        stub(number, args[0], args[1], args[2], args[3], args[4])
    }
}

/// The working directory's path in front of `into`, and its length; `None` if
/// it has none that is that short.
pub(crate) fn working_directory(into: &mut [u8]) -> Option<usize> {
    // SAFETY: the kernel writes at most as many bytes.
    let length = unsafe { call(GETCWD, [into.as_mut_ptr().addr(), into.len(), 0, 0, 0]) };
    let length = usize::try_from(length).ok()?.checked_sub(1)?;
    (into.first() == Some(&b'/')).then_some(length)
}

pub(crate) fn abort() -> ! {
    // SAFETY: ends the process.
    unsafe { asm!("ud2", options(noreturn)) }
}
