//! The address of a Unix socket.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::EndpointError;

/// What the kernel has room for in a socket's address (`sun_path`), its final zero byte aside.
const MAX_LEN: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

/// The name of a Unix socket.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum IpcEndpoint {
    /// A path in the file system, relative to the working directory or absolute.
    Path(PathBuf),
    /// `@name`: a name without a file, gone with its socket; Linux and Android only.
    Abstract(OsString),
    /// `*`: a fresh path in the folder for temporary files; for binding only.
    Any,
    /// No name: the other end of a connection that was accepted, as it appears in events. It can be neither
    /// bound nor connected to.
    Unnamed,
}

impl IpcEndpoint {
    /// Parses what follows `ipc://` in `text`.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, EndpointError> {
        if name.len() > MAX_LEN {
            return Err(EndpointError::PathTooLong { endpoint: text.to_owned(), max: MAX_LEN });
        }
        if name.contains('\0') {
            return Err(EndpointError::InvalidPath(text.to_owned()));
        }
        match name.strip_prefix('@') {
            _ if name == "*" => Ok(Self::Any),
            _ if name.is_empty() => Err(EndpointError::MissingPath(text.to_owned())),
            Some("") => Err(EndpointError::MissingPath(text.to_owned())),
            Some(name) => Ok(Self::Abstract(name.into())),
            None => Ok(Self::Path(name.into())),
        }
    }
}

impl fmt::Display for IpcEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => write!(f, "@{}", name.to_string_lossy()),
            Self::Any => f.write_str("*"),
            Self::Unnamed => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;
    use super::*;

    fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        text.parse()
    }

    #[test]
    fn well_formed_names_round_trip() {
        for (text, expected) in [
            ("ipc:///tmp/x", IpcEndpoint::Path("/tmp/x".into())),
            ("ipc://x", IpcEndpoint::Path("x".into())),
            ("ipc://a b/ü:1", IpcEndpoint::Path("a b/ü:1".into())),
            ("ipc://./*", IpcEndpoint::Path("./*".into())),
            ("ipc://*x", IpcEndpoint::Path("*x".into())),
            ("ipc://./@x", IpcEndpoint::Path("./@x".into())),
            ("ipc://@x", IpcEndpoint::Abstract("x".into())),
            ("ipc://@/a/@b", IpcEndpoint::Abstract("/a/@b".into())),
            ("ipc://*", IpcEndpoint::Any),
        ] {
            let endpoint = parse(text).unwrap();
            assert_eq!(endpoint, Endpoint::Ipc(expected));
            assert_eq!(endpoint.to_string(), text);
            assert_eq!((endpoint.port(), endpoint.clone().with_port(7)), (None, endpoint), "{text}");
        }
    }

    #[test]
    fn malformed_names_say_what_is_wrong() {
        use EndpointError as E;
        for text in ["ipc://", "ipc://@"] {
            assert_eq!(parse(text), Err(E::MissingPath(text.into())));
        }
        for text in ["ipc://a\0b", "ipc://\0", "ipc://@a\0"] {
            assert_eq!(parse(text), Err(E::InvalidPath(text.into())));
        }
        for prefix in ["", "@"] {
            let named = |len: usize| format!("ipc://{prefix}{}", "n".repeat(len - prefix.len()));
            assert!(parse(&named(MAX_LEN)).is_ok());
            let endpoint = named(MAX_LEN + 1);
            assert_eq!(parse(&endpoint), Err(E::PathTooLong { endpoint, max: MAX_LEN }));
        }
    }

    #[test]
    fn what_names_no_socket_is_not_connected_to() {
        for ipc in [IpcEndpoint::Any, IpcEndpoint::Unnamed] {
            let endpoint = Endpoint::Ipc(ipc);
            let refused = Err(EndpointError::NotConnectable(endpoint.clone()));
            assert_eq!(endpoint.check_connectable(), refused);
        }
        for text in ["ipc://x", "ipc://@x"] {
            assert_eq!(parse(text).unwrap().check_connectable(), Ok(()));
        }
        let unnamed = Endpoint::Ipc(IpcEndpoint::Unnamed);
        assert_eq!(unnamed.check_bindable(), Err(EndpointError::NotBindable(unnamed)));
        assert_eq!(parse("ipc://*").unwrap().check_bindable(), Ok(()));
    }
}
