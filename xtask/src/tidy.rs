//! `cargo xtask tidy`: rules of this repository that no compiler checks.
//!
//! | check | rule |
//! |---|---|
//! | [`levels`] | a crate uses only crates of lower levels |
//! | [`preload`] | the library for build scripts is formatted and linted |
//! | [`sources`] | files of a readable size, a module doc in each, no `util` |
//! | [`text`] | no machine's paths, no registry's host names |
//! | [`unsafety`] | `unsafe` in one module only |
//! | [`variables`] | every environment variable of larder is declared in one file |

mod levels;
mod preload;
mod sources;
mod text;
mod unsafety;
mod variables;

use crate::{process, workspace};
use anyhow::{Result, bail};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// Check the rules of this repository that no compiler checks.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// A file of the repository: its path relative to the root, and its text.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    /// Whether it is Rust source of ours, not of a fixture.
    fn is_source(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs") && !self.is_fixture()
    }

    fn is_fixture(&self) -> bool {
        self.path.components().any(|part| part.as_os_str() == "fixtures")
    }

    /// The complaint about a line, counted from 1.
    fn complaint(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path.display())
    }
}

/// Runs `cargo xtask tidy`.
pub(crate) fn run(_: &Args) -> Result<()> {
    let root = workspace::root();
    let files = files(&root)?;
    let mut complaints = levels::check(&root)?;
    complaints.extend(preload::check(&root)?);
    complaints.extend(sources::check(&files));
    complaints.extend(text::check(&files));
    complaints.extend(unsafety::check(&files)?);
    complaints.extend(variables::check(&files));
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} complaints", complaints.len());
    }
    println!("tidy: {} files", files.len());
    Ok(())
}

/// Every text file that git knows or would add.
fn files(root: &Path) -> Result<Vec<File>> {
    let listed = process::run_quietly(
        process::command("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root),
    )?;
    let mut files = Vec::new();
    for path in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|path| !path.is_empty())
    {
        // What is no text, or was removed and not yet committed, has no lines.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            files.push(File { path: path.into(), text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
