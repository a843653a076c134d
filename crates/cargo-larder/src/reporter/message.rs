//! Cargo's machine messages (`--message-format json`), field for field in
//! cargo's order: <https://doc.rust-lang.org/cargo/reference/external-tools.html>.

use super::names::expand;
use larder_schema::plan::{Directives, Mode, Plan, Unit};
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// What all messages about one unit share, ready to print.
#[derive(Clone, Debug)]
pub(super) struct About {
    package_id: String,
    manifest_path: PathBuf,
    target: Box<RawValue>,
    profile: Box<RawValue>,
    features: Vec<String>,
}

#[derive(Serialize)]
struct Target<'a> {
    kind: &'a [String],
    crate_types: &'a [String],
    name: &'a str,
    src_path: PathBuf,
    edition: &'a str,
    #[serde(rename = "required-features", skip_serializing_if = "<[String]>::is_empty")]
    required_features: &'a [String],
    doc: bool,
    doctest: bool,
    test: bool,
}

#[derive(Serialize)]
struct Profile<'a> {
    opt_level: &'a str,
    debuginfo: Debuginfo<'a>,
    debug_assertions: bool,
    overflow_checks: bool,
    test: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Debuginfo<'a> {
    Level(u32),
    Name(&'a str),
}

#[derive(Serialize)]
struct FromCompiler<'a> {
    reason: &'static str,
    package_id: &'a str,
    manifest_path: &'a Path,
    target: &'a RawValue,
    message: &'a RawValue,
}

#[derive(Serialize)]
struct Artifact<'a> {
    reason: &'static str,
    package_id: &'a str,
    manifest_path: &'a Path,
    target: &'a RawValue,
    profile: &'a RawValue,
    features: &'a [String],
    filenames: &'a [PathBuf],
    executable: Option<&'a Path>,
    fresh: bool,
}

#[derive(Serialize)]
struct BuildScript<'a> {
    reason: &'static str,
    package_id: &'a str,
    linked_libs: &'a [String],
    linked_paths: &'a [String],
    cfgs: &'a [String],
    env: &'a [(String, String)],
    out_dir: &'a Path,
}

#[derive(Serialize)]
struct BuildFinished {
    reason: &'static str,
    success: bool,
}

impl About {
    /// Of a unit.
    pub(super) fn new(plan: &Plan, unit: &Unit) -> Self {
        let package = &plan.packages[unit.package];
        let target = Target {
            kind: &unit.target.kind,
            crate_types: &unit.target.crate_types,
            name: &unit.target.name,
            src_path: expand(plan, &unit.target.src_path),
            edition: &unit.target.edition,
            required_features: &unit.target.required_features,
            doc: unit.target.doc,
            doctest: unit.target.doctest,
            test: unit.target.test,
        };
        let debuginfo = &unit.profile.debuginfo;
        let profile = Profile {
            opt_level: &unit.profile.opt_level,
            debuginfo: debuginfo.parse().map_or(Debuginfo::Name(debuginfo), Debuginfo::Level),
            debug_assertions: unit.profile.debug_assertions,
            overflow_checks: unit.profile.overflow_checks,
            test: matches!(unit.mode, Mode::Test | Mode::CheckTest | Mode::Doctest),
        };
        Self {
            package_id: package.id.clone(),
            manifest_path: expand(plan, &package.root).join("Cargo.toml"),
            target: raw(&target),
            profile: raw(&profile),
            features: unit.features.clone(),
        }
    }

    /// `compiler-message`
    pub(super) fn compiler_message(&self, message: &RawValue) -> String {
        line(&FromCompiler {
            reason: "compiler-message",
            package_id: &self.package_id,
            manifest_path: &self.manifest_path,
            target: &self.target,
            message,
        })
    }

    /// `compiler-artifact`
    pub(super) fn artifact(
        &self,
        filenames: &[PathBuf],
        executable: Option<&Path>,
        fresh: bool,
    ) -> String {
        line(&Artifact {
            reason: "compiler-artifact",
            package_id: &self.package_id,
            manifest_path: &self.manifest_path,
            target: &self.target,
            profile: &self.profile,
            features: &self.features,
            filenames,
            executable,
            fresh,
        })
    }

    /// `build-script-executed`
    pub(super) fn build_script(&self, said: &Directives, out_dir: &Path) -> String {
        line(&BuildScript {
            reason: "build-script-executed",
            package_id: &self.package_id,
            linked_libs: &said.library_links,
            linked_paths: &said.library_paths,
            cfgs: &said.cfgs,
            env: &said.env,
            out_dir,
        })
    }
}

/// `build-finished`
pub(super) fn build_finished(success: bool) -> String {
    line(&BuildFinished { reason: "build-finished", success })
}

// Serialisation fails only for paths that are not UTF-8; cargo panics there.
fn line(message: &impl Serialize) -> String {
    serde_json::to_string(message)
        .unwrap_or_else(|error| format!("{{\"reason\":\"larder-error\",\"error\":\"{error}\"}}"))
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
