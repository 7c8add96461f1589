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
    #[allow(clippy::unwrap_used, reason = "it is for tests")]
    pub fn new(script: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, script): (Arc<Mutex<Vec<Asked>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, script) = (noted.clone(), script.clone());
                std::thread::spawn(move || stream.map(|stream| serve(&stream, &noted, &*script)));
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
fn serve(mut stream: &TcpStream, noted: &Mutex<Vec<Asked>>, script: &Script) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).ok()?;
        let mut words = head.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let lower = head.to_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.map_or(Some(0), |length| length.parse().ok())?];
        stream.read_exact(&mut body).ok()?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let asked = Asked { method, path, body };
        let (status, answer) = script(&asked);
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        let answer = format!("HTTP/1.1 {status} OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(answer.as_bytes()).ok()?;
    }
}
