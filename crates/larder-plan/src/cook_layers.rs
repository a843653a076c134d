//! Crates of the workspace in cook plans of their own, bottom up.
//!
//! What is built in one step of a container is kept or lost as a whole. So
//! crates go into one layer that are likely to change together, and what many
//! depend on goes below what few depend on:
//!
//! | a crate | is in layer |
//! |---|---|
//! | from a registry or git, with nothing of the workspace below | 0 |
//! | that no other local crate depends on: a binary | none, it stays in the build |
//! | that only such crates depend on | the last |
//! | that depends on no local crate | 1 |
//! | any other | one above the highest that it depends on, at most the last |
//! | outside the workspace's directory, or that depends on such a crate | none |
//!
//! The rule looks at the graph only, and at each crate with its neighbours: a
//! new member moves nothing that does not depend on it. A layer's plan has the
//! units of the layers below, too, since keys are made of theirs.

use crate::cook::{chosen, external, order};
use larder_schema::cook::{CookPlan, CookToolchain};
use larder_schema::plan::{Mode, Plan, Source};
use std::collections::BTreeSet;

/// One layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its units, and those of the layers below.
    pub plan: CookPlan,
    /// Names of the crates that it adds; of the lowest layer none.
    pub crates: Vec<String>,
}

/// The external units, and `count` layers of the workspace's crates above
/// them. A small workspace leaves layers without crates.
#[must_use]
pub fn cook_layers(plan: &Plan, toolchain: &CookToolchain, count: usize) -> Vec<Layer> {
    let external = external(plan);
    let layer_of = layers(plan, &external, count);
    let order = order(&plan.units);
    (0..=count)
        .map(|layer| {
            let mut kept = external.clone();
            for &unit in &order {
                let u = &plan.units[unit];
                let is_in = layer_of[u.package].is_some_and(|of| of <= layer);
                let below = u.deps.iter().all(|dep| kept[dep.unit]);
                kept[unit] = external[unit] || is_in && !is_test(u.mode) && below;
            }
            let packages = plan.packages.iter().zip(&layer_of);
            let own = packages.filter(|(_, of)| **of == Some(layer));
            Layer {
                plan: chosen(plan, &kept, toolchain.clone()),
                crates: own.map(|(package, _)| package.name.clone()).collect(),
            }
        })
        .collect()
}

fn is_test(mode: Mode) -> bool {
    matches!(mode, Mode::Test | Mode::Doctest | Mode::CheckTest)
}

/// The layer of every local package that has one.
fn layers(plan: &Plan, external: &[bool], count: usize) -> Vec<Option<usize>> {
    let packages = plan.packages.len();
    let local: Vec<bool> = {
        let mut local = vec![false; packages];
        for (unit, u) in plan.units.iter().enumerate() {
            local[u.package] |= !external[unit] && !is_test(u.mode);
        }
        local
    };
    // Local packages below and above each.
    let mut below = vec![BTreeSet::new(); packages];
    let mut above = vec![BTreeSet::new(); packages];
    for u in plan.units.iter().filter(|u| !is_test(u.mode)) {
        for dep in &u.deps {
            let of = plan.units[dep.unit].package;
            if of != u.package && local[of] && local[u.package] {
                below[u.package].insert(of);
                above[of].insert(u.package);
            }
        }
    }
    let is_outside = |package: usize| match &plan.packages[package].source {
        Source::Path { path } => path.starts_with("..") || path.starts_with('/'),
        _ => false,
    };
    let is_needed = |package: usize| local[package] && !above[package].is_empty();

    let mut layer: Vec<Option<usize>> = vec![None; packages];
    if count == 0 {
        return layer;
    }
    let eligible: Vec<usize> = (0..packages).filter(|p| is_needed(*p) && !is_outside(*p)).collect();
    // What depends on a crate without a layer gets none, nor do crates that
    // depend on each other (through build scripts).
    loop {
        let before = layer.clone();
        for &package in &eligible {
            let highest = below[package].iter().map(|other| layer[*other]);
            let Some(highest) = highest.collect::<Option<Vec<_>>>() else { continue };
            let only_tops_need_it = above[package].iter().all(|other| !is_needed(*other));
            let one_above = highest.into_iter().max().unwrap_or_default() + 1;
            layer[package] = Some(if only_tops_need_it { count } else { one_above.min(count) });
        }
        if layer == before {
            return layer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};
    use larder_schema::Digest;

    fn toolchain() -> CookToolchain {
        CookToolchain {
            name: None,
            cargo: "1.95.0".into(),
            host: "h".into(),
            platforms: Vec::new(),
            clippy: false,
            digest: Digest::of(b"t"),
        }
    }

    /// `app` needs `mid`, `side` and `ext`; `mid` needs `base`, `high` needs
    /// `mid`, `app` needs `high`.
    fn plan() -> Plan {
        let mut project = Project::default();
        let ext = project.add(unit("ext").registry());
        let base = project.add(unit("base").dep(ext));
        let mid = project.add(unit("mid").dep(base));
        let side = project.add(unit("side"));
        let high = project.add(unit("high").dep(mid));
        let last = project.add(unit("last").dep(high));
        let app = unit("app").kind("bin").crate_types(&["bin"]);
        let app = project.add(app.dep(last).dep(mid).dep(side).dep(ext));
        project.root(app);
        crate::plan(&project.inputs()).unwrap()
    }

    fn crates(count: usize) -> Vec<Vec<String>> {
        let layers = cook_layers(&plan(), &toolchain(), count);
        layers
            .into_iter()
            .map(|mut layer| {
                layer.crates.sort();
                layer.crates
            })
            .collect()
    }

    #[test]
    fn what_many_need_is_below_what_few_need() {
        assert_eq!(crates(1), [vec![], vec!["base", "high", "last", "mid", "side"]]);
        assert_eq!(crates(2), [vec![], vec!["base"], vec!["high", "last", "mid", "side"]]);
        let three = [vec![], vec!["base"], vec!["mid"], vec!["high", "last", "side"]];
        assert_eq!(crates(3), three);
        assert_eq!(crates(0), [Vec::<String>::new()]);
    }

    #[test]
    fn a_layer_holds_what_is_below_it() {
        let layers = cook_layers(&plan(), &toolchain(), 2);
        let counts: Vec<usize> = layers.iter().map(|layer| layer.plan.units.len()).collect();
        assert_eq!(counts, [1, 2, 6]);
        assert_eq!(layers[0].plan, crate::cook::cook_plan(&plan(), toolchain()));
        for layer in layers {
            // Numbers lead somewhere.
            CookPlan::from_bytes(&layer.plan.to_bytes()).unwrap();
        }
    }
}
