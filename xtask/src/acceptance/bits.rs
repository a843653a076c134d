//! Two builds in different directories, with different homes of cargo and an
//! empty store each: which files are bit-identical.
//!
//! Both stores have the same path while they are built in, and the first one
//! moves away then: `OUT_DIR` lies in the store, so scripts that write it into
//! their files (dep-info of a probe, say) name the store.

use super::figure::Figure;
use super::sides::Sides;
use crate::bench::project::Project;
use crate::{process, workspace};
use anyhow::{Context, Result};
use fs_err as fs;
use larder_schema::record::ResultRecord;
use larder_schema::report::{Report, UnitReport};
use larder_store::DiskStore;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One of the two places.
struct Place {
    home: PathBuf,
    project: PathBuf,
    store: PathBuf,
}

/// Compares what the stores hold for every unit of a registry.
pub(super) fn bits(sides: &Sides, app: &str, release: bool) -> Result<Vec<Figure>> {
    let project = Project::new(app, !release)?;
    let root = workspace::target("acceptance").join(format!("{app}-bits"));
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    // The second one's paths have another length.
    let places = ["a", "another/place"].map(|name| Place {
        home: root.join(name).join("home"),
        project: root.join(name).join("project"),
        store: root.join(name).join("store"),
    });
    let mut reports = Vec::new();
    let at = root.join("store");
    for place in &places {
        project.checkout(&place.project)?;
        fs::create_dir_all(&place.home)?;
        let mut fetch = process::command("cargo");
        fetch.args(["fetch", "--quiet", "--locked"]).env("CARGO_HOME", &place.home);
        process::run_quietly(fetch.current_dir(&place.project))?;
        let written = place.store.with_extension("json");
        let mut build = sides.larder.build(&place.project, &at, project.dev);
        build.arg("--report").arg(&written).env("CARGO_HOME", &place.home);
        process::run_quietly(&mut build)?;
        fs::rename(&at, &place.store)?;
        let report: Report = serde_json::from_slice(&fs::read(&written)?)?;
        reports.push(report);
    }
    let stores = [DiskStore::open(&places[0].store)?, DiskStore::open(&places[1].store)?];
    let others: BTreeMap<String, &UnitReport> =
        reports[1].units.iter().map(|unit| (unit.identity.to_string(), unit)).collect();
    let (mut units, mut same, mut shared, mut named) = (0, 0, 0, Vec::new());
    for unit in reports[0].units.iter().filter(|unit| unit.external) {
        units += 1;
        let other = others.get(&unit.identity.to_string()).copied();
        shared += usize::from(other.is_some_and(|other| other.key == unit.key));
        match difference(&places, &stores, unit, other)? {
            None => same += 1,
            Some(why) => named.push(format!("{}: {}", shown(unit), neutral(&why, &places[0].home))),
        }
    }
    fs::remove_dir_all(&root)?;
    let percent = 100.0 * same as f64 / (units as f64).max(1.0);
    let profile = if release { "release" } else { "dev" };
    let note = format!(
        "{same} of {units} registry units, {profile} profile; {shared} have the same key in both"
    );
    let figure = Figure::at_most("bit-identical elsewhere", percent, 98.0, "%", note).at_least();
    Ok(vec![Figure { named, ..figure }])
}

/// A text without what is only of this machine: where cargo's home was, and
/// which registry it has.
fn neutral(text: &str, home: &Path) -> String {
    let text = text.replace(&*home.to_string_lossy(), "$CARGO_HOME");
    let mut parts = text.split("registry/src/");
    let mut neutral = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let below = part.split_once('/').map_or(part, |(_, below)| below);
        neutral.push_str("registry/src/…/");
        neutral.push_str(below);
    }
    neutral
}

/// Why the two results of a unit are not the same, if so.
fn difference(
    places: &[Place; 2],
    stores: &[DiskStore; 2],
    unit: &UnitReport,
    other: Option<&UnitReport>,
) -> Result<Option<String>> {
    let Some(other) = other else { return Ok(Some("it has another identity there".into())) };
    let record = |store: &DiskStore, unit: &UnitReport| -> Result<Option<ResultRecord>> {
        let Some(key) = &unit.key else { return Ok(None) };
        store.record(key).with_context(|| format!("the record of {}", shown(unit)))
    };
    let (Some(one), Some(two)) = (record(&stores[0], unit)?, record(&stores[1], other)?) else {
        return Ok(Some(format!("it is not published: {}", unit.evidence.join("; "))));
    };
    let names = |record: &ResultRecord| {
        record.outputs.iter().map(|output| output.name.clone()).collect::<Vec<_>>()
    };
    if names(&one) != names(&two) {
        return Ok(Some(format!("files {:?} and {:?}", names(&one), names(&two))));
    }
    for (a, b) in one.outputs.iter().zip(&two.outputs) {
        if a.digest == b.digest {
            continue;
        }
        let files = [stores[0].dir_of(&one).join(&a.name), stores[1].dir_of(&two).join(&b.name)];
        return Ok(Some(described(places, &a.name, &files, &one.evidence)?));
    }
    if one.stdout != two.stdout {
        return Ok(Some("what the script printed differs".into()));
    }
    Ok(None)
}

fn described(
    places: &[Place; 2],
    name: &str,
    files: &[PathBuf; 2],
    evidence: &[String],
) -> Result<String> {
    let [a, b] = [fs::read(&files[0])?, fs::read(&files[1])?];
    let at = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let holds = |bytes: &[u8], path: &Path| {
        let path = path.as_os_str().as_encoded_bytes();
        bytes.windows(path.len()).any(|window| window == path)
    };
    let place = &places[0];
    let why = if holds(&a, &place.home) {
        "it holds a path of cargo's home"
    } else if holds(&a, &place.project) {
        "it holds a path of the project"
    } else if a.len() == b.len() {
        "no path is in it: it is not deterministic"
    } else {
        "no path is in it, and its size differs"
    };
    let evidence =
        if evidence.is_empty() { String::new() } else { format!(" ({})", evidence.join("; ")) };
    Ok(format!("`{name}` differs from byte {at} of {} on: {why}{evidence}", a.len()))
}

fn shown(unit: &UnitReport) -> String {
    format!("{} v{} ({} {}, {})", unit.package, unit.version, unit.kind, unit.target, unit.mode)
}

#[cfg(test)]
mod tests {
    use super::neutral;
    use std::path::Path;

    #[test]
    fn nothing_of_a_machine_is_written_down() {
        let text = "it names `/w/a/home/registry/src/index.example-123/ring-1/x.c` twice";
        let expected = "it names `$CARGO_HOME/registry/src/…/ring-1/x.c` twice";
        assert_eq!(neutral(text, Path::new("/w/a/home")), expected);
    }
}
