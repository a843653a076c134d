//! Observed inputs in fewer entries. Every entry is looked at in each lookup,
//! so that thousands of them would make a warm build slow.
//!
//! | many of these | become one |
//! |---|---|
//! | paths in a directory that is not there | presence of the directory |
//! | names in one directory that were only asked about (compilers look for each header in each directory of their path) | listing of the directory |
//! | files of one tree of the host (`/usr/share/cmake-3`), in a run that still has more inputs than [`MANY`] | tree |
//!
//! Each of them holds more than it stands for: a change beside costs a miss.
//! Temporary directories and the target directory are never listed.

use larder_sandbox::inputs::Inputs;
use larder_schema::pathset::PathUse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Names of one directory that are worth less than its listing.
const ASKED: usize = 12;

/// Inputs of one run from where on trees are made.
const MANY: usize = 400;

/// Inputs that a tree has to stand for.
const OF_TREE: usize = 40;

/// Files of a tree for each input that it stands for: reading it all must not
/// cost more than what it saves.
const TREE_FACTOR: usize = 8;

/// Makes fewer entries of inputs. Directories that `passing` accounts for are
/// neither listed nor looked for.
#[must_use]
pub(crate) fn compact(inputs: Inputs, passing: &dyn Fn(&Path) -> bool) -> Inputs {
    let inputs = below_missing(inputs, passing);
    let inputs = listings(inputs, passing);
    trees(inputs)
}

fn below_missing(inputs: Inputs, passing: &dyn Fn(&Path) -> bool) -> Inputs {
    let mut there: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let mut is_there = |dir: &Path| match there.get(dir) {
        Some(known) => *known,
        None => *there.entry(dir.to_owned()).or_insert_with(|| dir.symlink_metadata().is_ok()),
    };
    let mut fewer = Inputs::new();
    for (path, uses) in inputs {
        let above = path.ancestors().skip(1).take_while(|dir| !passing(dir) && !is_there(dir));
        let missing = above.last();
        match missing {
            Some(dir) => {
                fewer.entry(dir.to_owned()).or_default().insert(PathUse::Presence);
            }
            None => fewer.entry(path).or_default().extend(uses),
        }
    }
    fewer
}

fn listings(inputs: Inputs, passing: &dyn Fn(&Path) -> bool) -> Inputs {
    let asked_only = |path: &Path, uses: &BTreeSet<PathUse>| {
        *uses == BTreeSet::from([PathUse::Presence])
            || *uses == BTreeSet::from([PathUse::Link]) && !path.is_symlink()
    };
    let mut asked: BTreeMap<&Path, usize> = BTreeMap::new();
    for (path, uses) in &inputs {
        if let Some(dir) = path.parent().filter(|_| asked_only(path, uses)) {
            *asked.entry(dir).or_default() += 1;
        }
    }
    asked.retain(|dir, count| *count >= ASKED && !passing(dir) && dir.is_dir());
    let listed: BTreeSet<PathBuf> = asked.into_keys().map(Path::to_owned).collect();
    let mut fewer = Inputs::new();
    for (path, uses) in inputs {
        let in_listed = path.parent().is_some_and(|dir| listed.contains(dir));
        if !(in_listed && asked_only(&path, &uses)) {
            fewer.insert(path, uses);
        }
    }
    for dir in listed {
        fewer.entry(dir).or_default().insert(PathUse::Listing);
    }
    fewer
}

fn trees(mut inputs: Inputs) -> Inputs {
    let mut tried = BTreeSet::new();
    while inputs.len() > MANY {
        let mut below: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for path in inputs.keys() {
            for dir in path.ancestors().skip(1).filter(|dir| is_tree_of_host(dir)) {
                *below.entry(dir.to_owned()).or_default() += 1;
            }
        }
        let best = below
            .into_iter()
            .filter(|(dir, count)| *count >= OF_TREE && !tried.contains(dir))
            .filter(|(dir, count)| has_at_most(dir, count * TREE_FACTOR))
            .max_by_key(|(_, count)| *count);
        let Some((root, _)) = best else { break };
        inputs.retain(|path, _| !path.starts_with(&root));
        inputs.insert(root.clone(), BTreeSet::from([PathUse::Tree]));
        tried.insert(root);
    }
    inputs
}

/// A directory that is installed as a whole: at least three names deep.
fn is_tree_of_host(dir: &Path) -> bool {
    ["/usr", "/opt"].iter().any(|root| dir.starts_with(root)) && dir.components().count() >= 4
}

fn has_at_most(dir: &Path, most: usize) -> bool {
    let mut pending = vec![dir.to_owned()];
    let mut found = 0;
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            found += 1;
            if found > most {
                return false;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                pending.push(entry.path());
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(paths: impl IntoIterator<Item = PathBuf>) -> Inputs {
        paths.into_iter().map(|path| (path, BTreeSet::from([PathUse::Presence]))).collect()
    }

    #[test]
    fn many_names_become_a_listing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("include");
        std::fs::create_dir(&root).unwrap();
        let many = presence((0..ASKED).map(|n| root.join(format!("{n}.h"))));
        let listing = BTreeMap::from([(root.clone(), BTreeSet::from([PathUse::Listing]))]);
        assert_eq!(compact(many.clone(), &|_| false), listing);
        assert_eq!(compact(many.clone(), &|dir| dir == root), many);
        let few = presence((1..ASKED).map(|n| root.join(format!("{n}.h"))));
        assert_eq!(compact(few.clone(), &|_| false), few);
        // What was read stays.
        let mut mixed = many;
        mixed.insert(root.join("0.h"), BTreeSet::from([PathUse::Content]));
        mixed.insert(root.join("one-more.h"), BTreeSet::from([PathUse::Presence]));
        let fewer = compact(mixed, &|_| false);
        assert_eq!(fewer.len(), 2);
        assert!(fewer[&root.join("0.h")].contains(&PathUse::Content));
    }

    #[test]
    fn below_what_is_not_there_nothing_is() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let inputs = presence([gone.join("a/b"), gone.join("c"), dir.path().join("d")]);
        let fewer = compact(inputs, &|_| false);
        assert_eq!(fewer, presence([dir.path().join("d"), gone]));
    }
}
