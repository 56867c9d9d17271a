//! The directories that a walk of the volume still has to visit, in bounded memory.

use std::collections::VecDeque;

/// The most bytes that the paths of the directories may take that are still to visit.
const MOST_AHEAD: usize = 32 << 20;

/// The directories that are still to visit, with their depth below the start of the walk.
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

    /// The next directory. The upper levels come first, because a gateway depends most on them. If `all` is set, everything is visited anyway, and
    /// the order keeps the list short.
    pub(super) fn next(&mut self, all: bool) -> Option<(String, usize)> {
        let next = if all { self.directories.pop_back() } else { self.directories.pop_front() };
        let next = next?;
        self.bytes -= next.0.len() + size_of::<(String, usize)>();
        Some(next)
    }
}
