//! Profiles that come and go while the container runs.
//!
//! The service user may make and remove them as often as it likes, even a thousand times in a second. So each look is a complete one, with the code
//! of a boot. Everything that happened in the meantime only causes the next look, and after a look there is a pause as long as that look took.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::error::BootError;
use super::orphans::remove;
use super::outcome::{Orphan, Reconciled};
use super::reconcile::Reconcile;
use crate::base::interrupted;
use crate::manager::S6Manager;
use crate::spec::ProfileName;
use crate::volume::Eyes;

/// How long a quiet volume is left alone.
const MINUTE: Duration = Duration::from_secs(60);

/// How long the volume is looked at more often after an event. Hermes makes a profile in steps.
const STIR: Duration = Duration::from_secs(10);

/// The pause between these looks.
const OFTEN: Duration = Duration::from_millis(100);

/// The longest pause after a slow look.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a run that follows the profiles needs for each look.
pub(crate) trait Looks: Sync {
    /// The run that a boot would do now.
    ///
    /// # Errors
    /// If the volume does not exist.
    fn reconcile(&self) -> Result<Reconcile, BootError>;

    /// A manager of the scandir.
    ///
    /// # Errors
    /// If the scandir does not exist.
    fn manager(&self) -> Result<S6Manager<'static>, BootError>;
}

/// Gateways that nobody needed, and that were taken out.
struct Gone {
    asked: Vec<ProfileName>,
    /// What happened to those that were still not needed.
    done: Reconciled,
}

/// Follows the profiles until a signal comes, and reports each look.
///
/// # Errors
/// If there is no scandir. Every other failure is reported, and tried again after a minute.
pub(crate) fn follow(looks: &impl Looks, tell: &mut dyn FnMut(&Reconciled)) -> Result<(), BootError> {
    let (orphans, to_remove) = channel();
    let (removed, results) = channel();
    let manager = looks.manager()?;
    std::thread::scope(|scope| {
        // The thread ends when the other end of its channel is dropped.
        scope.spawn(move || remover(looks, &to_remove, &removed));
        let mut follower =
            Follower { looks, manager, orphans, results, seen: None, last: None, leaving: BTreeSet::new() };
        let mut stirred = Instant::now();
        while !interrupted() {
            let began = Instant::now();
            let before = follower.leaving.len();
            let (eyes, done) = follower.look();
            tell(&done);
            let pause = began.elapsed().min(LONGEST_PAUSE);
            if follower.leaving.len() < before {
                // A gateway that was taken out may be needed again.
                stirred = Instant::now();
            }
            let is_stirred = stirred.elapsed() < STIR || !follower.leaving.is_empty();
            if eyes.wait(if is_stirred { pause.max(OFTEN) } else { MINUTE }) {
                stirred = Instant::now();
            }
            std::thread::sleep((began + 2 * pause).saturating_duration_since(Instant::now()));
        }
    });
    Ok(())
}

struct Follower<'a, L> {
    looks: &'a L,
    manager: S6Manager<'static>,
    orphans: Sender<Vec<Orphan>>,
    results: Receiver<Gone>,
    /// The profiles at the last look.
    seen: Option<BTreeSet<ProfileName>>,
    /// When everything was last looked at.
    last: Option<Instant>,
    /// The gateways that the other thread takes out.
    leaving: BTreeSet<ProfileName>,
}

impl<L: Looks> Follower<'_, L> {
    /// Looks at the profiles, and reconciles if they changed. The eyes have been open since before the look.
    fn look(&mut self) -> (Eyes, Reconciled) {
        let mut done = Reconciled::default();
        let eyes = match self.looks.reconcile() {
            Ok(reconcile) => {
                let eyes = Eyes::open(&reconcile.volume);
                self.reconcile(&reconcile, &mut done);
                eyes
            }
            Err(error) => {
                done.warnings.push(error.to_string());
                Eyes::closed()
            }
        };
        for gone in self.results.try_iter() {
            self.leaving.retain(|profile| !gone.asked.contains(profile));
            done.profiles.extend(gone.done.profiles);
            done.broken.extend(gone.done.broken);
            done.warnings.extend(gone.done.warnings);
            // The profile may exist again.
            self.seen = None;
        }
        (eyes, done)
    }

    fn reconcile(&mut self, reconcile: &Reconcile, done: &mut Reconciled) {
        let there = reconcile.volume.names();
        if self.last.is_some_and(|last| last.elapsed() < MINUTE) && self.seen.as_ref() == Some(&there) {
            return;
        }
        self.last = Some(Instant::now());
        self.seen = Some(there);
        match reconcile.run(&self.manager) {
            Ok(made) => *done = made,
            Err(error) => done.warnings.push(error.to_string()),
        }
        let orphans = std::mem::take(&mut done.orphans).into_iter();
        let gone: Vec<Orphan> = orphans.filter(|orphan| self.leaving.insert(orphan.profile.clone())).collect();
        if !gone.is_empty() {
            // The other thread lives as long as this one.
            let _ = self.orphans.send(gone);
        }
    }
}

/// Takes out the gateways that it gets, many at a time. So one that ends slowly does not delay a new one.
fn remover(looks: &impl Looks, orphans: &Receiver<Vec<Orphan>>, removed: &Sender<Gone>) {
    for orphans in orphans {
        let asked = orphans.iter().map(|orphan| orphan.profile.clone()).collect();
        let mut done = Reconciled::default();
        let take = || -> Result<(), BootError> {
            remove(&looks.manager()?, &looks.reconcile()?.volume, orphans, &mut done);
            Ok(())
        };
        if let Err(error) = take() {
            done.warnings.push(error.to_string());
        }
        if removed.send(Gone { asked, done }).is_err() {
            return;
        }
    }
}
