//! For contestants without a runtime.

/// Runs a future whose calls block the thread instead of waiting.
pub fn block_on<F: Future>(future: F) -> F::Output {
    futures_executor::block_on(future)
}
