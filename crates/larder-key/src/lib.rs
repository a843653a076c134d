//! Identities, keys and the typed reasons of misses: functions over values.
//!
//! | module | answers |
//! |---|---|
//! | [`identity`] | what names a unit across machines and edits |
//! | [`inputs`] | what of an action goes into its key, and what does not |
//! | [`mention`] | which environment variables a program can read |
//! | [`explain`] | why a key is another than last time |
//! | [`verdict`] | who may use a result, and why not everybody |

pub mod explain;
pub mod identity;
pub mod inputs;
pub mod mention;
pub mod verdict;

pub use identity::Identities;
