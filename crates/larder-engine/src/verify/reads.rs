//! What a second run read that the first one did not: nothing in the key of
//! the first result stands for it.
//!
//! | the second run | is explained by, in the first one's path set |
//! |---|---|
//! | read a file | the file, a tree or package that it lies in |
//! | listed a directory | the directory, or anything in it: many names are made one listing |
//! | read a whole tree | anything in it |
//! | ran what `PATH` leads to | the same name |
//! | asked whether something is there | nothing needed: compilers ask along other paths in another place |
//!
//! What only the first run read is no contradiction: it is in the key.

use super::place::Place;
use crate::build::Build;
use larder_schema::pathset::{PathInput, PathSet, PathUse};
use larder_schema::plan::UnitIndex;
use std::collections::BTreeSet;
use std::path::Path;

/// Names of what only the second run read, as the first place would have them.
/// None if either run was not wholly seen.
pub(super) fn only_second(
    first: &PathSet,
    second: &PathSet,
    here_name: &dyn Fn(&PathInput) -> Option<String>,
) -> Vec<String> {
    if first.unseen.is_some() || second.unseen.is_some() {
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    for input in &second.paths {
        if let Some(name) = here_name(input)
            && !is_explained(first, &name, input.uses)
        {
            names.insert(name);
        }
    }
    names.into_iter().collect()
}

fn is_explained(first: &PathSet, name: &str, uses: PathUse) -> bool {
    let path = Path::new(name);
    first.paths.iter().any(|input| {
        let known = Path::new(&input.path);
        match input.uses {
            PathUse::Tree | PathUse::Package | PathUse::Whole if path.starts_with(known) => true,
            PathUse::Content | PathUse::Program => {
                known == path
                    || uses == PathUse::Listing && known.parent() == Some(path)
                    || uses == PathUse::Tree && known.starts_with(path)
            }
            _ => match uses {
                PathUse::Listing => known == path || known.parent() == Some(path),
                PathUse::Tree => known.starts_with(path),
                _ => false,
            },
        }
    })
}

/// The name that an input of a unit of the other place has here; `None` for
/// what is not read, or belongs to the other place alone.
pub(super) fn name_here(
    here: &Build<'_>,
    there: &Build<'_>,
    unit: UnitIndex,
    place: &Place,
    input: &PathInput,
) -> Option<String> {
    let reads = [PathUse::Content, PathUse::Tree, PathUse::Listing, PathUse::Program];
    // A neighbour has two names; the absolute one is looked at.
    if !reads.contains(&input.uses) || input.path.starts_with("{workspace}/..") {
        return None;
    }
    let path = there.path(unit, input);
    if !path.exists() {
        return None;
    }
    let is_absolute = input.path.starts_with('/');
    if !is_absolute {
        // Below a root, or the name of a program: the same in both places.
        return Some(input.path.clone());
    }
    let original = place.original(&path)?;
    Some(here.observing.names.of(&original).swap_remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[(&str, PathUse)]) -> PathSet {
        let input =
            |(path, uses): &(&str, PathUse)| PathInput { path: (*path).into(), uses: *uses };
        PathSet { paths: paths.iter().map(input).collect(), ..PathSet::default() }
    }

    fn only(first: &[(&str, PathUse)], second: &[(&str, PathUse)]) -> Vec<String> {
        only_second(&set(first), &set(second), &|input| Some(input.path.clone()))
    }

    #[test]
    fn each_row_of_the_table() {
        use PathUse::{Content, Listing, Package, Presence, Program, Tree};
        let none: [String; 0] = [];
        for (first, second) in [
            (("/a/b", Content), ("/a/b", Content)),
            (("/a", Tree), ("/a/b/c", Content)),
            (("{workspace}/p", Package), ("{workspace}/p/x", Content)),
            (("/a/b", Presence), ("/a", Listing)),
            (("/a/b/c", Content), ("/a", Tree)),
            (("cc", Program), ("cc", Program)),
        ] {
            assert_eq!(only(&[first], &[second]), none, "{first:?} {second:?}");
        }
        for (first, second) in [
            (("/a/b", Presence), ("/a/b", Content)),
            (("/a/b", Listing), ("/a/b/c", Content)),
            (("/a/b", Content), ("/a/c", Content)),
            (("/a/b/c", Content), ("/a", Listing)),
            (("cc", Program), ("gcc", Program)),
        ] {
            assert_eq!(only(&[first], &[second]), [second.0], "{first:?} {second:?}");
        }
        // What only the first one read is in the key.
        assert_eq!(only(&[("/a", Content)], &[]), none);
        // Of a run that was not wholly seen nothing can be said.
        let unseen =
            PathSet { unseen: Some(larder_schema::pathset::Unseen::Hides), ..PathSet::default() };
        let read = set(&[("/a", Content)]);
        assert_eq!(only_second(&unseen, &read, &|input| Some(input.path.clone())), none);
    }
}
