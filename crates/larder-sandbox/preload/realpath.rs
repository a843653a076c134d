//! `realpath`: asks about every part of a path. What is usual is done here,
//! with the same questions, also for what is not there: compilers ask that for
//! every header in every directory. Everything else the C library does.

use crate::kernel::{self, AT_CWD, READLINK, STAT};
use crate::layout::{LINK, PROBED};
use crate::libc::{Next, malloc, set_errno, text};
use crate::log;
use core::ffi::{c_char, c_int, c_void};

const ROOM: usize = 1024;
const MOST_LINKS: usize = 20;
const NOT_A_LINK: isize = -22;
const NOT_THERE: c_int = 2;

pub(crate) static NEXT: Next = Next::new(c"realpath");

#[unsafe(no_mangle)]
pub unsafe extern "C" fn realpath(name: *const c_char, into: *mut c_char) -> *mut c_char {
    type Real = unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut c_char;
    // SAFETY: as the C library's function, which this is the type of.
    unsafe {
        let mut way = Way::new();
        let end = if name.is_null() || !log::is_open() { None } else { way.follow(text(name)) };
        let Some(end) = end else {
            return core::mem::transmute::<*mut c_void, Real>(NEXT.get())(name, into);
        };
        let found = way.found();
        let copy = |to: *mut c_char| {
            if !to.is_null() {
                core::ptr::copy_nonoverlapping(found.as_ptr().cast(), to, found.len());
            }
            to
        };
        match end {
            End::There if into.is_null() => copy(malloc(found.len()).cast()),
            End::There => copy(into),
            End::Absent => {
                // The C library also says how far it came.
                copy(into);
                set_errno(NOT_THERE);
                core::ptr::null_mut()
            }
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn canonicalize_file_name(name: *const c_char) -> *mut c_char {
    // SAFETY: as the C library's function.
    unsafe { realpath(name, core::ptr::null_mut()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __realpath_chk(
    name: *const c_char,
    into: *mut c_char,
    room: usize,
) -> *mut c_char {
    const LONGEST: usize = 4096;
    if room < LONGEST {
        kernel::abort();
    }
    // SAFETY: as the C library's function.
    unsafe { realpath(name, into) }
}

/// Where a way ends.
enum End {
    There,
    /// At a part that is not there.
    Absent,
}

/// A path, and what of it is still to be followed.
struct Way {
    /// Followed already; without a slash at its end, so empty at the root.
    path: [u8; ROOM],
    length: usize,
    rest: [u8; ROOM],
    at: usize,
    end: usize,
    links: usize,
}

impl Way {
    fn new() -> Self {
        Self { path: [0; ROOM], length: 0, rest: [0; ROOM], at: 0, end: 0, links: 0 }
    }

    /// With the zero at its end.
    fn found(&mut self) -> &[u8] {
        if self.length == 0 {
            self.path[0] = b'/';
            self.length = 1;
        }
        self.path[self.length] = 0;
        &self.path[..=self.length]
    }

    /// Follows a name to its end. `None`: it is not usual.
    fn follow(&mut self, name: &[u8]) -> Option<End> {
        if *name.first()? != b'/' {
            self.length = kernel::working_directory(&mut self.path)?;
            if self.length == 1 {
                self.length = 0;
            }
        }
        self.rest.get_mut(..name.len())?.copy_from_slice(name);
        self.end = name.len();
        loop {
            let (start, part) = self.next_part();
            self.at = start + part;
            match &self.rest[start..self.at] {
                b"" => return Some(End::There),
                b"." => {}
                b".." => self.pop(),
                _ => {
                    if let End::Absent = self.enter(start)? {
                        return Some(End::Absent);
                    }
                }
            }
        }
    }

    /// Where the next part begins, and its length: 0 at the end.
    fn next_part(&self) -> (usize, usize) {
        let rest = &self.rest[self.at..self.end];
        let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
        let part = rest[slashes..].iter().take_while(|byte| **byte != b'/').count();
        (self.at + slashes, part)
    }

    /// Whether what comes next is right behind a directory only, and nothing
    /// else will find out: `/`, `/.`, `/..`.
    fn wants_directory(&self) -> bool {
        let (start, part) = self.next_part();
        start > self.at && matches!(&self.rest[start..start + part], b"" | b"." | b"..")
    }

    fn pop(&mut self) {
        self.length = self.path[..self.length].iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    }

    /// Goes into the part that starts there.
    fn enter(&mut self, start: usize) -> Option<End> {
        let part = &self.rest[start..self.at];
        let length = self.length + 1 + part.len();
        // There is a zero behind it.
        let to = self.path.get_mut(self.length..=length)?;
        to[0] = b'/';
        to[1..=part.len()].copy_from_slice(part);
        to[part.len() + 1..].fill(0);
        let mut target = [0u8; ROOM];
        let args = [AT_CWD, self.path.as_ptr().addr(), target.as_mut_ptr().addr(), ROOM, 0];
        // SAFETY: a C string, and room of that size.
        let read = unsafe { self.ask(LINK, length, READLINK, args)? };
        if read == NOT_A_LINK {
            self.length = length;
            if self.wants_directory() {
                self.is_directory()?;
            }
            return Some(End::There);
        }
        if read == -(NOT_THERE as isize) {
            self.length = length;
            return Some(End::Absent);
        }
        let target = target.get(..usize::try_from(read).ok()?)?;
        self.links += 1;
        if self.links > MOST_LINKS || target.is_empty() || target.len() == ROOM {
            return None;
        }
        let left = self.end - self.at;
        let end = target.len() + left;
        if end > ROOM {
            return None;
        }
        self.rest.copy_within(self.at..self.end, target.len());
        self.rest[..target.len()].copy_from_slice(target);
        (self.at, self.end) = (0, end);
        if target[0] == b'/' {
            self.length = 0;
        }
        Some(End::There)
    }

    fn is_directory(&mut self) -> Option<()> {
        /// Of `struct stat`: its size, the word with the kind, and that.
        const SIZE: usize = 144;
        const MODE: usize = 24;
        const KIND: u32 = 0o170_000;
        const DIRECTORY: u32 = 0o40_000;
        if self.length == 0 {
            return Some(());
        }
        *self.path.get_mut(self.length)? = 0;
        let mut about = [0u8; SIZE];
        let args = [AT_CWD, self.path.as_ptr().addr(), about.as_mut_ptr().addr(), 0, 0];
        // SAFETY: a C string, and room of the structure's size.
        let asked = unsafe { self.ask(PROBED, self.length, STAT, args)? };
        let mode = u32::from_le_bytes(about[MODE..MODE + 4].try_into().ok()?);
        (asked == 0 && mode & KIND == DIRECTORY).then_some(())
    }

    /// Asks the kernel about the first part of the path, if that can be
    /// recorded.
    ///
    /// # Safety
    /// As the call.
    unsafe fn ask(
        &self,
        kind: u32,
        length: usize,
        number: usize,
        args: [usize; 5],
    ) -> Option<isize> {
        // SAFETY: the caller's; it was recorded, so the code is there.
        log::enter(kind, &self.path[..length]).then(|| unsafe { kernel::recorded(number, args) })
    }
}
