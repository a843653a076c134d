//! The Dockerfiles that are compared. Each has the same builder, the same
//! runtime image and the same mount with cargo's downloads.

use super::project::Project;
use clap::ValueEnum;
use serde::Serialize;
use std::fmt::Write;

/// A way to build an image of a Rust project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Approach {
    /// `COPY . .` and `cargo build`.
    Naive,
    /// Manifests and empty sources first, the real ones afterwards.
    Dummy,
    /// cargo-chef, as its documentation says.
    Chef,
    /// `COPY . .` and `cargo build` with a cache mount on `target/`.
    TargetMount,
    /// `cargo larder dockerfile --cache layers`.
    Layers,
    /// `cargo larder dockerfile --cache mount`.
    Mount,
}

impl Approach {
    /// As on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Approach::Naive => "naive",
            Approach::Dummy => "dummy",
            Approach::Chef => "chef",
            Approach::TargetMount => "target-mount",
            Approach::Layers => "layers",
            Approach::Mount => "mount",
        }
    }

    /// The stage that holds what dependencies became, where there is one.
    pub(super) fn cook_stage(self) -> Option<&'static str> {
        match self {
            Approach::Dummy | Approach::Chef | Approach::Layers => Some("cook"),
            _ => None,
        }
    }

    /// What larder's generator is asked for.
    pub(super) fn larder(self) -> Option<&'static str> {
        match self {
            Approach::Layers => Some("layers"),
            Approach::Mount => Some("mount"),
            _ => None,
        }
    }

    /// The Dockerfile of the others. Cargo says every command that it runs, so
    /// that units can be counted. `nonce` names mounts of this round.
    pub(super) fn dockerfile(
        self,
        project: &Project,
        builder: &str,
        runtime: &str,
        nonce: &str,
    ) -> String {
        let bin = project.binary();
        let profile = if project.dev { "" } else { " --release" };
        let out = if project.dev { "debug" } else { "release" };
        let home = "RUN --mount=type=cache,id=larder-cargo-home,sharing=shared,target=/cargo";
        let build = format!("cargo build --locked{profile} --bin {bin}");
        let install = format!("install -Dt /out/usr/local/bin target/{out}/{bin}");
        let mut text = format!(
            "FROM {builder} AS base\nSHELL [\"/bin/bash\", \"-euo\", \"pipefail\", \"-c\"]\n\
             ENV CARGO_HOME=/cargo CARGO_TERM_VERBOSE=true\nWORKDIR /src\n"
        );
        let rest = match self {
            Approach::Dummy => format!(
                "FROM base AS cook\n{}{home} {build}\n\
                 FROM cook AS build\nCOPY . .\n{home} {} && {build} && {install}\n",
                dummies(project),
                touch(project)
            ),
            Approach::Chef => format!(
                "COPY --from=chef /cargo-chef /usr/local/bin/cargo-chef\n\
                 FROM base AS planner\nCOPY . .\n{home} cargo chef prepare --recipe-path recipe.json\n\
                 FROM base AS cook\nCOPY --from=planner /src/recipe.json recipe.json\n\
                 {home} cargo chef cook --locked{profile} --bin {bin} --recipe-path recipe.json\n\
                 FROM cook AS build\nCOPY . .\n{home} {build} && {install}\n"
            ),
            Approach::TargetMount => format!(
                "FROM base AS build\nCOPY . .\n{home} \\\n    \
                 --mount=type=cache,id=larder-bench-{nonce},target=/src/target \\\n    \
                 {build} && {install}\n"
            ),
            _ => format!("FROM base AS build\nCOPY . .\n{home} {build} && {install}\n"),
        };
        text.push_str(&rest);
        let _ = write!(
            text,
            "FROM {runtime}\nCOPY --link --from=build /out/ /\nENTRYPOINT [\"/usr/local/bin/{bin}\"]\n"
        );
        text
    }
}

/// What a careful author writes: every manifest, and an empty file for every
/// target. A new member needs new lines here.
fn dummies(project: &Project) -> String {
    let mut text = String::from("COPY Cargo.toml Cargo.lock ./\n");
    for member in &project.members() {
        let _ = writeln!(text, "COPY {member}/Cargo.toml {member}/");
    }
    let mut commands = Vec::new();
    for file in project.targets() {
        let parent = file.rsplit_once('/').map_or(".", |(parent, _)| parent);
        let is_lib = file.ends_with("lib.rs");
        let body = if is_lib { "" } else { "fn main() {}" };
        commands.push(format!("mkdir -p {parent} && echo '{body}' > {file}"));
    }
    let _ = writeln!(text, "RUN {}", commands.join(" && \\\n    "));
    text
}

/// The real sources may be older than the empty ones were built.
fn touch(project: &Project) -> String {
    format!("touch {}", project.targets().join(" "))
}
