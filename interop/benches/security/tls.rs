//! Our sockets over TLS 1.3, with certificates made on the spot.

use monocoque::prelude::*;
use monocoque::runtime::tls::Tls;
use monocoque::tokio::tls::{self, PullSocket, PushSocket};

use crate::certificates::{AUTHORITY, NAMES};
use crate::runtime::tokio as rt;

pub fn push_pull(size: usize, count: u64) -> f64 {
    let server = Tls::server(AUTHORITY.server(AUTHORITY.issue(&NAMES), false));
    let client = Tls::client(AUTHORITY.client(None));
    let bind = async move || {
        PullSocket::bind_on(&tls::host(server)?, "tcp://127.0.0.1:0", SocketOptions::default()).await
    };
    push_pull!(rt, size, count, bind(), async move |endpoint| {
        PushSocket::connect_on(&tls::host(client)?, endpoint, SocketOptions::default()).await
    })
}
