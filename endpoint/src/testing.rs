//! A node that answers by a script.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::url::Url;

/// A request that a scripted node got.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// `GET` or `POST`.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// The JSON; null where there is none.
    pub body: Value,
}

type Script = dyn Fn(&Asked) -> (u16, String) + Send + Sync;

/// What a connection is answered with.
struct Answers {
    script: Box<Script>,
    #[cfg(feature = "subscriptions")]
    feed: Option<Box<Feed>>,
}

/// A server of HTTP on loopback that answers each request by a script, until the process ends.
pub struct ScriptedNode {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ScriptedNode {
    /// Returns a server with this script, which says the status and the body.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn new(script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::answering(Answers {
            script: Box::new(script),
            #[cfg(feature = "subscriptions")]
            feed: None,
        })
    }

    /// Returns a server with this script, and a WebSocket at every path that tells what this feed says.
    ///
    /// # Panics
    /// When there is no free port.
    #[cfg(feature = "subscriptions")]
    pub fn telling(
        script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
        feed: impl Fn(&Value, &mut dyn FnMut(String)) + Send + Sync + 'static,
    ) -> Self {
        Self::answering(Answers { script: Box::new(script), feed: Some(Box::new(feed)) })
    }

    #[allow(clippy::unwrap_used, reason = "it is for tests")]
    fn answering(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, answers): (Arc<Mutex<Vec<Asked>>>, _) = (Arc::default(), Arc::new(answers));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, answers) = (noted.clone(), answers.clone());
                std::thread::spawn(move || stream.map(|stream| serve(&stream, &noted, &answers)));
            }
        });
        Self { address, asked }
    }

    /// Returns a server that answers every request with this body.
    pub fn always(body: impl Into<String>) -> Self {
        let body = body.into();
        Self::new(move |_| (200, body.clone()))
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its address, with this path.
    ///
    /// # Panics
    /// When the path is none.
    #[allow(clippy::unwrap_used, reason = "it is for tests")]
    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// Returns what it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns an answer of JSON-RPC with a result.
pub fn rpc_result(value: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "result": value }).to_string()
}

/// Returns an answer of JSON-RPC with an error.
pub fn rpc_error(code: i64, message: &str, data: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": message, "data": data } })
        .to_string()
}

/// Answers each request of a connection.
fn serve(mut stream: &TcpStream, noted: &Mutex<Vec<Asked>>, answers: &Answers) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).ok()?;
        #[cfg(feature = "subscriptions")]
        if let Some(feed) = answers.feed.as_ref().filter(|_| head.to_lowercase().contains("\r\nupgrade: ")) {
            let read = std::io::Cursor::new(head.into_bytes()).chain(stream);
            return speak(Again { read, stream }, &**feed);
        }
        let mut words = head.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let lower = head.to_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.map_or(Some(0), |length| length.parse().ok())?];
        stream.read_exact(&mut body).ok()?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let asked = Asked { method, path, body };
        let (status, answer) = (answers.script)(&asked);
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        let answer = format!("HTTP/1.1 {status} OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

/// What is told to whoever subscribes: by the call, until it has said all.
#[cfg(feature = "subscriptions")]
pub type Feed = dyn Fn(&Value, &mut dyn FnMut(String)) + Send + Sync;

/// Speaks over a WebSocket with whoever subscribes: by what was sent first, says what the feed says.
#[cfg(feature = "subscriptions")]
pub(crate) fn speak<S: std::io::Read + std::io::Write>(stream: S, feed: &Feed) -> Option<()> {
    let mut socket = tungstenite::accept(stream).ok()?;
    let asked = socket.read().ok()?.into_text().ok()?;
    let asked = serde_json::from_str(&asked).unwrap_or_default();
    feed(&asked, &mut |text| {
        let _gone = socket.send(tungstenite::Message::text(text));
    });
    Some(())
}

/// A connection of which a part was read.
#[cfg(feature = "subscriptions")]
struct Again<'a> {
    read: std::io::Chain<std::io::Cursor<Vec<u8>>, &'a TcpStream>,
    stream: &'a TcpStream,
}

#[cfg(feature = "subscriptions")]
impl std::io::Read for Again<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.read.read(buffer)
    }
}

#[cfg(feature = "subscriptions")]
impl std::io::Write for Again<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}
