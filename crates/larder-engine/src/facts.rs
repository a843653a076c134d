//! The facts of a run for its verdict ([`larder_key::verdict`]), and what
//! they add to its path set.

use crate::build::{Build, FROM_SCRIPT};
use crate::inside;
use crate::observed::Observed;
use crate::scan::{Found, Scanner};
use crate::telling::PACKAGE;
use larder_key::verdict::{Facts, Observation};
use larder_schema::pathset::{PathInput, PathSet, PathUse, Unseen};
use larder_schema::plan::{Mode, UnitIndex};
use larder_schema::record::OutputFile;
use std::io::Read;
use std::path::Path;

/// What rustc's metadata begins with.
const METADATA: &[u8] = b"rust\0\0\0";

impl Build<'_> {
    /// What is known of a run that is over: `found` in its outputs, which lie
    /// in `dir`, and in what it `said` (name, text with symbolic paths). What
    /// binds the result to this machine is added to its path set.
    pub(crate) fn facts(
        &self,
        unit: UnitIndex,
        path_set: &mut PathSet,
        dir: &Path,
        found: Vec<Found>,
        said: &[(&str, &str)],
        observed: Observed,
    ) -> Facts {
        let observation = self.observation(unit, observed.unseen.as_ref());
        if matches!(observation, Observation::NotObserved(_)) {
            path_set.unseen = observed.unseen.map(|(unseen, _)| unseen);
        }
        path_set.reach = observed.reach;
        let mut facts = Facts {
            observation,
            host_files: of_host(&observed.of_host).into_iter().collect(),
            network: observed.network,
            unkeyed: observed.unkeyed,
            links: self.plan.units[unit].action.as_ref().is_some_and(|action| action.links),
            ..Facts::default()
        };
        // In the key already: a variable that is the place itself, and where a
        // package is that has no token.
        let variables: Vec<String> = path_set
            .env
            .iter()
            .filter_map(|name| self.environments.value(&self.places, unit, name))
            .collect();
        let mut bind = |facts: &mut Facts, found: &Found, place: &str| {
            let Found { token, what, offset, text, .. } = found;
            facts.bound.push(format!("{place} names {what} at byte {offset}: `{text}`"));
            let here = self.places.machine().value(token);
            let is_keyed =
                *token == PACKAGE || variables.iter().any(|value| Some(value.as_str()) == here);
            if !is_keyed {
                let input = PathInput { path: format!("{{{token}}}"), uses: PathUse::Location };
                path_set.paths.push(input);
            }
        };
        for found in found {
            let at = inside::of_file(&dir.join(&found.file), found.offset);
            let file = format!("`{}`{at}", found.file);
            bind(&mut facts, &found, &file);
        }
        for (name, text) in said {
            // What could be made symbolic is; the rest stands where it could
            // not be replaced safely.
            for found in Scanner::in_text(self.places.machine(), name, text) {
                bind(&mut facts, &found, name);
            }
        }
        for name in &path_set.env {
            let name = name.strip_prefix(FROM_SCRIPT).unwrap_or(name);
            let value = self.environments.symbolic_value(unit, name);
            if value.is_some_and(|v| v.contains("{workspace}") || v.contains("{cargo_home}")) {
                facts.bound.push(format!("it reads `{name}`, which is a path of this machine"));
            }
        }
        if self.names_objects_by_chance(unit) {
            let why = "it is compiled incrementally: rustc names its objects by chance";
            facts.unkeyed.push(why.to_owned());
        }
        path_set.paths.sort();
        path_set.paths.dedup();
        facts
    }

    /// What a build script has compiled with rustc, to try the compiler, and left.
    /// Metadata has a hash of the directory that rustc ran in, where no scan finds
    /// it: only what cargo runs is remapped. And autocfg names its probes by chance.
    pub(crate) fn of_probes(
        &self,
        facts: &mut Facts,
        path_set: &mut PathSet,
        dir: &Path,
        files: &[OutputFile],
        cwd: &Path,
    ) {
        if let Some(file) = files.iter().find(|file| is_probe_of_autocfg(&file.name)) {
            facts.unkeyed.push(format!("autocfg named `{}` by chance", file.name));
        }
        let is_compiled = |file: &&OutputFile| is_metadata(&dir.join(&file.name));
        let Some(file) = files.iter().find(is_compiled) else { return };
        facts.bound.push(format!(
            "`{}` is metadata of rustc's, which has the hash of the directory that its script ran in",
            file.name
        ));
        let place = self.places.machine().place_of(cwd);
        if let Some(token) = place.filter(|token| *token != PACKAGE) {
            let input = PathInput { path: format!("{{{token}}}"), uses: PathUse::Location };
            path_set.paths.push(input);
            path_set.paths.sort();
            path_set.paths.dedup();
        }
    }

    /// With incremental compilation rustc gives the objects of every call
    /// other names, which libraries hold. Metadata alone has none.
    fn names_objects_by_chance(&self, unit: UnitIndex) -> bool {
        let only_metadata = matches!(self.plan.units[unit].mode, Mode::Check | Mode::CheckTest);
        !only_metadata && self.incremental_dir_of(unit).is_some()
    }

    /// Whether it is known what a unit read, and why not where something may
    /// have been missed.
    fn observation(&self, unit: UnitIndex, unseen: Option<&(Unseen, String)>) -> Observation {
        let who = match (self.plan.units[unit].is_run(), self.programs(unit).as_slice()) {
            (true, _) => "its build script".to_owned(),
            (false, []) => return Observation::NotNeeded,
            (false, [first, ..]) => {
                let package = &self.plan.packages[self.plan.units[*first].package].name;
                format!("it loads proc-macros (`{package}`), and what they read")
            }
        };
        match unseen {
            None => Observation::Observed,
            Some((_, why)) => Observation::NotObserved(format!(
                "{who} was not wholly observed: only declared inputs are known for certain ({why})"
            )),
        }
    }
}

/// Whether a file is rustc's metadata, alone or in a library of Rust's.
fn is_metadata(file: &Path) -> bool {
    let mut begin = Vec::new();
    let read = fs_err::File::open(file)
        .and_then(|opened| opened.take(METADATA.len() as u64).read_to_end(&mut begin));
    let is_library = file.extension().is_some_and(|extension| extension == "rlib");
    is_library || read.is_ok() && begin == METADATA
}

/// Whether autocfg (1.0 and later) gave a file its name: `autocfg_`, sixteen
/// digits from a random hasher, and a number.
fn is_probe_of_autocfg(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    let chance = name.strip_prefix("autocfg_").and_then(|rest| rest.split('_').next());
    chance.is_some_and(|text| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Files of the host in one sentence.
fn of_host(files: &[String]) -> Option<String> {
    const NAMED: usize = 5;
    let named = files.iter().take(NAMED).map(|file| format!("`{file}`")).collect::<Vec<_>>();
    let rest = files.len().saturating_sub(NAMED);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("it uses files of this host: {}{rest}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_of_the_compiler_are_known() {
        assert!(is_probe_of_autocfg("autocfg_a30139e7786fd0f9_0.ll"));
        assert!(is_probe_of_autocfg("probes/autocfg_a30139e7786fd0f9_12.ll"));
        for other in ["autocfg_a30139e7786fd0f_0.ll", "my_autocfg_a30139e7786fd0f9_0", "autocfg"] {
            assert!(!is_probe_of_autocfg(other), "{other}");
        }
        let dir = tempfile::tempdir().unwrap();
        for (name, content, expected) in [
            ("probe", &b"rust\0\0\0\x0a"[..], true),
            ("libprobe.rlib", b"!<arch>\n", true),
            ("rust.txt", b"rust", false),
            ("empty", b"", false),
        ] {
            let file = dir.path().join(name);
            fs_err::write(&file, content).unwrap();
            assert_eq!(is_metadata(&file), expected, "{name}");
        }
    }
}
