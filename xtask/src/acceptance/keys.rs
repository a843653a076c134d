//! Two thousand units: what identities, keys and lookups cost.

use super::figure::Figure;
use super::sides::Sides;
use crate::bench::project::counts;
use crate::measure::measure;
use crate::setting::median;
use crate::{process, tree, workspace};
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use larder_schema::report::Report;
use std::fmt::Write;
use std::path::Path;

const UNITS: usize = 2_000;

/// A workspace of 2,000 libraries, checked once, and then in another directory.
///
/// The whole process runs on one thread here, so that the user time of the
/// phase is taken to be its share of the wall time. What the process takes,
/// the reading and proving of the plan included, stands beside it.
pub(super) fn keys(sides: &Sides, rounds: usize) -> Result<Vec<Figure>> {
    let place = workspace::target("acceptance/keys");
    let (first, second, store) = (place.join("first"), place.join("second"), place.join("store"));
    let report = place.join("report.json");
    write_workspace(&first)?;
    let check = |at: &Path| -> Result<_> {
        let mut command = sides.larder.command("check", at, &store);
        command.arg("--workspace").arg("--report").arg(&report);
        let measured = measure(&mut command, None, None)?;
        Ok((measured.cost, counts(&measured.stderr)?))
    };
    check(&first)?;
    let (mut lookups, mut users) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        if second.exists() {
            fs::remove_dir_all(&second)?;
        }
        tree::copy(&first, &second, &["target"])?;
        let (cost, counts) = check(&second)?;
        ensure!(counts.executed == 0 && counts.units == UNITS, "larder {counts:?}");
        let written: Report = serde_json::from_slice(&fs::read(&report)?)?;
        lookups.push(cost.user * written.seconds.lookup / written.seconds.total);
        users.push(cost.user);
    }
    // The first of them may have planned.
    let (lookup, user) = (median(lookups.split_off(1)), median(users.split_off(1)));
    let (lookup, user) = (lookup.context("no rounds")?, user.context("no rounds")?);
    let note = format!("user time, by the phase's share; the whole process: {user:.3} s");
    let what = "identities, keys and lookups, 2,000 units";
    Ok(vec![Figure::at_most(what, lookup, 0.1, "s", note)])
}

/// Libraries whose dependencies form a tree with cross links: each has two
/// dependencies and some ten below it.
fn write_workspace(root: &Path) -> Result<()> {
    if root.join("Cargo.lock").is_file() {
        return Ok(());
    }
    fs::create_dir_all(root)?;
    let manifest = "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n";
    fs::write(root.join("Cargo.toml"), manifest)?;
    for number in 0..UNITS {
        let dir = root.join(format!("crates/c{number}"));
        fs::create_dir_all(dir.join("src"))?;
        let mut manifest = format!(
            "[package]\nname = \"c{number}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n"
        );
        let mut source = format!("pub fn f() -> usize {{ {number}");
        let mut below = vec![number / 2, number / 3];
        below.dedup();
        for dependency in below.into_iter().filter(|dependency| *dependency != number) {
            let _ = writeln!(manifest, "c{dependency} = {{ path = \"../c{dependency}\" }}");
            let _ = write!(source, " ^ c{dependency}::f()");
        }
        fs::write(dir.join("Cargo.toml"), manifest)?;
        fs::write(dir.join("src/lib.rs"), source + " }\n")?;
    }
    process::run_quietly(
        process::command("cargo").args(["generate-lockfile", "--offline"]).current_dir(root),
    )?;
    Ok(())
}
