//! One `docker build`, and what is read from its log and from the engine.

use super::approach::Approach;
use super::project::{Project, Scenario};
use crate::docker::engine::Engine;
use crate::docker::images::{BUILDER, RUNTIME};
use crate::{process, workspace};
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The shell of the builder: bash, which tells what a whole step took. Only as
/// the first process of a container: scripts of the build see plain bash.
pub(super) const SHELL: &str = "#!/usr/bin/bash-itself\n\
    [ $$ = 1 ] || exec /usr/bin/bash-itself \"$@\"\n\
    TIMEFORMAT='larder-bench took %lU %lS'\n\
    time /usr/bin/bash-itself \"$@\"\n";

/// What `SHELL` writes before its two figures.
const TOOK: &str = "larder-bench took ";

/// Programs that Dockerfiles copy into the builder, one directory each.
pub(super) struct Tools {
    larder: PathBuf,
    chef: Option<PathBuf>,
}

impl Tools {
    /// Copies them to where nothing else is: contexts are sent whole.
    pub(super) fn gather(larder: &Path, chef: Option<&Path>) -> Result<Tools> {
        let place = |program: &Path, name: &str| -> Result<PathBuf> {
            let dir = workspace::target("bench-docker").join(name);
            fs::create_dir_all(&dir)?;
            fs::copy(program, dir.join(name))?;
            Ok(dir)
        };
        Ok(Tools {
            larder: place(larder, "cargo-larder")?,
            chef: chef.map(|chef| place(chef, "cargo-chef")).transpose()?,
        })
    }
}

/// What one build was and left.
#[derive(Debug, Serialize)]
pub(super) struct Built {
    /// Seconds that `docker build` took.
    pub(super) wall: f64,
    /// User and system time in the containers, in seconds.
    pub(super) cpu: f64,
    /// Compiler calls and build-script runs.
    pub(super) units: usize,
    /// Of these, those before the workspace's sources are seen, if the layer
    /// that keeps them was built anew.
    pub(super) cooked: Option<usize>,
    /// Size of the image, in bytes.
    pub(super) image: u64,
    /// What the layer of the dependencies holds, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cook_layer: Option<u64>,
    /// What the engine keeps for this approach since its first build, in
    /// bytes: layers and cache mounts.
    pub(super) kept: u64,
}

/// One approach during a round: a checkout, and a builder that no other has.
pub(super) struct Session {
    pub(super) approach: Approach,
    place: PathBuf,
    builder: String,
    nonce: String,
    kept: u64,
}

impl Session {
    fn image(&self, suffix: &str) -> String {
        format!("larder-bench/{}:{}{suffix}", self.approach.name(), self.nonce)
    }
}

/// Builds a project on an engine.
pub(super) struct Builder<'a> {
    pub(super) engine: &'a Engine,
    pub(super) tools: &'a Tools,
    pub(super) project: &'a Project,
}

impl Builder<'_> {
    /// Fills the mount of cargo's home with all that any build will need.
    pub(super) fn prefetch(&self) -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let place = scratch.path().join("project");
        self.project.checkout(&place)?;
        let fetch = "RUN --mount=type=cache,id=larder-cargo-home,sharing=shared,target=/cargo \
                     cargo fetch --locked\n";
        let text =
            format!("FROM {BUILDER}\nENV CARGO_HOME=/cargo\nWORKDIR /src\nCOPY . .\n{fetch}");
        let dockerfile = scratch.path().join("Dockerfile");
        fs::write(&dockerfile, text)?;
        let fetch = || -> Result<()> {
            let mut command = self.engine.docker();
            command.args(["build", "--network=host", "--no-cache", "--quiet", "--file"]);
            process::run_quietly(command.arg(&dockerfile).arg(&place))?;
            Ok(())
        };
        fetch()?;
        if let Some((name, version)) = &self.project.bump {
            self.project.bump(&place, name, version, false)?;
            fetch()?;
        }
        Ok(())
    }

    /// Makes everything ready for one approach: nothing is built yet.
    pub(super) fn start(&self, approach: Approach) -> Result<Session> {
        let scratch = tempfile::tempdir()?;
        let name = scratch.path().file_name().context("a name")?.to_string_lossy().to_lowercase();
        let nonce: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let builder = self.builder_image(scratch.path(), &nonce)?;
        let place = workspace::target("bench-docker").join(approach.name());
        self.project.checkout(&place)?;
        self.write_dockerfile(approach, &place, &builder, &nonce)?;
        Ok(Session { approach, place, builder, nonce, kept: 0 })
    }

    /// Changes the checkout and builds it. `None` where this change cannot be
    /// made to this application.
    pub(super) fn step(&self, session: &mut Session, scenario: Scenario) -> Result<Option<Built>> {
        if !self.project.change(&session.place, scenario)? {
            return Ok(None);
        }
        let before = self.kept()?;
        let built = self.build(session, scenario)?;
        session.kept += self.kept()?.saturating_sub(before);
        Ok(Some(Built { kept: session.kept, ..built }))
    }

    /// The figures are taken; what was kept would fill the disk.
    pub(super) fn finish(&self, sessions: Vec<Session>) -> Result<()> {
        for session in sessions {
            let cook = session.image("-cook");
            for tag in [&session.builder, &session.image(""), &cook] {
                let _ = self.engine.docker().args(["image", "rm", "--force", tag]).output();
            }
        }
        process::run_quietly(self.engine.docker().args(["builder", "prune", "--force"]))?;
        Ok(())
    }

    /// A builder that no other round has: one more layer, and the shell.
    fn builder_image(&self, scratch: &Path, nonce: &str) -> Result<String> {
        let tag = format!("larder-bench/builder:{nonce}");
        fs::write(scratch.join("bash"), SHELL)?;
        let text = format!(
            "FROM {BUILDER}\nRUN mv /usr/bin/bash /usr/bin/bash-itself && echo {nonce} > /nonce\n\
             COPY --chmod=755 bash /usr/bin/bash\n"
        );
        fs::write(scratch.join("Dockerfile"), text)?;
        let mut command = self.engine.docker();
        process::run_quietly(
            command.args(["build", "--network=host", "--quiet", "--tag", &tag]).arg(scratch),
        )?;
        Ok(tag)
    }

    fn write_dockerfile(
        &self,
        approach: Approach,
        place: &Path,
        builder: &str,
        nonce: &str,
    ) -> Result<()> {
        let file = place.join("Dockerfile");
        let Some(cache) = approach.larder() else {
            let text = approach.dockerfile(self.project, builder, RUNTIME, nonce);
            return Ok(fs::write(file, text)?);
        };
        let mut command = process::command(self.tools.larder.join("cargo-larder"));
        command.args(["larder", "dockerfile", "--bin", self.project.binary()]);
        command.args(["--cache", cache, "--libc", "gnu", "--base", RUNTIME, "--builder", builder]);
        if self.project.dev {
            command.args(["--profile", "dev"]);
        }
        process::run_quietly(command.arg("-o").arg(&file).current_dir(place))?;
        Ok(())
    }

    fn build(&self, session: &Session, scenario: Scenario) -> Result<Built> {
        let Session { approach, place, .. } = session;
        let tag = session.image("");
        let started = Instant::now();
        let output = process::run_quietly(self.docker_build(place, &tag).arg("."))?;
        let wall = started.elapsed().as_secs_f64();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        fs::write(place.with_extension(format!("{scenario:?}.log").to_lowercase()), &log)?;
        let mut run = self.engine.docker();
        run.args(["run", "--rm", "--network=none", &tag])
            .args(self.project.app.runs.iter().skip(1));
        process::run_quietly(&mut run).context("the image does not run")?;

        let first = scenario == Scenario::First;
        let cook = approach.cook_stage().filter(|_| first);
        let cook_layer = cook.map(|stage| self.layer(session, stage)).transpose()?;
        let is_larder = approach.larder().is_some();
        Ok(Built {
            wall,
            cpu: cpu(&log),
            units: units(&log, is_larder, None),
            cooked: approach.cook_stage().map(|stage| units(&log, is_larder, Some(stage))),
            image: self.inspect(&tag, "{{.Size}}")?.parse().context("the image has no size")?,
            cook_layer,
            kept: 0,
        })
    }

    fn docker_build(&self, place: &Path, tag: &str) -> std::process::Command {
        let mut command = self.engine.docker();
        command.args(["build", "--progress=plain", "--network=host", "--tag", tag]);
        command.arg(format!("--build-context=larder={}", self.tools.larder.display()));
        if let Some(chef) = &self.tools.chef {
            command.arg(format!("--build-context=chef={}", chef.display()));
        }
        command.current_dir(place);
        command
    }

    /// Size of the last layer of a stage.
    fn layer(&self, session: &Session, stage: &str) -> Result<u64> {
        let tag = session.image("-cook");
        let mut command = self.docker_build(&session.place, &tag);
        process::run_quietly(command.args(["--target", stage, "."]))?;
        let mut history = self.engine.docker();
        history.args(["history", "--human=false", "--format", "{{.Size}}", &tag]);
        let output = process::run_quietly(&mut history)?;
        let sizes = String::from_utf8(output.stdout)?;
        sizes.lines().next().unwrap_or_default().parse().context("the layer has no size")
    }

    fn inspect(&self, tag: &str, format: &str) -> Result<String> {
        let mut command = self.engine.docker();
        let output =
            process::run_quietly(command.args(["image", "inspect", "--format", format, tag]))?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Bytes of everything that the engine keeps for builds.
    fn kept(&self) -> Result<u64> {
        let mut command = self.engine.docker();
        let format = "{{range .BuildCache}}{{.Size}}\n{{end}}";
        let output =
            process::run_quietly(command.args(["system", "df", "--verbose", "--format", format]))?;
        Ok(String::from_utf8(output.stdout)?.lines().filter_map(bytes).sum())
    }
}

/// Bytes in docker's words: `1.23GB`, `45.6kB`, `7B`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..digits].parse().ok()?;
    let scale = match &text[digits..] {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => return None,
    };
    Some((number * scale) as u64)
}

/// User and system time of all steps that ran.
fn cpu(log: &str) -> f64 {
    let figures = log.lines().filter_map(|line| line.split_once(TOOK));
    figures.flat_map(|(_, times)| times.split_whitespace().filter_map(seconds)).sum()
}

/// `1m2.345s`.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

/// Compiler calls and build-script runs in a log, or in one stage of it. Cargo
/// names each of them (``Running `…` ``); larder says how many there were.
fn units(log: &str, is_larder: bool, stage: Option<&str>) -> usize {
    // `#7 [cook 2/2] RUN …` says which stage the lines of `#7` belong to.
    let steps: Option<Vec<&str>> = stage.map(|stage| {
        let begins = format!("[{stage} ");
        let heads = log.lines().filter(|line| line.contains(&begins));
        heads.filter_map(|line| line.split(' ').next()).collect()
    });
    let lines = log.lines().filter(|line| {
        let step = line.split(' ').next().unwrap_or_default();
        steps.as_ref().is_none_or(|steps| steps.contains(&step))
    });
    if !is_larder {
        return lines.filter(|line| line.contains(" Running `")).count();
    }
    let executed = |line: &str| -> Option<usize> {
        let (before, _) = line.split_once(" executed")?;
        if !before.contains(" from the store, ") {
            return None;
        }
        before.rsplit(' ').next()?.parse().ok()
    };
    lines.filter_map(executed).sum()
}

/// What a sample must have been for its time to count.
pub(super) fn check(approach: Approach, scenario: Scenario, built: &Built) -> Result<()> {
    let what = format!("{}, {}", approach.name(), scenario.title());
    ensure!(built.cpu > 0.0, "{what}: the builder's shell told no times");
    if matches!(scenario, Scenario::First | Scenario::Source) {
        ensure!(built.units > 0, "{what}: nothing was compiled");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#7 [cook 1/1] RUN cargo larder cook\n\
        #7 3.1       Larder 40 units: 0 from the store, 40 executed\n\
        #7 3.2 larder-bench took 1m2.5s 0m1.5s\n#7 DONE 3.3s\n\
        #8 [build 1/1] RUN cargo larder build\n\
        #8 9.0       Larder 45 units: 40 from the store, 5 executed (3 s saved)\n\
        #8 9.1      Running `rustc --crate-name x`\n\
        #8 9.1 larder-bench took 0m4.0s 0m0.000s\n";

    #[test]
    fn logs_are_read() {
        assert_eq!(units(LOG, true, None), 45);
        assert_eq!(units(LOG, true, Some("cook")), 40);
        assert_eq!(units(LOG, false, None), 1);
        assert_eq!(units(LOG, false, Some("cook")), 0);
        assert!((cpu(LOG) - 68.0).abs() < 1e-9);
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(bytes("1.5kB"), Some(1500));
        assert_eq!(bytes("2GB"), Some(2_000_000_000));
        assert_eq!(bytes("0B"), Some(0));
        assert_eq!(bytes("N/A"), None);
    }
}
