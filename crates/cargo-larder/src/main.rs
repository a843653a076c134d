//! The `cargo-larder` binary. Everything is in the library of the same name.

fn main() -> std::process::ExitCode {
    cargo_larder::main()
}
