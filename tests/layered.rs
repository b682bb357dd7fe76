//! Sockets over streams that have a layer upon them: what holds without one holds with one.
#![cfg(any(feature = "tokio", feature = "compio", feature = "smol"))]
#![allow(clippy::duplicate_mod, reason = "the point: the same files, once for each runtime")]

#[macro_use(test)]
extern crate monocoque_test_limit;

#[allow(dead_code, reason = "each test binary uses a part")]
#[path = "support/dropping.rs"]
mod dropping;
#[path = "support/mod.rs"]
mod support;
#[path = "support/veil.rs"]
mod veil;
#[allow(dead_code, reason = "each test binary uses a part")]
#[path = "support/watched.rs"]
mod watched;

#[macro_use]
#[path = "support/layered.rs"]
mod layered;

/// The runtimes with a veil upon them.
#[allow(dead_code, unused_imports, reason = "each module of tests uses a part")]
mod veiled {
    use crate::veil::Veil;

    layered!("tokio", tokio, monocoque::runtime::tokio::TokioRuntime, super::Veil);
    layered!("tokio", tokio_threads, monocoque::runtime::tokio::TokioRuntime, super::Veil);
    layered!("compio", compio, monocoque::runtime::compio::CompioRuntime, super::Veil);
    layered!("smol", smol, monocoque::runtime::smol::SmolRuntime, super::Veil);
}

macro_rules! mount {
    ($feature:literal, $runtime:ident, { $($module:item)* }) => {
        #[cfg(feature = $feature)]
        #[path = "suite"]
        mod $runtime {
            use crate::veiled::$runtime as rt;

            mod layers;
            $($module)*
        }
    };
}

mount!("tokio", tokio, {});
mount!("tokio", tokio_threads, {
    mod drain;
    mod handover;
    mod patterns;
    mod proxy;
    mod sockets;
});
mount!("compio", compio, {
    mod dropped;
    mod handles;
    mod patterns;
    mod rebind;
    mod sockets;
});
mount!("smol", smol, {});
