//! Which runs of foreign code are confined, and what they may touch beside
//! their own: the part of hermetic builds that the user says.

use larder_sandbox::capabilities::Capabilities;
use larder_sandbox::observation::Mechanism;
use larder_sandbox::watch::Observe;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Packages whose names are not given.
pub const EVERY_PACKAGE: &str = "*";

/// The user's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hermetic {
    /// Whether packages are confined that have no word of their own.
    pub all: bool,
    /// Rules by package; those of [`EVERY_PACKAGE`] are for all.
    pub packages: BTreeMap<String, PackageRules>,
    /// Where rules are written down, for people.
    pub file: Option<PathBuf>,
}

/// What is said of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageRules {
    /// Whether its script and its macros are confined, whatever holds for
    /// others.
    pub hermetic: Option<bool>,
    /// What they may touch.
    pub allowed: Allowed,
}

/// What a confined run may touch beside its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files, and directories with all below them, to be read, listed and
    /// executed. Relative ones count from the package.
    pub read: Vec<PathBuf>,
    /// The same, also to be changed.
    pub write: Vec<PathBuf>,
    /// Whether the network may be used.
    pub network: bool,
}

/// Whether runs can be confined here, and by which version of Landlock.
///
/// # Errors
/// Why not, as a sentence.
pub fn can_confine(observe: Observe) -> Result<u32, String> {
    let can = Capabilities::probe();
    let observes = match observe {
        Observe::No => {
            return Err("observation is switched off, and names what is reached for".into());
        }
        Observe::Best => can.observes().is_some(),
        Observe::Only(Mechanism::Notify) => can.notify.is_ok(),
        Observe::Only(_) => can.trace.is_ok(),
    };
    match can.landlock {
        0 => Err("this kernel does not offer Landlock (Linux 5.13, and not switched off)".into()),
        _ if !observes => {
            Err("processes cannot be observed here, which names what they reach for".into())
        }
        version => Ok(version),
    }
}

impl Hermetic {
    /// With all packages confined, if `all`.
    #[must_use]
    pub fn or_all(mut self, all: bool) -> Self {
        self.all |= all;
        self
    }

    /// What a run may touch whose code is of these packages; `None` if it is
    /// not confined. One package that must not be confined frees all.
    pub(crate) fn allowed(&self, packages: &[&str], root: &Path) -> Option<Allowed> {
        let named = packages.iter().filter_map(|name| self.packages.get(*name));
        let said: Vec<bool> = named.clone().filter_map(|rules| rules.hermetic).collect();
        let of_all = self.packages.get(EVERY_PACKAGE);
        let otherwise = || of_all.and_then(|rules| rules.hermetic).unwrap_or(false) || self.all;
        let confined = !said.contains(&false) && (said.contains(&true) || otherwise());
        confined.then(|| {
            let mut sum = Allowed::default();
            for rules in named.chain(of_all) {
                let Allowed { read, write, network } = &rules.allowed;
                sum.read.extend(read.iter().map(|path| absolute(root, path)));
                sum.write.extend(write.iter().map(|path| absolute(root, path)));
                sum.network |= network;
            }
            sum
        })
    }
}

impl Allowed {
    pub(crate) fn may_read(&self, path: &Path) -> bool {
        self.read.iter().chain(&self.write).any(|allowed| path.starts_with(allowed))
    }

    pub(crate) fn may_write(&self, path: &Path) -> bool {
        self.write.iter().any(|allowed| path.starts_with(allowed))
    }
}

fn absolute(root: &Path, path: &Path) -> PathBuf {
    larder_cargo::host::normalize(&root.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(hermetic: Option<bool>, read: &str) -> PackageRules {
        let read = if read.is_empty() { vec![] } else { vec![PathBuf::from(read)] };
        PackageRules { hermetic, allowed: Allowed { read, ..Allowed::default() } }
    }

    #[test]
    fn who_is_confined_and_what_it_may_read() {
        let packages = [
            ("*", rules(None, "/etc/hosts")),
            ("free", rules(Some(false), "")),
            ("strict", rules(Some(true), "../proto")),
        ];
        let packages = packages.map(|(name, rules)| (name.to_owned(), rules));
        let hermetic = |all| Hermetic { all, packages: packages.clone().into(), file: None };
        let root = Path::new("/w/app");
        let read = |all: bool, packages: &[&str]| -> Option<Vec<String>> {
            let allowed = hermetic(all).allowed(packages, root)?;
            Some(allowed.read.iter().map(|path| path.display().to_string()).collect())
        };
        let only_all = Some(vec!["/etc/hosts".to_owned()]);
        assert_eq!(read(false, &["other"]), None);
        assert_eq!(read(true, &["other"]), only_all);
        assert_eq!(read(true, &["free"]), None);
        let strict = Some(vec!["/w/proto".to_owned(), "/etc/hosts".to_owned()]);
        assert_eq!(read(false, &["strict", "other"]), strict);
        assert_eq!(read(true, &["strict", "free"]), None);
    }
}
