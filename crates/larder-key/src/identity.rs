//! Identity: what names a unit across machines and edits.
//!
//! | input | in the identity | why |
//! |---|---|---|
//! | package name, version | yes | two versions may be linked into one program |
//! | source (registry URL and checksum, git URL and commit) | yes | immutable: stands for all files of the package |
//! | directory of a path package, relative to the workspace | yes | tells two packages of one name apart |
//! | absolute directories | no | checkouts share results |
//! | target (kinds, crate types, name, root file, edition, harness) | yes | it is what is compiled |
//! | profile, LTO mode, platform, mode, features | yes | as in cargo's own unit |
//! | toolchain digest | yes | `rustc -vV` is equal for different builds |
//! | identities of dependencies, with extern names | yes | two units can differ in nothing else |
//! | rustflags, `cargo rustc -- args` | no, in the key | symbols stay equal, as with cargo (PGO needs it) |
//! | files, environment | no, in the key | they change with edits |
//!
//! `-C metadata` is the identity's first 16 hex digits; `-C extra-filename`
//! mixes in the flags, so that two flag sets never share a file name.

use larder_schema::plan::{Plan, Source, Unit, UnitIndex};
use larder_schema::{Digest, Framed};

/// The identities of a plan's units, by index.
#[derive(Clone, Debug, Default)]
pub struct Identities(Vec<Digest>);

impl Identities {
    /// Computes them, dependencies first.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut digests: Vec<Option<Digest>> = vec![None; plan.units.len()];
        for index in dependency_order(plan) {
            let digest = identity(plan, index, |dep| {
                digests[dep].unwrap_or_else(|| Digest::of(b"not yet: the graph has a circle"))
            });
            digests[index] = Some(digest);
        }
        Self(digests.into_iter().map(|d| d.unwrap_or_else(|| Digest::of(b""))).collect())
    }

    /// The identity of a unit.
    #[must_use]
    pub fn of_unit(&self, unit: UnitIndex) -> &Digest {
        &self.0[unit]
    }

    /// The hash for `-C metadata` (`{hash}`).
    #[must_use]
    pub fn metadata(&self, unit: UnitIndex) -> String {
        self.0[unit].short()
    }

    /// The hash for `-C extra-filename` (`{extra}`).
    #[must_use]
    pub fn extra_filename(&self, plan: &Plan, unit: UnitIndex) -> String {
        let u = &plan.units[unit];
        if u.rustflags.is_empty() {
            return self.0[unit].short();
        }
        let mut f = Framed::new("larder extra-filename 1");
        f.digest("identity", &self.0[unit]).list("rustflags", u.rustflags.iter());
        f.finish().short()
    }
}

/// All units, every one after its dependencies.
#[must_use]
pub fn dependency_order(plan: &Plan) -> Vec<UnitIndex> {
    let mut order = Vec::with_capacity(plan.units.len());
    let mut state = vec![0u8; plan.units.len()];
    for start in 0..plan.units.len() {
        // An explicit stack: graphs of thousands of units are deep.
        let mut stack = vec![(start, 0usize)];
        while let Some((unit, next)) = stack.pop() {
            if next == 0 {
                if state[unit] != 0 {
                    continue;
                }
                state[unit] = 1;
            }
            match plan.units[unit].deps.get(next) {
                Some(dep) => {
                    stack.push((unit, next + 1));
                    if state[dep.unit] == 0 {
                        stack.push((dep.unit, 0));
                    }
                }
                None => {
                    state[unit] = 2;
                    order.push(unit);
                }
            }
        }
    }
    order
}

fn identity(plan: &Plan, index: UnitIndex, of: impl Fn(UnitIndex) -> Digest) -> Digest {
    let unit = &plan.units[index];
    let mut f = Framed::new("larder identity 1");
    for (name, value) in parts(plan, index) {
        f.text(name, &value);
    }
    f.digest("toolchain", &plan.toolchain);
    // Cargo orders edges by package id, which holds absolute paths for path
    // packages; sorted by identity, the order is the same everywhere.
    let mut deps: Vec<(Digest, &str, bool, bool, bool)> = unit
        .deps
        .iter()
        .map(|d| (of(d.unit), d.extern_name.as_str(), d.public, d.noprelude, d.linked))
        .collect();
    deps.sort_unstable();
    f.number("dependencies", deps.len() as u64);
    for (digest, name, public, noprelude, linked) in deps {
        f.digest("identity", &digest).text("extern", name);
        f.number("flags", u64::from(public) | u64::from(noprelude) << 1 | u64::from(linked) << 2);
    }
    f.finish()
}

/// The named parts of an identity, without toolchain and dependencies: also
/// what a miss is explained with.
#[must_use]
pub fn parts(plan: &Plan, index: UnitIndex) -> Vec<(&'static str, String)> {
    let unit = &plan.units[index];
    let package = &plan.packages[unit.package];
    let t = &unit.target;
    let p = &unit.profile;
    vec![
        ("package", package.name.clone()),
        ("version", package.version.clone()),
        ("source", source_text(&package.source)),
        (
            "target",
            format!(
                "{} {} ({}) {} edition {} harness {}",
                t.kind.join(","),
                t.name,
                t.crate_types.join(","),
                relative_source(plan, unit),
                t.edition,
                t.harness
            ),
        ),
        ("mode", format!("{:?}", unit.mode)),
        ("platform", unit.platform.clone().unwrap_or_default()),
        ("features", unit.features.join(",")),
        (
            "profile",
            format!(
                "opt-level={} lto={} codegen-units={} debug={} split-debuginfo={} \
                 debug-assertions={} overflow-checks={} rpath={} incremental={} panic={} strip={}",
                p.opt_level,
                p.lto,
                p.codegen_units.map_or_else(String::new, |n| n.to_string()),
                p.debuginfo,
                p.split_debuginfo.as_deref().unwrap_or_default(),
                p.debug_assertions,
                p.overflow_checks,
                p.rpath,
                p.incremental,
                p.panic,
                p.strip
            ),
        ),
        ("lto", format!("{:?}", unit.lto)),
    ]
}

/// Root source file without the package's directory, so that a package that
/// is unpacked elsewhere (vendored) keeps its text short and equal.
fn relative_source<'a>(plan: &'a Plan, unit: &'a Unit) -> &'a str {
    let root = &plan.packages[unit.package].root.0;
    unit.target.src_path.0.strip_prefix(root.as_str()).unwrap_or(&unit.target.src_path.0)
}

/// A source as text: two texts are equal only if the sources are.
#[must_use]
pub fn source_text(source: &Source) -> String {
    match source {
        Source::Registry { url, checksum, vendored } => format!(
            "{} {url} {}",
            if *vendored { "vendored" } else { "registry" },
            checksum.as_deref().unwrap_or("-")
        ),
        Source::Git { url, commit } => format!("git {url} {commit}"),
        Source::Path { path } => format!("path {path}"),
    }
}

/// What names the place of a unit in its project over all edits: identity
/// without version, features, profile, toolchain and dependencies. Used only
/// to find the closest earlier build when a miss is explained.
#[must_use]
pub fn slot(plan: &Plan, index: UnitIndex) -> Digest {
    let unit = &plan.units[index];
    let mut f = Framed::new("larder slot 1");
    f.text("package", &plan.packages[unit.package].name)
        .text("target", &unit.target.name)
        .list("kind", unit.target.kind.iter())
        .text("mode", &format!("{:?}", unit.mode))
        .text("profile", &unit.profile.name)
        .optional("platform", unit.platform.as_deref());
    f.finish()
}
