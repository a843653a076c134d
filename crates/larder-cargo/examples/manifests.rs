//! How long reading every unpacked manifest of cargo's home takes:
//! `cargo run --release -p larder-cargo --example manifests -- ~/.cargo`.
#![expect(clippy::print_stdout, reason = "an example is a binary")]

use larder_cargo::manifest::{self, WorkspaceRoots};
use std::path::PathBuf;
use std::time::Instant;

fn main() {
    let home = PathBuf::from(std::env::args().nth(1).expect("the directory of CARGO_HOME"));
    let pattern = home.join("registry/src/*/*/Cargo.toml");
    let paths: Vec<PathBuf> = glob::glob(&pattern.to_string_lossy())
        .expect("a home whose path is no pattern")
        .filter_map(Result::ok)
        .collect();
    let roots = WorkspaceRoots::new(&home);
    let start = Instant::now();
    let mut failed = 0;
    for path in &paths {
        if let Err(error) = manifest::read(path, &roots) {
            failed += 1;
            println!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
        }
    }
    let spent = start.elapsed();
    println!("{} manifests in {spent:?}, {failed} failed", paths.len());
}
