//! What a SOCKS proxy answers, as a function that any fuzzer can drive; it needs the feature `tokio`, and sockets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use monocoque::SocketOptions;
use monocoque::tokio::DealerSocket;

/// A proxy that answers with these bytes, whatever it is asked, and hangs up. The first byte says whether we have a
/// name and a password for it.
pub fn socks(data: &[u8]) {
    let (with_credentials, answer) =
        data.split_first().map_or((false, data), |(first, rest)| (first % 2 == 1, rest));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let answer = answer.to_vec();
    let proxy = std::thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        client.write_all(&answer)?;
        client.shutdown(std::net::Shutdown::Write)?;
        client.read_to_end(&mut Vec::new())
    });
    let options =
        SocketOptions::default().with_socks_proxy(address).with_connect_timeout(Duration::from_secs(60));
    let options = if with_credentials { options.with_socks_credentials("user", "word") } else { options };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connected = runtime.block_on(DealerSocket::connect_with_options("tcp://1.2.3.4:5", options));
    drop(connected);
    drop(runtime);
    // How the connection ends for the proxy is of no interest.
    let _ = proxy.join().expect("the proxy does not panic");
}
