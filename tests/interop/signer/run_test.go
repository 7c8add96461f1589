package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// certificate writes a certificate that is its own authority, and its key.
func certificate(t *testing.T, dir string) (certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert},
		keyFile:  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// A whole run as main makes it, over mutual TLS, with the HMAC key in a file.
func TestRunOverTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	authorities, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorities)
	config := &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	address := serve(t, readPlanWith(t, testHMACKey), "", grpc.Creds(credentials.NewTLS(config)))
	hmacFile := filepath.Join(dir, "hmac")
	if err := os.WriteFile(hmacFile, []byte(testHMACKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := newTarget(address, cert, cert, key, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err := start(known, "plan.json", hmacFile, "", "", ""); wrong != 0 || err != nil {
		t.Error(wrong, err)
	}
	if wrong, err := start(known, "plan.json", hmacFile, "tls", "", ""); wrong != 0 || err != nil {
		t.Error(wrong, err)
	}
	if _, err := start(known, "plan.json", hmacFile, "", filepath.Join(dir, "record"), ""); err == nil {
		t.Error("a recording over TLS is not refused")
	}
	stranger, err := newTarget(address, cert, "", "", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err := start(stranger, "plan.json", hmacFile, "ping", "", ""); wrong != 1 || err != nil {
		t.Error(wrong, err)
	}
}

func TestBench(t *testing.T) {
	for _, hmacKey := range []string{"", testHMACKey} {
		p := readPlanWith(t, hmacKey)
		var out bytes.Buffer
		there := &target{address: serve(t, p, ""), transport: insecure.NewCredentials()}
		if err := benchLists(there, p, 100, &out); err != nil {
			t.Fatal(err)
		}
		var line struct {
			Ratio float64
			Count int
		}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Ratio <= 0 || line.Count != 100 {
			t.Error(out.String(), err)
		}
	}
}

func TestBenchInTurns(t *testing.T) {
	p := readPlanWith(t, testHMACKey)
	there := &target{address: serve(t, p, ""), transport: insecure.NewCredentials()}
	var out bytes.Buffer
	if err := benchInTurns(there, p, 100, strings.NewReader("server 2\nderived 1\n"), &out); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(out.String()) {
		if nanoseconds, err := strconv.Atoi(line); err != nil || nanoseconds <= 0 {
			t.Error(out.String(), err)
		}
	}
	if strings.Count(out.String(), "\n") != 2 {
		t.Error(out.String())
	}
	for _, asked := range []string{"server", "lists 1"} {
		if err := benchInTurns(there, p, 100, strings.NewReader(asked+"\n"), &out); err == nil {
			t.Error(asked + " is not refused")
		}
	}
}
