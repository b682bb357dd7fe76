//! What is special about `tcp://`: where a connection comes from.

use super::rt::{self, *};
use monocoque::endpoint::EndpointError;

/// libzmq's test_bind_src_address; on Linux all of 127.0.0.0/8 is local.
#[cfg(target_os = "linux")]
#[test]
fn bind_src_address() {
    rt::run(async {
        let router = RouterSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let port = router.local_endpoint().unwrap().port().unwrap();
        for source in ["127.0.0.2:0", "127.0.0.2", "127.0.0.3:*"] {
            let endpoint = format!("tcp://{source};127.0.0.1:{port}");
            let dealer = DealerSocket::connect(&endpoint).await.unwrap();
            dealer.send("x").await.unwrap();
            router.recv().await.unwrap();
            let peer = router.stats().peers.remove(0).address.unwrap().to_string();
            assert!(peer.starts_with(&format!("tcp://{}:", &source[..9])), "{peer}");
            // It is known by its whole name.
            assert!(dealer.disconnect(format!("tcp://127.0.0.1:{port}")).is_err());
            dealer.disconnect(endpoint).unwrap();
            while router.is_connected() {
                rt::yield_now().await;
            }
        }
        let refused = RouterSocket::bind("tcp://127.0.0.2:0;127.0.0.1:0").await.unwrap_err();
        assert!(matches!(refused, Error::Endpoint(EndpointError::NotBindable(_))), "{refused}");
    });
}
