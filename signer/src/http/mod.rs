//! Metrics and health over HTTP/1: `GET /metrics` for Prometheus, `GET /health` for whoever watches over the
//! daemon.
//!
//! Nobody is authenticated, and nothing is read but the request's head. A connection serves one request and
//! has ten seconds; 32 are served at a time, others wait.

mod listener;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use self::listener::BoundedListener;

const MAX_CONNECTIONS: usize = 32;
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// How long the daemon may take to look at itself.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Renders the metrics; it may wait for the store.
type Render = dyn Fn() -> String + Send + Sync;
/// Says whether the daemon signs, or why not; it may wait for the store.
type Health = dyn Fn() -> Result<(), String> + Send + Sync;

/// What is shown to whoever asks.
#[derive(Clone)]
pub struct Observed {
    render: Arc<Render>,
    health: Arc<Health>,
    /// One look at a time, for each kind: a store that hangs costs two threads, however often it is asked.
    rendering: Arc<Mutex<()>>,
    looking: Arc<Mutex<()>>,
    answer_time: Duration,
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observed(..)")
    }
}

impl Observed {
    /// Returns what is shown: metrics in Prometheus' text format, and whether the daemon signs, or the reason
    /// why not, which everyone who reaches the listener reads. Both run on a thread that may block.
    pub fn new(
        render: impl Fn() -> String + Send + Sync + 'static,
        health: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            render: Arc::new(render),
            health: Arc::new(health),
            rendering: Arc::default(),
            looking: Arc::default(),
            answer_time: ANSWER_TIME,
        }
    }
}

/// Runs what may block, unless it still runs for another. `None` when it took too long, or panicked.
async fn run<T: Send + 'static>(
    gate: &Arc<Mutex<()>>,
    time: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let gate = Arc::clone(gate);
    let answer = async {
        let held = gate.lock_owned().await;
        tokio::task::spawn_blocking(move || {
            let _held = held;
            work()
        })
        .await
        .ok()
    };
    tokio::time::timeout(time, answer).await.ok().flatten()
}

/// Returns the routes: `/metrics` and `/health`.
pub fn router(observed: Observed) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .with_state(observed)
        .layer(map_response(close))
}

/// One request a connection: its time is the request's.
async fn close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

async fn metrics(State(observed): State<Observed>) -> Response {
    let Observed { render, rendering, answer_time, .. } = observed;
    match run(&rendering, answer_time, move || render()).await {
        Some(text) => answer(StatusCode::OK, prometheus::TEXT_FORMAT, text),
        None => {
            answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "no answer from the signer\n".to_owned())
        }
    }
}

async fn health(State(observed): State<Observed>) -> Response {
    let Observed { health, looking, answer_time, .. } = observed;
    let found = run(&looking, answer_time, move || health()).await;
    let (status, body) = match found.unwrap_or_else(|| Err("no answer from the signer".to_owned())) {
        Ok(()) => (StatusCode::OK, serde_json::json!({ "status": "ok" })),
        Err(reason) => {
            let body = serde_json::json!({ "status": "unavailable", "reason": reason });
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    answer(status, "application/json", format!("{body}\n"))
}

/// Serves metrics and health until `shutdown` is there, and what was asked before it.
///
/// # Errors
/// None that is known: a connection that fails is nobody else's matter.
pub async fn serve(
    listener: TcpListener,
    observed: Observed,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_for(listener, observed, shutdown, CONNECTION_TIME).await
}

async fn serve_for(
    listener: TcpListener,
    observed: Observed,
    shutdown: impl Future<Output = ()> + Send + 'static,
    time: Duration,
) -> io::Result<()> {
    let listener = BoundedListener::new(listener, MAX_CONNECTIONS, time);
    axum::serve(listener, router(observed)).with_graceful_shutdown(shutdown).await
}
