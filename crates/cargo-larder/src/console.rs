//! The terminal: status lines, warnings, errors and diagnostics in cargo's
//! styles. Everything that is printed goes through here.
//!
//! One message is one write, so lines of several processes do not mix. Texts
//! may hold ANSI escapes; they are removed where the stream takes no colour.

use crate::progress::Bar;
use anstream::AutoStream;
use anstyle::{AnsiColor, Effects, Style};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

const HEADER: Style = AnsiColor::BrightGreen.on_default().effects(Effects::BOLD);
const ERROR: Style = AnsiColor::BrightRed.on_default().effects(Effects::BOLD);
const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
const NOTE: Style = AnsiColor::BrightGreen.on_default().effects(Effects::BOLD);
const HELP: Style = AnsiColor::BrightCyan.on_default().effects(Effects::BOLD);

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Color {
    /// By the stream and the usual variables.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// As given on a command line; anything else is `auto`.
    pub(crate) fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "always" => Color::Always,
            "never" => Color::Never,
            _ => Color::Auto,
        }
    }

    /// Cargo's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Color::Auto => "auto",
            Color::Always => "always",
            Color::Never => "never",
        }
    }

    fn allows(self, stream: &impl anstream::stream::RawStream) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
        }
    }
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// `-q`: errors and diagnostics only.
    Quiet,
    /// As usual.
    #[default]
    Normal,
    /// `-v`.
    Verbose,
    /// `-vv`: output of build scripts, environment of commands.
    VeryVerbose,
}

/// Standard output and standard error.
pub(crate) struct Console {
    verbosity: Verbosity,
    color: Color,
    streams: Mutex<Streams>,
}

struct Streams {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    out_color: bool,
    err_color: bool,
    bar: Bar,
    bar_is_shown: bool,
}

impl Console {
    /// The process's own streams.
    pub(crate) fn new(verbosity: Verbosity, color: Color, bar: Bar) -> Self {
        Self {
            verbosity,
            color,
            streams: Mutex::new(Streams {
                out_color: color.allows(&std::io::stdout()),
                err_color: color.allows(&std::io::stderr()),
                out: Box::new(std::io::stdout()),
                err: Box::new(std::io::stderr()),
                bar,
                bar_is_shown: false,
            }),
        }
    }

    /// Before anything is known of flags and settings.
    pub(crate) fn plain() -> Self {
        Self::new(Verbosity::Normal, Color::Auto, Bar::off())
    }

    /// How much is said.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether `-v` was given.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbosity >= Verbosity::Verbose
    }

    /// Whether `-q` was given.
    pub(crate) fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// `--color`, for programs that are started.
    pub(crate) fn color(&self) -> Color {
        self.color
    }

    /// Whether standard error takes colours.
    pub(crate) fn is_colored(&self) -> bool {
        self.streams().err_color
    }

    /// A line with a right-aligned green label.
    pub(crate) fn status(&self, label: &str, message: &str) {
        if !self.is_quiet() {
            self.streams().err(&format!("{HEADER}{label:>12}{HEADER:#} {message}\n"));
        }
    }

    /// [`Self::status`] with `-v` only.
    pub(crate) fn verbose_status(&self, label: &str, message: &str) {
        if self.is_verbose() {
            self.status(label, message);
        }
    }

    /// A yellow `warning:`.
    pub(crate) fn warning(&self, message: &str) {
        self.titled("warning", WARNING, message);
    }

    /// A green `note:`.
    pub(crate) fn note(&self, message: &str) {
        self.titled("note", NOTE, message);
    }

    /// A cyan `help:`: the way out.
    pub(crate) fn help(&self, message: &str) {
        self.titled("help", HELP, message);
    }

    fn titled(&self, title: &str, style: Style, message: &str) {
        if !self.is_quiet() {
            self.streams().err(&format!("{style}{title}{style:#}: {message}\n"));
        }
    }

    /// A red `error:`, in quiet mode too.
    pub(crate) fn error(&self, message: &str) {
        self.streams().err(&format!("{ERROR}error{ERROR:#}: {message}\n"));
    }

    /// Text for standard error as it is, in quiet mode too.
    pub(crate) fn raw_err(&self, text: &str) {
        self.streams().err(text);
    }

    /// Text for standard output as it is, in quiet mode too.
    pub(crate) fn raw_out(&self, text: &str) {
        self.streams().out(text);
    }

    /// A line for standard output, in quiet mode too.
    pub(crate) fn line(&self, line: &str) {
        self.raw_out(&format!("{line}\n"));
    }

    /// Draws the progress bar.
    pub(crate) fn progress(&self, done: usize, units: usize, running: &str) {
        let mut streams = self.streams();
        let Some(line) = streams.bar.draw(done, units, running) else { return };
        streams.bar_is_shown = false;
        streams.err(&format!("{HELP}{:>12}{HELP:#} {line}\r", "Building"));
        streams.bar_is_shown = true;
    }

    /// Removes the progress bar.
    pub(crate) fn clear_progress(&self) {
        let mut streams = self.streams();
        streams.clear();
        streams.bar.forget();
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        crate::interrupt::stop_if_ending();
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    // A closed pipe must not fail a build: cargo ignores these errors too.
    fn err(&mut self, text: &str) {
        self.clear();
        let _ = write(&mut self.err, text, self.err_color);
    }

    fn out(&mut self, text: &str) {
        self.clear();
        let _ = write(&mut self.out, text, self.out_color);
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.bar_is_shown) {
            // "Erase in line": from the cursor, which is at its start.
            let _ = self.err.write_all(b"\x1B[K");
            self.bar.forget();
        }
    }
}

fn write(stream: &mut dyn Write, text: &str, color: bool) -> std::io::Result<()> {
    if color || !text.contains('\x1B') {
        stream.write_all(text.as_bytes())?;
    } else {
        stream.write_all(anstream::adapter::strip_str(text).to_string().as_bytes())?;
    }
    stream.flush()
}

#[cfg(test)]
pub(crate) mod capture {
    use super::{Bar, Color, Console, Streams, Verbosity};
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    /// What a console was given.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        /// The text so far.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(buffer)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Console {
        /// A console that keeps what it is given: standard output, then error.
        pub(crate) fn captured(verbosity: Verbosity, color: bool) -> (Self, Captured, Captured) {
            let (out, err) = (Captured::default(), Captured::default());
            let console = Self {
                verbosity,
                color: Color::Auto,
                streams: Mutex::new(Streams {
                    out: Box::new(out.clone()),
                    err: Box::new(err.clone()),
                    out_color: color,
                    err_color: color,
                    bar: Bar::off(),
                    bar_is_shown: false,
                }),
            };
            (console, out, err)
        }

        /// The same with a progress bar.
        pub(crate) fn with_bar(self, bar: Bar) -> Self {
            self.streams.lock().unwrap().bar = bar;
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_cargos() {
        let (console, _, err) = Console::captured(Verbosity::Normal, true);
        console.status("Compiling", "a v1.0.0");
        console.warning("w");
        console.error("e");
        assert_eq!(
            err.text(),
            "\u{1b}[1m\u{1b}[92m   Compiling\u{1b}[0m a v1.0.0\n\
             \u{1b}[1m\u{1b}[33mwarning\u{1b}[0m: w\n\
             \u{1b}[1m\u{1b}[91merror\u{1b}[0m: e\n"
        );
    }

    #[test]
    fn quiet_keeps_errors_and_diagnostics() {
        let (console, out, err) = Console::captured(Verbosity::Quiet, false);
        console.status("Compiling", "a v1.0.0");
        console.warning("w");
        console.error("e");
        console.raw_err("\u{1b}[31mdiag\u{1b}[0m\n");
        console.line("{}");
        assert_eq!(err.text(), "error: e\ndiag\n");
        assert_eq!(out.text(), "{}\n");
    }

    #[test]
    fn a_message_replaces_the_bar() {
        let (console, _, err) = Console::captured(Verbosity::Normal, false);
        let console = console.with_bar(Bar::fixed(60));
        console.progress(1, 4, "a");
        console.status("Compiling", "b v1.0.0");
        console.progress(1, 4, "a");
        console.clear_progress();
        console.clear_progress();
        let bar = format!("    Building {:45}\r", "[======>                      ] 1/4: a");
        assert_eq!(err.text(), format!("{bar}\x1B[K   Compiling b v1.0.0\n{bar}\x1B[K"));
    }
}
