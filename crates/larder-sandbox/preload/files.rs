//! The C library's functions that only look: each records its path, and then
//! makes the call that the C library would make. What writes, and what is
//! named by an open directory, is left to be seen.

use crate::kernel::{self, ACCESS, AT_CWD, EMPTY_PATH, NO_FOLLOW, OPEN, READLINK, STAT, STATX};
use crate::layout::{LINK, PROBED, READ};
use crate::libc::{Next, fdopen, result, text};
use crate::log;
use core::ffi::{c_char, c_int, c_uint, c_void};

/// `O_ACCMODE`, `O_CREAT`, `O_TRUNC`, `O_NOFOLLOW`, `O_PATH` and what is in
/// `O_TMPFILE` beside `O_DIRECTORY`.
const NOT_PLAIN: c_int = 0o3 | 0o100 | 0o1000 | 0o40_0000 | 0o1000_0000 | 0o2000_0000;
const CLOSE_ON_EXEC: c_int = 0o200_0000;

const CURRENT: c_int = -100;
const NO_AUTOMOUNT: c_int = 0x800;

/// Makes a call about a path, recorded if that is possible.
unsafe fn through(kind: u32, path: *const c_char, number: usize, args: [usize; 5]) -> isize {
    // SAFETY: the arguments are those that the program gave for this call.
    unsafe {
        if log::record(kind, path) {
            kernel::recorded(number, args)
        } else {
            kernel::call(number, args)
        }
    }
}

/// The same, for a path that may be relative to an open directory.
unsafe fn through_at(
    dir: c_int,
    kind: u32,
    path: *const c_char,
    number: usize,
    args: [usize; 5],
) -> isize {
    // SAFETY: as `through`; the path is a C string where it is looked at.
    unsafe {
        if dir == CURRENT || (!path.is_null() && *path == b'/' as c_char) {
            through(kind, path, number, args)
        } else {
            kernel::call(number, args)
        }
    }
}

/// Several names of one function.
macro_rules! names {
    ($name:ident: ($($arg:ident: $type:ty),*) -> $result:ty = $body:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> $result {
            // SAFETY: as the C library's function.
            unsafe { $body }
        }
    };
    ($name:ident, $($more:ident),+: $args:tt -> $result:ty = $body:expr) => {
        names!($name: $args -> $result = $body);
        names!($($more),+: $args -> $result = $body);
    };
}

unsafe fn open_at(dir: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let args = [dir as usize, path.addr(), flags as usize, mode as usize, 0];
    // SAFETY: as `through_at`.
    let opened = unsafe {
        if flags & NOT_PLAIN == 0 {
            through_at(dir, READ, path, OPEN, args)
        } else {
            kernel::call(OPEN, args)
        }
    };
    result(opened) as c_int
}

names!(open, open64: (path: *const c_char, flags: c_int, mode: c_uint) -> c_int =
    open_at(CURRENT, path, flags, mode));
names!(__open_2, __open64_2: (path: *const c_char, flags: c_int) -> c_int =
    open_at(CURRENT, path, flags, 0));
names!(openat, openat64: (dir: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int =
    open_at(dir, path, flags, mode));
names!(__openat_2, __openat64_2: (dir: c_int, path: *const c_char, flags: c_int) -> c_int =
    open_at(dir, path, flags, 0));

static FOPEN: Next = Next::new(c"fopen");

unsafe fn open_stream(path: *const c_char, mode: *const c_char) -> *mut c_void {
    type Real = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut c_void;
    // SAFETY: as the C library's function, which this is the type of.
    unsafe {
        let how = text(mode);
        let reads = how.first() == Some(&b'r') && !how.iter().any(|c| matches!(c, b'+' | b','));
        if !log::is_open() || !reads {
            return core::mem::transmute::<*mut c_void, Real>(FOPEN.get())(path, mode);
        }
        let flags = if how.contains(&b'e') { CLOSE_ON_EXEC } else { 0 };
        let fd = open_at(CURRENT, path, flags, 0);
        if fd < 0 {
            return core::ptr::null_mut();
        }
        let stream = fdopen(fd, mode);
        if stream.is_null() {
            kernel::call(kernel::CLOSE, [fd as usize, 0, 0, 0, 0]);
        }
        stream
    }
}

names!(fopen, fopen64: (path: *const c_char, mode: *const c_char) -> *mut c_void =
    open_stream(path, mode));

unsafe fn stat_at(dir: c_int, path: *const c_char, into: *mut c_void, flags: c_int) -> c_int {
    let args = [dir as usize, path.addr(), into.addr(), flags as usize, 0];
    // SAFETY: as `through_at`.
    let done = unsafe {
        match kind(flags) {
            Some(kind) => through_at(dir, kind, path, STAT, args),
            None => kernel::call(STAT, args),
        }
    };
    result(done) as c_int
}

/// What a stat with these flags is; `None`: something rare.
fn kind(flags: c_int) -> Option<u32> {
    match flags & !NO_AUTOMOUNT {
        0 => Some(PROBED),
        other if other == NO_FOLLOW as c_int => Some(LINK),
        _ => None,
    }
}

names!(stat, stat64: (path: *const c_char, into: *mut c_void) -> c_int =
    stat_at(CURRENT, path, into, 0));
names!(lstat, lstat64: (path: *const c_char, into: *mut c_void) -> c_int =
    stat_at(CURRENT, path, into, NO_FOLLOW as c_int));
names!(fstatat, fstatat64: (dir: c_int, path: *const c_char, into: *mut c_void, flags: c_int) -> c_int =
    stat_at(dir, path, into, flags));
// Programs that were linked with a C library before 2.33.
names!(__xstat, __xstat64: (_version: c_int, path: *const c_char, into: *mut c_void) -> c_int =
    stat_at(CURRENT, path, into, 0));
names!(__lxstat, __lxstat64: (_version: c_int, path: *const c_char, into: *mut c_void) -> c_int =
    stat_at(CURRENT, path, into, NO_FOLLOW as c_int));
names!(__fxstatat, __fxstatat64: (_version: c_int, dir: c_int, path: *const c_char, into: *mut c_void, flags: c_int) -> c_int =
    stat_at(dir, path, into, flags));

unsafe fn extended_stat(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    into: *mut c_void,
) -> c_int {
    /// `AT_STATX_SYNC_TYPE`: how fresh a network's file has to be.
    const FRESHNESS: c_int = 0x6000;
    let args = [dir as usize, path.addr(), flags as usize, mask as usize, into.addr()];
    // SAFETY: as `through_at`.
    let done = unsafe {
        match kind(flags & !FRESHNESS) {
            Some(kind) if flags as usize & EMPTY_PATH == 0 => {
                through_at(dir, kind, path, STATX, args)
            }
            _ => kernel::call(STATX, args),
        }
    };
    result(done) as c_int
}

names!(statx: (dir: c_int, path: *const c_char, flags: c_int, mask: c_uint, into: *mut c_void) -> c_int =
    extended_stat(dir, path, flags, mask, into));

names!(access: (path: *const c_char, mode: c_int) -> c_int =
    result(through(PROBED, path, ACCESS, [AT_CWD, path.addr(), mode as usize, 0, 0])) as c_int);

unsafe fn read_link(dir: c_int, path: *const c_char, into: *mut c_char, size: usize) -> isize {
    let args = [dir as usize, path.addr(), into.addr(), size, 0];
    // SAFETY: as `through_at`.
    result(unsafe { through_at(dir, LINK, path, READLINK, args) })
}

names!(readlink: (path: *const c_char, into: *mut c_char, size: usize) -> isize =
    read_link(CURRENT, path, into, size));
names!(readlinkat: (dir: c_int, path: *const c_char, into: *mut c_char, size: usize) -> isize =
    read_link(dir, path, into, size));
