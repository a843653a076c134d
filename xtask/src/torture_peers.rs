//! `cargo xtask torture-peers`: the torture collection under cargo, larder and
//! its peers. Who is stale after a change that nobody declared?
//!
//! Each tool builds a workspace of habits, in an environment of its own; then
//! come the changes of the collection's tables, the first of every row at
//! once, then the second, and the tool builds again. What it delivers is
//! compared with what plain cargo builds from nothing. Once the target
//! directory is a new one after every change, so that results come from the
//! tool's cache or are made; once it stays, so that cargo's own rules decide
//! as well.
//!
//! Not part of the tests: the peers have to be installed, and what they do is
//! theirs.

mod page;

use crate::bench::tools::{self, Tool};
use crate::{process, setting, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use larder_test::habits::{Habit, macros, said, scripts};
use larder_test::{Project, TestEnv};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Run the torture collection under cargo, larder and its peers.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Tools, in the order of the table.
    #[arg(long, value_delimiter = ',', default_values_t = tools::names())]
    tools: Vec<String>,
    /// This binary of larder instead of the workspace's.
    #[arg(long)]
    larder: Option<PathBuf>,
    /// Print the page, and leave the file as it is.
    #[arg(long)]
    dry: bool,
}

/// The page.
const PAGE: &str = "docs/reference/torture-peers.md";

/// One kind of habits.
struct Collection {
    title: &'static str,
    rows: Vec<Habit>,
    /// Rows that leave a file, and where.
    left: &'static [(&'static str, &'static str)],
    machine: fn(TestEnv) -> TestEnv,
    project: for<'e> fn(&'e TestEnv, &[Habit]) -> Project<'e>,
}

/// Where a tool builds after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// In a new target directory.
    New,
    /// In the one of the build before.
    Same,
}

/// What is seen of a row after a build: what it says and what it left.
type Shown = (String, Option<String>);

/// What is seen of every row, after the build from nothing and after each
/// round of changes.
type Course = Vec<BTreeMap<&'static str, Shown>>;

/// How a tool did on one change; `None`: it could not build at all.
type Right = Option<bool>;

/// One change of one row, with how every tool did in both target directories.
struct Line {
    row: &'static str,
    change: &'static str,
    tools: Vec<[Right; 2]>,
}

/// Runs `cargo xtask torture-peers`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = tools::install(&args.tools, args.larder.as_deref())?;
    let mut parts = Vec::new();
    for collection in [scripts_here()?, macros_here()] {
        let lines = compare(&collection, &tools)?;
        let unasked = unasked(&collection, &lines);
        parts.push((collection.title, lines, unasked));
    }
    let text = page::text(&setting::today(), &tools, &parts);
    println!("{text}");
    if !args.dry {
        fs::write(workspace::root().join(PAGE), text)?;
        println!("written to {PAGE}");
    }
    Ok(())
}

fn scripts_here() -> Result<Collection> {
    let env = TestEnv::new();
    let rows = scripts::rows(&env);
    if rows.len() < scripts::HABITS.len() {
        bail!("the page wants all rows: `cargo xtask test` installs what they need");
    }
    Ok(Collection {
        title: "Build scripts",
        rows,
        left: scripts::LEFT,
        machine: scripts::machine,
        project: scripts::project,
    })
}

fn macros_here() -> Collection {
    Collection {
        title: "Proc-macros",
        rows: macros::HABITS.to_vec(),
        left: macros::LEFT,
        machine: |env| env,
        project: macros::project,
    }
}

/// Rows without a change that shows.
fn unasked(collection: &Collection, lines: &[Line]) -> Vec<&'static str> {
    let is_asked = |name: &str| lines.iter().any(|line| line.row == name);
    collection.rows.iter().map(|row| row.name).filter(|name| !is_asked(name)).collect()
}

fn compare(collection: &Collection, tools: &[Tool]) -> Result<Vec<Line>> {
    let cold = tools::install(&["cargo".to_owned()], None)?;
    let cold = cold.first().context("no cargo")?;
    eprintln!("==> {}: what cargo builds from nothing", collection.title);
    let truth = course(collection, cold, Target::New)?;
    let mut courses = Vec::new();
    for tool in tools {
        for target in [Target::New, Target::Same] {
            // From nothing it is what the others are compared with.
            if tool.name == "cargo" && target == Target::New {
                courses.push(Some(truth.clone()));
                continue;
            }
            eprintln!("==> {}: {}, {target:?} target directory", collection.title, tool.name);
            match course(collection, tool, target) {
                Ok(course) => courses.push(Some(course)),
                Err(error) => {
                    eprintln!("warning: {}: {error:#}", tool.name);
                    courses.push(None);
                }
            }
        }
    }
    let mut lines = Vec::new();
    for row in &collection.rows {
        for (round, (change, _, _)) in row.misses.iter().enumerate() {
            let leaves = collection.left.iter().any(|(name, _)| *name == row.name);
            let shows = truth.get(round).map(|before| before.get(row.name))
                != truth.get(round + 1).map(|after| after.get(row.name));
            if !leaves && !shows {
                continue;
            }
            let seen = |course: &Course| course.get(round + 1)?.get(row.name).cloned();
            let right = |course: &Option<Course>| {
                course.as_ref().map(|course| seen(course) == seen(&truth))
            };
            let of_tool = |pair: &[Option<Course>]| [right(&pair[0]), right(&pair[1])];
            let tools = courses.chunks_exact(2).map(of_tool).collect();
            lines.push(Line { row: row.name, change, tools });
        }
    }
    Ok(lines)
}

/// Builds from nothing, then once after each round of changes.
fn course(collection: &Collection, tool: &Tool, target: Target) -> Result<Course> {
    let env = (collection.machine)(TestEnv::new());
    let project = (collection.project)(&env, &collection.rows);
    let store = env.root().join("cache");
    fs::create_dir_all(&store)?;
    let course = builds(collection, tool, target, &project, &env, &store);
    if let Some(stop) = tool.stop(&store) {
        let _ = quiet(&mut in_env(&env, &stop)).status();
    }
    // What a script left running waits for this.
    let _ = fs::remove_dir_all(env.root().join("outside"));
    course
}

fn builds(
    collection: &Collection,
    tool: &Tool,
    target: Target,
    project: &Project<'_>,
    env: &TestEnv,
    store: &std::path::Path,
) -> Result<Course> {
    let rounds = collection.rows.iter().map(|row| row.misses.len()).max().unwrap_or(0);
    let mut course = Course::new();
    for round in 0..=rounds {
        if let Some(round) = round.checked_sub(1) {
            for row in &collection.rows {
                if let Some((_, change, _)) = row.misses.get(round) {
                    change(project);
                }
            }
            if target == Target::New {
                remove_target(project)?;
            }
        }
        build(tool, project, env, store)?;
        let shown = collection.rows.iter().map(|row| {
            let left = collection.left.iter().find(|(name, _)| *name == row.name);
            let left = left.and_then(|(_, file)| fs::read_to_string(project.path(file)).ok());
            (row.name, (said(project, row.name), left))
        });
        course.push(shown.collect());
    }
    Ok(course)
}

/// A tool may keep the directory in its own store, behind a link.
fn remove_target(project: &Project<'_>) -> Result<()> {
    let target = project.path("target");
    if target.is_symlink() {
        fs::remove_dir_all(fs::canonicalize(&target)?)?;
    }
    Ok(fs::remove_dir_all(target)?)
}

/// Its output goes to files: a server that it starts would keep a pipe open.
fn build(tool: &Tool, project: &Project<'_>, env: &TestEnv, store: &std::path::Path) -> Result<()> {
    let log = env.root().join("build.log");
    let mut command = in_env(env, &tool.build(project.root(), store, true));
    command.current_dir(project.root()).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(fs::File::create(&log)?.into_parts().0);
    let status = command.status().with_context(|| process::shown(&command))?;
    if !status.success() {
        let log = fs::read_to_string(&log)?;
        bail!("{} ended with {status}:\n{log}", process::shown(&command));
    }
    Ok(())
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// A command in an environment, which it knows nothing of.
fn in_env(env: &TestEnv, command: &Command) -> Command {
    let mut inner = env.command(command.get_program());
    inner.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inner.env(name, value),
            None => inner.env_remove(name),
        };
    }
    inner
}
