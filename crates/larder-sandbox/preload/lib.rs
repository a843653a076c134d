//! Loaded into observed processes and the compilers that they start: writes down
//! which files a process reads and asks about, before it does, in memory that
//! it shares with its observer. That costs a fraction of what it costs to let
//! the observer answer each call.
//!
//! Nothing is trusted to it but speed. The filter lets only those calls pass
//! that are made by one page of code ([`layout::STUB`]), and this library makes
//! them only after it has written the path down. All other calls, also those
//! that a C library makes of its own accord, reach the observer as ever.
//!
//! | module | holds |
//! |---|---|
//! | [`files`] | the functions that take the place of the C library's |
//! | [`realpath`], [`programs`] | those that need more than one call |
//! | [`log`], [`layout`] | the shared memory |
//! | [`begin`] | what happens when a process starts |
//! | [`kernel`], [`libc`] | calls of the kernel, and of the C library |
//!
//! It is not a crate of the workspace: `build.rs` compiles it, without the
//! standard library, so that it depends on nothing but what is loaded into
//! every process anyway. `cargo xtask tidy` formats and lints it.

#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]
mod begin;
mod files;
mod kernel;
#[expect(dead_code, reason = "the reading side uses all of it")]
mod layout;
mod libc;
mod log;
mod programs;
mod realpath;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    kernel::abort()
}

// What code that was compiled to unwind refers to; nothing here does. Hidden:
// other libraries of the process have one of that name, and need it.
core::arch::global_asm!(
    ".globl rust_eh_personality",
    ".hidden rust_eh_personality",
    "rust_eh_personality:",
    "ud2",
);
