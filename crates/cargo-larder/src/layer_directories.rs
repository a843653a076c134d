//! Layers of cook plans as directories, for container builds that copy or
//! mount one for each step.
//!
//! ```text
//! <directory>/0/            the external crates
//!   plan.json
//!   sources/                vendored ones, where the workspace has them
//! <directory>/1/            the first layer of workspace crates
//!   plan.json
//!   sources/crates/base/    at the places that they have in the workspace
//! ```
//!
//! A layer has the sources of all that its plan holds, so it can be cooked
//! alone: keys of its crates are made of the files of those below. Left out is
//! what no compilation for others reads: packages in a package (they are copied
//! for themselves), target directories, version control, and tests, benches and
//! examples of packages without a build script.

use anyhow::{Context as _, bail};
use fs_err as fs;
use larder_engine::cook::CookLayers;
use larder_schema::cook::CookPlan;
use larder_schema::plan::{Package, Source, Unit};
use std::path::{Path, PathBuf};

/// Name of the plan.
const PLAN: &str = "plan.json";

/// Directories of a package that only its own tests need.
const FOR_TESTS: [&str; 3] = ["tests", "benches", "examples"];

/// Writes them anew. Refuses a directory that has other things in it.
pub(crate) fn write(layers: &CookLayers, into: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(into)? {
        let path = entry?.path();
        if !path.join(PLAN).is_file() {
            bail!(
                "`{}` is no layer that larder wrote: `-o` wants a directory of its own",
                path.display()
            );
        }
        fs::remove_dir_all(&path)?;
    }
    for (number, layer) in layers.layers.iter().enumerate() {
        let directory = into.join(number.to_string());
        let sources = directory.join("sources");
        fs::create_dir_all(&sources)?;
        for package in &layer.plan.packages {
            let Some(place) = below_workspace(package) else { continue };
            let only_for_others = is_local(package) && !has_script(&layer.plan, package);
            copy(&layers.workspace.join(&place), &sources.join(&place), only_for_others)
                .with_context(|| format!("could not copy the crate `{}`", package.name))?;
        }
        // Last: what has a plan is whole.
        fs::write(directory.join(PLAN), layer.plan.to_bytes())?;
    }
    Ok(())
}

/// Its directory, relative to the workspace that it lies in.
fn below_workspace(package: &Package) -> Option<PathBuf> {
    let root = package.root.expand(|token| match token {
        "workspace" => ".".to_owned(),
        other => format!("{{{other}}}"),
    });
    let place = root.strip_prefix('.')?.trim_start_matches('/');
    (!place.split('/').any(|part| part == "..")).then(|| PathBuf::from(place))
}

fn is_local(package: &Package) -> bool {
    matches!(package.source, Source::Path { .. })
}

fn has_script(plan: &CookPlan, package: &Package) -> bool {
    let of = |unit: &&Unit| plan.packages[unit.package].id == package.id;
    plan.units.iter().filter(of).any(Unit::is_run)
}

fn copy(from: &Path, to: &Path, only_for_others: bool) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let copied = to.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let is_package = path.join("Cargo.toml").is_file();
            let is_cache = path.join("CACHEDIR.TAG").is_file();
            let is_for_tests = only_for_others && FOR_TESTS.iter().any(|dir| name == *dir);
            if !(is_package || is_cache || is_for_tests || name == ".git") {
                copy(&path, &copied, false)?;
            }
        } else if kind.is_symlink() {
            #[cfg(unix)]
            fs_err::os::unix::fs::symlink(fs::read_link(&path)?, &copied)?;
            #[cfg(not(unix))]
            fs::copy(&path, &copied)?;
        } else if kind.is_file() {
            fs::copy(&path, &copied)?;
        }
    }
    Ok(())
}
