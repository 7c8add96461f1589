use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
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
    let rate = RateLimit::new(1, Duration::from_secs(1), 1);
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
