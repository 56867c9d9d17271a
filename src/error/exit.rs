//! With which code a program ends.

use crate::base::Signal;

/// How a program ends, for the one who called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done,
    /// Something failed, or differs, or is not as it should be.
    Failed,
    /// The one who called is to change something.
    Usage,
    /// Something is down.
    SomeDown,
    /// What was named is not there.
    Absent,
    /// This signal ended the run.
    Signal(Signal),
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SomeDown => 3,
            Self::Absent => 4,
            Self::Signal(signal) => signal.exit_code(),
        }
    }
}
