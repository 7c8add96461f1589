// Writes the interoperability vectors of this workspace by running the reference implementation.
//
//	go run . ../../vectors/eots
//	go run . staking ../../vectors/staking
//	go run . wire ../../vectors/node
//
// Every case is checked by the reference before it is written. The output depends on nothing but the seed in rand.go and the
// versions in go.mod.
package main

import (
	"fmt"
	"os"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

func main() {
	sets, dir := eotsSet, ""
	switch {
	case len(os.Args) == 2 && os.Args[1] == "bench":
		bench()
		return
	case len(os.Args) == 2:
		dir = os.Args[1]
	case len(os.Args) == 3 && os.Args[1] == "staking":
		sets, dir = stakingSet, os.Args[2]
	case len(os.Args) == 3 && os.Args[1] == "wire":
		sets, dir = wireSet, os.Args[2]
	default:
		fmt.Fprintln(os.Stderr, "usage: go run . [staking | wire] OUTPUT-DIRECTORY | bench")
		os.Exit(2)
	}
	sdk.GetConfig().SetBech32PrefixForAccount("bbn", "bbnpub")
	must(os.MkdirAll(dir, 0o755))
	for _, files := range sets {
		for _, f := range files() {
			must(f.write(dir))
			fmt.Printf("%-12s %4d cases\n", f.kind, len(f.cases))
		}
	}
}

// The three sets of vectors; each function makes one or more files.
var (
	eotsSet = []func() []file{
		one(signCases), one(extractCases), one(deriveCases), one(commitCases), one(voteCases), one(evidenceCases), one(adaptorCases),
		one(popCases), one(accountCases), one(negativeCases),
	}
	stakingSet = []func() []file{staking, negativeStaking, one(inclusions)}
	wireSet    = []func() []file{one(wireCases), one(messageCases)}
)

func one(make func() file) func() []file {
	return func() []file { return []file{make()} }
}
