//! The publisher's table is what its subscribers want, whatever happens to their connections.

use std::collections::{BTreeMap, BTreeSet};

use super::support::*;

/// A PUB, and a SUB that keeps trying to connect to it.
async fn pair(options: SocketOptions) -> (Pub, Sub) {
    let publisher = Pub::bind_with_options(SERVER, quick()).await.unwrap();
    let sub = Sub::connect_with_reconnect_and_options(SERVER, options).await.unwrap();
    (publisher, sub)
}

/// Waits until the publisher has exactly this many topics, from one peer.
async fn settled(publisher: &Pub, topics: usize) {
    while publisher.topic_count() != topics || publisher.peers().len() != 1 {
        sim::sleep(ms(1)).await;
    }
}

fn cut_all(sim: &Sim, cut: Cut) {
    for link in sim.network().links() {
        sim.network().cut(link.id, cut);
    }
}

/// What is published on each of the topics arrives, and nothing else.
async fn only(publisher: &Pub, sub: &Sub, topics: &[&str], other: &[&str]) {
    for topic in other.iter().chain(topics) {
        publisher.send(*topic).await.unwrap();
    }
    for topic in topics {
        assert_eq!(sub.recv().await.unwrap()[0], *topic);
    }
    assert_eq!(sub.stats().recv_dropped, 0, "the publisher filters");
}

/// libzmq#4064: subscriptions beyond the mark were not sent again after a reconnection.
#[test]
fn libzmq_4064_more_subscriptions_than_the_mark_allows() {
    const TOPICS: u32 = 100_000;
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = quick().with_send_hwm(10).with_recv_hwm(10);
        let (publisher, sub) = pair(options).await;
        for n in 0..TOPICS {
            sub.subscribe(n.to_be_bytes()).unwrap();
        }
        settled(&publisher, TOPICS as usize).await;
        cut_all(&sim, Cut::Reset);
        let mut monitor = sub.monitor();
        disconnection(&mut monitor).await;
        settled(&publisher, TOPICS as usize).await;
        for n in [0, 9, 10, 11, TOPICS - 1] {
            publisher.send(n.to_be_bytes()).await.unwrap();
            assert_eq!(sub.recv().await.unwrap()[0], n.to_be_bytes());
        }
        assert_eq!(sub.stats().dropped_total(), 0);
    });
}

/// libzmq#1362, #916, #4063, #2592: only some of them were restored.
#[test]
fn libzmq_1362_all_subscriptions_after_a_thousand_reconnections() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (publisher, sub) = pair(quick()).await;
        for topic in ["", "a", "ab", "abc", "twice", "twice", "gone"] {
            sub.subscribe(topic).unwrap();
        }
        sub.unsubscribe("gone").unwrap();
        sub.unsubscribe("twice").unwrap();
        let mut monitor = sub.monitor();
        for round in 0..1000 {
            sub.wait_for_peers(1).await.unwrap();
            settled(&publisher, 5).await;
            if round % 100 == 0 {
                only(&publisher, &sub, &["abc", "x", ""], &[]).await;
            }
            cut_all(&sim, CUTS[round % 3]);
            disconnection(&mut monitor).await;
        }
        sub.wait_for_peers(1).await.unwrap();
        settled(&publisher, 5).await;
        assert_eq!(sub.stats().reconnects, 1000);
        sub.unsubscribe("").unwrap();
        settled(&publisher, 4).await;
        only(&publisher, &sub, &["abc", "twice"], &["x", "gone", ""]).await;
    });
}

/// The first connection ends at every single byte of the subscriptions.
#[test]
fn a_cut_in_the_midst_of_the_subscriptions() {
    for cut in [Cut::Fin, Cut::Reset] {
        for cut_at in 64..220 {
            let sim = Sim::new(cut_at);
            sim.network().on_next_connect(Plan::new().cut_after(Direction::ToServer, cut_at, cut));
            sim.block_on(async {
                let (publisher, sub) = pair(quick()).await;
                for topic in ["one", "two", "three", "two"] {
                    sub.subscribe(topic).unwrap();
                }
                sub.unsubscribe("one").unwrap();
                sub.unsubscribe("two").unwrap();
                sim::sleep(secs(1)).await;
                settled(&publisher, 2).await;
                only(&publisher, &sub, &["two", "three"], &["one"]).await;
            });
        }
    }
}

/// While there is no connection, too, it is the wish that counts.
#[test]
fn wishes_change_while_there_is_no_connection() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let (publisher, sub) = pair(quick()).await;
        sub.subscribe("before").unwrap();
        sub.subscribe("stays").unwrap();
        settled(&publisher, 2).await;
        sim.network().refuse(SERVER);
        cut_all(&sim, Cut::Reset);
        sim::sleep(secs(1)).await;
        assert!(sub.unsubscribe("before").unwrap());
        sub.subscribe("after").unwrap();
        sub.subscribe("for nothing").unwrap();
        assert!(sub.unsubscribe("for nothing").unwrap());
        sim.network().allow(SERVER);
        settled(&publisher, 2).await;
        only(&publisher, &sub, &["stays", "after"], &["before", "for nothing"]).await;
    });
}

/// What an XPUB told of the topics: those that some peer has.
#[derive(Default)]
struct Told(BTreeSet<Vec<u8>>);

impl Told {
    /// A topic is told when it is new, and when it is gone: never twice in a row.
    fn take_all(&mut self, xpub: &XPub) {
        while let Ok(message) = xpub.try_recv() {
            let (mark, topic) = message[0].split_first().unwrap();
            let fresh = if *mark == 1 { self.0.insert(topic.to_vec()) } else { self.0.remove(topic) };
            assert!(fresh, "{message:?}");
        }
    }
}

/// Subscribers that change their minds at random over connections that break at random.
fn churn(seed: u64) {
    const TOPICS: [&str; 6] = ["", "a", "ab", "b", "longer", "longer still"];
    let plan = Plan::new().with_latency(ms(0)..=ms(5)).with_write_chunk(1..=40).with_read_chunk(1..=40);
    let sim = Sim::with_config(seed, SimConfig::new().with_links(plan));
    sim.block_on(async {
        let xpub = XPub::bind_with_options(SERVER, quick()).await.unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut told = Told::default();
        let mut subs: Vec<(Sub, BTreeMap<&str, usize>)> = Vec::new();
        for _ in 0..3 {
            let sub = Sub::connect_with_reconnect_and_options(SERVER, quick()).await.unwrap();
            subs.push((sub, BTreeMap::new()));
        }
        for _ in 0..100 {
            let (sub, wishes) = &mut subs[random.usize(..3)];
            let topic = TOPICS[random.usize(..TOPICS.len())];
            let count = wishes.entry(topic).or_default();
            if random.bool() {
                sub.subscribe(topic).unwrap();
                *count += 1;
            } else {
                assert_eq!(sub.unsubscribe(topic).unwrap(), *count > 0);
                *count = count.saturating_sub(1);
            }
            if random.u8(..10) == 0 {
                let links = sim.network().links();
                if let Some(link) = links.get(random.usize(..links.len().max(1))) {
                    sim.network().cut(link.id, CUTS[random.usize(..3)]);
                }
            }
            sim::sleep(ms(random.u64(..10))).await;
            told.take_all(&xpub);
        }
        sim::sleep(secs(2)).await;
        told.take_all(&xpub);
        let wished = subs.iter().flat_map(|(_, wishes)| wishes).filter(|(_, count)| **count > 0);
        let wished: BTreeSet<_> = wished.map(|(topic, _)| topic.as_bytes().to_vec()).collect();
        assert_eq!((xpub.topic_count(), &told.0), (wished.len(), &wished));
        for topic in TOPICS {
            let has = |wishes: &BTreeMap<&str, usize>| {
                wishes.iter().any(|(wish, count)| *count > 0 && topic.starts_with(wish))
            };
            let subscribers = subs.iter().filter(|(_, wishes)| has(wishes)).count();
            xpub.wait_for_subscribers(topic, subscribers).await.unwrap();
            let too_many = xpub.wait_for_subscribers(topic, subscribers + 1);
            assert!(sim::timeout(ms(1), too_many).await.is_err());
        }
        assert_balanced(&xpub.stats());
    });
}

#[test]
fn the_table_and_what_is_told_of_it_follow_the_wishes() {
    for seed in 0..50 {
        churn(seed);
    }
}

/// A peer whose subscriptions nobody receives is not read beyond the mark, and goes on when they are.
#[test]
fn an_xpub_that_nobody_receives_from_pauses_its_peers() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_recv_hwm(10);
        let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
        let flood = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let quiet = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        for n in 0..1000_u32 {
            flood.subscribe(n.to_be_bytes()).unwrap();
        }
        quiet.subscribe("quiet").unwrap();
        sim::sleep(secs(1)).await;
        let stats = xpub.stats();
        assert_eq!((stats.recv_queued, xpub.topic_count()), (11, 11));
        xpub.send("quiet").await.unwrap();
        assert_eq!(quiet.recv().await.unwrap()[0], "quiet");
        let mut told = Told::default();
        for _ in 0..1001 {
            let message = xpub.recv().await.unwrap();
            assert!(message[0][0] == 1 && told.0.insert(message[0][1..].to_vec()));
        }
        assert_eq!(xpub.topic_count(), 1001);
        assert_balanced(&xpub.stats());
    });
}

/// A peer that was let go may still subscribe on its way out: it counts for nothing.
#[test]
fn subscriptions_of_a_departing_peer_count_for_nothing() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let xpub = XPub::bind_with_options(SERVER, without_heartbeats()).await.unwrap();
        let mut raw = sim::raw_connect(SERVER).await.unwrap();
        shake(&mut raw, "SUB").await;
        let subscribe = |topic: u8| [4, 11, 9, b'S', b'U', b'B', b'S', b'C', b'R', b'I', b'B', b'E', topic];
        raw.write_all(&subscribe(b'a')).await.unwrap();
        assert_eq!(xpub.recv().await.unwrap()[0], "\u{1}a");
        // Something has to leave before the connection ends.
        sim.network().set_capacity(raw.link(), Direction::ToClient, 0);
        xpub.send("a message").await.unwrap();
        xpub.unbind(SERVER).unwrap();
        assert_eq!(xpub.recv().await.unwrap()[0], "\u{0}a");
        raw.write_all(&subscribe(b'b')).await.unwrap();
        raw.write_all(&[0, 2, 1, b'c']).await.unwrap();
        sim::sleep(secs(1)).await;
        assert_eq!(xpub.topic_count(), 0);
        sim.network().set_capacity(raw.link(), Direction::ToClient, 1000);
        assert_eq!(frame(&mut raw).await.1, b"a message");
        drop(raw);
        sim::sleep(secs(1)).await;
        assert_eq!((xpub.topic_count(), xpub.peers().len()), (0, 0));
        assert!(xpub.try_recv().is_err());
    });
}

/// An XPUB that shows every subscription, and nothing of which is read until [`go_on`].
async fn stalled<T>(sim: &Sim, connect: impl AsyncFnOnce() -> T) -> (XPub, T) {
    let xpub = XPub::bind_with_options(SERVER, without_heartbeats().with_xpub_verboser(true)).await.unwrap();
    let socket = connect().await;
    sim.network().set_capacity(sim.network().links()[0].id, Direction::ToServer, 0);
    (xpub, socket)
}

fn go_on(sim: &Sim) {
    sim.network().set_capacity(sim.network().links()[0].id, Direction::ToServer, 1_000_000);
}

/// Everything that the application of an XPUB is shown until the one that ends with `last`.
async fn shown(xpub: &XPub, last: &str) -> Vec<Message> {
    let mut shown = Vec::new();
    while !shown.last().is_some_and(|message: &Message| message[0].ends_with(last.as_bytes())) {
        shown.push(xpub.recv().await.unwrap());
    }
    shown
}

/// What was taken back before a publisher read about it is never sent, and the outcome is.
#[test]
fn what_cancels_out_is_not_sent_to_a_publisher_that_does_not_read() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let connect = async || Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let (xpub, sub) = stalled(&sim, connect).await;
        sub.subscribe("known").unwrap();
        for n in 0..100_000 {
            let topic = format!("{n:01000}");
            sub.subscribe(&topic).unwrap();
            assert!(sub.unsubscribe(&topic).unwrap());
        }
        sub.subscribe("twice").unwrap();
        for _ in 0..1000 {
            sub.subscribe("twice").unwrap();
            assert!(sub.unsubscribe("twice").unwrap());
            assert!(sub.unsubscribe("known").unwrap());
            sub.subscribe("known").unwrap();
            sub.subscribe("for nothing").unwrap();
            assert!(sub.unsubscribe("for nothing").unwrap());
        }
        sub.subscribe("last").unwrap();
        go_on(&sim);
        let shown = shown(&xpub, "last").await;
        assert!(shown.len() < 100, "{} changes", shown.len());
        assert_eq!((xpub.topic_count(), sub.topic_count()), (3, 3));
        assert!(sub.unsubscribe("twice").unwrap());
        while xpub.topic_count() != 2 {
            sim::sleep(ms(1)).await;
        }
        assert_eq!(xpub.recv().await.unwrap()[0], "\0twice");
    });
}

/// `flush` means the subscriptions that had to wait as well.
#[test]
fn a_flush_waits_for_what_was_put_off() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let connect = async || XSub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let (xpub, xsub) = stalled(&sim, connect).await;
        for n in 0..200 {
            xsub.subscribe(format!("{n:01000}")).unwrap();
        }
        assert!(sim::timeout(secs(1), xsub.flush()).await.is_err());
        go_on(&sim);
        xsub.flush().await.unwrap();
        drop(xsub);
        assert_eq!(shown(&xpub, &format!("{:01000}", 199)).await.len(), 200);
    });
}

/// Messages of an XSUB stay where they are among its subscriptions, and are not lost because of those.
#[test]
fn messages_keep_their_place_among_subscriptions_that_had_to_wait() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let connect = async || XSub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        let (xpub, xsub) = stalled(&sim, connect).await;
        let long = "x".repeat(100_000);
        xsub.subscribe(&long).unwrap();
        for n in 0..3 {
            xsub.subscribe(format!("before {n}")).unwrap();
            xsub.subscribe("for nothing").unwrap();
            assert!(xsub.unsubscribe("for nothing").unwrap());
            xsub.send(format!("message {n}")).await.unwrap();
            assert!(xsub.unsubscribe(format!("before {n}")).unwrap());
        }
        xsub.subscribe("last").unwrap();
        go_on(&sim);
        let shown = shown(&xpub, "last").await;
        let texts: Vec<_> = shown[1..].iter().map(|message| message[0].to_string_lossy()).collect();
        let expected = [
            "\u{1}before 0",
            "message 0",
            "\0before 0",
            "\u{1}before 1",
            "message 1",
            "\0before 1",
            "\u{1}before 2",
            "message 2",
            "\0before 2",
            "\u{1}last",
        ];
        assert_eq!(texts, expected);
        assert_eq!(xsub.stats().dropped_total(), 0);
    });
}

/// Messages that a stalled publisher makes wait take no more subscriptions along than the mark has bytes.
#[test]
fn subscriptions_between_messages_count_against_the_mark() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = without_heartbeats().with_send_hwm_bytes(200_000);
        let connect = async || XSub::connect_with_options(SERVER, options).await.unwrap();
        let (xpub, xsub) = stalled(&sim, connect).await;
        let topics: Vec<_> = (0..100).map(|n| format!("{n:01000}")).collect();
        for _ in 0..100 {
            topics.iter().for_each(|topic| xsub.subscribe(topic).unwrap());
            xsub.send("message").await.unwrap();
            topics.iter().for_each(|topic| assert!(xsub.unsubscribe(topic).unwrap()));
        }
        let dropped = xsub.stats().dropped(DropCause::PeerFull);
        assert!((95..100).contains(&dropped), "{dropped} messages for which there was no room");
        xsub.subscribe("last").unwrap();
        go_on(&sim);
        let shown = shown(&xpub, "last").await;
        assert!(shown.len() < 500, "{} messages and changes", shown.len());
        assert_eq!(xpub.topic_count(), 1);
    });
}

/// In one process as well, where subscriptions are messages.
#[test]
fn what_cancels_out_is_not_passed_in_process() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let options = SocketOptions::default().with_xpub_verboser(true).with_recv_hwm(10);
        let xpub = XPub::bind_with_options("inproc://changes", options).await.unwrap();
        let sub = XSub::connect("inproc://changes").await.unwrap();
        for _ in 0..100_000 {
            sub.subscribe("a").unwrap();
            assert!(sub.unsubscribe("a").unwrap());
        }
        sub.subscribe("b").unwrap();
        sub.send("message").await.unwrap();
        sub.subscribe("last").unwrap();
        assert!(sub.stats().accepted < 200, "{:?}", sub.stats());
        let shown = shown(&xpub, "last").await;
        assert!(shown.len() < 200, "{} changes", shown.len());
        let end: Vec<_> =
            shown[shown.len() - 3..].iter().map(|message| message[0].to_string_lossy()).collect();
        assert_eq!(end, ["\u{1}b", "message", "\u{1}last"]);
        assert_eq!(xpub.topic_count(), 2);
    });
}

/// Subscribes to so many topics, and has the application of the XPUB see all of them.
async fn subscribe_to_many(xpub: &XPub, topics: u32) -> Sub {
    let sub = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
    for n in 0..topics {
        sub.subscribe(n.to_be_bytes()).unwrap();
        assert_eq!(xpub.recv().await.unwrap()[0][1..], n.to_be_bytes());
    }
    sub
}

/// Receives the ends of all topics but the first, which somebody else has as well.
async fn all_but_the_first_end(xpub: &XPub, topics: u32) {
    let mut told = BTreeSet::new();
    for _ in 1..topics {
        let message = xpub.recv().await.unwrap();
        assert!(message[0][0] == 0 && told.insert(message[0][1..].to_vec()), "{message:?}");
        assert!(xpub.stats().recv_queued <= 1);
    }
    assert!(!told.contains(&0_u32.to_be_bytes()[..]));
    assert!(matches!(xpub.try_recv(), Err(Error::WouldBlock)));
}

/// However many topics a lost peer had, their ends come as they are received: at once they would be past every
/// mark.
#[test]
fn ends_of_a_lost_peers_subscriptions_do_not_pass_the_mark() {
    const TOPICS: u32 = 5000;
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_recv_hwm(10);
        let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
        for loss in ["lost", "let go", "inproc"] {
            let endpoint = if loss == "inproc" { "inproc://ends" } else { SERVER };
            if loss != "lost" {
                xpub.bind_to(endpoint).await.unwrap();
            }
            let other = Sub::connect_with_options(endpoint, without_heartbeats()).await.unwrap();
            other.subscribe(0_u32.to_be_bytes()).unwrap();
            xpub.recv().await.unwrap();
            let lost = Sub::connect_with_options(endpoint, without_heartbeats()).await.unwrap();
            (0..TOPICS).for_each(|n| lost.subscribe(n.to_be_bytes()).unwrap());
            for _ in 1..TOPICS {
                xpub.recv().await.unwrap();
            }
            let mut monitor = xpub.monitor();
            if loss == "let go" {
                let most = xpub.stats().peers.into_iter().max_by_key(|peer| peer.received).unwrap();
                xpub.disconnect_peer(most.peer).unwrap();
            } else {
                drop(lost);
                disconnection(&mut monitor).await;
            }
            assert_eq!(xpub.topic_count(), 1);
            assert!(xpub.stats().recv_queued <= 1, "{loss}: {:?}", xpub.stats().recv_queued);
            all_but_the_first_end(&xpub, TOPICS).await;
            drop(other);
            assert_eq!(xpub.recv().await.unwrap()[0][..], [0, 0, 0, 0, 0]);
            assert_balanced(&xpub.stats());
            xpub.unbind(endpoint).unwrap();
        }
    });
}

/// Where the application sees every subscription, it sees every end, and what it has not seen is counted.
#[test]
fn ends_that_nobody_receives_are_counted() {
    for options in [
        without_heartbeats().with_xpub_verboser(true),
        without_heartbeats().with_xpub_manual(true),
        without_heartbeats(),
    ] {
        Sim::new(1).block_on(async {
            let verbose = options.xpub_verboser() || options.xpub_manual();
            let xpub = XPub::bind_with_options(SERVER, options.with_recv_hwm(10)).await.unwrap();
            let lost = subscribe_to_many(&xpub, 1000).await;
            let other = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            other.subscribe(0_u32.to_be_bytes()).unwrap();
            let mut monitor = xpub.monitor();
            if verbose {
                assert_eq!(xpub.recv().await.unwrap()[0][..], [1, 0, 0, 0, 0]);
            } else {
                xpub.wait_for_subscribers(0_u32.to_be_bytes(), 2).await.unwrap();
            }
            drop(lost);
            disconnection(&mut monitor).await;
            assert_eq!(xpub.recv().await.unwrap()[0][0], 0);
            // The one that stays ends with the socket.
            let left = if verbose { 1000 } else { 999 };
            assert_eq!(xpub.clone().close().await, 0);
            let stats = xpub.stats();
            assert_eq!(stats.recv_dropped_by(DropCause::Closed), left);
            assert_balanced(&stats);
        });
    }
}

/// While more ends than the mark allows wait, nobody is read ahead: peers that come and go pile nothing up.
#[test]
fn peers_that_come_and_go_leave_no_more_than_the_mark() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_recv_hwm(10);
        let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
        drop(subscribe_to_many(&xpub, 100).await);
        sim::sleep(secs(1)).await;
        for n in 0..100_u32 {
            let sub = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            for topic in 0..100_u32 {
                sub.subscribe([n.to_be_bytes(), topic.to_be_bytes()].concat()).unwrap();
            }
            sim::sleep(ms(10)).await;
        }
        sim::sleep(secs(1)).await;
        let stats = xpub.stats();
        assert!(stats.received <= 100 && xpub.topic_count() == 0, "{stats:?}");
        let mut told = Told::default();
        (0..100_u32).for_each(|n| _ = told.0.insert(n.to_be_bytes().to_vec()));
        told.take_all(&xpub);
        assert!(told.0.is_empty());
        assert_balanced(&xpub.stats());
    });
}
