//! Crates that usually want something of the system, as Debian calls it.
//!
//! A lock file only says that such a crate is there, not that the command
//! builds it, nor with which features: many of them can also build their own
//! copy. So this is a hint, and is never installed unasked.

/// A crate and what it usually wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The crate.
    pub krate: &'static str,
    /// Debian's packages for building.
    pub packages: &'static str,
    /// A crate that, where it is in the lock file too, brings the sources along.
    unless: Option<&'static str>,
}

const fn hint(krate: &'static str, packages: &'static str) -> Hint {
    Hint { krate, packages, unless: None }
}

const HINTS: &[Hint] = &[
    hint("alsa-sys", "pkg-config libasound2-dev"),
    hint("bindgen", "libclang-dev"),
    hint("cmake", "cmake make"),
    hint("libdbus-sys", "pkg-config libdbus-1-dev"),
    hint("libudev-sys", "pkg-config libudev-dev"),
    Hint { krate: "openssl-sys", packages: "pkg-config libssl-dev", unless: Some("openssl-src") },
    Hint { krate: "pq-sys", packages: "libpq-dev", unless: Some("pq-src") },
    hint("prost-build", "protobuf-compiler"),
    Hint {
        krate: "mysqlclient-sys",
        packages: "pkg-config default-libmysqlclient-dev",
        unless: Some("mysqlclient-src"),
    },
    hint("wayland-sys", "pkg-config libwayland-dev"),
];

/// The hints for the packages of a lock file.
pub fn hints<'a>(locked: impl IntoIterator<Item = &'a str>) -> Vec<Hint> {
    let locked: std::collections::BTreeSet<&str> = locked.into_iter().collect();
    let applies = |hint: &&Hint| {
        locked.contains(hint.krate) && hint.unless.is_none_or(|source| !locked.contains(source))
    };
    HINTS.iter().filter(applies).copied().collect()
}

/// Whether something in the lock file may compile C.
pub fn compiles_c<'a>(locked: impl IntoIterator<Item = &'a str>) -> bool {
    locked.into_iter().any(|name| matches!(name, "cc" | "cmake"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_brings_its_sources_wants_nothing() {
        let packages = |locked: &[&str]| {
            hints(locked.iter().copied()).iter().map(|hint| hint.packages).collect::<Vec<_>>()
        };
        assert_eq!(packages(&["serde", "openssl-sys"]), ["pkg-config libssl-dev"]);
        assert!(packages(&["openssl-sys", "openssl-src"]).is_empty());
    }
}
