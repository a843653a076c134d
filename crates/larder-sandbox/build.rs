//! Compiles the library that is loaded into observed processes (`preload/`).
//!
//! It is for Linux on x86-64. Elsewhere, and where it cannot be compiled, an
//! empty file stands for it, and processes are observed without it.

#![expect(clippy::disallowed_methods, reason = "cargo says everything in the environment")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=preload");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let library = Path::new(&out).join("preload.so");
    if let Err(reason) = compile(&library) {
        if let Some(reason) = reason {
            println!("cargo::warning=observed without a library in the process: {reason}");
        }
        fs::write(&library, []).expect("OUT_DIR can be written");
    }
}

/// Compiles it; an error without a text: it is not for this target.
fn compile(library: &Path) -> Result<(), Option<String>> {
    let var = |name| env::var(name).unwrap_or_default();
    if var("CARGO_CFG_TARGET_OS") != "linux" || var("CARGO_CFG_TARGET_ARCH") != "x86_64" {
        return Err(None);
    }
    let mut rustc = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"));
    rustc
        .args(["preload/lib.rs", "--edition=2024", "--crate-name=preload", "--crate-type=cdylib"])
        .args(["--target", &var("TARGET"), "--cap-lints=allow", "-o"])
        .arg(library)
        // Not the C library, which is there already, and nothing to unwind.
        .args(["-Cpanic=abort", "-Copt-level=3", "-Cstrip=symbols", "-Ctarget-feature=-crt-static"])
        .args(["-Clink-arg=-nostdlib", "-Clink-arg=-nostartfiles", "-Cdefault-linker-libraries=no"])
        .args(["--remap-path-prefix=preload=larder"]);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = std::ffi::OsString::from("-Clinker=");
        option.push(linker);
        rustc.arg(option);
    }
    let output = rustc.output().map_err(|error| Some(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().find(|line| line.starts_with("error")).unwrap_or("rustc failed");
    Err(Some(first.to_owned()))
}
