//! What is special about `tcp://`: where a connection comes from.

use super::rt::{self, *};
use monocoque::endpoint::EndpointError;
use monocoque::options::Keepalive;

/// A host that is gone is found by the system, whoever connected the stream.
#[test]
fn given_streams_are_probed_too() {
    rt::run(async {
        let pull = PullSocket::bind("tcp://127.0.0.1:0").await.unwrap();
        let port = pull.local_endpoint().unwrap().port().unwrap();
        for (keepalive, expected) in
            [(Some(Keepalive::new()), true), (Some(Keepalive::off()), false), (None, false)]
        {
            let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            let same = stream.try_clone().unwrap();
            let options = SocketOptions::default().with_tcp_keepalive(keepalive);
            let _push = PushSocket::from_tcp_with_options(rt::tcp_from_std(stream), options).await.unwrap();
            assert_eq!(socket2::SockRef::from(&same).keepalive().unwrap(), expected);
        }
    });
}

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
