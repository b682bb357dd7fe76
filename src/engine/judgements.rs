//! Asking the authenticator: its futures, polled by whoever drives the socket, and never under the lock. And what
//! handshakes have to compute with keys, which is done there too.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::authentication::Questions;
use super::ready::{PeerSignal, ReadyQueue};
use super::shared::Shared;
use crate::foreign::{quietly, unless_it_panics};
use crate::monitor::PeerId;
use crate::protocol::KeyWork;
use crate::runtime::{AsyncStream, JudgementOf, Sharing, asked};
use crate::security::{AnyAuthenticator, Claim, Verdict};

/// Futures that one turn polls, so that many that are woken at once let others have their turn.
const POLLS_PER_TURN: usize = 64;

/// The peers that the authenticator is being asked about.
///
/// Each future has a waker of its own, so that those that hang cost nothing while others go on. There are never more
/// than peers in the handshake: of one that is gone its future is dropped before another begins.
pub(crate) struct Judgements<K: Sharing> {
    under_way: HashMap<PeerId, Judgement<K>>,
    /// Those that were woken.
    woken: Arc<ReadyQueue>,
    /// In the order in which they came up.
    works: VecDeque<(PeerId, KeyWork)>,
    /// The last poll did one.
    pub(super) worked: bool,
}

struct Judgement<K: Sharing> {
    verdict: JudgementOf<K>,
    signal: Arc<PeerSignal>,
    waker: Waker,
}

impl<K: Sharing> Default for Judgements<K> {
    fn default() -> Self {
        Self { under_way: HashMap::new(), woken: Arc::default(), works: VecDeque::new(), worked: false }
    }
}

impl<K: Sharing> Judgements<K> {
    /// Makes `waker` the one that the futures wake.
    pub(crate) fn register(&self, waker: Option<Waker>) {
        drop(self.woken.set_companion(waker));
    }

    /// Begins to ask, and ceases to where there is nobody left to ask about.
    pub(crate) fn ask<S: AsyncStream<Sharing = K>>(&mut self, questions: Questions, shared: &Shared<S>) {
        for id in questions.over {
            self.end(id);
        }
        self.works.extend(questions.works);
        let Some(authenticator) = questions.authenticator else { return };
        for (id, claim) in questions.claims {
            match begin::<K>(&authenticator, claim) {
                Ok(verdict) => self.wait_for(id, verdict),
                Err(verdict) => shared.with(|core| core.answered(id, Err(verdict))),
            }
        }
    }

    fn wait_for(&mut self, id: PeerId, verdict: JudgementOf<K>) {
        let signal = PeerSignal::new(id, &self.woken);
        let waker = Waker::from(Arc::clone(&signal));
        waker.wake_by_ref();
        self.under_way.insert(id, Judgement { verdict, signal, waker });
    }

    /// Polls those that were woken and passes on what they say, and does one work, which takes as long as hundreds of
    /// messages; true if there was anything to do.
    pub(crate) fn poll<S: AsyncStream<Sharing = K>>(&mut self, shared: &Shared<S>) -> bool {
        let work = self.works.pop_front();
        self.worked = work.is_some();
        if let Some((id, work)) = work {
            let done = work.run();
            shared.with(|core| core.answered(id, Ok(done)));
        }
        for polled in 0..POLLS_PER_TURN {
            let Some(id) = self.woken.pop() else { return self.worked || polled > 0 };
            let verdict = self.under_way.get_mut(&id).map(Judgement::poll);
            if let Some(Poll::Ready(verdict)) = verdict {
                self.end(id);
                shared.with(|core| core.answered(id, Err(verdict)));
            }
        }
        true
    }

    /// Drops a future, whatever it does then.
    fn end(&mut self, id: PeerId) {
        self.works.retain(|(peer, _)| *peer != id);
        let judgement = self.under_way.remove(&id);
        quietly(|| drop(judgement));
    }
}

impl<K: Sharing> Judgement<K> {
    fn poll(&mut self) -> Poll<Verdict> {
        self.signal.taken();
        let mut cx = Context::from_waker(&self.waker);
        foreign(|| Pin::new(&mut self.verdict).poll(&mut cx)).unwrap_or_else(Poll::Ready)
    }
}

impl<K: Sharing> Drop for Judgements<K> {
    fn drop(&mut self) {
        self.register(None);
        for (_, judgement) in self.under_way.drain() {
            quietly(|| drop(judgement));
        }
    }
}

fn begin<K: Sharing>(authenticator: &AnyAuthenticator, claim: Claim) -> Result<JudgementOf<K>, Verdict> {
    let verdict = foreign(|| asked::<K>(authenticator, claim))?;
    verdict.ok_or_else(|| Verdict::broken("it cannot be asked on this runtime"))
}

/// Runs what is the authenticator's. If it panics the peer is refused.
///
/// It is asserted to be safe to go on then: a future that has panicked is dropped and never polled again, nothing of
/// the socket is lent to it, and what the authenticator shares between its own futures is as it has left it.
fn foreign<T>(run: impl FnOnce() -> T) -> Result<T, Verdict> {
    unless_it_panics(run).ok_or_else(|| Verdict::broken("it panicked"))
}
