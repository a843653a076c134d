//! A cook plan in parts, for builders that keep or lose each step as a whole:
//! what is built in one step, and the plan that it is built from.
//!
//! | split | a part is | a crate that changes is built again with |
//! |---|---|---|
//! | [`Split::Layers`] | all crates of one rank | its layer, and those above that need it |
//! | [`Split::Crates`] | a crate, in all its versions of units | the crates that depend on it |
//!
//! The rank of a crate is the number of external crates that depend on it,
//! directly or not. What many depend on changes rarely (and costs most when it
//! does), so it is at the bottom; what only the project depends on is at the
//! top:
//!
//! | dependents | layer |
//! |---|---|
//! | none | the last |
//! | 1 to 3 | the one below |
//! | 4 to 15 | the one below that, and so on by powers of four, down to the first |
//!
//! A crate has more dependents than any of these, so nothing depends on a layer
//! above. A new dependency moves only crates that pass a power of four.
//!
//! A part's plan has its units and everything below them, numbered anew: it has
//! the same bytes in every plan that these units are in.

use crate::cook::{order, renamed};
use larder_schema::Framed;
use larder_schema::cook::CookPlan;
use larder_schema::cook_parts::{COOK_PARTS_VERSION, CookPart, CookParts};
use larder_schema::plan::{Unit, UnitIndex};
use std::collections::{BTreeMap, BTreeSet};

/// How a plan is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Into at most so many layers.
    Layers(usize),
    /// One part for each crate.
    Crates,
}

/// The parts of a plan: the list, and the plan of each one.
#[must_use]
pub fn cook_parts(plan: &CookPlan, split: Split) -> (CookParts, Vec<CookPlan>) {
    let reach = reach(plan);
    let groups = match split {
        Split::Layers(count) => layers(&reach, count),
        Split::Crates => crates(plan, &reach),
    };
    let mut part_of = vec![0; plan.packages.len()];
    for (part, (_, packages)) in groups.iter().enumerate() {
        for &package in packages {
            part_of[package] = part;
        }
    }
    let below = closures(&plan.units);
    let (mut parts, mut plans) = (Vec::new(), Vec::new());
    for (part, (name, packages)) in groups.iter().enumerate() {
        let is_own = |unit: UnitIndex| part_of[plan.units[unit].package] == part;
        let own: Vec<UnitIndex> = (0..plan.units.len()).filter(|&unit| is_own(unit)).collect();
        let needed: BTreeSet<UnitIndex> =
            own.iter().flat_map(|&unit| &below[unit]).chain(&own).copied().collect();
        let others = needed.iter().map(|&unit| part_of[plan.units[unit].package]);
        let others: BTreeSet<usize> = others.filter(|&other| other != part).collect();
        parts.push(CookPart {
            id: name.id.clone(),
            name: name.shown.clone(),
            units: own.len(),
            crates: packages.len(),
            below: others.into_iter().collect(),
        });
        plans.push(only(plan, &needed));
    }
    (CookParts { version: COOK_PARTS_VERSION, parts }, plans)
}

/// What a part is called.
struct Name {
    id: String,
    shown: String,
}

type Group = (Name, Vec<usize>);

/// Units that a unit's action refers to.
fn references(unit: &Unit) -> impl Iterator<Item = UnitIndex> {
    let deps = unit.deps.iter().map(|dep| dep.unit);
    deps.chain(unit.native_runs.iter().copied()).chain(unit.plugin_runs.iter().copied())
}

/// All units below each one.
fn closures(units: &[Unit]) -> Vec<BTreeSet<UnitIndex>> {
    let mut below = vec![BTreeSet::new(); units.len()];
    for unit in order(units) {
        let mut all = BTreeSet::new();
        for other in references(&units[unit]) {
            all.insert(other);
            all.extend(&below[other]);
        }
        below[unit] = all;
    }
    below
}

/// All packages that each one needs, in whatever unit; itself, where units of
/// another package lie between two of its own.
fn reach(plan: &CookPlan) -> Vec<BTreeSet<usize>> {
    let mut reach = vec![BTreeSet::new(); plan.packages.len()];
    for unit in &plan.units {
        let others = references(unit).map(|other| plan.units[other].package);
        reach[unit.package].extend(others.filter(|&other| other != unit.package));
    }
    loop {
        let mut grew = false;
        for package in 0..reach.len() {
            let more: BTreeSet<usize> =
                reach[package].iter().flat_map(|&other| &reach[other]).copied().collect();
            let before = reach[package].len();
            reach[package].extend(more);
            grew |= reach[package].len() > before;
        }
        if !grew {
            return reach;
        }
    }
}

/// Bottom up; layers without crates are left out.
fn layers(reach: &[BTreeSet<usize>], count: usize) -> Vec<Group> {
    let mut dependents = vec![0usize; reach.len()];
    for others in reach {
        for &other in others {
            dependents[other] += 1;
        }
    }
    let last = count.saturating_sub(1);
    let mut layers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (package, &number) in dependents.iter().enumerate() {
        let from_top = number.checked_ilog(4).map_or(0, |power| power as usize + 1);
        layers.entry(last.saturating_sub(from_top)).or_default().push(package);
    }
    let named = |(layer, packages)| {
        let number = layer + 1;
        let name = Name { id: format!("layer-{number}"), shown: format!("layer {number}") };
        (name, packages)
    };
    layers.into_iter().map(named).collect()
}

/// Each package, or packages that need each other; bottom up, and by name where
/// that leaves a choice.
fn crates(plan: &CookPlan, reach: &[BTreeSet<usize>]) -> Vec<Group> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut seen = vec![false; reach.len()];
    for package in 0..reach.len() {
        if std::mem::replace(&mut seen[package], true) {
            continue;
        }
        let mut group = vec![package];
        let mutual =
            reach[package].iter().copied().filter(|&other| reach[other].contains(&package));
        group.extend(mutual.filter(|&other| !std::mem::replace(&mut seen[other], true)));
        groups.push(group);
    }
    let mut named: Vec<Group> =
        groups.into_iter().map(|group| (name(plan, &group), group)).collect();
    // What needs another one reaches more.
    named.sort_by_cached_key(|(name, group)| (reach[group[0]].len(), name.id.clone()));
    named
}

fn name(plan: &CookPlan, group: &[usize]) -> Name {
    let mut f = Framed::new("larder cook part 1");
    for &package in group {
        f.text("package", &plan.packages[package].id);
    }
    let mut digest = f.finish().short();
    digest.truncate(8);
    let mut shown: Vec<String> = group
        .iter()
        .map(|&package| {
            let package = &plan.packages[package];
            format!("{} {}", package.name, package.version)
        })
        .collect();
    shown.sort();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    let first: String =
        shown.first().into_iter().flat_map(|first| first.chars().map(plain)).collect();
    Name { id: format!("{first}-{digest}"), shown: shown.join(", ") }
}

/// These units of a plan, in their order, with everything that they refer to.
fn only(plan: &CookPlan, kept: &BTreeSet<UnitIndex>) -> CookPlan {
    let number: BTreeMap<UnitIndex, usize> =
        kept.iter().enumerate().map(|(new, &old)| (old, new)).collect();
    let used: BTreeSet<usize> = kept.iter().map(|&unit| plan.units[unit].package).collect();
    let package: BTreeMap<usize, usize> =
        used.iter().enumerate().map(|(new, &old)| (old, new)).collect();
    let renumber = |unit: UnitIndex| number.get(&unit).map(usize::to_string);
    let units = kept.iter().map(|&old| {
        let mut unit = plan.units[old].clone();
        unit.package = package[&unit.package];
        for dep in &mut unit.deps {
            dep.unit = number[&dep.unit];
        }
        for run in unit.native_runs.iter_mut().chain(&mut unit.plugin_runs) {
            *run = number[run];
        }
        for template in unit.action.iter_mut().flat_map(crate::cook::templates) {
            *template = renamed(template, &renumber);
        }
        unit
    });
    CookPlan {
        version: plan.version,
        toolchain: plan.toolchain.clone(),
        profile: plan.profile.clone(),
        packages: used.iter().map(|&package| plan.packages[package].clone()).collect(),
        units: units.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cook::cook_plan;
    use crate::fixture::{Project, unit};
    use larder_schema::Digest;
    use larder_schema::cook::CookToolchain;

    /// `app` needs `json` and `log`; `json` needs `derive` and `itoa`; `derive`
    /// needs `quote`, which has a build script; `more` adds crates beside them.
    fn plan(more: bool, loud: bool) -> CookPlan {
        let mut project = Project::default();
        let script = |mode: &str| {
            let unit = unit("quote").registry().target("build-script-build").kind("custom-build");
            unit.crate_types(&["bin"]).mode(mode)
        };
        let built = project.add(script("build"));
        let run = project.add(script("run-custom-build").dep(built));
        let quote = project.add(unit("quote").registry().dep(run));
        let derive = project.add(unit("derive").registry().dep(quote));
        let features: &[&str] = if loud { &["loud"] } else { &[] };
        let itoa = project.add(unit("itoa").registry().features(features));
        let json = project.add(unit("json").registry().dep(derive).dep(itoa));
        let log = project.add(unit("log").registry());
        let mut app = unit("app").kind("bin").crate_types(&["bin"]).dep(json).dep(log);
        if more {
            let aaa = project.add(unit("aaa").registry());
            let zzz = project.add(unit("zzz").registry().dep(aaa).dep(itoa));
            app = app.dep(zzz);
        }
        let app = project.add(app);
        project.root(app);
        let toolchain = CookToolchain {
            name: None,
            cargo: "1.95.0".into(),
            host: "h".into(),
            platforms: Vec::new(),
            clippy: false,
            digest: Digest::of(b"t"),
        };
        cook_plan(&crate::plan(&project.inputs()).unwrap(), toolchain)
    }

    /// The parts by name, each with the names of those below and its plan.
    fn parts(plan: &CookPlan, split: Split) -> BTreeMap<String, (Vec<String>, Vec<u8>)> {
        let (list, plans) = cook_parts(plan, split);
        assert_eq!(CookParts::from_bytes(&list.to_bytes()).unwrap(), list);
        let name = |part: usize| list.parts[part].name.clone();
        let parts = list.parts.iter().zip(plans).map(|(part, plan)| {
            let bytes = plan.to_bytes();
            // Numbers lead somewhere, and nothing is without use.
            assert_eq!(CookPlan::from_bytes(&bytes).unwrap(), plan);
            let mut below: Vec<String> = part.below.iter().copied().map(name).collect();
            below.sort();
            (part.name.clone(), (below, bytes))
        });
        parts.collect()
    }

    #[test]
    fn a_crate_needs_those_below_and_nothing_else() {
        let parts = parts(&plan(false, false), Split::Crates);
        let below = |name: &str| parts[&format!("{name} 1.2.3")].0.join(", ");
        assert_eq!(parts.len(), 5);
        assert_eq!(below("quote"), "");
        assert_eq!(below("derive"), "quote 1.2.3");
        assert_eq!(below("json"), "derive 1.2.3, itoa 1.2.3, quote 1.2.3");
        assert_eq!(below("log"), "");
        let (list, plans) = cook_parts(&plan(false, false), Split::Crates);
        let quote = list.parts.iter().position(|part| part.name == "quote 1.2.3").unwrap();
        assert_eq!((list.parts[quote].units, plans[quote].units.len()), (3, 3));
        assert!(list.parts[quote].id.starts_with("quote-1.2.3-"), "{}", list.parts[quote].id);
        let json = list.parts.iter().position(|part| part.name == "json 1.2.3").unwrap();
        assert_eq!((list.parts[json].units, plans[json].units.len()), (1, 6));
    }

    #[test]
    fn what_does_not_concern_a_part_changes_none_of_its_bytes() {
        for split in [Split::Crates, Split::Layers(3)] {
            let before = parts(&plan(false, false), split);
            let after = parts(&plan(true, false), split);
            for name in ["quote 1.2.3", "derive 1.2.3", "json 1.2.3", "log 1.2.3", "layer 1"] {
                assert_eq!(before.get(name), after.get(name), "{name}");
            }
        }
    }

    #[test]
    fn a_change_reaches_the_crate_and_its_dependents() {
        let before = parts(&plan(false, false), Split::Crates);
        let after = parts(&plan(false, true), Split::Crates);
        let changed: Vec<&str> = before
            .keys()
            .filter(|name| before[*name] != after[*name])
            .map(String::as_str)
            .collect();
        assert_eq!(changed, ["itoa 1.2.3", "json 1.2.3"]);
    }

    #[test]
    fn layers_are_by_the_number_of_dependents() {
        let names = |count: usize| -> Vec<Vec<String>> {
            let plan = plan(true, false);
            let (list, _) = cook_parts(&plan, Split::Layers(count));
            let reach = reach(&plan);
            let groups = layers(&reach, count);
            assert_eq!(list.parts.len(), groups.len());
            for (number, part) in list.parts.iter().enumerate() {
                assert!(part.below.iter().all(|&below| below < number), "{part:?}");
            }
            let name = |package: usize| plan.packages[package].name.clone();
            groups.into_iter().map(|(_, all)| all.into_iter().map(name).collect()).collect()
        };
        let all = vec!["aaa", "derive", "itoa", "json", "log", "quote", "zzz"];
        assert_eq!(names(1), [all]);
        let (low, top) = (vec!["aaa", "derive", "itoa", "quote"], vec!["json", "log", "zzz"]);
        assert_eq!(names(2), [low.clone(), top.clone()]);
        // Nothing has four dependents, so the lowest of three is empty.
        assert_eq!(names(3), [low, top]);
        let whole = cook_parts(&plan(true, true), Split::Layers(1)).1;
        assert_eq!(whole, [plan(true, true)]);
    }

    #[test]
    fn crates_that_need_each_other_are_one_part() {
        // As cargo has it with features of hosts and targets at once: `a` of
        // one platform needs `b`, and `b` of another one needs `a`.
        let mut project = Project::default();
        let b = project.add(unit("b").registry());
        let a = project.add(unit("a").registry().dep(b));
        let other_a = project.add(unit("a").registry().features(&["x"]));
        let other_b = project.add(unit("b").registry().features(&["x"]).dep(other_a));
        let app = unit("app").kind("bin").crate_types(&["bin"]).dep(a).dep(other_b);
        let app = project.add(app);
        project.root(app);
        let toolchain = plan(false, false).toolchain;
        let plan = cook_plan(&crate::plan(&project.inputs()).unwrap(), toolchain);
        let (list, plans) = cook_parts(&plan, Split::Crates);
        let names: Vec<&str> = list.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["a 1.2.3, b 1.2.3"]);
        assert_eq!(plans, [plan]);
    }
}
