package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	service    = "/proto.EOTSManager/"
	hmacHeader = "x-fpd-hmac"
	// The reference's limit for messages.
	maxMessage = 16 << 20
	patience   = 60 * time.Second
)

// rawCodec takes the place of grpc-go's codec for protobuf, so that the content type stays
// "application/grpc": messages are *[]byte.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) (mem.BufferSlice, error) {
	raw, ok := message.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("found a message of type %T", message)
	}
	return mem.BufferSlice{mem.SliceBuffer(*raw)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, message any) error {
	raw, ok := message.(*[]byte)
	if !ok {
		return fmt.Errorf("found a message of type %T", message)
	}
	*raw = data.Materialize()
	return nil
}

func init() { encoding.RegisterCodecV2(rawCodec{}) }

// macOf returns what the reference's client puts into the header.
func macOf(key string, message []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(message)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// target is where the server is, and how to get there.
type target struct {
	address   string
	transport credentials.TransportCredentials
	// The same without a certificate of the client's, or nil where it has none.
	anonymous credentials.TransportCredentials
}

func newTarget(address, ca, cert, key, serverName string) (*target, error) {
	if ca == "" {
		if cert != "" || key != "" {
			return nil, errors.New("--tls-cert and --tls-key need --tls-ca")
		}
		return &target{address: address, transport: insecure.NewCredentials()}, nil
	}
	authorities, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: serverName}
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s has no certificate", ca)
	}
	if cert == "" {
		return &target{address: address, transport: credentials.NewTLS(config)}, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	anonymous := credentials.NewTLS(config.Clone())
	config.Certificates = []tls.Certificate{pair}
	return &target{address, credentials.NewTLS(config), anonymous}, nil
}

// tap keeps what is written to a connection.
type tap struct {
	net.Conn
	lock    sync.Mutex
	written []byte
}

func (t *tap) Write(b []byte) (int, error) {
	t.lock.Lock()
	t.written = append(t.written, b...)
	t.lock.Unlock()
	return t.Conn.Write(b)
}

func (t *tap) bytes() []byte {
	t.lock.Lock()
	defer t.lock.Unlock()
	return append([]byte{}, t.written...)
}

// answer is what came back from one call.
type answer struct {
	status  *status.Status
	body    []byte
	elapsed time.Duration
	written []byte // what the client wrote to its connection
}

// connect opens a connection. The windows are wide and fixed, and the authority does not depend on the
// address, so that the bytes that are written depend on the calls alone.
func (t *target) connect(transport credentials.TransportCredentials, taps *[]*tap) (*grpc.ClientConn, error) {
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		tapped := &tap{Conn: conn}
		*taps = append(*taps, tapped)
		return tapped, nil
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(dial),
		grpc.WithStaticStreamWindowSize(2 * maxMessage),
		grpc.WithStaticConnWindowSize(2 * maxMessage),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(2 * maxMessage)),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
	}
	if transport.Info().SecurityProtocol != "tls" {
		options = append(options, grpc.WithAuthority("signer.test"))
	}
	return grpc.NewClient("passthrough:///"+t.address, options...)
}

// invoke makes one call on an open connection. No deadline goes to the server: it would stand in the headers.
func invoke(conn *grpc.ClientConn, method string, message []byte, macs []string) answer {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(patience, cancel).Stop()
	for _, mac := range macs {
		ctx = metadata.AppendToOutgoingContext(ctx, hmacHeader, mac)
	}
	var body []byte
	start := time.Now()
	err := conn.Invoke(ctx, service+method, &message, &body)
	return answer{status: status.Convert(err), body: body, elapsed: time.Since(start)}
}

// call makes the call of a step on a connection of its own.
func (t *target) call(one step) (answer, error) {
	transport := t.transport
	if one.anonymous {
		transport = t.anonymous
	}
	var taps []*tap
	conn, err := t.connect(transport, &taps)
	if err != nil {
		return answer{}, err
	}
	result := invoke(conn, one.method, one.message, one.macs)
	if err := conn.Close(); err != nil {
		return answer{}, err
	}
	if len(taps) == 1 {
		result.written = taps[0].bytes()
	}
	return result, nil
}
