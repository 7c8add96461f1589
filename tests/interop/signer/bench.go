package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

const benchTurns = 5

// listBench has lists of the server, and the same derived here. Each list begins where no other does, so that
// nothing of it is at hand.
type listBench struct {
	conn    *grpc.ClientConn
	key     *testKey
	chainID string
	hmacKey string
	count   uint32
	next    uint64
}

func newListBench(t *target, p *plan, count uint32) (*listBench, error) {
	var taps []*tap
	conn, err := t.connect(t.transport, &taps)
	if err != nil {
		return nil, err
	}
	key, chainID := p.Keys["main"].testKey, p.Chains["genesis"].ChainID
	b := &listBench{conn, key, chainID, p.HMACKey, count, uint64(time.Now().UnixNano())}
	// Connects, and times nothing.
	if a := invoke(conn, "Ping", nil, nil); a.status.Code() != codes.OK {
		return nil, fmt.Errorf("ping: %v", a.status)
	}
	return b, nil
}

// take returns where the next list begins.
func (b *listBench) take() uint64 {
	start := b.next
	b.next += uint64(b.count)
	return start
}

// fromServer returns where a list began, its answer, and how long that took.
func (b *listBench) fromServer() (uint64, []byte, time.Duration, error) {
	start := b.take()
	r := listRequest{b.key.public, b.chainID, start, b.count, nil}
	message := r.encode()
	var macs []string
	if b.hmacKey != "" {
		macs = []string{macOf(b.hmacKey, message)}
	}
	got := invoke(b.conn, "CreateRandomnessPairList", message, macs)
	if got.status.Code() != codes.OK {
		return 0, nil, 0, fmt.Errorf("list: %v", got.status)
	}
	return start, got.body, got.elapsed, nil
}

// derived derives a list here, and returns it as its answer would be, and how long deriving took.
func (b *listBench) derived(start uint64) ([]byte, time.Duration) {
	since := time.Now()
	leaves := b.key.list(b.chainID, start, b.count, 1)
	elapsed := time.Since(since)
	return listResponse(leaves), elapsed
}

// benchLists times lists of the server against the same lists derived here, in turns.
func benchLists(t *target, p *plan, count uint32, out io.Writer) error {
	b, err := newListBench(t, p, count)
	if err != nil {
		return err
	}
	defer b.conn.Close()
	var server, derived []float64
	for range benchTurns {
		start, body, elapsed, err := b.fromServer()
		if err != nil {
			return err
		}
		server = append(server, milliseconds(elapsed))
		expected, elapsed := b.derived(start)
		derived = append(derived, milliseconds(elapsed))
		if !bytes.Equal(body, expected) {
			return fmt.Errorf("the list from %d on is not the one of the key", start)
		}
	}
	// How steady the machine is shows in the least and the greatest ratio.
	var ratios []float64
	for turn := range server {
		ratios = append(ratios, derived[turn]/server[turn])
	}
	return json.NewEncoder(out).Encode(map[string]any{
		"bench": "lists", "count": count, "turns": benchTurns,
		"server_ms": server, "go_ms": derived,
		"ratio": median(ratios), "least_ratio": slices.Min(ratios), "greatest_ratio": slices.Max(ratios),
		"go": "the reference's derivation written again, on one thread, over its curve library (decred's secp256k1)",
	})
}

// benchInTurns answers lines of WORK COUNT with the nanoseconds that so many lists took: of the server, or
// derived here. So who asks can take turns. The first list of the server is compared with the one of the key.
func benchInTurns(t *target, p *plan, count uint32, in io.Reader, out io.Writer) error {
	b, err := newListBench(t, p, count)
	if err != nil {
		return err
	}
	defer b.conn.Close()
	start, body, _, err := b.fromServer()
	if err != nil {
		return err
	}
	if expected, _ := b.derived(start); !bytes.Equal(body, expected) {
		return fmt.Errorf("the list from %d on is not the one of the key", start)
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var work string
		var count int
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &work, &count); err != nil {
			return fmt.Errorf("found %q; must be WORK COUNT", lines.Text())
		}
		var took time.Duration
		for range count {
			switch work {
			case "server":
				_, _, elapsed, err := b.fromServer()
				if err != nil {
					return err
				}
				took += elapsed
			case "derived":
				_, elapsed := b.derived(b.take())
				took += elapsed
			default:
				return fmt.Errorf("found the work %q; must be server or derived", work)
			}
		}
		if _, err := fmt.Fprintln(out, took.Nanoseconds()); err != nil {
			return err
		}
	}
	return lines.Err()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
