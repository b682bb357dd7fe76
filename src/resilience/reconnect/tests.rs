use super::*;

const ENTROPY: u64 = 1 << 63;
const USEFUL: LostConnection = LostConnection { lasted: Duration::ZERO, received: true };
const USELESS: LostConnection = LostConnection { lasted: Duration::ZERO, received: false };

fn state(max_attempts: Option<u32>) -> ReconnectState {
    ReconnectState::new(Backoff::new().with_jitter(0.0), max_attempts)
}

fn millis(now: Instant, at: Option<Instant>) -> Option<u128> {
    at.map(|at| (at - now).as_millis())
}

#[test]
fn each_phase_follows_what_happened() {
    let mut state = state(None);
    let now = Instant::now();
    assert_eq!(state.phase(), ReconnectPhase::Disconnected);
    state.begin_attempt();
    assert_eq!(state.phase(), ReconnectPhase::Connecting);
    state.handshaking();
    assert_eq!(state.phase(), ReconnectPhase::Handshaking);
    let until = state.failed(now, ENTROPY).unwrap();
    assert_eq!(state.phase(), ReconnectPhase::Backoff { until });
    state.begin_attempt();
    state.handshaking();
    state.connected();
    assert_eq!(state.phase(), ReconnectPhase::Connected);
    let until = state.lost(now, USEFUL, ENTROPY).unwrap();
    assert_eq!(state.phase(), ReconnectPhase::Backoff { until });
    state.stop();
    assert_eq!(state.phase(), ReconnectPhase::Stopped);
}

/// Kills a reset by a mere connection, or a mere handshake, which would hammer a peer that accepts and
/// hangs up.
#[test]
fn only_a_useful_connection_resets() {
    let mut state = state(None);
    let now = Instant::now();
    for expected in [100, 200, 400, 800] {
        state.begin_attempt();
        state.handshaking();
        assert_eq!(millis(now, state.failed(now, ENTROPY)), Some(expected));
    }
    for expected in [1_600, 3_200] {
        state.begin_attempt();
        state.handshaking();
        state.connected();
        assert_eq!(millis(now, state.lost(now, USELESS, ENTROPY)), Some(expected));
    }
    assert_eq!(state.attempts(), 6);
    state.begin_attempt();
    state.handshaking();
    state.connected();
    assert_eq!(state.attempts(), 6);
    assert_eq!(millis(now, state.lost(now, USEFUL, ENTROPY)), Some(100));
    assert_eq!(state.attempts(), 0);
    for expected in [200, 400] {
        state.begin_attempt();
        assert_eq!(millis(now, state.failed(now, ENTROPY)), Some(expected));
    }
}

#[test]
fn gives_up_after_max_attempts_in_a_row() {
    let mut state = state(Some(2));
    let now = Instant::now();
    for _ in 0..3 {
        state.begin_attempt();
        assert!(state.failed(now, ENTROPY).is_some());
        state.begin_attempt();
        state.handshaking();
        state.connected();
        assert!(state.lost(now, USEFUL, ENTROPY).is_some(), "a useful connection is no failed attempt");
    }
    state.begin_attempt();
    assert!(state.failed(now, ENTROPY).is_some());
    state.begin_attempt();
    assert_eq!(state.failed(now, ENTROPY), None);
    assert_eq!((state.phase(), state.attempts()), (ReconnectPhase::Stopped, 2));
    state.reset();
    assert_eq!((state.phase(), state.attempts()), (ReconnectPhase::Disconnected, 0));
}

#[test]
fn zero_attempts_never_restore() {
    let mut state = state(Some(0));
    state.begin_attempt();
    state.connected();
    assert_eq!(state.lost(Instant::now(), USEFUL, ENTROPY), None);
    assert_eq!(state.phase(), ReconnectPhase::Stopped);
}

#[test]
fn stopped_stays_stopped() {
    let mut state = state(None);
    let now = Instant::now();
    state.stop();
    state.begin_attempt();
    state.handshaking();
    state.connected();
    assert_eq!((state.failed(now, ENTROPY), state.lost(now, USEFUL, ENTROPY)), (None, None));
    assert_eq!(state.phase(), ReconnectPhase::Stopped);
}

/// A connection is as good as no connection if it was of no use, and no better if there was none.
#[test]
fn lost_and_failed_agree() {
    let now = Instant::now();
    for (connected, lost) in [(false, USELESS), (false, USEFUL), (true, USELESS)] {
        let mut one = state(None);
        one.begin_attempt();
        if connected {
            one.connected();
        }
        let mut other = one.clone();
        assert_eq!(one.lost(now, lost, ENTROPY), other.failed(now, ENTROPY));
        assert_eq!((one.phase(), one.attempts()), (other.phase(), other.attempts()));
        assert_eq!(one.attempts(), 1);
    }
}

/// Something received is enough; without it a second is, or as long as was waited for it.
#[test]
fn what_makes_a_connection_useful() {
    let now = Instant::now();
    for (failures, lasted, useful) in [(0, 999, false), (0, 1_000, true), (5, 1_600, false), (5, 1_601, true)]
    {
        let mut state = state(None);
        for _ in 0..failures {
            state.begin_attempt();
            state.failed(now, ENTROPY);
        }
        state.begin_attempt();
        state.connected();
        let lost = LostConnection { lasted: Duration::from_millis(lasted), received: false };
        assert_eq!(state.was_useful(lost), useful, "{failures} failures, {lasted} ms");
        assert!(state.was_useful(LostConnection { received: true, ..lost }));
        state.lost(now, lost, ENTROPY);
        assert_eq!(state.attempts(), if useful { 0 } else { failures + 1 });
    }
}

/// The lazy form: the caller waits by itself, and reports what became of it.
#[test]
fn driven_by_hand() {
    let mut state = state(Some(3));
    for expected in [100, 200, 400] {
        assert_eq!(state.next_delay(ENTROPY).as_millis(), expected);
        assert_ne!(state.phase(), ReconnectPhase::Stopped);
        state.record_attempt();
    }
    assert_eq!(state.phase(), ReconnectPhase::Stopped);
    state.reset();
    assert_eq!(state.next_delay(ENTROPY).as_millis(), 100);
}

#[test]
fn a_delay_without_end_does_not_overflow_the_clock() {
    let backoff = Backoff::new().with_initial(Duration::MAX).with_max(Duration::MAX);
    let mut state = ReconnectState::new(backoff, None);
    let now = Instant::now();
    assert!(state.failed(now, u64::MAX).is_some_and(|at| at > now));
}

/// Every sequence of six calls: no panic, and until it has stopped, the end of a connection or
/// of an attempt always leads to another attempt, within the bounds of the policy.
#[test]
fn every_sequence_of_calls_is_harmless() {
    const CALLS: usize = 8;
    const LENGTH: u32 = 6;
    let now = Instant::now();
    for script in 0..CALLS.pow(LENGTH) {
        let mut state = state(Some(3));
        let mut rest = script;
        for _ in 0..LENGTH {
            let stopped = state.phase() == ReconnectPhase::Stopped;
            let ended = match rest % CALLS {
                0 => Some(state.failed(now, ENTROPY)),
                1 => Some(state.lost(now, USEFUL, ENTROPY)),
                2 => Some(state.lost(now, USELESS, ENTROPY)),
                call => {
                    let calls = [
                        ReconnectState::begin_attempt,
                        ReconnectState::handshaking,
                        ReconnectState::connected,
                        ReconnectState::reset,
                        ReconnectState::stop,
                    ];
                    calls[call - 3](&mut state);
                    None
                }
            };
            if let Some(next) = ended {
                assert_eq!(next.is_none(), stopped || state.attempts() >= 3);
                assert!(next.is_none_or(|at| at > now && at <= now + Duration::from_secs(30)));
                assert_eq!(next.is_none(), state.phase() == ReconnectPhase::Stopped);
            }
            rest /= CALLS;
        }
    }
}
