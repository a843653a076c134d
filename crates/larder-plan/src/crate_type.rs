//! What a crate type can do, by cargo's names for them.
//!
//! Unknown types are neither linkable nor dynamic, as in cargo.

/// Whether LTO can be performed where this type is produced.
pub(crate) fn can_lto(crate_type: &str) -> bool {
    matches!(crate_type, "bin" | "staticlib" | "cdylib")
}

/// Whether other crates can link to it.
pub(crate) fn is_linkable(crate_type: &str) -> bool {
    matches!(crate_type, "lib" | "rlib" | "dylib" | "proc-macro")
}

/// Whether it is loaded at run time.
pub(crate) fn is_dynamic(crate_type: &str) -> bool {
    matches!(crate_type, "dylib" | "cdylib" | "proc-macro")
}

/// Whether producing it takes the object code of its dependencies.
pub(crate) fn requires_upstream_objects(crate_type: &str) -> bool {
    !matches!(crate_type, "lib" | "rlib")
}

/// Whether a linker produces it.
pub(crate) fn runs_linker(crate_type: &str) -> bool {
    !matches!(crate_type, "lib" | "rlib" | "staticlib")
}
