//! Turns system calls into an [`Observation`]: reads the arguments, makes
//! paths absolute, looks what is there now, before the call has its effect.
//!
//! Most calls repeat what was seen before. They cost one lookup in a table of
//! paths as they were spelled; only what is new is resolved and looked at.

use super::calls::{Call, PathAt};
use super::filter::{ARCHITECTURE, OTHER_SET};
use super::kernel::Answer;
use super::resolve::Resolver;
use super::shared::Shared;
use super::target::{Target, interpreter};
use super::under_way::{Effect, UnderWay};
use crate::observation::{Domain, Found, Gap, Mechanism, Observation, Socket, Touched, Uses};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// More different paths than any build step names: it walks over a disk.
const MOST_PATHS: usize = 1_000_000;

/// Interpreters of interpreters that the kernel follows.
const INTERPRETERS: usize = 5;

/// One system call of an observed thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) target: Target,
    pub(super) architecture: u32,
    pub(super) number: i64,
    pub(super) args: [u64; 6],
}

/// What is known so far.
#[derive(Debug)]
pub(super) struct Recorder {
    observation: Observation,
    /// Paths as they were spelled, absolute; what was recorded for them.
    spelled: HashMap<Vec<u8>, Uses>,
    /// What the tree made itself.
    made: HashSet<PathBuf>,
    resolver: Resolver,
    under_way: UnderWay,
    /// What processes record themselves.
    shared: Option<Shared>,
    /// The library by which they do; nothing of theirs.
    library: Vec<u8>,
    refuse_network: bool,
    closed: bool,
}

impl Recorder {
    pub(super) fn new(mechanism: Mechanism, refuse_network: bool) -> Self {
        Self {
            observation: Observation::new(mechanism),
            spelled: HashMap::new(),
            made: HashSet::new(),
            resolver: Resolver::default(),
            under_way: UnderWay::default(),
            shared: None,
            library: Vec::new(),
            refuse_network,
            closed: false,
        }
    }

    pub(super) fn set_mechanism(&mut self, mechanism: Mechanism) {
        self.observation.mechanism = mechanism;
    }

    /// Processes load a library and record in this memory what they look at.
    pub(super) fn share(&mut self, shared: Shared, library: &Path) {
        self.shared = Some(shared);
        self.library = library.as_os_str().as_bytes().to_owned();
    }

    /// How much processes recorded themselves.
    #[cfg(test)]
    pub(super) fn shared(&self) -> usize {
        self.shared.as_ref().map_or(0, Shared::taken)
    }

    /// Takes what was seen; what comes later is not recorded.
    pub(super) fn close(&mut self) -> Observation {
        self.catch_up();
        self.closed = true;
        let mechanism = self.observation.mechanism;
        std::mem::replace(&mut self.observation, Observation::new(mechanism))
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        self.observation.gaps.insert(gap);
    }

    /// Records a call. `valid` says whether what was read of the caller was
    /// the caller's: it is asked before anything new is recorded.
    pub(super) fn record(&mut self, made: &Made, valid: &dyn Fn() -> bool) -> Answer {
        if self.closed {
            return Answer::Continue;
        }
        self.settle(made.target);
        self.catch_up();
        if made.architecture != ARCHITECTURE || made.number as u32 & OTHER_SET != 0 {
            if made.number != -1 {
                self.gap(Gap::ForeignCalls);
            }
            return Answer::Continue;
        }
        let Some(call) = super::calls::find(made.number, &made.args) else {
            return Answer::Continue;
        };
        let mut seen = Seen { recorder: self, made, valid };
        match seen.call(call) {
            Ok(answer) => answer,
            Err(Unknown::Gone) => Answer::Continue,
            Err(Unknown::Unreadable) => {
                // Also what the kernel answers with EFAULT; then nothing was
                // missed, but nobody does that on purpose.
                if valid() {
                    self.gap(Gap::Unreadable);
                }
                Answer::Continue
            }
        }
    }

    /// Records what processes have recorded themselves. It comes before each
    /// call that is seen: what that changes had not happened yet.
    fn catch_up(&mut self) {
        let Some(shared) = &mut self.shared else { return };
        match shared.take() {
            Ok(entries) => {
                for entry in entries {
                    self.touch(entry.path, entry.uses, entry.follow);
                }
            }
            Err(damaged) => {
                self.gap(Gap::Failed(damaged.to_string()));
                self.shared = None;
            }
        }
    }

    fn touch(&mut self, spelled: Vec<u8>, mut uses: Uses, follow: bool) {
        if self.spelled.get(&spelled).is_some_and(|known| known.contains(uses))
            || spelled == self.library
        {
            return;
        }
        if self.observation.paths.len() >= MOST_PATHS {
            self.gap(Gap::TooMuch);
            return;
        }
        let asked = uses;
        let resolved = self.resolver.resolve(Path::new(OsStr::from_bytes(&spelled)));
        for link in resolved.links {
            self.note(link, Uses::LINK, Found::Link);
        }
        let path = resolved.path;
        if let Some(missing) = resolved.missing {
            // Whatever the call was to do fails where the way ends.
            // It may be made later: what was spelled is not remembered.
            self.note(missing, Uses::PROBED, Found::Absent);
            return;
        }
        *self.spelled.entry(spelled).or_default() |= asked;
        let found = look(&path, follow);
        // What cannot succeed does not make later reads the tree's own.
        if uses.contains(Uses::MADE) && !can_make(&path, found) {
            uses = uses.difference(Uses::MADE).union(Uses::CHANGED);
        }
        if uses.contains(Uses::REMOVED) && (found == Found::Absent || !parent_writable(&path)) {
            uses = uses.difference(Uses::REMOVED).union(Uses::PROBED);
        }
        if uses.contains(Uses::EXECUTED) {
            self.note_interpreters(&path);
        }
        if uses.contains(Uses::MADE) {
            self.made.insert(path.clone());
        } else if follow
            && path.ancestors().any(|above| self.made.contains(above))
            && let Ok(real) = std::fs::canonicalize(&path)
            && real != path
        {
            // Through a link that the tree made itself, to what may not be its
            // own.
            self.note(real, uses, found);
        }
        self.note(path, uses, found);
    }

    /// A call is about to change where spellings lead.
    fn begin(&mut self, made: &Made, effect: Effect) {
        self.under_way.begin(made.target, made.number, effect);
        if let Some(shared) = &self.shared {
            shared.pause();
        }
    }

    /// Nothing that was spelled is known while such calls are under way, nor
    /// right after.
    fn settle(&mut self, caller: Target) {
        if self.under_way.is_empty() {
            return;
        }
        self.resolver.forget();
        // A way that led nowhere was not remembered.
        if self.under_way.moves() {
            self.spelled.clear();
        }
        self.under_way.settle(caller);
        if self.under_way.is_empty()
            && let Some(shared) = &self.shared
        {
            shared.go_on();
        }
    }

    fn note(&mut self, path: PathBuf, uses: Uses, found: Found) {
        let reads = Uses::WRITES.complement();
        let touched =
            self.observation.paths.entry(path).or_insert(Touched { found, uses: Uses::empty() });
        // What it made or removed itself is no input of it.
        let own = touched.uses.intersects(Uses::MADE | Uses::REMOVED);
        let counted = if own { uses.difference(reads) } else { uses };
        touched.uses |= counted;
    }

    fn note_interpreters(&mut self, program: &Path) {
        let mut program = program.to_owned();
        for _ in 0..INTERPRETERS {
            let Some(next) = interpreter(&program).filter(|path| path.is_absolute()) else {
                return;
            };
            let found = look(&next, true);
            self.note(next.clone(), Uses::EXECUTED, found);
            program = next;
        }
    }
}

/// Why a call could not be recorded.
enum Unknown {
    /// Its caller is gone, and has done nothing.
    Gone,
    Unreadable,
}

struct Seen<'a> {
    recorder: &'a mut Recorder,
    made: &'a Made,
    valid: &'a dyn Fn() -> bool,
}

impl Seen<'_> {
    fn call(&mut self, call: Call) -> Result<Answer, Unknown> {
        let args = &self.made.args;
        match call {
            Call::Open { path, flags } => self.open(path, args[flags], false)?,
            Call::OpenHow { path, how } => {
                let how = args[how] as usize;
                let flags = self.word(how)?;
                let in_root = self.word(how + 16)? & libc::RESOLVE_IN_ROOT != 0;
                self.open(path, flags, in_root)?;
            }
            Call::Create(path) => self.path(path, Uses::MADE, true)?,
            Call::Probe { path, flags } => {
                let no_follow = libc::AT_SYMLINK_NOFOLLOW as u64;
                let follow = flags.is_none_or(|flags| args[flags] & no_follow == 0);
                self.path(path, if follow { Uses::PROBED } else { Uses::LINK }, follow)?;
            }
            Call::ProbeLink(path) | Call::ReadLink(path) => self.path(path, Uses::LINK, false)?,
            Call::Execute { path, .. } => self.path(path, Uses::EXECUTED, true)?,
            Call::Make(path) => {
                self.make(path)?;
                self.recorder.begin(self.made, Effect::Opens);
            }
            Call::MakeLink(path) => {
                self.make(path)?;
                self.recorder.begin(self.made, Effect::Moves);
            }
            Call::Change(path) => self.path(path, Uses::CHANGED, true)?,
            Call::Remove(path) => {
                let spelled = self.spelled(path, false)?;
                let link = look(Path::new(OsStr::from_bytes(&spelled)), false) == Found::Link;
                self.new_path(spelled, Uses::REMOVED, false)?;
                if link {
                    self.recorder.begin(self.made, Effect::Moves);
                }
            }
            Call::Rename { from, to } => {
                self.path(from, Uses::READ | Uses::REMOVED, false)?;
                self.path(to, Uses::MADE, false)?;
                self.recorder.begin(self.made, Effect::Moves);
            }
            Call::HardLink { from, to } => {
                self.path(from, Uses::READ, false)?;
                self.make(to)?;
            }
            Call::List { dir } => {
                let path = self.made.target.descriptor(args[dir] as i32);
                if let Some(path) = path {
                    self.new_path(path.into_os_string().into_vec(), Uses::LISTED, true)?;
                }
            }
            Call::Socket => return Ok(self.socket(args[0] as i32)),
            Call::Connect => self.connect()?,
            Call::Query(query) => {
                self.recorder.observation.queries.insert(query);
            }
            Call::Root => self.recorder.gap(Gap::OtherRoot),
        }
        Ok(Answer::Continue)
    }

    fn open(&mut self, path: PathAt, flags: u64, in_root: bool) -> Result<(), Unknown> {
        let flags = flags as i32;
        let has = |flag: i32| flags & flag == flag;
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY;
        let mut uses = if has(libc::O_PATH) {
            Uses::PROBED
        } else if flags & libc::O_ACCMODE == libc::O_WRONLY {
            Uses::CHANGED
        } else if writes {
            Uses::READ | Uses::CHANGED
        } else {
            Uses::READ
        };
        if has(libc::O_TRUNC) && writes {
            uses = Uses::MADE;
        }
        // A file without a name, in the directory that is named.
        if has(libc::O_TMPFILE) {
            uses = Uses::PROBED;
        }
        let mut spelled = self.spelled(path, in_root)?;
        if has(libc::O_CREAT) && writes && !spelled.is_empty() {
            // What is made here is the tree's own.
            let path = PathBuf::from(OsString::from_vec(std::mem::take(&mut spelled)));
            if look(&path, true) == Found::Absent {
                uses = Uses::MADE;
            } else if has(libc::O_EXCL) {
                uses = Uses::PROBED;
            }
            spelled = path.into_os_string().into_vec();
        }
        self.new_path(spelled, uses, !has(libc::O_NOFOLLOW))
    }

    /// Fails where something is there already, and changes nothing then.
    fn make(&mut self, path: PathAt) -> Result<(), Unknown> {
        let spelled = self.spelled(path, false)?;
        let at = PathBuf::from(OsString::from_vec(spelled.clone()));
        let uses = if look(&at, false) == Found::Absent { Uses::MADE } else { Uses::PROBED };
        self.new_path(spelled, uses, false)
    }

    fn path(&mut self, path: PathAt, uses: Uses, follow: bool) -> Result<(), Unknown> {
        let spelled = self.spelled(path, false)?;
        self.new_path(spelled, uses, follow)
    }

    fn new_path(&mut self, spelled: Vec<u8>, uses: Uses, follow: bool) -> Result<(), Unknown> {
        let known = self.recorder.spelled.get(&spelled);
        if spelled.is_empty() || known.is_some_and(|known| known.contains(uses)) {
            return Ok(());
        }
        if !(self.valid)() {
            return Err(Unknown::Gone);
        }
        self.recorder.touch(spelled, uses, follow);
        Ok(())
    }

    /// A path argument, absolute, as it was spelled. Empty if the call is
    /// about an open file, or fails anyway.
    fn spelled(&self, path: PathAt, in_root: bool) -> Result<Vec<u8>, Unknown> {
        let address = self.made.args[path.text];
        if address == 0 {
            return Ok(Vec::new());
        }
        let target = self.made.target;
        let text = target.string(address).ok_or(Unknown::Unreadable)?;
        if text.first() == Some(&b'/') && !in_root {
            return Ok(text);
        }
        let dir = path.dir.map_or(libc::AT_FDCWD, |dir| self.made.args[dir] as i32);
        let base = if dir == libc::AT_FDCWD { target.cwd() } else { target.descriptor(dir) };
        let Some(base) = base else { return Ok(Vec::new()) };
        let mut whole = base.into_os_string().into_vec();
        if !text.is_empty() {
            whole.push(b'/');
            whole.extend(text);
        }
        Ok(whole)
    }

    fn word(&self, address: usize) -> Result<u64, Unknown> {
        let mut bytes = [0; 8];
        match self.made.target.memory(address, &mut bytes) {
            Some(8) => Ok(u64::from_le_bytes(bytes)),
            _ => Err(Unknown::Unreadable),
        }
    }

    fn socket(&mut self, domain: i32) -> Answer {
        let domain = domain_of(domain);
        self.recorder.observation.sockets.insert(Socket { domain, peer: None });
        let outside = matches!(domain, Domain::Internet | Domain::Other(_));
        if outside && self.recorder.refuse_network {
            return Answer::Fail(libc::EACCES);
        }
        Answer::Continue
    }

    fn connect(&mut self) -> Result<(), Unknown> {
        let mut bytes = [0u8; 128];
        let length = (self.made.args[2] as usize).min(bytes.len());
        let read = self
            .made
            .target
            .memory(self.made.args[1] as usize, &mut bytes[..length])
            .ok_or(Unknown::Unreadable)?;
        if !(self.valid)() {
            return Err(Unknown::Gone);
        }
        let Some(socket) = socket_of(&bytes[..read]) else { return Ok(()) };
        self.recorder.observation.sockets.insert(socket);
        Ok(())
    }
}

fn domain_of(number: i32) -> Domain {
    match number {
        libc::AF_UNIX => Domain::Unix,
        libc::AF_INET | libc::AF_INET6 => Domain::Internet,
        libc::AF_NETLINK => Domain::Netlink,
        other => Domain::Other(other),
    }
}

/// What a socket address says, in the layout of `sockaddr_un`, `_in`, `_in6`.
fn socket_of(bytes: &[u8]) -> Option<Socket> {
    let family = i32::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
    let domain = domain_of(family);
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    let peer = match family {
        libc::AF_UNIX => {
            let text = bytes.get(2..)?;
            let (mark, text) = match text {
                [0, name @ ..] => ("@", name),
                path => ("", path),
            };
            let name = text.split(|byte| *byte == 0).next()?;
            format!("{mark}{}", String::from_utf8_lossy(name))
        }
        libc::AF_INET => {
            let octets: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            SocketAddr::from((Ipv4Addr::from(octets), port()?)).to_string()
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            SocketAddr::from((Ipv6Addr::from(octets), port()?)).to_string()
        }
        _ => return None,
    };
    Some(Socket { domain, peer: Some(peer) })
}

/// What is there.
fn look(path: &Path, follow: bool) -> Found {
    let meta = if follow { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) };
    match meta {
        Ok(meta) if meta.is_file() => Found::File,
        Ok(meta) if meta.is_dir() => Found::Directory,
        Ok(meta) if meta.is_symlink() => Found::Link,
        Ok(_) => Found::Special,
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => Found::Absent,
            Some(libc::ELOOP) => Found::Link,
            _ => Found::Denied,
        },
    }
}

/// Whether making or replacing a path can succeed: what cannot be made is not
/// the tree's own.
fn can_make(path: &Path, found: Found) -> bool {
    match found {
        Found::File | Found::Special => writable(path),
        Found::Absent | Found::Link | Found::Directory => parent_writable(path),
        Found::Denied => false,
    }
}

fn parent_writable(path: &Path) -> bool {
    path.parent().is_some_and(writable)
}

fn writable(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn made(target: Target, number: i64, text: &CString, at: usize) -> Made {
        let mut args = [0; 6];
        args[at] = text.as_ptr() as u64;
        Made { target, architecture: ARCHITECTURE, number, args }
    }

    fn own() -> Target {
        Target(nix::unistd::gettid().as_raw())
    }

    /// The moment between the kernel's word that a link is about to be made
    /// and its being made, which nobody can tell from outside.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn what_is_spelled_while_a_link_is_made_is_looked_at_again() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).unwrap();
        let (link, target) = (at("link"), at("target"));
        let spelled = text(&link);
        let mut recorder = Recorder::new(Mechanism::Notify, false);
        recorder.share(Shared::new().unwrap(), Path::new("/none"));
        let (tell, told) = std::sync::mpsc::channel();
        let runs = AtomicBool::new(true);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                tell.send(own()).unwrap();
                while runs.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let maker = told.recv().unwrap();
            let read = |recorder: &mut Recorder| {
                recorder.record(&made(own(), libc::SYS_open, &spelled, 0), &|| true);
            };
            let paused = |recorder: &Recorder| recorder.shared.as_ref().unwrap().is_paused();
            recorder.record(&made(maker, libc::SYS_symlink, &spelled, 1), &|| true);
            read(&mut recorder);
            assert!(paused(&recorder), "its maker may be at it still");
            std::fs::write(&target, "").unwrap();
            std::os::unix::fs::symlink(&target, &link).unwrap();
            read(&mut recorder);
            assert!(paused(&recorder));
            assert!(recorder.observation.paths.contains_key(&target));
            recorder.record(&made(maker, libc::SYS_open, &spelled, 0), &|| true);
            assert!(!paused(&recorder), "its maker is at the next call");
            runs.store(false, Ordering::Relaxed);
        });
    }
}
