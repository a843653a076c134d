//! The arguments of a cargo command, as far as planning has to understand
//! them: which are cargo's own, which take values, and which must not reach
//! the cargo that plans.

use larder_plan::input::Selection;

/// A command as the user gave it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `build`, `check`, `clippy`, `test`, `bench`, `run`, `rustc`.
    pub command: String,
    /// Cargo's arguments, without what follows `--`.
    pub args: Vec<String>,
    /// What follows `--`.
    pub trailing: Vec<String>,
    /// `+toolchain`, without the plus.
    pub toolchain: Option<String>,
    /// Whether cargo's messages may be coloured (standard error is a
    /// terminal and the user did not say otherwise).
    pub color: bool,
}

/// What the arguments say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Arguments for the planning cargo.
    pub planning: Vec<String>,
    /// `--target`, in order.
    pub targets: Vec<String>,
    /// `--target-dir`.
    pub target_dir: Option<String>,
    /// `--manifest-path`.
    pub manifest_path: Option<String>,
    /// `--config`, in order.
    pub config: Vec<String>,
    /// `-j`.
    pub jobs: Option<String>,
    /// `-v` count.
    pub verbose: u8,
    /// `-q`.
    pub quiet: bool,
    /// `--crate-type` of `cargo rustc`.
    pub crate_types: Vec<String>,
    /// Values of `--message-format`.
    pub message_formats: Vec<String>,
    /// `--no-deps` of clippy.
    pub clippy_no_deps: bool,
    /// `--profile`, or `release` for `--release`.
    pub profile: Option<String>,
    /// Targets that are selected.
    pub selection: Selection,
    /// Arguments that larder does not model: the command goes to cargo.
    pub unsupported: Vec<String>,
}

/// Long options that take a value. Those in [`OPTIONAL`] may go without.
const VALUED: &[&str] = &[
    "--package",
    "--exclude",
    "--jobs",
    "--bin",
    "--example",
    "--test",
    "--bench",
    "--profile",
    "--features",
    "--target",
    "--target-dir",
    "--artifact-dir",
    "--out-dir",
    "--message-format",
    "--manifest-path",
    "--lockfile-path",
    "--color",
    "--config",
    "--crate-type",
    "--print",
    "--timings",
];

/// Options whose value can be absent (cargo then lists the candidates), or
/// has to be joined with `=`.
const OPTIONAL: &[&str] =
    &["--package", "--bin", "--example", "--test", "--bench", "--target", "--timings"];

/// Options that change what cargo does so much that it has to do it itself.
const UNSUPPORTED: &[&str] = &[
    "--build-plan",
    "--unit-graph",
    "--lockfile-path",
    "--artifact-dir",
    "--out-dir",
    "--print",
    "--fix",
    "--help",
    "--version",
    "--list",
];

/// Short options with values.
const SHORT_VALUED: &[char] = &['p', 'j', 'F', 'Z', 'C'];

impl Request {
    /// Reads the arguments.
    #[must_use]
    pub fn parse(&self) -> Parsed {
        let mut parsed = Parsed::default();
        let mut at = 0;
        while at < self.args.len() {
            let argument = &self.args[at];
            at += 1;
            if let Some(body) = argument.strip_prefix("--").filter(|b| !b.is_empty()) {
                let name = format!("--{}", body.split('=').next().unwrap_or(body));
                let (words, value) = match argument.split_once('=') {
                    Some((_, value)) => (vec![argument.clone()], Some(value.to_owned())),
                    None if VALUED.contains(&name.as_str()) && name != "--timings" => {
                        let next = self.args.get(at).cloned();
                        let optional = OPTIONAL.contains(&name.as_str());
                        match next.filter(|n| !(optional && n.starts_with('-'))) {
                            Some(value) => {
                                at += 1;
                                (vec![argument.clone(), value.clone()], Some(value))
                            }
                            None => (vec![argument.clone()], None),
                        }
                    }
                    None => (vec![argument.clone()], None),
                };
                self.long(&mut parsed, &name, words, value);
            } else if let Some(cluster) = argument.strip_prefix('-').filter(|c| !c.is_empty()) {
                at += self.short(&mut parsed, cluster, self.args.get(at));
            } else {
                parsed.planning.push(argument.clone());
            }
        }
        parsed
    }

    fn long(&self, to: &mut Parsed, name: &str, words: Vec<String>, value: Option<String>) {
        if UNSUPPORTED.contains(&name) {
            to.unsupported.push(name.to_owned());
            return;
        }
        match name {
            "--target-dir" => to.target_dir = value,
            "--message-format" => to.message_formats.extend(value),
            "--verbose" => to.verbose += 1,
            "--timings" => {}
            "--no-deps" if self.command == "clippy" => to.clippy_no_deps = true,
            _ => {
                match name {
                    "--target" => to.targets.extend(value),
                    "--manifest-path" => to.manifest_path = value,
                    "--config" => to.config.extend(value),
                    "--jobs" => to.jobs = value,
                    "--crate-type" => to
                        .crate_types
                        .extend(value.iter().flat_map(|v| v.split(',')).map(str::to_owned)),
                    "--quiet" => to.quiet = true,
                    "--profile" => to.profile = value,
                    "--release" => to.profile = Some("release".to_owned()),
                    name => select(&mut to.selection, name, value),
                }
                to.planning.extend(words);
            }
        }
    }

    /// Reads a cluster such as `vvp`; returns how many further arguments it
    /// took.
    fn short(&self, to: &mut Parsed, cluster: &str, next: Option<&String>) -> usize {
        for (index, flag) in cluster.char_indices() {
            match flag {
                'v' => to.verbose += 1,
                'q' => {
                    to.quiet = true;
                    to.planning.push("-q".to_owned());
                }
                'h' | 'V' => to.unsupported.push(format!("-{flag}")),
                'r' => {
                    to.profile = Some("release".to_owned());
                    to.planning.push("-r".to_owned());
                }
                flag if SHORT_VALUED.contains(&flag) => {
                    let rest = &cluster[index + flag.len_utf8()..];
                    let rest = rest.strip_prefix('=').unwrap_or(rest);
                    let (value, taken) = match (rest, next) {
                        ("", None) => (None, 0),
                        ("", Some(n)) if flag == 'p' && n.starts_with('-') => (None, 0),
                        ("", Some(n)) => (Some(n.clone()), 1),
                        (rest, _) => (Some(rest.to_owned()), 0),
                    };
                    match flag {
                        'Z' | 'C' => to.unsupported.push(format!("-{flag}")),
                        'j' => to.jobs.clone_from(&value),
                        _ => {}
                    }
                    to.planning.push(format!("-{flag}"));
                    to.planning.extend(value);
                    return taken;
                }
                other => to.planning.push(format!("-{other}")),
            }
        }
        0
    }
}

fn select(selection: &mut Selection, name: &str, value: Option<String>) {
    match name {
        "--all-targets" => selection.all_targets = true,
        "--lib" => selection.lib = true,
        "--bins" => selection.bins = Some(Vec::new()),
        "--examples" => selection.examples = Some(Vec::new()),
        "--tests" | "--benches" => selection.tests = true,
        "--bin" => add(&mut selection.bins, value),
        "--example" => add(&mut selection.examples, value),
        _ => {}
    }
}

/// An empty list means all of them, and names add nothing to it.
fn add(list: &mut Option<Vec<String>>, name: Option<String>) {
    match (list, name) {
        (Some(names), Some(name)) if !names.is_empty() => names.push(name),
        (list @ None, Some(name)) => *list = Some(vec![name]),
        _ => {}
    }
}

impl Parsed {
    /// Whether diagnostics are asked for in their short form.
    #[must_use]
    pub fn short_diagnostics(&self) -> bool {
        self.message_formats
            .iter()
            .flat_map(|f| f.split(','))
            .any(|f| f == "short" || f == "json-diagnostic-short")
    }
}

/// `CLIPPY_ARGS` as cargo-clippy sets it: every argument, each followed by a
/// separator that cannot occur in one.
#[must_use]
pub fn clippy_args(parsed: &Parsed, trailing: &[String]) -> String {
    let no_deps = parsed.clippy_no_deps.then(|| "--no-deps".to_owned());
    no_deps.iter().chain(trailing).map(|argument| format!("{argument}__CLIPPY_HACKERY__")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &str, args: &[&str]) -> Parsed {
        let args = args.iter().map(|a| (*a).to_owned()).collect();
        Request { command: command.to_owned(), args, ..Request::default() }.parse()
    }

    #[test]
    fn what_would_disturb_planning_is_taken_out() {
        let p = parse(
            "build",
            &[
                "-vvrj4",
                "--target-dir",
                "t",
                "-p",
                "a",
                "--message-format=json,json-diagnostic-short",
            ],
        );
        assert_eq!(p.planning, ["-r", "-j", "4", "-p", "a"]);
        assert_eq!(p.verbose, 2);
        assert_eq!(p.target_dir.as_deref(), Some("t"));
        assert_eq!(p.jobs.as_deref(), Some("4"));
        assert!(p.short_diagnostics());
    }

    #[test]
    fn values_are_not_mistaken_for_flags() {
        let p = parse("test", &["--features", "--target", "--bin", "--release", "name"]);
        assert_eq!(p.planning, ["--features", "--target", "--bin", "--release", "name"]);
        assert!(p.targets.is_empty());
        assert_eq!(parse("build", &["-Z", "build-std"]).unsupported, ["-Z"]);
    }

    #[test]
    fn clippy_arguments_are_separated() {
        let p = parse("clippy", &["--no-deps", "--all-targets"]);
        assert_eq!(p.planning, ["--all-targets"]);
        assert_eq!(
            clippy_args(&p, &["-D".into(), "warnings".into()]),
            "--no-deps__CLIPPY_HACKERY__-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
        );
    }
}
