//! The torture collection: small packages, each with one nasty habit that
//! nobody declares, and what larder has to do about it. Habit × change →
//! exactly these units run, or none; and the verdict.

#[path = "../truth/table.rs"]
mod table;

mod chance;
mod habits;
mod hermetic;
mod macros;
mod neighbours;
mod recorded;
mod scripts;
mod tools;
mod unobserved;

use larder_test::habits::{macros as of_macros, scripts as of_scripts};

/// The page names every row, and no row that is not there.
#[test]
fn the_page_is_the_table() {
    let page = include_str!("../../../../docs/reference/torture.md");
    let section = |title: &str| {
        let text = page.split("\n## ").find(|text| text.starts_with(title)).expect("a section");
        let first = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
        text.lines().filter_map(first).collect::<Vec<_>>()
    };
    for (title, habits) in
        [("Build scripts", of_scripts::HABITS), ("Proc-macros", of_macros::HABITS)]
    {
        let mut rows = section(title);
        let mut names: Vec<String> = habits.iter().map(|habit| habit.name.to_owned()).collect();
        rows.sort();
        names.sort();
        assert_eq!(rows, names, "{title}");
    }
}
