//! What the tokens of a plan stand for in this build: directories of results,
//! hashes, delivered files.

use crate::telling::Machine;
use larder_key::Identities;
use larder_schema::plan::{Plan, Template, UnitIndex};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Knows every place of one build. Result directories are added while it
/// runs.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    plan: &'a Plan,
    identities: &'a Identities,
    extras: Vec<String>,
    machine: Machine,
    dirs: RwLock<Vec<Option<PathBuf>>>,
}

impl<'a> Places<'a> {
    /// For a plan.
    #[must_use]
    pub(crate) fn new(plan: &'a Plan, identities: &'a Identities) -> Self {
        let extras = (0..plan.units.len()).map(|u| identities.extra_filename(plan, u)).collect();
        let dirs = RwLock::new(vec![None; plan.units.len()]);
        Self { plan, identities, extras, machine: Machine::default(), dirs }
    }

    /// Says what tells of this machine.
    #[must_use]
    pub(crate) fn on(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    /// What tells of this machine.
    #[must_use]
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Says where the outputs of a unit are (for runs: the `OUT_DIR`).
    pub(crate) fn set_dir(&self, unit: UnitIndex, dir: &Path) {
        let mut dirs = self.dirs.write().unwrap_or_else(PoisonError::into_inner);
        dirs[unit] = Some(dir.to_owned());
    }

    /// Where the outputs of a unit are, if they are there.
    #[must_use]
    pub(crate) fn dir(&self, unit: UnitIndex) -> Option<PathBuf> {
        let dirs = self.dirs.read().unwrap_or_else(PoisonError::into_inner);
        dirs[unit].clone()
    }

    /// File name of output `index` of a unit.
    #[must_use]
    pub(crate) fn output_name(&self, unit: UnitIndex, index: usize) -> String {
        let name = self.plan.units[unit].outputs.get(index).map_or("", |o| o.name.as_str());
        self.named(unit, name)
    }

    /// An output's name with the unit's hash filled in.
    #[must_use]
    pub(crate) fn named(&self, unit: UnitIndex, name: &str) -> String {
        Template::from(name).expand(|token| match token {
            "extra" => self.extras[unit].clone(),
            other => format!("{{{other}}}"),
        })
    }

    /// `target/<triple?>/<profile directory>` of a unit, under the target
    /// directory.
    #[must_use]
    pub(crate) fn profile_dir(&self, platform: Option<&str>) -> PathBuf {
        self.profile_below(&self.plan.roots.target, platform)
    }

    /// The same under the build directory.
    #[must_use]
    pub(crate) fn build_dir(&self, platform: Option<&str>) -> PathBuf {
        self.profile_below(&self.plan.roots.build, platform)
    }

    fn profile_below(&self, root: &str, platform: Option<&str>) -> PathBuf {
        let mut dir = PathBuf::from(root);
        if let Some(platform) = platform {
            let stem = Path::new(platform).file_stem();
            let is_spec = Path::new(platform).extension().is_some_and(|e| e == "json");
            dir.push(if is_spec { stem.unwrap_or_default() } else { platform.as_ref() });
        }
        dir.push(directory_of_profile(&self.plan.profile));
        dir
    }

    /// Where incremental compilation keeps its state for a unit: in cargo's
    /// place, so that `cargo clean` removes it, under a name of its own.
    #[must_use]
    pub(crate) fn incremental_dir(&self, unit: UnitIndex) -> PathBuf {
        let u = &self.plan.units[unit];
        self.build_dir(u.platform.as_deref()).join("incremental").join(format!(
            "{}-{}.larder",
            u.target.crate_name(),
            self.extras[unit]
        ))
    }

    /// Where an output is delivered: uplifted, or under cargo's `deps`.
    #[must_use]
    pub(crate) fn delivered(&self, unit: UnitIndex, index: usize) -> Option<PathBuf> {
        let output = self.plan.units[unit].outputs.get(index)?;
        let roots = &self.plan.roots;
        Some(match &output.uplift {
            Some(uplift) => Path::new(&roots.target).join(self.named(unit, uplift)),
            None => {
                Path::new(&roots.build).join(&output.deps_dir).join(self.output_name(unit, index))
            }
        })
    }

    /// A template of `unit` in full.
    #[must_use]
    pub(crate) fn expand(&self, unit: UnitIndex, template: &Template) -> String {
        template.expand(|token| self.token(unit, token))
    }

    /// All arguments of `unit` in full; `{search}` alone becomes several.
    #[must_use]
    pub(crate) fn args(&self, unit: UnitIndex, templates: &[Template]) -> Vec<String> {
        let mut args = Vec::with_capacity(templates.len() + 64);
        for template in templates {
            if template.0 == "{search}" {
                for below in libraries_below(self.plan, unit) {
                    if let Some(dir) = self.dir(below) {
                        args.push("-L".to_owned());
                        args.push(format!("dependency={}", dir.display()));
                    }
                }
            } else {
                args.push(self.expand(unit, template));
            }
        }
        args
    }

    fn token(&self, unit: UnitIndex, token: &str) -> String {
        let roots = &self.plan.roots;
        let of_unit = |u: UnitIndex| self.dir(u).unwrap_or_default();
        match token {
            "workspace" => roots.workspace.clone(),
            "cargo_home" => roots.cargo_home.clone(),
            "sysroot" => roots.sysroot.clone(),
            "target" => roots.target.clone(),
            "build" => roots.build.clone(),
            "rustc" => self.plan.rustc.clone(),
            "cargo" => self.plan.cargo.clone(),
            "rustdoc" => self.plan.rustdoc.clone(),
            "profile_dir" => {
                let platform = self.plan.units[unit].platform.as_deref();
                self.profile_dir(platform).to_string_lossy().into_owned()
            }
            "profile_deps" => {
                let platform = self.plan.units[unit].platform.as_deref();
                self.build_dir(platform).join("deps").to_string_lossy().into_owned()
            }
            "host_dir" => self.profile_dir(None).to_string_lossy().into_owned(),
            "out" | "own_out_dir" => of_unit(unit).to_string_lossy().into_owned(),
            "hash" => self.identities.metadata(unit),
            "extra" => self.extras[unit].clone(),
            "incremental" => self.incremental_dir(unit).to_string_lossy().into_owned(),
            "target_tmp" => format!("{}/tmp", roots.build),
            "host_deps" => {
                let deps = self.build_dir(None).join("deps");
                let mut dirs: Vec<String> = self
                    .dynamic_libraries_below(unit)
                    .into_iter()
                    .map(|dir| dir.to_string_lossy().into_owned())
                    .collect();
                dirs.push(deps.to_string_lossy().into_owned());
                dirs.join(":")
            }
            _ => self
                .unit_token(token)
                .or_else(|| self.machine.value(token).map(str::to_owned))
                .unwrap_or_else(|| format!("{{{token}}}")),
        }
    }

    fn unit_token(&self, token: &str) -> Option<String> {
        let mut fields = token.split(':');
        let kind = fields.next()?;
        let unit: UnitIndex = fields.next()?.parse().ok()?;
        let index = fields.next().and_then(|k| k.parse::<usize>().ok());
        let path = match kind {
            "out_dir" => self.dir(unit)?,
            "file" => self.dir(unit)?.join(self.output_name(unit, index?)),
            "final" => self.delivered(unit, index?)?,
            _ => return None,
        };
        Some(path.to_string_lossy().into_owned())
    }

    /// Directories of dynamic Rust libraries that programs below a unit need.
    fn dynamic_libraries_below(&self, unit: UnitIndex) -> Vec<PathBuf> {
        let mut dirs = Vec::new();
        for below in everything_below(self.plan, unit) {
            let target = &self.plan.units[below].target;
            if target.crate_types.iter().any(|t| t == "dylib") {
                dirs.extend(self.dir(below));
            }
        }
        dirs
    }
}

/// The directory of a profile: `dev` and `test` live in `debug`, `bench` in
/// `release`.
#[must_use]
pub(crate) fn directory_of_profile(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    }
}

/// The libraries that rustc may load for a unit: linked ones and theirs, with
/// proc-macros but not what is below those.
#[must_use]
pub(crate) fn libraries_below(plan: &Plan, unit: UnitIndex) -> Vec<UnitIndex> {
    let mut seen = vec![false; plan.units.len()];
    let mut found = Vec::new();
    let mut stack: Vec<UnitIndex> = vec![unit];
    while let Some(at) = stack.pop() {
        if at != unit && plan.units[at].target.is("proc-macro") {
            continue;
        }
        for dep in &plan.units[at].deps {
            let below = &plan.units[dep.unit];
            if dep.linked && !below.is_run() && !seen[dep.unit] {
                seen[dep.unit] = true;
                found.push(dep.unit);
                stack.push(dep.unit);
            }
        }
    }
    found.sort_unstable();
    found
}

/// Every unit below a unit.
#[must_use]
pub(crate) fn everything_below(plan: &Plan, unit: UnitIndex) -> Vec<UnitIndex> {
    let mut seen = vec![false; plan.units.len()];
    let mut found = Vec::new();
    let mut stack = vec![unit];
    while let Some(at) = stack.pop() {
        for dep in &plan.units[at].deps {
            if !seen[dep.unit] {
                seen[dep.unit] = true;
                found.push(dep.unit);
                stack.push(dep.unit);
            }
        }
    }
    found
}
