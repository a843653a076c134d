//! The unit graph with what belongs to each unit beside it, and the check that
//! larder models all of it.

use crate::input::{GraphTarget, GraphUnit, Inputs, Manifest, TargetInfo};
use crate::symbolic::Symbols;
use crate::unsupported::{SUPPORTED_CARGO, Unsupported};
use crate::{crate_type, mode};
use larder_schema::plan::{Mode, Profile, Source, UnitIndex};
use std::collections::{BTreeMap, BTreeSet};

/// Kind of a target, as cargo's manifests have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lib,
    Bin,
    Test,
    Bench,
    ExampleLib,
    ExampleBin,
    CustomBuild,
}

impl Kind {
    pub(crate) fn of(target: &GraphTarget) -> Self {
        match target.kind.first().map(String::as_str) {
            Some("bin") => Self::Bin,
            Some("test") => Self::Test,
            Some("bench") => Self::Bench,
            Some("custom-build") => Self::CustomBuild,
            Some("example") if target.crate_types.iter().all(|t| t == "bin") => Self::ExampleBin,
            Some("example") => Self::ExampleLib,
            _ => Self::Lib,
        }
    }
}

/// A unit with everything that concerns it.
pub(crate) struct View<'a> {
    pub(crate) index: UnitIndex,
    pub(crate) unit: &'a GraphUnit,
    pub(crate) manifest: &'a Manifest,
    pub(crate) source: &'a Source,
    pub(crate) info: &'a TargetInfo,
    pub(crate) kind: Kind,
    pub(crate) mode: Mode,
    pub(crate) profile: Profile,
    /// A proc-macro or a build script.
    pub(crate) for_host: bool,
    pub(crate) harness: bool,
    pub(crate) root: bool,
    /// Its package is that of a root.
    pub(crate) primary: bool,
    /// Its package is a member of the workspace.
    pub(crate) member: bool,
    /// Position of its package in cargo's order of packages.
    pub(crate) rank: usize,
}

impl View<'_> {
    pub(crate) fn crate_name(&self) -> String {
        self.unit.target.name.replace('-', "_")
    }

    pub(crate) fn crate_types(&self) -> &[String] {
        &self.unit.target.crate_types
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self.source, Source::Path { .. })
    }

    pub(crate) fn is_run(&self) -> bool {
        self.mode == Mode::RunCustomBuild
    }

    pub(crate) fn is_check(&self) -> bool {
        matches!(self.mode, Mode::Check | Mode::CheckTest)
    }

    pub(crate) fn is_any_test(&self) -> bool {
        matches!(self.mode, Mode::Test | Mode::CheckTest | Mode::Doctest)
    }

    /// A library that has a crate type others link to.
    pub(crate) fn is_linkable(&self) -> bool {
        self.kind == Kind::Lib && self.crate_types().iter().any(|t| crate_type::is_linkable(t))
    }

    pub(crate) fn has_library_type(&self, name: &str) -> bool {
        self.kind == Kind::Lib && self.crate_types().iter().any(|t| t == name)
    }

    pub(crate) fn is_executable(&self) -> bool {
        matches!(self.kind, Kind::Bin | Kind::ExampleBin)
    }

    pub(crate) fn is_proc_macro(&self) -> bool {
        self.for_host && self.kind != Kind::CustomBuild
    }

    pub(crate) fn requires_upstream_objects(&self) -> bool {
        self.is_any_test()
            || match self.kind {
                Kind::Lib | Kind::ExampleLib => {
                    self.crate_types().iter().any(|t| crate_type::requires_upstream_objects(t))
                }
                _ => true,
            }
    }

    pub(crate) fn shows_warnings(&self, verbose: u8) -> bool {
        self.is_local() || verbose > 1
    }

    pub(crate) fn place(&self) -> String {
        format!("package `{}`", self.manifest.name)
    }
}

/// The whole graph.
pub(crate) struct Graph<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) symbols: Symbols,
    pub(crate) units: Vec<View<'a>>,
    /// Directory of the requested profile: `debug`, `release` or its name.
    pub(crate) profile_dir: String,
    /// `cargo check` and its like, which deliver nothing.
    pub(crate) check_intent: bool,
}

impl<'a> Graph<'a> {
    pub(crate) fn new(inputs: &'a Inputs) -> Result<Self, Unsupported> {
        let graph = &inputs.graph;
        let command = || format!("cargo {}", inputs.command.name);
        if graph.version != 1 {
            return Err(Unsupported::new(format!("unit graph {}", graph.version), command()));
        }
        if !SUPPORTED_CARGO.iter().any(|v| inputs.cargo_version.starts_with(v)) {
            return Err(Unsupported::new(format!("cargo {}", inputs.cargo_version), command()));
        }
        let modes = mode::modes(inputs)?;
        let members: BTreeSet<&str> = inputs.members.iter().map(String::as_str).collect();
        let primary: BTreeSet<&str> =
            graph.roots.iter().map(|&root| graph.units[root].pkg_id.as_str()).collect();
        let roots: BTreeSet<UnitIndex> = graph.roots.iter().copied().collect();
        let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
        let mut units = Vec::with_capacity(graph.units.len());
        for (index, unit) in graph.units.iter().enumerate() {
            let id = unit.pkg_id.as_str();
            let missing = |what: &str| Unsupported::new(what, format!("package `{id}`"));
            let manifest =
                inputs.manifests.get(id).ok_or_else(|| missing("a manifest that was not read"))?;
            let source = inputs.sources.get(id).ok_or_else(|| missing("an unknown source"))?;
            let info = match &unit.platform {
                None => &inputs.host,
                Some(platform) => inputs
                    .targets
                    .get(platform)
                    .ok_or_else(|| missing(&format!("the platform `{platform}`")))?,
            };
            let kind = Kind::of(&unit.target);
            let next = ranks.len();
            let rank = *ranks.entry(id).or_insert(next);
            let view = View {
                index,
                unit,
                manifest,
                source,
                info,
                kind,
                mode: modes[index],
                profile: profile(unit),
                for_host: kind == Kind::CustomBuild
                    || (kind == Kind::Lib
                        && (unit.target.kind.iter().any(|k| k == "proc-macro")
                            || manifest.targets.iter().any(|t| t.kind == "lib" && t.proc_macro))),
                harness: harness(unit, kind, manifest),
                root: roots.contains(&index),
                primary: primary.contains(id),
                member: members.contains(id),
                rank,
            };
            refuse(&view)?;
            units.push(view);
        }
        let check_intent = graph.roots.iter().any(|&root| graph.units[root].mode == "check");
        Ok(Self {
            inputs,
            symbols: Symbols::new(&inputs.roots),
            profile_dir: profile_dir(inputs),
            units,
            check_intent,
        })
    }

    /// The units that `view` depends on, in cargo's order.
    pub(crate) fn deps<'g>(&'g self, view: &View<'_>) -> impl Iterator<Item = &'g View<'a>> {
        view.unit.dependencies.iter().map(|dep| &self.units[dep.index])
    }

    /// Runs of the build scripts of the unit's own package.
    pub(crate) fn own_runs(&self, view: &View<'_>) -> Vec<UnitIndex> {
        self.deps(view)
            .filter(|dep| dep.is_run() && dep.unit.pkg_id == view.unit.pkg_id)
            .map(|dep| dep.index)
            .collect()
    }

    /// Whether `parent` is content with the metadata of `dep`.
    pub(crate) fn only_requires_rmeta(&self, parent: &View<'_>, dep: &View<'_>) -> bool {
        parent.mode == Mode::Build
            && !parent.requires_upstream_objects()
            && dep.mode == Mode::Build
            && !dep.requires_upstream_objects()
    }

    /// `[triple/]profile`, relative to the target directory.
    pub(crate) fn dest(&self, view: &View<'_>) -> String {
        match view.unit.platform {
            None => self.profile_dir.clone(),
            Some(_) => format!("{}/{}", view.info.triple, self.profile_dir),
        }
    }
}

/// Refuses what is not modelled.
fn refuse(view: &View<'_>) -> Result<(), Unsupported> {
    let unit = view.unit;
    let no = |what: String| Err(Unsupported::new(what, view.place()));
    if unit.is_std || unit.dependencies.iter().any(|dep| dep.noprelude) {
        return no("`-Z build-std`".into());
    }
    if let Some(backend) = &unit.profile.codegen_backend {
        return no(format!("the profile's `codegen-backend = \"{backend}\"`"));
    }
    if let Some(field) = unit.profile.rest.keys().next() {
        return no(format!("the profile's `{}`", field.replace('_', "-")));
    }
    if !matches!(unit.profile.panic.as_str(), "unwind" | "abort") {
        return no(format!("the profile's `panic = \"{}\"`", unit.profile.panic));
    }
    if view.manifest.artifact_dependencies
        || view.manifest.dependencies.iter().any(|dep| dep.artifact)
    {
        return no("an artifact dependency".into());
    }
    if let Some(key) = view.manifest.unstable.first() {
        return no(format!("the unstable manifest key `{key}`"));
    }
    Ok(())
}

/// Whether the libtest harness is used: `harness` of the target's section.
fn harness(unit: &GraphUnit, kind: Kind, manifest: &Manifest) -> bool {
    let section = match kind {
        Kind::Lib => "lib",
        Kind::Bin => "bin",
        Kind::Test => "test",
        Kind::Bench => "bench",
        Kind::ExampleLib | Kind::ExampleBin => "example",
        Kind::CustomBuild => "custom-build",
    };
    manifest
        .targets
        .iter()
        .find(|t| t.kind == section && (kind == Kind::Lib || t.name == unit.target.name))
        .is_none_or(|t| t.harness)
}

fn profile(unit: &GraphUnit) -> Profile {
    let graph = &unit.profile;
    let debuginfo = match &graph.debuginfo {
        serde_json::Value::String(name) if name == "none" => "0".to_owned(),
        serde_json::Value::String(name) => name.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => "0".to_owned(),
    };
    let strip = match graph.strip.as_object().and_then(|o| o.values().next()) {
        Some(serde_json::Value::Object(named)) => {
            named.values().next().and_then(|v| v.as_str()).unwrap_or("none").to_owned()
        }
        _ => "none".to_owned(),
    };
    Profile {
        name: graph.name.clone(),
        opt_level: graph.opt_level.clone(),
        lto: graph.lto.clone(),
        codegen_units: graph.codegen_units,
        debuginfo,
        split_debuginfo: graph.split_debuginfo.clone(),
        debug_assertions: graph.debug_assertions,
        overflow_checks: graph.overflow_checks,
        rpath: graph.rpath,
        incremental: graph.incremental,
        panic: graph.panic.clone(),
        strip,
    }
}

/// Cargo's directory for the requested profile. All units carry its name.
fn profile_dir(inputs: &Inputs) -> String {
    match requested_profile(inputs) {
        "dev" | "test" => "debug".to_owned(),
        "bench" => "release".to_owned(),
        name => name.to_owned(),
    }
}

/// Name of the requested profile.
pub(crate) fn requested_profile(inputs: &Inputs) -> &str {
    let graph = &inputs.graph;
    let unit = graph.roots.first().map(|&root| &graph.units[root]).or(graph.units.first());
    unit.map_or("dev", |unit| unit.profile.name.as_str())
}
