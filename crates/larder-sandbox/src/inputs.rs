//! From an observation to a path set: which of the things that a run touched
//! are inputs of it, and which are outputs. Pure: nothing is looked at.
//!
//! | what was seen | is an input as |
//! |---|---|
//! | file read or executed | its content |
//! | directory listed | its listing |
//! | link looked at without following it | its text |
//! | asked about; opened and no file; not found | its presence |
//! | what the run had made or removed itself, and all below what it made | nothing |
//! | `/proc/self` and other processes, terminals, `/dev/null` and its like | nothing |
//!
//! What `/proc` and `/sys` say of the machine (`/proc/cpuinfo`) is an input
//! like any other file, whose content may differ at every look: see
//! [`is_of_kernel`].

use crate::observation::{Found, Observation, Touched, Uses};
use larder_schema::pathset::PathUse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Inputs: paths with what about them counts.
pub type Inputs = BTreeMap<PathBuf, BTreeSet<PathUse>>;

/// The inputs of a run, without those that `explained` accounts for: its own
/// directories, immutable sources, the toolchain.
#[must_use]
pub fn inputs(seen: &Observation, explained: &dyn Fn(&Path) -> bool) -> Inputs {
    let mut inputs = Inputs::new();
    for (path, touched) in &seen.paths {
        if explained(path) || says_nothing(path) || below_own(seen, path) {
            continue;
        }
        let uses = uses(*touched);
        if !uses.is_empty() {
            inputs.insert(path.clone(), uses);
        }
    }
    inputs
}

/// The same inputs in fewer entries, where one follows from another: below a
/// directory that is not there nothing is, and what holds something that is
/// there is a directory.
#[must_use]
pub fn compact(seen: &Observation, inputs: &Inputs) -> Inputs {
    let found = |path: &Path| seen.paths.get(path).map(|touched| touched.found);
    let absent = |path: &Path| inputs.contains_key(path) && found(path) == Some(Found::Absent);
    let presence = BTreeSet::from([PathUse::Presence]);
    let mut compact = Inputs::new();
    for (path, uses) in inputs {
        if path.ancestors().skip(1).any(absent) {
            continue;
        }
        let is_directory = found(path) == Some(Found::Directory);
        if is_directory && *uses == presence && holds_something(seen, inputs, path) {
            continue;
        }
        compact.insert(path.clone(), uses.clone());
    }
    compact
}

/// What the run left behind, outside of the directories that `own` accounts
/// for: made, changed or removed. What it made and removed again is not left.
#[must_use]
pub fn writes(seen: &Observation, own: &dyn Fn(&Path) -> bool) -> BTreeSet<PathBuf> {
    let left = |touched: &Touched| {
        let passing = touched.found == Found::Absent && touched.uses.contains(Uses::REMOVED);
        touched.uses.intersects(Uses::WRITES) && !passing && touched.found != Found::Special
    };
    seen.paths
        .iter()
        .filter(|(path, touched)| left(touched) && !own(path) && !says_nothing(path))
        .map(|(path, _)| path.clone())
        .collect()
}

/// Whether a path is answered by the kernel and not by a disk.
#[must_use]
pub fn is_of_kernel(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|root| path.starts_with(root))
}

fn uses(touched: Touched) -> BTreeSet<PathUse> {
    let Touched { found, uses } = touched;
    let mut inputs = BTreeSet::new();
    let reads = Uses::WRITES.complement();
    if !uses.intersects(reads) {
        return inputs;
    }
    if found == Found::Absent {
        inputs.insert(PathUse::Presence);
        return inputs;
    }
    let content = uses.intersects(Uses::READ | Uses::EXECUTED);
    // What was first seen as a link may have been opened later, as a file.
    if content && matches!(found, Found::File | Found::Link) {
        inputs.insert(PathUse::Content);
    } else if uses.contains(Uses::PROBED) && found == Found::Link {
        inputs.insert(PathUse::Presence);
    }
    if uses.contains(Uses::LISTED) {
        inputs.insert(PathUse::Listing);
    }
    if uses.contains(Uses::LINK) {
        inputs.insert(PathUse::Link);
    }
    if inputs.is_empty() {
        inputs.insert(PathUse::Presence);
    }
    inputs
}

/// Whether it is below something that the run made itself.
fn below_own(seen: &Observation, path: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .any(|above| seen.paths.get(above).is_some_and(|touched| touched.uses.contains(Uses::MADE)))
}

fn holds_something(seen: &Observation, inputs: &Inputs, directory: &Path) -> bool {
    inputs
        .range(directory.to_owned()..)
        .skip(1)
        .take_while(|(path, _)| path.starts_with(directory))
        .any(|(path, _)| {
            seen.paths.get(path).is_some_and(|touched| {
                !matches!(touched.found, Found::Absent | Found::Denied | Found::Link)
            })
        })
}

/// Paths that lead to the process itself, to its terminal, or to devices that
/// are the same everywhere.
fn says_nothing(path: &Path) -> bool {
    let mut parts = path.components().skip(1).filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some("proc"), Some(of)) => {
            of == "self" || of == "thread-self" || of.bytes().all(|byte| byte.is_ascii_digit())
        }
        (Some("dev"), Some(device)) => {
            const SAME: &[&str] = &[
                "null", "zero", "full", "random", "urandom", "tty", "stdin", "stdout", "stderr",
                "fd", "ptmx", "pts", "shm",
            ];
            SAME.contains(&device)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Mechanism;

    fn seen(paths: &[(&str, Found, Uses)]) -> Observation {
        let mut seen = Observation::new(Mechanism::Notify);
        for (path, found, uses) in paths {
            seen.paths.insert(path.into(), Touched { found: *found, uses: *uses });
        }
        seen
    }

    fn shown(inputs: &Inputs) -> Vec<String> {
        inputs.iter().map(|(path, uses)| format!("{} {uses:?}", path.display())).collect()
    }

    #[test]
    fn each_use_becomes_what_counts_about_the_path() {
        let seen = seen(&[
            ("/a/both", Found::File, Uses::READ | Uses::PROBED),
            ("/a/dir", Found::Directory, Uses::LISTED | Uses::READ),
            ("/a/link", Found::Link, Uses::LINK),
            ("/a/link-read", Found::Link, Uses::LINK | Uses::PROBED | Uses::READ),
            ("/a/missing", Found::Absent, Uses::READ),
            ("/a/new", Found::Absent, Uses::MADE),
            ("/a/new/below", Found::File, Uses::READ),
            ("/a/stat", Found::File, Uses::PROBED),
            ("/a/stat-then-made", Found::Absent, Uses::PROBED | Uses::MADE),
            ("/a/tool", Found::File, Uses::EXECUTED),
            ("/dev/null", Found::Special, Uses::READ),
            ("/own/x", Found::File, Uses::READ),
            ("/proc/12/maps", Found::File, Uses::READ),
            ("/proc/cpuinfo", Found::File, Uses::READ),
        ]);
        let inputs = inputs(&seen, &|path| path.starts_with("/own"));
        assert_eq!(
            shown(&inputs),
            [
                "/a/both {Content}",
                "/a/dir {Listing}",
                "/a/link {Link}",
                "/a/link-read {Content, Link}",
                "/a/missing {Presence}",
                "/a/stat {Presence}",
                "/a/stat-then-made {Presence}",
                "/a/tool {Content}",
                "/proc/cpuinfo {Content}",
            ]
        );
    }

    #[test]
    fn what_follows_from_another_input_is_left_out() {
        let seen = seen(&[
            ("/usr/gone", Found::Absent, Uses::PROBED),
            ("/usr/gone/a", Found::Absent, Uses::READ),
            ("/usr/gone/b/c", Found::Absent, Uses::READ),
            ("/usr/include", Found::Directory, Uses::PROBED),
            ("/usr/include-not", Found::Directory, Uses::PROBED),
            ("/usr/include/x.h", Found::File, Uses::READ),
            ("/usr/listed", Found::Directory, Uses::LISTED),
            ("/usr/listed/x", Found::File, Uses::READ),
        ]);
        let all = inputs(&seen, &|_| false);
        assert_eq!(
            shown(&compact(&seen, &all)),
            [
                "/usr/gone {Presence}",
                "/usr/include/x.h {Content}",
                "/usr/include-not {Presence}",
                "/usr/listed {Listing}",
                "/usr/listed/x {Content}",
            ]
        );
    }

    #[test]
    fn what_is_left_behind_is_told_from_what_passes() {
        let seen = seen(&[
            ("/out/x", Found::Absent, Uses::MADE),
            ("/src/generated.rs", Found::File, Uses::MADE),
            ("/src/gone", Found::File, Uses::REMOVED),
            ("/src/read", Found::File, Uses::READ),
            ("/tmp/passing", Found::Absent, Uses::MADE | Uses::REMOVED),
            ("/dev/null", Found::Special, Uses::CHANGED),
        ]);
        let left = writes(&seen, &|path| path.starts_with("/out"));
        assert_eq!(
            left.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            ["/src/generated.rs", "/src/gone"]
        );
    }
}
