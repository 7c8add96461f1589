#!/usr/bin/env bash
# Expected: a handler that panics is a fault of the server to its clients: Internal or Unknown. Instead its
# stream is reset with CANCEL, which clients in Go and in Rust show as `Canceled`, the code of a call that
# they gave up themselves; the server goes on. Seen with crates.io tonic 0.14.9, tonic-health 0.14.9; Go
# module google.golang.org/grpc v1.74.2; 2026-11-29. Touches daemons in Go that call a service in Rust, as a
# finality provider's calls its signer: what leaves Canceled out of its alarms or retries misses the fault.
# Reason: the panic drops the task with the HTTP/2 stream, a dropped one is reset with CANCEL, and gRPC maps
# that to Canceled.
set -euo pipefail

work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" || true; fi; rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
tokio = { version = "=1.54.1", features = ["macros", "rt-multi-thread", "net"] }
tokio-stream = { version = "=0.1.19", features = ["net"] }
tonic = "=0.14.9"
tonic-health = "=0.14.9"

[workspace]
TOML

# The service of grpc.health.v1, which both libraries bring: the name asked for says what happens.
cat > src/main.rs <<'RUST'
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

struct Service;

fn answer(service: &str) -> Result<HealthCheckResponse, Status> {
    match service {
        "panic" => panic!("a fault in the handler"),
        "status" => Err(Status::internal("an error of the handler")),
        _ => Ok(HealthCheckResponse { status: 1 }),
    }
}

#[tonic::async_trait]
impl Health for Service {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        answer(&request.into_inner().service).map(Response::new)
    }

    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Server::builder().add_service(HealthServer::new(Service));
    let serving = tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    for service in ["panic", "status", "fine"] {
        let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
        println!("tonic {service}: {:?}", answer.map_or_else(|error| error.code(), |_| Code::Ok));
    }
    std::fs::write("address.new", address.to_string()).unwrap();
    std::fs::rename("address.new", "address").unwrap();
    serving.await.unwrap().unwrap();
}
RUST

cat > go.mod <<'MOD'
module finding

go 1.24

require google.golang.org/grpc v1.74.2
MOD

# The module's sums are stated; those of what it needs come from the checksum database.
cat > go.sum <<'SUM'
google.golang.org/grpc v1.74.2 h1:WoosgB65DlWVC9FqI82dGsZhWFNBSLjQ84bjROOpMu4=
SUM

cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	address := string(must(os.ReadFile("address")))
	connection := must(grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())))
	client := grpc_health_v1.NewHealthClient(connection)
	background, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, service := range []string{"panic", "status", "fine"} {
		request := &grpc_health_v1.HealthCheckRequest{Service: service}
		_, err := client.Check(background, request)
		fmt.Printf("grpc-go %s: %v\n", service, status.Code(err))
		if err != nil {
			fmt.Fprintf(os.Stderr, "  %v\n", err)
		}
	}
	if background.Err() != nil {
		panic("the client's own context has ended")
	}
}
GO

echo "crates.io tonic 0.14.9, tonic-health 0.14.9; Go module google.golang.org/grpc v1.74.2"
CARGO_TARGET_DIR="$work/target" nice cargo build --quiet
GOFLAGS=-mod=mod nice go build -o client .
target/debug/finding > seen.rust 2> panics &
server=$!
for _ in $(seq 300); do [ -e address ] && break; sleep 0.1; done
./client > seen.go
cat seen.rust seen.go | tee seen
cat > expected <<'END'
tonic panic: Cancelled
tonic status: Internal
tonic fine: Ok
grpc-go panic: Canceled
grpc-go status: Internal
grpc-go fine: OK
END
diff expected seen
echo "seen: a panic in the server's handler looks as if the client had given up"
