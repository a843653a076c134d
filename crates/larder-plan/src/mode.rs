//! The mode of every unit. The graph calls a check of a library and a check of
//! its unit tests both `check`; which one it is follows from what the command
//! line selects, as cargo's unit generator decides it:
//!
//! - only roots can be checks of tests;
//! - with `--profile test`, all roots are;
//! - tests and benches always are;
//! - libraries, binaries and examples are where `--tests` or `--benches`
//!   selects them; if another flag selects the same target too, there are two
//!   roots, and the graph is sorted with the plain check first.

use crate::graph::{Kind, requested_profile};
use crate::input::{GraphUnit, Inputs};
use crate::unsupported::Unsupported;
use larder_schema::plan::{Mode, UnitIndex};

/// The mode of every unit of the graph.
pub(crate) fn modes(inputs: &Inputs) -> Result<Vec<Mode>, Unsupported> {
    let mut modes = Vec::with_capacity(inputs.graph.units.len());
    for (index, unit) in inputs.graph.units.iter().enumerate() {
        modes.push(match unit.mode.as_str() {
            "build" => Mode::Build,
            "test" => Mode::Test,
            "doctest" => Mode::Doctest,
            "run-custom-build" => Mode::RunCustomBuild,
            "check" if checks_tests(inputs, index, unit) => Mode::CheckTest,
            "check" => Mode::Check,
            other => {
                return Err(Unsupported::new(
                    format!("the mode `{other}`"),
                    format!("target `{}`", unit.target.name),
                ));
            }
        });
    }
    Ok(modes)
}

fn checks_tests(inputs: &Inputs, index: UnitIndex, unit: &GraphUnit) -> bool {
    let graph = &inputs.graph;
    if !graph.roots.contains(&index) {
        return false;
    }
    let kind = Kind::of(&unit.target);
    if requested_profile(inputs) == "test" || matches!(kind, Kind::Test | Kind::Bench) {
        return true;
    }
    let selection = &inputs.command.selection;
    if !selection.tests && !selection.all_targets {
        return false;
    }
    let twin = |other: &UnitIndex| {
        let other_unit = &graph.units[*other];
        *other != index
            && other_unit.mode == "check"
            && other_unit.pkg_id == unit.pkg_id
            && other_unit.platform == unit.platform
            && other_unit.target.kind == unit.target.kind
            && other_unit.target.name == unit.target.name
    };
    if let Some(other) = graph.roots.iter().find(|other| twin(other)) {
        return *other < index;
    }
    let selected = match kind {
        Kind::Lib => selection.lib,
        Kind::Bin => names(selection.bins.as_deref(), &unit.target.name),
        _ => names(selection.examples.as_deref(), &unit.target.name),
    };
    !(selection.all_targets || selected)
}

/// Whether a `--bins` or `--bin NAME` selects `name`.
fn names(selected: Option<&[String]>, name: &str) -> bool {
    selected.is_some_and(|list| list.is_empty() || list.iter().any(|glob| matches(glob, name)))
}

/// Globs of cargo's target selection: `*`, `?`; a set in brackets counts as
/// any character.
fn matches(glob: &str, name: &str) -> bool {
    fn at(glob: &[u8], name: &[u8]) -> bool {
        match (glob.first(), name.first()) {
            (None, None) => true,
            (Some(b'*'), _) => at(&glob[1..], name) || (!name.is_empty() && at(glob, &name[1..])),
            (Some(b'?'), Some(_)) => at(&glob[1..], &name[1..]),
            (Some(b'['), Some(_)) => match glob.iter().position(|&b| b == b']') {
                Some(end) => at(&glob[end + 1..], &name[1..]),
                None => false,
            },
            (Some(a), Some(b)) if a == b => at(&glob[1..], &name[1..]),
            _ => false,
        }
    }
    at(glob.as_bytes(), name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};
    use crate::input::Selection;

    /// A library, its twin, a binary and a test, checked; the first `roots`
    /// in that order.
    fn checked(selection: Selection, twin: bool) -> Vec<Mode> {
        let mut project = Project::default();
        let lib = project.add(unit("a").mode("check"));
        let mut roots = vec![lib];
        if twin {
            roots.push(project.add(unit("a").mode("check")));
        }
        roots.push(
            project.add(unit("a").target("tool").kind("bin").crate_types(&["bin"]).mode("check")),
        );
        roots.push(
            project.add(unit("a").target("it").kind("test").crate_types(&["bin"]).mode("check")),
        );
        for root in roots {
            project.root(root);
        }
        project.command.selection = selection;
        modes(&project.inputs()).unwrap()
    }

    #[test]
    fn a_check_of_tests_is_told_by_the_command_line() {
        use Mode::{Check, CheckTest};
        let tests = Selection { tests: true, ..Selection::default() };
        assert_eq!(checked(Selection::default(), false), [Check, Check, CheckTest]);
        assert_eq!(checked(tests.clone(), false), [CheckTest, CheckTest, CheckTest]);
        let lib = Selection { lib: true, ..tests.clone() };
        assert_eq!(checked(lib.clone(), true), [Check, CheckTest, CheckTest, CheckTest]);
        // A library with `test = false` has no twin.
        assert_eq!(checked(lib, false), [Check, CheckTest, CheckTest]);
        let bin = Selection { bins: Some(vec!["t*".into()]), ..tests };
        assert_eq!(checked(bin, false), [CheckTest, Check, CheckTest]);
        let all = Selection { all_targets: true, ..Selection::default() };
        assert_eq!(checked(all, true), [Check, CheckTest, Check, CheckTest]);
    }

    #[test]
    fn globs() {
        for (glob, name, expected) in [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a?c", "abc", true),
            ("a[bx]c", "abc", true),
            ("ab", "abc", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(glob, name), expected, "{glob} {name}");
        }
    }
}
