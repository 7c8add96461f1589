package main

import (
	"bytes"
	"slices"

	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	asig "github.com/babylonlabs-io/babylon/v4/crypto/schnorr-adaptor-signature"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

type transactionsCase struct {
	StakerSecret       hx              `json:"staker_secret"`
	ProviderSecrets    []hx            `json:"provider_secrets"`
	CovenantSecrets    []hx            `json:"covenant_secrets"`
	Amount             int64           `json:"amount_sat"`
	StakingTransaction hx              `json:"staking_transaction"`
	Tag                hx              `json:"tag,omitempty"`
	UnbondingFee       int64           `json:"unbonding_fee_sat"`
	SlashingRate       string          `json:"slashing_rate"`
	SlashingPkScript   hx              `json:"slashing_pk_script"`
	Signers            []int           `json:"signers"`
	Provider           int             `json:"provider"`
	Unbonding          spendCase       `json:"unbonding"`
	Slashing           slashingCase    `json:"slashing"`
	UnbondingSlashing  slashingCase    `json:"unbonding_slashing"`
	Withdrawal         *withdrawalCase `json:"withdrawal"`
}

type spendCase struct {
	Transaction hx     `json:"transaction"`
	Sighash     hx     `json:"sighash"`
	Places      []hx   `json:"places"`
	Wtxid       string `json:"wtxid"`
}

type slashingCase struct {
	Fee               int64     `json:"fee_sat"`
	AdaptorSignatures []hx      `json:"adaptor_signatures"`
	Spend             spendCase `json:"spend"`
}

type withdrawalCase struct {
	Source  string    `json:"source"`
	FeeRate int64     `json:"sat_per_vbyte"`
	Spend   spendCase `json:"spend"`
}

// path is one way to spend one output.
type path struct {
	tx     *wire.MsgTx
	output *wire.TxOut
	info   *btcstaking.SpendInfo
}

func (p path) sighash() []byte {
	fetcher := txscript.NewCannedPrevOutputFetcher(p.output.PkScript, p.output.Value)
	return get(txscript.CalcTapscriptSignaturehash(
		txscript.NewTxSigHashes(p.tx, fetcher), txscript.SigHashDefault, p.tx, 0, fetcher, p.info.RevealedLeaf))
}

// sign makes the signature that any signer makes again, and has the reference verify it.
func (p path) sign(secret *btcec.ModNScalar) *schnorr.Signature {
	signature := schnorrSign(secret, p.sighash())
	key := secretKey(secret).PubKey()
	must(btcstaking.VerifyTransactionSigWithOutput(p.tx, p.output, p.info.GetPkScriptPath(), key, signature))
	// The reference's own has another nonce, and is over the same sighash.
	own := get(btcstaking.SignTxWithOneScriptSpendInputFromScript(p.tx, p.output, secretKey(secret), p.info.GetPkScriptPath()))
	must(schnorrVerify(schnorr.SerializePubKey(key), p.sighash(), own.Serialize()))
	return get(schnorr.ParseSignature(signature))
}

// finish puts the witness in place, executes the spend, and writes it down.
func (p path) finish(witness wire.TxWitness) spendCase {
	signed := p.tx.Copy()
	signed.TxIn[0].Witness = witness
	fetcher := txscript.NewCannedPrevOutputFetcher(p.output.PkScript, p.output.Value)
	must(get(txscript.NewEngine(p.output.PkScript, signed, 0, txscript.StandardVerifyFlags, nil,
		txscript.NewTxSigHashes(signed, fetcher), p.output.Value, fetcher)).Execute())
	script, controlBlock := leaf(p.info)
	places, rest := witness[:len(witness)-2], witness[len(witness)-2:]
	expect(bytes.Equal(rest[0], script) && bytes.Equal(rest[1], controlBlock), "the witness ends with script and control block")
	return spendCase{serialized(p.tx), p.sighash(), hexList(places), signed.WitnessHash().String()}
}

// inWitness orders signatures as witnesses have them: by key, descending, with a gap for whoever did not sign.
func inWitness(keys []*btcec.PublicKey, signatures map[int]*schnorr.Signature) []*schnorr.Signature {
	sorted := btcstaking.SortKeys(keys)
	slices.Reverse(sorted)
	out := make([]*schnorr.Signature, len(sorted))
	for place, key := range sorted {
		out[place] = signatures[position(keys, key)]
	}
	return out
}

func (k *stake) transactions(s *stream, number int) transactionsCase {
	signers := s.shuffled(len(k.members))[:k.quorum]
	slices.Sort(signers)
	provider := s.below(len(k.providers))
	unbondingPath := path{k.unbondingTx, k.info.StakingOutput, get(k.info.UnbondingPathSpendInfo())}
	signatures := map[int]*schnorr.Signature{}
	for _, member := range signers {
		signatures[member] = unbondingPath.sign(k.members[member])
	}
	witness := get(unbondingPath.info.CreateUnbondingPathWitness(inWitness(publicKeys(k.members), signatures), unbondingPath.sign(k.staker)))
	return transactionsCase{
		StakerSecret:       scalarBytes(k.staker),
		ProviderSecrets:    secretBytes(k.providers),
		CovenantSecrets:    secretBytes(k.members),
		Amount:             k.amount,
		StakingTransaction: serialized(k.stakingTx),
		Tag:                k.tag,
		UnbondingFee:       k.unbondingFee,
		SlashingRate:       decimalRate(k.rate).String(),
		SlashingPkScript:   k.slashingScript,
		Signers:            signers,
		Provider:           provider,
		Unbonding:          unbondingPath.finish(witness),
		Slashing:           k.slash(0, signers, provider),
		UnbondingSlashing:  k.slash(1, signers, provider),
		Withdrawal:         k.withdraw(s, number),
	}
}

// assemble has the reference put the same transaction together in one call, and compares all but the provider's own signature, which
// gets another nonce there.
func (k *stake) assemble(which, provider int, adaptors map[int]*asig.AdaptorSignature, staker *schnorr.Signature, witness wire.TxWitness) {
	p := k.slashingPath(which)
	sorted := btcstaking.SortKeys(publicKeys(k.members))
	slices.Reverse(sorted)
	inOrder := make([]*asig.AdaptorSignature, len(sorted))
	for place, key := range sorted {
		inOrder[place] = adaptors[position(publicKeys(k.members), key)]
	}
	funding := []*wire.MsgTx{k.stakingTx, k.unbondingTx}[which]
	tx := get(bstypes.NewBTCSlashingTxFromMsgTx(p.tx))
	built := get(tx.BuildSlashingTxWithWitness(secretKey(k.providers[provider]), bbn.NewBIP340PKsFromBTCPKs(publicKeys(k.providers)), funding,
		k.vouts()[which], bbn.NewBIP340SignatureFromBTCSig(staker), inOrder, k.quorum, p.info))
	p.finish(built.TxIn[0].Witness)
	differing := 0
	for place, element := range built.TxIn[0].Witness {
		if !bytes.Equal(element, witness[place]) {
			differing++
		}
	}
	expect(len(built.TxIn[0].Witness) == len(witness) && differing == 1, "the same witness but for the provider's signature")
}

// slash has the signers make their adaptor signatures to all providers, and completes the transaction with the key of one.
func (k *stake) slash(which int, signers []int, provider int) slashingCase {
	p := k.slashingPath(which)
	var lists []hx
	adaptors, decrypted := map[int]*asig.AdaptorSignature{}, map[int]*schnorr.Signature{}
	for _, member := range signers {
		list := k.adaptorSignatures(p, k.members[member])
		adaptors[member] = get(asig.NewAdaptorSignatureFromBytes(list[provider]))
		decrypted[member] = get(schnorr.ParseSignature(get(adaptorDecrypt(scalarBytes(k.providers[provider]), list[provider]))))
		lists = append(lists, concat(list...))
	}
	own := map[int]*schnorr.Signature{provider: p.sign(k.providers[provider])}
	staker := p.sign(k.staker)
	witness := get(p.info.CreateSlashingPathWitness(
		inWitness(publicKeys(k.members), decrypted), inWitness(publicKeys(k.providers), own), staker))
	k.assemble(which, provider, adaptors, staker, witness)
	return slashingCase{k.slashingFees[which], lists, p.finish(witness)}
}

// adaptorSignatures are a member's, one to each provider in the order given, verified as the chain does.
func (k *stake) adaptorSignatures(p path, member *btcec.ModNScalar) [][]byte {
	var list [][]byte
	for _, provider := range k.providers {
		list = append(list, adaptorSign(member, encryptionKeyOf(provider), p.sighash(), repeat(0, 32)))
	}
	tx := get(bstypes.NewBTCSlashingTxFromMsgTx(p.tx))
	key := bbn.NewBIP340PubKeyFromBTCPK(secretKey(member).PubKey())
	must(tx.EncVerifyAdaptorSignatures(p.output, p.info, key, bbn.NewBIP340PKsFromBTCPKs(publicKeys(k.providers)), list))
	return list
}

// withdraw takes one of the three outputs in turn, or the next one that holds enough. The fee is the rate times the weight of the signed
// transaction, rounded up.
func (k *stake) withdraw(s *stream, number int) *withdrawalCase {
	slashing := k.slashingTxs[0]
	sources := []struct {
		name string
		tx   *wire.MsgTx
		vout uint32
		info *btcstaking.SpendInfo
		time uint16
	}{
		{"staking", k.stakingTx, k.vout, get(k.info.TimeLockPathSpendInfo()), k.stakingTime},
		{"unbonding", k.unbondingTx, 0, get(k.unbonding.TimeLockPathSpendInfo()), k.unbondingTime},
		{"refund", slashing, 1, k.refund.SpendInfo, k.unbondingTime},
	}
	rate, destination := int64(s.between(1, 20)), s.addressScript()
	for i := range sources {
		source := sources[(number+i)%len(sources)]
		output := source.tx.TxOut[source.vout]
		if output.Value < 10_000 {
			continue
		}
		hash := source.tx.TxHash()
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&hash, source.vout), nil, nil))
		tx.TxIn[0].Sequence = uint32(source.time)
		tx.AddTxOut(wire.NewTxOut(output.Value, destination))
		p := path{tx, output, source.info}
		signed := tx.Copy()
		signed.TxIn[0].Witness = get(source.info.CreateTimeLockPathWitness(p.sign(k.staker)))
		tx.TxOut[0].Value -= (rate*blockchain.GetTransactionWeight(btcutil.NewTx(signed)) + 3) / 4
		return &withdrawalCase{source.name, rate, p.finish(get(source.info.CreateTimeLockPathWitness(p.sign(k.staker))))}
	}
	panic("a stake too small to withdraw")
}
