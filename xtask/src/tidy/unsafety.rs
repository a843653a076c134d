//! `unsafe` is in one module of one crate, and that crate has the workspace's
//! lints otherwise. (What that crate loads into other processes, `preload/`, is
//! compiled by itself, and is `unsafe` in most of its functions.)

use super::File;
use anyhow::{Context, Result};

/// The crate whose manifest repeats the lints, since a crate cannot change one
/// of those that it inherits.
const CRATE: &str = "crates/larder-sandbox/Cargo.toml";

/// The module that expects `unsafe`.
const MODULE: &str = "crates/larder-sandbox/src/linux/kernel.rs";

/// What is wrong with the files.
pub(super) fn check(files: &[File]) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        if file.path.as_os_str() == MODULE || file.path.ends_with("tidy/unsafety.rs") {
            continue;
        }
        for (at, line) in file.text.lines().enumerate() {
            if line.contains("(unsafe_code") {
                complaints.push(file.complaint(at + 1, "`unsafe` belongs into the one module"));
            }
        }
    }
    let lints = |path: &str, at: &[&str]| -> Result<Option<toml::Table>> {
        let Some(file) = files.iter().find(|file| file.path.as_os_str() == path) else {
            return Ok(None);
        };
        let manifest: toml::Table =
            toml::from_str(&file.text).with_context(|| format!("cannot read {path}"))?;
        let mut table = Some(&manifest);
        for key in at {
            table = table.and_then(|table| table.get(*key)?.as_table());
        }
        Ok(table.cloned())
    };
    let mut workspace = lints("Cargo.toml", &["workspace", "lints"])?;
    if let Some(rust) = workspace.as_mut().and_then(|lints| lints.get_mut("rust")?.as_table_mut()) {
        rust.insert("unsafe_code".into(), "deny".into());
    }
    let own = lints(CRATE, &["lints"])?;
    if own.is_some() && own != workspace {
        complaints.push(format!("{CRATE}: its lints are not those of the workspace"));
    }
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn other_modules_and_other_lints_are_found() {
        let workspace = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\na = \"warn\"\n";
        let sound = "[lints.rust]\nunsafe_code = \"deny\"\na = \"warn\"\n";
        let attribute = "#![expect(unsafe_code, reason = \"x\")]\n";
        for (path, text, found) in [
            (MODULE, attribute, 0),
            ("crates/a/src/lib.rs", attribute, 1),
            (CRATE, sound, 0),
            (CRATE, "[lints.rust]\nunsafe_code = \"deny\"\n", 1),
        ] {
            let files = [file("Cargo.toml", workspace), file(path, text)];
            assert_eq!(check(&files).unwrap().len(), found, "{path}");
        }
    }
}
