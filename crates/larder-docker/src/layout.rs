//! Where things are: in the builder, and in the image.

/// The sources. Not `/src`: that is a part of paths in the standard library's
/// debug information, and a result that seems to hold the path of its project is
/// bound to it.
pub const SOURCES: &str = "/project";

/// Cargo's home. Not the one of the image: that has rustup's programs, which
/// must not be in a cache mount.
pub const CARGO_HOME: &str = "/cargo";

/// Cargo's target directory.
pub const TARGET: &str = "/target";

/// Larder's store.
pub const STORE: &str = "/larder";

/// Cooked results, compressed: a layer, mounted where the store is.
pub const PACKED: &str = "/packed";

/// Larder itself.
pub const LARDER: &str = "/usr/local/bin/cargo-larder";

/// Certificates, as Debian has them.
pub const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Binaries, in the image.
pub const BIN: &str = "/usr/local/bin";

/// Nobody's number, in the image; distroless calls it `nonroot`.
pub const USER: u32 = 65532;

/// Id of the cache mount of cargo's home. Cargo's own locks are in there too, so
/// builds may share it.
pub const CARGO_HOME_ID: &str = "larder-cargo-home";

/// Beginning of the id of the store's cache mount; the builder's architecture
/// follows. Ids are global on a builder.
pub fn store_id(builder: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("larder-store-{}", builder.chars().map(plain).collect::<String>())
}
