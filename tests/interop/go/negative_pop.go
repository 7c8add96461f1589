package main

import (
	"bytes"
	"crypto/sha256"

	"github.com/babylonlabs-io/babylon/v4/crypto/bip322"
	"github.com/babylonlabs-io/babylon/v4/crypto/ecdsa"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/btcec/v2"
	btcecdsa "github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/bech32"
)

type badPop struct {
	head
	dialect
	SigType      int    `json:"sig_type"`
	Network      string `json:"network"`
	PublicKey    hx     `json:"public_key"`
	Address      string `json:"address"`
	AddressBytes hx     `json:"address_bytes"`
	Protobuf     hx     `json:"protobuf"`
	verdict
}

// popParts is a valid proof before it is wrapped.
type popParts struct {
	dialect
	sigType    bstypes.BTCSigType
	network    string
	secret     *btcec.ModNScalar
	key        []byte
	address    sdk.AccAddress
	message    []byte
	btcAddress string
	signature  []byte
	protobuf   []byte // where set, instead of what the parts give
}

func (p popParts) net() *chaincfg.Params {
	return networks[p.network]
}

func (p popParts) bytes() []byte {
	if p.protobuf != nil {
		return p.protobuf
	}
	return popProtobuf(p.sigType, p.signature, p.btcAddress)
}

func (p popParts) check() error {
	return popVerify(p.dialect, p.key, p.address, p.network, p.bytes())
}

func (n *negatives) addPop(rule, note string, p popParts, change func(p *popParts)) {
	must(p.check())
	change(&p)
	n.cases = append(n.cases, badPop{
		head{"pop", rule}, p.dialect, int(p.sigType), p.network, p.key, p.address.String(), p.address.Bytes(), p.bytes(), judge(p.check, note),
	})
}

func (n *negatives) popParts(sigType bstypes.BTCSigType, d dialect) popParts {
	secret := n.scalarWithParity(len(n.cases)%2 == 1)
	p := popParts{dialect: d, sigType: sigType, network: "signet", secret: secret, key: xOnly(secret), address: sdk.AccAddress(n.bytes(20))}
	p.message = popMessage(d, sigType, p.address)
	return p
}

func bip340Proof(secret *btcec.ModNScalar, message []byte) []byte {
	digest := sha256.Sum256(message)
	return schnorrSign(secret, digest[:])
}

// otherPrefix is the same address as another chain writes it.
func otherPrefix(address sdk.AccAddress) string {
	return get(bech32.ConvertAndEncode("cosmos", address))
}

func negativePopBip340(n *negatives) {
	addIn := func(d dialect, rule, note string, change func(p *popParts)) {
		p := n.popParts(bstypes.BTCSigType_BIP340, d)
		p.signature = bip340Proof(p.secret, p.message)
		n.addPop(rule, note, p, change)
	}
	add := func(rule, note string, change func(p *popParts)) { addIn(genesis(), rule, note, change) }
	add("address_of_another", "", func(p *popParts) { p.address = n.bytes(20) })
	add("key_of_another", "", func(p *popParts) { p.key = xOnly(n.scalar()) })
	add("key_not_on_curve", "", func(p *popParts) { p.key = n.offCurve() })
	add("key_above_p", "", func(p *popParts) { p.key = plus(fieldPrime, 1) })
	add("signature_bit", "in R", func(p *popParts) { p.signature = flip(p.signature, n.below(256)) })
	add("signature_bit", "in s", func(p *popParts) { p.signature = flip(p.signature, 256+n.below(256)) })
	add("s_negated", "", func(p *popParts) {
		p.signature = concat(p.signature[:32], scalarBytes(negated(scalarOf(p.signature[32:]))))
	})
	add("s_equals_n", "", func(p *popParts) { p.signature = concat(p.signature[:32], groupOrder) })
	add("randomness_above_p", "", func(p *popParts) { p.signature = concat(plus(fieldPrime, 1), p.signature[32:]) })
	add("signature_halves_swapped", "", func(p *popParts) { p.signature = swapEnds(p.signature) })
	add("signature_too_short", "", func(p *popParts) { p.signature = p.signature[:63] })
	add("signature_too_long", "", func(p *popParts) { p.signature = concat(p.signature, []byte{1}) })
	add("message_is_the_text", "signed over the bech32 text, which is what eotsd pop export signs for its own purpose", func(p *popParts) {
		p.signature = bip340Proof(p.secret, []byte(p.address.String()))
	})
	add("message_hashed_twice", "", func(p *popParts) {
		once := sha256.Sum256(p.message)
		p.signature = bip340Proof(p.secret, once[:])
	})
	add("message_is_the_key", "", func(p *popParts) { p.signature = bip340Proof(p.secret, p.key) })
	add("context_unexpected", "a proof of the consumer dialect", func(p *popParts) {
		p.signature = bip340Proof(p.secret, popMessage(n.consumer("staker_pop"), p.sigType, p.address))
	})
	addIn(n.consumer("staker_pop"), "context_missing", "a proof of the genesis dialect", func(p *popParts) {
		p.signature = bip340Proof(p.secret, popMessage(genesis(), p.sigType, p.address))
	})
	addIn(n.consumer("staker_pop"), "context_of_another_operation", "a provider's proof for a staker", func(p *popParts) {
		p.signature = bip340Proof(p.secret, concat([]byte(signingContext("fp_pop", p.ContextChainID, p.ContextAddress)), p.address))
	})
	add("type_is_ecdsa", "", func(p *popParts) { p.sigType = bstypes.BTCSigType_ECDSA })
	add("type_is_bip322", "", func(p *popParts) {
		p.sigType = bstypes.BTCSigType_BIP322
		p.protobuf = get((&bstypes.ProofOfPossessionBTC{BtcSigType: p.sigType, BtcSig: p.signature}).Marshal())
	})
	add("type_unknown", "", func(p *popParts) { p.sigType = 3 })
	add("signature_missing", "", func(p *popParts) { p.protobuf = []byte{} })
	add("protobuf_truncated", "", func(p *popParts) {
		whole := p.bytes()
		p.protobuf = whole[:len(whole)-1]
	})
}

func negativePopEcdsa(n *negatives) {
	addIn := func(d dialect, rule, note string, change func(p *popParts)) {
		p := n.popParts(bstypes.BTCSigType_ECDSA, d)
		p.signature = ecdsa.Sign(secretKey(p.secret), string(p.message))
		n.addPop(rule, note, p, change)
	}
	add := func(rule, note string, change func(p *popParts)) { addIn(genesis(), rule, note, change) }
	resign := func(p *popParts, message string) { p.signature = ecdsa.Sign(secretKey(p.secret), message) }
	// digest signs a digest made in another way.
	digest := func(p *popParts, digest [32]byte) {
		p.signature = btcecdsa.SignCompact(secretKey(p.secret), digest[:], true)
	}
	twice := func(b []byte) [32]byte {
		once := sha256.Sum256(b)
		return sha256.Sum256(once[:])
	}
	highS := func(sig []byte) []byte { return concat(sig[:33], scalarBytes(negated(scalarOf(sig[33:])))) }
	add("address_of_another", "", func(p *popParts) { p.address = n.bytes(20) })
	add("key_of_another", "", func(p *popParts) { p.key = xOnly(n.scalar()) })
	add("key_not_on_curve", "", func(p *popParts) { p.key = n.offCurve() })
	add("high_s", "and the recovery number that goes with it", func(p *popParts) {
		p.signature = highS(p.signature)
		p.signature[0] = (p.signature[0] - 31) ^ 1 + 31
	})
	add("high_s", "with the old recovery number", func(p *popParts) { p.signature = highS(p.signature) })
	add("recovery_number", "the other parity", func(p *popParts) { p.signature[0] = (p.signature[0] - 31) ^ 1 + 31 })
	add("recovery_number", "x above n, which it is not", func(p *popParts) { p.signature[0] += 2 })
	for _, header := range []byte{0, 26, 35, 39, 255} {
		add("header", "", func(p *popParts) { p.signature[0] = header })
	}
	add("r_zero", "", func(p *popParts) { p.signature = concat(p.signature[:1], repeat(0, 32), p.signature[33:]) })
	add("r_equals_n", "", func(p *popParts) { p.signature = concat(p.signature[:1], groupOrder, p.signature[33:]) })
	add("r_bit", "", func(p *popParts) { p.signature = flip(p.signature, 8+n.below(256)) })
	add("s_zero", "", func(p *popParts) { p.signature = concat(p.signature[:33], repeat(0, 32)) })
	add("s_equals_n", "", func(p *popParts) { p.signature = concat(p.signature[:33], groupOrder) })
	add("s_above_n", "", func(p *popParts) { p.signature = concat(p.signature[:33], allOnes) })
	add("s_bit", "", func(p *popParts) { p.signature = flip(p.signature, 8*65-1) })
	add("signature_halves_swapped", "", func(p *popParts) { p.signature = concat(p.signature[:1], swapEnds(p.signature[1:])) })
	add("header_last", "", func(p *popParts) { p.signature = concat(p.signature[1:], p.signature[:1]) })
	add("signature_too_short", "without the header", func(p *popParts) { p.signature = p.signature[1:] })
	add("signature_too_long", "", func(p *popParts) { p.signature = concat(p.signature, []byte{0}) })
	add("signature_is_der", "", func(p *popParts) {
		h := twice(magic(string(p.message)))
		p.signature = btcecdsa.Sign(secretKey(p.secret), h[:]).Serialize()
	})
	add("message_is_raw", "signed over the 20 bytes", func(p *popParts) { resign(p, string(p.address)) })
	add("message_trailing_space", "", func(p *popParts) { resign(p, p.address.String()+" ") })
	add("address_prefix", "signed over the address as another chain writes it", func(p *popParts) { resign(p, otherPrefix(p.address)) })
	add("address_upper_case", "", func(p *popParts) { resign(p, string(bytes.ToUpper(p.message))) })
	add("hashed_once", "", func(p *popParts) { digest(p, sha256.Sum256(magic(string(p.message)))) })
	add("without_magic", "", func(p *popParts) { digest(p, twice(p.message)) })
	add("magic_without_length", "", func(p *popParts) { digest(p, twice(magic(string(p.message))[1:])) })
	add("message_without_length", "", func(p *popParts) {
		digest(p, twice(concat([]byte("\x18Bitcoin Signed Message:\n"), p.message)))
	})
	add("context_unexpected", "", func(p *popParts) { resign(p, string(popMessage(n.consumer("staker_pop"), p.sigType, p.address))) })
	addIn(n.consumer("staker_pop"), "context_missing", "", func(p *popParts) { resign(p, p.address.String()) })
	add("type_is_bip340", "", func(p *popParts) { p.sigType = bstypes.BTCSigType_BIP340 })
}

// magic is what is hashed twice for a signed message.
func magic(text string) []byte {
	var out bytes.Buffer
	must(wire.WriteVarString(&out, 0, "Bitcoin Signed Message:\n"))
	must(wire.WriteVarString(&out, 0, text))
	return out.Bytes()
}

func negativePopBip322(n *negatives) {
	witnessBytes := func(w wire.TxWitness) []byte { return get(bip322.SerializeWitness(w)) }
	sign := func(p *popParts, address btcutil.Address, message []byte, hashType txscript.SigHashType) {
		p.btcAddress = address.EncodeAddress()
		p.signature = witnessBytes(bip322Witness(p.secret, address, message, hashType))
	}
	items := func(p *popParts) wire.TxWitness { return get(bip322.SimpleSigToWitness(p.signature)) }
	addIn := func(d dialect, taproot bool, rule, note string, change func(p *popParts)) {
		p := n.popParts(bstypes.BTCSigType_BIP322, d)
		if taproot {
			sign(&p, p2tr(p.secret, p.net()), p.message, txscript.SigHashDefault)
		} else {
			sign(&p, p2wpkh(p.secret, p.net()), p.message, txscript.SigHashAll)
		}
		n.addPop(rule, note, p, change)
	}
	segwit := func(rule, note string, change func(p *popParts)) { addIn(genesis(), false, rule, note, change) }
	taproot := func(rule, note string, change func(p *popParts)) { addIn(genesis(), true, rule, note, change) }
	both := func(rule, note string, change func(p *popParts)) {
		segwit(rule, note, change)
		taproot(rule, note, change)
	}
	ownAddress := func(p *popParts) btcutil.Address { return get(btcutil.DecodeAddress(p.btcAddress, p.net())) }
	defaultType := func(p *popParts) txscript.SigHashType {
		if _, ok := ownAddress(p).(*btcutil.AddressTaproot); ok {
			return txscript.SigHashDefault
		}
		return txscript.SigHashAll
	}

	both("address_of_another", "another account", func(p *popParts) { p.address = n.bytes(20) })
	both("key_of_another", "", func(p *popParts) { p.key = xOnly(n.scalar()) })
	both("btc_address_of_another", "the signature is for the key's own address", func(p *popParts) {
		if defaultType(p) == txscript.SigHashDefault {
			p.btcAddress = p2tr(n.scalar(), p.net()).EncodeAddress()
		} else {
			p.btcAddress = p2wpkh(n.scalar(), p.net()).EncodeAddress()
		}
	})
	both("message_is_raw", "signed over the 20 bytes", func(p *popParts) { sign(p, ownAddress(p), p.address, defaultType(p)) })
	both("address_prefix", "signed over the address as another chain writes it", func(p *popParts) {
		sign(p, ownAddress(p), []byte(otherPrefix(p.address)), defaultType(p))
	})
	both("context_unexpected", "a proof of the consumer dialect", func(p *popParts) {
		sign(p, ownAddress(p), popMessage(n.consumer("staker_pop"), p.sigType, p.address), defaultType(p))
	})
	addIn(n.consumer("staker_pop"), true, "context_missing", "a proof of the genesis dialect", func(p *popParts) {
		sign(p, ownAddress(p), []byte(p.address.String()), txscript.SigHashDefault)
	})
	for _, bit := range []int{20, 100} {
		both("signature_bit", "", func(p *popParts) {
			w := items(p)
			w[0] = flip(w[0], 8*len(w[0])-bit)
			p.signature = witnessBytes(w)
		})
	}
	both("witness_truncated", "", func(p *popParts) { p.signature = p.signature[:len(p.signature)-1] })
	both("witness_empty", "no items", func(p *popParts) { p.signature = []byte{0} })
	both("witness_missing", "no bytes", func(p *popParts) { p.signature = nil })
	both("witness_extra_item", "", func(p *popParts) { p.signature = witnessBytes(append(items(p), []byte{})) })
	both("witness_item_empty", "an empty signature", func(p *popParts) {
		w := items(p)
		w[0] = []byte{}
		p.signature = witnessBytes(w)
	})
	both("witness_trailing_byte", "the reference stops reading after the last item", func(p *popParts) { p.signature = concat(p.signature, []byte{0}) })
	both("btc_address_checksum", "", func(p *popParts) {
		last := p.btcAddress[len(p.btcAddress)-1]
		p.btcAddress = p.btcAddress[:len(p.btcAddress)-1] + string("qp"[b2i(last == 'q')])
	})
	both("btc_address_missing", "", func(p *popParts) { p.btcAddress = "" })
	both("btc_address_network", "a mainnet address where signet is expected", func(p *popParts) {
		p.btcAddress = sameOn(ownAddress(p), &chaincfg.MainNetParams).EncodeAddress()
	})
	both("btc_address_network", "a regtest address where signet is expected", func(p *popParts) {
		p.btcAddress = sameOn(ownAddress(p), &chaincfg.RegressionNetParams).EncodeAddress()
	})
	segwit("witness_missing_item", "no key", func(p *popParts) { p.signature = witnessBytes(items(p)[:1]) })
	segwit("witness_items_swapped", "", func(p *popParts) {
		w := items(p)
		p.signature = witnessBytes(wire.TxWitness{w[1], w[0]})
	})
	segwit("witness_key_bit", "the key's parity", func(p *popParts) {
		w := items(p)
		w[1] = flip(w[1], 7)
		p.signature = witnessBytes(w)
	})
	for _, hashType := range []txscript.SigHashType{
		txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAll | txscript.SigHashAnyOneCanPay, txscript.SigHashSingle | txscript.SigHashAnyOneCanPay,
	} {
		both("sighash", "rightly signed", func(p *popParts) { sign(p, ownAddress(p), p.message, hashType) })
	}
	both("sighash_byte", "changed after signing", func(p *popParts) {
		w := items(p)
		if len(w[0]) == 64 {
			w[0] = append(w[0], byte(txscript.SigHashAll))
		} else {
			w[0][len(w[0])-1] = byte(txscript.SigHashNone)
		}
		p.signature = witnessBytes(w)
	})
	taproot("sighash_byte", "an explicit 00", func(p *popParts) { p.signature = witnessBytes(wire.TxWitness{append(items(p)[0], 0)}) })
	segwit("sighash_byte_missing", "", func(p *popParts) {
		w := items(p)
		w[0] = w[0][:len(w[0])-1]
		p.signature = witnessBytes(w)
	})
	segwit("high_s", "", func(p *popParts) {
		w := items(p)
		w[0] = concat(derHighS(w[0][:len(w[0])-1]), []byte{1})
		p.signature = witnessBytes(w)
	})
	segwit("key_uncompressed", "an address of the uncompressed key, and that key in the witness", func(p *popParts) {
		full := secretKey(p.secret).PubKey().SerializeUncompressed()
		address := get(btcutil.NewAddressWitnessPubKeyHash(btcutil.Hash160(full), p.net()))
		out, hashes, toSign := toSignFor(address, p.message, 0)
		p.btcAddress = address.EncodeAddress()
		p.signature = witnessBytes(get(txscript.WitnessSignature(toSign, hashes, 0, 0, out.PkScript, txscript.SigHashAll, secretKey(p.secret), false)))
	})
	segwit("virtual_transaction_version", "signed a version 2 transaction", func(p *popParts) {
		out, hashes, toSign := toSignFor(ownAddress(p), p.message, 2)
		p.signature = witnessBytes(get(txscript.WitnessSignature(toSign, hashes, 0, 0, out.PkScript, txscript.SigHashAll, secretKey(p.secret), true)))
	})
	taproot("virtual_transaction_version", "signed a version 2 transaction", func(p *popParts) {
		out, hashes, toSign := toSignFor(ownAddress(p), p.message, 2)
		p.signature = witnessBytes(get(txscript.TaprootWitnessSignature(toSign, hashes, 0, 0, out.PkScript, txscript.SigHashDefault, secretKey(p.secret))))
	})
	both("full_format", "the whole signed transaction instead of the witness", func(p *popParts) {
		_, _, toSign := toSignFor(ownAddress(p), p.message, 0)
		toSign.TxIn[0].Witness = items(p)
		var out bytes.Buffer
		must(toSign.Serialize(&out))
		p.signature = out.Bytes()
	})
	segwit("address_kind", "P2PKH", func(p *popParts) {
		p.btcAddress = get(btcutil.NewAddressPubKeyHash(ownAddress(p).ScriptAddress(), p.net())).EncodeAddress()
	})
	segwit("address_kind", "P2SH around P2WPKH, with the witness of P2WPKH", func(p *popParts) {
		script := get(txscript.PayToAddrScript(ownAddress(p)))
		p.btcAddress = get(btcutil.NewAddressScriptHash(script, p.net())).EncodeAddress()
	})
	segwit("address_kind", "P2WSH of a single key, rightly signed", func(p *popParts) {
		script := concat([]byte{33}, secretKey(p.secret).PubKey().SerializeCompressed(), []byte{txscript.OP_CHECKSIG})
		h := sha256.Sum256(script)
		address := get(btcutil.NewAddressWitnessScriptHash(h[:], p.net()))
		_, hashes, toSign := toSignFor(address, p.message, 0)
		sig := get(txscript.RawTxInWitnessSignature(toSign, hashes, 0, 0, script, txscript.SigHashAll, secretKey(p.secret)))
		p.btcAddress = address.EncodeAddress()
		p.signature = witnessBytes(wire.TxWitness{sig, script})
	})
	taproot("script_path", "a leaf that holds the key, rightly signed", func(p *popParts) {
		script := concat([]byte{32}, p.key, []byte{txscript.OP_CHECKSIG})
		leaf := txscript.NewBaseTapLeaf(script)
		assembled := txscript.AssembleTaprootScriptTree(leaf)
		root := assembled.RootNode.TapHash()
		internal := get(lift(p.key))
		output := txscript.ComputeTaprootOutputKey(internal, root[:])
		address := get(btcutil.NewAddressTaproot(schnorr.SerializePubKey(output), p.net()))
		out, hashes, toSign := toSignFor(address, p.message, 0)
		sig := get(txscript.RawTxInTapscriptSignature(toSign, hashes, 0, 0, out.PkScript, leaf, txscript.SigHashDefault, secretKey(p.secret)))
		control := assembled.LeafMerkleProofs[0].ToControlBlock(internal)
		p.btcAddress = address.EncodeAddress()
		p.signature = witnessBytes(wire.TxWitness{sig, script, get(control.ToBytes())})
	})
	taproot("key_path_with_a_script_tree", "key path of an output that also commits to a script, rightly signed", func(p *popParts) {
		root := n.bytes(32)
		address := get(btcutil.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(get(lift(p.key)), root)), p.net()))
		out, hashes, toSign := toSignFor(address, p.message, 0)
		p.btcAddress = address.EncodeAddress()
		p.signature = witnessBytes(wire.TxWitness{
			get(txscript.RawTxInTaprootSignature(toSign, hashes, 0, 0, out.PkScript, root, txscript.SigHashDefault, secretKey(p.secret))),
		})
	})
	taproot("key_not_tweaked", "the output key is the key itself, rightly signed", func(p *popParts) {
		address := get(btcutil.NewAddressTaproot(p.key, p.net()))
		out, hashes, toSign := toSignFor(address, p.message, 0)
		digest := get(txscript.CalcTaprootSignatureHash(hashes, txscript.SigHashDefault, toSign, 0, txscript.NewCannedPrevOutputFetcher(out.PkScript, 0)))
		p.btcAddress = address.EncodeAddress()
		p.signature = witnessBytes(wire.TxWitness{schnorrSign(p.secret, digest)})
	})
	taproot("annex", "", func(p *popParts) { p.signature = witnessBytes(append(items(p), []byte{0x50})) })
	both("type_is_ecdsa", "", func(p *popParts) {
		p.sigType = bstypes.BTCSigType_ECDSA
	})
}

// toSignFor is the BIP-322 virtual transaction for an address, with a version of choice.
func toSignFor(address btcutil.Address, message []byte, version int32) (*wire.TxOut, *txscript.TxSigHashes, *wire.MsgTx) {
	toSpend := get(bip322.GetToSpendTx(message, address))
	toSign := bip322.GetToSignTx(toSpend)
	toSign.Version = version
	out := toSpend.TxOut[0]
	return out, txscript.NewTxSigHashes(toSign, txscript.NewCannedPrevOutputFetcher(out.PkScript, out.Value)), toSign
}

// sameOn writes a segwit address for another network.
func sameOn(address btcutil.Address, net *chaincfg.Params) btcutil.Address {
	if len(address.ScriptAddress()) == 32 {
		return get(btcutil.NewAddressTaproot(address.ScriptAddress(), net))
	}
	return get(btcutil.NewAddressWitnessPubKeyHash(address.ScriptAddress(), net))
}

// derHighS rewrites a DER signature with n − s.
func derHighS(der []byte) []byte {
	get(btcecdsa.ParseDERSignature(der))
	r := der[4 : 4+int(der[3])]
	s := der[4+len(r)+2:]
	high := scalarBytes(negated(scalarOf(s)))
	// n − s is above n/2, so its first bit is set and DER puts a zero byte before it.
	body := concat([]byte{2, byte(len(r))}, r, []byte{2, 33, 0}, high)
	return concat([]byte{0x30, byte(len(body))}, body)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
