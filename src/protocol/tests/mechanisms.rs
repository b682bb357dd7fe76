//! What is asked of PLAIN and CURVE alike.

use super::sealed::settle;
use super::*;

/// A side that has taken the greeting of another with its mechanism, and what it said then.
pub(super) fn greeted(config: &Arc<Config>) -> (Side, Vec<u8>) {
    let mut side = Side::new(config);
    side.out.take();
    side.receive(&greeting::encode(config.security.name())).unwrap();
    let said = side.out.take_bytes();
    (side, said)
}

/// Two of these wait for each other for ever.
pub(super) fn assert_two_get_nowhere(config: &Arc<Config>) {
    let (mut a, mut b) = (Side::new(config), Side::new(config));
    assert_eq!(settle(&mut a, &mut b), (vec![], vec![]));
    assert!(!a.connection.is_ready() && !b.connection.is_ready());
}

/// Greetings with other mechanisms are refused, and nothing is said to them.
pub(super) fn assert_refuses_mechanisms(config: &Arc<Config>, others: &[&str]) {
    for mechanism in others {
        let mut side = Side::new(config);
        side.out.take();
        let result = side.receive(&greeting::encode(mechanism));
        assert!(matches!(result, Err(ProtocolError::MechanismMismatch { .. })), "{mechanism:?}: {result:?}");
        assert_eq!(side.out.take_bytes(), b"");
    }
}
