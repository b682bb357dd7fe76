//! Partitions, crashes, restarts and cuts, in virtual time.

use futures_util::future::join_all;
use monocoque::error::TimeoutKind;
use monocoque::prelude::*;
use monocoque::rpc;
use monocoque::runtime::sim::{self, Cut, Direction, Plan, Sim, SimConfig, SimStream};
use std::time::Duration;

use crate::dropping::poll_times;

type Client = rpc::Client<SimStream>;
type Server = rpc::Server<SimStream>;

const SERVER: &str = "tcp://server:5555";

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Notices a dead peer after 200 ms, and tries again at once.
fn quick() -> SocketOptions {
    SocketOptions::default()
        .with_backoff(Backoff::new().with_initial(ms(10)).with_max(ms(40)))
        .with_handshake_timeout(ms(200))
        .with_heartbeat_interval(Some(ms(100)))
        .with_heartbeat_timeout(ms(100))
}

fn resending() -> ClientOptions {
    ClientOptions::from(quick().with_max_resends(None)).with_on_server_lost(OnServerLost::Resend)
}

/// Systems give up soon, too.
fn network(seed: u64) -> Sim {
    let links = Plan::new().with_give_up(ms(200)).with_latency(Duration::ZERO..=ms(2));
    let config = SimConfig::new().with_links(links).with_spurious_pending(true).with_spurious_wakes(true);
    Sim::with_config(seed, config)
}

/// Answers each request after a while, in any order.
async fn serve() {
    let server = Server::bind_with_options(SERVER, quick().into()).await.unwrap();
    while let Ok(request) = server.next().await {
        sim::spawn(async move {
            sim::sleep(ms(fastrand::u64(..20))).await;
            // The client may have gone meanwhile.
            let _ = request.reply.send(request.message).await;
        });
    }
}

async fn client(options: ClientOptions) -> Client {
    let client = Client::new(options).unwrap();
    client.socket().connect_to(SERVER).unwrap();
    client
}

/// Asks for as long as there is time, and counts what came of it: replies, and requests that failed as they may.
async fn ask(client: Client, rounds: u32, who: usize) -> [u32; 2] {
    let mut came = [0; 2];
    for round in 0..rounds {
        let text = format!("{who} {round}");
        match client.request(text.clone()).await {
            Ok(reply) => {
                assert_eq!(reply, text.into());
                came[0] += 1;
            }
            Err(failed) => {
                assert!(matches!(failed.error(), Error::PeerLost), "{failed}");
                assert_eq!(failed.into_message(), None);
                came[1] += 1;
            }
        }
    }
    came
}

/// A server that dies and comes back, again and again: with `Resend` each request is answered, and without it each is
/// answered or fails, and none waits for ever.
#[test]
fn servers_crash_and_come_back() {
    for (options, fails) in [(resending(), false), (quick().into(), true)] {
        let failed = std::cell::Cell::new(0);
        sim::for_seeds(20, |seed| {
            network(seed).block_on(async {
                sim::spawn_on("server", serve());
                let client = sim::on("client", client(options.clone())).await;
                let crashes = async {
                    for cut in [Cut::Reset, Cut::Silence, Cut::Fin, Cut::Reset] {
                        sim::sleep(ms(fastrand::u64(20..100))).await;
                        sim::crash("server", cut);
                        sim::sleep(ms(fastrand::u64(..50))).await;
                        sim::spawn_on("server", serve());
                    }
                };
                let asking = join_all((0..5).map(|who| ask(client.clone(), 20, who)));
                let (came, ()) = futures_util::future::join(asking, crashes).await;
                let lost: u32 = came.iter().map(|[_, failed]| failed).sum();
                assert!(fails || lost == 0);
                failed.set(failed.get() + lost);
                assert_eq!(client.outstanding(), 0);
                let stats = client.socket().stats();
                assert_eq!(stats.received, stats.delivered + stats.recv_dropped);
                assert_eq!(u64::from(100 - lost), stats.delivered);
            });
        });
        assert_eq!(failed.get() > 0, fails, "they were in the middle of it");
    }
}

/// Nothing arrives for a while, either way: requests under way fail, or are sent again when it is over.
#[test]
fn partitions_come_and_go() {
    sim::for_seeds(10, |seed| {
        let sim = network(seed);
        let network = sim.network();
        sim.block_on(async {
            sim::spawn_on("server", serve());
            let (failing, patient) =
                sim::on("client", async { (client(quick().into()).await, client(resending()).await) }).await;
            for client in [&failing, &patient] {
                assert_eq!(client.request("before").await.unwrap(), "before".into());
            }
            network.partition("client", "server");
            let healing = async {
                sim::sleep(ms(1_000)).await;
                network.heal("client", "server");
            };
            let lost = async {
                let failed = failing.request("during").await.unwrap_err();
                assert!(matches!(failed.error(), Error::PeerLost));
                assert!(sim::elapsed() < ms(1_000), "noticed by heartbeats");
                // From now on there is nobody to send to.
                failing.request("waiting").await
            };
            let (waited, asked, ()) =
                futures_util::future::join3(lost, patient.request("during"), healing).await;
            assert_eq!(waited.unwrap(), "waiting".into());
            assert_eq!(asked.unwrap(), "during".into());
            assert!(sim::elapsed() >= ms(1_000));
        });
    });
}

/// The connection is cut at every byte of a session, in both directions and three ways: the request is answered or
/// lost, and the next is answered.
#[test]
fn a_cut_at_every_byte() {
    let session = |plan: Plan| {
        let sim = network(1);
        sim.network().on_next_connect(plan);
        let mut bytes = [0; 2];
        sim.block_on(async {
            sim::spawn_on("server", serve());
            let client = sim::on("client", client(quick().into())).await;
            for (n, message) in ["x", "y"].into_iter().enumerate() {
                match client.request(message).await {
                    Ok(reply) => assert_eq!(reply, message.into()),
                    Err(failed) => {
                        assert!(matches!(failed.error(), Error::PeerLost), "{n}: {failed}");
                        assert_eq!(client.request(message).await.unwrap(), message.into());
                    }
                }
            }
            assert_eq!(client.outstanding(), 0);
            let link = sim.network().links().first().cloned().unwrap();
            bytes = [Direction::ToServer, Direction::ToClient].map(|way| link.direction(way).delivered);
        });
        bytes
    };
    let whole = session(Plan::new());
    assert!(whole.iter().all(|bytes| *bytes > 64), "{whole:?}");
    for (direction, bytes) in [Direction::ToServer, Direction::ToClient].into_iter().zip(whole) {
        for at in 0..bytes {
            for cut in [Cut::Fin, Cut::Reset, Cut::Silence] {
                session(Plan::new().cut_after(direction, at, cut));
            }
        }
    }
}

/// Requests that are dropped after any number of polls, and servers that crash: all places are free in the end, and
/// who goes on is answered.
#[test]
fn requests_are_dropped_at_any_moment() {
    sim::for_seeds(10, |seed| {
        network(seed).block_on(async {
            sim::spawn_on("server", serve());
            let client = sim::on("client", client(resending().with_max_outstanding(3))).await;
            let dropping = join_all((0..5).map(|who| {
                let client = &client;
                async move {
                    for round in 0..40 {
                        let text = format!("{who} {round}");
                        let turn = || sim::sleep(ms(fastrand::u64(..5)));
                        let came =
                            poll_times(client.request(text.clone()), fastrand::usize(..12), turn).await;
                        assert!(came.is_none_or(|reply| reply.unwrap() == text.into()));
                    }
                }
            }));
            let crashing = async {
                sim::sleep(ms(100)).await;
                sim::crash("server", Cut::Reset);
                sim::spawn_on("server", serve());
            };
            let steady = ask(client.clone(), 20, 9);
            let (_, came, ()) = futures_util::future::join3(dropping, steady, crashing).await;
            assert_eq!((came, client.outstanding()), ([20, 0], 0));
        });
    });
}

/// To the nanosecond, and over all that a request waits for.
#[test]
fn time_limits_are_exact() {
    Sim::new(1).block_on(async {
        let silent = Server::bind(SERVER).await.unwrap();
        let client = Client::connect_with_options(SERVER, ClientOptions::default().with_max_outstanding(1));
        let client = client.await.unwrap();
        let began = sim::elapsed();
        let failed = client.request("x").await.unwrap_err();
        assert!(matches!(failed.error(), Error::Timeout(TimeoutKind::Reply)));
        assert_eq!(sim::elapsed() - began, Duration::from_secs(30), "the default");
        let began = sim::elapsed();
        let (first, second) = futures_util::future::join(
            client.request_within("y", ms(700)),
            client.request_within("z", ms(1_000)),
        )
        .await;
        assert_eq!(first.unwrap_err().into_message(), None);
        assert_eq!(second.unwrap_err().into_message(), None, "sent when the first had given up");
        assert_eq!(sim::elapsed() - began, ms(1_000));
        let held = silent.next().await.unwrap();
        let began = sim::elapsed();
        assert!(matches!(silent.drain(ms(500)).await, Err(Error::Timeout(TimeoutKind::Drain))));
        assert_eq!(sim::elapsed() - began, ms(500));
        drop(held);
    });
}

/// Sent again or not, a request has one time limit, and was sent.
#[test]
fn requests_that_are_sent_again_have_their_limit() {
    network(1).block_on(async {
        sim::spawn_on("server", serve());
        let client = sim::on("client", client(resending())).await;
        assert_eq!(client.request("x").await.unwrap(), "x".into());
        sim::crash("server", Cut::Silence);
        let began = sim::elapsed();
        let failed = client.request_within("y", Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(failed.error(), Error::Timeout(TimeoutKind::Reply)), "{failed}");
        assert_eq!(failed.into_message(), None);
        assert_eq!(sim::elapsed() - began, Duration::from_secs(5));
        let stats = client.socket().stats();
        assert_eq!(
            (stats.connections, stats.connects, client.outstanding()),
            (0, 1, 0),
            "it was lost meanwhile"
        );
    });
}

/// A client without its companion task finds out, whatever it waits for.
#[test]
fn a_client_that_goes_down_finds_out() {
    Sim::new(1).block_on(async {
        let server = Server::bind(SERVER).await.unwrap();
        let options = ClientOptions::default().with_max_outstanding(1);
        let client = sim::on("client", Client::connect_with_options(SERVER, options)).await.unwrap();
        let waiting = async { futures_util::future::join(client.request("x"), client.request("y")).await };
        let crash = async {
            let request = server.next().await.unwrap();
            sim::crash("client", Cut::Reset);
            request
        };
        let ((sent, unsent), request) = futures_util::future::join(waiting, crash).await;
        for failed in [sent.unwrap_err(), unsent.unwrap_err()] {
            assert!(matches!(failed.error(), Error::CompanionGone), "{failed}");
        }
        drop(request);
    });
}
