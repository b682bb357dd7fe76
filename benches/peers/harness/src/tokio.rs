//! The two flavours of tokio.

use tokio::runtime::Builder;

/// Runs a side in the calling thread.
pub fn current_thread<F: Future>(side: F) -> F::Output {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(side)
}

/// Runs a side as a task like any other, on two threads.
pub fn threads<F: Future<Output: Send + 'static> + Send + 'static>(side: F) -> F::Output {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(runtime.spawn(side)).expect("a side that does not panic")
}
