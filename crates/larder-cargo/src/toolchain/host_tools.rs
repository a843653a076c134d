//! What links, and against which C library: the parts of the host that end
//! up in everything that is linked.

use super::{ToolchainError, run};
use crate::host::Host;
use crate::memo::Memo;
use larder_schema::{Digest, digest::Framed};
use std::path::{Path, PathBuf};

/// One file of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTool {
    /// `linker`, `ld`, `collect2`, `libc.so.6`, …
    pub name: String,
    /// Real path.
    pub path: PathBuf,
    /// Content.
    pub digest: Digest,
}

/// Linker and C library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTools {
    /// Of all parts.
    pub digest: Digest,
    /// In a fixed order.
    pub parts: Vec<HostTool>,
}

/// Programs that a C compiler starts to link.
const PROGRAMS: &[&str] = &["ld", "collect2"];

/// Files of the C library and of the compiler that it links.
const FILES: &[&str] = &[
    "libc.so.6",
    "libc.so",
    "libc_nonshared.a",
    "libm.so.6",
    "libgcc_s.so.1",
    "libgcc.a",
    "Scrt1.o",
    "crt1.o",
    "crti.o",
    "crtn.o",
    "crtbeginS.o",
    "crtendS.o",
];

/// Identifies the linker (`linker`, or `cc`) and what it would link. Asking
/// the compiler where its parts are is remembered by its content.
///
/// # Errors
/// Where the linker is not found or a part cannot be read.
pub fn host_tools(
    host: &Host,
    memo: &Memo,
    linker: Option<&Path>,
) -> Result<HostTools, ToolchainError> {
    let name = linker.unwrap_or(Path::new("cc"));
    let found = host.find_program(name).ok_or_else(|| ToolchainError::Missing {
        tool: name.display().to_string(),
        variable: "CARGO_TARGET_<TRIPLE>_LINKER",
    })?;
    let real = fs_err::canonicalize(&found).unwrap_or_else(|_| found.clone());
    let mut parts = vec![part(memo, "linker", &real)?];
    let mut key = Framed::new("larder.linker-parts.1");
    key.digest("linker", &parts[0].digest).text("path", &found.to_string_lossy());
    for variable in ["COMPILER_PATH", "LIBRARY_PATH", "GCC_EXEC_PREFIX", "PATH"] {
        key.optional(variable, host.var(variable));
    }
    let key = key.finish();
    let located = match memo.answer::<Vec<(String, PathBuf)>>("linker", &key) {
        Some(known) if known.iter().all(|(_, p)| p.exists()) => known,
        _ => {
            let located = locate(host, &found);
            memo.remember("linker", &key, &located);
            located
        }
    };
    for (name, path) in located {
        parts.push(part(memo, &name, &path)?);
    }
    let mut all = Framed::new("larder.host-tools.1");
    for part in &parts {
        all.text("name", &part.name).digest("content", &part.digest);
    }
    Ok(HostTools { digest: all.finish(), parts })
}

fn part(memo: &Memo, name: &str, path: &Path) -> Result<HostTool, ToolchainError> {
    let digest = memo
        .file_digest(path)
        .map_err(|source| ToolchainError::Read { path: path.to_owned(), source })?;
    Ok(HostTool { name: name.to_owned(), path: path.to_owned(), digest })
}

/// Asks `cc`; a linker that does not answer (ld, lld, a wrapper) has no
/// parts that could be named.
fn locate(host: &Host, linker: &Path) -> Vec<(String, PathBuf)> {
    let ask = |flag: String| {
        let mut command = host.command(linker);
        command.arg(flag);
        let answer = run(command).ok()?;
        let path = host.find_program(Path::new(answer.lines().next()?.trim()))?;
        fs_err::canonicalize(path).ok()
    };
    let mut located = Vec::new();
    for name in PROGRAMS {
        if let Some(path) = ask(format!("-print-prog-name={name}")) {
            located.push(((*name).to_owned(), path));
        } else if located.is_empty() {
            return located;
        }
    }
    for name in FILES {
        // An unknown file is answered with its bare name.
        if let Some(path) = ask(format!("-print-file-name={name}")).filter(|p| p.is_file()) {
            located.push(((*name).to_owned(), path));
        }
    }
    located
}
