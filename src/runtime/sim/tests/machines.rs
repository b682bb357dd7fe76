//! Hosts that crash and are parted.

use std::pin::pin;

use super::*;

/// Accepts once, and then again, and keeps what it accepts.
async fn keeps() {
    let mut listener = raw_listen(SERVER).await.unwrap();
    let mut kept = Vec::new();
    while let Ok(stream) = listener.accept().await {
        kept.push(stream);
    }
}

#[test]
fn a_crash_ends_what_the_host_does() {
    for (cut, end) in [
        (Cut::Fin, Some((Vec::new(), None))),
        (Cut::Reset, Some((Vec::new(), Some(ErrorKind::ConnectionReset)))),
        (Cut::Silence, None),
    ] {
        let sim = fixed(1);
        sim.block_on(async {
            let inside = spawn_on("server", async { spawn(keeps()).await });
            let mut client = raw_connect(SERVER).await.unwrap();
            assert_eq!(sim.network().links()[0].hosts, ["localhost".into(), "server".into()]);
            crash("server", cut);
            assert_eq!(sim.tasks(), 0, "with those that its tasks have spawned");
            assert!(inside.await.unwrap_err().is_cancelled());
            let heard = timeout(Duration::from_secs(60), drain(&mut client)).await.ok();
            assert_eq!(heard, end, "{cut:?}");
            assert!(raw_connect(SERVER).await.is_err(), "nobody listens");
            // It comes back.
            spawn_on("server", keeps());
            sleep(MS).await;
            raw_connect(SERVER).await.unwrap();
        });
    }
}

#[test]
fn a_task_that_crashes_its_own_host_does_not_go_on() {
    let sim = fixed(1);
    sim.block_on(async {
        let task = spawn_on("server", async {
            crash("server", Cut::Reset);
            sleep(MS).await;
            unreachable!("it is down");
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_crash_leaves_others_alone() {
    let sim = fixed(1);
    sim.block_on(async {
        let (mut client, mut server) = pair().await;
        spawn_on("other", keeps());
        sleep(MS).await;
        crash("other", Cut::Silence);
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_some(&mut [0]).await.unwrap(), 1);
    });
}

#[test]
fn nothing_passes_between_parted_hosts() {
    let sim = fixed(1);
    sim.block_on(async {
        let network = sim.network();
        let mut listener = raw_listen("tcp://b:1").await.unwrap();
        let mut client = on("a", raw_connect("tcp://b:1")).await.unwrap();
        let mut server = listener.accept().await.unwrap();
        network.partition("b", "a");
        client.write_all(b"x").await.unwrap();
        let mut dial = pin!(on("a", raw_connect("tcp://b:1")));
        assert!(timeout(Duration::from_secs(5), &mut dial).await.is_err());
        assert!(timeout(Duration::from_secs(5), server.read_some(&mut [0])).await.is_err());
        // Others are not concerned, and one pair's end is not the other's.
        on("c", raw_connect("tcp://b:1")).await.unwrap();
        network.partition("a", "c");
        network.heal("a", "c");
        assert!(timeout(Duration::from_secs(5), server.read_some(&mut [0])).await.is_err());
        network.heal("a", "b");
        assert!(timeout(Duration::ZERO, server.read_some(&mut [0])).await.is_ok());
        assert!(timeout(Duration::ZERO, dial).await.unwrap().is_ok());
    });
}

/// A listener on all addresses is where its code runs, whatever it is called by.
#[test]
fn a_listener_is_on_the_host_that_was_said() {
    let sim = fixed(1);
    sim.block_on(async {
        let mut listener = on("b", raw_listen("tcp://*:1")).await.unwrap();
        let _client = on("a", raw_connect("tcp://some-name:1")).await.unwrap();
        let _server = listener.accept().await.unwrap();
        assert_eq!(sim.network().links()[0].hosts, ["a".into(), "b".into()]);
        sim.network().partition("a", "b");
        let dial = on("a", raw_connect("tcp://some-name:1"));
        assert!(timeout(Duration::from_secs(5), dial).await.is_err());
    });
}
