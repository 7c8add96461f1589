package main

import (
	"bytes"
	"math/big"

	sdkmath "cosmossdk.io/math"
	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

// stake is everything that a stake and what spends it are made of. Lists are in the order given, which scripts do not keep.
type stake struct {
	staker             *btcec.ModNScalar
	providers, members []*btcec.ModNScalar
	quorum             uint32
	stakingTime        uint16
	unbondingTime      uint16
	amount             int64
	unbondingFee       int64
	slashingFees       [2]int64 // of the staking output's slashing transaction, and of the unbonding output's
	rate               int64    // in ten-thousandths
	slashingScript     []byte
	tag                []byte // of the phase-1 announcement, nil without one

	// What follows from it.
	info      *btcstaking.StakingInfo
	unbonding *btcstaking.UnbondingInfo
	refund    *btcstaking.RelativeTimeLockTapScriptInfo
	stakingTx *wire.MsgTx
	vout      uint32
	// unbondingTx spends the staking output; slashingTxs spend the staking output and the unbonding output.
	unbondingTx *wire.MsgTx
	slashingTxs [2]*wire.MsgTx
}

var allNetworks = []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.SigNetParams, &chaincfg.RegressionNetParams}

var mainnet = allNetworks[0]

// mainnetSlashingScript is the OP_RETURN that mainnet burns the slashed part to.
var mainnetSlashingScript = fromHex("6a07626162796c6f6e")

// edgeTimes are the timelocks at which their encoding in a script changes its shape: opcode, one byte, two, three.
var edgeTimes = []uint16{1, 2, 16, 17, 127, 128, 255, 256, 32767, 32768, 65535}

func publicKeys(secrets []*btcec.ModNScalar) []*btcec.PublicKey {
	keys := make([]*btcec.PublicKey, len(secrets))
	for i, secret := range secrets {
		keys[i] = secretKey(secret).PubKey()
	}
	return keys
}

func xOnlyKeys(secrets []*btcec.ModNScalar) []hx {
	keys := make([]hx, len(secrets))
	for i, secret := range secrets {
		keys[i] = xOnly(secret)
	}
	return keys
}

func (s *stream) scalars(count int) []*btcec.ModNScalar {
	out := make([]*btcec.ModNScalar, count)
	for i := range out {
		out[i] = s.scalar()
	}
	return out
}

func (s *stream) time() uint16 {
	return uint16(s.between(1, 65535))
}

// shuffled is 0..n-1 in an order of its own.
func (s *stream) shuffled(n int) []int {
	out := make([]int, n)
	for i := range out {
		j := s.below(i + 1)
		out[i], out[j] = out[j], i
	}
	return out
}

// addressScript draws a script of one of the five kinds of address.
func (s *stream) addressScript() []byte {
	switch s.below(5) {
	case 0:
		return concat([]byte{txscript.OP_DUP, txscript.OP_HASH160, 20}, s.bytes(20), []byte{txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG})
	case 1:
		return concat([]byte{txscript.OP_HASH160, 20}, s.bytes(20), []byte{txscript.OP_EQUAL})
	case 2:
		return concat([]byte{txscript.OP_0, 20}, s.bytes(20))
	case 3:
		return concat([]byte{txscript.OP_0, 32}, s.bytes(32))
	default:
		return concat([]byte{txscript.OP_1, 32}, xOnly(s.scalar()))
	}
}

// decimalRate is the rate as the reference takes it.
func decimalRate(tenThousandths int64) sdkmath.LegacyDec {
	return sdkmath.LegacyNewDecWithPrec(tenThousandths, 4)
}

// slashedAmount is what the reference slashes, in double precision.
func slashedAmount(amount, rate int64) int64 {
	return int64(btcutil.Amount(amount).MulF64(get(decimalRate(rate).Float64())))
}

// exactSlashedAmount is the same in exact arithmetic, with a half rounded up.
func exactSlashedAmount(amount, rate int64) int64 {
	x := new(big.Int).Mul(big.NewInt(amount), big.NewInt(rate))
	return x.Add(x, big.NewInt(5000)).Div(x, big.NewInt(10000)).Int64()
}

// fund draws a staking transaction: one or two inputs, and the staking output somewhere among others.
func (k *stake) fund(s *stream) {
	k.stakingTx = wire.NewMsgTx(int32(s.between(1, 2)))
	for range s.between(1, 2) {
		outpoint := wire.OutPoint{Hash: [32]byte(s.bytes(32)), Index: uint32(s.below(5))}
		k.stakingTx.AddTxIn(wire.NewTxIn(&outpoint, nil, nil))
		k.stakingTx.TxIn[0].Sequence -= uint32(s.below(3))
	}
	outputs := []*wire.TxOut{k.info.StakingOutput}
	if k.tag != nil {
		outputs = append(outputs, get(get(btcstaking.NewV0OpReturnDataFromParsed(
			k.tag, publicKeys([]*btcec.ModNScalar{k.staker})[0], publicKeys(k.providers)[0], k.stakingTime)).ToTxOutput()))
	}
	for range s.below(3) {
		outputs = append(outputs, wire.NewTxOut(int64(s.between(546, 1_000_000)), s.addressScript()))
	}
	for place, which := range s.shuffled(len(outputs)) {
		k.stakingTx.AddTxOut(outputs[which])
		if which == 0 {
			k.vout = uint32(place)
		}
	}
}

// scripts builds the three outputs with the reference.
func (k *stake) scripts(net *chaincfg.Params) error {
	staker, providers, members := secretKey(k.staker).PubKey(), publicKeys(k.providers), publicKeys(k.members)
	var err error
	if k.info, err = btcstaking.BuildStakingInfo(staker, providers, members, k.quorum, k.stakingTime, btcutil.Amount(k.amount), net); err != nil {
		return err
	}
	left := btcutil.Amount(k.amount - k.unbondingFee)
	if k.unbonding, err = btcstaking.BuildUnbondingInfo(staker, providers, members, k.quorum, k.unbondingTime, left, net); err != nil {
		return err
	}
	k.refund, err = btcstaking.BuildRelativeTimelockTaprootScript(staker, k.unbondingTime, net)
	return err
}

// spends builds what spends the staking output and the unbonding output. The unbonding transaction is laid out here, because the
// reference has checks for it and no builder.
func (k *stake) spends() error {
	hash := k.stakingTx.TxHash()
	k.unbondingTx = wire.NewMsgTx(2)
	k.unbondingTx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&hash, k.vout), nil, nil))
	k.unbondingTx.AddTxOut(k.unbonding.UnbondingOutput)
	for i, source := range []*wire.MsgTx{k.stakingTx, k.unbondingTx} {
		var err error
		k.slashingTxs[i], err = btcstaking.BuildSlashingTxFromStakingTxStrict(source, k.vouts()[i], k.slashingScript,
			secretKey(k.staker).PubKey(), k.unbondingTime, k.slashingFees[i], decimalRate(k.rate), mainnet)
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *stake) vouts() [2]uint32 {
	return [2]uint32{k.vout, 0}
}

// check has the reference check the transactions as its chain does.
func (k *stake) check() {
	must(btcstaking.CheckPreSignedUnbondingTxSanity(k.unbondingTx))
	for i, source := range []*wire.MsgTx{k.stakingTx, k.unbondingTx} {
		must(btcstaking.CheckPreSignedSlashingTxSanity(k.slashingTxs[i]))
		must(btcstaking.CheckSlashingTxMatchFundingTx(k.slashingTxs[i], source, k.vouts()[i], k.slashingFees[i], decimalRate(k.rate),
			k.slashingScript, secretKey(k.staker).PubKey(), k.unbondingTime, mainnet))
	}
	if k.tag == nil {
		return
	}
	parsed := get(btcstaking.ParseV0StakingTx(k.stakingTx, k.tag, publicKeys(k.members), k.quorum, mainnet))
	expect(parsed.StakingOutputIdx == int(k.vout), "the announced stake is found where it is")
	expect(btcstaking.IsPossibleV0StakingTx(k.stakingTx, k.tag), "the quick look agrees")
}

func serialized(tx *wire.MsgTx) []byte {
	var out bytes.Buffer
	must(tx.Serialize(&out))
	return out.Bytes()
}
