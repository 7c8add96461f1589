package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
)

const benchTurns = 5

// benchLists times lists of the server against the same lists derived here, one after the other in turns.
// Each list begins where no other does, so that nothing of it is at hand.
func benchLists(t *target, p *plan, count uint32, out io.Writer) error {
	key, chainID := p.Keys["main"], p.Chains["genesis"].ChainID
	var taps []*tap
	conn, err := t.connect(t.transport, &taps)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Connects, and times nothing.
	if a := invoke(conn, "Ping", nil, nil); a.status.Code() != codes.OK {
		return fmt.Errorf("ping: %v", a.status)
	}
	var server, derived []float64
	base := uint64(time.Now().UnixNano())
	for turn := range uint64(benchTurns) {
		r := listRequest{key.public, chainID, base + turn*uint64(count), count, nil}
		message := r.encode()
		var macs []string
		if p.HMACKey != "" {
			macs = []string{macOf(p.HMACKey, message)}
		}
		got := invoke(conn, "CreateRandomnessPairList", message, macs)
		if got.status.Code() != codes.OK {
			return fmt.Errorf("list: %v", got.status)
		}
		server = append(server, milliseconds(got.elapsed))
		start := time.Now()
		leaves := key.list(chainID, r.start, r.num, 1)
		derived = append(derived, milliseconds(time.Since(start)))
		if !bytes.Equal(got.body, listResponse(leaves)) {
			return fmt.Errorf("the list from %d on is not the one of the key", r.start)
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

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
