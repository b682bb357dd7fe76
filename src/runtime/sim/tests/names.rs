//! Who finds whom.

use std::future::poll_fn;

use super::*;
use crate::options::TransportOptions;
use crate::runtime::{AsyncStream, Connector, Listener, Runtime};

#[test]
fn connecting_takes_one_latency_and_needs_a_listener() {
    let sim = fixed(1);
    sim.block_on(async {
        let refused = raw_connect(SERVER).await.unwrap_err();
        assert_eq!((refused.kind(), elapsed()), (ErrorKind::ConnectionRefused, MS));
        let mut listener = raw_listen(SERVER).await.unwrap();
        assert_eq!(raw_listen(SERVER).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        let (client, server) = (raw_connect(SERVER).await.unwrap(), listener.accept().await.unwrap());
        assert_eq!((elapsed(), client.link()), (2 * MS, server.link()));
        assert_eq!(client.into_inner().peer_endpoint(), Some(endpoint(SERVER)));
        assert!(server.into_inner().peer_endpoint().is_some());
        drop(listener);
        assert_eq!(raw_connect(SERVER).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        raw_listen(SERVER).await.unwrap();
        assert_eq!(raw_connect("tcp://no port").await.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn free_ports_and_wildcards() {
    fixed(1).block_on(async {
        let first = raw_listen("tcp://*:0").await.unwrap();
        let second = raw_listen("tcp://*:0").await.unwrap();
        let port = first.local_endpoint().port().unwrap();
        assert_ne!(Some(port), second.local_endpoint().port());
        assert_eq!(first.local_endpoint(), &endpoint("tcp://0.0.0.0:0").with_port(port));
        raw_connect(first.local_endpoint()).await.unwrap();
        raw_connect(endpoint("tcp://any.host:0").with_port(port)).await.unwrap();
        let taken = raw_listen(endpoint("tcp://*:0").with_port(port)).await;
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
        raw_connect(endpoint("tcp://127.0.0.2:0;any.host:0").with_port(port)).await.unwrap();
        // An address of its own comes first.
        let mut own = raw_listen(endpoint("tcp://own:0").with_port(port)).await.unwrap();
        raw_connect(own.local_endpoint()).await.unwrap();
        own.accept().await.unwrap();
    });
}

#[test]
fn a_dropped_listener_resets_what_it_did_not_accept() {
    fixed(1).block_on(async {
        let listener = raw_listen(SERVER).await.unwrap();
        let mut client = raw_connect(SERVER).await.unwrap();
        drop(listener);
        assert_eq!(drain(&mut client).await, (vec![], Some(ErrorKind::ConnectionReset)));
    });
}

#[test]
fn a_full_backlog_makes_the_client_try_again() {
    let sim = fixed(1);
    sim.block_on(async {
        let options = TransportOptions { backlog: 1, ..TransportOptions::default() };
        let mut listener = SimRuntime::current().unwrap().bind(&endpoint(SERVER), &options).await.unwrap();
        let _first = raw_connect(SERVER).await.unwrap();
        let second = spawn(raw_connect(SERVER));
        sleep(Duration::from_millis(500)).await;
        assert!(!second.is_finished());
        poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(elapsed(), 2 * MS + Duration::from_secs(1));
    });
}

#[test]
fn accepts_fail_on_demand() {
    let sim = fixed(1);
    sim.block_on(async {
        let mut listener = raw_listen(SERVER).await.unwrap();
        sim.network().fail_accepts(SERVER, 2);
        let _client = raw_connect(SERVER).await.unwrap();
        assert!(listener.accept().await.is_err());
        assert!(listener.accept().await.is_err());
        listener.accept().await.unwrap();
    });
    assert!(panic_of(|| sim.network().fail_accepts("tcp://nobody:1", 1)).contains("nobody listens"));
}

#[test]
fn an_attempt_that_is_given_up_leaves_nothing() {
    let sim = fixed(1);
    sim.block_on(async {
        let mut listener = raw_listen(SERVER).await.unwrap();
        let runtime = SimRuntime::current().unwrap();
        drop(runtime.connect(&endpoint(SERVER), &TransportOptions::default()));
        let established = runtime.connect(&endpoint(SERVER), &TransportOptions::default());
        sleep(2 * MS).await;
        assert_eq!(sim.network().links().len(), 1);
        drop(established);
        let mut server = listener.accept().await.unwrap();
        assert_eq!(drain(&mut server).await, (vec![], None));
        let link = server.link();
        drop(server);
        assert!(sim.network().links().is_empty());
        assert!(sim.network().link(link).unwrap().closed);
    });
}

#[test]
fn rules_and_plans_for_connections() {
    let sim = fixed(1);
    let network = sim.network();
    sim.block_on(async {
        let _listener = raw_listen(SERVER).await.unwrap();
        network.refuse(SERVER);
        assert_eq!(raw_connect(SERVER).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        network.black_hole(SERVER);
        assert!(timeout(Duration::from_secs(600), raw_connect(SERVER)).await.is_err());
        network.allow(SERVER);
        raw_connect(SERVER).await.unwrap();

        network.on_next_connect_to("tcp://elsewhere:1", Plan::new().black_hole());
        network.on_next_connect(Plan::new().refuse());
        network.on_next_connect(Plan::new().with_latency(7 * MS..=7 * MS));
        raw_connect(SERVER).await.unwrap_err();
        let before = elapsed();
        raw_connect(SERVER).await.unwrap();
        assert_eq!(elapsed() - before, 7 * MS);
        raw_connect(SERVER).await.unwrap();
        network.on_every_connect(Plan::new().refuse());
        raw_connect(SERVER).await.unwrap_err();
        raw_connect(SERVER).await.unwrap_err();
    });
}

#[test]
fn a_name_with_addresses_leads_to_the_first_that_answers() {
    let sim = fixed(1);
    let network = sim.network();
    sim.block_on(async {
        let address = |text: &str| text.parse().unwrap();
        let addresses = ["10.0.0.1", "10.0.0.2", "::1"];
        network.set_addresses("server", addresses.map(address));
        let place =
            |at: usize| endpoint(&format!("tcp://{}:5555", [addresses[0], addresses[1], "[::1]"][at]));
        let _listeners = [raw_listen(place(1)).await.unwrap(), raw_listen(SERVER).await.unwrap()];
        let began = elapsed();
        let connected = raw_connect(SERVER).await.unwrap().into_inner();
        assert_eq!(connected.peer_endpoint(), Some(place(1)), "the place of that name is none of them");
        assert_eq!(elapsed() - began, 3 * MS, "the others refuse, IPv6 before the second of IPv4");
        network.black_hole(place(0));
        network.black_hole(place(2));
        let (began, links) = (elapsed(), network.links().len());
        raw_connect(SERVER).await.unwrap();
        assert_eq!((elapsed() - began, network.links().len()), (501 * MS, links + 1));
        network.set_addresses("server", []);
        assert_eq!(raw_connect(SERVER).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn the_names_of_unix_sockets_are_places_too() {
    use crate::endpoint::IpcEndpoint;
    fixed(1).block_on(async {
        let unnamed = Some(Endpoint::Ipc(IpcEndpoint::Unnamed));
        for text in ["ipc:///no/such/folder/x", "ipc://x", "ipc://@x", "ipc://*"] {
            let mut listener = raw_listen(text).await.unwrap();
            let local = listener.local_endpoint().clone();
            assert_ne!(local.to_string(), "ipc://*");
            assert_eq!(raw_listen(&local).await.unwrap_err().kind(), ErrorKind::AddrInUse);
            let (client, server) = (raw_connect(&local).await.unwrap(), listener.accept().await.unwrap());
            assert_eq!(client.into_inner().peer_endpoint(), Some(local.clone()));
            assert_eq!(server.into_inner().peer_endpoint(), unnamed);
            drop(listener);
            assert_eq!(raw_connect(&local).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
        let [first, second] = [raw_listen("ipc://*").await.unwrap(), raw_listen("ipc://*").await.unwrap()];
        assert_ne!(first.local_endpoint(), second.local_endpoint());
    });
}
