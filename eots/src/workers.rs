//! Work on several threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// `work` on about equal parts of `items`, each on a thread of its own as far as `threads` and the system
/// allow; the results in order.
pub(crate) fn on_parts<T: Sync, R: Send>(
    threads: NonZeroUsize,
    items: &[T],
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let parts: Vec<&[T]> = items.chunks(items.len().div_ceil(threads.get()).max(1)).collect();
    in_turns(threads, &parts, |part| work(part))
}

/// `work` on every item, the next one by whichever of at most `threads` threads is free; the results in
/// order. A thread that the system refuses is done without: its turns are taken by the others.
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
    thread::scope(|scope| {
        // This thread works too.
        let others = 1..threads.get().min(items.len());
        let others: Vec<_> =
            others.map_while(|_| thread::Builder::new().spawn_scoped(scope, turns).ok()).collect();
        let mut results = turns();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results.sort_unstable_by_key(|(turn, _)| *turn);
        results.into_iter().map(|(_, result)| result).collect()
    })
}
