//! Packages of the plan, and how cargo names them to people.

use crate::graph::Graph;
use larder_schema::plan::{Package, Source};
use std::collections::BTreeMap;

/// What cargo calls its default source in package ids, whatever mirror stands
/// in for it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The packages of the graph sorted by id, and the index of each.
pub(crate) fn packages<'a>(graph: &Graph<'a>) -> (Vec<Package>, BTreeMap<&'a str, usize>) {
    let mut by_id: BTreeMap<&'a str, Package> = BTreeMap::new();
    for view in &graph.units {
        let manifest = view.manifest;
        by_id.entry(&view.unit.pkg_id).or_insert_with(|| {
            let of = |kind: &'static str| manifest.targets.iter().filter(move |t| t.kind == kind);
            let library = of("lib").next();
            Package {
                id: view.unit.pkg_id.clone(),
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                source: view.source.clone(),
                root: graph.symbols.template(&manifest.root),
                member: view.member,
                links: manifest.links.clone(),
                has_library: library.is_some(),
                library: library.map(|t| t.name.replace('-', "_")),
                has_cdylib: library.is_some_and(|t| t.crate_types.iter().any(|c| c == "cdylib")),
                bins: of("bin").map(|t| t.name.clone()).collect(),
                has_tests: of("test").next().is_some(),
                has_benches: of("bench").next().is_some(),
                has_examples: of("example").next().is_some(),
                rust_version: manifest.rust_version.clone(),
                edition: manifest.edition.clone(),
            }
        });
    }
    let index = by_id.keys().enumerate().map(|(i, id)| (*id, i)).collect();
    (by_id.into_values().collect(), index)
}

/// A package as cargo's messages name it: `memchr v2.7.4`, with the source in
/// parentheses unless that is crates.io. `root` is its directory.
#[must_use]
pub fn describe(package: &Package, root: &str) -> String {
    let name = format!("{} v{}", package.name, package.version);
    match &package.source {
        Source::Path { .. } => format!("{name} ({root})"),
        Source::Registry { url, .. } => {
            if url == CRATES_IO {
                name
            } else {
                let plain = url.split_once('+').map_or(url.as_str(), |(_, rest)| rest);
                format!("{name} (registry `{plain}`)")
            }
        }
        Source::Git { url, commit } => {
            let plain = url.strip_prefix("git+").unwrap_or(url);
            let short = commit.get(..8).unwrap_or(commit);
            format!("{name} ({plain}#{short})")
        }
    }
}
