//! The recorder as `RUSTC_WRAPPER` and as `RUSTDOC`.
//!
//! Cargo calls `wrapper rustc ARGS`, and with a workspace wrapper
//! `wrapper clippy-driver rustc ARGS`. Probes (`-vV`, `--print` over the crate
//! `___` or standard input) build nothing and are not recorded. What a build
//! script calls through a leaked wrapper is not recorded either: by then
//! `LARDER_RECORD_DIR` is gone.

use super::passthrough::{self, broken};
use super::record::{COMPILED, Call, Entry, STUB};
use super::script;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

/// Name of the recorder where it is a rustc wrapper.
pub(super) const RUSTC: &str = "larder-record-rustc";
/// Name of the recorder where it stands for rustdoc.
pub(super) const RUSTDOC: &str = "larder-record-rustdoc";

/// Runs as `RUSTC_WRAPPER`.
pub(super) fn rustc() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.is_empty() {
        eprintln!("error: {RUSTC} wants a compiler to wrap");
        return ExitCode::from(102);
    }
    let program = args.remove(0);
    let wrapped = args.first().is_some_and(is_compiler).then(|| args.remove(0));
    compile(program, wrapped, args)
}

/// Runs as `RUSTDOC`. Rustup's proxies left `RUSTUP_TOOLCHAIN` behind, so the
/// plain name finds the rustdoc of the toolchain that cargo belongs to.
pub(super) fn rustdoc() -> ExitCode {
    compile(OsString::from("rustdoc"), None, std::env::args_os().skip(1).collect())
}

fn compile(program: OsString, wrapped: Option<OsString>, args: Vec<OsString>) -> ExitCode {
    let mut command = passthrough::command(&program);
    command.args(&wrapped).args(&args);
    let text: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let started = passthrough::now();
    let status = match is_skipped(&text) {
        Ok(true) => Ok(ExitStatus::default()),
        Ok(false) => command.status(),
        Err(error) => return broken("read what is to be compiled", &error),
    };
    let status = match status {
        Ok(status) => status,
        Err(error) => return broken(&format!("start {}", program.to_string_lossy()), &error),
    };
    let Some(dir) = passthrough::recording().filter(|_| !is_probe(&text)) else {
        return passthrough::end(status);
    };
    let call = Call {
        program: program.to_string_lossy().into_owned(),
        wrapped: wrapped.map(|wrapped| wrapped.to_string_lossy().into_owned()),
        env: crate::process::environment(&command),
        cwd: passthrough::cwd(),
        exit: status.code(),
        started,
        args: text,
    };
    if status.success()
        && let Some(script) = compiled_script(&call)
        && let Some(stub) = std::env::var_os(STUB)
        && let Err(error) = script::replace(&script, Path::new(&stub))
    {
        return broken("replace a build script", &error);
    }
    if let Err(error) = passthrough::write(&dir, &Entry::Rustc(call)) {
        return broken("write its record", &error);
    }
    passthrough::end(status)
}

/// Whether this crate is not to be compiled: nothing that runs during the build
/// needs it.
fn is_skipped(args: &[String]) -> std::io::Result<bool> {
    let Some(file) = std::env::var_os(COMPILED) else { return Ok(false) };
    let Some(name) = value(args, "--crate-name").filter(|_| !is_probe(args)) else {
        return Ok(false);
    };
    let compiled = std::fs::read_to_string(file)?;
    Ok(!script::is_script(name) && !compiled.lines().any(|line| line == name))
}

/// Whether the argument is the rustc behind a workspace wrapper: the first
/// argument of a compiler is a flag, a source file or `-`.
fn is_compiler(arg: &OsString) -> bool {
    Path::new(arg).file_stem().is_some_and(|stem| stem == "rustc")
}

/// Whether the call asks something instead of compiling.
fn is_probe(args: &[String]) -> bool {
    args.iter().any(|arg| arg == "-vV" || arg == "-" || arg == "--version")
        || value(args, "--crate-name").is_some_and(|name| name == "___")
        || args.is_empty()
}

/// The executable that the call wrote, where it is a build script.
fn compiled_script(call: &Call) -> Option<PathBuf> {
    let name = value(&call.args, "--crate-name")?;
    let is_bin = value(&call.args, "--crate-type") == Some("bin");
    // A binary target of such a name is told its own name, a build script not.
    if !is_bin || !script::is_script(name) || call.env.contains_key("CARGO_BIN_NAME") {
        return None;
    }
    let emit = call.args.iter().find_map(|arg| arg.strip_prefix("--emit="));
    if !emit.is_some_and(|kinds| kinds.split(',').any(|kind| kind == "link")) {
        return None;
    }
    let suffix =
        call.args.iter().find_map(|arg| arg.strip_prefix("extra-filename=")).unwrap_or_default();
    let out_dir = Path::new(&call.cwd).join(value(&call.args, "--out-dir")?);
    Some(out_dir.join(format!("{name}{suffix}{}", std::env::consts::EXE_SUFFIX)))
}

/// The value behind a flag: `--flag value`.
fn value<'a>(args: &'a [String], flag: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg == flag)?;
    args.get(at + 1).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn probes_are_not_calls() {
        assert!(is_probe(&words("-vV")));
        assert!(is_probe(&words("- --crate-name ___ --print=file-names")));
        assert!(!is_probe(&words("--crate-name a --edition=2021 src/lib.rs")));
    }

    #[test]
    fn a_build_script_is_known_by_its_crate() {
        let line = "--crate-name build_script_build build.rs --crate-type bin --emit=dep-info,link \
                    -C extra-filename=-0123 --out-dir /t/build/a-0123";
        let mut call = Call {
            program: "rustc".into(),
            args: words(line),
            wrapped: None,
            env: Default::default(),
            cwd: "/p".into(),
            exit: Some(0),
            started: 0,
        };
        assert_eq!(compiled_script(&call), Some("/t/build/a-0123/build_script_build-0123".into()));
        call.env.insert("CARGO_BIN_NAME".into(), "build_script_build".into());
        assert_eq!(compiled_script(&call), None);
    }
}
