package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
)

// schnorrSign is BIP-340 with a nonce that is good enough for a test.
func schnorrSign(key *testKey, digest []byte) []byte {
	k, d := new(secp256k1.ModNScalar), new(secp256k1.ModNScalar)
	k.SetByteSlice(hash(key.secret, digest))
	d.SetByteSlice(key.secret)
	if odd, _ := xOnly(d); odd {
		d.Negate()
	}
	odd, randomness := xOnly(k)
	if odd {
		k.Negate()
	}
	s := challenge(randomness, key.public, digest).Mul(d).Add(k).Bytes()
	return concat(randomness, s[:])
}

// The published values of the protocol's description.
func TestKnownValues(t *testing.T) {
	key, err := newTestKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []struct {
		found []byte
		want  string
	}{
		{key.public, "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"},
		{key.publicRandomness("bbn-1", 0), "bd970ce29234ce271540522f470a7f91a14a04d35683f73e60ed0e7815338832"},
		{key.publicRandomness("bbn-1", 1), "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf"},
		{key.publicRandomness("bbn-test-6", 1_000_000), "9a0416bf0b41a0b1324ca9cb9590c3d5a53b39403864f8280edcf1fa55c26f2c"},
		{key.sign("bbn-1", 1, concat(be64(1), bytes.Repeat([]byte{0xaa}, 32))),
			"53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c"},
	} {
		if hex.EncodeToString(known.found) != known.want {
			t.Errorf("found %x; must be %s", known.found, known.want)
		}
	}
}

// readPlanWith reads the plan of the recordings, with an HMAC key or none.
func readPlanWith(t *testing.T, hmacKey string) *plan {
	p, err := readPlan("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p.HMACKey = hmacKey
	return p
}

// runAgainst runs all cases against a fake and returns what was printed for those that were wrong.
func runAgainst(t *testing.T, p *plan, fault string, record *recording) []string {
	s := newSuite(p)
	var out bytes.Buffer
	wrong, err := s.run(&target{address: serve(t, p, fault), transport: insecure.NewCredentials()}, &out, record)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, `"ok":false`) {
			lines = append(lines, line)
		}
	}
	if len(lines) != wrong {
		t.Errorf("%d lines say that a case is wrong, and %d are", len(lines), wrong)
	}
	if fault == "" {
		t.Logf("%d calls; skipped: %q", len(s.steps), s.skipped)
	}
	return lines
}

func TestEveryCaseAgainstTheFake(t *testing.T) {
	for name, change := range map[string]func(*plan){
		"open":          func(*plan) {},
		"authenticated": func(p *plan) { p.HMACKey = testHMACKey },
		"everything": func(p *plan) {
			p.HMACKey, p.SaveKeyName, p.BackupDir, p.RateLimitCalls = testHMACKey, true, t.TempDir(), 1000
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := readPlanWith(t, "")
			change(p)
			if wrong := runAgainst(t, p, "", nil); len(wrong) > 0 {
				t.Errorf("%s", wrong)
			}
		})
	}
}

// Every fault is found, and by the cases that are about it.
func TestFaultsAreFound(t *testing.T) {
	for fault, found := range map[string]string{
		"damages signatures":        "vote",
		"signs twice":               "vote: other message",
		"says the word":             "unknown method",
		"canceled":                  "vote: unknown key",
		"takes any hmac":            "hmac: hex",
		"records before it refuses": "batch: nothing was recorded at",
		"lists at length":           "list: 500000",
		"commits to intervals":      "commitment: list with interval 3, its digest",
		"signs any digest":          "commitment: unknown digest",
		"backs up for all":          "backup",
	} {
		t.Run(fault, func(t *testing.T) {
			p := readPlanWith(t, testHMACKey)
			p.BackupDir = t.TempDir()
			wrong := runAgainst(t, p, fault, nil)
			if !slices.ContainsFunc(wrong, func(line string) bool { return strings.HasPrefix(line, `{"case":"`+found) }) {
				t.Errorf("no case %q among the wrong ones: %s", found, wrong)
			}
		})
	}
}

const testHMACKey = "a key of the tests"

var recordings = map[string]string{"recording-open.jsonl": "", "recording-hmac.jsonl": testHMACKey}

// The recordings are what the client writes today. RECORD=1 writes them anew.
func TestRecordingsAreFresh(t *testing.T) {
	for name, hmacKey := range recordings {
		t.Run(name, func(t *testing.T) {
			p := readPlanWith(t, hmacKey)
			var out bytes.Buffer
			record, err := newRecording(&out, p)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := runAgainst(t, p, "", record); len(wrong) > 0 {
				t.Fatalf("%s", wrong)
			}
			if os.Getenv("RECORD") != "" {
				if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(kept, out.Bytes()) {
				t.Errorf("%s is not what the client writes; RECORD=1 go test -run Recordings writes it anew", name)
			}
		})
	}
}

// The recordings can be replayed by what knows HTTP/2's frames and nothing of the client: all of a
// connection's bytes at once, then the answer is read.
func TestRecordingsCanBeReplayed(t *testing.T) {
	for name := range recordings {
		t.Run(name, func(t *testing.T) {
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			lines := bufio.NewScanner(file)
			lines.Buffer(nil, 1<<20)
			lines.Scan()
			var head struct {
				Recording int
				Plan      json.RawMessage
			}
			if err := json.Unmarshal(lines.Bytes(), &head); err != nil || head.Recording != 1 {
				t.Fatal(head, err)
			}
			p, err := parsePlan(head.Plan)
			if err != nil {
				t.Fatal(err)
			}
			address, count := serve(t, p, ""), 0
			for lines.Scan() {
				var one recordedStep
				if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
					t.Fatal(err)
				}
				if err := replay(address, one); err != nil {
					t.Errorf("%s: %v", one.Case, err)
				}
				count++
			}
			if count < 140 {
				t.Errorf("replayed %d cases", count)
			}
		})
	}
}

func replay(address string, one recordedStep) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := conn.Write(one.Client); err != nil {
		return err
	}
	framer := http2.NewFramer(io.Discard, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var data []byte
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err
		}
		switch f := frame.(type) {
		case *http2.DataFrame:
			data = append(data, f.Data()...)
		case *http2.MetaHeadersFrame:
			if f.StreamEnded() {
				return compare(one, f.Fields, data)
			}
		}
	}
}

func compare(one recordedStep, trailers []hpack.HeaderField, data []byte) error {
	code, message := codes.Code(99), ""
	for _, trailer := range trailers {
		switch trailer.Name {
		case "grpc-status":
			if err := code.UnmarshalJSON([]byte(trailer.Value)); err != nil {
				return err
			}
		case "grpc-message":
			message = trailer.Value
		}
	}
	if !slices.Contains(one.Status, code) {
		return fmt.Errorf("found %v; must be %v", code, one.Status)
	}
	if code != codes.OK {
		if one.Message != "" && message != one.Message || !strings.Contains(message, one.Contains) {
			return fmt.Errorf("found the text %q", message)
		}
		return nil
	}
	if len(data) < 5 || data[0] != 0 {
		return fmt.Errorf("found no answer")
	}
	data = data[5:]
	if one.Schnorr != nil {
		signature, err := oneBytes(data)
		if err != nil {
			return err
		}
		return verifySchnorr(unhex(one.Schnorr.PublicKey), unhex(one.Schnorr.Digest), signature)
	}
	if one.Response == nil || len(data) != one.Response.Length {
		return fmt.Errorf("found an answer of %d bytes", len(data))
	}
	if one.Response.Hex != nil && *one.Response.Hex != hex.EncodeToString(data) ||
		one.Response.SHA256 != "" && one.Response.SHA256 != hex.EncodeToString(hash(data)) {
		return fmt.Errorf("found another answer")
	}
	return nil
}
