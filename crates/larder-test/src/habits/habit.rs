//! A workspace of habits: each is a package, and `app` says what each of them
//! came to.

use crate::{Project, TestEnv};
use larder_schema::record::Verdict;

/// One habit.
#[derive(Clone, Copy)]
pub struct Habit {
    /// Name of its package.
    pub name: &'static str,
    /// Body of its code: a build script's `main`, or a macro's function. It
    /// calls `say` with a text. `@ROOT@` is the directory of the environment.
    pub code: &'static str,
    /// The verdict of the unit that has the habit.
    pub verdict: Verdict,
    /// What makes it run again, with what `app` says then.
    pub misses: &'static [(&'static str, Change, &'static str)],
    /// What does not.
    pub hits: &'static [(&'static str, Change)],
}

/// A change of the project's files; those outside it lie in its parent.
pub type Change = fn(&Project<'_>);

/// Writes the workspace; `package` writes the files of one habit.
pub fn workspace<'env>(
    env: &'env TestEnv,
    name: &str,
    habits: &[Habit],
    package: &dyn Fn(&Project<'_>, &Habit, &str),
) -> Project<'env> {
    let names: Vec<String> = habits.iter().map(|habit| format!("\"{}\"", habit.name)).collect();
    let depends: String =
        habits.iter().map(|habit| format!("{0}.path = \"../{0}\"\n", habit.name)).collect();
    let prints: String = habits
        .iter()
        .map(|habit| format!("    println!(\"{0}={{}}\", {0}::SAID);\n", habit.name))
        .collect();
    let project = env
        .project(name)
        .file(
            "Cargo.toml",
            format!(
                "[workspace]\nmembers = [\"app\", {}]\nresolver = \"3\"\n\n{QUICK}",
                names.join(", ")
            ),
        )
        .file("app/Cargo.toml", manifest("app", &format!("[dependencies]\n{depends}")))
        .file("app/src/main.rs", format!("fn main() {{\n{prints}}}\n"))
        .build();
    for habit in habits {
        let code = habit.code.replace("@ROOT@", &env.root().display().to_string());
        package(&project, habit, &code);
    }
    project
}

/// What `app` says about a habit.
#[track_caller]
pub fn said(project: &Project<'_>, habit: &str) -> String {
    let all = project.says("app");
    let of = |line: &str| line.strip_prefix(habit)?.strip_prefix('=').map(str::to_owned);
    all.lines().find_map(of).unwrap_or_else(|| panic!("nothing of {habit} in {all}"))
}

/// A manifest of a package, edition 2024, with more lines behind.
pub fn manifest(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{more}")
}

/// Profile without what costs time and changes nothing: debug information,
/// and incremental compilation, which has a table of its own.
pub const QUICK: &str =
    "[profile.dev]\ndebug = 0\nincremental = false\n\n[profile.dev.build-override]\ndebug = 0\n";
