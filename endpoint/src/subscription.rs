//! Subscriptions: JSON-RPC over a WebSocket, whose server speaks when something happened.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message, WebSocket, client::client_with_config};

use crate::error::{EndpointError, SubscriptionError};
use crate::http::Limits;
use crate::trust::Trust;
use crate::url::Url;

/// Zero is no time limit to the system.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// How many frames that say nothing are taken for one that does.
const MOST_SILENT_FRAMES: u32 = 100;

/// What a node tells without being asked each time.
pub struct Subscription {
    url: Url,
    socket: WebSocket<Stream>,
    limits: Limits,
    heard: Instant,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", self.url)
    }
}

/// A connection whose every byte comes before a deadline: whatever is made of the bytes, it waits no longer.
struct Timed {
    tcp: TcpStream,
    until: Instant,
}

/// A connection, in the clear or not.
enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Timed {
    /// Lets the next bytes take as long as there is time.
    fn limit(&self) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        let left = Some(left.max(SHORTEST_WAIT));
        self.tcp.set_read_timeout(left)?;
        self.tcp.set_write_timeout(left)
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit()?;
        self.tcp.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.limit()?;
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

impl Stream {
    fn wait_until(&mut self, until: Instant) {
        match self {
            Self::Plain(timed) => timed.until = until,
            Self::Tls(stream) => stream.sock.until = until,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Far enough for everyone.
const LONGEST: Duration = Duration::from_secs(86_400);

fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time.min(LONGEST)).unwrap_or(now)
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
        let stream = connect(url, after(limits.within), trust).map_err(failed)?;
        let most = usize::try_from(limits.most_bytes).unwrap_or(usize::MAX);
        let config = WebSocketConfig::default().max_message_size(Some(most)).max_frame_size(Some(most));
        let opened = client_with_config(url.at_websocket(path), stream, Some(config));
        let (socket, _) = opened.map_err(|error| match error {
            HandshakeError::Failure(error) => failed(error.into()),
            HandshakeError::Interrupted(_) => failed(SubscriptionError::TooLate),
        })?;
        let mut opened = Self { url: url.clone(), socket, limits, heard: Instant::now() };
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        opened.socket.send(Message::text(call.to_string())).map_err(|error| failed(error.into()))?;
        match opened.next::<IgnoredAny>(limits.within)? {
            Some(_) => Ok(opened),
            None => Err(failed(SubscriptionError::TooLate)),
        }
    }

    /// Waits for what the node tells next; `None` where that is nothing in this time. Pings are answered
    /// meanwhile. What `T` does not ask for is not kept.
    ///
    /// # Errors
    /// [`EndpointError`]: the connection is over, or what comes is no JSON-RPC with a `T` in it.
    pub fn next<T: DeserializeOwned>(&mut self, within: Duration) -> Result<Option<T>, EndpointError> {
        let until = after(within);
        let failed = |url: &Url, cause| EndpointError::Subscription { url: url.clone(), cause };
        for _ in 0..MOST_SILENT_FRAMES {
            self.socket.get_mut().wait_until(until);
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(tungstenite::Error::Io(error)) if is_late(&error) => return Ok(None),
                Err(error) => return Err(failed(&self.url, error.into())),
            };
            self.heard = Instant::now();
            // A pong is sent at once, and not with the next message, which is never.
            self.socket.get_mut().wait_until(after(self.limits.within));
            self.socket.flush().map_err(|error| failed(&self.url, error.into()))?;
            match message {
                Message::Text(text) => {
                    return crate::json_rpc::result_of(&self.url, text.as_bytes()).map(Some);
                }
                Message::Close(_) => return Err(failed(&self.url, SubscriptionError::Closed)),
                _ => {}
            }
        }
        Err(failed(&self.url, SubscriptionError::Flood))
    }

    /// Returns how long nothing has come, not even a ping.
    pub fn silent_for(&self) -> Duration {
        self.heard.elapsed()
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn connect(url: &Url, until: Instant, trust: &Trust) -> Result<Stream, SubscriptionError> {
    let (host, port) = url.host_and_port();
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(SubscriptionError::TooLate);
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                let timed = Timed { tcp, until };
                if !url.is_tls() {
                    return Ok(Stream::Plain(timed));
                }
                let name = ServerName::try_from(host.to_owned())
                    .map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
                let connection = ClientConnection::new(trust.for_subscriptions()?, name)?;
                return Ok(Stream::Tls(Box::new(StreamOwned::new(connection, timed))));
            }
            Err(error) => last = error,
        }
    }
    Err(last.into())
}
