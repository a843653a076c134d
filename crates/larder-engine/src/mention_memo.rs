//! Which variables a program mentions, remembered by the program's digest:
//! scanning megabytes of build scripts is for once, not for every build.

use larder_key::mention::{self, Mentions};
use larder_schema::{Digest, Framed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Environments whose names are remembered.
const KEPT: usize = 4;

#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    version: u32,
    /// By the digest of all variable names; newest last.
    environments: Vec<(Digest, BTreeMap<Digest, Entry>)>,
}

/// [`Mentions`] of one program.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    names: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    iterates: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    clock: bool,
}

impl From<Entry> for Mentions {
    fn from(Entry { names, iterates, clock }: Entry) -> Self {
        Self { names, iterates, clock }
    }
}

impl From<Mentions> for Entry {
    fn from(Mentions { names, iterates, clock }: Mentions) -> Self {
        Self { names, iterates, clock }
    }
}

/// Where the memo of a store lies.
pub(crate) fn file(store: &Path) -> PathBuf {
    store.join("mentions.json")
}

/// The memo of one build.
#[derive(Debug)]
pub(crate) struct MentionMemo {
    path: PathBuf,
    names: BTreeSet<String>,
    words: Vec<String>,
    environment: Digest,
    known: Mutex<(BTreeMap<Digest, Entry>, bool)>,
}

const VERSION: u32 = 6;

impl MentionMemo {
    /// Loads what is known of an environment with these variable `names`.
    #[must_use]
    pub(crate) fn load(path: &Path, names: &BTreeSet<String>, words: Vec<String>) -> Self {
        let mut f = Framed::new("larder mention environment 1");
        f.list("names", names.iter()).list("words", words.iter());
        let environment = f.finish();
        let known = read(path)
            .environments
            .into_iter()
            .find(|(digest, _)| *digest == environment)
            .map(|(_, known)| known)
            .unwrap_or_default();
        Self {
            path: path.to_owned(),
            names: names.clone(),
            words,
            environment,
            known: Mutex::new((known, false)),
        }
    }

    /// What the program with this digest mentions; `code` reads it if needed.
    /// Where the code does not tell whether it reads the whole environment,
    /// `built_from` says whether what it was built from does.
    ///
    /// # Errors
    /// Those of `code`.
    pub(crate) fn mentions(
        &self,
        program: &Digest,
        code: impl FnOnce() -> std::io::Result<Vec<u8>>,
        built_from: impl FnOnce() -> bool,
    ) -> std::io::Result<Mentions> {
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = known.0.get(program) {
                return Ok(entry.clone().into());
            }
        }
        let code = code()?;
        let mut found =
            mention::mentions(&code, self.names.iter().map(String::as_str), &self.words);
        found.iterates |= match mention::iterates(&code) {
            mention::Iterates::Yes => true,
            mention::Iterates::No => false,
            mention::Iterates::Unclear => built_from(),
        };
        found.clock = mention::calls_the_clock(&code);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.insert(*program, found.clone().into());
        known.1 = true;
        Ok(found)
    }

    /// Writes what was learnt. Two processes that do so at once may lose one
    /// of the two, which costs a scan.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn save(&self) -> std::io::Result<()> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.1 {
            return Ok(());
        }
        let mut file = read(&self.path);
        let mut merged = known.0.clone();
        file.environments.retain(|(digest, others)| {
            if *digest == self.environment {
                merged.extend(others.iter().map(|(d, e)| (*d, e.clone())));
                return false;
            }
            true
        });
        file.environments.push((self.environment, merged));
        let excess = file.environments.len().saturating_sub(KEPT);
        file.environments.drain(..excess);
        file.version = VERSION;
        let parent = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)?;
        let mut temporary = tempfile::NamedTempFile::new_in(parent)?;
        serde_json::to_writer(&mut temporary, &file)?;
        temporary.persist(&self.path).map_err(|e| e.error)?;
        Ok(())
    }
}

fn read(path: &Path) -> File {
    std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<File>(&bytes).ok())
        .filter(|file| file.version == VERSION)
        .unwrap_or_default()
}
