//! What a process may touch, what of that could be enforced, and which of the
//! things it did were outside.
//!
//! Landlock guards opening, listing, executing, making and removing. It does
//! not guard stat, access and readlink: those are seen, and are inputs. Denials
//! leave no trace of their own, so that the observation names them.

use crate::observation::{Domain, Found, Mechanism, Observation, Uses};
use std::path::{Path, PathBuf};

/// What a process may touch. Devices such as `/dev/null`, and what `/proc`
/// says of processes, are always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Files and directories with all below them that may be read, listed and
    /// executed.
    pub readable: Vec<PathBuf>,
    /// Those that may also be changed. They have to exist.
    pub writable: Vec<PathBuf>,
    /// Whether the network may be used.
    pub network: bool,
}

/// What of a [`Confinement`] this kernel enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// Version of Landlock; 0 if there is none.
    pub version: u32,
    /// The network was not to be confined.
    pub network_allowed: bool,
}

/// How much of the network is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// All of it is open, as was asked.
    Allowed,
    /// No socket can be made but local ones.
    Closed,
    /// TCP is closed, everything else is open.
    TcpClosed,
    /// It was to be closed, and is open.
    Open,
}

impl Enforced {
    /// Whether files are guarded (Linux 5.13).
    #[must_use]
    pub fn files(&self) -> bool {
        self.version >= 1
    }

    /// Whether files that may be read only cannot be made shorter (Linux 6.2).
    #[must_use]
    pub fn truncation(&self) -> bool {
        self.version >= 3
    }

    /// What of the network is closed to a process that was observed in this
    /// way. An observer by notification refuses sockets itself; Landlock knows
    /// TCP only, from version 4 (Linux 6.7).
    #[must_use]
    pub fn network(&self, observed: Option<Mechanism>) -> Network {
        match (self.network_allowed, observed) {
            (true, _) => Network::Allowed,
            (false, Some(Mechanism::Notify)) => Network::Closed,
            (false, _) if self.version >= 4 => Network::TcpClosed,
            (false, _) => Network::Open,
        }
    }
}

/// The rule set could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules of confinement could not be set up: {0}")]
pub struct NotConfined(pub String);

/// Something that a process did outside of its confinement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Opened, listed or executed something.
    Read(PathBuf),
    /// Made, changed or removed something.
    Write(PathBuf),
    /// Made a socket, or connected one to what is named.
    Network(Option<String>),
}

impl Confinement {
    /// What of an observation was outside, sorted. Whether it was prevented is
    /// what [`Enforced`] says. Follows links, as Landlock does.
    #[must_use]
    pub fn violations(&self, seen: &Observation) -> Vec<Violation> {
        let real = |paths: &[PathBuf]| -> Vec<PathBuf> {
            let always = ["/proc", "/dev"].map(PathBuf::from);
            let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or(path.clone());
            paths.iter().map(real).chain(always).collect()
        };
        let writable = real(&self.writable);
        let readable = real(&self.readable);
        let within = |path: &Path, roots: &[PathBuf]| roots.iter().any(|r| path.starts_with(r));
        let mut violations = Vec::new();
        for (path, touched) in &seen.paths {
            let reads = Uses::READ | Uses::EXECUTED | Uses::LISTED;
            let writes = touched.uses.intersects(Uses::WRITES);
            let read = touched.uses.intersects(reads) && touched.found != Found::Absent;
            if !writes && !read {
                continue;
            }
            let real = real_path(path);
            if writes && !within(&real, &writable) {
                violations.push(Violation::Write(path.clone()));
            } else if read && !within(&real, &writable) && !within(&real, &readable) {
                violations.push(Violation::Read(path.clone()));
            }
        }
        if !self.network {
            let outside = seen
                .sockets
                .iter()
                .filter(|socket| matches!(socket.domain, Domain::Internet | Domain::Other(_)));
            violations.extend(outside.map(|socket| Violation::Network(socket.peer.clone())));
        }
        violations.sort();
        violations
    }
}

/// Where a path leads; of what is not there, or not any more, where it would be.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real_path(parent).join(name),
        _ => path.to_owned(),
    }
}
