//! The recorder in place of a build script.
//!
//! Rustc writes `build_script_build-HASH`; the wrapper renames it to
//! `build_script_build-HASH.real` and puts the recorder there. Cargo links
//! that to `build-script-build` in the same directory and runs the link, so
//! the recorder finds the script beside itself by either name. The script sees
//! the argv[0] that cargo gave; only its `current_exe` differs, by the suffix.

use super::passthrough::{self, broken};
use super::record::{Entry, Run};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

const REAL: &str = ".real";

/// Whether a crate or an executable of that name is a build script.
pub(super) fn is_script(name: &str) -> bool {
    name.replace('-', "_").starts_with("build_script_")
}

/// Puts the recorder where the script is.
pub(super) fn replace(script: &Path, stub: &Path) -> io::Result<()> {
    std::fs::rename(script, real(script))?;
    // Another file system would need a copy; the target directory is ours.
    std::fs::hard_link(stub, script).or_else(|_| std::fs::copy(stub, script).map(drop))
}

/// Runs as the build script `exe`.
pub(super) fn run(exe: &Path) -> ExitCode {
    let script = match find(exe) {
        Ok(script) => script,
        Err(error) => {
            return broken(&format!("find the build script behind {}", exe.display()), &error);
        }
    };
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_else(|| exe.into());
    let mut command = passthrough::command(script.as_os_str());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, &program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());

    let started = passthrough::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return broken(&format!("start {}", script.display()), &error),
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stderr = std::thread::spawn(|| stderr.map(|from| passthrough::tee(from, io::stderr())));
    let stdout = stdout.map(|from| passthrough::tee(from, io::stdout()));
    let stderr = stderr.join().ok().flatten();
    let status = match child.wait() {
        Ok(status) => status,
        Err(error) => return broken("wait for the build script", &error),
    };
    if let Some(dir) = passthrough::recording() {
        let text = |bytes: Option<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        let run = Run {
            program: program.to_string_lossy().into_owned(),
            compiled: script.to_string_lossy().trim_end_matches(REAL).to_owned(),
            args: command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            env: crate::process::environment(&command),
            cwd: passthrough::cwd(),
            stdout: text(stdout),
            stderr: text(stderr),
            exit: status.code(),
            started,
        };
        if let Err(error) = passthrough::write(&dir, &Entry::Run(run)) {
            return broken("write its record", &error);
        }
    }
    passthrough::end(status)
}

/// The script behind a recorder: beside it, under rustc's name.
fn find(exe: &Path) -> io::Result<PathBuf> {
    if real(exe).exists() {
        return Ok(real(exe));
    }
    let stem = exe.file_stem().unwrap_or_default().to_string_lossy().replace('-', "_") + "-";
    let dir = exe.parent().unwrap_or(Path::new("."));
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(&stem) && name.ends_with(REAL) {
            return Ok(path);
        }
    }
    Err(io::Error::from(io::ErrorKind::NotFound))
}

fn real(script: &Path) -> PathBuf {
    let mut name = script.as_os_str().to_owned();
    name.push(REAL);
    name.into()
}
