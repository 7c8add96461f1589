//! Connections of the gRPC interface: bounded in number, with TLS where it is configured.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::tls::TlsFiles;
use crate::grpc::Peer;

/// How long a connection is kept over which no client has asked.
const STRANGER: Duration = Duration::from_secs(10);
/// How long the first messages of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long nobody is let in after the system had nothing to give: too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections of a listener, as they come.
pub(super) struct Incoming(Receiver<Connection>);

impl Incoming {
    /// Accepts connections, at most so many at a time: who comes then waits in the system's queue.
    pub(super) fn accept(listener: TcpListener, tls: Option<Arc<TlsFiles>>, most: usize) -> Self {
        let (ready, incoming) = channel(64);
        tokio::spawn(accept(listener, tls, Arc::new(Semaphore::new(most)), ready));
        Self(incoming)
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<TlsFiles>>,
    places: Arc<Semaphore>,
    ready: Sender<Connection>,
) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Votes are small: nobody waits for more to send.
        let _nodelay = stream.set_nodelay(true);
        match &tls {
            None => {
                let plain = Connection::new(Transport::Plain(stream), place);
                if ready.send(plain).await.is_err() {
                    return;
                }
            }
            Some(tls) => {
                let (acceptor, ready) = (tls.acceptor(), ready.clone());
                tokio::spawn(handshake(acceptor, stream, place, ready));
            }
        }
    }
}

async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    ready: Sender<Connection>,
) {
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let connection = Connection::new(Transport::Tls(Box::new(stream)), place);
            let _stopping = ready.send(connection).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|connection| connection.map(Ok))
    }
}

/// A connection, and its place among those that are allowed at a time.
pub(super) struct Connection {
    stream: Transport,
    peer: Peer,
    /// When it ends, unless a client has asked by then.
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: Transport, place: OwnedSemaphorePermit) -> Self {
        let certificate = match &stream {
            Transport::Plain(_) => None,
            Transport::Tls(stream) => stream.get_ref().1.peer_certificates().and_then(<[_]>::first),
        };
        let certificate = certificate.map(|der| Sha256::digest(der).into());
        let peer = Peer::new(certificate);
        Self { stream, peer, end: Box::pin(tokio::time::sleep(STRANGER)), _place: place }
    }
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl Connection {
    /// Ends a connection over which no client has asked in time, whether it does not write or does not read.
    fn check_end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.peer.is_known() && self.end.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_end(context)?;
        match &mut self.stream {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_end(context)?;
        match &mut self.stream {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_end(context)?;
        match &mut self.stream {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_end(context)?;
        match &mut self.stream {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        }
    }
}
