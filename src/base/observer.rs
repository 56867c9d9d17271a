//! Hears what a long run is doing, so that a program can tell a person.

/// Hears what a long run is doing. Each method does nothing by default.
pub trait Observer {
    /// The run waits for `what`, such as `another gen-service that writes to services`. Called once per wait.
    fn waiting(&mut self, what: &str) {
        let _ = what;
    }

    /// Something is odd, but the run goes on. `what` is a sentence.
    fn warning(&mut self, what: &str) {
        let _ = what;
    }

    /// `done` of `total` service directories are done.
    fn progress(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

/// Ignores everything.
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
