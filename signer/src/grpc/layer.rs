//! What stands before the interfaces: takes a request's message in, finds out who sends it, and answers for
//! a handler that panics.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use endpoint::with_causes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::body::Intake;
use crate::auth::{
    AuthenticationError, Authenticator, BOUND_HEADER, Call, Caller, Client, HMAC_HEADER, Outstanding,
};
use crate::service::{Event, Observer};
use crate::wire::reference;

/// Who is at the other end of a connection: an extension of its requests.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// SHA-256 of the certificate that it has shown, in DER.
    pub certificate: Option<[u8; 32]>,
    owner: Arc<OnceLock<OwnedSemaphorePermit>>,
}

impl Peer {
    /// Returns a peer that has shown this certificate.
    pub fn new(certificate: Option<[u8; 32]>) -> Self {
        Self { certificate, owner: Arc::default() }
    }

    /// Returns whether a client has asked over the connection: others have it for a short time.
    pub fn is_known(&self) -> bool {
        self.owner.get().is_some()
    }

    /// Makes the connection one of this client's, unless it is somebody's. Returns whether it is.
    fn belong_to(&self, client: &Client) -> bool {
        self.is_known()
            || client.take_connection().is_some_and(|place| {
                // Another request over it may have been first.
                let _first = self.owner.set(place);
                true
            })
    }
}

/// Messages above this length are authenticated on a thread that may block, few at a time.
const LARGE: usize = 64 << 10;
const MOST_LARGE: usize = 2;

/// What requests may take before it is known who sends them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The memory of all messages that are coming in.
    pub memory: usize,
    /// The time until a message is there.
    pub within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20, within: Duration::from_secs(20) }
    }
}

/// The layer.
#[derive(Clone)]
pub struct AuthenticationLayer {
    authenticator: Arc<Authenticator>,
    observer: Arc<dyn Observer>,
    intake: Intake,
    large: Arc<Semaphore>,
}

impl std::fmt::Debug for AuthenticationLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AuthenticationLayer").field(&self.authenticator).finish()
    }
}

impl AuthenticationLayer {
    /// Returns a layer that knows these clients.
    pub fn new(authenticator: Arc<Authenticator>, observer: Arc<dyn Observer>, limits: Limits) -> Self {
        let intake = Intake::new(limits.memory, limits.within);
        Self { authenticator, observer, intake, large: Arc::new(Semaphore::new(MOST_LARGE)) }
    }

    /// Takes a request in, and notes in it who sends it.
    async fn admit(&self, request: Request<Body>) -> Result<Request<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let taken = self.intake.take(body).await?;
        let path = parts.uri.path().to_owned();
        let peer = parts.extensions.get::<Peer>().cloned().unwrap_or_default();
        let asked = Asked {
            authenticator: self.authenticator.clone(),
            path: path.clone(),
            hmac: first(&parts.headers, HMAC_HEADER),
            bound: first(&parts.headers, BOUND_HEADER),
            body: taken.message(),
            certificate: peer.certificate,
        };
        let caller = if asked.body.len() > LARGE {
            let stopping = |_| Status::unavailable("the signer is stopping");
            let _one_of_few = self.large.acquire().await.map_err(stopping)?;
            let authenticated = tokio::task::spawn_blocking(move || asked.authenticate()).await;
            authenticated.map_err(|_| Status::internal("the signer has a fault; see its log"))?
        } else {
            asked.authenticate()
        };
        let caller = caller.map_err(|error| self.refused(&path, &error))?;
        if let Caller::Client(client) = &caller
            && !peer.belong_to(client)
        {
            self.observer.observe(&Event::RateExceeded { client: client.name() });
            return Err(Status::resource_exhausted("too many connections of this client; must close others"));
        }
        parts.extensions.insert(caller);
        Ok(Request::from_parts(parts, Body::new(Full::new(taken.bytes.clone()))))
    }

    fn refused(&self, path: &str, error: &AuthenticationError) -> Status {
        let text = with_causes(error);
        if let AuthenticationError::Rate { client, .. } = error {
            self.observer.observe(&Event::RateExceeded { client });
            return Status::resource_exhausted(text);
        }
        self.observer.observe(&Event::NotAuthenticated { path, rule: error.as_str(), reason: &text });
        Status::unauthenticated(text)
    }
}

/// A request that is authenticated.
struct Asked {
    authenticator: Arc<Authenticator>,
    path: String,
    hmac: Option<Vec<u8>>,
    bound: Option<Vec<u8>>,
    body: Bytes,
    certificate: Option<[u8; 32]>,
}

impl Asked {
    fn authenticate(&self) -> Result<Caller, AuthenticationError> {
        self.authenticator.authenticate(&Call {
            path: &self.path,
            hmac: self.hmac.as_deref(),
            bound: self.bound.as_deref(),
            body: &self.body,
            encode_anew,
            certificate: self.certificate,
        })
    }
}

fn first(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    headers.get(name).map(|value| value.as_bytes().to_vec())
}

/// Encodes a message of the reference's interface anew: its HMAC may be over that form.
fn encode_anew(path: &str, message: &[u8]) -> Option<Vec<u8>> {
    fn anew<T: prost::Message + Default>(message: &[u8]) -> Option<Vec<u8>> {
        T::decode(message).ok().map(|message| message.encode_to_vec())
    }
    match path.strip_prefix("/proto.EOTSManager/")? {
        "CreateRandomnessPairList" => anew::<reference::CreateRandomnessPairListRequest>(message),
        "SignEOTS" | "UnsafeSignEOTS" => anew::<reference::SignEotsRequest>(message),
        "SignSchnorrSig" => anew::<reference::SignSchnorrSigRequest>(message),
        "SignBatchEOTS" => anew::<reference::SignBatchEotsRequest>(message),
        "UnlockKey" => anew::<reference::UnlockKeyRequest>(message),
        "Backup" => anew::<reference::BackupRequest>(message),
        _ => None,
    }
}

impl<S> Layer<S> for AuthenticationLayer {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated { layer: self.clone(), inner }
    }
}

/// A service behind the layer.
#[derive(Debug, Clone)]
pub struct Authenticated<S> {
    layer: AuthenticationLayer,
    inner: S,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for Authenticated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that was polled is the one that is ready.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let layer = self.layer.clone();
        let observer = layer.observer.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let answered = Guarded(Box::pin(async move {
                match layer.admit(request).await {
                    Ok(request) => inner.call(request).await.map(until_sent),
                    Err(status) => Ok(status.into_http()),
                }
            }));
            match answered.await {
                Some(answer) => answer,
                None => {
                    observer.observe(&Event::Panicked { path: &path });
                    Ok(Status::internal("the signer has a fault; see its log").into_http())
                }
            }
        })
    }
}

/// Keeps what a client has outstanding until its answer is sent.
fn until_sent(answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let Some(outstanding) = parts.extensions.remove::<Arc<Outstanding>>() else {
        return Response::from_parts(parts, body);
    };
    let body = body.map_frame(move |frame| {
        let _held = &outstanding;
        frame
    });
    Response::from_parts(parts, Body::new(body))
}

/// A future whose panic is an answer: `None`. (A client would take a stream that breaks off for one that it
/// has cancelled itself.)
struct Guarded<F>(Pin<Box<F>>);

impl<F: Future> Future for Guarded<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing of the future is looked at after it panicked.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_) => Poll::Ready(None),
        }
    }
}
