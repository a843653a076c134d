//! Modification times never decide: neither stale results nor rebuilds.
//!
//! Named after what made others wrong: a cache mount beside a layer whose
//! files are older than the last build (0xMiden/node#2314), `git` and `tar`
//! that set any time, file systems with whole seconds.

use crate::table::{QUICK, all_hit, env, manifest, ran, says};
use larder_test::{Mtime, Project, TestEnv};

const ALL: [Mtime; 6] =
    [Mtime::Now, Mtime::Kept, Mtime::Older, Mtime::Newer, Mtime::Truncated, Mtime::Zero];

fn project(env: &TestEnv) -> Project<'_> {
    env.project("times")
        .file("Cargo.toml", manifest("times", QUICK))
        .file("build.rs", "fn main() {\n    println!(\"cargo::rustc-env=DATA={}\", std::fs::read_to_string(\"data.txt\").unwrap());\n}\n")
        .file("data.txt", "data 0")
        .file("src/main.rs", "fn main() {\n    println!(\"main 0 {} {}\", env!(\"DATA\"), include_str!(\"text.txt\"));\n}\n")
        .file("src/text.txt", "text 0")
        .build()
}

#[test]
fn times_alone_rebuild_nothing() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    for mtime in ALL {
        project.set_all_mtimes(mtime);
        all_hit(&project, &["build"]);
    }
}

#[test]
fn edits_count_whatever_their_time() {
    let env = env();
    let project = project(&env);
    project.larder(&["build"]).success();
    // Every text has the length that it had before: sizes do not tell either.
    for (number, mtime) in ALL.into_iter().enumerate() {
        for (file, word) in
            [("src/main.rs", "main"), ("data.txt", "data"), ("src/text.txt", "text")]
        {
            let (from, to) = (format!("{word} {number}"), format!("{word} {}", number + 1));
            project.replace(file, &from, &to, mtime);
            let runs = ran(&project, &["build"]);
            assert!(!runs.is_empty(), "{file} {mtime:?}");
            let said = says(&project, "times");
            assert!(said.contains(&to), "{file} {mtime:?}: {said}");
        }
    }
    assert_eq!(says(&project, "times"), "main 6 data 6 text 6\n");
}

/// 0xMiden/node#2314, FIELD.md's docker trap: the sources of a layer are older
/// than the results in the mount, and differ.
#[test]
fn issue_2314_older_sources_than_results() {
    let env = env();
    let project = project(&env);
    let before = project.checkout("before");
    before.replace("src/main.rs", "main 0", "main 9", Mtime::Zero);
    project.larder(&["build"]).success();
    // The same target directory is mounted over another layer's sources.
    before.set_all_mtimes(Mtime::Older);
    std::fs::rename(project.path("target"), before.path("target")).expect("a mount");
    before.larder(&["build"]).success();
    assert_eq!(says(&before, "times"), "main 9 data 0 text 0\n");
}

/// Files that are made within one tick of the clock, with equal sizes: what is
/// known of a file by its times must not answer for its new content.
#[test]
fn quick_edits_of_equal_size() {
    let env = env();
    let project = project(&env);
    for round in 0..6 {
        project.write("data.txt", &format!("data {round}"));
        project.larder(&["build"]).success();
        project.write("data.txt", &format!("data {}", round + 1));
        project.larder(&["build"]).success();
        let said = says(&project, "times");
        assert!(said.contains(&format!("data {}", round + 1)), "{said}");
    }
}

/// What is at a path counts, however it came there: links that lead
/// elsewhere, and files that change places.
#[test]
fn links_and_renames() {
    let env = env();
    let project = project(&env);
    project.remove("data.txt");
    project.write("one.txt", "data 1");
    project.write("two.txt", "data 2");
    let link = |to: &str| {
        let _ = std::fs::remove_file(project.path("data.txt"));
        std::os::unix::fs::symlink(to, project.path("data.txt")).expect("a link");
    };
    let check = |text: &str| {
        project.larder(&["build"]).success();
        let said = says(&project, "times");
        assert!(said.contains(text), "{text}: {said}");
    };
    link("one.txt");
    check("data 1");
    link("two.txt");
    check("data 2");
    let rename = |from: &str, to: &str| {
        std::fs::rename(project.path(from), project.path(to)).expect("a move");
    };
    rename("one.txt", "three.txt");
    rename("two.txt", "one.txt");
    rename("three.txt", "two.txt");
    check("data 1");
    link("one.txt");
    check("data 2");
}
