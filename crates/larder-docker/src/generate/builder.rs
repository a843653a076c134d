//! The stages before any source: the toolchain, linkers, larder, and one
//! stage per platform that says what to build for.

use super::text;
use crate::layout::{CARGO_HOME, LARDER, SOURCES, STORE, TARGET};
use crate::platform::{PLATFORMS, Platform};
use crate::settings::{LarderFrom, Libc, Settings};

/// The image to build in.
pub(super) fn image(settings: &Settings) -> String {
    match &settings.builder {
        Some(image) => image.clone(),
        None => settings.rust.image(),
    }
}

/// Whether stages choose a triple by platform.
pub(super) fn has_target_stages(settings: &Settings) -> bool {
    !settings.platforms.is_empty() || settings.libc == Libc::Musl
}

/// `FROM` of a stage that runs on the machine that builds. Without platforms
/// to cross-compile for, that is also the image's.
fn from(settings: &Settings, image: &str) -> String {
    if settings.platforms.is_empty() {
        format!("FROM {image}")
    } else {
        format!("FROM --platform=$BUILDPLATFORM {image}")
    }
}

/// All stages, `target` the last.
pub(super) fn stages(settings: &Settings) -> Vec<String> {
    let mut stages = Vec::new();
    stages.extend(larder_stage(settings));
    stages.push(toolchain(settings));
    if has_target_stages(settings) {
        stages.push(targets(settings));
    }
    stages
}

/// The stage that has larder, where it takes one.
fn larder_stage(settings: &Settings) -> Option<String> {
    match &settings.larder {
        LarderFrom::Context | LarderFrom::Path(_) => None,
        LarderFrom::Image(image) => Some(format!("{} AS larder\n", from(settings, image))),
        LarderFrom::Install(arguments) => {
            let arguments = arguments.iter().map(|word| format!(" {}", text::shell(word)));
            Some(format!(
                "# Larder itself, compiled once.\n{} AS larder\n\
                 RUN cargo install --locked --root /larder{} cargo-larder && mv /larder/bin/cargo-larder /\n",
                from(settings, &image(settings)),
                arguments.collect::<String>()
            ))
        }
    }
}

fn toolchain(settings: &Settings) -> String {
    let name = if has_target_stages(settings) { "toolchain" } else { "target" };
    let mut stage = format!(
        "# The toolchain{} and larder.\n{} AS {name}\nSHELL [\"/bin/bash\", \"-euo\", \"pipefail\", \"-c\"]\n",
        if settings.platforms.len() > 1 { ", linkers" } else { "" },
        from(settings, &image(settings))
    );
    for hint in &settings.hints {
        stage.push_str(&format!(
            "# Cargo.lock has {}, which usually wants: {} (--packages)\n",
            hint.krate, hint.packages
        ));
    }
    stage.push_str(&packages(settings));
    stage.push_str(&rustup(settings));
    let (from, source) = match &settings.larder {
        LarderFrom::Path(path) => ("", path.as_str()),
        _ => (" --from=larder", "/cargo-larder"),
    };
    let destination = LARDER;
    if source.contains(char::is_whitespace) {
        let source = text::quoted(source);
        stage.push_str(&format!("COPY --chmod=755{from} [{source}, \"{destination}\"]\n"));
    } else {
        stage.push_str(&format!("COPY --chmod=755{from} {source} {destination}\n"));
    }
    stage.push_str(&environment(settings));
    stage.push_str(&format!("WORKDIR {SOURCES}\n"));
    stage
}

/// Debian's packages, on either build platform.
fn packages(settings: &Settings) -> String {
    let mut always = settings.packages.clone();
    if settings.libc == Libc::Musl && settings.compiles_c {
        always.push("musl-tools".into());
    }
    let cross = |native: &str| -> Vec<String> {
        let foreign = settings.platforms.iter().filter(|platform| platform.debian != native);
        foreign.flat_map(|platform| platform.cross_packages()).collect()
    };
    let install = |packages: &[String]| {
        let packages: Vec<_> = packages.iter().map(|package| text::shell(package)).collect();
        format!("apt-get install -y --no-install-recommends {}", packages.join(" "))
    };
    let mut commands = vec!["apt-get update".to_owned()];
    if !always.is_empty() {
        commands.push(install(&always));
    }
    let (on_amd64, on_arm64) = (cross("amd64"), cross("arm64"));
    if !on_amd64.is_empty() || !on_arm64.is_empty() {
        let arm = |packages: &[String]| {
            if packages.is_empty() { "true".to_owned() } else { install(packages) }
        };
        commands.push("case \"$(dpkg --print-architecture)\" in".into());
        commands.push(format!("  amd64) {} ;;", arm(&on_amd64)));
        commands.push(format!("  arm64) {} ;;", arm(&on_arm64)));
        commands.push("esac".into());
    }
    if commands.len() == 1 {
        return String::new();
    }
    let lists = "type=tmpfs,target=/var/lib/apt/lists".to_owned();
    text::run(&[lists], &commands)
}

/// The toolchain that the project asks for, and the targets, in the image's
/// own if it asks for none.
fn rustup(settings: &Settings) -> String {
    let triples: Vec<&str> =
        settings.platforms.iter().filter_map(|platform| triple(settings, platform)).collect();
    // Without platforms, musl is that of the machine that builds.
    let own_musl = settings.libc == Libc::Musl && triples.is_empty();
    let targets = if own_musl { vec!["$(uname -m)-unknown-linux-musl"] } else { triples };
    let Some(file) = &settings.rust.file else {
        return if targets.is_empty() {
            String::new()
        } else {
            format!("RUN rustup target add {}\n", targets.join(" "))
        };
    };
    let mount = format!("type=bind,source={file},target=/tmp/{file}");
    // The older form of the file may be nothing but the channel.
    let plain = if file.ends_with(".toml") { "" } else { "; /^[A-Za-z0-9.-]+$/p" };
    let channel = format!(
        "channel=$(sed -nE \"s/^ *channel *= *['\\\"]([^'\\\"]+).*/\\1/p{plain}\" /tmp/{file})"
    );
    let targets: String = targets.iter().map(|triple| format!(" --target {triple}")).collect();
    let run = text::run(
        &[mount],
        &[
            channel,
            format!(
                "rustup toolchain install \"$channel\" --no-self-update --profile minimal{targets}"
            ),
            "rustup default \"$channel\"".into(),
        ],
    );
    format!(
        "# As {file} says, but no components that a build does not need.\n{run}ENV RUSTUP_AUTO_INSTALL=0\n"
    )
}

/// The variables of all stages.
fn environment(settings: &Settings) -> String {
    let mut variables = vec![
        format!("CARGO_HOME={CARGO_HOME}"),
        format!("CARGO_TARGET_DIR={TARGET}"),
        format!("LARDER_DIR={STORE}"),
    ];
    let profile = settings.profile.to_uppercase().replace('-', "_");
    let size = &settings.size;
    let mut set = |key: &str, value: &str| {
        variables.push(format!("CARGO_PROFILE_{profile}_{key}={value}"));
    };
    if size.strip {
        set("STRIP", "symbols");
    }
    if let Some(lto) = &size.lto {
        set("LTO", lto);
    }
    if let Some(level) = &size.opt_level {
        set("OPT_LEVEL", level);
    }
    if size.panic_abort {
        set("PANIC", "abort");
    }
    format!("ENV {}\n", variables.join(" \\\n    "))
}

/// One stage per platform, and the one that is meant.
fn targets(settings: &Settings) -> String {
    let known = || PLATFORMS.iter().filter(|platform| matches!(platform.arch, "amd64" | "arm64"));
    let platforms: Vec<&Platform> =
        if settings.platforms.is_empty() { known().collect() } else { settings.platforms.clone() };
    let mut text =
        String::from("# What to build for: one stage per platform, of which one is used.\n");
    for platform in platforms {
        let Some(triple) = triple(settings, platform) else { continue };
        let mut variables = vec![format!("CARGO_BUILD_TARGET={triple}")];
        let snake = triple.replace('-', "_");
        if !settings.platforms.is_empty() {
            variables.push(format!(
                "CARGO_TARGET_{}_LINKER={}-gcc",
                snake.to_uppercase(),
                platform.gcc
            ));
        }
        if settings.compiles_c && !settings.platforms.is_empty() {
            // The cross compiler has glibc's headers. That suffices for most C
            // sources that crates bring along.
            variables.push(format!("CC_{snake}={}-gcc", platform.gcc));
        }
        text.push_str(&format!(
            "FROM toolchain AS target-{}\nENV {}\n",
            platform.arch,
            variables.join(" \\\n    ")
        ));
    }
    text.push_str("FROM target-${TARGETARCH}${TARGETVARIANT} AS target\n");
    text
}

fn triple(settings: &Settings, platform: &Platform) -> Option<&'static str> {
    match settings.libc {
        Libc::Gnu => Some(platform.gnu),
        Libc::Musl => platform.musl,
    }
}
