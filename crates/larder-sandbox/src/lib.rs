//! Runs one process: exact environment, output as lines while it runs, a
//! jobserver that all larder processes of the machine share, and a watch over
//! what it and all its children read, write and ask.
//!
//! The engine says what to run and in what environment; this crate knows how
//! a process is started, read, observed, confined and waited for. What an
//! observation means for a key is not decided here.
//!
//! ```text
//! Process::run_watched(&Watch, line)                      process, watch
//!    │
//!    ├─ Landlock rules, child's hook, observer thread     linux::start
//!    │     ├─ seccomp notification                        linux::notify
//!    │     └─ or ptrace                                   linux::trace
//!    │            └─ each call ─▶ Observation             linux::recorder
//!    ▼
//! Watched { ended, observation, enforced }
//!                    │
//!                    ├─▶ inputs, writes                   inputs (pure)
//!                    └─▶ violations                       confine
//! ```
//!
//! **Observation** works for any user, needs no privileges and never stops a
//! process from running: where no mechanism works, the result says why. It
//! costs `no_new_privs`: a build script cannot use sudo, as it cannot under
//! most container runtimes. What is seen and what is not:
//!
//! | seen | not seen |
//! |---|---|
//! | files opened, executed, asked about, listed, missing, by their path as the process named it | reading and writing of files that are open |
//! | interpreters that the kernel opens for scripts and programs | those of binfmt_misc |
//! | files made, changed, removed, renamed | times, owners, extended attributes |
//! | sockets and what they connect to | what goes over them |
//! | `uname`, number of processors | user id, memory, randomness, the clock: [`observation::Query`] says why |
//!
//! Refused as by an older kernel (`ENOSYS`): io_uring and files by handle. What
//! may have been missed is a [`observation::Gap`].
//!
//! **Processes that outlive the run** are left alone. With notification, a
//! small process of its own keeps answering for them. With ptrace behind a
//! filter, they are served as long as this process lives.

pub mod capabilities;
pub mod confine;
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod elsewhere;
pub mod inputs;
pub mod jobs;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux;
pub mod observation;
pub mod process;
pub mod watch;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
use elsewhere as platform;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use linux as platform;
