//! An existing Dockerfile: its stages, how they follow from each other, and
//! what each instruction does, with its line.
//!
//! The grammar is parse-dockerfile's; here it gets meaning for a build of
//! Rust: commands, mounts, variables.

use crate::shell::{self, Command};
use parse_dockerfile::{Command as Arguments, Flag, Instruction, Source};
use std::collections::BTreeMap;

/// A Dockerfile.
#[derive(Debug)]
pub struct Document {
    /// Stages, in order. The last one is the image.
    pub stages: Vec<Stage>,
    /// `ARG` before the first stage.
    pub arguments: Vec<(String, Option<String>)>,
    /// The text.
    pub text: String,
}

/// A stage.
#[derive(Debug)]
pub struct Stage {
    /// Line of its `FROM`.
    pub line: usize,
    /// Name.
    pub name: Option<String>,
    /// What it starts from, variables expanded where their values are known.
    pub base: String,
    /// Index of the stage that it starts from.
    pub parent: Option<usize>,
    /// `--platform`.
    pub platform: Option<String>,
    /// Its instructions.
    pub steps: Vec<Step>,
}

/// An instruction.
#[derive(Debug)]
pub struct Step {
    /// Line.
    pub line: usize,
    /// What it does.
    pub kind: Kind,
}

/// What an instruction does.
#[derive(Debug)]
pub enum Kind {
    /// `RUN`.
    Run(Run),
    /// `COPY` and `ADD`.
    Copy(Copy),
    /// `ARG`.
    Arg(Vec<(String, Option<String>)>),
    /// `ENV`.
    Env(Vec<(String, Option<String>)>),
    /// `USER`.
    User(String),
    /// `WORKDIR`.
    Workdir(String),
    /// `SHELL`.
    Shell(Vec<String>),
    /// Anything else.
    Other,
}

/// `RUN`.
#[derive(Debug)]
pub struct Run {
    /// `--mount`, option by option; the type is `type`.
    pub mounts: Vec<Mount>,
    /// The commands.
    pub commands: Vec<Command>,
}

/// The options of a mount.
#[derive(Debug)]
pub struct Mount(BTreeMap<String, String>);

impl Mount {
    /// The value of an option.
    pub fn get(&self, option: &str) -> Option<&str> {
        self.0.get(option).map(String::as_str)
    }

    /// Whether it is of this type.
    pub fn is(&self, kind: &str) -> bool {
        self.get("type").unwrap_or("bind") == kind
    }

    /// Where it is mounted.
    pub fn target(&self) -> &str {
        ["target", "dst", "destination"].iter().find_map(|name| self.get(name)).unwrap_or("")
    }
}

/// `COPY` and `ADD`.
#[derive(Debug)]
pub struct Copy {
    /// `--from`.
    pub from: Option<String>,
    /// Files.
    pub sources: Vec<String>,
    /// Where to.
    pub destination: String,
}

impl Copy {
    /// Whether it takes everything that the build context has.
    pub fn is_whole_context(&self) -> bool {
        self.from.is_none()
            && self
                .sources
                .iter()
                .any(|source| matches!(source.as_str(), "." | "./" | "/" | "*" | "./*"))
    }
}

/// Text that is no Dockerfile.
#[derive(Debug, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ParseError {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
    message: String,
}

impl Document {
    /// Reads a Dockerfile.
    pub fn parse(text: &str) -> Result<Document, ParseError> {
        let parsed = parse_dockerfile::parse(text).map_err(|error| ParseError {
            line: error.line(),
            column: error.column(),
            message: error.to_string(),
        })?;
        let escape = parsed.parser_directives.escape.as_ref().map_or('\\', |it| it.value.value);
        let lines = Lines::new(text);
        let arguments: Vec<_> =
            parsed.global_args().flat_map(|arg| shell::pairs(&arg.arguments.value)).collect();
        let mut stages: Vec<Stage> = Vec::new();
        for stage in parsed.stages() {
            let image = &stage.from.image.value;
            let base = expand(image, &arguments);
            let named = |stage: &Stage| {
                stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&base))
            };
            let parent = stages.iter().rposition(named);
            let platform = option(&stage.from.options, "platform");
            stages.push(Stage {
                line: lines.at(stage.from.from.span.start),
                name: stage.from.as_.as_ref().map(|(_, name)| name.value.to_string()),
                parent,
                base,
                platform,
                steps: stage.instructions.iter().map(|it| step(it, text, &lines, escape)).collect(),
            });
        }
        Ok(Document { stages, arguments, text: text.to_owned() })
    }

    /// The stage and those that it starts from, the oldest first.
    pub fn lineage(&self, stage: usize) -> Vec<usize> {
        let mut all = vec![stage];
        while let Some(parent) = self.stages[all[all.len() - 1]].parent {
            all.push(parent);
        }
        all.reverse();
        all
    }

    /// The instructions of a stage, after those of the stages that it starts from.
    pub fn history(&self, stage: usize) -> impl Iterator<Item = &Step> {
        self.lineage(stage).into_iter().flat_map(|stage| &self.stages[stage].steps)
    }

    /// Every `RUN`: the number of its stage, the instruction, and what it runs.
    pub fn runs(&self) -> impl Iterator<Item = (usize, &Step, &Run)> {
        self.stages.iter().enumerate().flat_map(|(index, stage)| {
            stage.steps.iter().filter_map(move |step| match &step.kind {
                Kind::Run(run) => Some((index, step, run)),
                _ => None,
            })
        })
    }

    /// The image under a stage: not the name of another one.
    pub fn image(&self, stage: usize) -> &str {
        let first = self.lineage(stage)[0];
        &self.stages[first].base
    }

    /// The stage that is the image.
    pub fn last(&self) -> usize {
        self.stages.len() - 1
    }

    /// The stage of a name or number.
    pub fn stage(&self, name: &str) -> Option<usize> {
        let named = |stage: &Stage| {
            stage.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name))
        };
        let found = self.stages.iter().position(named);
        found.or_else(|| name.parse().ok().filter(|at| *at < self.stages.len()))
    }

    /// A value with the variables of a stage in it, as far as they are known.
    pub fn expanded(&self, stage: usize, value: &str) -> String {
        let mut variables = self.arguments.clone();
        for step in self.history(stage) {
            if let Kind::Arg(pairs) | Kind::Env(pairs) = &step.kind {
                variables.extend(pairs.iter().filter(|(_, value)| value.is_some()).cloned());
            }
        }
        expand(value, &variables)
    }
}

/// `$A`, `${A}` and `${A:-b}` with the last value of each variable; what is
/// not known stays.
fn expand(text: &str, variables: &[(String, Option<String>)]) -> String {
    let known = |name: &str| {
        variables
            .iter()
            .rev()
            .find(|(other, _)| other == name)
            .and_then(|(_, value)| value.as_deref())
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, default, length) = if let Some(inner) = after.strip_prefix('{') {
            let Some(end) = inner.find('}') else { break };
            let (name, default) = match inner[..end].split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (&inner[..end], None),
            };
            (name, default, end + 2)
        } else {
            let end = after
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(after.len());
            (&after[..end], None, end)
        };
        match known(name).or(default) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

fn step(instruction: &Instruction<'_>, text: &str, lines: &Lines, escape: char) -> Step {
    let (start, kind) = match instruction {
        Instruction::Run(it) => {
            let mut commands = match &it.arguments {
                Arguments::Shell(text) => {
                    shell::commands(text.value, lines.at(text.span.start), escape)
                }
                Arguments::Exec(words) => vec![Command {
                    line: lines.at(words.span.start),
                    words: words.value.iter().map(|word| word.value.to_string()).collect(),
                    ..Command::default()
                }],
                _ => Vec::new(),
            };
            // A document is run where nothing else is, or where a shell reads it.
            let first = commands.first().map(Command::program).unwrap_or_default();
            if matches!(first, "" | "sh" | "bash") || first.starts_with("<<") {
                for document in &it.here_docs {
                    commands.extend(shell::commands(
                        &document.value,
                        lines.at(document.span.start),
                        '\\',
                    ));
                }
            }
            let mounts = it.options.iter().filter(|flag| flag.name.value == "mount");
            let mounts = mounts.filter_map(|flag| Some(mount(&flag.value.as_ref()?.value)));
            (it.run.span.start, Kind::Run(Run { mounts: mounts.collect(), commands }))
        }
        Instruction::Copy(it) => (it.copy.span.start, copy(&it.options, &it.src, &it.dest.value)),
        Instruction::Add(it) => (it.add.span.start, copy(&it.options, &it.src, &it.dest.value)),
        Instruction::Arg(it) => (it.arg.span.start, Kind::Arg(shell::pairs(&it.arguments.value))),
        Instruction::Env(it) => (it.env.span.start, Kind::Env(shell::pairs(&it.arguments.value))),
        Instruction::User(it) => (it.user.span.start, Kind::User(it.arguments.value.to_string())),
        Instruction::Workdir(it) => {
            (it.workdir.span.start, Kind::Workdir(it.arguments.value.to_string()))
        }
        Instruction::Shell(it) => {
            let words = it.arguments.iter().map(|word| word.value.to_string());
            (it.shell.span.start, Kind::Shell(words.collect()))
        }
        _ => (text.len(), Kind::Other),
    };
    Step { line: lines.at(start), kind }
}

fn copy(options: &[Flag<'_>], sources: &[Source<'_>], destination: &str) -> Kind {
    let sources = sources.iter().filter_map(|source| match source {
        Source::Path(path) => Some(path.value.to_string()),
        _ => None,
    });
    Kind::Copy(Copy {
        from: option(options, "from"),
        sources: sources.collect(),
        destination: destination.to_owned(),
    })
}

fn option(options: &[Flag<'_>], name: &str) -> Option<String> {
    let flag = options.iter().find(|flag| flag.name.value == name)?;
    Some(flag.value.as_ref()?.value.to_string())
}

fn mount(text: &str) -> Mount {
    let options = text.split(',').map(|option| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned())
    });
    Mount(options.collect())
}

/// Line numbers of byte offsets.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# syntax=docker/dockerfile:1\nARG V=1.95\nFROM rust:${V} AS base\n\
        ENV A=b\nRUN --mount=type=cache,target=/t,sharing=locked cargo build \\\n  --release \\\n\
        # note\n  && cp a b\nFROM base AS next\nRUN <<EOF\nset -e\ncargo test\nEOF\n\
        COPY --from=base [\"a b\", \"/c/\"]\nCOPY <<EOF /etc/x\ndata\nEOF\nFROM scratch\nUSER 1:1\n";

    #[test]
    fn stages_steps_and_lines() {
        let document = Document::parse(TEXT).unwrap();
        assert_eq!(document.stages.len(), 3);
        assert_eq!(document.image(1), "rust:1.95");
        assert_eq!(document.lineage(1), [0, 1]);
        let Kind::Run(run) = &document.stages[0].steps[1].kind else { panic!() };
        assert_eq!(run.mounts[0].target(), "/t");
        assert!(run.mounts[0].is("cache"));
        let lines: Vec<_> = run.commands.iter().map(|c| (c.line, c.program())).collect();
        assert_eq!(lines, [(5, "cargo"), (8, "cp")]);
        let Kind::Run(run) = &document.stages[1].steps[0].kind else { panic!() };
        let last = run.commands.last().unwrap();
        assert_eq!((last.line, last.words.join(" ").as_str()), (12, "cargo test"));
        let Kind::Copy(copy) = &document.stages[1].steps[1].kind else { panic!() };
        assert_eq!((copy.from.as_deref(), copy.sources[0].as_str()), (Some("base"), "a b"));
    }

    #[test]
    fn the_escape_directive_is_heeded() {
        let text = "# escape=`\nFROM a\nRUN x `\n  y\\z\n";
        let document = Document::parse(text).unwrap();
        let Kind::Run(run) = &document.stages[0].steps[0].kind else { panic!() };
        assert_eq!(run.commands.len(), 1);
        assert_eq!(run.commands[0].words[0], "x");
    }

    #[test]
    fn variables_are_expanded_where_they_are_known() {
        let known = vec![("A".to_owned(), Some("1".to_owned()))];
        assert_eq!(expand("x$A-${A}-${B:-2}-$C-${D}", &known), "x1-1-2-$C-${D}");
    }

    #[test]
    fn an_error_has_its_place() {
        let error = Document::parse("FROM a\nNONSENSE\n").unwrap_err();
        assert_eq!(error.line, 2);
    }
}
