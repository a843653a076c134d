//! Looking for absolute paths in outputs: who holds one is bound to a place.
//!
//! Metadata is left out: rustc keeps the real place of sources there for its
//! own diagnostics, even where they are remapped in everything that ships.

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
        if output.name.ends_with(".rmeta") || found.len() == roots.len() {
            continue;
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
            if parts(&output.name, &content).any(|part| holds_path(part, needle)) {
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

/// A file in parts: the members of an archive without its metadata, or the
/// file.
fn parts<'a>(name: &str, content: &'a [u8]) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
    const MAGIC: &[u8] = b"!<arch>\n";
    if !name.ends_with(".rlib") || !content.starts_with(MAGIC) {
        return Box::new(std::iter::once(content));
    }
    let mut rest = &content[MAGIC.len()..];
    Box::new(std::iter::from_fn(move || {
        loop {
            let header = rest.get(..60)?;
            let size = std::str::from_utf8(&header[48..58]).ok()?.trim().parse::<usize>().ok()?;
            let body = rest.get(60..60 + size)?;
            let next = 60 + size + (size & 1);
            rest = rest.get(next..).unwrap_or(&[]);
            if !header.starts_with(b"lib.rmeta") {
                return Some(body);
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, body: &str) -> String {
        let pad = if body.len() % 2 == 1 { "\n" } else { "" };
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{body}{pad}", 0, 0, 0, 644, body.len())
    }

    #[test]
    fn metadata_in_archives_does_not_count() {
        let archive = |meta: &str, object: &str| {
            format!("!<arch>\n{}{}", member("lib.rmeta/", meta), member("a.o/", object))
        };
        let holds = |content: &str| {
            let found =
                parts("liba.rlib", content.as_bytes()).any(|part| holds_path(part, b"/w/app"));
            found
        };
        assert!(!holds(&archive("/w/app/src", "nothing")));
        assert!(holds(&archive("odd", "x /w/app/src")));
        assert!(!holds(&archive("odd", "x /w/apple")));
    }
}
