//! What a walk of the volume has still before it, in bounded memory.

use std::collections::VecDeque;

/// So many bytes take the paths of the directories that are still to be looked at.
const MOST_AHEAD: usize = 32 << 20;

/// The directories that are still to be looked at, with how deep below what was given each lies.
#[derive(Default)]
pub(super) struct Ahead {
    directories: VecDeque<(String, usize)>,
    bytes: usize,
    /// Whether some did not fit.
    pub(super) is_too_much: bool,
}

impl Ahead {
    pub(super) fn push(&mut self, below: String, depth: usize) {
        let bytes = self.bytes + below.len() + size_of::<(String, usize)>();
        if bytes > MOST_AHEAD {
            self.is_too_much = true;
        } else {
            self.bytes = bytes;
            self.directories.push_back((below, depth));
        }
    }

    /// The next one: the upper floors first, since what a gateway cannot do without is there; or, where all is looked at anyway, those that keep
    /// the list short.
    pub(super) fn next(&mut self, all: bool) -> Option<(String, usize)> {
        let next = if all { self.directories.pop_back() } else { self.directories.pop_front() };
        let next = next?;
        self.bytes -= next.0.len() + size_of::<(String, usize)>();
        Some(next)
    }
}
