//! Waiting for a state, with patience that ends and a word about it when it takes long.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::observer::Observer;

/// How long a state is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a, 'b> {
    /// The longest that is waited.
    pub(crate) limit: Duration,
    /// Hears what is waited for, once it has taken a second.
    pub(crate) observer: &'a RefCell<Box<dyn Observer + 'b>>,
}

impl Patience<'_, '_> {
    /// Asks again and again until there is an answer; `None` where patience has run out.
    ///
    /// # Errors
    /// Where the question fails.
    pub(crate) fn until<T, E>(self, what: &str, mut ask: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
        const SAY_AFTER: Duration = Duration::from_secs(1);
        const SHORTEST: Duration = Duration::from_micros(200);
        const LONGEST: Duration = Duration::from_millis(20);
        let began = Instant::now();
        let mut pause = SHORTEST;
        let mut said = false;
        loop {
            if let Some(answer) = ask()? {
                return Ok(Some(answer));
            }
            let waited = began.elapsed();
            if waited >= self.limit {
                return Ok(None);
            }
            if waited >= SAY_AFTER && !said {
                self.observer.borrow_mut().waiting(what);
                said = true;
            }
            std::thread::sleep(pause);
            // What happens at once is seen at once; what takes long is not asked for all the time.
            pause = pause.mul_f32(1.1).min(LONGEST);
        }
    }
}
