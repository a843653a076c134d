//! Why a cook plan is another one: the differences as values.
//!
//! A consequence is not listed beside its cause: a unit whose dependency has
//! changed is named only if nothing else about it did, and arguments only
//! where no setting, feature or flag explains them.

use larder_schema::cook::{CookChange, CookPlan};
use larder_schema::plan::{Mode, Template, Unit};
use std::collections::{BTreeMap, BTreeSet};

/// All differences, causes before consequences; empty if the plans are equal.
#[must_use]
pub fn diff(old: &CookPlan, new: &CookPlan) -> Vec<CookChange> {
    let mut changes = toolchain(old, new);
    if old.profile != new.profile {
        changes.push(CookChange::Profile { old: old.profile.clone(), new: new.profile.clone() });
    }
    let pairs = packages(old, new, &mut changes);
    let mut found = Found::default();
    for pair in &pairs {
        units(old, new, pair, &mut found, &mut changes);
    }
    changes.extend(found.changes());
    changes
}

fn toolchain(old: &CookPlan, new: &CookPlan) -> Vec<CookChange> {
    let (a, b) = (&old.toolchain, &new.toolchain);
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "none of rustup's".into());
    let digest = |plan: &CookPlan| plan.toolchain.digest.short();
    [
        ("name", name(&a.name), name(&b.name)),
        ("cargo", a.cargo.clone(), b.cargo.clone()),
        ("host", a.host.clone(), b.host.clone()),
        ("platforms", a.platforms.join(", "), b.platforms.join(", ")),
        ("clippy", a.clippy.to_string(), b.clippy.to_string()),
        ("content", digest(old), digest(new)),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(what, old, new)| CookChange::Toolchain { what: what.to_owned(), old, new })
    .collect()
}

/// A package in both plans; the two may have different versions.
struct Pair {
    old: usize,
    new: usize,
    same_version: bool,
    /// And from the same place: the sources are equal.
    same_source: bool,
}

fn packages(old: &CookPlan, new: &CookPlan, changes: &mut Vec<CookChange>) -> Vec<Pair> {
    let by_name = |plan: &CookPlan| {
        let mut map: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, package) in plan.packages.iter().enumerate() {
            map.entry(package.name.clone()).or_default().push(index);
        }
        map
    };
    let (before, mut after) = (by_name(old), by_name(new));
    let mut pairs = Vec::new();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for (name, mut gone) in before {
        let mut fresh = after.remove(&name).unwrap_or_default();
        gone.retain(|&o| {
            let same = |n: &usize| new.packages[*n].version == old.packages[o].version;
            let exact = |n: &usize| same(n) && new.packages[*n].source == old.packages[o].source;
            let at = fresh.iter().position(exact).or_else(|| fresh.iter().position(same));
            let Some(at) = at else { return true };
            let n = fresh.remove(at);
            let same_source = new.packages[n].source == old.packages[o].source;
            pairs.push(Pair { old: o, new: n, same_version: true, same_source });
            false
        });
        // Versions are sorted in a plan: the oldest goes with the oldest.
        while !gone.is_empty() && !fresh.is_empty() {
            let (old, new) = (gone.remove(0), fresh.remove(0));
            pairs.push(Pair { old, new, same_version: false, same_source: false });
        }
        removed.extend(gone);
        added.extend(fresh);
    }
    added.extend(after.into_values().flatten());
    for index in added {
        let p = &new.packages[index];
        changes.push(CookChange::Added { package: p.name.clone(), version: p.version.clone() });
    }
    for index in removed {
        let p = &old.packages[index];
        changes.push(CookChange::Removed { package: p.name.clone(), version: p.version.clone() });
    }
    for pair in &pairs {
        let (a, b) = (&old.packages[pair.old], &new.packages[pair.new]);
        let package = a.name.clone();
        if !pair.same_version {
            let (old, new) = (a.version.clone(), b.version.clone());
            changes.push(CookChange::Version { package, old, new });
        } else if a.source != b.source {
            changes.push(CookChange::Source {
                package,
                version: a.version.clone(),
                old: source(a),
                new: source(b),
            });
        }
    }
    pairs
}

/// Differences of units, with the units that have them.
#[derive(Default)]
struct Found {
    features: BTreeMap<(Vec<String>, Vec<String>), Vec<String>>,
    settings: BTreeMap<(String, String, String), Vec<String>>,
    flags: BTreeMap<(Vec<String>, Vec<String>), Vec<String>>,
    variables: BTreeMap<(String, Option<String>, Option<String>), Vec<String>>,
    dependencies: Vec<String>,
}

impl Found {
    fn changes(self) -> Vec<CookChange> {
        let mut changes = Vec::new();
        for ((setting, old, new), units) in self.settings {
            changes.push(CookChange::Setting { setting, old, new, units });
        }
        for ((added, removed), units) in self.features {
            changes.push(CookChange::Features { added, removed, units });
        }
        for ((added, removed), units) in self.flags {
            changes.push(CookChange::Flags { added, removed, units });
        }
        for ((name, old, new), units) in self.variables {
            changes.push(CookChange::Variable { name, old, new, units });
        }
        if !self.dependencies.is_empty() {
            changes.push(CookChange::Dependencies { units: self.dependencies });
        }
        changes
    }
}

/// Whether two units go together.
type Alike<'a> = &'a dyn Fn(&Unit, &Unit) -> bool;

/// What tells units of a package apart, apart from how they are built.
type Slot = (String, Vec<String>, Mode, Option<String>);

fn slots(plan: &CookPlan, package: usize) -> BTreeMap<Slot, Vec<&Unit>> {
    let mut slots: BTreeMap<Slot, Vec<&Unit>> = BTreeMap::new();
    for unit in plan.units.iter().filter(|unit| unit.package == package) {
        let slot =
            (unit.target.name.clone(), unit.target.kind.clone(), unit.mode, unit.platform.clone());
        slots.entry(slot).or_default().push(unit);
    }
    slots
}

fn units(
    old: &CookPlan,
    new: &CookPlan,
    pair: &Pair,
    found: &mut Found,
    changes: &mut Vec<CookChange>,
) {
    let before = slots(old, pair.old);
    let mut after = slots(new, pair.new);
    let mut removed = Vec::new();
    let mut added = Vec::new();
    for (slot, mut gone) in before {
        let mut fresh = after.remove(&slot).unwrap_or_default();
        // What is as it was goes together first, then what has the same
        // profile, then the rest in its order.
        let alike: [Alike<'_>; 3] = [
            &|a, b| a.features == b.features && a.profile == b.profile && a.lto == b.lto,
            &|a, b| a.profile == b.profile,
            &|_, _| true,
        ];
        for alike in alike {
            gone.retain(|a| {
                let Some(at) = fresh.iter().position(|b| alike(a, b)) else { return true };
                compare((old, a), (new, fresh.remove(at)), pair.same_source, found);
                false
            });
        }
        removed.extend(gone.into_iter().map(|unit| describe(old, unit)));
        added.extend(fresh.into_iter().map(|unit| describe(new, unit)));
    }
    added.extend(after.into_values().flatten().map(|unit| describe(new, unit)));
    // A build script or a platform comes and goes with a version.
    if pair.same_version && !(removed.is_empty() && added.is_empty()) {
        let package = &new.packages[pair.new];
        changes.push(CookChange::Units {
            package: package.name.clone(),
            version: package.version.clone(),
            removed,
            added,
        });
    }
}

fn compare(
    (old, a): (&CookPlan, &Unit),
    (new, b): (&CookPlan, &Unit),
    same_source: bool,
    found: &mut Found,
) {
    let name = describe(new, b);
    let mut explained = false;
    if a.features != b.features {
        explained = true;
        let key = (without(&b.features, &a.features), without(&a.features, &b.features));
        found.features.entry(key).or_default().push(name.clone());
    }
    for ((setting, from), (_, to)) in settings(a).into_iter().zip(settings(b)) {
        if from != to {
            explained = true;
            let key = (setting.to_owned(), from, to);
            found.settings.entry(key).or_default().push(name.clone());
        }
    }
    let rustflags = (without(&b.rustflags, &a.rustflags), without(&a.rustflags, &b.rustflags));
    if a.rustflags != b.rustflags {
        explained = true;
        found.flags.entry(rustflags).or_default().push(name.clone());
    }
    if explained || !same_source {
        return;
    }
    let (from, to) = (own_args(a), own_args(b));
    if from != to {
        explained = true;
        let key = (without(&to, &from), without(&from, &to));
        found.flags.entry(key).or_default().push(name.clone());
    }
    let (from, to) = (own_env(a), own_env(b));
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    for variable in names {
        let (from, to) = (from.get(variable).cloned(), to.get(variable).cloned());
        if from != to {
            explained = true;
            let key = (variable.clone(), from, to);
            found.variables.entry(key).or_default().push(name.clone());
        }
    }
    if !explained && below(old, a) != below(new, b) {
        found.dependencies.push(name);
    }
}

/// Direct dependencies by name and features: numbers mean nothing.
fn below(plan: &CookPlan, unit: &Unit) -> BTreeSet<String> {
    let dep = |d: &larder_schema::plan::Dependency| {
        let dep = &plan.units[d.unit];
        format!("{} as {} {:?}", describe(plan, dep), d.extern_name, dep.mode)
    };
    unit.deps.iter().map(dep).collect()
}

fn settings(unit: &Unit) -> Vec<(&'static str, String)> {
    let p = &unit.profile;
    let number = p.codegen_units.map_or_else(|| "default".into(), |n| n.to_string());
    let split = p.split_debuginfo.clone().unwrap_or_else(|| "default".into());
    vec![
        ("opt-level", p.opt_level.clone()),
        ("debug", p.debuginfo.clone()),
        ("split-debuginfo", split),
        ("strip", p.strip.clone()),
        ("debug-assertions", p.debug_assertions.to_string()),
        ("overflow-checks", p.overflow_checks.to_string()),
        ("lto", p.lto.clone()),
        ("panic", p.panic.clone()),
        ("incremental", p.incremental.to_string()),
        ("codegen-units", number),
        ("rpath", p.rpath.to_string()),
    ]
}

/// Arguments that name no other unit.
fn own_args(unit: &Unit) -> Vec<String> {
    let action = unit.action.iter();
    let args = action.flat_map(|action| {
        std::iter::once(&action.program).chain(&action.args).chain(&action.extra_args)
    });
    args.filter(|arg| is_own(arg)).map(|arg| arg.0.clone()).collect()
}

/// Variables that name no other unit.
fn own_env(unit: &Unit) -> BTreeMap<String, String> {
    let env = unit.action.iter().flat_map(|action| &action.env);
    env.filter_map(|var| {
        let value = var.value.as_ref()?;
        is_own(value).then(|| (var.name.clone(), value.0.clone()))
    })
    .collect()
}

fn is_own(template: &Template) -> bool {
    !["{file:", "{out_dir:", "{final:"].iter().any(|token| template.0.contains(token))
}

fn without(all: &[String], not: &[String]) -> Vec<String> {
    all.iter().filter(|one| !not.contains(one)).cloned().collect()
}

/// `serde 1.0.210 (lib)`, `libc 0.2.1 (build script, run)`, with the platform
/// where there is one.
fn describe(plan: &CookPlan, unit: &Unit) -> String {
    let package = &plan.packages[unit.package];
    let kind = unit.target.kind.first().map_or("", String::as_str);
    let mut what = match kind {
        "custom-build" => "build script".to_owned(),
        "lib" | "proc-macro" => kind.to_owned(),
        other => format!("{other} {}", unit.target.name),
    };
    if unit.is_run() {
        what.push_str(", run");
    }
    if let Some(platform) = &unit.platform {
        what.push_str(&format!(", {platform}"));
    }
    format!("{} {} ({what})", package.name, package.version)
}

fn source(package: &larder_schema::plan::Package) -> String {
    use larder_schema::plan::Source;
    match &package.source {
        Source::Registry { url, checksum, vendored } => {
            let checksum = checksum.as_deref().unwrap_or("no checksum");
            let vendored = if *vendored { ", vendored" } else { "" };
            format!("{url} ({checksum}{vendored})")
        }
        Source::Git { url, commit } => format!("{url} at {commit}"),
        Source::Path { path } => path.clone(),
    }
}
