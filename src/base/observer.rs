//! Hears what a long run is doing, so that a program can tell a person.

/// Hears what a long run is doing. Each method does nothing unless told otherwise.
pub trait Observer {
    /// The run waits for this: `another gen-service that writes to services`. It is said once per wait.
    fn waiting(&mut self, what: &str) {
        let _ = what;
    }

    /// Something is odd, and stops nothing: a sentence.
    fn warning(&mut self, what: &str) {
        let _ = what;
    }

    /// So many of so many service directories are done.
    fn progress(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// Tells nobody.
impl Observer for () {}

impl<T: Observer + ?Sized> Observer for &mut T {
    fn waiting(&mut self, what: &str) {
        (**self).waiting(what);
    }

    fn warning(&mut self, what: &str) {
        (**self).warning(what);
    }

    fn progress(&mut self, done: usize, total: usize) {
        (**self).progress(done, total);
    }
}
