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
