//! Connections inside of the process, in virtual time: none of what takes time on a wire happens.

use super::support::*;

/// Names are those of the whole process: each test has one of its own.
fn name(test: &str) -> String {
    format!("inproc://sim/{test}")
}

#[test]
fn connecting_and_coming_back_take_no_time() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let name = name("back");
        let push = Push::connect_with_reconnect(&name).await.unwrap();
        let mut monitor = push.monitor();
        for n in 0..5_u8 {
            let pull = Pull::bind(&name).await.unwrap();
            push.send([n]).await.unwrap();
            assert_eq!(pull.recv().await.unwrap()[0], [n]);
            pull.close().await;
            assert!(matches!(disconnection(&mut monitor).await, DisconnectReason::EndOfStream));
        }
        assert_eq!(push.stats().reconnects, 4);
    });
    assert_eq!(sim.elapsed(), ms(0));
}

#[test]
fn a_dial_waits_for_its_name_for_as_long_as_it_takes() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let name = name("late");
        let push = Push::connect_with_reconnect(&name).await.unwrap();
        let mut monitor = push.monitor();
        push.send("x").await.unwrap();
        sim::sleep(secs(100_000)).await;
        let pull = Pull::bind(&name).await.unwrap();
        assert_eq!(pull.recv().await.unwrap()[0], "x");
        assert!(matches!(monitor.next().await, Some(SocketEvent::ConnectStarted { .. })));
        assert!(matches!(monitor.next().await, Some(SocketEvent::Connected { .. })), "one attempt");
    });
}

#[test]
fn connect_waits_for_its_name_for_connect_timeout() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = SocketOptions::default().with_connect_timeout(secs(7));
        let error = Push::connect_with_options(name("never"), options).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(TimeoutKind::Connect)));
    });
    assert_eq!(sim.elapsed(), secs(7));
}

/// What waits for room within the process when the socket is closed leaves as it is made, and then the socket ends.
#[test]
fn closing_goes_on_when_the_last_message_has_found_room() {
    for policy in [FlushPolicy::Adaptive, FlushPolicy::Eager, FlushPolicy::Manual] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let name = name("closing");
            let queue = WhileDisconnected::QueueUpTo { messages: 10, bytes: 1 << 20, max_age: None };
            let options = SocketOptions::default()
                .with_send_hwm(1)
                .with_flush_policy(policy)
                .with_while_disconnected(queue)
                .with_unlimited_linger();
            let push = Push::connect_with_reconnect_and_options(&name, options).await.unwrap();
            for n in 0..5_u8 {
                push.send_buffered([n]).unwrap();
            }
            let pull =
                Pull::bind_with_options(&name, SocketOptions::default().with_recv_hwm(1)).await.unwrap();
            let closing = sim::spawn(async move { push.close().await });
            sim::sleep(ms(1)).await;
            for n in 0..5_u8 {
                assert_eq!(pull.recv().await.unwrap()[0], [n]);
                sim::sleep(ms(1)).await;
            }
            assert_eq!(sim::timeout(secs(1), closing).await.unwrap().unwrap(), 0, "{policy:?}");
        });
    }
}

/// No heartbeat, no frame and no handshake can be late.
#[test]
fn an_idle_connection_lasts() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let name = name("idle");
        let pull = Pull::bind_with_options(&name, quick()).await.unwrap();
        let push = Push::connect_with_options(&name, quick()).await.unwrap();
        push.send("kept").await.unwrap();
        sim::sleep(secs(100_000)).await;
        assert_eq!((push.stats().connects, push.peers().len()), (1, 1));
        assert_eq!(pull.recv().await.unwrap()[0], "kept");
    });
}

/// What waits for a name to be bound is sent if that happens within linger, and counted if not.
#[test]
fn a_closing_socket_waits_for_its_name_for_linger() {
    for bound in [true, false] {
        let sim = Sim::new(1);
        sim.block_on(async {
            let name = name("linger");
            let options = SocketOptions::default().with_linger(secs(3));
            let push = Push::connect_with_reconnect_and_options(&name, options).await.unwrap();
            push.send("x").await.unwrap();
            let bind = async {
                sim::sleep(secs(2)).await;
                if !bound {
                    return;
                }
                let pull = Pull::bind(&name).await.unwrap();
                assert_eq!(pull.recv().await.unwrap()[0], "x");
            };
            let (unsent, ()) = futures_util::future::join(push.close(), bind).await;
            assert_eq!(unsent, u64::from(!bound));
        });
        assert_eq!(sim.elapsed(), secs(if bound { 2 } else { 3 }));
    }
}
