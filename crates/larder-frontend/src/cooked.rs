//! The external units: one layer, several, or a layer for each crate.
//!
//! ```text
//! layers = 1          layers = 3, or "crates"
//!
//! plan ─▶ cook        plan ─┬─▶ cook itoa ────┐
//!          │ packed         ├─▶ cook quote ─┐ │ /larder/itoa-…, read-only
//!          ▼                ├─▶ cook derive ┴─┴▶ … each where it was made
//!        build              └─▶ build ◀──────── all of them
//! ```
//!
//! One layer holds a packed store. The build imports what its builder does not
//! have yet, so a builder that stays unpacks each result once.
//! Of several, a step has the stores of what it needs, each at the path where it was
//! written: results have paths in them, and never move. So nothing is copied
//! or merged, and BuildKit itself knows which steps a change concerns, keeps
//! them one by one, and runs at once what does not wait for each other. What
//! bounds the compilers of all of them is a jobserver in a cache mount.

use crate::llb::{Exec, Graph, Named, Output};
use crate::recipe::Cache;
use crate::steps::{PARTS, PLAN, Workshop, sentence, shell};
use larder_docker::layout;
use larder_schema::cook_parts::CookParts;

/// The store of the build itself, beside those of parts.
const OWN: &str = "own";

/// The jobserver, beside the stores; larder knows it by this name.
const JOBS: &str = "jobs";

/// Id of its cache mount. Its tokens are those of the builder, whatever is built.
const JOBS_ID: &str = "larder-jobs";

/// Where a build finds external units.
#[derive(Debug)]
pub(crate) enum Stores {
    /// Nowhere: there are none.
    None,
    /// In a cache mount, which holds all units.
    Mount,
    /// In one layer, packed.
    One(Output),
    /// In the layers of parts, by their ids.
    Parts(Vec<(String, Output)>),
}

impl Workshop<'_> {
    /// The store with the external units of a plan; `what` says how many. They
    /// are compressed in it. A builder that stays has them in its cache mount,
    /// too, and compiles only what changed.
    pub(crate) fn cook(&self, graph: &mut Graph, plan: &Output, what: &str) -> Stores {
        let dest = format!("/{PLAN}");
        let mut words = cooking(&dest);
        words.extend(["--pack", layout::PACKED].map(str::to_owned));
        let mut exec = self.command(words, &[]);
        exec.read(plan, &dest, &dest);
        exec.cache(&self.recipe().store_id(), layout::STORE);
        let packed = exec.output(None, layout::PACKED);
        let name = format!("{}cargo larder cook: {what}", self.stage("cook"));
        Stores::One(exec.add(graph, Named::new(name)).output(packed))
    }

    /// The stores with the external units of a plan in parts.
    pub(crate) fn cook_parts(&self, graph: &mut Graph, plan: &Output, list: &CookParts) -> Stores {
        let mut cooked: Vec<(String, Output)> = Vec::new();
        for part in &list.parts {
            let dest = format!("/{PLAN}");
            let place = place(&part.id);
            let mut exec = self.command(cooking(&dest), &variables(&place));
            exec.read(plan, &format!("/{PARTS}/parts/{}.json", part.id), &dest);
            let below = part.below.iter().filter_map(|&below| cooked.get(below).cloned());
            lend(&mut exec, below.collect());
            let store = exec.output(None, &place);
            let what = match (part.name.starts_with("layer "), part.crates) {
                (true, crates) => format!("{}: {} units of {crates} crates", part.name, part.units),
                (false, _) => part.name.clone(),
            };
            let name = format!("{}{what}", self.stage("cook"));
            cooked.push((part.id.clone(), exec.add(graph, Named::new(name)).output(store)));
        }
        Stores::Parts(cooked)
    }

    /// A command that finds external units, and writes its own beside them.
    pub(crate) fn with_stores(&self, words: Vec<String>, stores: &Stores) -> Exec {
        match stores {
            Stores::Parts(cooked) => {
                let place = place(OWN);
                let mut exec = self.command(words, &variables(&place));
                lend(&mut exec, cooked.clone());
                exec.scratch(&place);
                exec
            }
            Stores::One(packed) => {
                let import = format!("cargo larder import {}", layout::PACKED);
                let mut exec = self.command(shell(&format!("{import}\n{}", sentence(&words))), &[]);
                exec.borrow(packed, layout::PACKED);
                exec.cache(&self.recipe().store_id(), layout::STORE);
                exec
            }
            Stores::Mount => {
                let mut exec = self.command(words, &[]);
                exec.cache(&self.recipe().store_id(), layout::STORE);
                exec
            }
            Stores::None => {
                let mut exec = self.command(words, &[]);
                // What is compiled is of no use to others.
                exec.memory(layout::STORE);
                exec
            }
        }
    }

    /// Where units are that nothing was cooked for.
    pub(crate) fn uncooked(&self) -> Stores {
        match self.recipe().cache {
            Cache::Mount => Stores::Mount,
            Cache::Layers => Stores::None,
        }
    }
}

fn cooking(plan: &str) -> Vec<String> {
    ["cargo", "larder", "cook", plan].map(str::to_owned).to_vec()
}

/// Where a store is, in every step that has it.
fn place(id: &str) -> String {
    format!("{}/{id}", layout::STORE)
}

fn variables(place: &str) -> [(&str, &str); 2] {
    [("LARDER_DIR", place), ("LARDER_STORES", layout::STORE)]
}

/// The stores of other steps, by name: the order of mounts counts for the cache,
/// and that of parts changes with crates that do not concern this one.
fn lend(exec: &mut Exec, mut stores: Vec<(String, Output)>) {
    stores.sort_by(|a, b| a.0.cmp(&b.0));
    for (id, store) in &stores {
        exec.read(store, "", &place(id));
    }
    exec.cache(JOBS_ID, &place(JOBS));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llb::image;

    /// The order of parts changes with crates that a step does not need; that of
    /// its mounts does not, or it would not be found in the cache.
    #[test]
    fn a_step_is_the_same_in_whatever_order_parts_come() {
        let mut graph = Graph::default();
        let builder = image(&mut graph, "example/rust:1", None, Named::new("builder"));
        let store = |graph: &mut Graph, id: &str| {
            let store = image(graph, &format!("example/{id}:1"), None, Named::new(id));
            (id.to_owned(), store)
        };
        let stores = ["itoa", "quote", "serde"].map(|id| store(&mut graph, id));
        let step = |graph: &mut Graph, stores: Vec<(String, Output)>| {
            let mut exec = Exec::new(&builder, ["true"]);
            lend(&mut exec, stores);
            exec.add(graph, Named::new("step")).root()
        };
        let first = step(&mut graph, stores.to_vec());
        let reversed: Vec<_> = stores.iter().rev().cloned().collect();
        assert_eq!(step(&mut graph, reversed), first);
        assert_ne!(step(&mut graph, stores[1..].to_vec()), first);
        assert_eq!(place("itoa"), "/larder/itoa");
    }
}
