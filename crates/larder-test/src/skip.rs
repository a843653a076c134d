//! Tests that cannot be made on this machine: never left out in silence.

/// Says that something is not tested here, and what is missing for it. In
/// continuous integration (`CI` is `true`) that is a failure: there the machine
/// has to have everything.
#[track_caller]
#[expect(clippy::print_stderr, reason = "whoever runs the test wants to know")]
pub fn skipped(what: &str) {
    let ci = std::env::var_os("CI");
    assert!(ci.is_none_or(|ci| ci != "true"), "not tested, in continuous integration: {what}");
    eprintln!("SKIPPED: {what}");
}
