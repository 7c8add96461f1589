// Writes the interoperability vectors of this workspace by running the reference implementation.
//
//	go run . ../../vectors/eots
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
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . OUTPUT-DIRECTORY | bench")
		os.Exit(2)
	}
	if os.Args[1] == "bench" {
		bench()
		return
	}
	dir := os.Args[1]
	sdk.GetConfig().SetBech32PrefixForAccount("bbn", "bbnpub")
	must(os.MkdirAll(dir, 0o755))
	for _, make := range []func() file{
		signCases, extractCases, deriveCases, commitCases, voteCases, evidenceCases, adaptorCases, popCases, negativeCases,
	} {
		f := make()
		must(f.write(dir))
		fmt.Printf("%-9s %4d cases\n", f.kind, len(f.cases))
	}
}
