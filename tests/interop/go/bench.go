package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/babylonlabs-io/babylon/v4/crypto/eots"
	asig "github.com/babylonlabs-io/babylon/v4/crypto/schnorr-adaptor-signature"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/cometbft/cometbft/crypto/merkle"
)

// bench answers lines of "WORK COUNT" on standard input with the nanoseconds that COUNT calls took, so that whoever asks can take turns with
// work of its own. What a call needs is prepared before.
func bench() {
	secret, randomness := newStream("bench").scalar(), newStream("bench randomness").scalar()
	message := repeat(0xaa, 104)
	key := secretKey(secret)
	// The reference may negate the scalar that it is given in place, so each call gets a copy.
	copied := func() *btcec.ModNScalar { return new(btcec.ModNScalar).Set(randomness) }
	public, publicRandomness := get(lift(xOnly(secret))), get(bbn.NewSchnorrPubRand(xOnly(randomness)))
	signature := get(eots.Sign(key, copied(), message))
	encryptionKey := encryptionKeyOf(randomness)
	adaptor := get(asig.NewAdaptorSignatureFromBytes(adaptorSign(secret, encryptionKey, message[:32], repeat(3, 32))))
	works := map[string]func(){
		"sign":           func() { get(eots.Sign(key, copied(), message)) },
		"verify":         func() { must(eots.Verify(public, publicRandomness.ToFieldValNormalized(), message, signature)) },
		"adaptor_verify": func() { must(adaptor.EncVerify(public, encryptionKey, message[:32])) },
		// A list of a thousand heights, with its tree and all proofs, as the reference's daemon makes it.
		"commit_1000": func() {
			var leaves [][]byte
			for height := range uint64(1000) {
				_, leaf := deriveRandomness(scalarBytes(secret), "bbn-1", height)
				leaves = append(leaves, leaf)
			}
			merkle.ProofsFromByteSlices(leaves)
		},
	}
	first := uint64(1)
	// Each time at other heights, as whoever records what is signed needs.
	works["votes_1000"] = func() { expect(votes(first) > 0, "there are transactions"); first += 1000 }
	maps.Copy(works, delegationWorks())
	works["slash"] = slashWork()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var count int
		get(fmt.Sscanf(lines.Text(), "%s %d", &name, &count))
		work, known := works[name]
		expect(known, "this work is known: "+name)
		start := time.Now()
		for range count {
			work()
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
