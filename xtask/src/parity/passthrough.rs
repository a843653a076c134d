//! Running a process in place of another one so that nobody notices: same
//! argv[0], same streams, same descriptors, same end. And what a recorder
//! writes down about it.

use super::record::{COMPILED, DIR, Entry, STUB};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{SystemTime, UNIX_EPOCH};

/// Variables that exist only because of the recorder. Cargo tells build
/// scripts of a `RUSTC_WRAPPER`: without the recorder there would be none.
/// `RUSTDOC` needs more care: see [`command`].
const OURS: &[&str] = &[DIR, STUB, COMPILED, "RUSTC_WRAPPER"];

/// Where calls are written, while recording.
pub(super) fn recording() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// A command with the environment that cargo alone would have given.
pub(super) fn command(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    for name in OURS {
        command.env_remove(name);
    }
    if let Some(rustdoc) = std::env::var_os("RUSTDOC") {
        // Cargo tells build scripts (they alone have HOST and OUT_DIR) of a
        // rustdoc, which is that of rustup's toolchain, whatever rustc is; to
        // rustc itself the variable is only passed through from the user.
        if Path::new(&rustdoc).file_stem().is_some_and(|stem| stem == super::wrapper::RUSTDOC) {
            command.env_remove("RUSTDOC");
            if std::env::var_os("OUT_DIR").is_some() && std::env::var_os("HOST").is_some() {
                let of_toolchain = toolchains_rustdoc().filter(|path| path.exists());
                command.env("RUSTDOC", of_toolchain.unwrap_or_else(|| "rustdoc".into()));
            }
        }
    }
    command
}

/// Where rustup's toolchain has its rustdoc; cargo calls it there instead of
/// through the proxy.
fn toolchains_rustdoc() -> Option<PathBuf> {
    let toolchain = std::env::var_os("RUSTUP_TOOLCHAIN")?;
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".rustup")))?;
    let named = Path::new(&toolchain).components().count() == 1;
    named.then(|| home.join("toolchains").join(toolchain).join("bin").join("rustdoc"))
}

/// The working directory.
pub(super) fn cwd() -> String {
    std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default()
}

/// Now, in nanoseconds since the epoch.
pub(super) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_nanos()).unwrap_or_default()
}

/// Writes one entry. What cannot be written down must not pass unseen: a
/// recording with a hole would prove a parity that is not there.
pub(super) fn write(dir: &Path, entry: &Entry) -> std::io::Result<()> {
    let name = format!("{}-{}.json", now(), std::process::id());
    let temporary = dir.with_file_name(&name);
    std::fs::write(&temporary, serde_json::to_vec(entry)?)?;
    std::fs::rename(temporary, dir.join(name))
}

/// Ends as the process ended: by the same code or the same signal.
pub(super) fn end(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) =
            status.signal().and_then(|signal| nix::sys::signal::Signal::try_from(signal).ok())
        {
            let _ = nix::sys::signal::raise(signal);
        }
    }
    let code = status.code().and_then(|code| u8::try_from(code & 0xff).ok());
    ExitCode::from(code.unwrap_or(101))
}

/// Copies a stream as it comes, and keeps it.
pub(super) fn tee(mut from: impl Read, mut to: impl Write) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 8192];
    // A reader that fails is a pipe that closed; a writer that fails is a cargo
    // that went away, and the process should still run to its end.
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        kept.extend_from_slice(bytes);
        let _ = to.write_all(bytes).and_then(|()| to.flush());
    }
    kept
}

/// Says what went wrong in the recorder itself, where cargo shows it.
pub(super) fn broken(what: &str, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: the recorder cannot {what}: {error}");
    ExitCode::from(102)
}
