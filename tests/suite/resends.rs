//! A message that the peer refuses does not stand in the way of those behind it.

use super::rt::{self, *};

const MIB: usize = 1024 * 1024;

macro_rules! refuse {
    ($sender:ident, $receiver:ident, $payload:expr) => {{
        // The system cannot take the message whole: what is behind it would be written too, and lost with it.
        let small = || SocketOptions::default().with_send_buffer(64 * 1024).with_recv_buffer(64 * 1024);
        let options = small().with_max_message_size(MIB);
        let receiver = $receiver::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let sender = $sender::connect_with_options(receiver.local_endpoint().unwrap(), small());
        let sender = sender.await.unwrap();
        sender.send("first").await.unwrap();
        sender.send(vec![0; 4 * MIB]).await.unwrap();
        sender.send("last").await.unwrap();
        for expected in ["first", "last"] {
            assert_eq!(receiver.recv().await.unwrap()[$payload], expected);
        }
        let stats = sender.stats();
        assert_eq!(stats.dropped(DropCause::Refused), stats.dropped_total());
        assert_eq!(stats.accepted, stats.sent + stats.queued + stats.dropped_total());
    }};
}

#[test]
fn what_is_behind_a_refused_message_goes_on() {
    rt::run(async {
        refuse!(PushSocket, PullSocket, 0);
        refuse!(DealerSocket, RouterSocket, 1);
        refuse!(PairSocket, PairSocket, 0);
    });
}
