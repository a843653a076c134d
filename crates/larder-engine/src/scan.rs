//! Looking for absolute paths in outputs: who holds one is bound to a place.
//!
//! Metadata counts too: a constant whose value a macro took from
//! `CARGO_MANIFEST_DIR` is nowhere else. The places of sources are not in it,
//! because they are remapped in every scope.

use larder_schema::record::OutputFile;
use std::path::{Path, PathBuf};

/// Which of `roots` (token, directory) are visible in the outputs, with the
/// name of the first file that shows each.
#[must_use]
pub(crate) fn visible_paths(
    dir: &Path,
    outputs: &[OutputFile],
    roots: &[(&'static str, PathBuf)],
) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for output in outputs {
        if found.len() == roots.len() {
            break;
        }
        let content = match &output.symlink {
            Some(target) => target.as_bytes().to_vec(),
            None => std::fs::read(dir.join(&output.name)).unwrap_or_default(),
        };
        for (token, root) in roots {
            if found.iter().any(|(known, _)| known == token) {
                continue;
            }
            let needle = root.as_os_str().as_encoded_bytes();
            if holds_path(&content, needle) {
                let text = format!("`{}` holds the path {}", output.name, root.display());
                found.push(((*token).to_owned(), text));
            }
        }
    }
    found
}

fn holds_path(content: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find_iter(content, needle).any(|at| {
        let after = content.get(at + needle.len()).copied().unwrap_or(0);
        !(after.is_ascii_alphanumeric() || b"._-".contains(&after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_names_are_other_places() {
        let holds = |content: &str| holds_path(content.as_bytes(), b"/w/app");
        assert!(holds("x /w/app/src") && holds("/w/app") && holds("/w/app\"later"));
        assert!(!holds("/w/apple") && !holds("/w/app-2/x") && !holds("/w"));
    }
}
