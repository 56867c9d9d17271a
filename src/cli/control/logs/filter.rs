//! Chooses the lines of a log.

use regex_lite::Regex;

use super::line::Line;
use crate::cli::control::since::Since;

/// The conditions that a line has to meet.
#[derive(Clone, Copy)]
pub(super) struct Filter<'a> {
    /// It is not older than this time.
    pub(super) since: Option<&'a Since>,
    /// Its text matches this.
    pub(super) grep: Option<&'a Regex>,
}

impl Filter<'_> {
    /// Whether every line passes.
    pub(super) fn is_none(&self) -> bool {
        self.since.is_none() && self.grep.is_none()
    }

    pub(super) fn passes(&self, line: &Line) -> bool {
        self.since.is_none_or(|since| since.is_before(&line.when))
            && self.grep.is_none_or(|grep| grep.is_match(&line.parts().1))
    }
}
