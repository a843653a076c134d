//! The system calls that say what a process depends on: which they are, where
//! their arguments stand, and which of them the filter may let pass unseen.
//!
//! Not here: calls on open files (their opening was seen), `fstat` in any
//! spelling, times and owners (nothing decides by them), extended attributes,
//! `statfs`, and what [`crate::observation::Query`] gives reasons for.

use crate::observation::Query;

/// A path argument: a directory descriptor, if the call has one, and the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathAt {
    pub(super) dir: Option<usize>,
    pub(super) text: usize,
}

/// What a call is about. Numbers are positions of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "some are made by calls that only x86-64 has")
)]
pub(super) enum Call {
    Open {
        path: PathAt,
        flags: usize,
    },
    OpenHow {
        path: PathAt,
        how: usize,
    },
    Create(PathAt),
    /// Asks about what the path leads to; about the link itself if `flags`
    /// hold `AT_SYMLINK_NOFOLLOW`.
    Probe {
        path: PathAt,
        flags: Option<usize>,
    },
    ProbeLink(PathAt),
    ReadLink(PathAt),
    Execute {
        path: PathAt,
        flags: Option<usize>,
    },
    /// Makes something new.
    Make(PathAt),
    /// Makes a symbolic link.
    MakeLink(PathAt),
    /// Changes something that is there.
    Change(PathAt),
    Remove(PathAt),
    Rename {
        from: PathAt,
        to: PathAt,
    },
    HardLink {
        from: PathAt,
        to: PathAt,
    },
    List {
        dir: usize,
    },
    Socket,
    /// Connects or binds.
    Connect,
    Query(Query),
    /// Changes what paths mean.
    Root,
}

/// When the filter reports a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Always,
    /// Unless an argument has a bit: `fstat`, as C libraries spell it, is a
    /// stat of the empty path with `AT_EMPTY_PATH`. (One that gives this flag
    /// and a path as well goes unseen; nothing known does.)
    UnlessBit {
        arg: usize,
        bit: u32,
    },
    /// Only if the lower half of an argument is zero.
    IfZero {
        arg: usize,
    },
}

/// The same number everywhere; `libc` does not have it for AArch64.
const FCHMODAT2: i64 = 452;

const EMPTY_PATH: u32 = libc::AT_EMPTY_PATH as u32;

const fn plain(text: usize) -> PathAt {
    PathAt { dir: None, text }
}

const fn at(dir: usize, text: usize) -> PathAt {
    PathAt { dir: Some(dir), text }
}

/// Refused with `ENOSYS`, as by a kernel without them: through io_uring files
/// are opened without a system call, and a handle names a file without a path.
pub(super) const REFUSED: &[i64] = &[
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_open_by_handle_at,
];

/// The calls that [`super::preload`] makes once they are recorded.
pub(super) const RECORDED: &[i64] = &[
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
];

/// All that is observed, the frequent first.
pub(super) const CALLS: &[(i64, Call, Gate)] = &[
    (libc::SYS_openat, Call::Open { path: at(0, 1), flags: 2 }, Gate::Always),
    (
        libc::SYS_newfstatat,
        Call::Probe { path: at(0, 1), flags: Some(3) },
        Gate::UnlessBit { arg: 3, bit: EMPTY_PATH },
    ),
    (
        libc::SYS_statx,
        Call::Probe { path: at(0, 1), flags: Some(2) },
        Gate::UnlessBit { arg: 2, bit: EMPTY_PATH },
    ),
    (libc::SYS_readlinkat, Call::ReadLink(at(0, 1)), Gate::Always),
    (libc::SYS_faccessat, Call::Probe { path: at(0, 1), flags: None }, Gate::Always),
    (libc::SYS_faccessat2, Call::Probe { path: at(0, 1), flags: Some(3) }, Gate::Always),
    (libc::SYS_getdents64, Call::List { dir: 0 }, Gate::Always),
    (libc::SYS_execve, Call::Execute { path: plain(0), flags: None }, Gate::Always),
    (libc::SYS_execveat, Call::Execute { path: at(0, 1), flags: Some(4) }, Gate::Always),
    (libc::SYS_openat2, Call::OpenHow { path: at(0, 1), how: 2 }, Gate::Always),
    (libc::SYS_mkdirat, Call::Make(at(0, 1)), Gate::Always),
    (libc::SYS_mknodat, Call::Make(at(0, 1)), Gate::Always),
    (libc::SYS_symlinkat, Call::MakeLink(at(1, 2)), Gate::Always),
    (libc::SYS_unlinkat, Call::Remove(at(0, 1)), Gate::Always),
    (libc::SYS_renameat2, Call::Rename { from: at(0, 1), to: at(2, 3) }, Gate::Always),
    (libc::SYS_renameat, Call::Rename { from: at(0, 1), to: at(2, 3) }, Gate::Always),
    (libc::SYS_linkat, Call::HardLink { from: at(0, 1), to: at(2, 3) }, Gate::Always),
    (libc::SYS_truncate, Call::Change(plain(0)), Gate::Always),
    (libc::SYS_fchmodat, Call::Change(at(0, 1)), Gate::Always),
    (FCHMODAT2, Call::Change(at(0, 1)), Gate::Always),
    (libc::SYS_socket, Call::Socket, Gate::Always),
    (libc::SYS_connect, Call::Connect, Gate::Always),
    (libc::SYS_bind, Call::Connect, Gate::Always),
    (libc::SYS_uname, Call::Query(Query::Uname), Gate::Always),
    (libc::SYS_sched_getaffinity, Call::Query(Query::Processors), Gate::IfZero { arg: 0 }),
    (libc::SYS_chroot, Call::Root, Gate::Always),
    (libc::SYS_pivot_root, Call::Root, Gate::Always),
    (libc::SYS_mount, Call::Root, Gate::Always),
    (libc::SYS_move_mount, Call::Root, Gate::Always),
];

/// Calls that newer architectures do not have any more.
#[cfg(target_arch = "x86_64")]
pub(super) const OLDER_CALLS: &[(i64, Call, Gate)] = &[
    (libc::SYS_open, Call::Open { path: plain(0), flags: 1 }, Gate::Always),
    (libc::SYS_stat, Call::Probe { path: plain(0), flags: None }, Gate::Always),
    (libc::SYS_access, Call::Probe { path: plain(0), flags: None }, Gate::Always),
    (libc::SYS_readlink, Call::ReadLink(plain(0)), Gate::Always),
    (libc::SYS_lstat, Call::ProbeLink(plain(0)), Gate::Always),
    (libc::SYS_unlink, Call::Remove(plain(0)), Gate::Always),
    (libc::SYS_rename, Call::Rename { from: plain(0), to: plain(1) }, Gate::Always),
    (libc::SYS_mkdir, Call::Make(plain(0)), Gate::Always),
    (libc::SYS_getdents, Call::List { dir: 0 }, Gate::Always),
    (libc::SYS_creat, Call::Create(plain(0)), Gate::Always),
    (libc::SYS_mknod, Call::Make(plain(0)), Gate::Always),
    (libc::SYS_rmdir, Call::Remove(plain(0)), Gate::Always),
    (libc::SYS_link, Call::HardLink { from: plain(0), to: plain(1) }, Gate::Always),
    (libc::SYS_symlink, Call::MakeLink(plain(1)), Gate::Always),
    (libc::SYS_chmod, Call::Change(plain(0)), Gate::Always),
];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OLDER_CALLS: &[(i64, Call, Gate)] = &[];

/// What a call number is about, if the filter would report it.
pub(super) fn find(number: i64, args: &[u64; 6]) -> Option<Call> {
    let (_, call, gate) =
        CALLS.iter().chain(OLDER_CALLS).find(|(observed, ..)| *observed == number)?;
    let low = |arg: usize| args[arg] as u32;
    let reported = match *gate {
        Gate::Always => true,
        Gate::UnlessBit { arg, bit } => low(arg) & bit == 0,
        Gate::IfZero { arg } => low(arg) == 0,
    };
    reported.then_some(*call)
}
