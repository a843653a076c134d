//! What is built: an application of the corpus, made into a workspace by two
//! members that it depends on, and the changes that are made to it.
//!
//! ```text
//! .                 the application; depends on `larder-bench-shared`
//! members/shared    depends on `larder-bench-base`
//! members/base
//! ```

use crate::corpus::{self, App};
use crate::{process, tree};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use fs_err as fs;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is changed between two builds. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scenario {
    /// Nothing is there yet.
    First,
    /// A function in the binary's main file.
    Source,
    /// A function in the member that another member depends on.
    Shared,
    /// One dependency in another version.
    Bump,
    /// A new member that nothing depends on.
    Member,
    /// The version of a member.
    Version,
}

impl Scenario {
    /// For tables.
    pub(super) fn title(self) -> &'static str {
        match self {
            Scenario::First => "first build",
            Scenario::Source => "source of the binary edited",
            Scenario::Shared => "shared crate edited",
            Scenario::Bump => "one dependency bumped",
            Scenario::Member => "new member",
            Scenario::Version => "version of a member bumped",
        }
    }
}

/// The project.
pub(super) struct Project {
    /// The application.
    pub(super) app: App,
    /// Whether it is built in the dev profile.
    pub(super) dev: bool,
    /// The dependency to bump, and its version afterwards.
    pub(super) bump: Option<(String, String)>,
    source: PathBuf,
}

impl Project {
    /// The application, fetched if need be.
    pub(super) fn new(name: &str, dev: bool, bump: Option<&str>) -> Result<Project> {
        let app = corpus::find(name)?;
        let given = bump.map(|text| text.split_once('@').context("--bump wants NAME@VERSION"));
        let pair = |(name, version): (&str, &str)| (name.to_owned(), version.to_owned());
        let pinned = app.bump.as_ref().map(|[name, version]| (name.clone(), version.clone()));
        let bump = given.transpose()?.map(pair).or(pinned);
        Ok(Project { source: corpus::source(name)?, app, dev, bump })
    }

    /// Its executable.
    pub(super) fn binary(&self) -> &str {
        self.app.runs.first().map_or("", String::as_str)
    }

    /// Directories of the members besides the application.
    pub(super) fn members(&self) -> [&'static str; 2] {
        ["members/base", "members/shared"]
    }

    /// Files of the targets that building the binary needs.
    pub(super) fn targets(&self) -> Vec<String> {
        let mut files = vec![self.app.leaf.clone()];
        for name in ["build.rs", "src/lib.rs"] {
            if self.source.join(name).is_file() {
                files.push(name.to_owned());
            }
        }
        files.extend(self.members().map(|member| format!("{member}/src/lib.rs")));
        files
    }

    /// A fresh checkout.
    pub(super) fn checkout(&self, place: &Path) -> Result<()> {
        if place.exists() {
            fs::remove_dir_all(place)?;
        }
        // An application's own is about its own Dockerfile.
        tree::copy(&self.source, place, &["target", ".dockerignore", ".git"])?;
        member(place, "base", "")?;
        member(place, "shared", "larder-bench-base = { path = \"../base\" }\n")?;
        let manifest = place.join("Cargo.toml");
        let text = fs::read_to_string(&manifest)?;
        ensure!(!text.contains("[workspace"), "{} is a workspace already", self.app.name);
        let added = "\n[dependencies.larder-bench-shared]\npath = \"members/shared\"\n\n\
                     [workspace]\nmembers = [\"members/*\"]\n";
        fs::write(&manifest, text + added)?;
        fs::write(place.join(".dockerignore"), "target\nDockerfile\n.dockerignore\n")?;
        lock(place, &["update", "--quiet", "--workspace", "--offline"])
    }

    /// Makes a change. `false` where it cannot be made to this application.
    pub(super) fn change(&self, place: &Path, scenario: Scenario) -> Result<bool> {
        match scenario {
            Scenario::First => {}
            Scenario::Source => append(&place.join(&self.app.leaf))?,
            Scenario::Shared => append(&place.join("members/base/src/lib.rs"))?,
            Scenario::Bump => {
                let Some((name, version)) = &self.bump else { return Ok(false) };
                self.bump(place, name, version, true)?;
            }
            Scenario::Member => {
                member(place, "new", "")?;
                lock(place, &["update", "--quiet", "--workspace", "--offline"])?;
            }
            Scenario::Version => {
                let manifest = place.join("members/shared/Cargo.toml");
                let text = fs::read_to_string(&manifest)?;
                fs::write(&manifest, text.replace("\"0.1.0\"", "\"0.1.1\""))?;
                lock(place, &["update", "--quiet", "--workspace", "--offline"])?;
            }
        }
        Ok(true)
    }

    /// Another version of a dependency.
    pub(super) fn bump(
        &self,
        place: &Path,
        name: &str,
        version: &str,
        offline: bool,
    ) -> Result<()> {
        let mut arguments = vec!["update", "--quiet", "--package", name, "--precise", version];
        if offline {
            arguments.push("--offline");
        }
        lock(place, &arguments)
    }
}

fn lock(place: &Path, arguments: &[&str]) -> Result<()> {
    process::run_quietly(process::command("cargo").args(arguments).current_dir(place))?;
    Ok(())
}

fn member(place: &Path, name: &str, dependencies: &str) -> Result<()> {
    let root = place.join("members").join(name);
    fs::create_dir_all(root.join("src"))?;
    fs::write(
        root.join("Cargo.toml"),
        format!(
            "[package]\nname = \"larder-bench-{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
             [dependencies]\n{dependencies}"
        ),
    )?;
    let body = "/// Counts.\npub fn count(words: &[String]) -> usize {\n    \
                words.iter().map(String::len).sum()\n}\n";
    Ok(fs::write(root.join("src/lib.rs"), body)?)
}

/// One more function, under a name of its own.
fn append(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let size = text.len();
    let edit =
        format!("\n#[allow(dead_code)]\npub fn edited_{size}() -> usize {{\n    {size}\n}}\n");
    Ok(fs::write(file, text + &edit)?)
}
