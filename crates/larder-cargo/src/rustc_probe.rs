//! What rustc says of a kind of unit: cfgs, file names, sysroot.
//!
//! The same question that cargo asks, through the same wrappers: flags decide
//! `cfg`s and `cfg`s decide flags, so it is asked again once if they moved.
//! Answers are remembered by toolchain, flags, wrappers and the variables
//! that rustc obeys; `native` in a flag adds the CPU.

use crate::config::{Config, ConfigError};
use crate::host::Host;
use crate::memo::Memo;
use crate::rustflags::{Kind, Tool, rustflags};
use crate::toolchain::Toolchain;
use cargo_platform::Cfg;
use larder_plan::input::TargetInfo;
use larder_schema::{Digest, digest::Framed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a kind could not be learned.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// rustc refused.
    #[error("rustc does not describe the target `{triple}`: {message}")]
    Refused {
        /// The target.
        triple: String,
        /// What rustc said.
        message: String,
    },
    /// Flags and cfgs never agree; cargo warns and goes on.
    #[error("target-specific configuration and RUSTFLAGS depend on each other")]
    Paradox,
    /// The configuration is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The crate types that are asked for, in cargo's order.
const CRATE_TYPES: &[&str] = &["bin", "rlib", "dylib", "cdylib", "staticlib", "proc-macro"];

/// What all probes of a command share.
#[derive(Debug)]
pub struct Probe<'a> {
    /// The machine, with the toolchain's environment.
    pub host: &'a Host,
    /// The configuration.
    pub config: &'a Config,
    /// The tools.
    pub toolchain: &'a Toolchain,
    /// The tools' digest.
    pub digest: Digest,
    /// `RUSTC_WRAPPER`, then `RUSTC_WORKSPACE_WRAPPER`; empty ones left out.
    pub wrappers: Vec<PathBuf>,
    /// `[env]` as it applies.
    pub env: Vec<(String, String)>,
    /// Memory.
    pub memo: &'a Memo,
}

#[derive(Clone, Serialize, Deserialize)]
struct Answer {
    stdout: String,
    stderr: String,
}

impl Probe<'_> {
    /// Learns a kind. `target` is what goes after `--target`.
    ///
    /// # Errors
    /// Where rustc refuses or the configuration is malformed.
    pub fn target_info(&self, kind: &Kind, target: Option<&str>) -> Result<TargetInfo, ProbeError> {
        let host_triple = &self.toolchain.host_triple;
        let flags = |cfgs: Option<&[Cfg]>, tool| {
            rustflags(self.host, self.config, host_triple, kind, cfgs, tool)
        };
        let mut current = flags(None, Tool::Rustc)?;
        let mut info = self.ask(target, &current)?;
        let mut cfgs = parse_cfgs(&info.cfg);
        let next = flags(Some(&cfgs), Tool::Rustc)?;
        if next != current {
            current = next;
            info = self.ask(target, &current)?;
            cfgs = parse_cfgs(&info.cfg);
            if flags(Some(&cfgs), Tool::Rustc)? != current {
                return Err(ProbeError::Paradox);
            }
        }
        info.rustdocflags = flags(Some(&cfgs), Tool::Rustdoc)?;
        info.rustflags = current;
        info.triple = match target {
            None => host_triple.clone(),
            Some(path) if path.ends_with(".json") => {
                Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
            Some(triple) => triple.to_owned(),
        };
        info.target_arg = target.map(str::to_owned);
        let libdir = Path::new(&info.sysroot).join("lib/rustlib").join(&info.triple).join("lib");
        info.target_libdir = libdir.to_string_lossy().into_owned();
        let configured = self.config.target(&info.triple, &cfgs)?;
        info.linker = configured.linker.map(|p| p.to_string_lossy().into_owned());
        info.runner = configured.runner.map(|(program, arguments)| {
            std::iter::once(program.to_string_lossy().into_owned()).chain(arguments).collect()
        });
        info.links_overrides = configured.links;
        Ok(info)
    }

    fn ask(&self, target: Option<&str>, flags: &[String]) -> Result<TargetInfo, ProbeError> {
        let mut arguments: Vec<String> =
            ["-", "--crate-name", "___", "--print=file-names"].map(str::to_owned).to_vec();
        arguments.extend(flags.iter().cloned());
        if let Some(target) = target {
            arguments.extend(["--target".to_owned(), target.to_owned()]);
        }
        for crate_type in CRATE_TYPES {
            arguments.extend(["--crate-type".to_owned(), (*crate_type).to_owned()]);
        }
        for print in ["sysroot", "split-debuginfo", "crate-name", "cfg"] {
            arguments.push(format!("--print={print}"));
        }
        arguments.push("-Wwarnings".to_owned());
        let key = self.key(&arguments, target);
        let answer = match self.memo.answer::<Answer>("probe", &key) {
            Some(answer) => answer,
            None => {
                let answer = self.run(&arguments, target)?;
                self.memo.remember("probe", &key, &answer);
                answer
            }
        };
        parse(&answer, target.unwrap_or(&self.toolchain.host_triple))
    }

    fn run(&self, arguments: &[String], target: Option<&str>) -> Result<Answer, ProbeError> {
        let mut words: Vec<&Path> = self.wrappers.iter().map(PathBuf::as_path).collect();
        words.push(&self.toolchain.rustc);
        let mut command = self.host.command(words[0]);
        command.args(&words[1..]).args(arguments);
        command.envs(self.env.iter().map(|(k, v)| (k, v))).env_remove("RUSTC_LOG");
        command.stdin(std::process::Stdio::null());
        let refused = |message: String| ProbeError::Refused {
            triple: target.unwrap_or(&self.toolchain.host_triple).to_owned(),
            message,
        };
        let output = command.output().map_err(|e| refused(e.to_string()))?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(refused(stderr.trim().to_owned()));
        }
        Ok(Answer { stdout: String::from_utf8_lossy(&output.stdout).into_owned(), stderr })
    }

    fn key(&self, arguments: &[String], target: Option<&str>) -> Digest {
        let mut key = Framed::new("larder.probe.1");
        key.digest("toolchain", &self.digest);
        key.text("sysroot", &self.toolchain.sysroot.to_string_lossy());
        key.text("rustc", &self.toolchain.rustc.to_string_lossy());
        key.list("arguments", arguments.iter());
        for wrapper in &self.wrappers {
            key.text("wrapper", &wrapper.to_string_lossy());
            // A wrapper that changed may answer otherwise.
            let file = self.host.find_program(wrapper);
            if let Some(digest) = file.and_then(|f| self.memo.file_digest(&f).ok()) {
                key.digest("wrapper", &digest);
            }
        }
        for (name, value) in &self.env {
            key.text("env", name).text("value", value);
        }
        for (name, value) in &self.host.env {
            let name = name.to_string_lossy();
            if name.starts_with("RUSTC_")
                || name.ends_with("_DEPLOYMENT_TARGET")
                || name == "SDKROOT"
                || name == "RUST_TARGET_PATH"
                || name == "CLIPPY_ARGS"
            {
                key.text("variable", &name).text("value", &value.to_string_lossy());
            }
        }
        if let Some(file) = target.filter(|t| t.ends_with(".json"))
            && let Ok(digest) = self.memo.file_digest(Path::new(file))
        {
            key.digest("specification", &digest);
        }
        if arguments.iter().any(|a| a.contains("native")) {
            key.text("cpu", &cpu());
        }
        key.finish()
    }
}

/// What tells one CPU's features from another's.
fn cpu() -> String {
    let text = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let wanted = ["model name", "flags", "Features", "CPU part", "cpu family", "model\t"];
    let mut lines: Vec<&str> =
        text.lines().filter(|l| wanted.iter().any(|w| l.starts_with(w))).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join("\n")
}

/// The cfgs that cargo would keep: what does not parse cannot be matched.
fn parse_cfgs(lines: &[String]) -> Vec<Cfg> {
    lines.iter().filter_map(|line| line.parse().ok()).collect()
}

fn parse(answer: &Answer, triple: &str) -> Result<TargetInfo, ProbeError> {
    let missing = |what: &str| ProbeError::Refused {
        triple: triple.to_owned(),
        message: format!("its answer has no {what}:\n{}", answer.stdout),
    };
    let mut lines = answer.stdout.lines();
    let mut file_names = BTreeMap::new();
    for crate_type in CRATE_TYPES {
        let quoted = format!("crate type `{crate_type}`");
        let unsupported = answer.stderr.lines().any(|line| {
            (line.contains("unsupported crate type") || line.contains("unknown crate type"))
                && line.contains(&quoted)
        });
        let names = if unsupported {
            None
        } else {
            let line = lines.next().ok_or_else(|| missing("file names"))?;
            let (prefix, rest) =
                line.trim().split_once("___").ok_or_else(|| missing("file names"))?;
            let suffix = rest.split("___").next().unwrap_or_default();
            Some((prefix.to_owned(), suffix.to_owned()))
        };
        file_names.insert((*crate_type).to_owned(), names);
    }
    // Cargo asks for `lib` apart, and rustc answers as for `rlib`.
    if let Some(rlib) = file_names.get("rlib").cloned() {
        file_names.insert("lib".to_owned(), rlib);
    }
    let sysroot = lines.next().ok_or_else(|| missing("sysroot"))?.to_owned();
    let mut split_debuginfo = Vec::new();
    loop {
        match lines.next() {
            Some("___") => break,
            Some(line) => split_debuginfo.push(line.to_owned()),
            None => return Err(missing("split-debuginfo")),
        }
    }
    let cfg = lines.filter(|line| *line != "proc_macro").map(str::to_owned).collect();
    Ok(TargetInfo { cfg, file_names, split_debuginfo, sysroot, ..TargetInfo::default() })
}
