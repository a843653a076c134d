//! The exit codes, all of them.
//!
//! | code | when | as cargo |
//! |---|---|---|
//! | 0 | it worked; help and version | yes |
//! | 1 | the command line is wrong | yes |
//! | 101 | the build failed, a test failed with `--no-fail-fast`, or any other error | yes |
//! | any | the code of the test that failed, or of the program of `run` | yes |
//!
//! A program of `run` and a command given to cargo replace this process, so
//! their signals are theirs. A signal that ends a build ends the process as it
//! ends cargo: see `interrupt`.

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It worked.
    Success,
    /// The command line is wrong.
    Usage,
    /// A failed build or any other error.
    Failure,
    /// The code of a program that was started.
    Program(i32),
}

impl Exit {
    /// The code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Usage => 1,
            Exit::Failure => 101,
            // What the kernel keeps of a code.
            Exit::Program(code) => (code & 0xff) as u8,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_cargos() {
        let codes = [Exit::Success, Exit::Usage, Exit::Failure, Exit::Program(3)].map(Exit::code);
        assert_eq!(codes, [0, 1, 101, 3]);
    }
}
