//! What is read of an observed thread: strings and structures in its memory,
//! its working directory, its open files.
//!
//! The thread is stopped in a system call while it is read, but other threads
//! of its process run: what they change in between is seen as it then is.

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{IoSliceMut, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const PAGE: usize = 4096;
const LONGEST_PATH: usize = 4096;

/// A stopped thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target(pub(super) i32);

impl Target {
    /// The string at an address: `None` if it cannot be read.
    pub(super) fn string(self, address: u64) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut buffer = [0u8; PAGE];
        let mut at = address as usize;
        while text.len() < LONGEST_PATH {
            // Never across the end of a page at once: the next may be missing.
            let rest = (PAGE - at % PAGE).min(if text.is_empty() { 256 } else { PAGE });
            let read = self.memory(at, &mut buffer[..rest])?;
            match buffer[..read].iter().position(|byte| *byte == 0) {
                Some(end) => {
                    text.extend_from_slice(&buffer[..end]);
                    return Some(text);
                }
                None if read == 0 => return None,
                None => text.extend_from_slice(&buffer[..read]),
            }
            at = at.checked_add(read)?;
        }
        None
    }

    /// As many bytes at an address as fit into `into` and are there.
    pub(super) fn memory(self, address: usize, into: &mut [u8]) -> Option<usize> {
        let from = RemoteIoVec { base: address, len: into.len() };
        let read = process_vm_readv(Pid::from_raw(self.0), &mut [IoSliceMut::new(into)], &[from]);
        // Some security profiles refuse the call, but not the file.
        read.ok().or_else(|| {
            let memory = File::open(format!("/proc/{}/mem", self.0)).ok()?;
            memory.read_at(into, address as u64).ok()
        })
    }

    pub(super) fn cwd(self) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/cwd", self.0)).ok()
    }

    /// Whether the thread, let go, may still be in the system call with this
    /// number: it runs, or waits in such a call. Not if it waits in another
    /// one, or is gone. Where the kernel does not say (proc_pid_syscall(5)), it
    /// may be.
    pub(super) fn may_be_in(self, number: i64) -> bool {
        match std::fs::read(format!("/proc/{}/syscall", self.0)) {
            Ok(text) => {
                let first = text.split(u8::is_ascii_whitespace).next().unwrap_or_default();
                first == b"running" || first == number.to_string().as_bytes()
            }
            Err(_) => Path::new(&format!("/proc/{}", self.0)).exists(),
        }
    }

    /// The path behind an open file; `None` for what has none.
    pub(super) fn descriptor(self, number: i32) -> Option<PathBuf> {
        let path = std::fs::read_link(format!("/proc/{}/fd/{number}", self.0)).ok()?;
        path.is_absolute().then_some(path)
    }
}

/// What the kernel itself opens when it executes a program: the interpreter
/// that a script's first line or an ELF file's header names.
pub(super) fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut head = [0u8; PAGE];
    let file = File::open(program).ok()?;
    let length = (&file).take(PAGE as u64).read(&mut head).ok()?;
    let head = &head[..length];
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii_start();
        let name = line.split(u8::is_ascii_whitespace).next()?;
        return (!name.is_empty()).then(|| std::ffi::OsStr::from_bytes(name).into());
    }
    elf_interpreter(&file, head)
}

/// `PT_INTERP` of a 64-bit little-endian ELF file (System V ABI, part 5).
fn elf_interpreter(file: &File, head: &[u8]) -> Option<PathBuf> {
    const INTERPRETER: u32 = 3;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let at = |offset: usize, size: usize| head.get(offset..offset + size);
    let long = |offset| Some(u64::from_le_bytes(at(offset, 8)?.try_into().ok()?));
    let short = |offset| Some(u16::from_le_bytes(at(offset, 2)?.try_into().ok()?));
    let (table, size, count) = (long(32)? as usize, short(54)? as usize, short(56)? as usize);
    (0..count).find_map(|index| {
        let entry = table.checked_add(size.checked_mul(index)?)?;
        if u32::from_le_bytes(at(entry, 4)?.try_into().ok()?) != INTERPRETER {
            return None;
        }
        let (offset, length) = (long(entry + 8)?, long(entry + 32)?);
        let mut name = vec![0; length.min(LONGEST_PATH as u64) as usize];
        file.read_exact_at(&mut name, offset).ok()?;
        let end = name.iter().position(|byte| *byte == 0)?;
        Some(std::ffi::OsStr::from_bytes(&name[..end]).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_across_pages_and_missing_memory_is_no_string() {
        let own = Target(std::process::id() as i32);
        let mut long = vec![b'x'; 3000];
        long.push(0);
        assert_eq!(own.string(long.as_ptr() as u64).unwrap().len(), 3000);
        assert_eq!(own.string(8), None);
        assert_eq!(own.cwd(), std::fs::canonicalize(".").ok());
    }

    #[test]
    fn interpreters_of_scripts_and_programs_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script");
        std::fs::write(&script, "#! /usr/bin/env sh\n").unwrap();
        assert_eq!(interpreter(&script), Some("/usr/bin/env".into()));
        let loader = interpreter(Path::new("/proc/self/exe"));
        if cfg!(target_env = "gnu") {
            assert!(loader.is_some_and(|path| path.exists()));
        }
        assert_eq!(interpreter(&directory.path().join("none")), None);
    }
}
