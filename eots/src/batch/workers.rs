//! Work on several threads.

use core::num::NonZeroUsize;
use std::thread;

/// `work` on about equal parts of `items`, each on a thread of its own as far as `threads` and the system allow; the results in order.
pub(crate) fn on_parts<T: Sync, R: Send>(
    threads: NonZeroUsize,
    items: &[T],
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let size = items.len().div_ceil(threads.get()).max(1);
    let mut parts = items.chunks(size);
    let Some(first) = parts.next() else { return Vec::new() };
    let work = &work;
    thread::scope(|scope| {
        // A thread that the system refuses is done without: its part is worked on here, when its turn comes.
        let others: Vec<_> = parts
            .map(|part| thread::Builder::new().spawn_scoped(scope, move || work(part)).map_err(|_| part))
            .collect();
        let mut results = vec![work(first)];
        results.extend(others.into_iter().map(|other| match other {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(part) => work(part),
        }));
        results
    })
}
