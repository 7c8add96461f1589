package main

import (
	"encoding/hex"
	"encoding/json"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	btcctypes "github.com/babylonlabs-io/babylon/v4/x/btccheckpoint/types"
	"github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/chainhash"
	"github.com/btcsuite/btcd/wire"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/cosmos/gogoproto/proto"
)

// wireCase is a message in both of its forms, and what it says.
type wireCase struct {
	Message  string          `json:"message"`
	JSON     json.RawMessage `json:"json"`
	Protobuf hx              `json:"protobuf"`
	Says     []wireFacts     `json:"says"`
}

// wireFacts are the values of one delegation. Txids and block hashes are as they are shown; what a message does not tell is left out.
type wireFacts struct {
	Staker        hx        `json:"staker"`
	Providers     []hx      `json:"finality_providers"`
	StakingTime   uint32    `json:"staking_time_blocks"`
	Amount        int64     `json:"staking_amount_sat"`
	Txid          string    `json:"staking_txid"`
	Output        *uint32   `json:"staking_output_index,omitempty"`
	Version       *uint32   `json:"parameters_version,omitempty"`
	UnbondingTime uint32    `json:"unbonding_time_blocks"`
	UnbondingTxid string    `json:"unbonding_txid"`
	SlashingTxids [2]string `json:"slashing_txids"`
	Members       []hx      `json:"members"`
	Start         uint32    `json:"start_height"`
	End           uint32    `json:"end_height"`
	Status        string    `json:"status,omitempty"`
	Possession    *int32    `json:"possession_kind,omitempty"`
	Previous      string    `json:"previous_txid,omitempty"`
	BlockHash     string    `json:"block_hash,omitempty"`
	Position      uint32    `json:"position"`
	SpentBy       string    `json:"spent_by,omitempty"`
}

// signature is over a message that nobody knows: readers check the form alone.
func (s *stream) signature() *bbn.BIP340Signature {
	return get(bbn.NewBIP340Signature(schnorrSign(s.scalar(), s.bytes(32))))
}

// adaptor has a point on the curve and a number below the group order.
func (s *stream) adaptor() []byte {
	return concat(secretKey(s.scalar()).PubKey().SerializeCompressed(), scalarBytes(s.scalar()))
}

func bip340Keys(secrets []*btcec.ModNScalar) []bbn.BIP340PubKey {
	return bbn.NewBIP340PKsFromBTCPKs(publicKeys(secrets))
}

func (k *stake) facts() wireFacts {
	return wireFacts{
		Staker: xOnly(k.staker), Providers: xOnlyKeys(k.providers), Members: []hx{}, StakingTime: uint32(k.stakingTime), Amount: k.amount,
		Txid: k.stakingTx.TxHash().String(), UnbondingTime: uint32(k.unbondingTime), UnbondingTxid: k.unbondingTx.TxHash().String(),
		SlashingTxids: [2]string{k.slashingTxs[0].TxHash().String(), k.slashingTxs[1].TxHash().String()},
	}
}

func (s *stream) adaptors(members []*btcec.ModNScalar, providers int) (list []*types.CovenantAdaptorSignatures) {
	for _, member := range bip340Keys(members) {
		entry := &types.CovenantAdaptorSignatures{CovPk: &member}
		for range providers {
			entry.AdaptorSigs = append(entry.AdaptorSigs, s.adaptor())
		}
		list = append(list, entry)
	}
	return list
}

func (s *stream) signatures(members []*btcec.ModNScalar) (list []*types.SignatureInfo) {
	for _, member := range bip340Keys(members) {
		list = append(list, &types.SignatureInfo{Pk: &member, Sig: s.signature()})
	}
	return list
}

// answer is what a node says of a delegation in one of the states in turn, by the chain's own code.
func answer(s *stream, k *stake, number int) (*types.BTCDelegationResponse, wireFacts) {
	facts := k.facts()
	staker := *bbn.NewBIP340PubKeyFromBTCPK(secretKey(k.staker).PubKey())
	slashing, unbondingSlashing := types.BTCSlashingTx(serialized(k.slashingTxs[0])), types.BTCSlashingTx(serialized(k.slashingTxs[1]))
	status := types.BTCDelegationStatus(number % 5)
	output, version := k.vout, uint32(number%7)
	facts.Output, facts.Version, facts.Status = &output, &version, status.String()
	undelegation := &types.BTCUndelegation{
		UnbondingTx: serialized(k.unbondingTx), SlashingTx: &unbondingSlashing, DelegatorSlashingSig: s.signature(),
	}
	delegation := &types.BTCDelegation{
		StakerAddr: "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm", BtcPk: &staker, FpBtcPkList: bip340Keys(k.providers),
		StakingTime: facts.StakingTime, TotalSat: uint64(k.amount), StakingTx: serialized(k.stakingTx), StakingOutputIdx: k.vout,
		SlashingTx: &slashing, DelegatorSig: s.signature(), UnbondingTime: facts.UnbondingTime, BtcUndelegation: undelegation, ParamsVersion: version,
	}
	if status != types.BTCDelegationStatus_PENDING {
		facts.Members = xOnlyKeys(k.members)
		delegation.CovenantSigs = s.adaptors(k.members, len(k.providers))
		undelegation.CovenantUnbondingSigList = s.signatures(k.members)
		undelegation.CovenantSlashingSigs = s.adaptors(k.members, len(k.providers))
	}
	if status > types.BTCDelegationStatus_VERIFIED {
		facts.Start = uint32(s.between(1, 1_000_000))
		facts.End = facts.Start + facts.StakingTime
		delegation.StartHeight, delegation.EndHeight = facts.Start, facts.End
	}
	if status == types.BTCDelegationStatus_UNBONDED {
		undelegation.DelegatorUnbondingInfo, facts.SpentBy = &types.DelegatorUnbondingInfo{}, facts.UnbondingTxid
		if number%2 == 0 {
			undelegation.DelegatorUnbondingInfo.SpendStakeTx, facts.SpentBy = slashing, facts.SlashingTxids[0]
		}
	}
	if number%3 == 0 {
		previous := get(chainhash.NewHash(s.bytes(32)))
		coin := wire.NewTxOut(int64(s.between(1000, 1_000_000)), s.addressScript())
		delegation.StkExp = &types.StakeExpansion{
			PreviousStakingTxHash: previous[:], OtherFundingTxOut: txOut(coin),
		}
		facts.Previous = previous.String()
		if status != types.BTCDelegationStatus_PENDING {
			delegation.StkExp.PreviousStkCovenantSigs = s.signatures(k.members)
		}
	}
	return types.NewBTCDelegationResponse(delegation, status), facts
}

func txOut(out *wire.TxOut) []byte {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
	tx.AddTxOut(out)
	// Version, one input of 41 bytes with its count, the count of outputs; and the lock time behind.
	bytes := serialized(tx)
	return bytes[4+1+41+1 : len(bytes)-4]
}

func wireMessage(s *stream, k *stake, number int) (*types.MsgCreateBTCDelegation, wireFacts) {
	facts := k.facts()
	staker := *bbn.NewBIP340PubKeyFromBTCPK(secretKey(k.staker).PubKey())
	slashing, unbondingSlashing := types.BTCSlashingTx(serialized(k.slashingTxs[0])), types.BTCSlashingTx(serialized(k.slashingTxs[1]))
	kind := int32(number % 3)
	facts.Possession = &kind
	message := &types.MsgCreateBTCDelegation{
		StakerAddr: "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm", BtcPk: &staker, FpBtcPkList: bip340Keys(k.providers),
		Pop:         &types.ProofOfPossessionBTC{BtcSigType: types.BTCSigType(kind), BtcSig: s.bytes(64)},
		StakingTime: facts.StakingTime, StakingValue: k.amount, StakingTx: serialized(k.stakingTx),
		SlashingTx: &slashing, DelegatorSlashingSig: s.signature(),
		UnbondingTime: facts.UnbondingTime, UnbondingTx: serialized(k.unbondingTx), UnbondingValue: k.amount - k.unbondingFee,
		UnbondingSlashingTx: &unbondingSlashing, DelegatorUnbondingSlashingSig: s.signature(),
	}
	if number%2 == 0 {
		block := get(chainhash.NewHash(s.bytes(32)))
		hash := bbn.NewBTCHeaderHashBytesFromChainhash(block)
		facts.Position, facts.BlockHash = uint32(number%4), block.String()
		message.StakingTxInclusionProof = &types.InclusionProof{
			Key: &btcctypes.TransactionKey{Index: facts.Position, Hash: &hash}, Proof: s.bytes(32 * (number % 4)),
		}
	}
	return message, facts
}

func wireExpand(s *stream, k *stake, number int) (*types.MsgBtcStakeExpand, wireFacts) {
	m, facts := wireMessage(s, k, number)
	previous := get(chainhash.NewHash(s.bytes(32)))
	facts.Previous, facts.BlockHash, facts.Position = previous.String(), "", 0
	return &types.MsgBtcStakeExpand{
		StakerAddr: m.StakerAddr, Pop: m.Pop, BtcPk: m.BtcPk, FpBtcPkList: m.FpBtcPkList, StakingTime: m.StakingTime,
		StakingValue: m.StakingValue, StakingTx: m.StakingTx, SlashingTx: m.SlashingTx, DelegatorSlashingSig: m.DelegatorSlashingSig,
		UnbondingTime: m.UnbondingTime, UnbondingTx: m.UnbondingTx, UnbondingValue: m.UnbondingValue,
		UnbondingSlashingTx: m.UnbondingSlashingTx, DelegatorUnbondingSlashingSig: m.DelegatorUnbondingSlashingSig,
		PreviousStakingTxHash: previous.String(), FundingTx: serialized(k.stakingTx),
	}, facts
}

// wireCases are answers and messages in turn, as JSON by the codec of the gateway and as protobuf.
func wireCases() file {
	s := newStream("wire")
	registry := codectypes.NewInterfaceRegistry()
	types.RegisterInterfaces(registry)
	marshaler := codec.NewProtoCodec(registry)
	var cases []any
	add := func(name string, message proto.Message, facts ...wireFacts) {
		text := get(codec.ProtoMarshalJSON(message, registry))
		if name == "MsgCreateBTCDelegation" || name == "MsgBtcStakeExpand" {
			// With "@type", as in a transaction.
			text = get(marshaler.MarshalInterfaceJSON(message))
		}
		cases = append(cases, wireCase{Message: name, JSON: text, Protobuf: get(proto.Marshal(message)), Says: facts})
	}
	for number := range 60 {
		// From 60 on, stakes have up to four members and one to five providers.
		k := drawStake(s, 60+number)
		switch number % 6 {
		case 0, 3:
			response, facts := answer(s, k, number/3)
			add("QueryBTCDelegationResponse", &types.QueryBTCDelegationResponse{BtcDelegation: response}, facts)
		case 1:
			first, firstFacts := answer(s, k, number)
			second, secondFacts := answer(s, drawStake(s, 61+number), number+2)
			add("QueryBTCDelegationsResponse", &types.QueryBTCDelegationsResponse{
				BtcDelegations: []*types.BTCDelegationResponse{first, second}, Pagination: &query.PageResponse{NextKey: s.bytes(8), Total: 2},
			}, firstFacts, secondFacts)
		case 2:
			response, facts := answer(s, k, number)
			add("QueryFinalityProviderDelegationsResponse", &types.QueryFinalityProviderDelegationsResponse{
				BtcDelegatorDelegations: []*types.BTCDelegatorDelegationsResponse{{}, {Dels: []*types.BTCDelegationResponse{response}}},
			}, facts)
		case 4:
			message, facts := wireMessage(s, k, number/2)
			add("MsgCreateBTCDelegation", message, facts)
		case 5:
			message, facts := wireExpand(s, k, number)
			add("MsgBtcStakeExpand", message, facts)
		}
	}
	expect(hex.EncodeToString(txOut(wire.NewTxOut(1, []byte{0x6a}))) == "0100000000000000016a", "an output is serialized")
	return file{
		kind:        "wire",
		description: "Answers of a node and messages to it, each as JSON and as protobuf, and what both say.",
		source:      from(babylon, "x/btcstaking/types, NewBTCDelegationResponse; JSON by cosmos-sdk's ProtoMarshalJSON and MarshalInterfaceJSON"),
		cases:       cases,
	}
}
