//! Who may subscribe to what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::support::*;
use monocoque::options::OptionError;
use monocoque::security::{Claim, Subscriber, Verdict};

/// Peers are who they say, and see what is under their own name.
fn own_topics() -> SocketOptions {
    without_heartbeats()
        .with_authenticator(async |claim: Claim| match claim.property("X-User") {
            Some(user) => {
                Verdict::accept_as(String::from_utf8_lossy(user)).with_metadata("also", "news".as_bytes())
            }
            None => Verdict::accept(),
        })
        .with_subscription_filter(|subscriber: &Subscriber, topic| {
            let also = subscriber.user_metadata.iter().any(|(_, also)| topic.starts_with(also));
            also || subscriber.user.as_deref().is_some_and(|user| topic.starts_with(user.as_bytes()))
        })
}

fn as_user(user: &'static str) -> SocketOptions {
    without_heartbeats().with_metadata("X-User", user)
}

async fn refusal(monitor: &mut Monitor) -> (Option<Arc<str>>, Bytes) {
    event(monitor, |event| match event {
        SocketEvent::SubscriptionRefused { user, topic, .. } => Some((user.clone(), topic.clone())),
        _ => None,
    })
    .await
}

#[test]
fn each_user_sees_what_it_may() {
    Sim::new(1).block_on(async {
        let publisher = Pub::bind_with_options(SERVER, own_topics()).await.unwrap();
        let mut monitor = publisher.monitor();
        let ann = Sub::connect_with_options(SERVER, as_user("ann")).await.unwrap();
        let bob = Sub::connect_with_options(SERVER, as_user("bob")).await.unwrap();
        let nobody = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        for topic in ["", "bob/1", "ann/1"] {
            ann.subscribe(topic).unwrap();
        }
        for topic in ["news", "bob/"] {
            bob.subscribe(topic).unwrap();
        }
        nobody.subscribe("").unwrap();
        publisher.wait_for_subscribers("ann/1", 1).await.unwrap();
        publisher.wait_for_subscribers("bob/", 1).await.unwrap();
        let mut refused = Vec::new();
        for _ in 0..3 {
            let (user, topic) = refusal(&mut monitor).await;
            refused.push((user.as_deref().unwrap_or_default().to_owned(), topic));
        }
        refused.sort();
        let expected = [("", ""), ("ann", ""), ("ann", "bob/1")];
        assert_eq!(refused, expected.map(|(user, topic)| (user.to_owned(), Bytes::from(topic))));
        assert_eq!((publisher.stats().subscriptions_refused, publisher.topic_count()), (3, 3));
        for topic in ["bob/1", "ann/1", "news", "other"] {
            publisher.send(topic).await.unwrap();
        }
        assert_eq!(ann.recv().await.unwrap()[0], "ann/1");
        assert_eq!(bob.recv().await.unwrap()[0], "bob/1");
        assert_eq!(bob.recv().await.unwrap()[0], "news");
        sim::sleep(secs(1)).await;
        for sub in [&ann, &bob, &nobody] {
            assert!(matches!(sub.try_recv(), Err(Error::WouldBlock)));
        }
        assert_eq!(publisher.peers().len(), 3, "they stay");
    });
}

/// The application of an XPUB sees neither the subscription nor its end, in whatever mode; the end of one that is
/// held it sees.
#[test]
fn an_xpub_does_not_see_what_is_refused() {
    type With = fn(SocketOptions) -> SocketOptions;
    let modes: [With; 4] = [
        |options| options,
        |options| options.with_xpub_verbose(true),
        |options| options.with_xpub_verboser(true),
        |options| options.with_xpub_manual(true),
    ];
    for with_mode in modes {
        Sim::new(1).block_on(async {
            let options = with_mode(without_heartbeats().with_subscription_filter(|_, topic| topic == b"ok"));
            let xpub = XPub::bind_with_options(SERVER, options).await.unwrap();
            let xsub = XSub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
            for message in ["\u{1}no", "\u{0}no", "\u{1}ok", "\u{0}ok"] {
                xsub.send(message).await.unwrap();
            }
            for expected in ["\u{1}ok", "\u{0}ok"] {
                assert_eq!(xpub.recv().await.unwrap()[0], expected);
            }
            assert_eq!((xpub.stats().subscriptions_refused, xpub.topic_count()), (1, 0));
            assert_balanced(&xpub.stats());
        });
    }
}

/// Over inproc as over streams; what was allowed once stays.
#[test]
fn a_filter_may_change_its_mind() {
    Sim::new(1).block_on(async {
        let open = Arc::new(AtomicBool::new(true));
        let gate = Arc::clone(&open);
        let options = without_heartbeats().with_subscription_filter(move |_, _| gate.load(SeqCst));
        let publisher = Pub::bind_with_options("inproc://filtered", options).await.unwrap();
        let mut monitor = publisher.monitor();
        let sub = Sub::connect_with_options("inproc://filtered", without_heartbeats()).await.unwrap();
        sub.subscribe("a").unwrap();
        publisher.wait_for_subscribers("a", 1).await.unwrap();
        open.store(false, SeqCst);
        sub.subscribe("b").unwrap();
        assert_eq!(refusal(&mut monitor).await.1, "b");
        publisher.send("b").await.unwrap();
        publisher.send("a").await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], "a");
    });
}

/// It refuses, and the socket goes on.
#[test]
fn a_filter_that_panics_refuses() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats()
            .with_subscription_filter(|_, topic| !topic.starts_with(b"bad") || panic!("bad"));
        let publisher = Pub::bind_with_options(SERVER, options).await.unwrap();
        let sub = Sub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        sub.subscribe("bad").unwrap();
        sub.subscribe("good").unwrap();
        publisher.wait_for_subscribers("good", 1).await.unwrap();
        assert_eq!(publisher.stats().subscriptions_refused, 1);
        publisher.send("good").await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], "good");
    });
}

/// Any peer can have any number refused, of a MiB each: what is told of them is bounded.
#[test]
fn refusals_take_no_memory_to_speak_of() {
    Sim::new(1).block_on(async {
        let options = without_heartbeats().with_subscription_filter(|_, _| false).with_monitor_events(8);
        let publisher = Pub::bind_with_options(SERVER, options).await.unwrap();
        let mut monitor = publisher.monitor();
        let xsub = XSub::connect_with_options(SERVER, without_heartbeats()).await.unwrap();
        for n in 0..100_u8 {
            xsub.send([&b"\x01"[..], &[n], &vec![b'x'; 100_000]].concat()).await.unwrap();
        }
        while publisher.stats().subscriptions_refused < 100 {
            sim::sleep(ms(1)).await;
        }
        let mut told = 0;
        let mut missed = 0;
        while let Some(event) = monitor.try_next() {
            match event {
                SocketEvent::SubscriptionRefused { topic, .. } => {
                    assert_eq!(topic.len(), 255);
                    told += 1;
                }
                SocketEvent::Missed(some) => missed += some.refusals,
                _ => {}
            }
        }
        assert_eq!((told, missed), (8, 92));
        assert_eq!(publisher.peers().len(), 1);
    });
}

#[test]
fn a_filter_that_could_not_work_is_refused() {
    Sim::new(1).block_on(async {
        let filtered = || without_heartbeats().with_subscription_filter(|_, _| true);
        let error = Pub::bind_with_options(SERVER, filtered().with_invert_matching(true)).await.unwrap_err();
        assert!(matches!(error, Error::Option(OptionError::InvertedFilter)), "{error}");
        let error = Pull::bind_with_options(SERVER, filtered()).await.unwrap_err();
        let of_others =
            matches!(error, Error::Option(OptionError::NotOfType { option: "subscription_filter", .. }));
        assert!(of_others, "{error}");
    });
}
