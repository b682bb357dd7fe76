//! The two threads of a scenario.

use std::sync::mpsc;

use super::{Contestant, MaybeSend};
use crate::task::Transport;
use crate::{Bind, Figures, Result, Task, system};

/// The cores of server and client.
pub struct Cores(Option<(usize, usize)>);

impl Cores {
    /// One each, unless the task or the contestant does not want to be pinned.
    pub fn two(contestant: impl Contestant, task: &Task) -> Self {
        Self((task.pinned && contestant.pinned()).then_some((1, 0)))
    }

    /// One each, whatever the contestant wants.
    pub fn apart() -> Self {
        Self(Some((1, 0)))
    }

    /// One for both, whatever the contestant wants.
    pub fn one() -> Self {
        Self(Some((0, 0)))
    }
}

/// Where a server of one process listens.
pub fn endpoint(transport: Transport) -> String {
    match transport {
        Transport::Tcp => "tcp://127.0.0.1:0".into(),
        Transport::Ipc => {
            let name = format!("peers-{}.sock", std::process::id());
            format!("ipc://{}", std::env::temp_dir().join(name).display())
        }
        Transport::Inproc => "inproc://peers".into(),
    }
}

/// Runs a server, and a client as soon as the server says where it listens. The side that knows the figures
/// returns them; the other [`rests`](rest).
pub fn run<C: Contestant, S, T>(
    contestant: C,
    cores: Cores,
    bind: (String, usize),
    server: impl FnOnce(Bind) -> S + Send + 'static,
    client: impl FnOnce(String) -> T + Send + 'static,
) -> Result<Figures>
where
    S: Future<Output = Result<Figures>> + MaybeSend + 'static,
    T: Future<Output = Result<Figures>> + MaybeSend + 'static,
{
    let (outcome, first) = mpsc::channel();
    let (announce, endpoint) = mpsc::channel();
    let outcome_of_server = outcome.clone();
    let pin = |core: Option<usize>| {
        if let Some(core) = core {
            system::pin(core);
        }
    };
    std::thread::spawn(move || {
        pin(cores.0.map(|(server, _)| server));
        let bind = Bind::new(bind.0, bind.1, move |endpoint| {
            let _ = announce.send(endpoint);
        });
        let _ = outcome_of_server.send(contestant.run(server(bind)));
    });
    std::thread::spawn(move || {
        pin(cores.0.map(|(_, client)| client));
        if let Ok(endpoint) = endpoint.recv() {
            let _ = outcome.send(contestant.run(client(endpoint)));
        }
    });
    first.recv()?
}

/// Keeps the sockets, and the runtime going, until the other side has ended the task.
pub async fn rest<T>(sockets: T) -> Result<Figures> {
    std::future::pending::<()>().await;
    drop(sockets);
    Ok(Figures::new())
}
