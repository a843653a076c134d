//! `cargo larder dockerfile`.

use crate::building::Context;
use crate::errors::Usage;
use crate::exit::Exit;
use crate::project::Project;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use larder_docker::generate;
use larder_docker::native;
use larder_docker::platform::Platform;
use larder_docker::settings::{Base, Cache, LarderFrom, Libc, Settings, Size};
use std::path::{Path, PathBuf};

/// Write a Dockerfile for this project
///
/// A short one, commented, yours to edit: external crates in a layer or in a cache mount that
/// builds may share, cross-compilation for several platforms, a small image without root. What it
/// needs to know is read from the manifests, the lock file and the toolchain file.
#[derive(Args, Debug)]
pub(crate) struct Dockerfile {
    /// A binary of the image; may be given more than once, the first one is started
    #[arg(long, value_name = "NAME")]
    bin: Vec<String>,
    /// Platforms to cross-compile for, such as `linux/amd64,linux/arm64`
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',')]
    platform: Vec<String>,
    /// The C library; `gnu` if nothing else says otherwise
    #[arg(long, value_enum)]
    libc: Option<CLibrary>,
    /// Where results survive until the next build
    #[arg(long, value_enum, default_value_t)]
    cache: Where,
    /// Layers of workspace crates, above the layer with the external ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    layers: usize,
    /// What the image is built on: `scratch`, `distroless`, or an image
    #[arg(long, value_name = "IMAGE", default_value = "distroless")]
    base: String,
    /// How larder gets into the builder: `context`, `install`, `./FILE`, or an image
    ///
    /// `context`: from the build context named `larder`, as the file's head says. `install`: by
    /// `cargo install`, with the arguments after `install=`. `./FILE`: a file of the project.
    /// Otherwise from `/cargo-larder` of this image.
    #[arg(long, value_name = "WHERE", default_value = "context")]
    larder_from: String,
    /// The image to build in: Debian with rustup
    #[arg(long, value_name = "IMAGE")]
    builder: Option<String>,
    /// Debian packages to install for building
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',')]
    packages: Vec<String>,
    /// The profile to build with
    #[arg(long, value_name = "PROFILE-NAME", default_value = "release")]
    profile: String,
    /// Features to activate, separated by commas or spaces; may be given more than once
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
    /// Not the `default` feature
    #[arg(long)]
    no_default_features: bool,
    /// Remove symbols from the binaries
    #[arg(long)]
    strip: bool,
    /// Link-time optimisation
    #[arg(long, value_name = "KIND", value_parser = ["thin", "fat", "off"])]
    lto: Option<String>,
    /// Optimisation level: `s` and `z` are for size
    #[arg(long, value_name = "LEVEL", value_parser = ["0", "1", "2", "3", "s", "z"])]
    opt_level: Option<String>,
    /// Abort on panics: smaller, but nothing can be caught any more
    #[arg(long)]
    panic_abort: bool,
    /// Where to write it, with a `.dockerignore` beside it if there is none
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The Cargo.toml of the project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

/// `--libc`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CLibrary {
    /// glibc, linked dynamically
    Gnu,
    /// musl, linked statically
    Musl,
}

/// `--cache`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Where {
    /// A layer with the external crates, which registries and caches can hold
    Layers,
    /// A cache mount of the builder, by single results
    Mount,
    /// Not there yet: larder says what to use instead
    Remote,
    /// Both in one file; a build argument chooses
    #[default]
    Auto,
}

impl Dockerfile {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let project = Project::read(context.host, self.manifest_path.as_deref())?;
        let settings = self.settings(&project, &context.split.tokens())?;
        let text = generate::dockerfile(&settings).map_err(|error| Usage(error.to_string()))?;
        let Some(output) = &self.output else {
            context.console.raw_out(&text);
            return Ok(Exit::Success);
        };
        let output = context.host.absolute(output);
        fs_err::write(&output, text).context("could not write the Dockerfile")?;
        context.console.status("Wrote", &output.display().to_string());
        let ignore = project.root.join(".dockerignore");
        if ignore.exists() {
            context.console.note(&format!("`{}` is left as it is", ignore.display()));
        } else {
            fs_err::write(&ignore, generate::dockerignore(&settings.file))
                .context("could not write the .dockerignore")?;
            context.console.status("Wrote", &ignore.display().to_string());
        }
        for hint in &settings.hints {
            context.console.note(&format!(
                "Cargo.lock has {}, which usually wants `--packages {}`",
                hint.krate,
                hint.packages.replace(' ', ",")
            ));
        }
        Ok(Exit::Success)
    }

    fn settings(
        &self,
        project: &Project,
        tokens: &[std::ffi::OsString],
    ) -> anyhow::Result<Settings> {
        let base: Base = match self.base.parse() {
            Ok(base) => base,
            Err(never) => match never {},
        };
        let larder: LarderFrom = match self.larder_from.parse() {
            Ok(larder) => larder,
            Err(never) => match never {},
        };
        let cache = match self.cache {
            Where::Layers => Cache::Layers,
            Where::Mount => Cache::Mount,
            Where::Auto => Cache::Auto,
            Where::Remote => {
                let message = "larder has no remote stores yet; on builders that start empty, use \
                               `--cache layers`, and let `docker build --cache-to \
                               type=registry,ref=IMAGE,mode=max` export the layers, which \
                               `--cache-from type=registry,ref=IMAGE` imports; on builders that \
                               stay, use `--cache mount`";
                return Err(Usage(message.into()).into());
            }
        };
        let libc = match self.libc {
            Some(CLibrary::Gnu) => Libc::Gnu,
            Some(CLibrary::Musl) => Libc::Musl,
            None if base == Base::Scratch => Libc::Musl,
            None => Libc::Gnu,
        };
        let platforms = self.platform.iter().map(|name| name.trim().parse());
        let platforms: Result<Vec<&'static Platform>, _> = platforms.collect();
        let mut flags = Vec::new();
        if self.no_default_features {
            flags.push("--no-default-features".to_owned());
        }
        for features in &self.features {
            flags.extend(["--features".to_owned(), features.clone()]);
        }
        let locked = || project.locked.iter().map(String::as_str);
        Ok(Settings {
            written_by: written_by(tokens),
            file: self.file(&project.root),
            bins: project.binaries(&self.bin)?,
            flags,
            profile: self.profile.clone(),
            platforms: platforms.map_err(|error| Usage(error.to_string()))?,
            libc,
            cache,
            layers: self.layers,
            base,
            larder,
            rust: project.rust.clone(),
            builder: self.builder.clone(),
            packages: self.packages.clone(),
            hints: if self.packages.is_empty() { native::hints(locked()) } else { Vec::new() },
            compiles_c: native::compiles_c(locked()),
            size: Size {
                strip: self.strip,
                lto: self.lto.clone(),
                opt_level: self.opt_level.clone(),
                panic_abort: self.panic_abort,
            },
            labels: project.described.labels(None),
            outside: project.outside.clone(),
        })
    }

    /// The file's name as `docker build -f` takes it in the project's root.
    fn file(&self, root: &Path) -> String {
        let Some(output) = &self.output else { return "Dockerfile".into() };
        let inside = output.strip_prefix(root).unwrap_or(output);
        inside.strip_prefix(".").unwrap_or(inside).display().to_string()
    }
}

/// The command line, without the flag that says where to write.
fn written_by(tokens: &[std::ffi::OsString]) -> String {
    let mut words = vec!["cargo larder".to_owned()];
    let mut tokens = tokens.iter().map(|token| token.to_string_lossy());
    while let Some(token) = tokens.next() {
        match &*token {
            "-o" | "--output" | "--manifest-path" => drop(tokens.next()),
            text if text.starts_with("-o") || text.starts_with("--output=") => {}
            text if text.starts_with("--manifest-path=") => {}
            text => words.push(text.to_owned()),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_does_not_say_where_it_was_written_to() {
        let tokens = ["dockerfile", "--bin", "a", "-o", "x", "--output=y", "--libc=musl"];
        let tokens: Vec<_> = tokens.iter().map(std::ffi::OsString::from).collect();
        assert_eq!(written_by(&tokens), "cargo larder dockerfile --bin a --libc=musl");
    }
}
