//! Subscriptions: JSON-RPC over a WebSocket, whose server speaks when something happened.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket, client::client_with_config};

use crate::error::{EndpointError, SubscriptionError};
use crate::http::Limits;
use crate::trust::Trust;
use crate::url::Url;

/// The longest of one wait for bytes, after which the time is looked at.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What a node tells without being asked each time.
pub struct Subscription {
    url: Url,
    socket: WebSocket<Stream>,
    limits: Limits,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", self.url)
    }
}

/// A connection, in the clear or not. Both are ended by a deadline, however slowly the other side speaks.
enum Bytes {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

struct Stream {
    bytes: Bytes,
    until: Option<Instant>,
}

impl Stream {
    const fn tcp(&self) -> &TcpStream {
        match &self.bytes {
            Bytes::Plain(stream) => stream,
            Bytes::Tls(stream) => &stream.sock,
        }
    }

    /// Lets the next bytes take as long as there is time.
    fn limit(&self) -> io::Result<()> {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(ErrorKind::TimedOut.into());
        }
        let left = left.map(|left| left.max(SHORTEST_WAIT));
        self.tcp().set_read_timeout(left)?;
        self.tcp().set_write_timeout(left)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit()?;
        match &mut self.bytes {
            Bytes::Plain(stream) => stream.read(buffer),
            Bytes::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.limit()?;
        match &mut self.bytes {
            Bytes::Plain(stream) => stream.write(buffer),
            Bytes::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.bytes {
            Bytes::Plain(stream) => stream.flush(),
            Bytes::Tls(stream) => stream.flush(),
        }
    }
}

impl Subscription {
    /// Connects to a path below a node's address, calls this method there once, and waits for its answer.
    ///
    /// # Errors
    /// [`EndpointError`]: there is no WebSocket, or the call is refused.
    pub fn open(
        url: &Url,
        path: &str,
        (method, params): (&str, &Value),
        limits: Limits,
        trust: &Trust,
    ) -> Result<Self, EndpointError> {
        let failed = |cause| EndpointError::Subscription { url: url.clone(), cause };
        let until = Instant::now().checked_add(limits.within);
        let stream = connect(url, limits.within, until, trust).map_err(failed)?;
        let most = usize::try_from(limits.most_bytes).unwrap_or(usize::MAX);
        let config = WebSocketConfig::default().max_message_size(Some(most)).max_frame_size(Some(most));
        let opened = client_with_config(url.at_websocket(path), stream, Some(config));
        let (socket, _) = opened.map_err(|error| match error {
            HandshakeError::Failure(error) => failed(error.into()),
            HandshakeError::Interrupted(_) => failed(SubscriptionError::TooLate),
        })?;
        let mut opened = Self { url: url.clone(), socket, limits };
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        opened.socket.send(Message::text(call.to_string())).map_err(|error| failed(error.into()))?;
        match opened.next(limits.within)? {
            Some(_) => Ok(opened),
            None => Err(failed(SubscriptionError::TooLate)),
        }
    }

    /// Waits for what the node tells next; `None` where that is nothing in this time. Answers pings
    /// meanwhile.
    ///
    /// # Errors
    /// [`EndpointError`]: the connection is over, or what comes is no JSON-RPC.
    pub fn next(&mut self, within: Duration) -> Result<Option<Value>, EndpointError> {
        let until = Instant::now().checked_add(within);
        let failed = |url: &Url, cause| EndpointError::Subscription { url: url.clone(), cause };
        loop {
            self.socket.get_mut().until = until;
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(tungstenite::Error::Io(error)) if is_late(&error) => return Ok(None),
                Err(error) => return Err(failed(&self.url, error.into())),
            };
            // A pong is sent at once, and not with the next message, which is never.
            self.socket.get_mut().until = Instant::now().checked_add(self.limits.within);
            self.socket.flush().map_err(|error| failed(&self.url, error.into()))?;
            match message {
                Message::Text(text) => {
                    return crate::json_rpc::result_of(&self.url, text.as_bytes()).map(Some);
                }
                Message::Close(_) => return Err(failed(&self.url, SubscriptionError::Closed)),
                _ => {}
            }
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn connect(
    url: &Url,
    within: Duration,
    until: Option<Instant>,
    trust: &Trust,
) -> Result<Stream, SubscriptionError> {
    let (host, port) = url.host_and_port();
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, within) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                let bytes = match url.is_tls() {
                    false => Bytes::Plain(stream),
                    true => {
                        let name = ServerName::try_from(host.to_owned())
                            .map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
                        let connection = ClientConnection::new(trust.for_subscriptions()?, name)?;
                        Bytes::Tls(Box::new(StreamOwned::new(connection, stream)))
                    }
                };
                return Ok(Stream { bytes, until });
            }
            Err(error) => last = error,
        }
    }
    Err(last.into())
}
