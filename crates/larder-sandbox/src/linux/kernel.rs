//! The calls that no library wraps, each behind a safe function: seccomp and
//! its ioctls, a hook between fork and exec, a descriptor sent over a socket,
//! shared memory, Landlock's last step, and one ptrace request.
//!
//! This is the only module of larder's own processes with `unsafe` in it
//! (`preload/` runs in others). What it refuses
//! to do: decide anything. Everything here is one call, or the shortest code
//! that may run in a forked child, which neither allocates nor takes a lock.

#![expect(unsafe_code, reason = "system calls without a safe wrapper, and code after fork")]

use libc::{c_int, c_long, c_ulong, c_void, sock_filter};
use nix::errno::Errno;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

/// A system call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notification {
    pub(super) id: u64,
    /// The thread that makes it.
    pub(super) thread: i32,
    pub(super) architecture: u32,
    pub(super) number: i64,
    pub(super) args: [u64; 6],
}

/// How a notification is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The kernel does the call.
    Continue,
    /// The call fails with this number.
    Fail(i32),
}

/// The kernel's structures may grow: it copies as much as it knows of.
#[repr(C, align(8))]
struct Room([u8; 256]);

/// Installs a filter that notifies a listener, and returns the listener.
/// May run after fork.
pub(super) fn install_listener(code: &[sock_filter]) -> Result<OwnedFd, Errno> {
    let listen = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // With it (since 5.19) a signal does not make a call that is being looked
    // at start again; runtimes that preempt by signals would never get on.
    let both = listen | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let fd = match install(code, both) {
        Err(Errno::EINVAL) => install(code, listen)?,
        other => other?,
    };
    // SAFETY: the kernel has just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Installs a filter that stops for a tracer. May run after fork.
pub(super) fn install_traced(code: &[sock_filter]) -> Result<(), Errno> {
    install(code, 0).map(drop)
}

fn install(code: &[sock_filter], flags: c_ulong) -> Result<c_long, Errno> {
    let program = libc::sock_fprog {
        len: code.len() as u16,
        // The kernel only reads it; the type comes from C.
        filter: code.as_ptr().cast_mut(),
    };
    // SAFETY: `program` points at `len` instructions that outlive the call.
    let made = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            std::ptr::from_ref(&program),
        )
    };
    Errno::result(made)
}

/// Whether the kernel knows a filter action and lets us ask.
pub(super) fn action_available(action: u32) -> Result<(), Errno> {
    // SAFETY: the kernel reads four bytes of `action`.
    let known = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            std::ptr::from_ref(&action),
        )
    };
    Errno::result(known).map(drop)
}

/// Lets target and listener hand the processor to each other without waiting
/// for the scheduler (since 6.6); an older kernel goes on as before.
pub(super) fn wake_in_turn(listener: BorrowedFd<'_>) {
    const SYNC_WAKE_UP: c_ulong = 1;
    // SAFETY: this ioctl takes a number, not a pointer.
    let _ = unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP)
    };
}

/// Takes the next notification; blocks if there is none.
pub(super) fn receive(listener: BorrowedFd<'_>) -> Result<Notification, Errno> {
    let mut room = Room([0; 256]);
    // SAFETY: `room` is zeroed, as the kernel wants it, aligned, and larger
    // than any `seccomp_notif` that a kernel has (80 bytes).
    let received =
        unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut room) };
    Errno::result(received)?;
    // SAFETY: the kernel has filled in a `seccomp_notif`; all its fields are
    // integers, and `room` is aligned for it.
    let notif = unsafe { std::ptr::from_ref(&room).cast::<libc::seccomp_notif>().read() };
    Ok(Notification {
        id: notif.id,
        thread: notif.pid as i32,
        architecture: notif.data.arch,
        number: i64::from(notif.data.nr),
        args: notif.data.args,
    })
}

/// Whether the caller of a notification still waits for its answer, so that
/// what was read under its number was its own.
pub(super) fn still_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the kernel reads eight bytes of `id`.
    let valid = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
            std::ptr::from_ref(&id),
        )
    };
    valid == 0
}

/// Answers a notification. One whose caller is gone is nobody's loss.
pub(super) fn answer(listener: BorrowedFd<'_>, id: u64, answer: Answer) {
    let mut room = Room([0; 256]);
    let (error, flags) = match answer {
        Answer::Continue => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        Answer::Fail(code) => (-code, 0),
    };
    let response = libc::seccomp_notif_resp { id, val: 0, error, flags };
    // SAFETY: `room` is aligned for and larger than a response; the kernel
    // reads only from it.
    let _ = unsafe {
        std::ptr::from_mut(&mut room).cast::<libc::seccomp_notif_resp>().write(response);
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut room)
    };
}

/// Runs `hook` in the child, between fork and exec.
///
/// `hook` must not allocate, lock or panic: in a child of a process with
/// threads, whoever held a lock at the fork is not there to release it. The
/// hooks of this crate make system calls through this module only.
pub(super) fn before_exec(
    command: &mut Command,
    hook: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: see above; the callers are `super::start` and nobody else.
    unsafe { command.pre_exec(hook) };
}

/// First word of the child to its observer.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Hello {
    /// 0: here is the listener. Otherwise why there is none.
    pub(super) errno: c_int,
    /// Who speaks.
    pub(super) pid: c_int,
}

#[repr(C, align(8))]
struct Ancillary([u8; 64]);

/// Sends a hello, with a descriptor where there is one. May run after fork.
pub(super) fn send_hello(
    socket: BorrowedFd<'_>,
    mut hello: Hello,
    descriptor: Option<BorrowedFd<'_>>,
) -> Result<(), Errno> {
    let mut ancillary = Ancillary([0; 64]);
    let mut part = libc::iovec {
        iov_base: std::ptr::from_mut(&mut hello).cast(),
        iov_len: size_of::<Hello>(),
    };
    // SAFETY: all pointers are to locals that outlive the call; `CMSG_SPACE`
    // of one descriptor is 24 bytes, and `ancillary` is aligned and has 64.
    let sent = unsafe {
        let mut message: libc::msghdr = zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        if let Some(descriptor) = descriptor {
            message.msg_control = (&raw mut ancillary).cast();
            message.msg_controllen = libc::CMSG_SPACE(size_of::<c_int>() as u32) as _;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<c_int>() as u32) as _;
            libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(descriptor.as_raw_fd());
        }
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
    };
    Errno::result(sent).map(drop)
}

/// Waits for the child's hello. `None`: the child is gone without one.
pub(super) fn receive_hello(
    socket: BorrowedFd<'_>,
) -> Result<Option<(Hello, Option<OwnedFd>)>, Errno> {
    let mut hello = Hello { errno: 0, pid: 0 };
    let mut ancillary = Ancillary([0; 64]);
    let mut part = libc::iovec {
        iov_base: std::ptr::from_mut(&mut hello).cast(),
        iov_len: size_of::<Hello>(),
    };
    // SAFETY: as in `send_hello`; a descriptor that arrives is ours alone.
    unsafe {
        let mut message: libc::msghdr = zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut ancillary).cast();
        message.msg_controllen = size_of::<Ancillary>() as _;
        let length = loop {
            let length =
                libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC);
            match Errno::result(length) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        };
        if length as usize != size_of::<Hello>() {
            return Ok(None);
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let descriptor =
            (!header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS).then(|| {
                OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<c_int>().read_unaligned())
            });
        Ok(Some((hello, descriptor)))
    }
}

/// Reads one byte, and 0 at the end or on an error. May run after fork.
pub(super) fn receive_byte(socket: BorrowedFd<'_>) -> u8 {
    let mut byte = 0u8;
    loop {
        // SAFETY: one byte is written to a local.
        let read = unsafe { libc::read(socket.as_raw_fd(), (&raw mut byte).cast(), 1) };
        match Errno::result(read) {
            Err(Errno::EINTR) => {}
            Ok(1) => return byte,
            _ => return 0,
        }
    }
}

/// Sends one byte. May run after fork.
pub(super) fn send_byte(socket: BorrowedFd<'_>, byte: u8) -> bool {
    // SAFETY: one byte is read from a local.
    let sent =
        unsafe { libc::send(socket.as_raw_fd(), (&raw const byte).cast(), 1, libc::MSG_NOSIGNAL) };
    sent == 1
}

/// Own number. May run after fork.
pub(super) fn own_pid() -> i32 {
    // SAFETY: has no arguments and cannot fail.
    unsafe { libc::getpid() }
}

/// Gives up gaining privileges by executing a program. May run after fork.
pub(super) fn no_new_privileges() -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    Errno::result(set).map(drop)
}

/// Confines the calling thread by a Landlock rule set. May run after fork.
pub(super) fn restrict(ruleset: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
    Errno::result(done).map(drop)
}

/// Memory that other processes may map: a file without a name, whose first page
/// is code for them and everything behind it words and bytes for all.
#[derive(Debug)]
pub(super) struct SharedMemory {
    file: OwnedFd,
    base: NonNull<u8>,
    size: usize,
}

// SAFETY: it is reached through atomics, and copied from.
unsafe impl Send for SharedMemory {}

impl SharedMemory {
    /// Makes it, all zero but for the code.
    pub(super) fn new(code: &[u8], page: usize, size: usize) -> Result<Self, Errno> {
        const MFD_EXEC: libc::c_uint = 0x10;
        let make = |flags| {
            // SAFETY: a C string and a number.
            let fd = unsafe { libc::memfd_create(c"larder-observer".as_ptr(), flags) };
            // SAFETY: the kernel has just made this descriptor for us alone.
            Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
        };
        // Before 6.3 the flag is unknown, and every such file may be executed.
        let file = make(libc::MFD_CLOEXEC | MFD_EXEC).or_else(|_| make(libc::MFD_CLOEXEC))?;
        nix::unistd::ftruncate(&file, (page + size) as libc::off_t)?;
        nix::sys::uio::pwrite(&file, code, 0)?;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                page as libc::off_t,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let base = NonNull::new(base.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Self { file, base, size })
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The word there; `None` if that is outside or between two words.
    pub(super) fn word(&self, at: usize) -> Option<&AtomicU32> {
        let fits = at.is_multiple_of(4) && at.checked_add(4)? <= self.size;
        // SAFETY: within the mapping, which is aligned to pages, and all who
        // share it use these words as atomics.
        fits.then(|| unsafe { self.base.add(at).cast::<AtomicU32>().as_ref() })
    }

    /// A copy of the bytes there; `None` if that is outside.
    pub(super) fn bytes(&self, at: usize, length: usize) -> Option<Vec<u8>> {
        if at.checked_add(length)? > self.size {
            return None;
        }
        let mut bytes = vec![0; length];
        // SAFETY: within the mapping; nothing of ours refers to it. What
        // another process changes meanwhile is copied as it then is.
        unsafe {
            self.base.add(at).copy_to_nonoverlapping(NonNull::from(&mut *bytes).cast(), length)
        };
        Some(bytes)
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nothing refers to any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.size) };
    }
}

/// The version of Landlock that the kernel offers.
pub(super) fn landlock_version() -> Result<u32, Errno> {
    const VERSION: c_int = 1;
    // SAFETY: with this flag the kernel reads neither of the first two.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<c_void>(),
            0usize,
            VERSION,
        )
    };
    Errno::result(version).map(|version| version as u32)
}

/// A system call as ptrace tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TracedCall {
    /// 1 at its entry, 2 at its end, 3 at a filter's stop.
    pub(super) stage: u8,
    pub(super) architecture: u32,
    pub(super) number: i64,
    pub(super) args: [u64; 6],
    /// At its end: whether it failed.
    pub(super) failed: bool,
}

/// The call at which a stopped thread stands (since 5.3).
pub(super) fn traced_call(thread: i32) -> Result<TracedCall, Errno> {
    const GET_SYSCALL_INFO: c_int = 0x420e;
    // `struct ptrace_syscall_info`: the stage and the architecture in the first
    // word; the number and the arguments from the fourth on, or at the end of
    // a call its result and whether that is an error.
    let mut words = [0u64; 16];
    // SAFETY: the kernel writes at most the given number of bytes.
    let got = unsafe {
        libc::ptrace(
            GET_SYSCALL_INFO as _,
            thread,
            size_of::<[u64; 16]>(),
            words.as_mut_ptr().cast::<c_void>(),
        )
    };
    Errno::result(got)?;
    Ok(TracedCall {
        stage: words[0] as u8,
        architecture: (words[0] >> 32) as u32,
        number: words[3] as i64,
        args: [words[4], words[5], words[6], words[7], words[8], words[9]],
        failed: words[0] as u8 == 2 && words[4] as u8 != 0,
    })
}

/// How a traced thread that stands still goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    /// To its next stop.
    Continue,
    /// To its next stop or system call.
    ToNextCall,
    /// Not at all, until it is continued by a signal.
    Listen,
}

/// Resumes a traced thread and delivers a signal, if it is not 0.
pub(super) fn resume(thread: i32, how: Resume, signal: c_int) -> Result<(), Errno> {
    let request = match how {
        Resume::Continue => libc::PTRACE_CONT,
        Resume::ToNextCall => libc::PTRACE_SYSCALL,
        Resume::Listen => libc::PTRACE_LISTEN,
    };
    // SAFETY: these requests take numbers only; the address is ignored.
    let done = unsafe {
        libc::ptrace(
            request as _,
            thread,
            std::ptr::null_mut::<c_void>(),
            std::ptr::without_provenance_mut::<c_void>(signal as usize),
        )
    };
    Errno::result(done).map(drop)
}

/// Waits for a change of any process that this very thread traces, and gives
/// its number and status word. Not by `nix`, which loses real-time signals.
pub(super) fn wait_for_traced() -> Result<(i32, c_int), Errno> {
    let mut status = 0;
    // SAFETY: the kernel writes a number to a local.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
    Errno::result(pid).map(|pid| (pid, status))
}

/// Leaves a process behind that lets every call continue until nobody is left
/// who could make one. Without it, what outlives its observer would get
/// `ENOSYS` from every call that the filter reports.
pub(super) fn leave_keeper(listener: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: the child makes system calls only, on numbers and locals, and
    // never returns. It is forked twice, so that nobody has to wait for it.
    unsafe {
        match Errno::result(libc::fork())? {
            0 => {
                if libc::fork() == 0 {
                    keep(listener.as_raw_fd());
                }
                libc::_exit(0)
            }
            middle => {
                let mut status = 0;
                while libc::waitpid(middle, &raw mut status, 0) < 0 && Errno::last() == Errno::EINTR
                {
                }
                Ok(())
            }
        }
    }
}

/// The keeper: holds nothing but the listener, so that no pipe stays open and
/// no lock held for its sake.
///
/// # Safety
/// In a forked child only.
unsafe fn keep(listener: RawFd) -> ! {
    // SAFETY: system calls on numbers and locals.
    unsafe {
        libc::setsid();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGPIPE] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let _ = libc::chdir(c"/".as_ptr());
        if listener != 0 {
            libc::dup2(listener, 0);
        }
        if libc::syscall(libc::SYS_close_range, 1, u32::MAX, 0) != 0 {
            for fd in 1..4096 {
                libc::close(fd);
            }
        }
        let listener = BorrowedFd::borrow_raw(0);
        loop {
            let mut wait = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
            if libc::poll(&raw mut wait, 1, -1) < 0 {
                continue;
            }
            if wait.revents & libc::POLLIN == 0 {
                libc::_exit(0);
            }
            if let Ok(call) = receive(listener) {
                answer(listener, call.id, Answer::Continue);
            }
        }
    }
}
