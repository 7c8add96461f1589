use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{CONNECTION_TIME, MAX_CONNECTIONS, Observed, serve_for};

/// A server on a thread of its own.
struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start(observed: Observed, time: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let shutdown = async { drop(stopped.await) };
                serve_for(listener, observed, shutdown, time).await.unwrap();
            });
            // A look that hangs is left behind.
            runtime.shutdown_background();
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_all(stream)
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: signer\r\n\r\n"))
    }

    fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What comes until the connection ends, however it ends.
fn read_all(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes));
    String::from_utf8(bytes).unwrap()
}

fn ok() -> Observed {
    Observed::new(|| "a_metric 1\n".to_owned(), || Ok(()))
}

#[test]
fn metrics_and_health_are_there_and_the_connection_ends() {
    let server = Server::start(ok(), CONNECTION_TIME);
    let metrics = server.get("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4\r\n"), "{metrics}");
    assert!(metrics.ends_with("\r\n\r\na_metric 1\n"), "{metrics}");
    let health = server.get("/health");
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    assert!(health.contains("content-type: application/json\r\n"), "{health}");
    assert!(health.ends_with("\r\n\r\n{\"status\":\"ok\"}\n"), "{health}");
    assert!(server.get("/").starts_with("HTTP/1.1 404 "));
    assert!(
        server
            .ask("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .starts_with("HTTP/1.1 405 ")
    );
    server.stop();
}

#[test]
fn a_body_is_not_waited_for() {
    let server = Server::start(ok(), CONNECTION_TIME);
    let answer = server.ask("GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(server.ask("\0\0\0\0\r\n\r\n").starts_with("HTTP/1.1 400 "));
    server.stop();
}

#[test]
fn what_is_wrong_is_said_as_json() {
    let is_well = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_well);
    let health = move || {
        if seen.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err("the store \"signing.db\" is closed".to_owned())
        }
    };
    let server = Server::start(Observed::new(String::new, health), CONNECTION_TIME);
    let answer = server.get("/health");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let body: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "status": "unavailable", "reason": "the store \"signing.db\" is closed" })
    );
    is_well.store(true, Ordering::SeqCst);
    assert!(server.get("/health").starts_with("HTTP/1.1 200 "));
    server.stop();
}

#[test]
fn a_look_that_hangs_or_panics_is_an_answer_and_costs_one_thread() {
    let looks = Arc::new(AtomicUsize::new(0));
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (count, held) = (Arc::clone(&looks), std::sync::Mutex::new(held));
    let health = move || {
        count.fetch_add(1, Ordering::SeqCst);
        held.lock().unwrap().recv().unwrap_or_default();
        Ok(())
    };
    let mut observed = Observed::new(|| panic!("a render that panics"), health);
    observed.answer_time = Duration::from_millis(50);
    let server = Server::start(observed, CONNECTION_TIME);
    for _ in 0..5 {
        let answer = server.get("/health");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("no answer from the signer"), "{answer}");
    }
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    assert!(server.get("/metrics").starts_with("HTTP/1.1 503 "));
    // And the next ones are served.
    assert!(server.get("/metrics").starts_with("HTTP/1.1 503 "));
    drop(hold);
    server.stop();
}

#[test]
fn connections_that_say_nothing_end_and_others_get_their_places() {
    let server = Server::start(ok(), Duration::from_millis(300));
    // As many as there are places, twice, some of them amid a request.
    let silent: Vec<TcpStream> = (0..2 * MAX_CONNECTIONS)
        .map(|number| {
            let mut stream = server.connect();
            if number % 2 == 0 {
                stream.write_all(b"GET /health HTTP/1.1\r\nHost: ").unwrap();
            }
            stream
        })
        .collect();
    // It waits until a place is free, and is answered then.
    assert!(server.get("/health").starts_with("HTTP/1.1 200 "));
    for stream in silent {
        assert!(!read_all(stream).starts_with("HTTP/1.1 200 "));
    }
    server.stop();
}

#[test]
fn a_stop_waits_for_nobody_who_says_nothing() {
    let server = Server::start(ok(), Duration::from_millis(300));
    let silent = server.connect();
    assert!(server.get("/health").starts_with("HTTP/1.1 200 "));
    let address = server.address;
    server.stop();
    drop(silent.shutdown(Shutdown::Both));
    assert!(TcpStream::connect(address).is_err());
}
