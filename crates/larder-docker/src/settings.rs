//! What a Dockerfile is generated from, and which combinations make none.

use crate::native::Hint;
use crate::outside::Outside;
use crate::platform::{Platform, UnknownPlatform};
use std::str::FromStr;

/// Name and release of the Debian under the official image.
const SUITE: &str = "bookworm";

/// The C library of the binaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Libc {
    /// glibc, linked dynamically: what the builder's own toolchain makes.
    #[default]
    Gnu,
    /// musl, linked statically.
    Musl,
}

/// Where results survive until the next build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// In a layer with all external crates, which registries and caches export.
    Layers,
    /// In a cache mount of the builder: per unit, workspace crates too.
    Mount,
    /// Both are in the file; a build argument chooses, and the mount is the default.
    #[default]
    Auto,
}

/// What the image is built on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// Distroless: certificates, time zones, a user, and glibc for [`Libc::Gnu`].
    #[default]
    Distroless,
    /// This image.
    Image(String),
}

impl Base {
    /// The image; none for an empty one.
    pub fn image(&self, libc: Libc) -> Option<&str> {
        match (self, libc) {
            (Base::Scratch, _) => None,
            (Base::Distroless, Libc::Gnu) => Some("gcr.io/distroless/cc-debian12:nonroot"),
            (Base::Distroless, Libc::Musl) => Some("gcr.io/distroless/static-debian12:nonroot"),
            (Base::Image(image), _) => Some(image),
        }
    }
}

impl FromStr for Base {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "scratch" => Base::Scratch,
            "distroless" => Base::Distroless,
            image => Base::Image(image.to_owned()),
        })
    }
}

/// How larder gets into the builder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LarderFrom {
    /// From the build context named `larder`, which the one who builds gives.
    #[default]
    Context,
    /// `cargo install`, with these further arguments.
    Install(Vec<String>),
    /// A file of the project's build context.
    Path(String),
    /// `/cargo-larder` of an image.
    Image(String),
}

impl FromStr for LarderFrom {
    type Err = std::convert::Infallible;

    /// `context`, `install`, `install=ARGUMENTS`, `./PATH`, else an image.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "context" => LarderFrom::Context,
            "install" => LarderFrom::Install(Vec::new()),
            _ => match (text.strip_prefix("install="), text.strip_prefix("./")) {
                (Some(rest), _) => {
                    LarderFrom::Install(rest.split_whitespace().map(str::to_owned).collect())
                }
                (_, Some(path)) => LarderFrom::Path(path.to_owned()),
                _ => LarderFrom::Image(text.to_owned()),
            },
        })
    }
}

/// The toolchain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rust {
    /// Tag of the builder image's version: `1.95`.
    pub version: String,
    /// Name of the toolchain file in the workspace's root.
    pub file: Option<String>,
}

impl Rust {
    /// The official image.
    pub fn image(&self) -> String {
        format!("rust:{}-slim-{SUITE}", self.version)
    }
}

/// Settings of the profile that make binaries smaller; none is on by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// `strip = "symbols"`.
    pub strip: bool,
    /// `lto`.
    pub lto: Option<String>,
    /// `opt-level`.
    pub opt_level: Option<String>,
    /// `panic = "abort"`.
    pub panic_abort: bool,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The command that wrote the file, for its first line.
    pub written_by: String,
    /// Name of the file, for the command that builds it.
    pub file: String,
    /// Binaries of the image; the first one is its entry point.
    pub bins: Vec<String>,
    /// Further flags of the build, such as features.
    pub flags: Vec<String>,
    /// Profile.
    pub profile: String,
    /// Platforms to cross-compile for; none: whatever platform the build runs on.
    pub platforms: Vec<&'static Platform>,
    /// C library.
    pub libc: Libc,
    /// Where results survive.
    pub cache: Cache,
    /// Layers of workspace crates above that of the external ones.
    pub layers: usize,
    /// What the image is built on.
    pub base: Base,
    /// How larder gets into the builder.
    pub larder: LarderFrom,
    /// The toolchain.
    pub rust: Rust,
    /// Image to build in, Debian with rustup; none: the official one.
    pub builder: Option<String>,
    /// Debian packages to install for building.
    pub packages: Vec<String>,
    /// What the lock file lets one expect to be missing.
    pub hints: Vec<Hint>,
    /// Whether C may be compiled.
    pub compiles_c: bool,
    /// Smaller binaries.
    pub size: Size,
    /// Labels of the image.
    pub labels: Vec<(String, String)>,
    /// Crates outside of the workspace.
    pub outside: Vec<Outside>,
}

/// Settings that make no Dockerfile.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Nothing to put into the image.
    #[error("there is no binary to put into the image")]
    NoBinary,
    /// glibc is not in an empty image.
    #[error(
        "a binary that links glibc does not start in an empty image: use `--libc musl`, or \
         `--base distroless`"
    )]
    GnuOnScratch,
    /// The mount has all units, one by one.
    #[error(
        "layers of workspace crates are for `--cache layers` or `auto`: a mount has every unit"
    )]
    LayersInMount,
    /// It would have to be quoted in several languages at once.
    #[error(
        "`{0}`, which a crate depends on by its path, has a character that no mount of a Dockerfile can hold"
    )]
    Outside(String),
    /// Rust has no musl for the platform.
    #[error("rustup has no musl target for {0}: use `--libc gnu`")]
    NoMusl(&'static str),
    /// What a Dockerfile cannot hold in one line.
    #[error("`{0}` has a line break or a control character, which a Dockerfile cannot hold there")]
    Unwritable(String),
    /// No such platform.
    #[error(transparent)]
    Platform(#[from] UnknownPlatform),
}

impl Settings {
    /// What makes no Dockerfile.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.bins.is_empty() {
            return Err(SettingsError::NoBinary);
        }
        if self.base == Base::Scratch && self.libc == Libc::Gnu {
            return Err(SettingsError::GnuOnScratch);
        }
        let is_plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
        if let Some(one) = self.outside.iter().find(|one| !one.path.chars().all(is_plain)) {
            return Err(SettingsError::Outside(one.path.clone()));
        }
        if self.layers > 0 && self.cache == Cache::Mount {
            return Err(SettingsError::LayersInMount);
        }
        if self.libc == Libc::Musl
            && let Some(platform) = self.platforms.iter().find(|platform| platform.musl.is_none())
        {
            return Err(SettingsError::NoMusl(platform.docker));
        }
        let texts = self.bins.iter().chain(&self.flags).chain(&self.packages).chain(&self.builder);
        let single = [&self.written_by, &self.file, &self.profile, &self.rust.version];
        if let Some(text) = texts.chain(single).find(|text| text.contains(|c: char| c.is_control()))
        {
            return Err(SettingsError::Unwritable(text.clone()));
        }
        Ok(())
    }
}
