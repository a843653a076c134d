//! Where results are kept and found again.
//!
//! Two halves that meet in [`transfer`]:
//!
//! * [`DiskStore`]: the local store. Plain files, no server, no database.
//!   rustc writes straight into the directory that the result will be served
//!   from, and the record that makes a result visible is renamed into place
//!   last.
//! * [`Driver`]: what a store elsewhere must do (blobs by digest, records by
//!   key, path sets by identity), the combinators over it ([`Tiered`],
//!   [`Verifying`], [`ReadOnly`], [`Bounded`], [`Private`]), and one
//!   conformance suite for all of them.
//!
//! Beside them, [`StatCache`] remembers digests of files whose stat did not
//! change, [`Durations`] how long units took, and [`deliver`] puts a stored
//! file where the user wants it without ever sharing it.
//!
//! This crate refuses to print, to read the environment, to link anything
//! into or out of the store, and to trust a modification time.

mod archive;
mod combine;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod delivery;
mod dir_driver;
mod disk;
mod driver;
mod durations;
mod error;
mod gc;
mod hash;
mod hold;
mod layers;
mod layout;
mod lock;
mod memo;
mod memory;
mod packed;
mod pending;
mod read_write;
mod stat_cache;
mod stats;
mod sweep;
pub mod transfer;
mod unfinished;
mod verify;

pub use archive::{ArchiveError, Archived};
pub use combine::{Bounded, Private, ReadOnly, Tiered, Verifying};
pub use delivery::{Method, deliver};
pub use dir_driver::DirDriver;
pub use disk::DiskStore;
pub use driver::{Answer, Blob, Driver, DriverError};
pub use durations::Durations;
pub use error::StoreError;
pub use gc::{Doomed, GcPolicy, GcPreview, GcReport};
pub use hold::Hold;
pub use lock::KeyLock;
pub use memory::MemoryDriver;
pub use packed::Packed;
pub use pending::{Pending, interface_of};
pub use stat_cache::StatCache;
pub use stats::{StoreStats, Usage};
pub use unfinished::abandon;
pub use verify::{Check, Damage, Damaged};
