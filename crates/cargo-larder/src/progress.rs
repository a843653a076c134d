//! The progress bar, drawn as cargo draws it:
//! `Building [=====>        ] 12/54: serde, syn(build)…`

use std::time::{Duration, Instant};

/// Columns of the label and the space after it, with room to spare.
const LABEL: usize = 15;
/// Columns that the bar takes at most; the rest is for names.
const BAR: usize = 50;
/// Lookups are done in less time than a person needs to read a bar.
const FIRST: Duration = Duration::from_millis(100);

/// When the bar is drawn (`term.progress.when`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum When {
    /// On terminals that can.
    #[default]
    Auto,
    /// Always; needs a width.
    Always,
    /// Never.
    Never,
}

/// What is known of the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terminal {
    /// When.
    pub(crate) when: When,
    /// `term.progress.width`.
    pub(crate) width: Option<usize>,
    /// The terminal's columns.
    pub(crate) columns: Option<usize>,
    /// `-q`, `TERM=dumb` or CI.
    pub(crate) hushed: bool,
    /// Whether it shows UTF-8.
    pub(crate) unicode: bool,
}

/// The bar.
#[derive(Debug)]
pub(crate) struct Bar {
    width: Option<usize>,
    follows_terminal: bool,
    unicode: bool,
    born: Instant,
    last: String,
}

impl Bar {
    /// No bar.
    pub(crate) fn off() -> Self {
        Self {
            width: None,
            follows_terminal: false,
            unicode: true,
            born: Instant::now(),
            last: String::new(),
        }
    }

    /// The bar for a terminal: none unless cargo would draw one.
    pub(crate) fn new(terminal: Terminal) -> Self {
        let width = match terminal.when {
            When::Never => None,
            When::Auto if terminal.hushed => None,
            When::Auto | When::Always => terminal.width.or(terminal.columns),
        };
        Self {
            width,
            follows_terminal: terminal.width.is_none(),
            unicode: terminal.unicode,
            ..Self::off()
        }
    }

    #[cfg(test)]
    pub(crate) fn fixed(width: usize) -> Self {
        Self { width: Some(width), born: Instant::now() - FIRST, ..Self::off() }
    }

    /// The line after the label; nothing if there is no bar, no room, or
    /// nothing new.
    pub(crate) fn draw(&mut self, done: usize, units: usize, running: &str) -> Option<String> {
        let mut width = self.width?;
        if self.born.elapsed() < FIRST {
            return None;
        }
        if self.follows_terminal
            && let Some((columns, _)) = terminal_size::terminal_size_of(std::io::stderr())
        {
            width = usize::from(columns.0);
        }
        let line = line(width, self.unicode, done, units, running)?;
        if line == self.last {
            return None;
        }
        self.last.clone_from(&line);
        Some(line)
    }

    /// The line is gone: draw it again when asked, even if it is the same.
    pub(crate) fn forget(&mut self) {
        self.last.clear();
    }
}

fn line(width: usize, unicode: bool, done: usize, units: usize, running: &str) -> Option<String> {
    let stats = format!(" {done}/{units}");
    let inner = width.min(BAR).checked_sub(stats.len() + 2 + LABEL)?;
    let filled = (inner * done.min(units)).checked_div(units).unwrap_or(0);
    let mut line = String::with_capacity(width);
    line.push('[');
    if filled > 0 {
        line.extend(std::iter::repeat_n('=', filled - 1));
        line.push(if done >= units { '=' } else { '>' });
    }
    line.extend(std::iter::repeat_n(' ', inner - filled));
    line.push(']');
    line.push_str(&stats);

    let room = width - LABEL;
    let names = if running.is_empty() { String::new() } else { format!(": {running}") };
    let free = room - line.len();
    let ellipsis = if unicode { "…" } else { "..." };
    let ellipsis_width = ellipsis.chars().count();
    // Crate and target names are ASCII, so a character is a column.
    if names.chars().count() <= free {
        line.push_str(&names);
    } else if free > ellipsis_width {
        line.extend(names.chars().take(free - ellipsis_width));
        line.push_str(ellipsis);
    }
    let used = line.chars().count();
    line.extend(std::iter::repeat_n(' ', room.saturating_sub(used)));
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: usize, done: usize, units: usize, running: &str) -> Option<String> {
        line(width, true, done, units, running).map(|l| l.trim_end().to_owned())
    }

    #[test]
    fn fills_with_progress() {
        assert_eq!(drawn(40, 0, 4, ""), Some("[                   ] 0/4".into()));
        assert_eq!(drawn(40, 1, 4, ""), Some("[===>               ] 1/4".into()));
        assert_eq!(drawn(40, 3, 4, ""), Some("[=============>     ] 3/4".into()));
        assert_eq!(drawn(40, 4, 4, ""), Some("[===================] 4/4".into()));
        assert_eq!(drawn(40, 0, 0, ""), Some("[                   ] 0/0".into()));
    }

    #[test]
    fn names_are_cut_to_the_terminal() {
        let cut = drawn(60, 3, 4, "serde, syn(build)").unwrap();
        assert_eq!(cut, "[====================>        ] 3/4: serde, …");
        assert_eq!(line(60, true, 3, 4, "serde, syn(build)").unwrap().chars().count(), 45);
        assert!(line(60, false, 3, 4, "serde, syn(build)").unwrap().ends_with(": serde..."));
        assert_eq!(drawn(18, 3, 4, "x"), None);
    }

    #[test]
    fn drawn_only_where_cargo_draws() {
        let terminal = Terminal { columns: Some(80), unicode: true, ..Terminal::default() };
        let shown = |t| Bar::new(t).width.is_some();
        assert!(shown(terminal));
        assert!(!shown(Terminal { hushed: true, ..terminal }));
        assert!(!shown(Terminal { when: When::Never, ..terminal }));
        assert!(!shown(Terminal { columns: None, ..terminal }));
        let always =
            Terminal { when: When::Always, width: Some(80), hushed: true, ..Terminal::default() };
        assert!(shown(always));
    }
}
