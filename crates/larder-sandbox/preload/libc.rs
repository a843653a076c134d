//! What is used of the C library that is loaded already.

use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

unsafe extern "C" {
    pub(crate) static mut environ: *const *const c_char;
    fn __errno_location() -> *mut c_int;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    pub(crate) fn malloc(size: usize) -> *mut c_void;
    pub(crate) fn fdopen(fd: c_int, mode: *const c_char) -> *mut c_void;
}

/// A function that ours stands in front of.
pub(crate) struct Next {
    name: &'static core::ffi::CStr,
    found: AtomicPtr<c_void>,
}

impl Next {
    pub(crate) const fn new(name: &'static core::ffi::CStr) -> Self {
        Self { name, found: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// Its address. Looked up when the process starts: a child after `vfork`
    /// must not.
    pub(crate) fn get(&self) -> *mut c_void {
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return found;
        }
        let next = core::ptr::without_provenance_mut(usize::MAX);
        // SAFETY: `RTLD_NEXT` and a C string.
        let found = unsafe { dlsym(next, self.name.as_ptr()) };
        if found.is_null() {
            crate::kernel::abort();
        }
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

/// A result of the kernel, as the C library gives it.
pub(crate) fn result(value: isize) -> isize {
    if value < 0 {
        set_errno(-value as c_int);
        return -1;
    }
    value
}

pub(crate) fn set_errno(code: c_int) {
    // SAFETY: the address is this thread's own.
    unsafe { *__errno_location() = code };
}

/// The bytes of a C string.
///
/// # Safety
/// It is one, and outlives what is made of it.
pub(crate) unsafe fn text<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's.
    unsafe { core::ffi::CStr::from_ptr(string) }.to_bytes()
}
