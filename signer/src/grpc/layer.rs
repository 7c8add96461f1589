//! What stands before the interfaces: takes a request's message in, finds out who sends it, and answers for
//! a handler that panics.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::body::Intake;
use crate::auth::{Authenticator, BOUND_HEADER, Call, HMAC_HEADER};
use crate::service::{Event, Observer};
use crate::wire::reference;

/// SHA-256 of the certificate that a client has shown, in DER: an extension of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateHash(pub Option<[u8; 32]>);

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
        Self { authenticator, observer, intake }
    }

    /// Takes a request in, and notes in it who sends it.
    async fn admit(&self, request: Request<Body>) -> Result<Request<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let taken = self.intake.take(body).await?;
        let path = parts.uri.path().to_owned();
        let encoded_anew = encode_anew(&path, taken.message()).filter(|anew| anew != taken.message());
        let caller = self.authenticator.authenticate(&Call {
            path: &path,
            hmac: first(&parts.headers, HMAC_HEADER),
            bound: first(&parts.headers, BOUND_HEADER),
            body: taken.message(),
            encoded_anew: encoded_anew.as_deref(),
            certificate: parts.extensions.get::<CertificateHash>().and_then(|hash| hash.0),
        });
        let caller = caller.map_err(|error| {
            let text = match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            };
            self.observer.observe(&Event::NotAuthenticated {
                path: &path,
                rule: error.as_str(),
                reason: &text,
            });
            Status::unauthenticated(text)
        })?;
        parts.extensions.insert(caller);
        Ok(Request::from_parts(parts, Body::new(Full::new(taken.bytes.clone()))))
    }
}

fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(http::HeaderValue::as_bytes)
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
                    Ok(request) => inner.call(request).await,
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
