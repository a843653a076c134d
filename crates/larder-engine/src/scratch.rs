//! The directory for temporary files of a confined run, and whether its name
//! is in what the run left.
//!
//! `TMPDIR` names it in the place of the user's directory, whose value is what
//! the key holds. Another build would find that name in the result and nothing
//! behind it. So such a result is used once, and the directory of a script
//! stays as long as its result. What is only derived from the name (its
//! length, a digest) is not found.

use larder_schema::record::OutputFile;
use std::path::{Path, PathBuf};

/// What leads there.
pub(crate) const VARIABLE: &str = "TMPDIR";

/// The directory. It goes with this.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: PathBuf,
    stays: bool,
}

impl Scratch {
    /// In the directory that is a run's own.
    pub(crate) fn make(own: &Path) -> std::io::Result<Self> {
        let dir = own.join(".tmp");
        std::fs::create_dir_all(&dir)?;
        Ok(Self { dir, stays: false })
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Leaves it to whoever removes the run's own directory.
    pub(crate) fn stay(&mut self) {
        self.stays = true;
    }

    /// Its name, to be looked for when it is gone.
    pub(crate) fn name(&self) -> ScratchName {
        let real = std::fs::canonicalize(&self.dir).unwrap_or_else(|_| self.dir.clone());
        let mut texts = vec![self.dir.clone(), real];
        texts.dedup();
        ScratchName(texts)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.stays {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// The name of such a directory, as given and with links followed.
#[derive(Debug)]
pub(crate) struct ScratchName(Vec<PathBuf>);

impl ScratchName {
    /// Where it shows, as the reason why a result is used once: in files,
    /// each list with its directory, or in what was `said` (name, text).
    pub(crate) fn shown(
        &self,
        files: &[(&Path, &[OutputFile])],
        said: &[(&str, &str)],
    ) -> Option<String> {
        let in_said = said.iter().find(|(_, text)| self.is_in(text.as_bytes()));
        let place = in_said.map(|(name, _)| (*name).to_owned()).or_else(|| {
            let all = files.iter().flat_map(|(dir, files)| files.iter().map(move |f| (dir, f)));
            let names_it = |(dir, file): &(&&Path, &OutputFile)| match &file.symlink {
                Some(target) => self.is_in(target.as_bytes()),
                None => std::fs::read(dir.join(&file.name)).is_ok_and(|text| self.is_in(&text)),
            };
            all.into_iter().find(names_it).map(|(_, file)| format!("`{}`", file.name))
        })?;
        Some(format!("{place} names `{VARIABLE}`, which is another directory in a hermetic build"))
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let is_in = |name: &PathBuf| {
            memchr::memmem::find(text, name.as_os_str().as_encoded_bytes()).is_some()
        };
        self.0.iter().any(is_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_schema::Digest;

    fn output(name: &str, symlink: Option<String>) -> OutputFile {
        OutputFile { name: name.into(), digest: Digest::of(b""), size: 0, mode: 0o644, symlink }
    }

    #[test]
    fn the_name_is_found_wherever_it_stands() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let scratch = Scratch::make(place.path()).unwrap();
        let text = scratch.dir().display().to_string();
        std::fs::write(out.join("nothing"), "x").unwrap();
        std::fs::write(out.join("names"), format!("\0{text}/x\0")).unwrap();
        let name = scratch.name();
        let shown = |file: OutputFile, said: &str| {
            name.shown(&[(&out, &[output("nothing", None), file])], &[("its directives", said)])
        };
        assert_eq!(shown(output("nothing", None), "/tmp"), None);
        assert!(shown(output("names", None), "").unwrap().starts_with("`names` names `TMPDIR`"));
        assert!(shown(output("link", Some(format!("{text}/x"))), "").is_some());
        assert!(shown(output("nothing", None), &text).unwrap().starts_with("its directives name"));
        drop(scratch);
        assert!(!place.path().join(".tmp").exists());
        let mut scratch = Scratch::make(place.path()).unwrap();
        scratch.stay();
        drop(scratch);
        assert!(place.path().join(".tmp").exists());
    }
}
