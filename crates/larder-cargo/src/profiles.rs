//! The requested profile itself. The graph has the profile of every unit, but
//! with the overrides of its package; two things need the profile before
//! them: `PROFILE` of build scripts, and the `Finished` line.

use crate::config::{Config, Value};
use crate::manifest::RawManifest;

/// What planning needs of the requested profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// `debug` or `release`: what it comes from.
    pub root: &'static str,
    /// `opt-level` is not 0.
    pub optimized: bool,
    /// Debug information is on.
    pub debug: bool,
}

/// The name of the requested profile: `--profile`, `--release`, or what the
/// command implies.
#[must_use]
pub fn name<'a>(command: &str, given: Option<&'a str>) -> &'a str {
    match (given, command) {
        (Some(name), _) => name,
        (None, "test") => "test",
        (None, "bench") => "bench",
        (None, _) => "dev",
    }
}

/// Follows `inherits` from the profile called `name`. Configuration wins over
/// the root manifest.
#[must_use]
pub fn requested(name: &str, root: &RawManifest, config: &Config) -> Requested {
    let mut optimized = None;
    let mut debug = None;
    let mut at = name.to_owned();
    // Cargo refuses cycles; a bound keeps this from looping on one.
    for _ in 0..16 {
        optimized = optimized.or_else(|| setting(&at, "opt-level", root, config));
        debug = debug.or_else(|| setting(&at, "debug", root, config));
        at = match at.as_str() {
            "dev" | "release" => break,
            "test" => "dev".to_owned(),
            "bench" => "release".to_owned(),
            // `debug` and `doc` are names of cargo's own.
            custom => match setting(custom, "inherits", root, config) {
                Some(parent) => parent,
                None => break,
            },
        };
    }
    let release = at == "release";
    Requested {
        root: if release { "release" } else { "debug" },
        optimized: optimized.map_or(release, |level| level != "0"),
        debug: debug.map_or(!release, |d| !matches!(d.as_str(), "0" | "false" | "none")),
    }
}

fn setting(profile: &str, key: &str, root: &RawManifest, config: &Config) -> Option<String> {
    let path = ["profile", profile, key];
    if let Ok(Some(text)) = config.text(&path) {
        return Some(text.value);
    }
    match config.file_value(&path) {
        Some(Value::Integer(number, _)) => return Some(number.to_string()),
        Some(Value::Bool(truth, _)) => return Some(truth.to_string()),
        _ => {}
    }
    match root.profile.get(profile)?.get(key)? {
        toml::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use std::path::Path;

    #[test]
    fn custom_profiles_come_from_their_root() {
        let raw: RawManifest = toml::from_str(
            "[profile.dist]\ninherits = \"release\"\ndebug = 1\n[profile.dev]\nopt-level = 1\n",
        )
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let host = Host {
            env: [("CARGO_PROFILE_DIST_OPT_LEVEL".into(), "0".into())].into(),
            cwd: dir.path().to_owned(),
            exe: Path::new("x").to_owned(),
            larder_dir: dir.path().to_owned(),
            layers: None,
        };
        let config = Config::load(&host, &dir.path().join("home"), &[]).unwrap();
        let of = |name| requested(name, &raw, &config);
        assert_eq!(of("dist"), Requested { root: "release", optimized: false, debug: true });
        assert_eq!(of("test"), Requested { root: "debug", optimized: true, debug: true });
        assert_eq!(of("bench"), Requested { root: "release", optimized: true, debug: false });
    }
}
