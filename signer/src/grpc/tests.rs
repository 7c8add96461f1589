use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{Full, StreamBody};
use tonic::body::Body;
use tower::{Layer as _, Service as _};

use super::{AuthenticationLayer, Limits};
use crate::auth::{
    Allowed, Authenticator, Client, Credentials, Nonces, Operation, Permissions, RateLimit, SystemClock,
};
use crate::service::{Event, Observer};

/// Keeps the paths at which handlers panicked.
#[derive(Default)]
struct Panics(Mutex<Vec<String>>);

impl Observer for Panics {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Panicked { path } = event {
            self.0.lock().unwrap().push((*path).to_owned());
        }
    }
}

/// A handler that panics, when it is called or later.
#[derive(Clone)]
struct Faulty {
    at_once: bool,
}

impl tower::Service<Request<Body>> for Faulty {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(!self.at_once, "a fault of the test, when it is called");
        Box::pin(async {
            tokio::task::yield_now().await;
            panic!("a fault of the test, later");
        })
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let permissions = Permissions {
        operations: BTreeSet::from(Operation::DEFAULT),
        keys: Allowed::All,
        chains: Allowed::All,
    };
    let credentials = Credentials { unauthenticated: true, ..Credentials::default() };
    let rate = RateLimit::new(10, Duration::from_secs(1), 10);
    let client = Arc::new(Client::new("anybody", permissions, credentials, rate, 1));
    let clock = Arc::new(SystemClock::default());
    let authenticator = Arc::new(Authenticator::new(vec![client], Nonces::in_memory(), clock));
    let panics = Arc::new(Panics::default());
    for at_once in [true, false] {
        let layer = AuthenticationLayer::new(authenticator.clone(), panics.clone(), Limits::default());
        let mut service = layer.layer(Faulty { at_once });
        let body = Body::new(Full::new(bytes::Bytes::from_static(&[0; 5])));
        let request = Request::post("http://signer/proto.EOTSManager/Ping").body(body).unwrap();
        let answer = service.call(request).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "13");
        // What happened inside is for the log.
        assert!(!answer.headers()["grpc-message"].to_str().unwrap().contains("test"));
    }
    assert_eq!(*panics.0.lock().unwrap(), ["/proto.EOTSManager/Ping"; 2]);
}

/// What a body takes of the memory that all share is its length, in whatever pieces it comes; and a small one
/// takes nothing.
#[tokio::test]
async fn memory_is_taken_by_length() {
    let message = |length: usize| {
        let prefix = [&[0][..], &u32::try_from(length).unwrap().to_be_bytes()].concat();
        bytes::Bytes::from([prefix, vec![7; length]].concat())
    };
    let intake = super::body::Intake::new(8 << 10, Duration::from_secs(5));
    // In pieces of one byte, of which each rounded up would be 6 MiB.
    let pieces: Vec<_> = message(6000).into_iter().map(|byte| bytes::Bytes::from(vec![byte])).collect();
    let pieces = pieces.into_iter().map(|piece| Ok::<_, tonic::Status>(http_body::Frame::data(piece)));
    let one_by_one = Body::new(StreamBody::new(tonic::codegen::tokio_stream::iter(pieces)));
    let held = intake.take(one_by_one).await.unwrap();
    assert_eq!(held.message().len(), 6000);
    // Six of eight are taken: another does not fit, a small one does, and then it fits again.
    let large = || Body::new(Full::new(message(5000)));
    let refused = intake.take(large()).await.map(|taken| taken.message().len()).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    intake.take(Body::new(Full::new(message(4000)))).await.unwrap();
    drop(held);
    intake.take(large()).await.unwrap();
}
