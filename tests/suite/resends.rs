//! A message that the peer refuses does not stand in the way of those behind it.

use super::rt::{self, *};

const MIB: usize = 1024 * 1024;

macro_rules! refuse {
    ($sender:ident, $receiver:ident, $payload:expr) => {{
        let options = SocketOptions::default().with_max_message_size(MIB);
        let receiver = $receiver::bind_with_options("tcp://127.0.0.1:0", options).await.unwrap();
        let sender = $sender::connect(receiver.local_endpoint().unwrap()).await.unwrap();
        sender.send("first").await.unwrap();
        sender.send(vec![0; 4 * MIB]).await.unwrap();
        sender.send("last").await.unwrap();
        for expected in ["first", "last"] {
            assert_eq!(receiver.recv().await.unwrap()[$payload], expected);
        }
        // The system may have taken it whole before it was refused: then it counts as sent, and in doubt.
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
