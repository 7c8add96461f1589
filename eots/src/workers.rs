//! Work on several threads, or on one where the system has no others.

use std::num::NonZeroUsize;

/// Returns the results of `work` on about equal parts of `items`, in order, each part on a thread of its own.
/// If the system refuses a thread, its part is done on this one.
#[cfg(feature = "threads")]
pub(crate) fn on_parts<T: Sync, R: Send>(
    threads: NonZeroUsize,
    items: &[T],
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let mut parts = items.chunks(items.len().div_ceil(threads.get()).max(1));
    // This thread works too.
    let Some(first) = parts.next() else { return Vec::new() };
    let work = &work;
    std::thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|part| (part, std::thread::Builder::new().spawn_scoped(scope, move || work(part)).ok()))
            .collect();
        let mut results = vec![work(first)];
        results.extend(others.into_iter().map(|(part, thread)| match thread {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => work(part),
        }));
        results
    })
}

/// Returns the result of `work` on all items, on this thread.
#[cfg(not(feature = "threads"))]
pub(crate) fn on_parts<T: Sync, R: Send>(
    _threads: NonZeroUsize,
    items: &[T],
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    vec![work(items)]
}
