//! The jobserver: tokens that bound how many jobs run at once, over all
//! larder processes of the machine and everything that they start.
//!
//! The pool is a named pipe that holds one byte for each token. Children get
//! it as two inherited descriptors (`--jobserver-auth=R,W`), which rustc, cc
//! and every GNU make understand (make before 4.4 rejects the `fifo:` form).
//!
//! A process that is killed takes its tokens with it. So everybody who runs
//! jobs holds a shared lock on a file beside the pipe; whoever finds the pipe
//! empty and gets that lock exclusively knows that nobody runs anything, and
//! fills the pipe again. There is no implicit token: with a hundred processes
//! waiting, exactly as many jobs run as the pool has tokens.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a waiting process looks whether all others are gone.
const RECOVERY_INTERVAL: Duration = Duration::from_millis(100);

/// A pool of job tokens.
#[derive(Debug)]
pub struct Pool {
    /// Our own description of the pipe: never blocks.
    pipe: File,
    /// What children inherit.
    inherited: Option<(File, File)>,
    /// `--jobserver-auth` value of an outer jobserver, passed on as it is.
    outer: Option<String>,
    /// Shared by all that run jobs; absent for a pool of one process.
    busy: Option<BusyFile>,
    tokens: usize,
}

#[derive(Debug)]
struct BusyFile {
    path: PathBuf,
    /// Held shared while this process has at least one token.
    held: Mutex<(usize, Option<File>)>,
}

/// One token: given back when dropped.
#[derive(Debug)]
pub struct Token {
    pool: Arc<Pool>,
    byte: u8,
}

/// The directory of the machine's pool: below `runtime` (the user's runtime
/// directory, if there is one), else below `temporary` under the user's own
/// number. `None` if somebody else holds that name.
#[must_use]
pub fn machine_directory(runtime: Option<&Path>, temporary: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    let user = nix::unistd::getuid().as_raw();
    let directory = match runtime.filter(|dir| dir.is_absolute() && dir.is_dir()) {
        Some(runtime) => runtime.join("larder"),
        None => temporary.join(format!("larder-jobs-{user}")),
    };
    let made = std::fs::DirBuilder::new().mode(0o700).create(&directory);
    let meta = std::fs::symlink_metadata(&directory).ok()?;
    let ours = meta.is_dir() && meta.uid() == user && meta.permissions().mode() & 0o022 == 0;
    (ours && (made.is_ok() || directory.is_dir())).then_some(directory)
}

impl Pool {
    /// The pool of the machine: `tokens` tokens in a named pipe in
    /// `directory`, made if it is not there.
    ///
    /// # Errors
    /// If the pipe cannot be made or opened.
    pub fn shared(directory: &Path, tokens: usize) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let fifo = directory.join(format!("jobs-{tokens}"));
        let busy = directory.join(format!("jobs-{tokens}.busy"));
        make_fifo(&fifo)?;
        let pipe = open(&fifo, true)?;
        let inherited = (open(&fifo, false)?, open(&fifo, false)?);
        keep_on_exec(&inherited.0)?;
        keep_on_exec(&inherited.1)?;
        let busy = BusyFile { path: busy, held: Mutex::new((0, None)) };
        Ok(Self { pipe, inherited: Some(inherited), outer: None, busy: Some(busy), tokens })
    }

    /// A pool of this process and its children only (`-j N`).
    ///
    /// # Errors
    /// If the pipe cannot be made or opened.
    pub fn private(directory: &Path, tokens: usize) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let fifo = directory.join(format!("jobs-{tokens}-{}", std::process::id()));
        let _ = std::fs::remove_file(&fifo);
        make_fifo(&fifo)?;
        let pipe = open(&fifo, true)?;
        let inherited = (open(&fifo, false)?, open(&fifo, false)?);
        std::fs::remove_file(&fifo)?;
        keep_on_exec(&inherited.0)?;
        keep_on_exec(&inherited.1)?;
        (&pipe).write_all(&vec![b'|'; tokens])?;
        Ok(Self { pipe, inherited: Some(inherited), outer: None, busy: None, tokens })
    }

    /// The jobserver that `MAKEFLAGS` or `CARGO_MAKEFLAGS` of our own
    /// environment names, if it can be opened. The first job of a process
    /// under a jobserver runs on its implicit token, which is added here.
    #[must_use]
    pub fn inherited(makeflags: &str) -> Option<Self> {
        let auth = makeflags.split_ascii_whitespace().rev().find_map(|word| {
            word.strip_prefix("--jobserver-auth=").or(word.strip_prefix("--jobserver-fds="))
        })?;
        let pipe = match auth.strip_prefix("fifo:") {
            Some(path) => open(Path::new(path), true).ok()?,
            None => {
                let (read, write) = auth.split_once(',')?;
                let (read, write): (i32, i32) = (read.parse().ok()?, write.parse().ok()?);
                // Make closes them where a recipe is not marked as recursive,
                // and names them all the same: the numbers are then ours.
                if ![read, write].into_iter().all(is_inherited_pipe) {
                    return None;
                }
                // A description of our own, so that not blocking stays our
                // own affair. A pipe opened for both ends is both ends.
                open(Path::new(&format!("/proc/self/fd/{read}")), true).ok()?
            }
        };
        Some(Self {
            pipe,
            inherited: None,
            outer: Some(auth.to_owned()),
            busy: None,
            tokens: usize::MAX,
        })
    }

    /// How many tokens there are in all; `usize::MAX` for an outer jobserver.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The value of `CARGO_MAKEFLAGS` for children.
    #[must_use]
    pub fn makeflags(&self) -> String {
        let auth = match (&self.outer, &self.inherited) {
            (Some(auth), _) => auth.clone(),
            (None, Some((read, write))) => {
                format!("{},{}", read.as_raw_fd(), write.as_raw_fd())
            }
            (None, None) => return String::new(),
        };
        format!("-j --jobserver-fds={auth} --jobserver-auth={auth}")
    }

    /// Waits for a token. Returns `None` as soon as `cancelled` says so.
    ///
    /// # Errors
    /// If the pipe breaks.
    pub fn acquire(self: &Arc<Self>, cancelled: &dyn Fn() -> bool) -> io::Result<Option<Token>> {
        loop {
            if cancelled() {
                return Ok(None);
            }
            if let Some(token) = self.try_acquire()? {
                return Ok(Some(token));
            }
            self.recover()?;
            let timeout = PollTimeout::try_from(RECOVERY_INTERVAL).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A token if one is free now.
    ///
    /// # Errors
    /// If the pipe breaks.
    pub fn try_acquire(self: &Arc<Self>) -> io::Result<Option<Token>> {
        self.enter()?;
        let mut byte = [0u8];
        loop {
            match (&self.pipe).read(&mut byte) {
                Ok(1) => return Ok(Some(Token { pool: Arc::clone(self), byte: byte[0] })),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.leave();
                    return Err(error);
                }
            }
        }
        self.leave();
        Ok(None)
    }

    /// Says that this process is about to hold one token more.
    fn enter(&self) -> io::Result<()> {
        let Some(busy) = &self.busy else { return Ok(()) };
        let mut held = busy.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.0 == 0 {
            let file = lock_file(&busy.path)?;
            file.lock_shared()?;
            held.1 = Some(file);
        }
        held.0 += 1;
        Ok(())
    }

    fn leave(&self) {
        let Some(busy) = &self.busy else { return };
        let mut held = busy.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.0 -= 1;
        if held.0 == 0 {
            held.1 = None;
        }
    }

    /// Fills the pipe again if nobody on the machine runs a job.
    fn recover(&self) -> io::Result<()> {
        let Some(busy) = &self.busy else { return Ok(()) };
        let file = lock_file(&busy.path)?;
        if file.try_lock().is_err() {
            return Ok(());
        }
        let mut rest = vec![0u8; 4096];
        while matches!((&self.pipe).read(&mut rest), Ok(n) if n > 0) {}
        (&self.pipe).write_all(&vec![b'|'; self.tokens])
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // A full or broken pipe loses the token; it is recovered like those
        // of a killed process.
        let _ = (&self.pool.pipe).write(&[self.byte]);
        self.pool.leave();
    }
}

fn make_fifo(path: &Path) -> io::Result<()> {
    match nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Opening for both reading and writing never blocks and never sees an end.
fn open(path: &Path, nonblocking: bool) -> io::Result<File> {
    let flags = if nonblocking { OFlag::O_NONBLOCK } else { OFlag::empty() };
    std::fs::OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path)
}

fn keep_on_exec(file: &File) -> io::Result<()> {
    fcntl(file.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(())
}

fn lock_file(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new().create(true).truncate(false).write(true).read(true).open(path)
}

/// Whether a descriptor is a pipe that we were started with: our own are all
/// closed when we execute something.
fn is_inherited_pipe(descriptor: i32) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    const CLOSE_ON_EXEC: u32 = 0o2_000_000;
    let is_pipe = std::fs::metadata(format!("/proc/self/fd/{descriptor}"))
        .is_ok_and(|meta| meta.file_type().is_fifo());
    let flags = std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok();
    let flags = flags.as_deref().and_then(|text| {
        let octal = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
        u32::from_str_radix(octal.trim(), 8).ok()
    });
    is_pipe && flags.is_some_and(|flags| flags & CLOSE_ON_EXEC == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(directory: &Path, tokens: usize) -> Arc<Pool> {
        Arc::new(Pool::shared(directory, tokens).unwrap())
    }

    fn acquire(pool: &Arc<Pool>) -> Token {
        pool.acquire(&|| false).unwrap().unwrap()
    }

    #[test]
    fn tokens_are_shared_by_all_who_open_the_pool() {
        let directory = tempfile::tempdir().unwrap();
        let first = pool(directory.path(), 2);
        let second = pool(directory.path(), 2);
        let a = acquire(&first);
        let b = acquire(&second);
        assert!(first.try_acquire().unwrap().is_none());
        drop(a);
        let c = second.try_acquire().unwrap();
        assert!(c.is_some());
        drop(b);
    }

    #[test]
    fn lost_tokens_come_back_when_nobody_runs() {
        let directory = tempfile::tempdir().unwrap();
        let first = pool(directory.path(), 2);
        drop(acquire(&first));
        // As if two processes had been killed while they held a token each.
        let mut taken = [0u8; 2];
        (&first.pipe).read_exact(&mut taken).unwrap();
        let second = pool(directory.path(), 2);
        let a = acquire(&second);
        let b = acquire(&second);
        assert!(second.try_acquire().unwrap().is_none());
        drop((a, b));
    }

    #[test]
    fn waiting_can_be_cancelled() {
        let directory = tempfile::tempdir().unwrap();
        let pool = Arc::new(Pool::private(directory.path(), 1).unwrap());
        let _held = acquire(&pool);
        let calls = std::cell::Cell::new(0);
        let cancelled = || {
            calls.set(calls.get() + 1);
            calls.get() > 2
        };
        assert!(pool.acquire(&cancelled).unwrap().is_none());
    }

    #[test]
    fn a_child_sees_the_tokens() {
        let directory = tempfile::tempdir().unwrap();
        let pool = Arc::new(Pool::private(directory.path(), 3).unwrap());
        let flags = pool.makeflags();
        let fd = flags.rsplit(',').next().unwrap();
        let read = std::process::Command::new("sh")
            .args(["-c", &format!("head -c 3 <&{fd} | wc -c")])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "3");
    }
}
