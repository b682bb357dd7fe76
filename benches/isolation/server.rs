//! Two sockets that answer, on one runtime.

use std::future::poll_fn;
use std::sync::mpsc::Sender;
use std::task::Poll;

use super::rt::{self, *};
use crate::attack::{Attack, CALLS, STALLED};

#[cfg(feature = "curve")]
#[path = "sealed.rs"]
pub mod sealed;

/// A loop that is fair to the others of its thread gives way after so many messages.
const TURN: usize = 64;

pub fn serve(attack: Attack, attacked: usize, announce: Sender<[Endpoint; 2]>) {
    rt::run(async {
        if attack.is_on_publishers() {
            let [first, second] = [xpub().await, xpub().await];
            let endpoints = [first.local_endpoint().unwrap(), second.local_endpoint().unwrap()];
            announce.send(endpoints).unwrap();
            rt::spawn(publish_back(second));
            publish_back(first).await;
        } else {
            let sockets = [router(attack).await, router(attack).await];
            announce.send([0, 1].map(|n| sockets[n].local_endpoint().unwrap())).unwrap();
            if attack == Attack::Calls {
                rt::spawn(calls_that_wait(sockets[attacked].clone()));
            }
            let [first, second] = sockets;
            rt::spawn(echo(second));
            echo(first).await;
        }
    });
}

async fn router(attack: Attack) -> RouterSocket {
    // Calls wait where they are told to.
    let on_full = (attack == Attack::Calls).then_some(OnFull::Wait);
    let options = SocketOptions::default().with_on_full(on_full);
    #[cfg(feature = "curve")]
    let options = if attack.is_sealed() { sealed::as_server(options) } else { options };
    RouterSocket::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap()
}

async fn xpub() -> XPubSocket {
    XPubSocket::bind("tcp://127.0.0.1:0").await.unwrap()
}

async fn echo(router: RouterSocket) {
    loop {
        for _ in 0..TURN {
            let message = router.recv().await.unwrap();
            router.send(message).await.unwrap();
        }
        give_way().await;
    }
}

/// Sends something on each topic that is subscribed to.
async fn publish_back(publisher: XPubSocket) {
    loop {
        for _ in 0..TURN {
            let mut told = publisher.recv().await.unwrap().pop_front().unwrap().into_bytes();
            if told.first() == Some(&1) {
                publisher.send(told.split_off(1)).await.unwrap();
            }
        }
        give_way().await;
    }
}

async fn calls_that_wait(router: RouterSocket) {
    router.wait_for_peers(2).await.unwrap();
    for _ in 0..CALLS {
        let router = router.clone();
        rt::spawn(async move { while router.send_to(STALLED, vec![0; 100_000]).await.is_ok() {} });
    }
}

async fn give_way() {
    let mut gave_way = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
