// Command wallets signs our PSBTs with btcutil/psbt and txscript, and writes PSBTs of its own for us to sign:
// requests and answers are those of `node/contract.mjs`. With `"write": true` the packet that is answered is a
// new one, made from the transaction, the output that it spends and the leaf alone.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/btcutil/psbt"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

type request struct {
	Psbt      string `json:"psbt"`
	SecretKey string `json:"secret_key"`
	Write     bool   `json:"write"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		answered := map[string]string{}
		if text, err := answer(lines.Bytes()); err != nil {
			answered["error"] = err.Error()
		} else {
			answered["psbt"] = text
		}
		line, _ := json.Marshal(answered)
		fmt.Println(string(line))
	}
}

func answer(line []byte) (string, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return "", err
	}
	packet, err := psbt.NewFromRawBytes(strings.NewReader(asked.Psbt), true)
	if err != nil {
		return "", err
	}
	if asked.Write {
		return write(packet)
	}
	secret, err := hex.DecodeString(asked.SecretKey)
	if err != nil {
		return "", err
	}
	key, _ := btcec.PrivKeyFromBytes(secret)
	for place := range packet.Inputs {
		if err := sign(packet, place, key); err != nil {
			return "", err
		}
	}
	return packet.B64Encode()
}

// A packet of the same transaction, as another program would create and update it.
func write(ours *psbt.Packet) (string, error) {
	packet, err := psbt.NewFromUnsignedTx(ours.UnsignedTx)
	if err != nil {
		return "", err
	}
	updater, err := psbt.NewUpdater(packet)
	if err != nil {
		return "", err
	}
	for place, input := range ours.Inputs {
		if err := updater.AddInWitnessUtxo(input.WitnessUtxo, place); err != nil {
			return "", err
		}
		written := &packet.Inputs[place]
		written.TaprootInternalKey = input.TaprootInternalKey
		written.TaprootLeafScript = input.TaprootLeafScript
	}
	return packet.B64Encode()
}

func sign(packet *psbt.Packet, place int, key *btcec.PrivateKey) error {
	input, transaction := &packet.Inputs[place], packet.UnsignedTx
	spent := input.WitnessUtxo
	coins := map[wire.OutPoint]*wire.TxOut{}
	for place, input := range packet.Inputs {
		coins[transaction.TxIn[place].PreviousOutPoint] = input.WitnessUtxo
	}
	hashes := txscript.NewTxSigHashes(transaction, txscript.NewMultiPrevOutFetcher(coins))
	switch {
	case len(input.TaprootLeafScript) > 0:
		leaf := txscript.NewBaseTapLeaf(input.TaprootLeafScript[0].Script)
		signature, err := txscript.RawTxInTapscriptSignature(
			transaction, hashes, place, spent.Value, spent.PkScript, leaf, input.SighashType, key)
		if err != nil {
			return err
		}
		hash := leaf.TapHash()
		input.TaprootScriptSpendSig = append(input.TaprootScriptSpendSig, &psbt.TaprootScriptSpendSig{
			XOnlyPubKey: schnorr.SerializePubKey(key.PubKey()), LeafHash: hash[:],
			Signature: signature, SigHash: input.SighashType,
		})
	case txscript.IsPayToTaproot(spent.PkScript):
		signature, err := txscript.RawTxInTaprootSignature(
			transaction, hashes, place, spent.Value, spent.PkScript, nil, input.SighashType, key)
		if err != nil {
			return err
		}
		input.TaprootKeySpendSig = signature
	default:
		return signWitnessKeyHash(packet, place, hashes, key)
	}
	return nil
}

func signWitnessKeyHash(packet *psbt.Packet, place int, hashes *txscript.TxSigHashes, key *btcec.PrivateKey) error {
	input, point := packet.Inputs[place], key.PubKey().SerializeCompressed()
	program := input.WitnessUtxo.PkScript
	if len(input.RedeemScript) > 0 {
		program = input.RedeemScript
	}
	if !bytes.Equal(program[2:], btcutil.Hash160(point)) {
		return fmt.Errorf("input %d is not of this key", place)
	}
	signature, err := txscript.RawTxInWitnessSignature(
		packet.UnsignedTx, hashes, place, input.WitnessUtxo.Value, program, txscript.SigHashAll, key)
	if err != nil {
		return err
	}
	updater, err := psbt.NewUpdater(packet)
	if err != nil {
		return err
	}
	outcome, err := updater.Sign(place, signature, point, input.RedeemScript, nil)
	if err == nil && outcome != psbt.SignSuccesful {
		err = fmt.Errorf("input %d: updater.Sign answers %d", place, outcome)
	}
	return err
}
