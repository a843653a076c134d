//! A plan cut down to its external units, and back.
//!
//! A unit is external if its package and everything below it come from a
//! registry or from git: a crate that depends on a local one (through
//! `[patch]`) changes with the project and stays in its build. External units
//! depend on external units only, so nothing of the workspace is in them; what
//! else a plan says of a unit and its action does not need is made equal here:
//!
//! | of a unit | here | why |
//! |---|---|---|
//! | number | by name, then by content | cargo numbers local units too |
//! | whether it was asked for, where it is delivered | no | nothing is delivered |
//! | `NUM_JOBS` | no, added when cooking | it is the machine's, and in no key |
//! | tests and documentation tests | left out | nothing is built on them |

use larder_schema::cook::{COOK_PLAN_VERSION, CookPlan, CookToolchain};
use larder_schema::plan::{
    Action, EnvVar, Mode, PLAN_VERSION, Package, Plan, Roots, Source, Template, Unit, UnitIndex,
    escape,
};
use larder_schema::{Digest, Framed};

/// The variable that says how many jobs run at a time.
const JOBS: &str = "NUM_JOBS";

/// Whether a unit can be built without the project.
#[must_use]
pub fn external(plan: &Plan) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; plan.units.len()];
    for unit in order(&plan.units) {
        let u = &plan.units[unit];
        let path = matches!(plan.packages[u.package].source, Source::Path { .. });
        let is_test = matches!(u.mode, Mode::Test | Mode::Doctest | Mode::CheckTest);
        let below = u.deps.iter().all(|dep| known[dep.unit] == Some(true));
        known[unit] = Some(!path && !is_test && below);
    }
    known.into_iter().map(|external| external == Some(true)).collect()
}

/// The external units of a plan.
#[must_use]
pub fn cook_plan(plan: &Plan, toolchain: CookToolchain) -> CookPlan {
    chosen(plan, &external(plan), toolchain)
}

/// These units of a plan; what they depend on has to be among them.
pub(crate) fn chosen(plan: &Plan, is_chosen: &[bool], toolchain: CookToolchain) -> CookPlan {
    let mut kept: Vec<UnitIndex> = (0..plan.units.len()).filter(|&u| is_chosen[u]).collect();
    let mut labels: Vec<Option<Digest>> = vec![None; plan.units.len()];
    for unit in order(&plan.units).into_iter().filter(|&unit| is_chosen[unit]) {
        labels[unit] = Some(label(plan, unit, &labels));
    }
    kept.sort_by_cached_key(|&unit| (place(plan, unit), labels[unit]));
    let mut number = vec![None; plan.units.len()];
    for (new, &old) in kept.iter().enumerate() {
        number[old] = Some(new);
    }
    let mut used: Vec<usize> = kept.iter().map(|&unit| plan.units[unit].package).collect();
    used.sort_unstable();
    used.dedup();
    let packages = used.iter().map(|&package| placeless(&plan.packages[package])).collect();
    let renumber = |unit: UnitIndex| number[unit].map(|n: usize| n.to_string());
    let units = kept
        .iter()
        .map(|&old| {
            let mut unit = portable(&plan.units[old], &renumber);
            unit.package = used.binary_search(&unit.package).unwrap_or_default();
            for dep in &mut unit.deps {
                dep.unit = number[dep.unit].unwrap_or_default();
            }
            for run in unit.native_runs.iter_mut().chain(&mut unit.plugin_runs) {
                *run = number[*run].unwrap_or_default();
            }
            unit
        })
        .collect();
    CookPlan {
        version: COOK_PLAN_VERSION,
        toolchain,
        profile: plan.profile.clone(),
        packages,
        units,
    }
}

/// What a cook plan does not say: where things are.
#[derive(Clone, Debug)]
pub struct Kitchen {
    /// What the tokens stand for.
    pub roots: Roots,
    /// The compiler.
    pub rustc: String,
    /// Cargo.
    pub cargo: String,
    /// Rustdoc.
    pub rustdoc: String,
    /// For `NUM_JOBS`.
    pub jobs: usize,
}

/// The plan that builds every unit of a cook plan, and delivers none.
#[must_use]
pub fn plan_of(cook: &CookPlan, kitchen: Kitchen) -> Plan {
    let mut units = cook.units.clone();
    let jobs = EnvVar {
        name: JOBS.to_owned(),
        value: Some(Template::literal(&kitchen.jobs.to_string())),
        configured: false,
    };
    for unit in &mut units {
        let is_run = unit.is_run();
        if let Some(action) = unit.action.as_mut().filter(|_| is_run) {
            let at = action.env.partition_point(|var| var.name.as_str() < JOBS);
            action.env.insert(at, jobs.clone());
        }
    }
    Plan {
        version: PLAN_VERSION,
        cargo_version: cook.toolchain.cargo.clone(),
        roots: kitchen.roots,
        host: cook.toolchain.host.clone(),
        rustc: kitchen.rustc,
        cargo: kitchen.cargo,
        rustdoc: kitchen.rustdoc,
        toolchain: cook.toolchain.digest,
        packages: cook.packages.clone(),
        roots_units: (0..units.len()).collect(),
        units,
        profile: cook.profile.clone(),
        profile_description: "external units".to_owned(),
        runners: Vec::new(),
        env: Vec::new(),
        target_libdirs: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A package whose id does not say where the workspace lies.
fn placeless(package: &Package) -> Package {
    let mut package = package.clone();
    if let Source::Path { path } = &package.source {
        package.id = format!("path+{path}#{}@{}", package.name, package.version);
    }
    package
}

/// A unit with what is only this plan's taken out, and its references to
/// other units as `name` has them.
fn portable(unit: &Unit, name: &dyn Fn(UnitIndex) -> Option<String>) -> Unit {
    let mut unit = unit.clone();
    unit.root = false;
    for output in &mut unit.outputs {
        output.uplift = None;
    }
    if let Some(action) = &mut unit.action {
        action.env.retain(|var| var.name != JOBS);
        for template in templates(action) {
            *template = renamed(template, name);
        }
    }
    unit
}

/// All texts of an action that may name units.
pub(crate) fn templates(action: &mut Action) -> impl Iterator<Item = &mut Template> {
    let values = action.env.iter_mut().filter_map(|var| var.value.as_mut());
    [&mut action.program, &mut action.cwd]
        .into_iter()
        .chain(&mut action.args)
        .chain(&mut action.extra_args)
        .chain(values)
}

/// A template with the units in its tokens named anew.
pub(crate) fn renamed(template: &Template, name: &dyn Fn(UnitIndex) -> Option<String>) -> Template {
    use larder_schema::plan::Piece;
    let mut text = String::with_capacity(template.0.len());
    for piece in template.pieces() {
        match piece {
            Piece::Text(literal) => text.push_str(&escape(&literal)),
            Piece::Token(token) => {
                let mut fields: Vec<String> = token.split(':').map(str::to_owned).collect();
                let unit = fields.get(1).and_then(|field| field.parse().ok());
                if let Some(name) = unit.and_then(name) {
                    fields[1] = name;
                }
                text.push_str(&format!("{{{}}}", fields.join(":")));
            }
        }
    }
    Template(text)
}

/// What a unit is called, for an order that people can follow.
fn place(plan: &Plan, unit: UnitIndex) -> (String, String, String, String, String) {
    let u = &plan.units[unit];
    let package = &plan.packages[u.package];
    (
        package.name.clone(),
        package.version.clone(),
        format!("{} {:?}", u.target.name, u.target.kind),
        format!("{:?}", u.mode),
        u.platform.clone().unwrap_or_default(),
    )
}

/// The content of a unit with everything below it: what two plans agree on,
/// whatever numbers they use.
fn label(plan: &Plan, index: UnitIndex, labels: &[Option<Digest>]) -> Digest {
    let of = |unit: UnitIndex| labels[unit].map(|digest| digest.to_string());
    let mut unit = portable(&plan.units[index], &of);
    let mut f = Framed::new("larder cook label 1");
    f.text("package", &placeless(&plan.packages[unit.package]).id);
    for dep in std::mem::take(&mut unit.deps) {
        f.optional("dependency", of(dep.unit).as_deref()).text("extern", &dep.extern_name);
    }
    for run in std::mem::take(&mut unit.native_runs) {
        f.optional("native", of(run).as_deref());
    }
    for run in std::mem::take(&mut unit.plugin_runs) {
        f.optional("plugin", of(run).as_deref());
    }
    unit.package = 0;
    f.bytes("unit", &serde_json::to_vec(&unit).unwrap_or_default());
    f.finish()
}

/// All units, every one after what it depends on.
pub(crate) fn order(units: &[Unit]) -> Vec<UnitIndex> {
    let mut order = Vec::with_capacity(units.len());
    let mut seen = vec![false; units.len()];
    for start in 0..units.len() {
        // An explicit stack: graphs of thousands of units are deep.
        let mut stack = vec![(start, 0usize)];
        while let Some((unit, next)) = stack.pop() {
            if next == 0 && std::mem::replace(&mut seen[unit], true) {
                continue;
            }
            match units[unit].deps.get(next) {
                Some(dep) => {
                    stack.push((unit, next + 1));
                    if !seen[dep.unit] {
                        stack.push((dep.unit, 0));
                    }
                }
                None => order.push(unit),
            }
        }
    }
    order
}
