//! The `.dockerignore`.

/// What is no input of a build, or must not leave the machine.
///
/// `target` is ignored in the root only: below, it may be a module's directory.
pub fn dockerignore(dockerfile: &str) -> String {
    format!(
        "# What is no input of the build; every file that is left counts for it.\n\
         /target\n\
         # If a build script asks git for the commit, remove this line.\n\
         .git\n\
         {dockerfile}\n\
         .dockerignore\n\
         # What must not leave this machine.\n\
         .env\n\
         .env.*\n\
         **/.netrc\n\
         **/.cargo/credentials*\n\
         **/id_rsa*\n\
         **/id_ed25519*\n"
    )
}
