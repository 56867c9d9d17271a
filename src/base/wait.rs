//! Waits for a state, with a limit, and tells the observer if the wait is long.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::observer::Observer;
use super::signals::{self, Signal};

/// How long to wait for a state.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a, 'b> {
    /// The longest wait.
    pub(crate) limit: Duration,
    /// Hears what the run waits for, once that has taken a second.
    pub(crate) observer: &'a RefCell<Box<dyn Observer + 'b>>,
    /// What a signal leaves behind if it ends the wait. `None` if a signal does not end the wait, because something is being taken back.
    pub(crate) interrupted: Option<Interrupted>,
}

/// Why a wait ended without the state.
#[derive(Debug, Error)]
pub enum WaitError {
    /// The state did not come in time.
    #[error("waited {seconds} s for {what} in vain; give it longer with --timeout, or look at its log")]
    Timeout {
        /// What the run waited for.
        what: String,
        /// How long it waited, in seconds.
        seconds: u64,
    },
    /// A signal came.
    #[error(
        "interrupted by {signal}; {}",
        match left {
            Interrupted::TakenBack => "the changes are taken back",
            Interrupted::Leaving => "services that are leaving go on leaving, and the next run removes them",
            Interrupted::Told => "s6 carries out what it was told",
            Interrupted::Removing => "the next run removes the rest",
        }
    )]
    Interrupted {
        /// The signal.
        signal: Signal,
        /// What the signal leaves behind.
        left: Interrupted,
    },
}

impl WaitError {
    /// The signal that ended the wait, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::Interrupted { signal, .. } => Some(*signal),
            Self::Timeout { .. } => None,
        }
    }
}

/// What a signal leaves behind if it comes during a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// Nothing: the changes are taken back.
    TakenBack,
    /// Services that are leaving the scandir, and go on leaving.
    Leaving,
    /// A service that was told to change.
    Told,
    /// A part of what the run was removing.
    Removing,
}

impl Patience<'_, '_> {
    /// Fails if a signal came that ends this run.
    pub(crate) fn heed(self) -> Result<(), WaitError> {
        match (self.interrupted, signals::seen()) {
            (Some(left), Some(signal)) => Err(WaitError::Interrupted { signal, left }),
            _ => Ok(()),
        }
    }

    /// Asks again and again until there is an answer. Returns `None` if the limit passes first.
    ///
    /// # Errors
    /// If the question fails, or a signal comes.
    pub(crate) fn until<T, E: From<WaitError>>(
        self,
        what: &str,
        mut ask: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        self.ask_until(what, || Ok(ask()?.map_or(Answer::NotYet, Answer::Done)))
    }

    /// Asks again and again how many are left, until none is. Returns whether none is left. The limit is for the time from one to the next,
    /// not for all, so many of them may take long in total.
    ///
    /// # Errors
    /// If the question fails, or a signal comes.
    pub(crate) fn until_none<E: From<WaitError>>(
        self,
        what: &str,
        mut left: impl FnMut() -> Result<usize, E>,
    ) -> Result<bool, E> {
        let mut fewest = usize::MAX;
        let ask = || {
            let left = left()?;
            let are_fewer = left < fewest;
            fewest = fewest.min(left);
            Ok(if left == 0 {
                Answer::Done(())
            } else if are_fewer {
                Answer::Nearer
            } else {
                Answer::NotYet
            })
        };
        self.ask_until(what, ask).map(|done| done.is_some())
    }

    fn ask_until<T, E: From<WaitError>>(
        self,
        what: &str,
        mut ask: impl FnMut() -> Result<Answer<T>, E>,
    ) -> Result<Option<T>, E> {
        const SAY_AFTER: Duration = Duration::from_secs(1);
        const SHORTEST: Duration = Duration::from_micros(200);
        const LONGEST: Duration = Duration::from_millis(20);
        let began = Instant::now();
        let mut nearer = began;
        let mut pause = SHORTEST;
        let mut said = false;
        loop {
            let is_nearer = match ask()? {
                Answer::Done(answer) => return Ok(Some(answer)),
                Answer::Nearer => true,
                Answer::NotYet => false,
            };
            self.heed()?;
            if is_nearer {
                nearer = Instant::now();
            } else if nearer.elapsed() >= self.limit {
                return Ok(None);
            }
            if began.elapsed() >= SAY_AFTER && !said {
                self.observer.borrow_mut().waiting(what);
                said = true;
            }
            std::thread::sleep(pause);
            // Something that happens at once is seen at once. Something slow is not asked for all the time.
            pause = pause.mul_f32(1.1).min(LONGEST);
        }
    }
}

/// What one question found.
enum Answer<T> {
    Done(T),
    /// One more of the awaited things has happened, but not all.
    Nearer,
    NotYet,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks how many are left, with a limit of zero. The answers are `left`.
    fn asked(left: &[usize]) -> bool {
        let observer: RefCell<Box<dyn Observer>> = RefCell::new(Box::new(()));
        let patience = Patience { limit: Duration::ZERO, observer: &observer, interrupted: None };
        let mut left = left.iter().copied();
        patience.until_none("them", || Ok::<_, WaitError>(left.next().unwrap())).unwrap()
    }

    #[test]
    fn as_long_as_some_come_the_others_are_waited_for() {
        assert!(asked(&[3, 2, 1, 0]));
        assert!(!asked(&[3, 2, 2]));
        // One that went before is no progress.
        assert!(!asked(&[3, 2, 3]));
    }
}
