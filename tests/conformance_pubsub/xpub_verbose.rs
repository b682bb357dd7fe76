//! What an XPUB is told of duplicates, and what an XSUB tells.

use super::rt::{self, *};
use super::support::*;

fn verbose() -> SocketOptions {
    SocketOptions::default().with_xpub_verbose(true)
}

fn verboser() -> SocketOptions {
    SocketOptions::default().with_xpub_verboser(true)
}

async fn sub(endpoint: &Endpoint) -> SubSocket {
    SubSocket::connect(endpoint).await.unwrap()
}

/// Has `sub` end a subscription that nobody else has: what comes before it would be seen first.
async fn nothing_else(xpub: &XPubSocket, sub: &SubSocket) {
    sub.subscribe("nothing else").unwrap();
    expect(xpub, 1, "nothing else").await;
    sub.unsubscribe("nothing else").unwrap();
    expect(xpub, 0, "nothing else").await;
}

#[test]
fn xpub_verbose() {
    for endpoint in endpoints() {
        rt::run(async move {
            for options in [SocketOptions::default(), verbose(), verboser()] {
                one_sub(&endpoint, options.clone()).await;
                two_subs(&endpoint, options.clone()).await;
                a_lost_sub(&endpoint, options).await;
            }
        });
    }
}

/// The subscriber passes on each subscription, but only the last unsubscription.
async fn one_sub(endpoint: &str, options: SocketOptions) {
    let sees_duplicates = options.xpub_verbose() || options.xpub_verboser();
    let (xpub, endpoint) = xpub(endpoint, options).await;
    let sub = sub(&endpoint).await;
    assert!(!sub.unsubscribe("A").unwrap(), "there is none");
    sub.subscribe("A").unwrap();
    expect(&xpub, 1, "A").await;
    sub.subscribe("B").unwrap();
    expect(&xpub, 1, "B").await;
    sub.subscribe("A").unwrap();
    if sees_duplicates {
        expect(&xpub, 1, "A").await;
    }
    for topic in ["A", "B"] {
        xpub.send(topic).await.unwrap();
        assert_eq!(sub.recv().await.unwrap()[0], topic);
    }
    assert!(sub.unsubscribe("A").unwrap());
    nothing_else(&xpub, &sub).await;
    assert!(sub.unsubscribe("A").unwrap());
    expect(&xpub, 0, "A").await;
    assert!(!sub.unsubscribe("A").unwrap(), "there is none any more");
    nothing_else(&xpub, &sub).await;
}

async fn two_subs(endpoint: &str, options: SocketOptions) {
    let (verbose, verboser) = (options.xpub_verbose(), options.xpub_verboser());
    let (xpub, endpoint) = xpub(endpoint, options).await;
    let subs = [sub(&endpoint).await, sub(&endpoint).await];
    subs[0].subscribe("A").unwrap();
    expect(&xpub, 1, "A").await;
    subs[1].subscribe("A").unwrap();
    if verbose || verboser {
        expect(&xpub, 1, "A").await;
    }
    nothing_else(&xpub, &subs[1]).await;
    xpub.send("A").await.unwrap();
    for sub in &subs {
        assert_eq!(sub.recv().await.unwrap()[0], "A");
    }
    subs[1].unsubscribe("A").unwrap();
    if verboser {
        expect(&xpub, 0, "A").await;
    }
    nothing_else(&xpub, &subs[1]).await;
    subs[0].unsubscribe("A").unwrap();
    expect(&xpub, 0, "A").await;
    nothing_else(&xpub, &subs[0]).await;
}

/// Verboser tells all topics of a lost peer, otherwise only those that nobody else has.
async fn a_lost_sub(endpoint: &str, options: SocketOptions) {
    let (verbose, verboser) = (options.xpub_verbose(), options.xpub_verboser());
    let (xpub, endpoint) = xpub(endpoint, options).await;
    let subs = [sub(&endpoint).await, sub(&endpoint).await];
    subs[0].subscribe("A").unwrap();
    expect(&xpub, 1, "A").await;
    subs[1].subscribe("A").unwrap();
    if verbose || verboser {
        expect(&xpub, 1, "A").await;
    }
    subs[1].subscribe("own").unwrap();
    expect(&xpub, 1, "own").await;
    let [first, second] = subs;
    second.close().await;
    let mut gone = vec![xpub.recv().await.unwrap()];
    if verboser {
        gone.push(xpub.recv().await.unwrap());
    }
    assert!(gone.contains(&notice(0, "own")));
    assert_eq!(gone.contains(&notice(0, "A")), verboser);
    nothing_else(&xpub, &first).await;
    drop(first);
    expect(&xpub, 0, "A").await;
}

#[test]
fn xsub_verbose() {
    for endpoint in endpoints() {
        for verbose in [false, true] {
            let endpoint = endpoint.clone();
            rt::run(async move {
                let (xpub, endpoint) = xpub(&endpoint, verboser()).await;
                let options = SocketOptions::default().with_xsub_verbose_unsubscribe(verbose);
                let xsub = XSubSocket::connect_with_options(endpoint, options).await.unwrap();
                let send = async |mark, shown| {
                    xsub.send(notice(mark, "A")).await.unwrap();
                    if shown {
                        expect(&xpub, mark, "A").await;
                    }
                };
                // Of a topic that there is not.
                send(0, verbose).await;
                send(1, true).await;
                send(1, true).await;
                send(0, verbose).await;
                send(0, true).await;
                send(0, verbose).await;
                xsub.send("nothing else").await.unwrap();
                assert_eq!(xpub.recv().await.unwrap()[0], "nothing else");
            });
        }
    }
}
