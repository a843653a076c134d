//! The steps of a build as a graph.
//!
//! ```text
//! builder image ─▶ packages ─▶ toolchain ─┬─▶ plan ──▶ (read, named)
//!                                         │    │ the plan's bytes
//!                                         ├─▶ cook ──▶ the store, alone in a layer
//!                                         │              │
//!                       sources ──────────┴─▶ build ◀────┘ ──▶ target/
//! ```
//!
//! The builder's file system is never in a result: each step writes to a mount
//! of its own. What a step reads counts by content, so cooking is not repeated
//! while the plan has the same bytes. Cooking itself is in [`crate::cooked`].

use crate::cooked::Stores;
use crate::llb::{Exec, Executed, Graph, Named, Output};
use crate::options::Options;
use crate::place::Lines;
use crate::recipe::{Cache, Recipe, Wanted, lines};
use crate::settings::{Layering, Settings};
use bollard_buildkit_proto::pb;
use larder_docker::layout;

/// Where a step puts what is read afterwards.
const OUT: &str = "/out";

/// Name of the cook plan.
pub(crate) const PLAN: &str = "larder.plan";

/// Directory of a cook plan in parts.
pub(crate) const PARTS: &str = "cook";

/// Name of what cargo tells of the project.
pub(crate) const METADATA: &str = "metadata.json";

/// Name of larder's report of the tests.
pub(crate) const REPORT: &str = "report.json";

/// A builder that is ready: image, packages, toolchain, larder.
#[derive(Debug)]
pub(crate) struct Workshop<'a> {
    recipe: &'a Recipe,
    settings: &'a Settings,
    options: &'a Options,
    root: Output,
    larder: Output,
    sources: Output,
    contexts: Vec<(String, Output)>,
    environment: Vec<String>,
}

/// The images that a build begins with.
#[derive(Debug)]
pub(crate) struct Images {
    /// The image to build in.
    pub(crate) builder: Output,
    /// Its environment.
    pub(crate) environment: Vec<String>,
    /// The image with larder.
    pub(crate) larder: Output,
    /// The sources.
    pub(crate) sources: Output,
    /// Further sources, by their paths in the builder.
    pub(crate) contexts: Vec<(String, Output)>,
}

impl<'a> Workshop<'a> {
    /// Packages and toolchain on top of the builder image.
    pub(crate) fn new(
        graph: &mut Graph,
        recipe: &'a Recipe,
        settings: &'a Settings,
        options: &'a Options,
        images: Images,
    ) -> Self {
        let mut workshop = Self {
            recipe,
            settings,
            options,
            root: images.builder,
            larder: images.larder,
            sources: images.sources,
            contexts: images.contexts,
            environment: images.environment,
        };
        workshop.packages(graph);
        workshop.toolchain(graph);
        for (name, value) in recipe.variables() {
            set(&mut workshop.environment, &name, &value);
        }
        workshop
    }

    /// Debian's packages for building, and the cross compiler unless it is there.
    fn packages(&mut self, graph: &mut Graph) {
        let wanted = self.settings.build_packages.as_ref();
        if let Some(packages) = wanted.filter(|packages| !packages.value.is_empty()) {
            let script = install(&packages.value);
            let name = format!("[builder] install {}", packages.value.join(" "));
            self.prepare(graph, &script, Named::new(name).of(packages.lines.clone()));
        }
        if self.recipe.is_cross() && self.recipe.triple.is_some() {
            let platform = self.recipe.platform;
            let script = format!(
                "command -v {}-gcc >/dev/null && exit\n{}",
                platform.gcc,
                install(&platform.cross_packages())
            );
            let name = format!("[builder] cross compiler for {}", platform.docker);
            let lines = lines(&self.settings.targets).cloned();
            self.prepare(graph, &script, Named::new(name).of(lines));
        }
    }

    /// The toolchain of the project and the target's library. A builder without
    /// rustup has what it has.
    fn toolchain(&mut self, graph: &mut Graph) {
        if let Some(channel) = &self.recipe.channel {
            let script = format!(
                "command -v rustup >/dev/null || exit 0\n\
                 rustup toolchain install {channel} --no-self-update --profile minimal\n\
                 rustup default {channel}",
                channel = word(channel)
            );
            let named = Named::new(format!("[builder] toolchain {channel}"));
            self.prepare(graph, &script, named);
        }
        if let Some(triple) = self.recipe.triple {
            let script = format!(
                "test -d \"$(rustc --print target-libdir --target {triple})\" || rustup target add {triple}"
            );
            let lines = lines(&self.settings.targets).cloned();
            let named = Named::new(format!("[builder] standard library for {triple}")).of(lines);
            self.prepare(graph, &script, named);
        }
    }

    /// Runs a script whose changes to the builder stay.
    fn prepare(&mut self, graph: &mut Graph, script: &str, named: Named) {
        let mut exec = Exec::new(&self.root, shell(script));
        exec.environment(&self.environment);
        exec.proxies(self.options.proxies()).network(self.options.network);
        exec.memory("/var/lib/apt/lists");
        self.root = exec.add(graph, named).root();
    }

    /// A command with all that larder and cargo need, and these variables.
    pub(crate) fn command(
        &self,
        words: impl IntoIterator<Item = String>,
        variables: &[(&str, &str)],
    ) -> Exec {
        let mut exec = Exec::new(&self.root, words);
        let mut environment = self.environment.clone();
        for (name, value) in variables {
            set(&mut environment, name, value);
        }
        if self.settings.ssh.as_ref().is_some_and(|ssh| !ssh.value.is_empty()) {
            set(&mut environment, "SSH_AUTH_SOCK", &agent(0));
        }
        exec.environment(&environment);
        exec.proxies(self.options.proxies()).network(self.options.network);
        exec.read(&self.larder, "/cargo-larder", layout::LARDER);
        exec.cache(layout::CARGO_HOME_ID, layout::CARGO_HOME);
        for secret in self.settings.secrets.iter().flat_map(|secrets| &secrets.value) {
            match (&secret.env, &secret.path) {
                (Some(name), _) => exec.secret_variable(&secret.id, name),
                (None, Some(path)) => exec.secret_file(&secret.id, path),
                (None, None) => {
                    exec.secret_file(&secret.id, &format!("/run/secrets/{}", secret.id))
                }
            };
        }
        for (number, id) in self.settings.ssh.iter().flat_map(|ssh| &ssh.value).enumerate() {
            exec.ssh(id, &agent(number));
        }
        exec
    }

    /// Sources to work on; what is written beside them is thrown away.
    fn in_sources(&self, exec: &mut Exec) {
        exec.borrow(&self.sources, layout::SOURCES).directory(layout::SOURCES);
        for (place, context) in &self.contexts {
            exec.borrow(context, place);
        }
    }

    /// A directory with the cook plan and what cargo tells of the project.
    pub(crate) fn plan(&self, graph: &mut Graph, wanted: Wanted) -> Output {
        let mut words = self.recipe.words(wanted);
        if wanted == Wanted::Tests {
            words.push("--no-run".into());
        }
        let command = sentence(&words);
        let output = match split(self.recipe, wanted) {
            None => format!("-o {OUT}/{PLAN}"),
            Some(split) => format!("--split {split} -o {OUT}/{PARTS}"),
        };
        let script = format!(
            "cargo metadata --no-deps --format-version=1 >{OUT}/{METADATA}\n\
             cargo larder plan {output} -- {command}"
        );
        let mut exec = self.command(shell(&script), &[]);
        self.in_sources(&mut exec);
        // Not for results: what is known of the toolchain is there.
        exec.cache(&self.recipe.store_id(), layout::STORE);
        exec.memory(layout::TARGET);
        let out = exec.output(None, OUT);
        let name = format!("{}cargo larder plan -- {command}", self.stage("plan"));
        // Cargo refuses what these ask for while it plans.
        let settings = self.settings;
        let lines = [
            lines(&settings.bins),
            lines(&settings.profile),
            lines(&settings.features),
            lines(&settings.targets),
        ];
        exec.add(graph, Named::new(name).of(lines.into_iter().flatten().cloned())).output(out)
    }

    /// What cargo's target directory has after the build.
    pub(crate) fn build(&self, graph: &mut Graph, stores: &Stores) -> Output {
        let words = self.recipe.words(Wanted::Image);
        let mut exec = self.work(&words, stores);
        let target = exec.output(None, layout::TARGET);
        self.finish(graph, exec, "build", &words).output(target)
    }

    /// Larder's report, if the tests pass.
    pub(crate) fn test(&self, graph: &mut Graph, stores: &Stores) -> Output {
        let mut words = self.recipe.words(Wanted::Tests);
        words.extend(["--report".into(), format!("{OUT}/{REPORT}")]);
        let mut exec = self.work(&words, stores);
        exec.memory(layout::TARGET);
        let out = exec.output(None, OUT);
        self.finish(graph, exec, "test", &words).output(out)
    }

    fn work(&self, words: &[String], stores: &Stores) -> Exec {
        let mut command = vec!["cargo".to_owned(), "larder".to_owned()];
        command.extend_from_slice(words);
        let mut exec = self.with_stores(command, stores);
        self.in_sources(&mut exec);
        exec
    }

    fn finish(&self, graph: &mut Graph, exec: Exec, stage: &str, words: &[String]) -> Executed {
        let name = format!("{}cargo larder {}", self.stage(stage), sentence(words));
        exec.add(graph, Named::new(name))
    }

    /// `[build]`, or `[build linux/arm64]` of several platforms.
    pub(crate) fn stage(&self, stage: &str) -> String {
        if self.options.platforms.len() > 1 {
            format!("[{stage} {}] ", self.recipe.platform.docker)
        } else {
            format!("[{stage}] ")
        }
    }

    /// What is built, and how.
    pub(crate) fn recipe(&self) -> &Recipe {
        self.recipe
    }

    /// The builder's certificates are for images that have none.
    pub(crate) fn root(&self) -> &Output {
        &self.root
    }
}

/// Debian packages on top of an image that is to run.
pub(crate) fn with_packages(
    graph: &mut Graph,
    base: &Output,
    environment: &[String],
    packages: &[String],
    options: &Options,
    at: Option<Lines>,
) -> Output {
    let mut exec = Exec::new(base, shell(&install(packages)));
    exec.environment(environment);
    exec.proxies(options.proxies()).network(options.network);
    exec.memory("/var/lib/apt/lists").memory("/var/cache/apt").memory("/var/log");
    let name = format!("[image] install {}", packages.join(" "));
    exec.add(graph, Named::new(name).of(at)).root()
}

/// The platform as the builder has it.
pub(crate) fn platform(platform: &larder_docker::platform::Platform) -> pb::Platform {
    let mut parts = platform.docker.split('/').map(str::to_owned);
    pb::Platform {
        os: parts.next().unwrap_or_default(),
        architecture: parts.next().unwrap_or_default(),
        variant: parts.next().unwrap_or_default(),
        ..pb::Platform::default()
    }
}

/// How the plan is divided, in the words of `--split`.
pub(crate) fn split(recipe: &Recipe, wanted: Wanted) -> Option<String> {
    if recipe.cache == Cache::Mount || wanted == Wanted::Plan {
        return None;
    }
    match recipe.layers {
        Layering::Layers(0 | 1) => None,
        Layering::Layers(count) => Some(count.to_string()),
        Layering::Crates => Some("crates".to_owned()),
    }
}

/// Sets a variable of an environment.
fn set(environment: &mut Vec<String>, name: &str, value: &str) {
    environment.retain(|known| known.split('=').next() != Some(name));
    environment.push(format!("{name}={value}"));
}

/// The socket of an ssh agent.
fn agent(number: usize) -> String {
    format!("/run/buildkit/ssh_agent.{number}")
}

/// A script that ends with its first failure.
pub(crate) fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-euc", script].map(str::to_owned).to_vec()
}

fn install(packages: &[String]) -> String {
    format!(
        "export DEBIAN_FRONTEND=noninteractive\napt-get update\n\
         apt-get install -y --no-install-recommends -- {}",
        sentence(packages)
    )
}

/// The words as a line of a shell.
pub(crate) fn sentence(words: &[String]) -> String {
    words.iter().map(|word| self::word(word)).collect::<Vec<_>>().join(" ")
}

/// A word of a shell's command line.
fn word(word: &str) -> String {
    larder_docker::command::word(word)
}
