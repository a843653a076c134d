//! What a build says while other builds hold all job slots of the machine.

use crate::event::Event;
use crate::execute::{Execution, Message};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long a build waits for job slots of others without a word.
const PATIENCE: Duration = Duration::from_secs(3);

impl Execution<'_, '_> {
    /// The next message. A build that runs nothing, although it could, waits
    /// for job slots of other builds, and says so after a while.
    pub(crate) fn next(&mut self, messages: &Receiver<Message>) -> Option<Message> {
        let is_blocked = self.running.is_empty() && !self.ready.is_empty() && !self.stopping;
        if is_blocked && !self.said_blocked {
            match messages.recv_timeout(PATIENCE) {
                Err(RecvTimeoutError::Timeout) => {
                    self.said_blocked = true;
                    let what = "job slots: other builds on this machine hold all of them".into();
                    self.build.emit(&Event::Blocking { what });
                }
                received => return received.ok(),
            }
        }
        messages.recv().ok()
    }
}
