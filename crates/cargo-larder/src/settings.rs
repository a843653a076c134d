//! Larder's settings: built-in values, under the user's file, under variables,
//! under flags.
//!
//! ```toml
//! # ~/.config/larder/config.toml
//! dir = "/fast/larder"
//! observe = "auto"
//! hermetic = true
//!
//! [packages.openssl-sys]
//! read = ["/opt/openssl"]
//!
//! [gc]
//! max-size = "20GB"
//! max-age = "30d"
//! ```

use crate::env_vars::{
    LARDER_CONFIG, LARDER_DIR, LARDER_GC_MAX_AGE, LARDER_GC_MAX_SIZE, LARDER_OBSERVE, LARDER_STORES,
};
use crate::host::Host;
use crate::quantity;
use anyhow::Context as _;
use larder_engine::rules::{Allowed, Hermetic, PackageRules};
use larder_sandbox::observation::Mechanism;
use larder_sandbox::watch::Observe;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const MAX_SIZE: u64 = 20_000_000_000;
const MAX_AGE: Duration = Duration::from_secs(30 * 86_400);

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File,
    /// An environment variable.
    Variable,
}

impl Origin {
    /// For people.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File => "configuration file",
            Origin::Variable => "environment",
        }
    }
}

/// Settings, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The store's directory.
    pub(crate) dir: PathBuf,
    /// Where that comes from.
    pub(crate) dir_origin: Origin,
    /// A directory of stores beneath it.
    pub(crate) layers: Option<PathBuf>,
    /// How build scripts and proc-macros are observed.
    pub(crate) observe: Observe,
    /// Which build scripts and proc-macros are confined.
    pub(crate) hermetic: Hermetic,
    /// What `gc` shrinks the store to.
    pub(crate) gc_max_size: u64,
    /// How long an unused result is kept.
    pub(crate) gc_max_age: Duration,
    /// The configuration file, whether or not it exists.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    dir: Option<PathBuf>,
    observe: Option<String>,
    hermetic: Option<bool>,
    #[serde(default)]
    packages: BTreeMap<String, Package>,
    #[serde(default)]
    gc: Gc,
}

/// What is said of a package.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Package {
    hermetic: Option<bool>,
    #[serde(default)]
    read: Vec<PathBuf>,
    #[serde(default)]
    write: Vec<PathBuf>,
    #[serde(default)]
    network: bool,
}

impl From<Package> for PackageRules {
    fn from(said: Package) -> Self {
        let Package { hermetic, read, write, network } = said;
        Self { hermetic, allowed: Allowed { read, write, network } }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Gc {
    max_size: Option<String>,
    max_age: Option<String>,
}

impl Settings {
    /// Reads the file and the variables.
    pub(crate) fn read(host: &Host) -> anyhow::Result<Self> {
        let path = host
            .var(&LARDER_CONFIG)
            .map(|p| host.absolute(p.as_ref()))
            .or_else(|| host.config_dir().map(|d| d.join("larder").join("config.toml")));
        let file = match &path {
            Some(path) => read_file(path)?,
            None => File::default(),
        };
        let in_file = || match &path {
            Some(path) => format!("in the configuration file `{}`", path.display()),
            None => String::new(),
        };

        let (dir, dir_origin) = if let Some(dir) = host.var(&LARDER_DIR).filter(|d| !d.is_empty()) {
            (host.absolute(dir.as_ref()), Origin::Variable)
        } else if let Some(dir) = file.dir {
            // Relative to the file, as cargo has it for its own configuration.
            let base = path.as_deref().and_then(std::path::Path::parent);
            (base.map_or_else(|| dir.clone(), |b| b.join(&dir)), Origin::File)
        } else {
            let cache = host.cache_dir().context(
                "could not find a directory for the store: neither `HOME` nor `LARDER_DIR` is set",
            )?;
            (cache.join("larder"), Origin::Default)
        };

        let layers = host.var(&LARDER_STORES).filter(|layers| !layers.is_empty());
        let layers = layers.map(|layers| host.absolute(layers.as_ref()));

        let observe =
            match (host.text(&LARDER_OBSERVE), &file.observe) {
                (Some(text), _) => parse_observe(text)
                    .with_context(|| format!("invalid `{}`", LARDER_OBSERVE.name))?,
                (None, Some(text)) => parse_observe(text)
                    .with_context(|| format!("invalid `observe` {}", in_file()))?,
                (None, None) => Observe::Best,
            };
        let gc_max_size = match (host.text(&LARDER_GC_MAX_SIZE), &file.gc.max_size) {
            (Some(text), _) => quantity::parse_size(text)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("invalid `{}`", LARDER_GC_MAX_SIZE.name))?,
            (None, Some(text)) => quantity::parse_size(text)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("invalid `gc.max-size` {}", in_file()))?,
            (None, None) => MAX_SIZE,
        };
        let gc_max_age = match (host.text(&LARDER_GC_MAX_AGE), &file.gc.max_age) {
            (Some(text), _) => quantity::parse_age(text)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("invalid `{}`", LARDER_GC_MAX_AGE.name))?,
            (None, Some(text)) => quantity::parse_age(text)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("invalid `gc.max-age` {}", in_file()))?,
            (None, None) => MAX_AGE,
        };
        let packages = file.packages.into_iter().map(|(name, said)| (name, said.into()));
        let hermetic = Hermetic {
            all: file.hermetic.unwrap_or(false),
            packages: packages.collect(),
            file: path.clone(),
        };
        Ok(Self { dir, dir_origin, layers, observe, hermetic, gc_max_size, gc_max_age, file: path })
    }
}

fn parse_observe(text: &str) -> anyhow::Result<Observe> {
    match text {
        "auto" => Ok(Observe::Best),
        "notify" => Ok(Observe::Only(Mechanism::Notify)),
        "ptrace" => Ok(Observe::Only(Mechanism::Trace)),
        "off" => Ok(Observe::No),
        other => anyhow::bail!("`{other}` is none of `auto`, `notify`, `ptrace` and `off`"),
    }
}

fn read_file(path: &std::path::Path) -> anyhow::Result<File> {
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(error).context("could not read larder's configuration"),
    };
    toml::from_str(&text)
        .with_context(|| format!("could not parse the configuration file `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn settings(env: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::read(&Host::fake(&[], env, "/w"))
    }

    #[test]
    fn variables_win_over_the_file_which_wins_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let config = file.to_str().unwrap();
        let home = ("HOME", "/h");

        let none = settings(&[home, ("LARDER_CONFIG", config)]).unwrap();
        assert_eq!((none.gc_max_size, none.gc_max_age), (MAX_SIZE, MAX_AGE));
        assert_eq!(none.dir_origin, Origin::Default);
        assert_eq!(none.observe, Observe::Best);
        assert!(!none.hermetic.all);

        fs_err::write(
            &file,
            "dir = 'x'\nobserve = 'off'\nhermetic = true\n\
             [packages.a]\nread = ['b']\n[gc]\nmax-size = '1GB'\nmax-age = '2d'\n",
        )
        .unwrap();
        let from_file = settings(&[home, ("LARDER_CONFIG", config)]).unwrap();
        assert_eq!(from_file.dir, dir.path().join("x"));
        assert_eq!(from_file.observe, Observe::No);
        assert!(from_file.hermetic.all);
        assert_eq!(from_file.hermetic.packages["a"].allowed.read, [Path::new("b")]);
        assert_eq!(from_file.gc_max_size, 1_000_000_000);
        assert_eq!(from_file.gc_max_age, Duration::from_secs(172_800));

        let from_env = settings(&[
            ("LARDER_CONFIG", config),
            ("LARDER_DIR", "here"),
            ("LARDER_OBSERVE", "ptrace"),
            ("LARDER_GC_MAX_SIZE", "3MB"),
            ("LARDER_GC_MAX_AGE", "4h"),
        ])
        .unwrap();
        assert_eq!(from_env.dir, Path::new("/w/here"));
        assert_eq!(from_env.observe, Observe::Only(Mechanism::Trace));
        assert_eq!(from_env.gc_max_size, 3_000_000);
        assert_eq!(from_env.gc_max_age, Duration::from_secs(14_400));
    }

    #[test]
    fn mistakes_name_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let config = file.to_str().unwrap();
        let message = |text: &str| {
            fs_err::write(&file, text).unwrap();
            format!("{:#}", settings(&[("HOME", "/h"), ("LARDER_CONFIG", config)]).unwrap_err())
        };
        assert!(message("dri = 'x'").contains("unknown field `dri`"));
        assert!(message("dri = 'x'").contains(config));
        assert!(message("observe = 'no'").contains("invalid `observe`"));
        assert!(message("[gc]\nmax-size = 'huge'").contains("invalid `gc.max-size`"));
        let none = format!("{:#}", settings(&[]).unwrap_err());
        assert!(none.contains("LARDER_DIR"), "{none}");
    }
}
