//! Every unit of the plan beside the call that cargo made for it.
//!
//! Calls and units are matched by their normal form. Units that are equal in
//! that form (two builds of one crate that differ only in what is below them)
//! are told apart by what they depend on; and every edge must lead from a
//! matched pair to a matched pair.

mod doctests;

use super::normal::{Classes, Normal, REMAPS, REMOVED, without_hash};
use super::record::{Call, Recording, Run};
use larder_plan::apply::{RunResult, own_runs, run_additions, rustc_additions};
use larder_schema::plan::{Directives, Plan, Template, UnitIndex};
use std::collections::BTreeMap;

/// What the comparison found.
pub(super) struct Outcome {
    /// Units compared.
    pub(super) units: usize,
    /// Each difference, for people.
    pub(super) differences: Vec<String>,
    /// Permitted differences.
    pub(super) classes: Classes,
}

/// A process in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    program: String,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: String,
}

/// Compares a plan with a recording.
pub(super) fn compare(
    plan: &Plan,
    inherited: &BTreeMap<String, String>,
    recording: &Recording,
) -> Outcome {
    let target = recording.target.to_string_lossy().into_owned();
    let mut comparison = Comparison {
        plan,
        inherited,
        recording,
        normal: Normal { target: &target },
        classes: Classes::default(),
        differences: Vec::new(),
        run_of: BTreeMap::new(),
        call_of: BTreeMap::new(),
        directives: BTreeMap::new(),
    };
    comparison.match_runs();
    comparison.compare_runs();
    comparison.match_calls();
    comparison.compare_edges();
    let doctests = comparison.compare_doctests();
    let units = plan.units.iter().filter(|unit| unit.action.is_some()).count() + doctests;
    Outcome { units, differences: comparison.differences, classes: comparison.classes }
}

struct Comparison<'a> {
    plan: &'a Plan,
    inherited: &'a BTreeMap<String, String>,
    recording: &'a Recording,
    normal: Normal<'a>,
    classes: Classes,
    differences: Vec<String>,
    run_of: BTreeMap<UnitIndex, usize>,
    call_of: BTreeMap<UnitIndex, usize>,
    directives: BTreeMap<UnitIndex, (Directives, String)>,
}

impl Comparison<'_> {
    fn name(&self, unit: UnitIndex) -> String {
        let u = &self.plan.units[unit];
        let package = &self.plan.packages[u.package];
        let kind = u.target.kind.join(",");
        format!("{} v{} {kind} \"{}\" {:?}", package.name, package.version, u.target.name, u.mode)
    }

    /// A template as cargo would have it: files of other units in `deps`,
    /// hashes as none.
    fn cargo_text(&self, unit: UnitIndex, template: &Template) -> String {
        let roots = &self.plan.roots;
        template.expand(|token| {
            let mut fields = token.split(':');
            let kind = fields.next().unwrap_or_default();
            let other: Option<UnitIndex> = fields.next().and_then(|u| u.parse().ok());
            let index: Option<usize> = fields.next().and_then(|k| k.parse().ok());
            match (kind, other) {
                ("workspace", _) => roots.workspace.clone(),
                ("cargo_home", _) => roots.cargo_home.clone(),
                ("sysroot", _) => roots.sysroot.clone(),
                ("target", _) => roots.target.clone(),
                ("build", _) => roots.build.clone(),
                ("rustc", _) => self.plan.rustc.clone(),
                ("cargo", _) => self.plan.cargo.clone(),
                ("rustdoc", _) => self.plan.rustdoc.clone(),
                ("target_tmp", _) => format!("{}/tmp", roots.build),
                ("host_deps", _) => format!("{}/{}/deps", roots.build, self.profile_dir(None)),
                ("profile_dir", _) => {
                    let platform = self.plan.units[unit].platform.as_deref();
                    format!("{}/{}", roots.target, self.profile_dir(platform))
                }
                ("host_dir", _) => format!("{}/{}", roots.target, self.profile_dir(None)),
                ("own_out_dir", _) => self.out_dir(unit),
                ("out_dir", Some(other)) => self.out_dir(other),
                ("file", Some(other)) => {
                    let output = index.and_then(|k| self.plan.units[other].outputs.get(k));
                    let name = output.map_or("?", |o| o.name.as_str());
                    format!("<deps>/{}", without_token(name))
                }
                ("final", Some(other)) => {
                    let output = index.and_then(|k| self.plan.units[other].outputs.get(k));
                    let uplift = output.and_then(|o| o.uplift.as_deref()).unwrap_or("?");
                    format!("{}/{}", roots.target, without_token(uplift))
                }
                _ => format!("<{token}>"),
            }
        })
    }

    fn profile_dir(&self, platform: Option<&str>) -> String {
        let profile = match self.plan.profile.as_str() {
            "dev" | "test" => "debug",
            "bench" => "release",
            other => other,
        };
        platform.map_or_else(|| profile.to_owned(), |triple| format!("{triple}/{profile}"))
    }

    /// `OUT_DIR` of a run as cargo had it, if its run is known.
    fn out_dir(&self, unit: UnitIndex) -> String {
        match self.run_of.get(&unit) {
            Some(&run) => self.recording.runs[run].env.get("OUT_DIR").cloned().unwrap_or_default(),
            // One that the configuration overrides never runs.
            None => match self.plan.units[unit].run_dir.as_deref() {
                Some(dir) => format!("{}/{dir}/out", self.plan.roots.target),
                None => "<out>".to_owned(),
            },
        }
    }

    fn planned_env(&self, unit: UnitIndex) -> BTreeMap<String, String> {
        let mut env = self.inherited.clone();
        let Some(action) = &self.plan.units[unit].action else { return env };
        for var in &action.env {
            match &var.value {
                Some(value) => {
                    env.insert(var.name.clone(), self.cargo_text(unit, value));
                }
                None => {
                    env.remove(&var.name);
                }
            }
        }
        env
    }

    // Build scripts.

    /// Matches runs by what is known before any script spoke.
    fn match_runs(&mut self) {
        let units: Vec<UnitIndex> = (0..self.plan.units.len())
            .filter(|&unit| {
                let u = &self.plan.units[unit];
                u.is_run() && u.action.is_some()
            })
            .collect();
        let mut free: Vec<usize> = (0..self.recording.runs.len()).collect();
        for unit in units {
            let planned = self.run_signature(&self.planned_env(unit));
            let found = free
                .iter()
                .position(|&run| self.run_signature(&self.recording.runs[run].env) == planned);
            match found {
                Some(at) => {
                    let run = free.remove(at);
                    self.run_of.insert(unit, run);
                    let recorded = &self.recording.runs[run];
                    let out_dir = recorded.env.get("OUT_DIR").cloned().unwrap_or_default();
                    let said = self.parse(unit, &recorded.stdout);
                    self.directives.insert(unit, (said, out_dir));
                }
                None => {
                    let name = self.name(unit);
                    self.differences.push(format!("{name}: cargo ran no such build script"));
                }
            }
        }
        for run in free {
            let program = &self.recording.runs[run].program;
            self.differences.push(format!("larder plans no run of {program}"));
        }
    }

    fn parse(&self, unit: UnitIndex, stdout: &str) -> Directives {
        let package = &self.plan.packages[self.plan.units[unit].package];
        let root = self.cargo_text(unit, &package.root);
        let description = larder_plan::describe(package, &root);
        let script = larder_plan::directives::Script {
            package,
            description: &description,
            nightly: false,
            rustc_bootstrap: self.recording.env.get("RUSTC_BOOTSTRAP").map(String::as_str),
        };
        larder_plan::directives::parse(stdout.as_bytes(), &script).unwrap_or_default()
    }

    /// What tells two runs apart before their scripts spoke.
    fn run_signature(&self, env: &BTreeMap<String, String>) -> Vec<String> {
        let telling = |name: &str| {
            name.starts_with("CARGO_FEATURE_")
                || [
                    "CARGO_MANIFEST_DIR",
                    "TARGET",
                    "HOST",
                    "PROFILE",
                    "OPT_LEVEL",
                    "DEBUG",
                    "CARGO_CFG_PANIC",
                    "CARGO_ENCODED_RUSTFLAGS",
                ]
                .contains(&name)
        };
        env.iter().filter(|(n, _)| telling(n)).map(|(n, v)| format!("{n}={v}")).collect()
    }

    fn with_runs<T>(&self, use_runs: impl FnOnce(larder_plan::apply::Runs<'_, '_>) -> T) -> T {
        let find = |unit: UnitIndex| {
            let (directives, out_dir) = self.directives.get(&unit)?;
            Some(RunResult { directives, out_dir })
        };
        use_runs(&find)
    }

    fn compare_runs(&mut self) {
        for (unit, run) in self.run_of.clone() {
            let additions = self.with_runs(|runs| run_additions(self.plan, unit, runs));
            let mut env = self.planned_env(unit);
            env.extend(additions.env);
            extend_path(&mut env, &additions.dylib_dirs);
            let recorded: &Run = &self.recording.runs[run];
            let classes = &mut self.classes;
            let Some(action) = &self.plan.units[unit].action else { continue };
            let planned_env = self.normal.env(&env, &mut Classes::default());
            let mut cargo_env = self.normal.env(&recorded.env, classes);
            let member = planned_env.contains_key("CLIPPY_ARGS");
            Self::drop_clippy(&mut cargo_env, member, classes);
            // What larder keeps from scripts it decides by their code, when
            // they run: here only how many could be.
            let own: std::collections::BTreeSet<&str> =
                action.env.iter().map(|var| var.name.as_str()).collect();
            let inherited = self.inherited.keys().filter(|n| !own.contains(n.as_str())).count();
            classes.count(REMOVED, inherited);
            let planned = Form {
                program: String::new(),
                args: Vec::new(),
                env: planned_env,
                cwd: self.cargo_text(unit, &action.cwd),
            };
            let made = Form {
                program: String::new(),
                args: recorded.args.clone(),
                env: cargo_env,
                cwd: recorded.cwd.clone(),
            };
            if planned != made {
                let name = self.name(unit);
                self.differences.push(describe(&name, &planned, &made));
            }
        }
    }

    // Compiler calls.

    fn texts(&self, unit: UnitIndex, templates: &[Template]) -> Vec<String> {
        let mut args = Vec::with_capacity(templates.len());
        for template in templates {
            if template.0 == "{search}" {
                args.push("-L".to_owned());
                args.push("dependency=<dirs>".to_owned());
            } else {
                args.push(self.cargo_text(unit, template));
            }
        }
        args
    }

    fn planned_form(&self, unit: UnitIndex, classes: &mut Classes) -> Option<Form> {
        let action = self.plan.units[unit].action.as_ref()?;
        let additions = self.with_runs(|runs| rustc_additions(self.plan, unit, runs));
        let mut args = self.texts(unit, &action.args);
        args.extend(additions.args);
        classes.count(REMAPS, action.extra_args.len());
        let mut env = self.planned_env(unit);
        env.extend(additions.env);
        extend_path(&mut env, &additions.dylib_dirs);
        Some(Form {
            program: self.cargo_text(unit, &action.program),
            args: self.normal.args(&args, &mut Classes::default()),
            env: self.normal.env(&env, &mut Classes::default()),
            cwd: self.cargo_text(unit, &action.cwd),
        })
    }

    /// What cargo-clippy exports to every process, larder gives to members
    /// only: lints of a workspace are in no key of a dependency.
    fn drop_clippy(made: &mut BTreeMap<String, String>, wrapped: bool, classes: &mut Classes) {
        if wrapped || !made.contains_key("CLIPPY_ARGS") {
            return;
        }
        for name in ["CLIPPY_ARGS", "RUSTC_WORKSPACE_WRAPPER"] {
            classes.count(REMOVED, usize::from(made.remove(name).is_some()));
        }
    }

    fn made_form(&self, call: &Call, classes: &mut Classes) -> Form {
        let mut args = Vec::new();
        // A workspace wrapper is called with rustc as its first argument.
        args.extend(call.wrapped.clone());
        args.extend(call.args.iter().cloned());
        let mut env = self.normal.env(&call.env, classes);
        Self::drop_clippy(&mut env, call.wrapped.is_some(), classes);
        Form {
            program: call.program.clone(),
            args: self.normal.args(&args, classes),
            env,
            cwd: call.cwd.clone(),
        }
    }

    fn match_calls(&mut self) {
        let mut classes = std::mem::take(&mut self.classes);
        let units: Vec<(UnitIndex, Form)> = (0..self.plan.units.len())
            .filter(|&unit| !self.plan.units[unit].is_run())
            .filter_map(|unit| Some((unit, self.planned_form(unit, &mut classes)?)))
            .collect();
        let mut calls: Vec<(usize, Form)> = self
            .recording
            .rustc
            .iter()
            .enumerate()
            .filter(|(_, call)| !call.program.ends_with("rustdoc"))
            .map(|(index, call)| (index, self.made_form(call, &mut classes)))
            .collect();
        self.classes = classes;
        let mut rest = Vec::new();
        // Dependencies come first, so that equal forms are told apart by
        // what was matched below them.
        let order = larder_key::identity::dependency_order(self.plan);
        let by_unit: BTreeMap<UnitIndex, Form> = units.into_iter().collect();
        for unit in order {
            let Some(form) = by_unit.get(&unit) else { continue };
            let same: Vec<usize> = (0..calls.len()).filter(|&at| calls[at].1 == *form).collect();
            let best = same.iter().copied().find(|&at| self.edges_fit(unit, calls[at].0));
            match best.or(same.first().copied()) {
                Some(at) => {
                    self.call_of.insert(unit, calls[at].0);
                    calls.swap_remove(at);
                }
                None => rest.push((unit, form.clone())),
            }
        }
        for (unit, form) in rest {
            let name = self.name(unit);
            // The closest call of the same crate: its difference is worth
            // reading.
            let closest = calls
                .iter()
                .enumerate()
                .filter(|(_, (_, made))| crate_name(&made.args) == crate_name(&form.args))
                .min_by_key(|(_, (_, made))| distance(&form, made))
                .map(|(at, _)| at);
            match closest {
                Some(at) => {
                    let (index, made) = calls.swap_remove(at);
                    self.call_of.insert(unit, index);
                    self.differences.push(describe(&name, &form, &made));
                }
                None => self.differences.push(format!("{name}: cargo made no such call")),
            }
        }
        for (_, made) in calls {
            let name = crate_name(&made.args).unwrap_or("?");
            self.differences.push(format!("larder plans no unit for cargo's call of `{name}`"));
        }
    }

    /// The file hashes that a call was given as `--extern`, by crate file.
    fn externs(&self, call: usize) -> Vec<(String, String)> {
        let args = &self.recording.rustc[call].args;
        let values = args.windows(2).filter(|pair| pair[0] == "--extern").map(|pair| &pair[1]);
        values
            .filter_map(|value| {
                let (name, path) = value.split_once('=')?;
                let file = path.rsplit('/').next()?;
                Some((name.rsplit(':').next()?.to_owned(), file.to_owned()))
            })
            .collect()
    }

    fn extra_filename(&self, call: usize) -> Option<String> {
        let args = &self.recording.rustc[call].args;
        args.iter().find_map(|arg| arg.strip_prefix("extra-filename=").map(str::to_owned))
    }

    /// Whether a call's `--extern` files are those of the units that the plan
    /// names, as far as these are matched.
    fn edges_fit(&self, unit: UnitIndex, call: usize) -> bool {
        let externs = self.externs(call);
        self.plan.units[unit].deps.iter().filter(|dep| dep.linked).all(|dep| {
            let Some(&below) = self.call_of.get(&dep.unit) else { return true };
            let Some(extra) = self.extra_filename(below) else { return true };
            let mut of_name =
                externs.iter().filter(|(name, _)| *name == dep.extern_name).peekable();
            of_name.peek().is_none() || of_name.any(|(_, file)| file.contains(&extra))
        })
    }

    fn compare_edges(&mut self) {
        let pairs: Vec<(UnitIndex, usize)> = self.call_of.iter().map(|(u, c)| (*u, *c)).collect();
        for (unit, call) in pairs {
            if !self.edges_fit(unit, call) {
                let name = self.name(unit);
                self.differences.push(format!("{name}: its --extern files are of other units"));
            }
        }
        // The run whose OUT_DIR a call was given is the run of its unit.
        let pairs: Vec<(UnitIndex, usize)> = self.call_of.iter().map(|(u, c)| (*u, *c)).collect();
        for (unit, call) in pairs {
            let given = self.recording.rustc[call].env.get("OUT_DIR");
            let own = own_runs(self.plan, unit).next().filter(|run| self.run_of.contains_key(run));
            if let (Some(given), Some(own)) = (given, own.map(|run| self.out_dir(run)))
                && *given != own
            {
                let name = self.name(unit);
                self.differences.push(format!("{name}: OUT_DIR is {given}, larder has {own}"));
            }
        }
    }
}

fn without_token(name: &str) -> String {
    without_hash(&name.replace("{extra}", "0123456789abcdef"))
}

fn extend_path(env: &mut BTreeMap<String, String>, dirs: &[String]) {
    if dirs.is_empty() {
        return;
    }
    let path = env.entry("LD_LIBRARY_PATH".to_owned()).or_default();
    for dir in dirs {
        if !path.is_empty() {
            path.push(':');
        }
        path.push_str(dir);
    }
}

fn prepend_path(env: &mut BTreeMap<String, String>, dirs: &[String]) {
    let path = env.entry("LD_LIBRARY_PATH".to_owned()).or_default();
    for dir in dirs.iter().rev() {
        *path = if path.is_empty() { dir.clone() } else { format!("{dir}:{path}") };
    }
}

fn crate_name(args: &[String]) -> Option<&str> {
    let at = args.iter().position(|arg| arg == "--crate-name")?;
    args.get(at + 1).map(String::as_str)
}

fn distance(a: &Form, b: &Form) -> usize {
    let missing = |from: &Form, other: &Form| {
        from.args.iter().filter(|arg| !other.args.contains(arg)).count()
            + from.env.iter().filter(|(n, v)| other.env.get(*n) != Some(v)).count()
    };
    missing(a, b) + missing(b, a)
}

/// A difference in words: what only one side has.
fn describe(name: &str, larder: &Form, cargo: &Form) -> String {
    let mut text = name.to_owned();
    let mut line = |what: &str| {
        text.push_str("\n    ");
        text.push_str(what);
    };
    if larder.program != cargo.program {
        line(&format!("program: cargo {} larder {}", cargo.program, larder.program));
    }
    if larder.cwd != cargo.cwd {
        line(&format!("directory: cargo {} larder {}", cargo.cwd, larder.cwd));
    }
    let mut order = true;
    for arg in cargo.args.iter().filter(|arg| !larder.args.contains(arg)) {
        order = false;
        line(&format!("only cargo:  {arg}"));
    }
    for arg in larder.args.iter().filter(|arg| !cargo.args.contains(arg)) {
        order = false;
        line(&format!("only larder: {arg}"));
    }
    if order && larder.args != cargo.args {
        let at = larder.args.iter().zip(&cargo.args).position(|(a, b)| a != b);
        let at = at.unwrap_or(larder.args.len().min(cargo.args.len()));
        let shown = |args: &[String]| args.iter().skip(at).take(4).cloned().collect::<Vec<_>>();
        line(&format!("order: cargo {:?} larder {:?}", shown(&cargo.args), shown(&larder.args)));
    }
    let names: std::collections::BTreeSet<&String> =
        larder.env.keys().chain(cargo.env.keys()).collect();
    for name in names {
        let (ours, theirs) = (larder.env.get(name), cargo.env.get(name));
        if ours != theirs {
            line(&format!("variable {name}: cargo {theirs:?} larder {ours:?}"));
        }
    }
    text
}
