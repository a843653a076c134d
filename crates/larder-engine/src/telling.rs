//! What of this machine tells where a result was made, if it shows in what an
//! action left: places, and the names of host and user.
//!
//! Each has a token. A result that shows one gets the token's value into its
//! key, so that it is used only where that is the same.
//!
//! | token | is | looked for |
//! |---|---|---|
//! | `workspace`, `cargo_home`, `target`, `build`, `sysroot`, `store` | where these are | always |
//! | `package` | a path package or a vendored one outside the workspace | always; the action names the place, so it is in the key already |
//! | `home`, `temp` | the user's home and `TMPDIR` | where the path is distinctive; of the usual temporary directories only names that tools make up |
//! | `host_name`, `user_name` | names | where they are distinctive |
//!
//! Distinctive is a path of two parts and eight bytes, and a name of eight
//! bytes with a digit or mark in it, or of twelve: `/root` and `runner` occur
//! in programs that know nothing of this machine.

use larder_schema::plan::Roots;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The token of packages that lie outside the workspace. It has no value:
/// there may be many.
pub(crate) const PACKAGE: &str = "package";

/// One thing that tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    /// Its token.
    pub token: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Its text here.
    pub text: String,
    /// How it has to stand in an output.
    pub kind: Kind,
}

/// How a text has to stand in an output to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A directory: also as the beginning of a longer path.
    Place,
    /// A name, wherever it stands.
    Name,
    /// A temporary directory that every machine has: with a made-up name in
    /// it.
    Temporary,
}

/// All that tells, longest first: a cargo home in the workspace is the cargo
/// home.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    tellings: Vec<Telling>,
}

impl Machine {
    /// What tells of this machine in a build with these roots and these
    /// packages that lie elsewhere.
    pub(crate) fn new<'p>(
        roots: &Roots,
        packages: impl IntoIterator<Item = &'p str>,
        store: &Path,
        env: &BTreeMap<OsString, OsString>,
    ) -> Self {
        let variable = |name: &str| {
            let value = env.get(OsStr::new(name)).and_then(|value| value.to_str());
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let mut tellings = Vec::new();
        let mut add = |token, what, text: Option<String>, kind| {
            let Some(text) = text else { return };
            let text = text.trim_end_matches('/').to_owned();
            if text.len() > 1 {
                tellings.push(Telling { token, what, text, kind });
            }
        };
        let elsewhere = roots.build != roots.target;
        let build = if elsewhere { roots.build.clone() } else { String::new() };
        for (token, what, root) in [
            ("workspace", "the workspace", &roots.workspace),
            ("cargo_home", "cargo's home", &roots.cargo_home),
            ("target", "the target directory", &roots.target),
            ("build", "the build directory", &build),
            ("sysroot", "the toolchain", &roots.sysroot),
        ] {
            add(token, what, Some(root.clone()), Kind::Place);
        }
        for package in packages {
            add(PACKAGE, "a package outside the workspace", Some(package.to_owned()), Kind::Place);
        }
        let store = store.to_str().map(str::to_owned);
        add("store", "the store", store, Kind::Place);
        let home = variable("HOME").filter(|home| is_distinctive_place(home));
        add("home", "the home directory", home, Kind::Place);
        let temp = variable("TMPDIR").filter(|temp| is_distinctive_place(temp));
        add("temp", "the temporary directory", temp, Kind::Place);
        for usual in ["/tmp", "/var/tmp"] {
            add("temp", "the temporary directory", Some(usual.to_owned()), Kind::Temporary);
        }
        let host = host_name().filter(|name| is_distinctive_name(name));
        add("host_name", "the host", host, Kind::Name);
        let user = variable("USER").or_else(|| variable("LOGNAME"));
        add("user_name", "the user", user.filter(|name| is_distinctive_name(name)), Kind::Name);
        tellings.sort_by_key(|telling| std::cmp::Reverse(telling.text.len()));
        Self { tellings }
    }

    /// Everything, longest first.
    pub(crate) fn tellings(&self) -> &[Telling] {
        &self.tellings
    }

    /// The token of the place that a path is in.
    pub(crate) fn place_of(&self, path: &Path) -> Option<&'static str> {
        let is_around =
            |telling: &&Telling| telling.kind == Kind::Place && path.starts_with(&telling.text);
        self.tellings.iter().find(is_around).map(|telling| telling.token)
    }

    /// What a token stands for here. A user whose name is not looked for has
    /// none.
    pub(crate) fn value(&self, token: &str) -> Option<&str> {
        let telling = self.tellings.iter().find(|telling| telling.token == token)?;
        Some(&telling.text)
    }
}

fn is_distinctive_place(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.starts_with('/') && path.len() >= 8 && path.matches('/').count() >= 2 && path != "/var/tmp"
}

fn is_distinctive_name(name: &str) -> bool {
    let marked = name.bytes().any(|b| b.is_ascii_digit() || b"-._".contains(&b));
    let usual = ["localhost", "localdomain"].iter().any(|usual| name.contains(usual));
    !usual && (name.len() >= 12 || name.len() >= 8 && marked)
}

/// The host's name, where the kernel shows it as a file.
fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurs_by_accident_is_not_looked_for() {
        for name in ["root", "runner", "ubuntu", "buildbot", "localhost.localdomain", "ci-1"] {
            assert!(!is_distinctive_name(name), "{name}");
        }
        for name in ["ip-10-0-3-7", "4f1c9a2b77de", "johannes-mueller", "build_07"] {
            assert!(is_distinctive_name(name), "{name}");
        }
        assert!(is_distinctive_place("/people/me") && is_distinctive_place("/people/jo/"));
        assert!(!is_distinctive_place("/root") && !is_distinctive_place("/tmp"));
    }
}
