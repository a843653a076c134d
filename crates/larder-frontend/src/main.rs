//! The `larder-frontend` binary: BuildKit starts it, with a build's options in
//! the environment, and answers on its stdin and stdout.

fn main() -> std::process::ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the surroundings")]
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    larder_frontend::main(variables)
}
