//! Every environment variable that larder reads is declared in one file, from
//! which its reference page is generated.
//!
//! Until that file is there, nothing is checked.

use super::File;
use std::path::Path;

/// The file that declares them.
const DECLARATIONS: &str = "crates/cargo-larder/src/env_vars.rs";

/// Functions of `std::env` that read a variable by name.
const READERS: &[&str] = &["env::var(\"", "env::var_os(\""];

/// Variables that a crate reads without their being declared.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let Some(declared) = files.iter().find(|file| file.path == Path::new(DECLARATIONS)) else {
        return Vec::new();
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source() && is_shipped(&file.path)) {
        for (at, line) in file.text.lines().enumerate() {
            for name in
                READERS.iter().filter_map(|reader| line.split_once(reader)?.1.split('"').next())
            {
                if !declared.text.contains(&format!("\"{name}\"")) {
                    complaints.push(
                        file.complaint(
                            at + 1,
                            &format!("{name} is not declared in {DECLARATIONS}"),
                        ),
                    );
                }
            }
        }
    }
    complaints
}

/// Whether the file is part of what users run.
fn is_shipped(path: &Path) -> bool {
    let is = |name: &str| path.components().any(|part| part.as_os_str() == name);
    is("crates") && is("src") && !is("larder-test") && path != Path::new(DECLARATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undeclared_variables_are_found() {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.to_owned() };
        let declared = file(DECLARATIONS, "pub const LARDER: &str = \"LARDER\";");
        let reads =
            file("crates/cargo-larder/src/a.rs", "env::var_os(\"LARDER\"); \nenv::var(\"OTHER\")");
        assert_eq!(check(&[reads]).len(), 0);
        let reads =
            file("crates/cargo-larder/src/a.rs", "env::var_os(\"LARDER\"); \nenv::var(\"OTHER\")");
        assert_eq!(check(&[declared, reads]).len(), 1);
    }
}
