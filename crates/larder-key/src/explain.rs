//! Why a key is another than last time: the inputs that differ, with both
//! values.

use larder_schema::report::{Change, MissReason};
use std::collections::BTreeMap;

/// Prefix of the input that holds a dependency's key.
pub const DEPENDENCY: &str = "dep ";

/// Compares the inputs of the closest earlier build with those of now.
///
/// Where only keys of dependencies differ, the reason is theirs:
/// [`MissReason::DependencyChanged`]. Equal inputs mean that the result was
/// there once: [`MissReason::Collected`].
#[must_use]
pub fn compare(old: &[(String, String)], new: &[(String, String)]) -> MissReason {
    let old: BTreeMap<&str, &str> = old.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let new: BTreeMap<&str, &str> = new.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut own = Vec::new();
    let mut dependencies = Vec::new();
    let names: std::collections::BTreeSet<&&str> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (before, now) = (old.get(*name), new.get(*name));
        if before == now {
            continue;
        }
        if let Some(dependency) = name.strip_prefix(DEPENDENCY) {
            dependencies.push(dependency.to_owned());
        } else if *name != "identity" {
            own.push(Change {
                input: (*name).to_owned(),
                old: before.map(|v| (*v).to_owned()),
                new: now.map(|v| (*v).to_owned()),
            });
        }
    }
    // Where a build script that ran again left its files is a consequence.
    if own.iter().all(|change| change.input == "env OUT_DIR") && !dependencies.is_empty() {
        own.clear();
    }
    if !own.is_empty() {
        narrow_arguments(&mut own);
        MissReason::InputsChanged { changes: own }
    } else if !dependencies.is_empty() {
        MissReason::DependencyChanged { dependencies }
    } else {
        MissReason::Collected
    }
}

/// How many inputs differ: the closest earlier build is the one with the
/// fewest.
#[must_use]
pub fn differences(old: &[(String, String)], new: &[(String, String)]) -> usize {
    let values = |inputs: &[(String, String)]| -> std::collections::BTreeSet<(String, String)> {
        inputs.iter().filter(|(name, _)| name != "identity").cloned().collect()
    };
    values(old).symmetric_difference(&values(new)).count()
}

/// Of two long argument lists only what differs is worth reading.
fn narrow_arguments(changes: &mut [Change]) {
    for change in changes.iter_mut().filter(|c| c.input == "argv" || c.input == "remap") {
        let (Some(old), Some(new)) = (&change.old, &change.new) else { continue };
        let only = |a: &str, b: &str| {
            let other: Vec<&str> = b.lines().collect();
            let lines: Vec<&str> = a.lines().filter(|line| !other.contains(line)).collect();
            lines.join(" ")
        };
        let (before, now) = (only(old, new), only(new, old));
        change.old = Some(before);
        change.new = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn own_inputs_come_before_dependencies() {
        let old = inputs(&[("file src/lib.rs", "1"), ("dep a", "1")]);
        let new = inputs(&[("file src/lib.rs", "2"), ("dep a", "2")]);
        let MissReason::InputsChanged { changes } = compare(&old, &new) else { panic!() };
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].input, "file src/lib.rs");
    }

    #[test]
    fn only_dependencies_differ() {
        let old = inputs(&[("env A", "1"), ("dep a", "1")]);
        let new = inputs(&[("env A", "1"), ("dep a", "2")]);
        assert_eq!(
            compare(&old, &new),
            MissReason::DependencyChanged { dependencies: vec!["a".into()] }
        );
    }

    #[test]
    fn a_closer_build_has_fewer_differences() {
        let new = inputs(&[("identity", "1"), ("file a", "1"), ("dep b", "1")]);
        let one = inputs(&[("identity", "2"), ("file a", "1"), ("dep b", "2")]);
        let two = inputs(&[("identity", "1"), ("file a", "2"), ("dep b", "2")]);
        assert_eq!(differences(&new, &new), 0);
        assert!(differences(&one, &new) < differences(&two, &new));
    }

    #[test]
    fn arguments_show_what_differs() {
        let old = inputs(&[("argv", "-C\nopt-level=3")]);
        let new = inputs(&[("argv", "-C\nopt-level=2")]);
        let MissReason::InputsChanged { changes } = compare(&old, &new) else { panic!() };
        assert_eq!(changes[0].old.as_deref(), Some("opt-level=3"));
        assert_eq!(changes[0].new.as_deref(), Some("opt-level=2"));
    }
}
