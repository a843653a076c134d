//! The manifests of a workspace's members, which may have settings of their own.
//!
//! Members are those that the workspace lists; one that is a member only because
//! another one depends on it by a path is built with that one, and not read. What
//! is wrong with a list is for cargo to say.

use crate::context::Files;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::place::Manifest;
use serde::Deserialize;
use std::sync::Arc;

/// A workspace's own part of its manifest.
#[derive(Debug, Default, Deserialize)]
struct Workspace {
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Deserialize)]
struct Root {
    workspace: Option<Workspace>,
}

/// The manifests of all members that a root manifest lists, sorted by path. None
/// of one that is no workspace's, or that cannot be read: another step says why.
pub(crate) async fn read(
    gateway: &mut Gateway,
    files: &Files,
    root: &str,
) -> Result<Vec<Arc<Manifest>>, Failure> {
    let workspace = toml::from_str::<Root>(root).ok().and_then(|root| root.workspace);
    let Workspace { members, exclude } = workspace.unwrap_or_default();
    let mut directories = Vec::new();
    for pattern in &members {
        directories.extend(expand(gateway, files, pattern).await);
    }
    directories.sort();
    directories.dedup();
    directories.retain(|directory| !exclude.iter().any(|excluded| is_in(directory, excluded)));
    let mut manifests = Vec::new();
    for directory in directories {
        let names = files.names(gateway, &directory).await;
        if !names.iter().any(|name| name == "Cargo.toml") {
            continue;
        }
        let path = format!("{directory}/Cargo.toml");
        if let Some(text) = files.text(gateway, &path).await? {
            manifests.push(Arc::new(Manifest { path, text }));
        }
    }
    Ok(manifests)
}

/// The directories that a pattern means: `crates/*`, `tools/*-cli`, `**`.
async fn expand(gateway: &mut Gateway, files: &Files, pattern: &str) -> Vec<String> {
    let parts = parts(pattern);
    let mut found = vec![String::new()];
    for part in &parts {
        let mut next = Vec::new();
        for directory in found {
            if *part == "**" {
                next.extend(files.below(gateway, &directory).await);
            } else if part.contains(['*', '?', '[']) {
                let names = files.names(gateway, &directory).await;
                let matching = names.iter().filter(|name| matches(part, name));
                next.extend(matching.map(|name| joined(&directory, name)));
            } else {
                next.push(joined(&directory, part));
            }
        }
        found = next;
    }
    found
}

/// A path's parts, without those that stay in place.
fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// A path below another one; the root has no name.
pub(crate) fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Whether a directory is one that is excluded, or in it.
fn is_in(directory: &str, excluded: &str) -> bool {
    let (directory, excluded) = (parts(directory), parts(excluded));
    directory.starts_with(&excluded)
}

/// Whether a name matches a pattern of `*`, `?` and plain characters. Sets, `[…]`,
/// match any character: one member too many is found not to be chosen.
fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| matches(rest, &name[at..]))
        }
        Some(first) => {
            let mut named = name.chars();
            let Some(other) = named.next() else { return false };
            let rest = match first {
                '[' => rest.as_str().split_once(']').map_or("", |(_, rest)| rest),
                _ => rest.as_str(),
            };
            (matches!(first, '?' | '[') || first == other) && matches(rest, named.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_cargo() {
        for (pattern, name, expected) in [
            ("*", "app", true),
            ("*-cli", "app-cli", true),
            ("*-cli", "app", false),
            ("a?p", "app", true),
            ("a?p", "ap", false),
            ("[ab]pp", "app", true),
            ("a*p*", "apple", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(parts("./crates//*"), ["crates", "*"]);
        assert!(is_in("crates/old/x", "crates/old/") && !is_in("crates/older", "crates/old"));
        assert_eq!((joined("", "a"), joined("a", "b")), ("a".to_owned(), "a/b".to_owned()));
    }
}
