//! Base images without a registry: Debian packages that are unpacked, and the
//! toolchain of this machine.
//!
//! | image | stands for | holds |
//! |---|---|---|
//! | `larder-test/builder` | the official Rust image | a shell, coreutils, gcc, the toolchain |
//! | `larder-test/runtime` | distroless with glibc | glibc and libgcc |
//!
//! Certificates and cargo's configuration are the machine's, so cargo in a
//! container fetches as cargo here does.

use super::engine::Engine;
use super::packages::{Packages, own_release};
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use std::path::Path;
use std::process::Stdio;

/// What builds.
pub(super) const BUILDER: &str = "larder-test/builder:1";

/// What runs.
pub(super) const RUNTIME: &str = "larder-test/runtime:1";

/// Where the toolchain is in the builder.
const TOOLCHAIN: &str = "usr/local/rust";

/// The machine's certificates.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes both images, unless the engine has them.
pub(super) fn ensure(engine: &Engine) -> Result<()> {
    let release = own_release()?;
    let packages = || Packages::of(&release, &workspace::target("docker").join("apt"));
    if !exists(engine, RUNTIME) {
        println!("making {RUNTIME}");
        let root = tempfile::tempdir()?;
        lay_out(root.path())?;
        packages()?.unpack(&["libc6", "libgcc-s1"], root.path())?;
        import(engine, root.path(), RUNTIME, &[])?;
    }
    if !exists(engine, BUILDER) {
        println!("making {BUILDER}");
        let root = tempfile::tempdir()?;
        lay_out(root.path())?;
        let names =
            ["bash", "coreutils", "dash", "findutils", "gcc", "grep", "libc6-dev", "sed", "dpkg"];
        packages()?.unpack_closure(&names, root.path())?;
        // What the scripts of the packages would have done.
        let bin = root.path().join("usr/bin");
        if !bin.join("cc").exists() {
            fs::os::unix::fs::symlink("gcc", bin.join("cc"))?;
        }
        toolchain(root.path())?;
        let path = format!("ENV PATH=/{TOOLCHAIN}/bin:/usr/local/bin:/usr/sbin:/usr/bin");
        import(engine, root.path(), BUILDER, &[&path, "CMD [\"/bin/bash\"]"])?;
    }
    Ok(())
}

fn exists(engine: &Engine, image: &str) -> bool {
    let mut command = engine.docker();
    command.args(["image", "inspect", image]);
    command.output().is_ok_and(|output| output.status.success())
}

/// Debian's directories: `/bin` and its like are links into `/usr`.
fn lay_out(root: &Path) -> Result<()> {
    for name in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        fs::os::unix::fs::symlink(format!("usr/{name}"), root.join(name))?;
    }
    for name in ["etc/ssl/certs", "proc", "sys", "dev", "run", "tmp", "var/tmp", "usr/local/bin"] {
        fs::create_dir_all(root.join(name))?;
    }
    let user = "root:x:0:0:root:/root:/bin/bash\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
    fs::write(root.join("etc/passwd"), user)?;
    fs::write(root.join("etc/group"), "root:x:0:\nnonroot:x:65532:\n")?;
    if Path::new(CERTIFICATES).exists() {
        fs::copy(CERTIFICATES, root.join(&CERTIFICATES[1..]))?;
    }
    Ok(())
}

/// The toolchain that this workspace is built with, without its documentation.
fn toolchain(root: &Path) -> Result<()> {
    let output = process::run_quietly(
        process::command("rustc").args(["--print", "sysroot"]).current_dir(workspace::root()),
    )?;
    let sysroot = String::from_utf8(output.stdout)?;
    let sysroot = Path::new(sysroot.trim());
    let into = root.join(TOOLCHAIN);
    for part in ["bin", "lib"] {
        fs::create_dir_all(into.join(part))?;
        let from = format!("{}/.", sysroot.join(part).display());
        process::run_quietly(
            process::command("cp").args(["-a", "--reflink=auto", &from]).arg(into.join(part)),
        )?;
    }
    // Sources are looked for in the directories above a project.
    for name in ["config.toml", "config"] {
        let config = workspace::cargo_home().join(name);
        if config.is_file() {
            fs::create_dir_all(root.join(".cargo"))?;
            fs::copy(config, root.join(".cargo/config.toml"))?;
            break;
        }
    }
    Ok(())
}

/// `tar | docker import`.
pub(super) fn import(engine: &Engine, root: &Path, image: &str, changes: &[&str]) -> Result<()> {
    let mut tar = process::command("tar")
        .args(["--numeric-owner", "--owner=0", "--group=0", "-C"])
        .arg(root)
        .args(["-cf", "-", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start tar")?;
    let stream = tar.stdout.take().context("tar has no output")?;
    let mut command = engine.docker();
    command.arg("import");
    for change in changes {
        command.args(["--change", change]);
    }
    let output = command.args(["-", image]).stdin(stream).output()?;
    if !tar.wait()?.success() || !output.status.success() {
        bail!("could not import {image}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
