//! Tools that call cargo, with larder in front (`cargo larder exec`) and
//! without: what they make has to be the same.
//!
//! Tests that need a tool are ignored here. `cargo xtask drivers` installs the
//! tools into a directory of its own and runs them; so does `cargo xtask test`.

mod editor;
mod packagers;
mod parcel;
mod runners;
mod scripts;
mod wrappers;
