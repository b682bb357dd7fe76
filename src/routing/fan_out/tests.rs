use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Topics and the peers that have them, and the peers that are known.
#[derive(Default)]
struct Model {
    topics: BTreeMap<Vec<u8>, BTreeSet<u32>>,
    peers: BTreeSet<u32>,
}

impl Model {
    fn matching(&self, frame: &[u8]) -> BTreeSet<u32> {
        (0..=frame.len()).filter_map(|len| self.topics.get(&frame[..len])).flatten().copied().collect()
    }

    fn insert(&mut self, topic: &[u8], peer: u32) -> Inserted {
        self.peers.insert(peer);
        let peers = self.topics.entry(topic.to_vec()).or_default();
        match (peers.insert(peer), peers.len()) {
            (true, 1) => Inserted::First,
            (true, _) => Inserted::More,
            (false, _) => Inserted::Already,
        }
    }

    fn remove(&mut self, topic: &[u8], peer: u32) -> Removed {
        let Some(peers) = self.topics.get_mut(topic) else { return Removed::Absent };
        if !peers.remove(&peer) {
            return Removed::Absent;
        }
        if !peers.is_empty() {
            return Removed::Others;
        }
        self.topics.remove(topic);
        Removed::Last
    }

    fn remove_peer(&mut self, peer: u32) -> BTreeSet<Vec<u8>> {
        self.peers.remove(&peer);
        let mut last = BTreeSet::new();
        self.topics.retain(|topic, peers| {
            if peers.remove(&peer) && peers.is_empty() {
                last.insert(topic.clone());
                return false;
            }
            true
        });
        last
    }

    fn topics_of(&self, peer: u32) -> BTreeSet<Vec<u8>> {
        let theirs = self.topics.iter().filter(|(_, peers)| peers.contains(&peer));
        theirs.map(|(topic, _)| topic.clone()).collect()
    }
}

/// What was found; fails if something was found twice.
fn once<T: Ord>(found: Vec<T>) -> BTreeSet<T> {
    let count = found.len();
    let all: BTreeSet<_> = found.into_iter().collect();
    assert_eq!(all.len(), count);
    all
}

fn matching(table: &mut Subscriptions<u32>, frame: &[u8]) -> BTreeSet<u32> {
    let mut peers = Vec::new();
    table.for_each_match(frame, |peer| peers.push(peer));
    let mut again = Vec::new();
    table.for_each_match(frame, |peer| again.push(peer));
    assert_eq!(peers, again, "the order stays");
    once(peers)
}

fn mismatching(table: &mut Subscriptions<u32>, frame: &[u8]) -> BTreeSet<u32> {
    let mut peers = Vec::new();
    table.for_each_mismatch(frame, |peer| peers.push(peer));
    once(peers)
}

fn lost(table: &mut Subscriptions<u32>, peer: u32) -> BTreeSet<Vec<u8>> {
    let mut topics = Vec::new();
    table.remove_peer(peer, |topic| topics.push(topic.to_vec()));
    once(topics)
}

fn random_topic(random: &mut fastrand::Rng) -> Vec<u8> {
    (0..random.usize(..6)).map(|_| random.u8(b'a'..b'd')).collect()
}

/// Over 100,000 random operations: `peers` of them at a time, who come and go in phases.
fn compare(peers: u32, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut table, mut model) = (Subscriptions::default(), Model::default());
    for step in 0..100_000 {
        let (topic, peer) = (random_topic(&mut random), random.u32(..peers));
        let declines = step / 10_000 % 2 == 1;
        match random.u32(..100) {
            0..45 if !declines || peer < 4 => {
                assert_eq!(table.insert(&topic, peer), model.insert(&topic, peer));
            }
            0..80 => assert_eq!(table.remove(&topic, peer), model.remove(&topic, peer)),
            80 if declines || step % 10 == 0 => {
                assert_eq!(lost(&mut table, peer), model.remove_peer(peer));
            }
            81 => {
                table.insert_peer(peer);
                model.peers.insert(peer);
            }
            82..86 => {
                let expected = model.matching(&topic);
                assert_eq!(table.subscribers(&topic), expected.len());
                assert_eq!(matching(&mut table, &topic), expected);
                assert_eq!(mismatching(&mut table, &topic), &model.peers - &expected);
            }
            86 => {
                let expected = model.topics_of(peer);
                let bytes = expected.iter().map(Vec::len).sum();
                assert_eq!(table.usage(peer), (expected.len(), bytes));
                let mut topics = Vec::new();
                table.for_each_topic(peer, |topic| topics.push(topic.to_vec()));
                assert_eq!(once(topics), expected);
            }
            _ => assert_eq!(table.topics(), model.topics.len()),
        }
    }
}

#[test]
fn few_peers_agree_with_a_simple_model() {
    compare(5, 28);
}

/// Topics with so many subscribers that they are indexed.
#[test]
fn many_peers_agree_with_a_simple_model() {
    compare(400, 30);
}

/// Trap 30.
#[test]
fn subscribing_twice_is_subscribing_once() {
    let mut table = Subscriptions::default();
    assert_eq!(table.insert(b"a", 1), Inserted::First);
    assert_eq!(table.insert(b"a", 1), Inserted::Already);
    assert_eq!(table.insert(b"a", 2), Inserted::More);
    assert_eq!((table.usage(1), table.topics()), ((1, 1), 1));
    assert_eq!(table.remove(b"a", 1), Removed::Others);
    assert_eq!(table.remove(b"a", 1), Removed::Absent);
    assert_eq!(table.remove(b"b", 2), Removed::Absent);
    assert_eq!(table.remove(b"a", 2), Removed::Last);
    assert_eq!((table.usage(1), table.topics()), ((0, 0), 0));
}

/// Trap 26: no subscription, no message; the empty one, every message.
#[test]
fn prefixes_match() {
    let mut table = Subscriptions::default();
    table.insert_peer(1);
    assert_eq!((table.subscribers(b""), table.subscribers(b"weather")), (0, 0));
    table.insert(b"weather", 1);
    table.insert(b"", 2);
    table.insert(b"weather.", 1);
    let mut found = |frame: &[u8]| matching(&mut table, frame).into_iter().collect::<Vec<_>>();
    assert_eq!(found(b"weather.oslo"), [1, 2]);
    assert_eq!(found(b"weather"), [1, 2]);
    assert_eq!(found(b"weathe"), [2]);
    assert_eq!(found(b""), [2]);
}

/// libzmq's `dist_t::reverse_match`: those without any subscription get everything.
#[test]
fn mismatches_are_all_the_others() {
    let mut table = Subscriptions::default();
    (1..=4).for_each(|peer| table.insert_peer(peer));
    table.insert(b"a", 1);
    table.insert(b"ab", 2);
    table.insert(b"ab", 4);
    assert_eq!(lost(&mut table, 4), BTreeSet::new());
    assert_eq!(mismatching(&mut table, b"a"), [2, 3].into());
    assert_eq!(mismatching(&mut table, b"abc"), [3].into());
    assert_eq!(mismatching(&mut table, b"x"), [1, 2, 3].into());
}

#[test]
fn a_lost_peer_takes_its_topics_with_it() {
    let mut table = Subscriptions::default();
    for topic in ["", "a", "ab", "abc"] {
        table.insert(topic.as_bytes(), 1);
    }
    table.insert(b"ab", 2);
    assert!(table.contains_peer(1));
    assert_eq!(lost(&mut table, 1), [b"".to_vec(), b"a".to_vec(), b"abc".to_vec()].into());
    assert_eq!(lost(&mut table, 1), BTreeSet::new());
    assert!(!table.contains_peer(1) && table.contains_peer(2));
    assert_eq!((table.topics(), table.usage(1), table.usage(2)), (1, (0, 0), (1, 2)));
    assert_eq!(matching(&mut table, b"abc"), [2].into());
}

/// Kills work in proportion to the table whenever a peer comes or goes.
#[test]
fn churn_beside_many_peers_is_cheap() {
    let mut table = Subscriptions::default();
    for peer in 0..20_000_u32 {
        for topic in [&b""[..], b"common", &peer.to_be_bytes()] {
            table.insert(topic, peer);
        }
    }
    for peer in 20_000..50_000 {
        assert_eq!(table.insert(b"common", peer), Inserted::More);
        assert_eq!(table.insert(b"common", peer), Inserted::Already);
        assert_eq!(table.insert(b"own", peer), Inserted::First);
        assert_eq!(lost(&mut table, peer), [b"own".to_vec()].into());
    }
    for peer in 0..20_000_u32 {
        assert_eq!(table.remove(b"common", peer) == Removed::Last, peer == 19_999);
    }
    assert_eq!((table.subscribers(b""), table.subscribers(b"common")), (20_000, 20_000));
}

/// Kills an index of a topic that is built once for each of its subscribers when slots change.
#[test]
fn losing_most_peers_is_cheap() {
    let mut table = Subscriptions::default();
    (0..100_000).for_each(|peer| _ = table.insert(b"all", peer));
    (0..95_000).for_each(|peer| assert_eq!(lost(&mut table, peer), BTreeSet::new()));
    assert_eq!(table.subscribers(b"all"), 5_000);
    assert_eq!(table.insert(b"all", 99_999), Inserted::Already);
    assert_eq!(table.remove(b"all", 95_000), Removed::Others);
}

/// Kills moving what a few peers have for each of the topics that another one subscribes to and cancels.
#[test]
fn a_burst_beside_a_large_table_is_cheap() {
    let mut table = Subscriptions::default();
    (0..100_000).for_each(|peer| _ = table.insert(b"", peer));
    for _ in 0..1_000 {
        (0..200_u8).for_each(|topic| _ = table.insert(&[topic], 7));
        (0..200_u8).for_each(|topic| _ = table.remove(&[topic], 7));
    }
    assert_eq!((table.topics(), table.subscribers(b"")), (1, 100_000));
}

#[test]
fn topics_are_counted() {
    let mut topics = Topics::default();
    assert!(!topics.matches(b""));
    assert!(topics.add(b"ab") && !topics.add(b"ab") && topics.add(b"a"));
    assert_eq!(topics.len(), 2);
    assert!(topics.matches(b"abc") && topics.matches(b"a") && !topics.matches(b"b") && !topics.matches(b""));
    let mut all = Vec::new();
    topics.for_each(|topic| all.push(topic.to_vec()));
    assert_eq!(all, [&b"a"[..], b"ab"]);
    assert_eq!(topics.remove(b"b"), Released::Absent);
    assert_eq!(topics.remove(b"a"), Released::Last);
    assert!(!topics.matches(b"a"));
    assert_eq!((topics.remove(b"ab"), topics.len()), (Released::More, 1));
    assert_eq!((topics.remove(b"ab"), topics.len()), (Released::Last, 0));
    assert_eq!(topics.remove(b"ab"), Released::Absent);
    assert!(topics.add(b"") && topics.matches(b"") && topics.matches(b"x"));
}
