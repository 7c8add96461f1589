//! Work on several threads, or on one where the system has no others.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Returns the results of `work` on every item, in order. The next item is taken by whichever of at most
/// `threads` threads is free. If the system refuses a thread, the others take its items.
pub(crate) fn in_turns<T: Sync, R: Send>(
    threads: NonZeroUsize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let turns = || {
        let mut done = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(turn) else { return done };
            done.push((turn, work(item)));
        }
    };
    let mut results = on_threads(threads.get().min(items.len()), &turns);
    results.sort_unstable_by_key(|(turn, _)| *turn);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Returns what `work` returns on each of at most `threads` threads, this one among them.
#[cfg(feature = "threads")]
fn on_threads<R: Send>(threads: usize, work: &(impl Fn() -> Vec<R> + Sync)) -> Vec<R> {
    std::thread::scope(|scope| {
        let others: Vec<_> =
            (1..threads).map_while(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut results = work();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}

/// Returns what `work` returns on this thread.
#[cfg(not(feature = "threads"))]
fn on_threads<R: Send>(_threads: usize, work: &(impl Fn() -> Vec<R> + Sync)) -> Vec<R> {
    work()
}
