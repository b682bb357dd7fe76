//! A proxy between sockets that nobody flushes but the proxy itself.

use std::pin::pin;

use futures_util::future::{Either, join, select};
use monocoque::prelude::*;
use monocoque::runtime::FuturesIo;
use monocoque::socket;

use crate::pipe::{self, End};

type Dealer = socket::DealerSocket<FuturesIo<End>>;
type Router = socket::RouterSocket<FuturesIo<End>>;

async fn pair() -> (Dealer, Router) {
    let (ours, theirs) = pipe::pair(1000);
    let (dealer, router) = join(Dealer::from_stream(ours), Router::from_stream(theirs)).await;
    (dealer.unwrap(), router.unwrap())
}

#[test]
fn a_proxy_flushes_what_it_forwards() {
    pipe::run(async {
        let ((client, frontend), (backend, worker)) = join(pair(), pair()).await;
        let requests = async {
            for n in 0..200_u32 {
                client.send([&n.to_be_bytes()[..], &[0; 3000]]).await.unwrap();
                let (identity, request) = worker.recv_from().await.unwrap();
                worker.send_to(identity, request).await.unwrap();
                assert_eq!(client.recv().await.unwrap()[0], n.to_be_bytes());
            }
        };
        let Either::Left(((), _)) = select(pin!(requests), pin!(proxy(&frontend, &backend))).await else {
            panic!("the proxy ended");
        };
        drop(worker);
        assert!(matches!(proxy(&frontend, &backend).await, Err(Error::NotConnected)));
    });
}
