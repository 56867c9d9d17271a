//! Waiting for a state, with patience that ends and a word about it when it takes long.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::observer::Observer;
use super::signals::{self, Signal};

/// How long a state is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a, 'b> {
    /// The longest that is waited.
    pub(crate) limit: Duration,
    /// Hears what is waited for, once it has taken a second.
    pub(crate) observer: &'a RefCell<Box<dyn Observer + 'b>>,
    /// What a signal leaves that ends the waiting; `None` if it does not end it, since something is being taken back.
    pub(crate) interrupted: Option<Interrupted>,
}

/// Why waiting ended without what was waited for.
#[derive(Debug, Error)]
pub enum WaitError {
    /// Something that was waited for did not happen.
    #[error("waited {seconds} s for {what} in vain; give it longer with --timeout, or look at its log")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// A signal came.
    #[error(
        "interrupted by {signal}; {}",
        match left {
            Interrupted::TakenBack => "what was done is taken back",
            Interrupted::Leaving => "what is on its way out goes on, and the next run removes it",
            Interrupted::Told => "what s6 was told stands",
            Interrupted::Removing => "the next run removes what is left",
        }
    )]
    Interrupted {
        /// The signal.
        signal: Signal,
        /// What it leaves behind.
        left: Interrupted,
    },
}

impl WaitError {
    /// The signal that ended the waiting, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::Interrupted { signal, .. } => Some(*signal),
            Self::Timeout { .. } => None,
        }
    }
}

/// What a signal leaves behind that comes while something is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// Nothing: what was done is taken back.
    TakenBack,
    /// What is on its way out of the scandir goes on.
    Leaving,
    /// A service that has been told to change.
    Told,
    /// A part of what was to be removed.
    Removing,
}

impl Patience<'_, '_> {
    /// Fails if a signal has come that ends this run.
    pub(crate) fn heed(self) -> Result<(), WaitError> {
        match (self.interrupted, signals::seen()) {
            (Some(left), Some(signal)) => Err(WaitError::Interrupted { signal, left }),
            _ => Ok(()),
        }
    }

    /// Asks again and again until there is an answer; `None` where patience has run out.
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

    /// Asks again and again how many are left, until none is; whether it came to that. As long as some come, patience does not run out: it is for the
    /// time from one to the next, so it takes as long as it takes where there are many.
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
            // What happens at once is seen at once; what takes long is not asked for all the time.
            pause = pause.mul_f32(1.1).min(LONGEST);
        }
    }
}

/// What is known each time.
enum Answer<T> {
    Done(T),
    /// Something has happened that was waited for, but not all.
    Nearer,
    NotYet,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of asking how many are left, by somebody without any patience.
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
        // One that went again is no news.
        assert!(!asked(&[3, 2, 3]));
    }
}
