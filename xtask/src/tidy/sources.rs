//! Files that a reader can take in: of a size, documented, and named for what
//! they hold.

use super::File;

/// Lines after which a file gives a reason: a `//! Size:` line in its module doc.
const LONG: usize = 600;

/// Names that say nothing of what a file holds.
const NAMELESS: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "imp"];

/// What is wrong with the sources among the files.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let lines = file.text.lines().count();
        if lines > LONG && !file.text.lines().any(|line| line.starts_with("//! Size:")) {
            complaints.push(
                file.complaint(lines, "a long file: split it, or say why in a `//! Size:` line"),
            );
        }
        if !file.text.is_empty() && !file.text.starts_with("//!") {
            complaints
                .push(file.complaint(1, "no module doc: what it is for, and what it refuses"));
        }
        let nameless = file
            .path
            .with_extension("")
            .components()
            .any(|part| NAMELESS.iter().any(|name| part.as_os_str() == *name));
        if nameless {
            complaints.push(file.complaint(1, "a name that says nothing of what it holds"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_undocumented_and_nameless_files_are_found() {
        let long = "\n".repeat(LONG + 1);
        for (path, text, found) in [
            ("a/src/lib.rs", "//! Doc.".to_owned(), 0),
            ("a/src/lib.rs", "fn main() {}".to_owned(), 1),
            ("a/src/utils.rs", "//! Doc.".to_owned(), 1),
            ("a/src/helpers/one.rs", "//! Doc.".to_owned(), 1),
            ("a/src/lib.rs", format!("//! Doc.{long}"), 1),
            ("a/src/lib.rs", format!("//! Doc.\n//! Size: one table.{long}"), 0),
            ("a/fixtures/util.rs", "fn main() {}".to_owned(), 0),
        ] {
            let file = File { path: path.into(), text };
            assert_eq!(check(&[file]).len(), found, "{path}");
        }
    }
}
