//! `omq-tokio`: on the program's tokio runtime, with I/O threads of its own, and through its blocking calls.

mod asynchronous;
mod blocking;
mod exclusive;
mod options;

use asynchronous::Omq;
use blocking::Blocking;
use exclusive::Exclusive;
use harness::{Kind, Mode, local, sendable};
use options::Style;
use options::profile;

fn main() {
    harness::main(&[
        Mode {
            name: "omq",
            about: "a context with one I/O thread for each side",
            kind: Kind::Plain,
            run: |task| {
                sendable::run(Omq { io_threads: true, style: Style::Plain, profile: profile(&task) }, task)
            },
        },
        Mode {
            name: "omq, local",
            about: "sockets on the program's tokio current-thread runtime",
            kind: Kind::Plain,
            run: |task| {
                sendable::run(Omq { io_threads: false, style: Style::Plain, profile: profile(&task) }, task)
            },
        },
        Mode {
            name: "omq, blocking",
            about: "blocking calls, one I/O thread for each side",
            kind: Kind::Plain,
            run: |task| local::run(Blocking { style: Style::Plain, profile: profile(&task) }, task),
        },
        Mode {
            name: "omq, try calls",
            about: "a context with one I/O thread for each side, `try_send` and `try_recv` as long as they go",
            kind: Kind::Plain,
            run: |task| {
                sendable::run(Omq { io_threads: true, style: Style::Try, profile: profile(&task) }, task)
            },
        },
        Mode {
            name: "omq, local, try calls",
            about: "the same on the current-thread runtime",
            kind: Kind::Plain,
            run: |task| {
                sendable::run(Omq { io_threads: false, style: Style::Try, profile: profile(&task) }, task)
            },
        },
        Mode {
            name: "omq, blocking, try calls",
            about: "the same with blocking calls where they do not go",
            kind: Kind::Plain,
            run: |task| local::run(Blocking { style: Style::Try, profile: profile(&task) }, task),
        },
        Mode {
            name: "omq, exclusive",
            about: "its sockets for one peer, of which DEALER and ROUTER take part",
            kind: Kind::Plain,
            run: |task| local::run(Exclusive, task),
        },
        Mode {
            name: "omq, batch calls",
            about: "`try_send_many` and `recv_many_into` with an I/O thread for each side",
            kind: Kind::Batch,
            run: |task| {
                sendable::run(Omq { io_threads: true, style: Style::Batch, profile: profile(&task) }, task)
            },
        },
        Mode {
            name: "omq, local, batch calls",
            about: "`try_send_many` and `recv_many_into` on the current-thread runtime",
            kind: Kind::Batch,
            run: |task| {
                sendable::run(Omq { io_threads: false, style: Style::Batch, profile: profile(&task) }, task)
            },
        },
        Mode {
            name: "omq, blocking, batch calls",
            about: "`try_send_many` and `recv_many_into`, blocking",
            kind: Kind::Batch,
            run: |task| local::run(Blocking { style: Style::Batch, profile: profile(&task) }, task),
        },
    ]);
}
