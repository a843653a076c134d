//! Signals that end the process while it builds: what has no record yet is
//! removed from the store, and then the signal does what it does to cargo.
//! Nothing is printed from the moment of the signal on, since cargo would not
//! be there any more to print it.
//!
//! A terminal sends its signals to compilers and build scripts as well, so
//! they end by themselves. A second signal ends the process at once. Signals
//! that whoever started the process wanted ignored stay ignored.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Set by the signal itself, so before anybody can see a child that it ended.
static ENDING: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on, signals leave the store clean. Without a way to hear of them
/// they end the process all the same; what they leave is collected one day.
pub(crate) fn keep_the_store_clean() {
    if ENDING.get().is_some() {
        return;
    }
    let ending = Arc::clone(ENDING.get_or_init(Arc::default));
    let Some(ignored) = ignored() else { return };
    let wanted: Vec<c_int> = [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| ignored & (1 << (signal - 1)) == 0)
        .collect();
    let Ok(mut signals) = Signals::new(&wanted) else { return };
    for signal in wanted {
        let _ = flag::register_conditional_default(signal, Arc::clone(&ending));
        let _ = flag::register(signal, Arc::clone(&ending));
    }
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            larder_store::abandon();
            let _ = low_level::emulate_default_handler(signal);
        }
    });
}

/// Returns only if no signal is about to end the process.
pub(crate) fn stop_if_ending() {
    while ENDING.get().is_some_and(|ending| ending.load(Ordering::SeqCst)) {
        std::thread::park();
    }
}

/// The signals that this process ignores, a bit each; `None` where the system
/// does not say.
fn ignored() -> Option<u64> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
