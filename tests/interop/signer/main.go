// A client of the reference signer's interface, proto.EOTSManager, that writes every message itself and
// verifies every answer with the secret keys of a test server. README.md says how to run it.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"

	"google.golang.org/grpc/codes"
)

func main() {
	log.SetFlags(0)
	address := flag.String("address", "", "the server, HOST:PORT")
	planFile := flag.String("plan", "", "what the server has, as JSON")
	hmacFile := flag.String("hmac-file", "", "file with the text of the HMAC key, in place of the plan's")
	ca := flag.String("tls-ca", "", "PEM file of the server's authority; without it there is no TLS")
	cert := flag.String("tls-cert", "", "PEM file of the client's certificate")
	key := flag.String("tls-key", "", "PEM file of the client's key")
	name := flag.String("tls-name", "", "the name in the server's certificate; by default the host")
	record := flag.String("record", "", "file to write the recording to")
	only := flag.String("only", "", "run only the cases whose names begin so")
	bench := flag.String("bench", "", "lists: time lists of public randomness, and nothing else; turns: when they are asked for")
	flag.Parse()
	if *address == "" || *planFile == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *name == "" {
		host, _, err := net.SplitHostPort(*address)
		if err != nil {
			log.Print(err)
			os.Exit(2)
		}
		*name = host
	}
	t, err := newTarget(*address, *ca, *cert, *key, *name)
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	wrong, err := start(t, *planFile, *hmacFile, *only, *record, *bench)
	if err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if wrong > 0 {
		os.Exit(1)
	}
}

func start(t *target, planFile, hmacFile, only, record, bench string) (int, error) {
	p, err := readPlan(planFile)
	if err != nil {
		return 0, err
	}
	if hmacFile != "" {
		if p.HMACKey, err = readHMACKey(hmacFile); err != nil {
			return 0, err
		}
	}
	switch bench {
	case "":
	case "lists":
		return 0, benchLists(t, p, 50_000, os.Stdout)
	case "turns":
		return 0, benchInTurns(t, p, 50_000, os.Stdin, os.Stdout)
	default:
		return 0, fmt.Errorf("found --bench %q; must be lists or turns", bench)
	}
	s := newSuite(p)
	if t.anonymous != nil {
		s.add("tls: without a certificate", "Ping", nil, fails(codes.Unavailable)).anonymous = true
	}
	s.only(only)
	wrong, err := runAndRecord(s, t, record)
	if err != nil {
		return wrong, err
	}
	for _, skipped := range s.skipped {
		log.Printf("skipped %s", skipped)
	}
	log.Printf("%d calls, %d wrong", len(s.steps), wrong)
	return wrong, nil
}

// runAndRecord runs the cases; a recording is written where a file is named, and nothing was wrong.
func runAndRecord(s *suite, t *target, path string) (int, error) {
	if path == "" {
		return s.run(t, os.Stdout, nil)
	}
	if t.transport.Info().SecurityProtocol == "tls" {
		return 0, errors.New("--record is for connections without TLS")
	}
	var recorded bytes.Buffer
	record, err := newRecording(&recorded, s.plan)
	if err != nil {
		return 0, err
	}
	wrong, err := s.run(t, os.Stdout, record)
	if err != nil || wrong > 0 {
		return wrong, err
	}
	return 0, os.WriteFile(path, recorded.Bytes(), 0o644)
}
