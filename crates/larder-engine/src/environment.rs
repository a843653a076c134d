//! The environment of an action: what it inherits, what cargo sets, and what
//! of it counts for the key.
//!
//! rustc gets the user's whole environment. A build script gets cargo's
//! variables, those of [`ALWAYS_PASSED`], and of the user's others what its
//! code mentions ([`larder_key::mention`]). What is passed is keyed, but for
//! [`UNKEYED`]: places and sessions, which count when they are mentioned.

use crate::places::Places;
use larder_key::mention::{Mentions, is_noise};
use larder_schema::plan::{Plan, UnitIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

/// Variables that the tools which build scripts start (compilers, make,
/// cmake, pkg-config, git, python, perl, rustup's proxies) need or read.
pub const ALWAYS_PASSED: &[&str] = &[
    "ALL_PROXY",
    "AR",
    "ARFLAGS",
    "AS",
    "ASFLAGS",
    "CC",
    "CFLAGS",
    "CL",
    "CMAKE",
    "CMAKE_GENERATOR",
    "CMAKE_PREFIX_PATH",
    "CMAKE_TOOLCHAIN_FILE",
    "COMPILER_PATH",
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "CPP",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "DEVELOPER_DIR",
    "GCC_EXEC_PREFIX",
    "INCLUDE",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD",
    "LDFLAGS",
    "LIB",
    "LIBCLANG_PATH",
    "LIBRARY_PATH",
    "LLVM_CONFIG_PATH",
    "MACOSX_DEPLOYMENT_TARGET",
    "NM",
    "OBJC_INCLUDE_PATH",
    "PERL5LIB",
    "PKG_CONFIG",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
    "PROTOC",
    "PROTOC_INCLUDE",
    "PYTHONHOME",
    "PYTHONPATH",
    "RANLIB",
    "RUSTC_BOOTSTRAP",
    "RUSTUP_TOOLCHAIN",
    "SDKROOT",
    "SOURCE_DATE_EPOCH",
    "STRIP",
    "TZ",
    "ZERO_AR_DATE",
];

/// Variables that are passed without being keyed unless they are mentioned:
/// where things are on this machine, and how to reach the network. `PATH` is
/// keyed as the tools that it leads to.
pub const UNKEYED: &[&str] = &[
    "CARGO_HOME",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "RUSTUP_AUTO_INSTALL",
    "RUSTUP_HOME",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "USER",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Variables that cargo sets from manifests without their values being in
/// identities or arguments: macros may read them without saying so.
const OF_PACKAGES: &[&str] = &[
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PRIMARY_PACKAGE",
];

/// The environments of one build.
#[derive(Debug)]
pub(crate) struct Environments<'a> {
    plan: &'a Plan,
    inherited: &'a BTreeMap<OsString, OsString>,
    names: BTreeSet<String>,
}

/// A whole environment.
pub(crate) type Env = BTreeMap<OsString, OsString>;

impl<'a> Environments<'a> {
    /// Over what larder itself inherited.
    #[must_use]
    pub(crate) fn new(plan: &'a Plan, inherited: &'a BTreeMap<OsString, OsString>) -> Self {
        let names = inherited.keys().filter_map(|name| name.to_str()).map(str::to_owned).collect();
        Self { plan, inherited, names }
    }

    /// Names of the variables that a program can mention: inherited ones, and
    /// of those that actions set what no other input stands for.
    #[must_use]
    pub(crate) fn mentionable(&self) -> BTreeSet<String> {
        let mut names = self.names.clone();
        names.extend(OF_PACKAGES.iter().map(|&name| name.to_owned()));
        let mut configured = BTreeSet::new();
        for unit in self.plan.units.iter().filter(|unit| !unit.is_run()) {
            let vars = unit.action.iter().flat_map(|action| &action.env);
            let names = vars.map(|var| var.name.as_str());
            // The key of the run stands for its `OUT_DIR`.
            configured.extend(names.filter(|n| !n.starts_with("CARGO_") && *n != "OUT_DIR"));
        }
        names.extend(configured.into_iter().map(str::to_owned));
        names
    }

    /// The value that an action sees for a variable, as text; `None`: absent.
    #[must_use]
    pub(crate) fn value(&self, places: &Places<'_>, unit: UnitIndex, name: &str) -> Option<String> {
        match self.set_by_action(unit, name) {
            Some(Some(value)) => Some(places.expand(unit, value)),
            Some(None) => None,
            None => self.inherited.get(OsStr::new(name)).map(|v| v.to_string_lossy().into_owned()),
        }
    }

    /// As [`Self::value`], with symbolic paths where cargo sets the variable.
    #[must_use]
    pub(crate) fn symbolic_value(&self, unit: UnitIndex, name: &str) -> Option<String> {
        match self.set_by_action(unit, name) {
            Some(value) => value.map(|template| template.0.clone()),
            None => self.inherited.get(OsStr::new(name)).map(|v| v.to_string_lossy().into_owned()),
        }
    }

    fn set_by_action(
        &self,
        unit: UnitIndex,
        name: &str,
    ) -> Option<Option<&larder_schema::plan::Template>> {
        let action = self.plan.units[unit].action.as_ref()?;
        let var = action.env.iter().rev().find(|var| var.name == name)?;
        Some(var.value.as_ref())
    }

    /// The environment of a rustc call.
    #[must_use]
    pub(crate) fn of_rustc(&self, places: &Places<'_>, unit: UnitIndex) -> Env {
        let mut env = self.inherited.clone();
        env.retain(|name, _| !is_our_own(name));
        self.apply(places, unit, &mut env);
        env
    }

    /// The environment of a build-script run, and the names that were kept
    /// from it.
    #[must_use]
    pub(crate) fn of_script(
        &self,
        places: &Places<'_>,
        unit: UnitIndex,
        mentions: &Mentions,
    ) -> (Env, Vec<String>) {
        let mut removed = Vec::new();
        let mut env = Env::new();
        for (name, value) in self.inherited {
            let text = name.to_string_lossy();
            if is_our_own(name) {
                continue;
            }
            if is_passed(&text, mentions) {
                env.insert(name.clone(), value.clone());
            } else {
                removed.push(text.into_owned());
            }
        }
        self.apply(places, unit, &mut env);
        (env, removed)
    }

    fn apply(&self, places: &Places<'_>, unit: UnitIndex, env: &mut Env) {
        let Some(action) = &self.plan.units[unit].action else { return };
        for var in &action.env {
            match &var.value {
                Some(value) => {
                    env.insert(var.name.clone().into(), places.expand(unit, value).into());
                }
                None => {
                    env.remove(OsStr::new(&var.name));
                }
            }
        }
    }

    /// The user's variables that count for a build-script run.
    #[must_use]
    pub(crate) fn keyed_for_script(&self, unit: UnitIndex, mentions: &Mentions) -> Vec<String> {
        self.names
            .iter()
            .filter(|name| self.set_by_action(unit, name).is_none())
            .filter(|name| is_keyed(name, mentions))
            .cloned()
            .collect()
    }
}

fn is_passed(name: &str, mentions: &Mentions) -> bool {
    mentions.iterates
        || mentions.names.contains(name)
        || ALWAYS_PASSED.contains(&name)
        || UNKEYED.contains(&name)
}

fn is_keyed(name: &str, mentions: &Mentions) -> bool {
    if name.starts_with("LARDER_") || larder_key::inputs::IGNORED_VARIABLES.contains(&name) {
        return false;
    }
    if name == "PATH" {
        return false;
    }
    mentions.names.contains(name)
        || ALWAYS_PASSED.contains(&name)
        || mentions.iterates && !is_noise(name) && !UNKEYED.contains(&name)
}

/// Larder's variables are nobody else's business.
fn is_our_own(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("LARDER_RUSTC_SHIM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_disjoint() {
        for list in [ALWAYS_PASSED, UNKEYED] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
        }
        assert!(!ALWAYS_PASSED.iter().any(|name| UNKEYED.contains(name)));
    }

    #[test]
    fn home_counts_only_when_it_is_mentioned() {
        let none = Mentions::default();
        assert!(is_passed("HOME", &none) && !is_keyed("HOME", &none));
        let names = BTreeSet::from(["HOME".to_owned()]);
        let mentioned = Mentions { names, ..Mentions::default() };
        assert!(is_keyed("HOME", &mentioned));
        assert!(!is_passed("MY_TOKEN", &none));
        let all = Mentions { iterates: true, ..Mentions::default() };
        assert!(is_passed("MY_TOKEN", &all) && is_keyed("MY_TOKEN", &all));
        assert!(!is_keyed("PWD", &all) && !is_keyed("PATH", &all));
    }
}
