//! Encrypted sockets, with certificates made on the spot: what holds without TLS holds with it, and what TLS adds.
#![cfg(feature = "tls")]
#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

/// Handshakes with real keys take their time: each of the rounds that poison connections is followed by one.
#[path = "tls"]
mod dropping {
    #[path = "../../../tests/support/dropping.rs"]
    mod whole;

    pub use self::whole::poll_times;

    /// More than is encrypted at once, so that connections block inside of messages too.
    pub const LARGE: usize = 100_000;

    pub fn rounds() -> usize {
        whole::rounds() / 20
    }
}
#[path = "../../tests/support/mod.rs"]
mod support;

#[macro_use]
#[path = "../../tests/support/layered.rs"]
mod layered;

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/configured.rs"]
mod configured;

/// The runtimes with TLS upon them.
#[allow(dead_code, unused_imports, reason = "each module of tests uses a part")]
mod secured {
    use crate::configured::Configured;

    layered!("tokio", tokio, monocoque::runtime::tokio::TokioRuntime, super::Configured);
    layered!("tokio", tokio_threads, monocoque::runtime::tokio::TokioRuntime, super::Configured);
    layered!("compio", compio, monocoque::runtime::compio::CompioRuntime, super::Configured);
    layered!("smol", smol, monocoque::runtime::smol::SmolRuntime, super::Configured);
}

macro_rules! mount {
    ($feature:literal, $name:ident, $facade:ident) => {
        #[cfg(feature = $feature)]
        #[path = "tls"]
        mod $name {
            use crate::secured::$name as rt;
            use monocoque::$facade::tls as facade;

            mod encrypted;
            mod hostile;
            #[path = "../../../tests/suite/patterns.rs"]
            mod patterns;
            mod refused;
            #[path = "../../../tests/suite/sockets.rs"]
            mod sockets;
        }
    };
}

/// Without a runtime, or on a simulated one.
#[path = "tls"]
mod alone {
    mod simulated;
    mod stream;
}

mount!("tokio", tokio, tokio);
mount!("tokio", tokio_threads, tokio);
mount!("compio", compio, compio);
mount!("smol", smol, smol);
