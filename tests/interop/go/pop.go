package main

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"github.com/babylonlabs-io/babylon/v4/crypto/bip322"
	"github.com/babylonlabs-io/babylon/v4/crypto/ecdsa"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

type popCase struct {
	dialect
	Role           string `json:"role"`
	SigType        int    `json:"sig_type"`
	Network        string `json:"network"`
	SecretKey      hx     `json:"secret_key"`
	PublicKey      hx     `json:"public_key"`
	Parity         string `json:"parity"`
	Address        string `json:"address"`
	AddressBytes   hx     `json:"address_bytes"`
	Message        hx     `json:"message"`
	BtcAddressType string `json:"btc_address_type,omitempty"`
	BtcAddress     string `json:"btc_address,omitempty"`
	Sighash        string `json:"sighash,omitempty"`
	Header         string `json:"header,omitempty"`
	Signature      hx     `json:"signature"`
	Protobuf       hx     `json:"protobuf"`
}

var networks = map[string]*chaincfg.Params{
	"mainnet": &chaincfg.MainNetParams,
	"signet":  &chaincfg.SigNetParams,
	"regtest": &chaincfg.RegressionNetParams,
}

// popMessage is what a proof of each type is over, before any hashing.
func popMessage(d dialect, sigType bstypes.BTCSigType, address sdk.AccAddress) []byte {
	if sigType == bstypes.BTCSigType_BIP340 {
		return concat([]byte(d.Context), address)
	}
	return concat([]byte(d.Context), []byte(address.String()))
}

// popVerify decodes the on-chain bytes and verifies as the chain does. The consumer dialect's message is a formula, given to
// the same functions that verify the genesis dialect.
func popVerify(d dialect, key []byte, address sdk.AccAddress, network string, protobuf []byte) error {
	var pop bstypes.ProofOfPossessionBTC
	if err := pop.Unmarshal(clone(protobuf)); err != nil {
		return err
	}
	if err := pop.ValidateBasic(); err != nil {
		return err
	}
	pk, err := bbn.NewBIP340PubKey(key)
	if err != nil {
		return err
	}
	if d.Dialect == "genesis" {
		return pop.Verify(address, pk, networks[network])
	}
	message := popMessage(d, pop.BtcSigType, address)
	switch pop.BtcSigType {
	case bstypes.BTCSigType_BIP340:
		return bstypes.VerifyBIP340(pop.BtcSigType, pop.BtcSig, pk, message)
	case bstypes.BTCSigType_BIP322:
		return bstypes.VerifyBIP322(pop.BtcSigType, pop.BtcSig, pk, message, networks[network])
	default:
		return bstypes.VerifyECDSA(pop.BtcSigType, pop.BtcSig, pk, string(message))
	}
}

// popProtobuf wraps a signature the way it stands on the chain; a BIP-322 one together with its address.
func popProtobuf(sigType bstypes.BTCSigType, signature []byte, btcAddress string) []byte {
	if sigType == bstypes.BTCSigType_BIP322 {
		signature = get((&bstypes.BIP322Sig{Address: btcAddress, Sig: signature}).Marshal())
	}
	return get((&bstypes.ProofOfPossessionBTC{BtcSigType: sigType, BtcSig: signature}).Marshal())
}

func p2wpkh(secret *btcec.ModNScalar, net *chaincfg.Params) btcutil.Address {
	return get(btcutil.NewAddressWitnessPubKeyHash(btcutil.Hash160(secretKey(secret).PubKey().SerializeCompressed()), net))
}

func p2tr(secret *btcec.ModNScalar, net *chaincfg.Params) btcutil.Address {
	return get(bip322.PubKeyToP2TrSpendAddress(secretKey(secret).PubKey(), net))
}

// bip322Witness signs the BIP-322 virtual transaction for an address of the key.
func bip322Witness(secret *btcec.ModNScalar, address btcutil.Address, message []byte, hashType txscript.SigHashType) wire.TxWitness {
	toSpend := get(bip322.GetToSpendTx(message, address))
	toSign := bip322.GetToSignTx(toSpend)
	out := toSpend.TxOut[0]
	fetcher := txscript.NewCannedPrevOutputFetcher(out.PkScript, out.Value)
	hashes := txscript.NewTxSigHashes(toSign, fetcher)
	if txscript.IsPayToTaproot(out.PkScript) {
		return get(txscript.TaprootWitnessSignature(toSign, hashes, 0, out.Value, out.PkScript, hashType, secretKey(secret)))
	}
	return get(txscript.WitnessSignature(toSign, hashes, 0, out.Value, out.PkScript, hashType, secretKey(secret), true))
}

// popOf is a proof for an account of so many bytes, verified as the chain does.
func (s *stream) popOf(d dialect, role string, sigType bstypes.BTCSigType, secret *btcec.ModNScalar, network string, size int) popCase {
	address := sdk.AccAddress(s.bytes(size))
	c := popCase{
		dialect: d, Role: role, SigType: int(sigType), Network: network, SecretKey: scalarBytes(secret), PublicKey: xOnly(secret),
		Parity: parity(secret), Address: address.String(), AddressBytes: address.Bytes(), Message: popMessage(d, sigType, address),
	}
	net := networks[c.Network]
	switch sigType {
	case bstypes.BTCSigType_BIP340:
		digest := sha256.Sum256(c.Message)
		c.Signature = schnorrSign(secret, digest[:])
	case bstypes.BTCSigType_BIP322:
		var btcAddress btcutil.Address
		hashType := txscript.SigHashAll
		c.Sighash = "all"
		if s.below(2) == 0 {
			c.BtcAddressType, btcAddress = "p2wpkh", p2wpkh(secret, net)
		} else {
			c.BtcAddressType, btcAddress = "p2tr", p2tr(secret, net)
			if s.below(3) > 0 {
				c.Sighash, hashType = "default", txscript.SigHashDefault
			}
		}
		c.BtcAddress = btcAddress.EncodeAddress()
		c.Signature = get(bip322.SerializeWitness(bip322Witness(secret, btcAddress, c.Message, hashType)))
	case bstypes.BTCSigType_ECDSA:
		c.Header = "compressed"
		c.Signature = ecdsa.Sign(secretKey(secret), string(c.Message))
		if s.below(8) == 0 {
			// Headers 27 to 30 say that the key is written uncompressed. The reference looks at the x coordinate only.
			c.Header = "uncompressed"
			c.Signature[0] -= 4
		}
	}
	c.Protobuf = popProtobuf(sigType, c.Signature, c.BtcAddress)
	must(popVerify(d, c.PublicKey, address, c.Network, c.Protobuf))
	var decoded bstypes.ProofOfPossessionBTC
	must(decoded.Unmarshal(c.Protobuf))
	expect(bytes.Equal(get(decoded.Marshal()), c.Protobuf), "one encoding")
	return c
}

var popNetworks = []string{"mainnet", "signet", "regtest"}

var popTypes = []bstypes.BTCSigType{bstypes.BTCSigType_BIP340, bstypes.BTCSigType_BIP322, bstypes.BTCSigType_ECDSA}

// accountCases are proofs for accounts of 32 bytes, as contracts and interchain accounts have, read in upper case: the chain's
// own reader takes it, and the proof is over the lower case.
func accountCases() file {
	s := newStream("accounts")
	var cases []any
	add := func(d dialect, role string, sigType bstypes.BTCSigType) {
		secret := s.scalarWithParity(len(cases)%2 == 1)
		c := s.popOf(d, role, sigType, secret, popNetworks[len(cases)/3%3], 32)
		upper := get(sdk.AccAddressFromBech32(strings.ToUpper(c.Address)))
		expect(bytes.Equal(upper, c.AddressBytes) && upper.String() == c.Address, "upper case is read")
		_, err := sdk.AccAddressFromBech32("B" + c.Address[1:])
		expect(err != nil, "mixed case is refused")
		cases = append(cases, c)
	}
	for i := range 36 {
		add(genesis(), "staker", popTypes[i%3])
	}
	for i := range 18 {
		add(s.consumer("staker_pop"), "staker", popTypes[i%3])
	}
	for range 6 {
		add(genesis(), "finality_provider", bstypes.BTCSigType_BIP340)
	}
	return file{
		kind: "accounts",
		description: "Proofs of possession for accounts of 32 bytes, with the fields of pop.json. The reference reads each address in upper case too, " +
			"and refuses it in mixed case.",
		source: "genesis: " + from(babylon, "x/btcstaking/types.ProofOfPossessionBTC.ValidateBasic, Verify, Marshal; crypto/ecdsa.Sign, crypto/bip322.GetToSignTx") +
			" with btcd txscript and btcec schnorr for signing, and cosmos-sdk types.AccAddressFromBech32; consumer: formula for the context, " +
			"x/btcstaking/types.VerifyBIP340, VerifyBIP322, VerifyECDSA",
		cases: cases,
	}
}

func popCases() file {
	s := newStream("pop")
	var cases []any
	add := func(d dialect, role string, sigType bstypes.BTCSigType, secret *btcec.ModNScalar) {
		cases = append(cases, s.popOf(d, role, sigType, secret, popNetworks[len(cases)%3], 20))
	}
	types := popTypes
	for _, secret := range edgeScalars() {
		for _, sigType := range types {
			add(genesis(), "staker", sigType, secret)
		}
	}
	for i := range 258 {
		add(genesis(), "staker", types[i%3], s.scalarWithParity(i/3%2 == 1))
	}
	for i := range 18 {
		add(s.consumer("staker_pop"), "staker", types[i%3], s.scalarWithParity(i/3%2 == 1))
	}
	for i := range 12 {
		add(genesis(), "finality_provider", bstypes.BTCSigType_BIP340, s.scalarWithParity(i%2 == 1))
	}
	for i := range 6 {
		add(s.consumer("fp_pop"), "finality_provider", bstypes.BTCSigType_BIP340, s.scalarWithParity(i%2 == 1))
	}
	return file{
		kind: "pop",
		description: "Proofs of possession. sig_type: 0 BIP-340 over SHA256(message) with zero auxiliary randomness, 1 BIP-322 simple (signature is the serialized witness), 2 ECDSA over the " +
			"\"Bitcoin Signed Message\" hash of message (65 bytes, header first). protobuf is babylon.btcstaking.v1.ProofOfPossessionBTC; its btc_sig is signature, " +
			"for BIP-322 a BIP322Sig of btc_address and signature. header tells which of the two ECDSA header ranges is used: the chain takes both.",
		source: "genesis: " + from(babylon, "x/btcstaking/types.ProofOfPossessionBTC.ValidateBasic, Verify, Marshal; crypto/ecdsa.Sign, crypto/bip322.GetToSignTx") +
			" with btcd txscript and btcec schnorr for signing; consumer: formula for the context, x/btcstaking/types.VerifyBIP340, VerifyBIP322, VerifyECDSA",
		cases: cases,
	}
}
