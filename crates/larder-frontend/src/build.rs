//! A build, from the options to what is handed back.

use crate::context::{self, Context};
use crate::cooked::Stores;
use crate::failure::Failure;
use crate::gateway::{Abilities, Answer, Gateway, ImageConfig, Solved};
use crate::image::Image;
use crate::llb::{Copy, Graph, Named, Output, copy, image, merge, normalised};
use crate::options::Options;
use crate::recipe::{self, Cache, Recipe, Wanted, lines};
use crate::settings::{Bin, Found, Settings, read};
use crate::steps::{self, Images, PARTS, PLAN, Workshop};
use larder_docker::platform::Platform;
use larder_docker::project::Project;
use larder_docker::{layout, outside};
use larder_schema::cook::CookPlan;
use larder_schema::cook_parts::CookParts;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a builder must understand; everything else has a fallback.
const NEEDED: &[&str] =
    &["source.local", "exec.mount.bind", "exec.mount.cache", "exec.mount.tmpfs", "file.base"];

/// What makes the image's layer independent of its base.
const MERGE: &str = "mergeop";

/// One build.
#[derive(Debug)]
struct Build<'a> {
    gateway: &'a mut Gateway,
    graph: Graph,
    options: &'a Options,
    abilities: Abilities,
    context: Context,
    found: Found,
    wanted: Wanted,
}

/// Builds what is asked for.
pub(crate) async fn run(gateway: &mut Gateway, options: &Options) -> Result<Answer, Failure> {
    if let Some(request) = &options.request {
        return Err(Failure::Request(request.clone()));
    }
    let wanted = Wanted::of(options.target.as_deref())?;
    gateway.import_caches(options);
    let abilities = gateway.abilities().await?;
    if let Some(missing) = NEEDED.iter().find(|capability| !abilities.has(capability)) {
        return Err(Failure::text(format!(
            "this BuildKit has no `{missing}`, which larder needs: use a newer one"
        )));
    }
    let mut graph = Graph::new(options.no_cache);
    let context = Context::read(gateway, &mut graph, options).await?;
    let Context { built, root, members, .. } = &context;
    let found = read(built, root.as_ref(), members, &options.build_args)?;
    let host = host(&abilities)?;
    let platforms = recipe::platforms(options, host)?;
    let mut build = Build { gateway, graph, options, abilities, context, found, wanted };

    let mut metadata = BTreeMap::new();
    let mut results = Vec::new();
    let by_platform = platforms.len() > 1;
    for platform in &platforms {
        let (solved, config) = build.platform(platform, host).await?;
        if let Some(config) = config {
            let key = "containerimage.config".to_owned();
            let key = if by_platform { format!("{key}/{}", platform.docker) } else { key };
            metadata.insert(key, config.to_string().into_bytes());
        }
        results.push((platform.docker.to_owned(), solved));
    }
    if by_platform {
        let entries: Vec<Value> = platforms.iter().map(|platform| entry(platform)).collect();
        let platforms = json!({ "Platforms": entries });
        metadata.insert("refs.platforms".to_owned(), platforms.to_string().into_bytes());
    }
    Ok(Answer { results, metadata, by_platform })
}

/// The platform that builds.
fn host(abilities: &Abilities) -> Result<&'static Platform, Failure> {
    let platform = &abilities.platform;
    let mut name = format!("{}/{}", platform.os, platform.architecture);
    if platform.architecture == "arm" {
        name = format!("{name}/{}", platform.variant);
    }
    name.parse().map_err(|error| Failure::text(format!("the builder's own platform: {error}")))
}

/// A platform as exporters read it.
fn entry(platform: &Platform) -> Value {
    let parts = steps::platform(platform);
    json!({ "ID": platform.docker, "Platform": {
        "os": parts.os, "architecture": parts.architecture, "variant": parts.variant,
    }})
}

impl Build<'_> {
    /// What is asked for, for one platform, and the image's configuration.
    async fn platform(
        &mut self,
        platform: &'static Platform,
        host: &'static Platform,
    ) -> Result<(Solved, Option<Value>), Failure> {
        let settings = self.found.settings.clone();
        let recipe = Recipe::new(&self.found, &self.context, platform, host)?;
        let images = self.images(&recipe, &settings).await?;
        let workshop = Workshop::new(&mut self.graph, &recipe, &settings, self.options, images);

        let plan = workshop.plan(&mut self.graph, self.wanted);
        let planned = self.gateway.solve(self.graph.definition(&plan), true).await?;
        let project = self.project(&planned).await?;
        let stores = self.stores(&workshop, &plan, &planned).await?;
        let package = recipe.package.as_deref();
        let (output, config) = match self.wanted {
            Wanted::Plan => {
                let file = file(&plan, format!("/{PLAN}"), format!("/{PLAN}"));
                let named = Named::new("[plan] the cook plan");
                (copy(&mut self.graph, None, &[file], self.options.epoch()?, named), None)
            }
            Wanted::Tests => (workshop.test(&mut self.graph, &stores), None),
            Wanted::Binaries => {
                let bins = binaries(&project, &recipe, &settings)?;
                let target = workshop.build(&mut self.graph, &stores);
                let files: Vec<_> = bins
                    .iter()
                    .map(|bin| {
                        let name = &bin.name;
                        file(&target, format!("{}/{name}", recipe.delivered()), format!("/{name}"))
                    })
                    .collect();
                let named = Named::new("[binaries] copy");
                (copy(&mut self.graph, None, &files, self.options.epoch()?, named), None)
            }
            Wanted::Image => {
                let bins = binaries(&project, &recipe, &settings)?;
                let target = workshop.build(&mut self.graph, &stores);
                let labels = project.labels(package);
                let (output, config) =
                    self.image(&recipe, &settings, &workshop, &target, &bins, labels).await?;
                (output, Some(config))
            }
        };
        let solved = self.gateway.solve(self.graph.definition(&output), false).await?;
        Ok((solved, config))
    }

    /// The images that a build begins with.
    async fn images(&mut self, recipe: &Recipe, settings: &Settings) -> Result<Images, Failure> {
        let host = steps::platform(recipe.host);
        let at = lines(&settings.builder);
        let name = normalised(&recipe.builder);
        let log = format!("[builder] load {}", recipe.builder);
        let builder = self.resolve(&name, recipe.host, &log, at).await?;
        let larder = settings.larder.as_ref().map(|larder| larder.value.as_str());
        let larder = larder.or(self.options.source.as_deref()).ok_or_else(|| {
            Failure::text("BuildKit does not say which image this is: name one that has larder, with --build-arg LARDER_LARDER=IMAGE")
        })?;
        let named = Named::new(log).of(at.cloned());
        let env = builder.config["config"]["Env"].as_array().cloned().unwrap_or_default();
        let from = lines(&settings.larder).cloned();
        let named_larder = Named::new(format!("[builder] load {larder}")).of(from);
        Ok(Images {
            builder: image(&mut self.graph, &builder.reference, Some(&host), named),
            environment: env.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            larder: image(&mut self.graph, &normalised(larder), Some(&host), named_larder),
            sources: self.context.sources.clone(),
            contexts: self.contexts(settings)?,
        })
    }

    /// The build contexts that a setting has paths for.
    fn contexts(&mut self, settings: &Settings) -> Result<Vec<(String, Output)>, Failure> {
        let at = lines(&settings.contexts);
        let named = settings.contexts.iter().flat_map(|contexts| &contexts.value);
        named
            .map(|(name, path)| {
                let place = outside::place(path).ok_or_else(|| {
                    let text =
                        format!("`contexts` has no path from the workspace's root: `{path}`");
                    Failure::at(text, at)
                })?;
                Ok((place, context::named(&mut self.graph, self.options, name, at)?))
            })
            .collect()
    }

    /// An image that a setting names; its failure is that of the setting.
    async fn resolve(
        &mut self,
        name: &str,
        platform: &Platform,
        log: &str,
        at: Option<&crate::place::Lines>,
    ) -> Result<ImageConfig, Failure> {
        let wanted = steps::platform(platform);
        let mode = self.options.resolve_mode.as_str();
        let resolved = self.gateway.image_config(name, Some(&wanted), mode, log.to_owned()).await;
        resolved.map_err(|failure| match at {
            Some(_) => Failure::at(failure.to_string(), at),
            None => failure,
        })
    }

    /// What cargo tells of the project.
    async fn project(&mut self, planned: &Solved) -> Result<Project, Failure> {
        let json = self.gateway.read(planned, &format!("/{}", steps::METADATA)).await?;
        Project::from_json(&json)
            .map_err(|error| Failure::text(format!("cannot read cargo's metadata: {error}")))
    }

    /// Where the build finds external units: steps that cook them, unless there
    /// is nothing to cook.
    async fn stores(
        &mut self,
        workshop: &Workshop<'_>,
        plan: &Output,
        planned: &Solved,
    ) -> Result<Stores, Failure> {
        let recipe = workshop.recipe();
        if self.wanted == Wanted::Plan || recipe.cache == Cache::Mount {
            return Ok(workshop.uncooked());
        }
        let unreadable = |error: &dyn std::fmt::Display| {
            Failure::text(format!("cannot read the cook plan: {error}"))
        };
        if steps::split(recipe, self.wanted).is_some() {
            let bytes = self.gateway.read(planned, &format!("/{PARTS}/parts.json")).await?;
            let list = CookParts::from_bytes(&bytes).map_err(|error| unreadable(&error))?;
            return Ok(if list.parts.is_empty() {
                workshop.uncooked()
            } else {
                workshop.cook_parts(&mut self.graph, plan, &list)
            });
        }
        let bytes = self.gateway.read(planned, &format!("/{PLAN}")).await?;
        let read = CookPlan::from_bytes(&bytes).map_err(|error| unreadable(&error))?;
        let (units, crates) = (read.units.len(), read.packages.len());
        if units == 0 {
            return Ok(workshop.uncooked());
        }
        let what = format!("{units} units of {crates} external crates");
        Ok(workshop.cook(&mut self.graph, plan, &what))
    }

    /// The image, and its configuration.
    async fn image(
        &mut self,
        recipe: &Recipe,
        settings: &Settings,
        workshop: &Workshop<'_>,
        target: &Output,
        bins: &[Bin],
        labels: Vec<(String, String)>,
    ) -> Result<(Output, Value), Failure> {
        let seconds = self.options.epoch()?;
        let base = match &recipe.base {
            None => None,
            Some(name) => Some(self.base(name, recipe, settings).await?),
        };
        let mut files: Vec<Copy<'_>> = bins
            .iter()
            .map(|bin| {
                file(target, format!("{}/{}", recipe.delivered(), bin.name), destination(bin))
            })
            .collect();
        if base.is_none() {
            let certificates = layout::CERTIFICATES.to_owned();
            files.push(file(workshop.root(), certificates.clone(), certificates));
        }
        let names: Vec<_> = bins.iter().map(|bin| bin.name.as_str()).collect();
        let step = format!("copy {}", names.join(" "));
        let named = Named::new(format!("[image] {step}")).of(lines(&settings.bins).cloned());
        let output = match &base {
            Some((base, _)) if !self.abilities.has(MERGE) => {
                copy(&mut self.graph, Some(base), &files, seconds, named)
            }
            base => {
                let files = copy(&mut self.graph, None, &files, seconds, named);
                match base {
                    Some((base, _)) => {
                        merge(&mut self.graph, base, &files, Named::new("[image] merge"))
                    }
                    None => files,
                }
            }
        };
        let image = described(settings, self.options, bins, labels, step);
        let config =
            image.config(base.as_ref().map(|(_, config)| config), recipe.platform, seconds);
        Ok((output, config))
    }

    /// The image to build on, with its packages, and its configuration.
    async fn base(
        &mut self,
        name: &str,
        recipe: &Recipe,
        settings: &Settings,
    ) -> Result<(Output, Value), Failure> {
        let at = lines(&settings.base);
        let log = format!("[image] load {name}");
        let resolved = self.resolve(&normalised(name), recipe.platform, &log, at).await?;
        let platform = steps::platform(recipe.platform);
        let named = Named::new(log).of(at.cloned());
        let mut base = image(&mut self.graph, &resolved.reference, Some(&platform), named);
        if let Some(packages) = &settings.run_packages
            && !packages.value.is_empty()
        {
            let env = resolved.config["config"]["Env"].as_array().cloned().unwrap_or_default();
            let env: Vec<_> = env.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let at = packages.lines.clone();
            let list = &packages.value;
            base = steps::with_packages(&mut self.graph, &base, &env, list, self.options, at);
        }
        Ok((base, resolved.config))
    }
}

/// The binaries of the image, the first one first.
fn binaries(project: &Project, recipe: &Recipe, settings: &Settings) -> Result<Vec<Bin>, Failure> {
    let asked: Vec<String> = recipe.bins.iter().map(|bin| bin.name.clone()).collect();
    let names = project
        .binaries(recipe.package.as_deref(), &asked)
        .map_err(|error| Failure::at(error.to_string(), lines(&settings.bins)))?;
    Ok(if recipe.bins.is_empty() {
        names.into_iter().map(|name| Bin { name, path: None }).collect()
    } else {
        recipe.bins.clone()
    })
}

fn file(from: &Output, source: String, dest: String) -> Copy<'_> {
    Copy { from, source, dest }
}

/// The path of a binary in the image.
fn destination(bin: &Bin) -> String {
    bin.path.clone().unwrap_or_else(|| format!("{}/{}", layout::BIN, bin.name))
}

/// What the settings say of the image.
fn described(
    settings: &Settings,
    options: &Options,
    bins: &[Bin],
    labels: Vec<(String, String)>,
    step: String,
) -> Image {
    fn value<T: Clone + Default>(setting: &Option<crate::settings::Located<T>>) -> T {
        setting.as_ref().map(|located| located.value.clone()).unwrap_or_default()
    }
    let text = |setting: &Option<crate::settings::Located<String>>| {
        setting.as_ref().map(|located| located.value.clone())
    };
    let user = || format!("{user}:{user}", user = layout::USER);
    let mut all: BTreeMap<String, String> = labels.into_iter().collect();
    all.extend(value(&settings.labels));
    all.extend(options.labels.clone());
    let mut entrypoint = value(&settings.entrypoint);
    if settings.entrypoint.is_none() {
        entrypoint.extend(bins.first().map(destination));
    }
    Image {
        user: Some(text(&settings.user).unwrap_or_else(user)),
        workdir: text(&settings.workdir),
        entrypoint,
        args: value(&settings.args),
        env: value(&settings.env),
        ports: value(&settings.expose).into_iter().map(|port| port.0).collect(),
        volumes: value(&settings.volumes),
        labels: all,
        stop_signal: text(&settings.stop_signal),
        steps: vec![step],
    }
}
