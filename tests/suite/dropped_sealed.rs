//! Calls that are dropped with every frame sealed, under numbers that must rise whatever is dropped.

use monocoque::security::{CurveKeypair, accept_any_client};

use super::dropped::{every_call_dropped_between, options};
use super::rt::{self, *};

#[test]
fn every_call_dropped_while_sealed() {
    let [server, client] = [0; 2].map(|_| CurveKeypair::generate().unwrap());
    let client = options(OnCancel::Resume).with_curve_client(server.public_key(), client);
    let server = options(OnCancel::Resume).with_curve_server(server, accept_any_client());
    rt::run(every_call_dropped_between("tcp://127.0.0.1:0", OnCancel::Resume, [server, client]));
}
