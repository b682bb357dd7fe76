//! Cuts, stalls and silence.

use std::future::pending;
use std::pin::pin;

use super::*;

#[test]
fn a_cut_lets_exactly_its_bytes_through() {
    const TEXT: &[u8] = b"the quick brown fox";
    for cut in [Cut::Fin, Cut::Reset, Cut::Silence] {
        for at in 0..=TEXT.len() {
            let plan = Plan::new().with_write_chunk(1..=5).cut_after(Direction::ToServer, at as u64, cut);
            let sim = Sim::with_config(at as u64, SimConfig::new().with_links(plan));
            sim.block_on(async {
                let (mut client, mut server) = pair().await;
                spawn(async move {
                    let _ = client.write_all(TEXT).await;
                    pending::<()>().await;
                    drop(client);
                });
                let mut received = Vec::new();
                let end = timeout(Duration::from_secs(60), server.read_to_end(&mut received)).await;
                assert_eq!(received, &TEXT[..at], "{cut:?} at {at}");
                match cut {
                    Cut::Fin => assert!(matches!(end, Ok(Ok(())))),
                    Cut::Reset => {
                        assert_eq!(end.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
                    }
                    Cut::Silence => assert!(end.is_err()),
                }
                let state = sim.network().link(server.link()).unwrap();
                assert_eq!((state.to_server.delivered, state.cut), (at as u64, Some(cut)));
            });
        }
    }
}

#[test]
fn each_direction_is_the_reverse_of_the_other() {
    assert_eq!(Direction::ToServer.reverse(), Direction::ToClient);
    assert_eq!(Direction::ToClient.reverse(), Direction::ToServer);
}

#[test]
fn both_ends_feel_a_cut_and_what_is_under_way_is_lost() {
    for (cut, write_error) in [(Cut::Fin, ErrorKind::BrokenPipe), (Cut::Reset, ErrorKind::ConnectionReset)] {
        let sim = fixed(1);
        sim.block_on(async {
            let (mut client, mut server) = pair().await;
            server.write_all(b"arrived").await.unwrap();
            sleep(2 * MS).await;
            server.write_all(b"lost").await.unwrap();
            sim.network().cut(client.link(), cut);
            let error = (cut == Cut::Reset).then_some(ErrorKind::ConnectionReset);
            assert_eq!(drain(&mut client).await, (b"arrived".to_vec(), error));
            assert_eq!(drain(&mut server).await, (vec![], error));
            assert_eq!(client.write_all(b"x").await.unwrap_err().kind(), write_error);
            assert_eq!(server.write_all(b"x").await.unwrap_err().kind(), write_error);
        });
    }
}

#[test]
fn silence_swallows_until_the_capacity_is_full() {
    let sim = fixed(1);
    sim.network().on_next_connect(Plan::new().with_capacity(Direction::ToServer, 100));
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        let link = client.link();
        client.write_all(&[1; 30]).await.unwrap();
        sim.network().cut(link, Cut::Silence);
        client.write_all(&[1; 70]).await.unwrap();
        assert!(timeout(Duration::from_secs(924), client.write_all(b"x")).await.is_err());
        // The client's system gives up in the end.
        let error = timeout(Duration::from_secs(1), client.write_all(b"x")).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(client.read_some(&mut [0]).await.unwrap_err().kind(), ErrorKind::TimedOut);
        drop(client);
        let hour = timeout(Duration::from_secs(3600), server.read_some(&mut [0])).await;
        assert!(hour.is_err(), "not even the end arrives");
        // Nothing of the server's own is under way.
        sim.network().cut(link, Cut::Reset);
        assert_eq!(drain(&mut server).await.1, Some(ErrorKind::ConnectionReset));
    });
}

#[test]
fn cuts_on_a_live_link_count_from_its_beginning() {
    let sim = fixed(1);
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"12345").await.unwrap();
        sleep(2 * MS).await;
        sim.network().cut_after(client.link(), Direction::ToServer, 8, Cut::Fin);
        client.write_all(b"6789").await.unwrap();
        assert_eq!(drain(&mut server).await, (b"12345678".to_vec(), None));
        let (client, mut server) = pair().await;
        sim.network().cut_after(client.link(), Direction::ToServer, 0, Cut::Fin);
        assert_eq!(timeout(Duration::ZERO, drain(&mut server)).await, Ok((vec![], None)));
    });
}

#[test]
fn stalls_hold_back_and_let_go() {
    let sim = fixed(1);
    sim.network().on_next_connect(Plan::new().stall_after(Direction::ToServer, 4));
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        let (link, network) = (client.link(), sim.network());
        client.write_all(b"abcdefgh").await.unwrap();
        client.close().unwrap();
        server.read_exact(&mut [0; 4]).await.unwrap();
        let more = timeout(Duration::from_secs(60), server.read_some(&mut [0; 9])).await;
        assert!(more.is_err());
        server.write_all(b"other way").await.unwrap();
        client.read_exact(&mut [0; 9]).await.unwrap();
        network.stall_after(link, Direction::ToServer, 6);
        network.resume(link, Direction::ToServer);
        let start = elapsed();
        let mut buf = [0; 9];
        assert_eq!(server.read_some(&mut buf).await.unwrap(), 2, "late bytes come at once");
        assert_eq!(elapsed(), start);
        network.resume(link, Direction::ToServer);
        assert_eq!(drain(&mut server).await, (b"gh".to_vec(), None));
    });
}

#[test]
fn a_held_network_delivers_later() {
    let sim = fixed(1);
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        let _listener = raw_listen(SERVER).await.unwrap();
        sim.network().hold();
        client.write_all(b"x").await.unwrap();
        let mut dial = pin!(raw_connect(SERVER));
        assert!(timeout(Duration::from_secs(5), &mut dial).await.is_err());
        assert!(timeout(Duration::from_secs(5), server.read_some(&mut [0])).await.is_err());
        sim.network().release();
        assert!(timeout(Duration::ZERO, server.read_some(&mut [0])).await.is_ok());
        assert!(timeout(Duration::ZERO, dial).await.unwrap().is_ok());
    });
}

#[test]
fn what_is_lost_or_given_up_does_not_move_the_clock() {
    for (case, stopped) in [("cut", 1), ("closed", 1), ("given up", 3)] {
        let sim = fixed(1);
        sim.block_on(async {
            let (mut client, server) = pair().await;
            match case {
                "cut" => {
                    client.write_all(b"x").await.unwrap();
                    sim.network().cut(client.link(), Cut::Reset);
                }
                "closed" => drop((client, server)),
                _ => {
                    drop((client, server));
                    sim.network().on_next_connect(Plan::new().with_latency(9 * MS..=9 * MS));
                    drop(timeout(2 * MS, raw_connect(SERVER)).await);
                }
            }
        });
        let message = panic_of(|| sim.block_on(pending()));
        assert!(message.contains(&format!("deadlock after {stopped}ms")), "{case}: {message}");
    }
}
