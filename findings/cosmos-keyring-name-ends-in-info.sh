#!/usr/bin/env bash
# Expected: the keyring finds a key under the name that it was stored with, or refuses the name at once.
# Instead a name that ends in "info" (myinfo, info) is taken and listed, and then "not found": the key signs
# nothing and cannot be exported, renamed or deleted, by name or by address; only the name with ".info"
# appended finds it. Seen with Go module github.com/cosmos/cosmos-sdk v0.53.4, in memory and in the test
# backend, 2026-11-29. Touches chains and provider daemons that keep keys in it: their commands make a key
# that they cannot use. Reason, in crypto/keyring/keyring.go: `migrate`, which all look-ups go through,
# appends ".info" unless the name ends in "info" (no dot); `writeRecord` always does.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'MOD'
module finding

go 1.24

require (
	// The version that the SDK asks for does not build with Go 1.26.
	github.com/bytedance/sonic v1.15.0
	github.com/cosmos/cosmos-sdk v0.53.4
)

replace github.com/syndtr/goleveldb => github.com/syndtr/goleveldb v1.0.1-0.20210819022825-2ae1ddf74ef7
MOD

# The module's sums are stated; those of what it needs come from the checksum database.
cat > go.sum <<'SUM'
github.com/cosmos/cosmos-sdk v0.53.4 h1:kPF6vY68+/xi1/VebSZGpoxQqA52qkhUzqkrgeBn3Mg=
SUM

cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func expect(condition bool, what string) {
	if !condition {
		fmt.Println("no longer so:", what)
		os.Exit(1)
	}
}

// The steps that work with a key of this name, and the errors of those that do not.
func steps(ring keyring.Keyring, name string) (works, fails []string) {
	const mode = signing.SignMode_SIGN_MODE_DIRECT
	message := []byte("message")
	record, _, err := ring.NewMnemonic(name, keyring.English, "", "", hd.Secp256k1)
	if err != nil {
		panic(err)
	}
	address := must(record.GetAddress())
	note := func(step string, err error) {
		if err == nil {
			works = append(works, step)
		} else {
			expect(err.Error() == name+": key not found" || err.Error() == name+".info: key not found", err.Error())
			fails = append(fails, step)
		}
	}
	listed := must(ring.List())
	expect(len(listed) == 1 && listed[0].Name == name, "the list has the key")
	_, err = ring.KeyByAddress(address)
	note("KeyByAddress", err)
	_, err = ring.Key(name)
	note("Key", err)
	_, _, err = ring.Sign(name, message, mode)
	note("Sign", err)
	_, _, err = ring.SignByAddress(address, message, mode)
	note("SignByAddress", err)
	_, err = ring.ExportPrivKeyArmor(name, "passphrase")
	note("ExportPrivKeyArmor", err)
	_, err = ring.ExportPrivKeyArmorByAddress(address, "passphrase")
	note("ExportPrivKeyArmorByAddress", err)
	if len(fails) > 0 {
		_, _, err = ring.Sign(name+".info", message, mode)
		expect(err == nil, "the name with .info appended signs")
	}
	// A key that is found is renamed and back again, then deleted.
	err = ring.Rename(name, "other")
	note("Rename", err)
	if err == nil {
		expect(ring.Rename("other", name) == nil, "the key gets its name back")
	}
	if len(fails) > 0 {
		note("Delete", ring.Delete(name))
	}
	note("DeleteByAddress", ring.DeleteByAddress(address))
	return works, fails
}

func main() {
	registry := types.NewInterfaceRegistry()
	cryptocodec.RegisterInterfaces(registry)
	cdc := codec.NewProtoCodec(registry)
	for _, name := range []string{"mykey", "myinfo", "info"} {
		for _, backend := range []string{keyring.BackendMemory, keyring.BackendTest} {
			ring := must(keyring.New("finding", backend, name, nil, cdc))
			works, fails := steps(ring, name)
			fmt.Printf("%s, %s backend\n  works:     %v\n  not found: %v\n", name, backend, works, fails)
			if name == "mykey" {
				expect(len(fails) == 0, "a key of another name is found")
			} else {
				expect(fmt.Sprint(works) == "[KeyByAddress]" && len(fails) == 8, "a name in info is not found")
			}
		}
	}
}
GO

echo "Go module github.com/cosmos/cosmos-sdk v0.53.4"
GOFLAGS=-mod=mod nice go run .
echo "seen: a key whose name ends in info is made and listed, and then not found"
