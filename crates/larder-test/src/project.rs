//! [`Project`]: a cargo project in a [`TestEnv`].

use crate::mtime::{self, Mtime};
use crate::{Output, TestEnv};
use fs_err as fs;
use larder_schema::report::Report;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A project that is being written.
#[derive(Debug)]
pub struct ProjectBuilder<'env> {
    env: &'env TestEnv,
    root: PathBuf,
    files: Vec<(PathBuf, String)>,
}

impl<'env> ProjectBuilder<'env> {
    pub(crate) fn new(env: &'env TestEnv, root: PathBuf) -> ProjectBuilder<'env> {
        ProjectBuilder { env, root, files: Vec::new() }
    }

    /// Adds a file; its directories are made.
    pub fn file(
        mut self,
        path: impl Into<PathBuf>,
        text: impl Into<String>,
    ) -> ProjectBuilder<'env> {
        self.files.push((path.into(), text.into()));
        self
    }

    /// Adds the smallest manifest of a package of that name, edition 2024.
    pub fn package(self, name: &str) -> ProjectBuilder<'env> {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        self.file("Cargo.toml", manifest)
    }

    /// Writes the files.
    pub fn build(self) -> Project<'env> {
        let project = Project::open(self.env, self.root);
        fs::create_dir_all(&project.root).expect("the project's directory");
        for (path, text) in self.files {
            project.write(path, &text);
        }
        project
    }
}

/// A project on disk.
#[derive(Clone, Debug)]
pub struct Project<'env> {
    env: &'env TestEnv,
    root: PathBuf,
}

impl<'env> Project<'env> {
    /// A project that is already there.
    pub fn open(env: &'env TestEnv, root: impl Into<PathBuf>) -> Project<'env> {
        Project { env, root: root.into() }
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in it.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The text of a file.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(path)).expect("a file of the project")
    }

    /// Writes a file.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.path(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a directory of the project");
        }
        fs::write(path, text).expect("a file of the project");
    }

    /// Changes a file's text, and its time as said.
    #[track_caller]
    pub fn edit(
        &self,
        path: impl AsRef<Path>,
        mtime: Mtime,
        change: impl FnOnce(String) -> String,
    ) {
        let path = self.path(path);
        let before = mtime::of(&path);
        let text = change(fs::read_to_string(&path).expect("a file of the project"));
        fs::write(&path, text).expect("a file of the project");
        mtime.set(&path, before);
    }

    /// Replaces a text that must be there.
    #[track_caller]
    pub fn replace(&self, path: impl AsRef<Path>, from: &str, to: &str, mtime: Mtime) {
        let path = path.as_ref();
        assert!(self.read(path).contains(from), "no {from:?} in {}", path.display());
        self.edit(path, mtime, |text| text.replace(from, to));
    }

    /// Appends to a file.
    #[track_caller]
    pub fn append(&self, path: impl AsRef<Path>, text: &str) {
        self.edit(path, Mtime::Now, |before| before + text);
    }

    /// Sets a file's time, its text as it is.
    #[track_caller]
    pub fn set_mtime(&self, path: impl AsRef<Path>, mtime: Mtime) {
        // `Now` means touched here: an edit's own write does it elsewhere.
        self.edit(path, mtime, |text| text);
    }

    /// Sets the time of every file outside `target`.
    pub fn set_all_mtimes(&self, mtime: Mtime) {
        for file in files(&self.root) {
            let before = mtime::of(&file);
            let bytes = fs::read(&file).expect("a file of the project");
            fs::write(&file, bytes).expect("a file of the project");
            mtime.set(&file, before);
        }
    }

    /// Removes a file or a directory.
    #[track_caller]
    pub fn remove(&self, path: impl AsRef<Path>) {
        let path = self.path(path);
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.expect("something to remove");
    }

    /// A copy in another directory of the environment, as a fresh checkout
    /// makes it: all files but `target`, with the times of now.
    pub fn checkout(&self, name: &str) -> Project<'env> {
        let root = self.env.root().join(name);
        for file in files(&self.root) {
            let copy = root.join(file.strip_prefix(&self.root).expect("a file of the project"));
            fs::create_dir_all(copy.parent().expect("a parent")).expect("a directory of the copy");
            if file.is_symlink() {
                #[cfg(unix)]
                fs_err::os::unix::fs::symlink(fs::read_link(&file).expect("a link"), copy)
                    .expect("a link");
            } else {
                fs::copy(&file, copy).expect("a file of the copy");
            }
        }
        Project::open(self.env, root)
    }

    /// A program in the project's directory, not started yet.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.env.command(program);
        command.current_dir(&self.root);
        command
    }

    /// Runs cargo in the project's directory.
    pub fn cargo(&self, args: &[&str]) -> Output {
        self.env.run(self.command("cargo").args(args))
    }

    /// What a program prints that was built into `target/debug`.
    #[track_caller]
    pub fn says(&self, program: &str) -> String {
        let output = self.command(self.path("target/debug").join(program)).output();
        let output = output.expect("a program that starts");
        assert!(output.status.success(), "{program} failed");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs `cargo larder` in the project's directory.
    pub fn larder(&self, args: &[&str]) -> Output {
        self.env.run(self.env.larder_command().args(args).current_dir(&self.root))
    }

    /// Runs `cargo larder` with `--report`, behind `args` or before their
    /// `--`; it must succeed. Returns what it printed and the report.
    #[track_caller]
    pub fn larder_report(&self, args: &[&str]) -> (Output, Report) {
        let report =
            tempfile::NamedTempFile::new_in(self.env.root().join("tmp")).expect("a report file");
        let at = args.iter().position(|arg| *arg == "--").unwrap_or(args.len());
        let mut command = self.env.larder_command();
        command.args(&args[..at]).arg("--report").arg(report.path()).args(&args[at..]);
        let output = self.env.run(command.current_dir(&self.root));
        output.success();
        let text = fs::read_to_string(report.path()).expect("a report");
        match serde_json::from_str(&text) {
            Ok(report) => (output, report),
            Err(error) => panic!("no report: {error}\n{text}\n{}", output.all()),
        }
    }
}

/// Files of a project, sorted; `target` and `.git` are not entered.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).expect("a directory of the project") {
            let entry = entry.expect("an entry of the project");
            let is_dir = entry.file_type().expect("a file type").is_dir();
            if !is_dir {
                found.push(entry.path());
            } else if entry.file_name() != "target" && entry.file_name() != ".git" {
                pending.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
