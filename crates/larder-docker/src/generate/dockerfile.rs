//! The stages, and how they hang together.
//!
//! ```text
//! toolchain ──▶ target ──▶ plan
//!                 │          │ the plan's bytes
//!                 ├──▶ cook ◀┘ ──▶ build (layers), which imports it
//!                 └──▶ build (mount)  ──▶ the image
//! ```
//!
//! Nothing is copied into the builder: sources are bind-mounted, so no layer
//! holds them, and no modification time of a reused layer can be seen. The plan
//! stage runs at every edit and takes a moment; its output has the same bytes
//! while the external crates are the same, and then the cook layer is reused.
//! That layer holds packed results; cooking itself uses the builder's store, so
//! that what did not change is not compiled again where that store survives.
//! The build uses it too, and takes from the layer what it has not.
//! With layers of workspace crates there are as many further stages between the
//! external crates and `cook`.

use super::{builder, image, text};
use crate::command;
use crate::layout::{self, CARGO_HOME, PACKED, SOURCES, STORE, TARGET};
use crate::settings::{Cache, LarderFrom, Settings, SettingsError};

/// The build argument of [`Cache::Auto`].
const CHOICE: &str = "LARDER_CACHE";

/// The text of a Dockerfile.
pub fn dockerfile(settings: &Settings) -> Result<String, SettingsError> {
    settings.check()?;
    let mut sections = vec![head(settings)];
    sections.extend(builder::stages(settings));
    match settings.cache {
        Cache::Layers => {
            sections.extend(cooking(settings));
            sections.push(layers(settings, "build"));
        }
        Cache::Mount => sections.push(mount(settings, "build")),
        Cache::Auto => {
            sections.extend(cooking(settings));
            sections.extend([
                layers(settings, "build-layers"),
                mount(settings, "build-mount"),
                format!("FROM build-${{{CHOICE}}} AS build\n"),
            ]);
        }
    }
    sections.push(image::stage(settings));
    Ok(sections.join("\n"))
}

fn head(settings: &Settings) -> String {
    let mut head = format!("# Written by `{}`; yours to edit.\n", settings.written_by);
    let mut command = vec!["docker build".to_owned()];
    if settings.larder == LarderFrom::Context {
        command.push("--build-context larder=DIR".into());
    }
    for one in &settings.outside {
        command.push(format!("--build-context {}={}", one.context, text::shell(&one.path)));
    }
    if !settings.platforms.is_empty() {
        let names: Vec<_> = settings.platforms.iter().map(|platform| platform.docker).collect();
        command.push(format!("--platform {}", names.join(",")));
    }
    if settings.file != "Dockerfile" {
        command.push(format!("-f {}", text::shell(&settings.file)));
    }
    head.push_str(&format!("# Build it with: {} .\n", command.join(" ")));
    if settings.larder == LarderFrom::Context {
        head.push_str(
            "# DIR is a directory that holds `cargo-larder` for the machine that builds.\n",
        );
    }
    let mut arguments = String::new();
    if settings.cache == Cache::Auto {
        arguments.push_str(&format!(
            "\n# `mount` keeps results on this builder, one by one; `layers` keeps the external crates in\n\
             # a layer, which a builder that starts empty can import: --build-arg {CHOICE}=layers\n\
             ARG {CHOICE}=mount\n"
        ));
    }
    if builder::has_target_stages(settings) {
        arguments.push_str("\n# BuildKit knows these two: the platform of the image.\nARG TARGETARCH\nARG TARGETVARIANT\n");
    }
    head + &arguments
}

/// The flags that say what is built, the same in every stage.
fn words(settings: &Settings) -> String {
    let words = command::build(&settings.profile, &settings.bins, &settings.flags);
    words.iter().map(|word| text::shell(word)).collect::<Vec<_>>().join(" ")
}

/// Cargo's own downloads. Its locks are in there too, so builds may share it.
fn cargo_home() -> String {
    format!("type=cache,id=larder-cargo-home,sharing=shared,target={CARGO_HOME}")
}

/// What a step that needs sources has.
fn mounts(settings: &Settings) -> Vec<String> {
    // Some build scripts write beside their sources; what they write is gone
    // afterwards, and the context stays as it was.
    let mut mounts = vec![format!("type=bind,target={SOURCES},rw")];
    let outside = settings.outside.iter();
    mounts.extend(
        outside.map(|one| format!("type=bind,from={},target={},rw", one.context, one.target)),
    );
    mounts.extend([cargo_home(), store(settings), format!("type=tmpfs,target={TARGET}")]);
    mounts
}

/// The plan, and the stages that are cooked from it, one on the other.
fn cooking(settings: &Settings) -> Vec<String> {
    if settings.layers == 0 {
        return vec![plan(settings), cook(settings)];
    }
    let mut stages = vec![plan_of_layers(settings)];
    stages.extend((0..=settings.layers).map(|layer| cook_layer(layer, settings)));
    stages
}

fn plan(settings: &Settings) -> String {
    let run = text::run(
        &mounts(settings),
        &[format!("cargo larder plan -o /larder.plan -- {}", words(settings))],
    );
    format!(
        "# What external crates need for exactly this command. Edits of the workspace do not change it.\n\
         FROM target AS plan\nARG BUILDARCH\n{run}"
    )
}

/// What the layer of external crates is for.
const EXTERNAL: &str = "# The external crates, compressed: a layer that is reused until one of them changes. Then those\n\
     # that did not change come from the store of this builder, if it still has one.\n";

fn cook(settings: &Settings) -> String {
    let plan = "type=bind,from=plan,source=/larder.plan,target=/larder.plan".to_owned();
    let run = text::run(
        &[plan, cargo_home(), store(settings)],
        &[format!("cargo larder cook --pack {PACKED} /larder.plan")],
    );
    format!("{EXTERNAL}FROM target AS cook\nARG BUILDARCH\n{run}")
}

fn plan_of_layers(settings: &Settings) -> String {
    let run = text::run(
        &mounts(settings),
        &[format!(
            "cargo larder plan --layers {} -o /plans -- {}",
            settings.layers,
            words(settings)
        )],
    );
    format!(
        "# What exactly this command needs, one directory for each layer: external crates first, then\n\
         # crates of the workspace with their sources, those that others build on first.\n\
         FROM target AS plan\nARG BUILDARCH\n{run}"
    )
}

/// The stage of a layer.
fn cook_layer(layer: usize, settings: &Settings) -> String {
    let stage = |layer: usize| match layer {
        _ if layer == settings.layers => "cook".to_owned(),
        layer => format!("cook-{layer}"),
    };
    let mut mounts = vec![
        format!("type=bind,from=plan,source=/plans/{layer}/sources,target={SOURCES},rw"),
        format!("type=bind,from=plan,source=/plans/{layer}/plan.json,target=/plan.json"),
        cargo_home(),
    ];
    let cook = format!("cargo larder cook --pack {PACKED} /plan.json");
    if layer == 0 {
        mounts.push(store(settings));
        let run = text::run(&mounts, &[cook]);
        return format!("{EXTERNAL}FROM target AS {}\nARG BUILDARCH\n{run}", stage(0));
    }
    let comment = match layer {
        1 => {
            "# Crates of the workspace: each layer is reused until one of its crates or of those below changes.\n\
             # A crate that cannot be built without the rest of the workspace is left to the build.\n"
        }
        _ => "",
    };
    mounts.push(store(settings));
    let run = text::run(&mounts, &[format!("{IMPORT} && {cook} --keep-going || true")]);
    format!("{comment}FROM {} AS {}\nARG BUILDARCH\n{run}", stage(layer - 1), stage(layer))
}

/// Gives the builder's store what a layer has.
const IMPORT: &str = "cargo larder import /packed";

fn layers(settings: &Settings, name: &str) -> String {
    let packed = format!("type=bind,from=cook,source={PACKED},target={PACKED},rw");
    build(settings, name, vec![packed], vec![IMPORT.to_owned()])
}

fn mount(settings: &Settings, name: &str) -> String {
    let stage = build(settings, name, Vec::new(), Vec::new());
    format!(
        "# The store is a cache mount: many builds may use it at once, and only what changed compiles.\n{stage}"
    )
}

/// The mount of the store. Target platforms share it, as they share build
/// scripts and proc-macros; build platforms and toolchains have their own.
fn store(settings: &Settings) -> String {
    let id = layout::store_id(&builder::image(settings));
    format!("type=cache,id={id}-$BUILDARCH,sharing=shared,target={STORE}")
}

/// A stage that builds with the builder's store, and has further mounts.
fn build(
    settings: &Settings,
    name: &str,
    further: Vec<String>,
    mut commands: Vec<String>,
) -> String {
    let mut mounts = mounts(settings);
    mounts.extend(further);
    commands.push(format!("cargo larder {}", words(settings)));
    commands.extend(image::collect(settings));
    format!(
        "FROM target AS {name}\nARG BUILDARCH\nARG SOURCE_DATE_EPOCH\n{}",
        text::run(&mounts, &commands)
    )
}
