//! The rules, one per file.

mod apt_lists;
mod artifact_in_mount;
mod artifact_target;
mod cook_flags;
mod cook_image;
mod cook_variables;
mod cook_workdir;
mod dependencies_after_sources;
mod dockerignore;
mod dummy_sources;
mod latest_tag;
mod libc_mismatch;
mod not_locked;
mod pipe_unchecked;
mod registry_mount;
mod root_user;
mod rustup_profile;
mod secret_copied;
mod secret_variable;
mod target_mount_id;
mod target_mount_mtime;
mod target_mount_sharing;
mod toolchain_in_image;
mod toolchain_in_mount;

use super::Rule;

/// All of them, by name.
pub const RULES: &[Rule] = &[
    apt_lists::RULE,
    artifact_in_mount::RULE,
    artifact_target::RULE,
    cook_flags::RULE,
    cook_image::RULE,
    cook_variables::RULE,
    cook_workdir::RULE,
    dependencies_after_sources::RULE,
    dockerignore::RULE,
    dummy_sources::RULE,
    latest_tag::RULE,
    libc_mismatch::RULE,
    not_locked::RULE,
    pipe_unchecked::RULE,
    registry_mount::RULE,
    root_user::RULE,
    rustup_profile::RULE,
    secret_copied::RULE,
    secret_variable::RULE,
    target_mount_id::RULE,
    target_mount_mtime::RULE,
    target_mount_sharing::RULE,
    toolchain_in_image::RULE,
    toolchain_in_mount::RULE,
];
