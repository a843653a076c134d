//! Documentation tests: the call of `rustdoc --test` beside the planned one.
//!
//! The program itself is not compared: the recorder stands in its place.

use super::{Comparison, Form, crate_name, describe, prepend_path};
use crate::parity::normal::Classes;
use larder_plan::doctest::{Settings, call};
use larder_schema::plan::UnitIndex;

impl Comparison<'_> {
    /// Compares every call; returns how many units that are.
    pub(super) fn compare_doctests(&mut self) -> usize {
        let command = &self.recording.command;
        let runs_tests = command.iter().take_while(|word| *word != "--").any(|word| word == "test")
            && !command.iter().any(|word| word == "--no-run");
        let units: Vec<UnitIndex> = (0..self.plan.units.len())
            .filter(|&unit| runs_tests && self.plan.units[unit].doctest.is_some())
            .collect();
        let mut classes = std::mem::take(&mut self.classes);
        let mut calls: Vec<Form> = self
            .recording
            .rustc
            .iter()
            .filter(|call| call.program.ends_with("rustdoc"))
            .map(|call| Form { program: String::new(), ..self.made_form(call, &mut classes) })
            .collect();
        self.classes = classes;
        for &unit in &units {
            let name = self.name(unit);
            let Some(planned) = self.planned_doctest(unit, &calls) else { continue };
            let same = calls.iter().position(|made| *made == planned);
            let of_name = || {
                let name = crate_name(&planned.args);
                calls.iter().position(|made| crate_name(&made.args) == name)
            };
            match same.or_else(of_name) {
                Some(at) => {
                    let made = calls.swap_remove(at);
                    if made != planned {
                        self.differences.push(describe(&name, &planned, &made));
                    }
                }
                None => {
                    self.differences.push(format!("{name}: cargo tested no such documentation"))
                }
            }
        }
        for made in calls {
            let name = crate_name(&made.args).unwrap_or("?");
            self.differences.push(format!("larder plans no documentation tests of `{name}`"));
        }
        units.len()
    }

    /// The planned call. What the terminal says (its colours) is taken from
    /// what cargo was told.
    fn planned_doctest(&self, unit: UnitIndex, calls: &[Form]) -> Option<Form> {
        let color = calls.iter().find_map(|made| {
            let at = made.args.iter().position(|arg| arg == "--color")?;
            made.args.get(at + 1)
        });
        let behind = self.recording.command.iter().skip_while(|word| *word != "--").skip(1);
        let test_args: Vec<String> = behind.cloned().collect();
        let json = !self.recording.messages.is_empty();
        let settings = Settings {
            color: color.map_or("auto", String::as_str),
            test_args: &test_args,
            quiet: false,
            error_format: if json { "json" } else { "human" },
        };
        let call = self.with_runs(|runs| call(self.plan, unit, runs, &settings))?;
        let planned = self.plan.units[unit].doctest.as_ref()?;
        let mut env = self.inherited.clone();
        let joined = call.env.iter().map(|(name, value)| (name, Some(value)));
        let all = planned.env.iter().map(|var| (&var.name, var.value.as_ref())).chain(joined);
        for (name, value) in all {
            match value {
                Some(value) => env.insert(name.clone(), self.cargo_text(unit, value)),
                None => env.remove(name),
            };
        }
        prepend_path(&mut env, &call.dylib_dirs);
        let unused = &mut Classes::default();
        Some(Form {
            program: String::new(),
            args: self.normal.args(&self.texts(unit, &call.args), unused),
            env: self.normal.env(&env, unused),
            cwd: self.cargo_text(unit, &planned.cwd),
        })
    }
}
