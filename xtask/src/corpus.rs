//! `cargo xtask corpus`: real applications, pinned, to try larder on.
//!
//! `corpus.toml` names them with the checksums of their `.crate` files. They
//! come the way every dependency comes: a scratch project depends on exactly
//! that version, `cargo fetch` brings it, and its unpacked source, which holds
//! the application's own Cargo.lock, is copied out of cargo's home. Nothing
//! here speaks to a registry, and nothing that is fetched is committed.
//!
//! ```text
//! target/corpus/
//!   fetch/<name>/      the scratch project
//!   src/<name>/        the application; `<name>.stamp` says which and that it is whole
//! ```

use crate::{process, tree, workspace};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use fs_err as fs;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Real applications to try larder on.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch applications and their dependencies (all without names).
    Fetch {
        /// Names from corpus.toml.
        names: Vec<String>,
        /// Only those of continuous integration's short set.
        #[arg(long, conflicts_with = "names")]
        short: bool,
    },
    /// List the applications.
    List,
}

/// One application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    /// Package name.
    pub(crate) name: String,
    /// Exact version.
    pub(crate) version: String,
    /// SHA-256 of the `.crate` file, in hex.
    checksum: String,
    /// Units of a plain release build: how large it is.
    pub(crate) units: usize,
    /// Those of its `commands` that continuous integration checks every time;
    /// others only with `--full`.
    #[serde(default)]
    pub(crate) short: Vec<String>,
    /// What it is in the corpus for.
    why: String,
    /// Its executable, and arguments that it must accept.
    pub(crate) runs: Vec<String>,
    /// Cargo commands that parity is checked for, without `cargo`.
    pub(crate) commands: Vec<String>,
    /// A file whose edit is the benchmark's leaf edit.
    pub(crate) leaf: String,
    /// A dependency that the benchmark bumps by one version: name, and the
    /// version of it before.
    pub(crate) bump: Option<[String; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    app: Vec<App>,
}

/// Runs `cargo xtask corpus`.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Fetch { names, short } => {
            for app in apps()? {
                let wanted = if names.is_empty() {
                    !short || !app.short.is_empty()
                } else {
                    names.contains(&app.name)
                };
                if wanted {
                    let path = fetch(&app)?;
                    println!("{} {}: {}", app.name, app.version, workspace::shown(&path));
                }
            }
            for name in names {
                find(name)?;
            }
        }
        Command::List => {
            for app in apps()? {
                let set = if app.short.is_empty() { "full" } else { "short" };
                println!(
                    "{:<14} {:<8} {:>4} units  {set:<5}  {}",
                    app.name, app.version, app.units, app.why
                );
            }
        }
    }
    Ok(())
}

/// All applications, in the manifest's order.
pub(crate) fn apps() -> Result<Vec<App>> {
    let path = workspace::root().join("xtask/corpus.toml");
    let manifest: Manifest = toml::from_str(&fs::read_to_string(&path)?)
        .with_context(|| format!("cannot read {}", workspace::shown(&path)))?;
    Ok(manifest.app)
}

/// The application of that name.
pub(crate) fn find(name: &str) -> Result<App> {
    let apps = apps()?;
    let names = apps.iter().map(|app| app.name.as_str()).collect::<Vec<_>>().join(", ");
    apps.iter()
        .find(|app| app.name == name)
        .cloned()
        .with_context(|| format!("no {name} in corpus.toml; there are {names}"))
}

/// The application's source, fetched if need be, its dependencies too. Builds
/// belong into another directory: copy it.
pub(crate) fn source(name: &str) -> Result<PathBuf> {
    fetch(&find(name)?)
}

fn fetch(app: &App) -> Result<PathBuf> {
    let source = workspace::target("corpus/src").join(&app.name);
    let stamp = source.with_extension("stamp");
    let stamped = format!("{} {}\n", app.version, app.checksum);
    let whole = source.join("Cargo.lock").is_file();
    if whole && fs::read_to_string(&stamp).is_ok_and(|text| text == stamped) {
        return Ok(source);
    }

    let scratch = workspace::target("corpus/fetch").join(&app.name);
    write_scratch(&scratch, app)?;
    eprintln!("Fetching {} {}", app.name, app.version);
    process::run_quietly(
        process::command("cargo").args(["fetch", "--quiet"]).current_dir(&scratch),
    )?;

    let stem = format!("{}-{}", app.name, app.version);
    let packed = in_registry("cache", &format!("{stem}.crate"))?;
    let checksum = hex(&Sha256::digest(fs::read(&packed)?));
    if checksum != app.checksum {
        bail!("{stem}.crate has checksum {checksum}, corpus.toml says {}", app.checksum);
    }
    let unpacked = in_registry("src", &stem)?;
    if source.exists() {
        fs::remove_dir_all(&source)?;
    }
    tree::copy(&unpacked, &source, &[".cargo-ok", "target"])?;
    if !source.join("Cargo.lock").is_file() {
        bail!("{stem} ships no Cargo.lock: it cannot be in the corpus");
    }
    process::run_quietly(
        process::command("cargo").args(["fetch", "--quiet", "--locked"]).current_dir(&source),
    )?;
    // The stamp comes last: an interrupted fetch starts again.
    fs::write(&stamp, stamped)?;
    Ok(source)
}

/// A project whose one dependency is the application. Cargo warns that it has
/// no library; it is fetched all the same.
fn write_scratch(scratch: &Path, app: &App) -> Result<()> {
    fs::create_dir_all(scratch.join("src"))?;
    fs::write(scratch.join("src/lib.rs"), "")?;
    let _ = fs::remove_file(scratch.join("Cargo.lock"));
    fs::write(
        scratch.join("Cargo.toml"),
        format!(
            "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
             [dependencies]\n{} = \"={}\"\n\n[workspace]\n",
            app.name, app.version
        ),
    )?;
    Ok(())
}

/// The path `registry/<kind>/<any registry>/<name>` of cargo's home.
fn in_registry(kind: &str, name: &str) -> Result<PathBuf> {
    let registries = workspace::cargo_home().join("registry").join(kind);
    for registry in fs::read_dir(&registries)? {
        let path = registry?.path().join(name);
        if path.exists() {
            return Ok(path);
        }
    }
    bail!("cargo fetched {name}, but it is not below {}", registries.display())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
