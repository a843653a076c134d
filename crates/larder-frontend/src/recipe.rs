//! What is built for one platform, and how: settings, manifests and options
//! made concrete. Pure.

use crate::context::Context;
use crate::failure::Failure;
use crate::options::Options;
use crate::place::Lines;
use crate::settings::{Bin, Found, Layering, Settings};
use larder_docker::platform::Platform;
use larder_docker::settings::{Base, Libc, Rust};
use larder_docker::{layout, toolchain};

/// Where results survive until the next build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// External units in layers.
    Layers,
    /// All units in a cache mount.
    Mount,
}

/// What `--target` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The image.
    Image,
    /// The binaries and nothing else.
    Binaries,
    /// That the tests pass; what is left is larder's report.
    Tests,
    /// The cook plan.
    Plan,
}

impl Wanted {
    /// By the name of a target.
    pub(crate) fn of(target: Option<&str>) -> Result<Self, Failure> {
        match target {
            None | Some("image") => Ok(Wanted::Image),
            Some("binaries") => Ok(Wanted::Binaries),
            Some("test") => Ok(Wanted::Tests),
            Some("plan") => Ok(Wanted::Plan),
            Some(other) => Err(Failure::text(format!(
                "there is no target `{other}`; there are image, binaries, test and plan"
            ))),
        }
    }
}

/// What is built, and how.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// The platform of the image.
    pub(crate) platform: &'static Platform,
    /// The platform that builds.
    pub(crate) host: &'static Platform,
    /// The image to build in.
    pub(crate) builder: String,
    /// The channel of the toolchain file.
    pub(crate) channel: Option<String>,
    /// `--target` of cargo, where there is one.
    pub(crate) triple: Option<&'static str>,
    /// The image to build on; none for an empty one.
    pub(crate) base: Option<String>,
    /// Where results survive.
    pub(crate) cache: Cache,
    /// How external units are divided, if it is in layers.
    pub(crate) layers: Layering,
    /// Profile.
    pub(crate) profile: String,
    /// Binaries that were asked for, with their paths.
    pub(crate) bins: Vec<Bin>,
    /// The package, where one was asked for.
    pub(crate) package: Option<String>,
    /// All further flags of the command.
    flags: Vec<String>,
}

impl Recipe {
    /// Of one platform.
    pub(crate) fn new(
        found: &Found,
        context: &Context,
        platform: &'static Platform,
        host: &'static Platform,
    ) -> Result<Self, Failure> {
        let settings = &found.settings;
        let channel = channel(context)?;
        let (triple, libc) = triple(settings, platform, host)?;
        let base = base(settings);
        if base == Base::Scratch && libc == Libc::Gnu {
            return Err(Failure::at(
                "a binary that links glibc does not start in an empty image: choose a musl target \
                 in `targets`, or another `base`",
                lines(&settings.base),
            ));
        }
        Ok(Self {
            platform,
            host,
            builder: builder(settings, channel.as_deref()),
            triple,
            base: base.image(libc).map(str::to_owned),
            cache: cache(settings)?,
            layers: settings.layers.as_ref().map_or(Layering::Layers(1), |layers| layers.value),
            profile: text(&settings.profile).unwrap_or("release").to_owned(),
            bins: settings.bins.as_ref().map(|bins| bins.value.clone()).unwrap_or_default(),
            package: found.package.clone(),
            flags: flags(settings),
            channel,
        })
    }

    /// The words after `cargo larder`: `build --locked --release --bin app`.
    pub(crate) fn words(&self, wanted: Wanted) -> Vec<String> {
        let bins: Vec<String> = self.bins.iter().map(|bin| bin.name.clone()).collect();
        let mut words = larder_docker::command::build(&self.profile, &bins, &self.flags);
        if let Some(package) = &self.package {
            words.extend(["--package".into(), package.clone()]);
        }
        if wanted == Wanted::Tests {
            // All tests of the same packages, not only those of binaries.
            let mut skip = false;
            words.retain(|word| {
                let is_value = std::mem::replace(&mut skip, word == "--bin");
                !is_value && word != "--bin" && word != "--bins"
            });
            words[0] = "test".into();
        }
        words
    }

    /// The directory of the binaries.
    pub(crate) fn delivered(&self) -> String {
        let profile = larder_docker::command::profile_directory(&self.profile);
        match self.triple {
            Some(triple) => format!("/{triple}/{profile}"),
            None => format!("/{profile}"),
        }
    }

    /// Variables of the builder, on top of those of its image.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("CARGO_HOME".to_owned(), layout::CARGO_HOME.to_owned()),
            ("CARGO_TARGET_DIR".to_owned(), layout::TARGET.to_owned()),
            ("LARDER_DIR".to_owned(), layout::STORE.to_owned()),
        ];
        if self.channel.is_some() {
            // It was installed, without the components that a build does not need.
            variables.push(("RUSTUP_AUTO_INSTALL".into(), "0".into()));
        }
        if let Some(triple) = self.triple {
            variables.push(("CARGO_BUILD_TARGET".into(), triple.to_owned()));
            if self.is_cross() {
                let gcc = format!("{}-gcc", self.platform.gcc);
                let snake = triple.replace('-', "_");
                let linker = format!("CARGO_TARGET_{}_LINKER", snake.to_uppercase());
                variables.push((linker, gcc.clone()));
                // It has glibc's headers; that suffices for most C sources.
                variables.push((format!("CC_{snake}"), gcc));
            }
        }
        variables
    }

    /// Whether the image is for another platform than the one that builds.
    pub(crate) fn is_cross(&self) -> bool {
        self.platform != self.host
    }

    /// Id of the store's cache mount.
    pub(crate) fn store_id(&self) -> String {
        format!("{}-{}", layout::store_id(&self.builder), self.host.arch)
    }
}

/// The channel of the toolchain file.
fn channel(context: &Context) -> Result<Option<String>, Failure> {
    let Some((name, text)) = &context.toolchain else { return Ok(None) };
    toolchain::channel(text).map_err(|error| {
        Failure::text(format!(
            "`{name}` cannot be used: {error}; choose a `builder` that has the toolchain, and put \
             the file into .dockerignore"
        ))
    })
}

/// The image to build in: the setting, or the official one of the toolchain.
fn builder(settings: &Settings, channel: Option<&str>) -> String {
    if let Some(image) = text(&settings.builder) {
        return image.to_owned();
    }
    let version = channel.and_then(toolchain::version);
    let newest = larder_plan::SUPPORTED_CARGO.last().map(|version| version.trim_end_matches('.'));
    let version = version.or(newest).unwrap_or_default().to_owned();
    Rust { version, file: None }.image()
}

fn base(settings: &Settings) -> Base {
    let Some(text) = text(&settings.base) else { return Base::default() };
    match text.parse() {
        Ok(base) => base,
        Err(never) => match never {},
    }
}

/// What to pass to cargo as `--target`, and the C library that it means. Without
/// a setting, the machine that builds builds for itself.
fn triple(
    settings: &Settings,
    platform: &'static Platform,
    host: &'static Platform,
) -> Result<(Option<&'static str>, Libc), Failure> {
    let musl = |lines: Option<&Lines>| {
        platform.musl.ok_or_else(|| {
            Failure::at(format!("rustup has no musl target for {}", platform.docker), lines)
        })
    };
    if let Some(targets) = &settings.targets {
        let names = |triple: &str| targets.value.iter().any(|target| target == triple);
        let known = |target: &&String| {
            larder_docker::platform::PLATFORMS
                .iter()
                .any(|platform| *target == platform.gnu || Some(target.as_str()) == platform.musl)
        };
        if let Some(unknown) = targets.value.iter().find(|target| !known(target)) {
            return Err(Failure::at(
                format!("`{unknown}` is no target of an image's platform that larder knows"),
                targets.lines.as_ref(),
            ));
        }
        if names(platform.gnu) {
            return Ok((Some(platform.gnu), Libc::Gnu));
        }
        if let Some(musl) = platform.musl.filter(|musl| names(musl)) {
            return Ok((Some(musl), Libc::Musl));
        }
        return Err(Failure::at(
            format!("`targets` has none for {}", platform.docker),
            targets.lines.as_ref(),
        ));
    }
    if base(settings) == Base::Scratch {
        return Ok((Some(musl(lines(&settings.base))?), Libc::Musl));
    }
    Ok(((platform != host).then_some(platform.gnu), Libc::Gnu))
}

fn cache(settings: &Settings) -> Result<Cache, Failure> {
    match text(&settings.cache) {
        None | Some("layers") => Ok(Cache::Layers),
        Some("mount") => Ok(Cache::Mount),
        Some("remote") => Err(Failure::at(
            "larder has no remote stores yet: `cache` is `layers`, which `docker build --cache-to \
             type=registry,ref=IMAGE,mode=max` exports, or `mount`",
            lines(&settings.cache),
        )),
        Some(other) => Err(Failure::at(
            format!("`cache` is `layers` or `mount`, not `{other}`"),
            lines(&settings.cache),
        )),
    }
}

fn flags(settings: &Settings) -> Vec<String> {
    let is_set = |setting: &Option<crate::settings::Located<bool>>| {
        setting.as_ref().is_some_and(|located| located.value)
    };
    let mut flags = Vec::new();
    if is_set(&settings.all_features) {
        flags.push("--all-features".to_owned());
    }
    if is_set(&settings.no_default_features) {
        flags.push("--no-default-features".to_owned());
    }
    if let Some(features) = &settings.features
        && !features.value.is_empty()
    {
        flags.extend(["--features".to_owned(), features.value.join(",")]);
    }
    flags
}

fn text(setting: &Option<crate::settings::Located<String>>) -> Option<&str> {
    setting.as_ref().map(|located| located.value.as_str())
}

/// The lines of a setting.
pub(crate) fn lines<T>(setting: &Option<crate::settings::Located<T>>) -> Option<&Lines> {
    setting.as_ref().and_then(|located| located.lines.as_ref())
}

/// The platforms that were asked for; the builder's own otherwise.
pub(crate) fn platforms(
    options: &Options,
    host: &'static Platform,
) -> Result<Vec<&'static Platform>, Failure> {
    if options.platforms.is_empty() {
        return Ok(vec![host]);
    }
    let parsed = options.platforms.iter().map(|name| {
        name.parse().map_err(|error| Failure::text(format!("--platform {name}: {error}")))
    });
    parsed.collect()
}
