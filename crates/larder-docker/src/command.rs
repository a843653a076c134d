//! The cargo command that every step of a build repeats, and where it puts
//! what it builds.

/// `build --locked --release --bin app`: the same words plan, cook and build.
/// Without binaries, all of the packages that cargo takes.
pub fn build(profile: &str, bins: &[String], flags: &[String]) -> Vec<String> {
    let mut words = vec!["build".to_owned(), "--locked".into()];
    if profile == "release" {
        words.push("--release".into());
    } else {
        words.extend(["--profile".into(), profile.to_owned()]);
    }
    if bins.is_empty() {
        words.push("--bins".into());
    }
    for bin in bins {
        words.extend(["--bin".into(), bin.clone()]);
    }
    words.extend(flags.iter().cloned());
    words
}

/// The directory of a profile in the target directory.
pub fn profile_directory(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        profile => profile,
    }
}

/// A word of a shell's command line.
pub fn word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+/.,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
