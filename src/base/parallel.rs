//! Does the same work for many things, on all cores.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How many things a thread takes at once, if each needs only a few system calls. Starting a thread takes longer than one such thing.
pub(crate) const SMALL: usize = 16;

/// The work of one thread: results, each run of them with its first index, and the error that ended the thread, with its index.
type Share<R, E> = (Vec<(usize, Vec<R>)>, Option<(usize, E)>);

/// Does `work` for each of the things, some of them at the same time, and returns the results in the order of the things. A thread takes
/// `at_once` things at once. There is at most one thread for every `2 * at_once` things. `tell` hears now and then how many are done, and
/// its error ends the work.
///
/// # Errors
/// The error of `tell`, or else the error of the first thing that failed, among those seen before all threads stopped.
pub(crate) fn each<T: Sync, R: Send, E: Send>(
    things: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
    mut tell: impl FnMut(usize) -> Result<(), E>,
) -> Result<Vec<R>, E> {
    let most = things.len() / (2 * at_once);
    // Asking for the number of cores reads several files, so it is asked only if there is enough work.
    let workers = if most < 2 { 1 } else { thread::available_parallelism().map_or(1, NonZero::get).min(most) };
    let (next, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let share = |tell: &mut dyn FnMut(usize) -> Result<(), E>| -> Share<R, E> {
        let mut results = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let first = next.fetch_add(at_once, Ordering::Relaxed);
            let Some(some) = things.get(first..things.len().min(first + at_once)).filter(|some| !some.is_empty())
            else {
                break;
            };
            let mut own = Vec::with_capacity(some.len());
            for (index, thing) in (first..).zip(some) {
                let told = tell(done.load(Ordering::Relaxed)).map_err(|error| (0, error));
                match told.and_then(|()| work(thing).map_err(|error| (index, error))) {
                    Ok(result) => own.push(result),
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        return (results, Some(error));
                    }
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            results.push((first, own));
        }
        (results, None)
    };
    let mut shares = thread::scope(|scope| {
        // If a thread cannot be started, the others do all the work.
        let start = |_| thread::Builder::new().spawn_scoped(scope, || share(&mut |_| Ok(()))).ok();
        let others: Vec<_> = (1..workers).filter_map(start).collect();
        let mut shares = vec![share(&mut tell)];
        shares.extend(others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))));
        shares
    });
    let failed = shares.iter_mut().filter_map(|(_, error)| error.take()).min_by_key(|(index, _)| *index);
    if let Some((_, error)) = failed {
        return Err(error);
    }
    let mut results: Vec<(usize, Vec<R>)> = shares.into_iter().flat_map(|(results, _)| results).collect();
    results.sort_unstable_by_key(|(first, _)| *first);
    Ok(results.into_iter().flat_map(|(_, own)| own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        for many in [0, 1, 15, 16, 17, 1000] {
            let things: Vec<usize> = (0..many).collect();
            let mut told = 0;
            let doubled = each(
                &things,
                SMALL,
                |thing| Ok::<_, ()>(2 * thing),
                |done| {
                    told = done;
                    Ok(())
                },
            );
            assert_eq!(doubled, Ok(things.iter().map(|thing| 2 * thing).collect()), "{many}");
            assert!(told <= many);
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let things: Vec<usize> = (0..1000).collect();
        let failed = each(&things, SMALL, |&thing| if thing < 20 { Ok(()) } else { Err(thing) }, |_| Ok(()));
        assert!(failed.is_err_and(|thing| thing < 100));
        assert_eq!(
            each(&things, SMALL, |_| Ok(()), |done| if done > 5 { Err("enough") } else { Ok(()) }),
            Err("enough")
        );
    }
}
