//! What a process tree was seen to do, as plain values.
//!
//! An observation says what was asked of the kernel and what was there *at
//! first*; what of it is an input is decided in [`crate::inputs`]. It holds no
//! order, no counts and no times, so that two runs that do the same are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

/// What was seen of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// How it was seen.
    pub mechanism: Mechanism,
    /// Every path that was named, absolute, without `.` and `..`.
    pub paths: BTreeMap<PathBuf, Touched>,
    /// Sockets that were made and what they were connected to.
    pub sockets: BTreeSet<Socket>,
    /// Questions about the host that no file answers.
    pub queries: BTreeSet<Query>,
    /// What may have been missed. Empty: everything was seen.
    pub gaps: BTreeSet<Gap>,
}

/// How processes are observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// A seccomp filter that notifies this process.
    Notify,
    /// ptrace, stopped by a seccomp filter at what is of interest.
    Trace,
    /// ptrace at every system call: inside a tree that somebody else's
    /// notification filter observes, whose verdict outranks ours.
    TraceEvery,
}

/// What happened to one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// What was there when it was first named.
    pub found: Found,
    /// What was done with it. What the tree does with its own work after it
    /// has [made](Uses::MADE) it is not listed.
    pub uses: Uses,
}

/// What was found under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A regular file, possibly through links.
    File,
    /// A directory, possibly through links.
    Directory,
    /// A symbolic link that leads nowhere, or that was not followed.
    Link,
    /// A device, pipe or socket.
    Special,
    /// Nothing.
    Absent,
    /// Something that this user may not look at.
    Denied,
}

bitflags::bitflags! {
    /// What was done with a path.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Uses: u16 {
        /// Opened for reading; a directory, opened.
        const READ = 1;
        /// Executed, or loaded as the interpreter of what was.
        const EXECUTED = 1 << 1;
        /// Asked about: stat, access.
        const PROBED = 1 << 2;
        /// Its names were read.
        const LISTED = 1 << 3;
        /// Asked about without following it: lstat, readlink.
        const LINK = 1 << 4;
        /// Made, or replaced as a whole.
        const MADE = 1 << 5;
        /// Opened for writing, or its mode or length changed.
        const CHANGED = 1 << 6;
        /// Removed or renamed away.
        const REMOVED = 1 << 7;
    }
}

impl Uses {
    /// Those that change the file system.
    pub const WRITES: Self = Self::MADE.union(Self::CHANGED).union(Self::REMOVED);
}

/// A socket that was made, or connected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Socket {
    /// Its domain.
    pub domain: Domain,
    /// What it was connected or bound to: `address:port`, or the path of a
    /// Unix socket (`@name` for one without a path). `None`: it was made.
    pub peer: Option<String>,
}

/// Domain of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// `AF_UNIX`: other processes of this machine.
    Unix,
    /// `AF_INET` and `AF_INET6`.
    Internet,
    /// `AF_NETLINK`: asks the kernel, mostly about interfaces.
    Netlink,
    /// Any other number.
    Other(i32),
}

/// A question about the host.
///
/// Not here, because C libraries and shells ask them of their own accord in
/// every process, so that they say nothing: user and group ids (every shell),
/// `sysinfo` (glibc's `qsort`), limits, `getrandom` (every hash table), and the
/// clock, which no system call answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// `uname`: host name, kernel and machine.
    Uname,
    /// `sched_getaffinity` of the calling process: how many processors. The
    /// call that glibc makes for a thread's stack names the thread, and is
    /// not counted.
    Processors,
}

/// Why an observation may lack something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// A process used the system calls of another architecture (32 bit).
    ForeignCalls,
    /// Arguments of a process could not be read: it forbids being looked at,
    /// or has left the tree where the system allows looking at children only.
    Unreadable,
    /// A process changed its root directory or what is mounted.
    OtherRoot,
    /// More different paths than are kept.
    TooMuch,
    /// Processes went on when the run was over; what they do later is unseen.
    Outlived,
    /// The observer itself failed.
    Failed(String),
}

/// Why nothing was observed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unobserved {
    /// Nobody asked for it.
    #[error("observation was not asked for")]
    NotAsked,
    /// Not this platform.
    #[error("processes are observed on Linux only, on x86-64 and AArch64")]
    Platform,
    /// Nothing works here.
    #[error("no observer works here: seccomp notification: {notify}; ptrace: {trace}")]
    Refused {
        /// Why not by notification.
        notify: Refusal,
        /// Why not by ptrace.
        trace: Refusal,
    },
    /// The observer could not be set up at all.
    #[error("the observer could not be set up: {0}")]
    Setup(String),
}

/// Why one mechanism does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was not to be tried.
    NotTried,
    /// A process tree has one notification filter; an outer one is there.
    Busy,
    /// The kernel is too old, or this part is not in it.
    Missing,
    /// A security profile or policy forbids it.
    Forbidden,
    /// Another error number.
    Failed(i32),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTried => f.write_str("not tried"),
            Self::Busy => f.write_str("this process is itself observed in the same way"),
            Self::Missing => f.write_str("the kernel does not offer it"),
            Self::Forbidden => f.write_str("a security profile or policy forbids it"),
            Self::Failed(code) => write!(f, "{}", std::io::Error::from_raw_os_error(*code)),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notify => "seccomp notification",
            Self::Trace => "ptrace with a seccomp filter",
            Self::TraceEvery => "ptrace at every system call",
        })
    }
}

impl Observation {
    /// One in which nothing was seen yet.
    #[must_use]
    pub fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            paths: BTreeMap::new(),
            sockets: BTreeSet::new(),
            queries: BTreeSet::new(),
            gaps: BTreeSet::new(),
        }
    }

    /// Whether a socket was made that reaches beyond this machine.
    #[must_use]
    pub fn uses_network(&self) -> bool {
        self.sockets
            .iter()
            .any(|socket| matches!(socket.domain, Domain::Internet | Domain::Other(_)))
    }
}
