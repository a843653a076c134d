//! The files that cargo says it made beside those that the plan names: where
//! the user finds them, or else under rustc's names.
//!
//! Debug information in files of its own is there or not as the platform and
//! the profile have it; cargo names it where it is there. In a shallow build
//! most crates leave no file, and cargo names none.

use super::normal::without_hash;
use super::record::Recording;
use larder_schema::plan::{Flavor, Mode, Plan, Unit};
use serde_json::Value;
use std::collections::BTreeSet;

/// Files of one unit, relative to the target directory.
struct Files {
    unit: String,
    certain: BTreeSet<String>,
    possible: BTreeSet<String>,
}

/// Each message of cargo's whose files are not those of a unit.
pub(super) fn compare(plan: &Plan, recording: &Recording) -> Vec<String> {
    let target = recording.target.to_string_lossy();
    let mut planned: Vec<Files> = plan
        .units
        .iter()
        .filter(|unit| !unit.is_run() && unit.action.is_some())
        .map(|unit| files(plan, unit))
        .collect();
    let mut differences = Vec::new();
    for message in recording.messages.iter().filter(|m| m["reason"] == "compiler-artifact") {
        let made: BTreeSet<String> =
            strings(&message["filenames"]).map(|path| relative(path, &target)).collect();
        if made.is_empty() {
            continue;
        }
        let unit = of_message(message);
        let fits = |files: &Files| {
            files.unit == unit
                && files.certain.is_subset(&made)
                && made.iter().all(|f| files.certain.contains(f) || files.possible.contains(f))
        };
        match planned.iter().position(fits) {
            Some(at) => drop(planned.swap_remove(at)),
            None => {
                let known: Vec<_> =
                    planned.iter().filter(|f| f.unit == unit).map(|f| &f.certain).collect();
                differences.push(format!("{unit}: cargo made {made:?}, larder plans {known:?}"));
            }
        }
    }
    differences
}

fn files(plan: &Plan, unit: &Unit) -> Files {
    let package = &plan.packages[unit.package];
    let test = matches!(unit.mode, Mode::Test | Mode::CheckTest | Mode::Doctest);
    let mut files = Files {
        unit: name(&package.id, &unit.target.name, &unit.target.kind, test, &unit.features),
        certain: BTreeSet::new(),
        possible: BTreeSet::new(),
    };
    for output in &unit.outputs {
        let path = match &output.uplift {
            Some(path) => path.clone(),
            // Cargo has a build script under its target's name too.
            None if unit.target.is("custom-build") && unit.mode == Mode::Build => {
                let (_, suffix) = output.name.split_once("{extra}").unwrap_or_default();
                format!("{}/{}{suffix}", output.deps_dir, unit.target.name)
            }
            None => format!("{}/{}", output.deps_dir, without_extra(&output.name)),
        };
        let list = match output.flavor {
            Flavor::DebugInfo => &mut files.possible,
            _ => &mut files.certain,
        };
        list.insert(path);
    }
    files
}

fn without_extra(name: &str) -> String {
    name.replace("-{extra}", "")
}

fn of_message(message: &Value) -> String {
    let list = |value: &Value| strings(value).map(str::to_owned).collect::<Vec<_>>();
    name(
        message["package_id"].as_str().unwrap_or_default(),
        message["target"]["name"].as_str().unwrap_or_default(),
        &list(&message["target"]["kind"]),
        message["profile"]["test"] == true,
        &list(&message["features"]),
    )
}

fn name(id: &str, target: &str, kind: &[String], test: bool, features: &[String]) -> String {
    let test = if test { " test" } else { "" };
    format!("{id} {} \"{target}\"{test} [{}]", kind.join(","), features.join(","))
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn relative(path: &str, target: &str) -> String {
    let path = path.strip_prefix(target).unwrap_or(path).trim_start_matches('/');
    path.split('/').map(without_hash).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_the_target_directory_are_gone() {
        assert_eq!(
            relative("/t/debug/build/a-0123456789abcdef/build-script-build", "/t"),
            "debug/build/a/build-script-build"
        );
        assert_eq!(without_extra("liba-{extra}.rlib"), "liba.rlib");
    }

    #[test]
    fn a_message_names_its_unit() {
        let message = serde_json::json!({
            "package_id": "path+file:///w/a#1.0.0",
            "target": { "name": "a", "kind": ["cdylib", "rlib"] },
            "profile": { "test": true },
            "features": ["default", "x"],
        });
        assert_eq!(
            of_message(&message),
            "path+file:///w/a#1.0.0 cdylib,rlib \"a\" test [default,x]"
        );
    }
}
