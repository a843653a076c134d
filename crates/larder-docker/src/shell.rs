//! Commands in the text of a `RUN`, as far as a linter has to tell them apart.
//!
//! Not a shell: quotes, continuations, comments, separators and leading
//! assignments are understood; expansions stay as they are written, and what
//! a command substitution runs is part of its word.

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Line of its first word.
    pub line: usize,
    /// Assignments before the program: `A=b`.
    pub assignments: Vec<(String, String)>,
    /// The program and its arguments, quotes removed.
    pub words: Vec<String>,
    /// Whether its output goes into the next command's input.
    pub piped: bool,
    /// Files that its output is redirected to.
    pub redirects: Vec<String>,
}

impl Command {
    /// The program's file name: `cargo` for `/usr/local/cargo/bin/cargo`.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
    }

    /// Whether an argument is exactly this.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }
}

/// Words of shells that stand before a command.
const KEYWORDS: &[&str] = &[
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "time", "exec", "env",
    "sudo",
];

/// The commands of a text that starts in `line`; `escape` continues lines.
pub fn commands(text: &str, line: usize, escape: char) -> Vec<Command> {
    let mut scanner = Scanner { line, start: line, ..Scanner::default() };
    let mut chars = text.chars().peekable();
    let mut at_line_start = true;
    while let Some(c) = chars.next() {
        let is_start = std::mem::replace(&mut at_line_start, false);
        match c {
            c if c == escape && is_end_of_line(&chars) => {
                while chars.next_if(|n| *n != '\n').is_some() {}
                chars.next();
                scanner.line += 1;
                scanner.end_word();
                // Dockerfiles drop comment lines between continued ones.
                skip_comment_lines(&mut chars, &mut scanner.line);
            }
            '\n' => {
                scanner.end_command(false);
                scanner.line += 1;
                at_line_start = true;
            }
            '\\' => match chars.next() {
                Some('\n') => scanner.line += 1,
                Some(c) => scanner.push(c),
                None => {}
            },
            '#' if is_start || !scanner.in_word => while chars.next_if(|n| *n != '\n').is_some() {},
            '\'' | '"' => scanner.quoted(&mut chars, c),
            '$' if chars.peek() == Some(&'(') => scanner.substitution(&mut chars),
            ' ' | '\t' | '\r' => {
                scanner.end_word();
                at_line_start = is_start;
            }
            ';' | ')' => scanner.end_command(false),
            '(' => scanner.end_command(false),
            // `2>&1`, `&>file`.
            '&' if scanner.redirecting || chars.peek() == Some(&'>') => scanner.push(c),
            '&' | '|' => {
                let doubled = chars.next_if_eq(&c).is_some();
                scanner.end_command(c == '|' && !doubled);
            }
            '>' => {
                let is_descriptor = scanner.word.chars().all(|c| c.is_ascii_digit() || c == '&');
                if scanner.in_word && is_descriptor {
                    scanner.word.clear();
                    scanner.in_word = false;
                }
                scanner.end_word();
                let _ = chars.next_if_eq(&'>');
                scanner.redirecting = true;
            }
            c => scanner.push(c),
        }
    }
    scanner.end_command(false);
    scanner.commands
}

/// Blanks may follow the character that continues a line.
fn is_end_of_line(chars: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    chars.clone().find(|c| !matches!(c, ' ' | '\t' | '\r')) == Some('\n')
}

fn skip_comment_lines(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, line: &mut usize) {
    loop {
        let ahead = chars.clone().find(|c| !matches!(c, ' ' | '\t'));
        if ahead != Some('#') {
            return;
        }
        while chars.next_if(|n| *n != '\n').is_some() {}
        if chars.next().is_some() {
            *line += 1;
        }
    }
}

#[derive(Default)]
struct Scanner {
    line: usize,
    start: usize,
    word: String,
    in_word: bool,
    redirecting: bool,
    current: Command,
    commands: Vec<Command>,
}

impl Scanner {
    fn push(&mut self, c: char) {
        if !self.in_word && self.current.words.is_empty() && self.current.assignments.is_empty() {
            self.start = self.line;
        }
        self.in_word = true;
        self.word.push(c);
    }

    fn quoted(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) {
        // An empty pair of quotes is a word too.
        if !self.in_word {
            self.push(' ');
            self.word.clear();
        }
        while let Some(c) = chars.next() {
            match c {
                c if c == quote => return,
                '\\' if quote == '"' => match chars.next() {
                    Some('\n') => self.line += 1,
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.word.push(c),
                    Some(c) => self.word.extend(['\\', c]),
                    None => {}
                },
                c => {
                    self.line += usize::from(c == '\n');
                    self.word.push(c);
                }
            }
        }
    }

    /// `$(…)` as part of the word.
    fn substitution(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        self.push('$');
        let mut depth = 0usize;
        for c in chars.by_ref() {
            self.line += usize::from(c == '\n');
            self.word.push(c);
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn end_word(&mut self) {
        if !std::mem::take(&mut self.in_word) {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if std::mem::take(&mut self.redirecting) {
            self.current.redirects.push(word);
        } else if self.current.words.is_empty() {
            match word.split_once('=') {
                Some((name, value)) if is_name(name) => {
                    self.current.assignments.push((name.into(), value.into()));
                }
                _ if KEYWORDS.contains(&word.as_str()) => {}
                _ => self.current.words.push(word),
            }
        } else {
            self.current.words.push(word);
        }
    }

    fn end_command(&mut self, piped: bool) {
        self.end_word();
        self.redirecting = false;
        let mut command = std::mem::take(&mut self.current);
        if command.words.is_empty() && command.assignments.is_empty() {
            return;
        }
        command.line = self.start;
        command.piped = piped;
        let nested = command
            .words
            .iter()
            .position(|word| matches!(word.as_str(), "-c" | "-lc" | "-ec" | "-exc" | "-euc"))
            .filter(|_| matches!(command.program(), "sh" | "bash" | "ash" | "dash"))
            .and_then(|at| command.words.get(at + 1).cloned());
        let start = self.start;
        self.commands.push(command);
        if let Some(text) = nested {
            self.commands.extend(commands(&text, start, '\\'));
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Splits `text` into words, quotes removed, and each at its first `=`: the
/// arguments of `ARG`, `ENV` and `LABEL`.
pub fn pairs(text: &str) -> Vec<(String, Option<String>)> {
    let parsed = commands(&format!("x {text}"), 1, '\\');
    let words: Vec<String> = parsed.into_iter().flat_map(|command| command.words).skip(1).collect();
    // The old form of ENV: `ENV NAME the value`.
    if let [name, value @ ..] = words.as_slice()
        && !name.contains('=')
        && !value.is_empty()
        && value.iter().any(|word| !word.contains('='))
        && is_name(name)
    {
        return vec![(name.clone(), Some(value.join(" ")))];
    }
    words
        .iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.clone(), None),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        commands(text, 1, '\\').iter().map(|command| command.words.join("|")).collect()
    }

    #[test]
    fn commands_are_told_apart() {
        assert_eq!(words("a b && c 'd e' || f; g | h & i"), ["a|b", "c|d e", "f", "g", "h", "i"]);
        assert_eq!(words("a \\\n  b # c\n"), ["a|b"]);
        assert_eq!(words("a && \\\n # note\n  # more\n b"), ["a", "b"]);
        assert_eq!(words("if [ x ]; then a; fi"), ["[|x|]", "a", "fi"]);
        assert_eq!(words("a $(b | c) d"), ["a|$(b | c)|d"]);
        assert_eq!(words("bash -c 'a && b'"), ["bash|-c|a && b", "a", "b"]);
        assert_eq!(words("a 2>&1 >x \"\""), ["a|"]);
    }

    #[test]
    fn assignments_redirects_pipes_and_lines_are_kept() {
        let all = commands("A=1 B='x y' a \\\n && b > f |\n c", 5, '\\');
        assert_eq!(all[0].assignments, [("A".into(), "1".into()), ("B".into(), "x y".into())]);
        assert_eq!(all[1].redirects, ["f"]);
        assert!(all[1].piped && !all[2].piped);
        assert_eq!(all.iter().map(|c| c.line).collect::<Vec<_>>(), [5, 6, 7]);
    }

    #[test]
    fn both_forms_of_pairs() {
        let pair = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(pairs("A=1 B=\"x y\""), [pair("A", Some("1")), pair("B", Some("x y"))]);
        assert_eq!(pairs("A the value"), [pair("A", Some("the value"))]);
        assert_eq!(pairs("A"), [pair("A", None)]);
        assert_eq!(pairs("A B=2"), [pair("A", None), pair("B", Some("2"))]);
    }
}
