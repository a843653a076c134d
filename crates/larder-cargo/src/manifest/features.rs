//! The features that `--check-cfg` lists: those of `[features]`, and one for
//! every optional dependency that no feature names with `dep:`.

use super::RawManifest;
use std::collections::BTreeSet;

pub(super) fn all(raw: &RawManifest) -> Vec<String> {
    let mut features: BTreeSet<&str> = raw.features.keys().map(String::as_str).collect();
    let named: BTreeSet<&str> = raw
        .features
        .values()
        .flatten()
        // `dep:a/b` is an error in cargo.
        .filter_map(|value| value.strip_prefix("dep:"))
        .collect();
    for (name, dependency) in raw.dependencies() {
        if dependency.optional && !named.contains(name.as_str()) {
            features.insert(name);
        }
    }
    features.into_iter().map(str::to_owned).collect()
}
