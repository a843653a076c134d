//! How errors are shown and which code they end with: the only place that
//! decides hints.

use crate::console::Console;
use crate::exit::Exit;
use std::io::ErrorKind;

/// An error that was already printed, by cargo or by the reporter.
#[derive(Debug)]
pub(crate) struct AlreadyPrinted(pub(crate) Exit);

/// A wrong command line that clap cannot see.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

/// Something that larder does not model; the command goes to plain cargo.
#[derive(Debug)]
pub(crate) struct Unmodelled {
    /// What, as the start of a sentence: "the unstable option `-Z x`".
    pub(crate) what: String,
}

/// A message and the exit code of the program that it is about.
#[derive(Debug)]
pub(crate) struct WithCode {
    /// The message.
    pub(crate) message: String,
    /// The code.
    pub(crate) code: i32,
}

macro_rules! errors {
    ($($type:ty, |$it:ident| $text:expr;)*) => {
        $(
            impl std::fmt::Display for $type {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    let $it = self;
                    f.write_str(&$text)
                }
            }
            impl std::error::Error for $type {}
        )*
    };
}

errors! {
    AlreadyPrinted, |_it| "see above";
    Usage, |it| it.0;
    Unmodelled, |it| format!("larder does not model {}", it.what);
    WithCode, |it| it.message;
}

/// The code that an error ends with.
pub(crate) fn exit(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(AlreadyPrinted(exit)) = cause.downcast_ref() {
            return *exit;
        }
        if cause.is::<Usage>() {
            return Exit::Usage;
        }
        if let Some(WithCode { code, .. }) = cause.downcast_ref() {
            return Exit::Program(*code);
        }
    }
    Exit::Failure
}

/// Prints an error with its causes and hints, as cargo does.
pub(crate) fn show(console: &Console, error: &anyhow::Error) {
    let mut shown = false;
    for cause in error.chain() {
        if cause.is::<AlreadyPrinted>() {
            break;
        }
        if shown {
            let mut text = String::from("\nCaused by:\n");
            for line in cause.to_string().lines() {
                if !line.is_empty() {
                    text.push_str("  ");
                    text.push_str(line);
                }
                text.push('\n');
            }
            console.raw_err(&text);
        } else {
            console.error(&cause.to_string());
            shown = true;
        }
    }
    if shown && let Some(hint) = hints(error) {
        console.raw_err("\n");
        console.help(hint);
    }
}

fn hints(error: &anyhow::Error) -> Option<&'static str> {
    let kind = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind))?;
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(
            "make room with `cargo larder gc --max-size 5GB`, or set `LARDER_DIR` to another disk",
        ),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Some(
            "set `LARDER_DIR` to a directory that can be written, or `LARDER=off` for plain cargo; \
             `cargo larder doctor` checks this machine",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Verbosity;
    use anyhow::Context as _;

    fn shown(error: &anyhow::Error) -> String {
        let (console, _, err) = Console::captured(Verbosity::Normal, false);
        show(&console, error);
        err.text()
    }

    #[test]
    fn causes_are_indented_like_cargos() {
        let error = anyhow::anyhow!("inner\nsecond line").context("outer");
        assert_eq!(shown(&error), "error: outer\n\nCaused by:\n  inner\n  second line\n");
        assert_eq!(exit(&error), Exit::Failure);
    }

    #[test]
    fn what_was_printed_is_not_repeated() {
        let error: anyhow::Error = AlreadyPrinted(Exit::Program(7)).into();
        assert_eq!(shown(&error), "");
        assert_eq!(exit(&error), Exit::Program(7));
        assert_eq!(exit(&Usage("x".into()).into()), Exit::Usage);
    }

    #[test]
    fn a_full_disk_gets_a_way_out() {
        let error = Err::<(), _>(std::io::Error::from(ErrorKind::StorageFull))
            .context("could not write")
            .unwrap_err();
        assert!(shown(&error).contains("\nhelp: make room with `cargo larder gc"));
    }
}
