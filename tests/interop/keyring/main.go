// Writes what the tests of the keystore compare with, by the reference's own libraries: the files of keyrings of the
// backends `test` and `file`, and keys derived from mnemonics.
//
//	go run . ../../vectors/keystore
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"github.com/cosmos/go-bip39"
)

// The mnemonics are published test vectors of BIP-39: nobody's keys.
const (
	words24 = "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen " +
		"patrol group space point ten exist slush involve unfold"
	words12 = "legal winner thank year wave sausage worth useful legal winner thank yellow"
	words18 = "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor " +
		"acoustic avoid letter always"
	filePassword = "correct horse battery"
)

// Derived is a key that the reference derives, or refuses to.
type Derived struct {
	Mnemonic   string `json:"mnemonic"`
	Passphrase string `json:"passphrase"`
	Path       string `json:"hd_path"`
	SecretKey  string `json:"secret_key,omitempty"`
	Refusal    string `json:"reference_says,omitempty"`
}

// Kept is a key in a keyring.
type Kept struct {
	Backend   string `json:"backend"`
	Name      string `json:"name"`
	File      string `json:"file"`
	Content   string `json:"content"`
	SecretKey string `json:"secret_key,omitempty"`
	PublicKey string `json:"public_key"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func derive(mnemonic, passphrase, path string) Derived {
	derived := Derived{Mnemonic: mnemonic, Passphrase: passphrase, Path: path}
	key, err := hd.Secp256k1.Derive()(mnemonic, passphrase, path)
	if err != nil {
		derived.Refusal = err.Error()
		return derived
	}
	derived.SecretKey = hex.EncodeToString(key)
	return derived
}

func derivations() []Derived {
	var all []Derived
	for _, mnemonic := range []string{words24, words12, words18} {
		// Last: a passphrase in NFC, the same in NFKD, a ligature, which NFKD alone takes apart.
		for _, passphrase := range []string{"", "TREZOR", " two words ", "Stra\u00dfe", "gr\u00fcn", "gru\u0308n", "o\ufb03ce"} {
			for _, path := range []string{"", "44'/118'/0'/0/0", "m/84'/0'/0'/1/2147483647"} {
				all = append(all, derive(mnemonic, passphrase, path))
			}
		}
	}
	paths := []string{
		"m/0", "0/1", "0'/1", " m /7", "m/0/", "m/0///", "44'/", "0007'/08", "m/2147483647'",
		"m", "m/", "/", "//", "0", "44'", "44h/0", "m/44h/0", "M/0", "/0", "m//0", "m/'", "m/0''", "m/+1", "m/-1", "m/ 1",
		"m/1 ", "m/2147483648", "m/2147483648'", "m/4294967296", "m/0x10", "m/1_0", "m/\u0661", "m/m/0", "0/m", "m'/0", " ",
	}
	for _, path := range paths {
		all = append(all, derive(words24, "", path))
	}
	for _, mnemonic := range []string{
		strings.ToUpper(words12), strings.Replace(words12, "legal", "lega", 1), words12 + " ", " " + words12,
		strings.Replace(words12, " ", "  ", 1), strings.Replace(words12, " ", "\t", 1), words12 + "\n",
		strings.Replace(words12, "yellow", "year", 1), strings.TrimSuffix(words12, " yellow"), "",
	} {
		all = append(all, derive(mnemonic, "", ""))
	}
	return all
}

// input gives the keyring's prompt its password, as often as it asks.
type input struct{}

func (input) Read(p []byte) (int, error) { return copy(p, filePassword+"\n"), nil }

func keep(backend, folder string, cdc codec.Codec) []Kept {
	ring, err := keyring.New("eots-manager", backend, folder, input{}, cdc)
	check(err)
	names := []string{"alice", "a/b", "gr\u00fcn", "50%", "two words", "tab&<x>", "alice.info", "%2F"}
	var all []Kept
	for i, name := range names {
		// Each key of a mnemonic of its own, the first one of 24 words as the daemon makes them.
		entropy := make([]byte, 32)
		for j := range entropy {
			entropy[j] = byte(i*32+j) ^ backend[0]
		}
		mnemonic, err := bip39.NewMnemonic(entropy)
		check(err)
		record, err := ring.NewAccount(name, mnemonic, "", "", hd.Secp256k1)
		check(err)
		public, err := record.GetPubKey()
		check(err)
		secret, err := hd.Secp256k1.Derive()(mnemonic, "", "")
		check(err)
		all = append(all, Kept{
			Backend: backend, Name: name, SecretKey: hex.EncodeToString(secret), PublicKey: hex.EncodeToString(public.Bytes()),
		})
	}
	// A key that is not here: its public key alone.
	secret, err := hd.Secp256k1.Derive()(words12, "", "")
	check(err)
	public := hd.Secp256k1.Generate()(secret).PubKey()
	_, err = ring.SaveOfflineKey("offline", public)
	check(err)
	return append(all, Kept{Backend: backend, Name: "offline", PublicKey: hex.EncodeToString(public.Bytes())})
}

// files reads the file of each key, which must be the one that the key's name and the escaping explain.
func files(all []Kept, folder string) {
	for i, kept := range all {
		escaped := strings.ReplaceAll(strings.ReplaceAll(kept.Name, "%", "%25"), "/", "%2F") + ".info"
		content, err := os.ReadFile(filepath.Join(folder, "keyring-"+kept.Backend, escaped))
		check(err)
		all[i].File, all[i].Content = escaped, string(content)
	}
}

func write(path string, value any) {
	text, err := json.MarshalIndent(value, "", " ")
	check(err)
	check(os.WriteFile(path, append(text, '\n'), 0o644))
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . FOLDER")
	}
	folder := os.Args[1]
	rings, err := os.MkdirTemp("", "keyring")
	check(err)
	defer os.RemoveAll(rings)
	registry := codectypes.NewInterfaceRegistry()
	cryptocodec.RegisterInterfaces(registry)
	cdc := codec.NewProtoCodec(registry)
	kept := append(keep("test", rings, cdc), keep("file", rings, cdc)...)
	files(kept, rings)
	write(filepath.Join(folder, "keyring.json"), map[string]any{
		"source":   "cosmos-sdk v0.53.4 crypto/keyring, cosmos/keyring v1.2.0, jose2go v1.7.0",
		"password": map[string]string{"test": "test", "file": filePassword}, "keys": kept,
	})
	all := derivations()
	write(filepath.Join(folder, "derivation.json"), map[string]any{
		"source": "cosmos-sdk v0.53.4 crypto/hd Secp256k1.Derive, go-bip39 v1.0.0", "derivations": all,
	})
	fmt.Printf("%d keys kept, %d derivations\n", len(kept), len(all))
}
