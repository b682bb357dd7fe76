//! What Unix sockets of every runtime have in common.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::listen::Bound;
use super::tcp;
use crate::endpoint::{Endpoint, IpcEndpoint};
use crate::options::TransportOptions;
use crate::runtime::Sleeper;

/// The first pause before another attempt at a listener whose backlog is full; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How often a path is tried that others take and leave again meanwhile.
const BIND_ATTEMPTS: usize = 10;

/// Held while a path is bound: replacing a dead file takes several calls, and two sockets of this process
/// must not take each other's fresh file for the dead one. Between processes a window of microseconds
/// remains.
static BINDING: Mutex<()> = Mutex::new(());

/// The file of a listening socket, removed when this is dropped.
///
/// To be dropped before its socket, which keeps the inode number from being given to another file.
#[derive(Debug)]
pub(in crate::runtime) struct SocketFile {
    /// Absolute: the working directory may change.
    path: PathBuf,
    inode: Inode,
}

/// What distinguishes a file from all others there are: device and inode number.
type Inode = (u64, u64);

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let inode = inode(&fs::symlink_metadata(path)?);
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, inode })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Where another file has taken its place, or it cannot be removed, there is nobody to tell.
        let _removed = remove(&self.path, self.inode);
    }
}

fn inode(metadata: &fs::Metadata) -> Inode {
    (metadata.dev(), metadata.ino())
}

/// Removes `path` if it still is the file that it was.
fn remove(path: &Path, expected: Inode) -> io::Result<()> {
    if inode(&fs::symlink_metadata(path)?) == expected { fs::remove_file(path) } else { Ok(()) }
}

/// Binds `ipc` and listens.
pub(in crate::runtime) fn listen(ipc: &IpcEndpoint, options: &TransportOptions) -> io::Result<Bound> {
    match ipc {
        IpcEndpoint::Path(path) => listen_at(path, options),
        IpcEndpoint::Any => listen_anywhere(options),
        IpcEndpoint::Abstract(_) | IpcEndpoint::Unnamed => {
            let socket = open(&address(ipc)?, options)?;
            Ok(Bound { file: None, socket, local: Endpoint::Ipc(ipc.clone()) })
        }
    }
}

/// Listens at a path, and replaces a socket file there that nobody listens on any more.
fn listen_at(path: &Path, options: &TransportOptions) -> io::Result<Bound> {
    let local = IpcEndpoint::Path(path.to_owned());
    let address = address(&local)?;
    let _guard = BINDING.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..BIND_ATTEMPTS {
        match open(&address, options) {
            Ok(socket) => {
                let file = Some(SocketFile::of(path)?);
                return Ok(Bound { file, socket, local: Endpoint::Ipc(local) });
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => reclaim(path, &address)?,
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Listens at a path that nobody else has.
fn listen_anywhere(options: &TransportOptions) -> io::Result<Bound> {
    loop {
        let name = format!("monocoque-{}-{:016x}", std::process::id(), fastrand::u64(..));
        match listen_at(&std::env::temp_dir().join(name), options) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            done => return done,
        }
    }
}

fn open(address: &SockAddr, options: &TransportOptions) -> io::Result<Socket> {
    let socket = socket(options)?;
    socket.bind(address)?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

fn socket(options: &TransportOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    configure(&socket, options)?;
    Ok(socket)
}

/// Applies what the user chose.
pub(in crate::runtime) fn configure(socket: &Socket, options: &TransportOptions) -> io::Result<()> {
    tcp::set_buffers(socket, options)
}

/// Removes the dead socket file that keeps `path` from being bound; an error if something else does.
fn reclaim(path: &Path, address: &SockAddr) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        let error = format!("{} exists and is not a socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, error));
    }
    // Who listens is connected to at once, for the kernel does that; a listener sees a connection that
    // says nothing.
    match socket(&TransportOptions::default())?.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => remove(path, inode(&found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Connects to `ipc`; where the listener's backlog is full it tries again until there is room.
pub(in crate::runtime) async fn connect<R: Sleeper>(
    runtime: &R,
    ipc: &IpcEndpoint,
    options: &TransportOptions,
) -> io::Result<Socket> {
    let address = address(ipc)?;
    let mut pause = FIRST_PAUSE;
    loop {
        let socket = socket(options)?;
        match socket.connect(&address) {
            // The kernel does not say when there is room.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done.map(|()| socket),
        }
        drop(socket);
        runtime.sleep_until(runtime.now() + pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The address as the system takes it.
fn address(ipc: &IpcEndpoint) -> io::Result<SockAddr> {
    let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    let name = match ipc {
        IpcEndpoint::Path(path) => path.as_os_str(),
        IpcEndpoint::Abstract(name) => name,
        IpcEndpoint::Any | IpcEndpoint::Unnamed => return invalid("the endpoint names no socket"),
    };
    // An endpoint that was not parsed may have anything in it; a zero byte in front would change its kind.
    if name.is_empty() || name.as_bytes().contains(&0) {
        return invalid("the name of the socket is empty or has a zero byte in it");
    }
    if let IpcEndpoint::Path(path) = ipc {
        return SockAddr::unix(path);
    }
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        let error = "abstract names, as in ipc://@name, exist on Linux and Android only";
        return Err(io::Error::new(io::ErrorKind::Unsupported, error));
    }
    let mut marked = OsString::from("\0");
    marked.push(name);
    SockAddr::unix(marked)
}

/// The endpoint that a Unix address stands for.
pub(in crate::runtime) fn endpoint(address: &SockAddr) -> IpcEndpoint {
    if let Some(path) = address.as_pathname() {
        return IpcEndpoint::Path(path.to_owned());
    }
    match address.as_abstract_namespace() {
        Some(name) => IpcEndpoint::Abstract(OsString::from_vec(name.to_vec())),
        None => IpcEndpoint::Unnamed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SocketOptions;
    use std::os::unix::net::{UnixListener, UnixStream};

    /// A folder of the test's own.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let name = format!("monocoque-test-{}-{:016x}", std::process::id(), fastrand::u64(..));
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        /// The name of a socket in it.
        fn socket(&self) -> (PathBuf, IpcEndpoint) {
            let path = self.0.join("socket");
            (path.clone(), IpcEndpoint::Path(path))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn listen(ipc: &IpcEndpoint) -> io::Result<Bound> {
        super::listen(ipc, &TransportOptions::default())
    }

    #[track_caller]
    fn assert_in_use(result: io::Result<Bound>) {
        assert_eq!(result.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_dead_socket_file_is_replaced_and_a_live_one_is_not() {
        let folder = Folder::new();
        let (path, ipc) = folder.socket();
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listening = listen(&ipc).unwrap();
        UnixStream::connect(&path).unwrap();
        assert_in_use(listen(&ipc));
        drop(listening);
        assert!(!path.exists());
    }

    /// Also a backlog without room is a sign of life.
    #[test]
    fn a_busy_listener_is_alive() {
        let folder = Folder::new();
        let (path, ipc) = folder.socket();
        let options = SocketOptions::default().with_backlog(1).transport;
        let busy = super::listen(&ipc, &options).unwrap();
        let connect = || {
            let socket = socket(&options).unwrap();
            socket.connect(&SockAddr::unix(&path).unwrap()).map(|()| socket)
        };
        let mut connected = Vec::new();
        let full = loop {
            match connect() {
                Ok(socket) => connected.push(socket),
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        assert_in_use(listen(&ipc));
        assert!(path.exists());
        drop(busy);
    }

    #[test]
    fn what_is_not_a_socket_stays() {
        let folder = Folder::new();
        let (path, ipc) = folder.socket();
        fs::write(&path, "precious").unwrap();
        assert_in_use(listen(&ipc));
        assert!(listen(&ipc).err().unwrap().to_string().contains("is not a socket"));
        assert_eq!(fs::read(&path).unwrap(), b"precious");

        // Nor is a link to a dead socket one.
        let target = folder.0.join("target");
        drop(UnixListener::bind(&target).unwrap());
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert_in_use(listen(&ipc));
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink() && target.exists());
    }

    #[test]
    fn the_file_of_another_is_not_removed() {
        let folder = Folder::new();
        let (path, ipc) = folder.socket();
        let first = listen(&ipc).unwrap();
        fs::remove_file(&path).unwrap();
        let second = listen(&ipc).unwrap();
        drop(first);
        UnixStream::connect(&path).unwrap();
        drop(second);
        assert!(!path.exists());
    }

    /// Many find the same dead file: one takes its place, and nobody takes it from the one.
    #[test]
    fn of_many_binders_one_wins() {
        for _ in 0..20 {
            let folder = Folder::new();
            let (path, ipc) = folder.socket();
            drop(UnixListener::bind(&path).unwrap());
            let binders: Vec<_> = (0..4)
                .map(|_| {
                    let ipc = ipc.clone();
                    std::thread::spawn(move || listen(&ipc))
                })
                .collect();
            let results: Vec<_> = binders.into_iter().map(|binder| binder.join().unwrap()).collect();
            let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
            assert_eq!((won.len(), lost.len()), (1, 3));
            lost.into_iter().for_each(assert_in_use);
            UnixStream::connect(&path).unwrap();
        }
    }

    #[test]
    fn wildcards_are_fresh_paths() {
        let listening = [listen(&IpcEndpoint::Any).unwrap(), listen(&IpcEndpoint::Any).unwrap()];
        assert_ne!(listening[0].local, listening[1].local);
        for Bound { file, socket, local } in listening {
            let Endpoint::Ipc(IpcEndpoint::Path(path)) = local else { panic!("{local}") };
            assert!(path.starts_with(std::env::temp_dir()));
            UnixStream::connect(&path).unwrap();
            drop(file);
            assert!(!path.exists());
            drop(socket);
        }
    }

    #[test]
    fn addresses_and_endpoints_correspond() {
        let mut names = vec![IpcEndpoint::Path("a/b".into()), IpcEndpoint::Path("/x".into())];
        if cfg!(any(target_os = "linux", target_os = "android")) {
            names.push(IpcEndpoint::Abstract("x y".into()));
            names.push(IpcEndpoint::Abstract(OsString::from_vec(vec![b'n', 0xFF])));
        }
        for ipc in names {
            assert_eq!(endpoint(&address(&ipc).unwrap()), ipc);
        }
        for ipc in [
            IpcEndpoint::Any,
            IpcEndpoint::Unnamed,
            IpcEndpoint::Path("".into()),
            IpcEndpoint::Path("\0x".into()),
            IpcEndpoint::Path("x".repeat(200).into()),
            IpcEndpoint::Abstract("".into()),
            IpcEndpoint::Abstract("x\0".into()),
            IpcEndpoint::Abstract("x".repeat(200).into()),
        ] {
            assert_eq!(address(&ipc).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{ipc:?}");
        }
        let (left, _right) = UnixStream::pair().unwrap();
        assert_eq!(endpoint(&socket2::SockRef::from(&left).peer_addr().unwrap()), IpcEndpoint::Unnamed);
    }

    #[test]
    fn buffers_are_set() {
        let options = SocketOptions::default().with_send_buffer(20_000).with_recv_buffer(30_000);
        let socket = socket(&options.transport).unwrap();
        // Linux reports twice what was asked for.
        assert!((20_000..=40_000).contains(&socket.send_buffer_size().unwrap()));
        assert!((30_000..=60_000).contains(&socket.recv_buffer_size().unwrap()));
    }
}
