//! A connection on which recorded bytes are sent, in place of those of the library that reads the answer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Buf as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

/// Reads through, and swallows what is written: the recorded client has said everything. Nothing is read
/// before the library has written its request, as it takes an answer before that for a fault.
struct Spoken {
    stream: TcpStream,
    request: Arc<Request>,
}

/// How far the library's request is.
#[derive(Default)]
struct Request(Mutex<Progress>);

#[derive(Default)]
struct Progress {
    is_made: bool,
    is_written: bool,
    reader: Option<Waker>,
}

impl Request {
    fn made(&self) {
        self.0.lock().unwrap().is_made = true;
    }

    fn written(&self) {
        let mut progress = self.0.lock().unwrap();
        if progress.is_made && !progress.is_written {
            progress.is_written = true;
            if let Some(reader) = progress.reader.take() {
                reader.wake();
            }
        }
    }
}

impl AsyncRead for Spoken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut progress = self.request.0.lock().unwrap();
        if !progress.is_written {
            progress.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(progress);
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Spoken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.request.written();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Sends recorded bytes, and returns the status, its text, and the response's message.
pub(crate) async fn exchange(mut stream: TcpStream, bytes: Vec<u8>) -> (u32, String, Vec<u8>) {
    stream.write_all(&bytes).await.unwrap();
    let window = 32 << 20;
    let progress = Arc::new(Request::default());
    let builder = h2::client::Builder::new()
        .initial_window_size(window)
        .initial_connection_window_size(window)
        .handshake::<_, bytes::Bytes>(Spoken { stream, request: progress.clone() });
    let (send, connection) = builder.await.unwrap();
    let mut send = send.ready().await.unwrap();
    // Its first request has the number of the recorded one.
    let request = http::Request::post("http://signer.test/replayed").body(()).unwrap();
    let (answer, _) = send.send_request(request, true).unwrap();
    progress.made();
    // It is written from here on.
    let driven = tokio::spawn(connection);
    let answer = answer.await.unwrap();
    let (head, mut body) = answer.into_parts();
    let mut response = Vec::new();
    while let Some(data) = body.data().await {
        response.extend_from_slice(data.unwrap().chunk());
    }
    let trailers = body.trailers().await.unwrap().unwrap_or_default();
    driven.abort();
    let value = |name: &str| trailers.get(name).or_else(|| head.headers.get(name)).cloned();
    let status = value("grpc-status").unwrap().to_str().unwrap().parse().unwrap();
    let message = value("grpc-message").map(|text| percent_decode(text.as_bytes())).unwrap_or_default();
    (status, message, response.get(5..).unwrap_or_default().to_vec())
}

fn percent_decode(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).copied().collect();
                bytes.extend(hex::decode(digits).unwrap());
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}
