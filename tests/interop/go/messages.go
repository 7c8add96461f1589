package main

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"cosmossdk.io/math"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	btcctypes "github.com/babylonlabs-io/babylon/v4/x/btccheckpoint/types"
	lightclient "github.com/babylonlabs-io/babylon/v4/x/btclightclient/types"
	"github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	finality "github.com/babylonlabs-io/babylon/v4/x/finality/types"
	"github.com/btcsuite/btcd/chaincfg/chainhash"
	"github.com/btcsuite/btcd/wire"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	bank "github.com/cosmos/cosmos-sdk/x/bank/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
	"github.com/cosmos/gogoproto/proto"
)

// messageCase is a message in a transaction of its own, as the SDK signs it in SIGN_MODE_DIRECT.
type messageCase struct {
	JSON          json.RawMessage `json:"json"`
	Protobuf      hx              `json:"protobuf"`
	SecretKey     hx              `json:"account_secret_key"`
	ChainID       string          `json:"chain_id"`
	AccountNumber uint64          `json:"account_number"`
	Sequence      uint64          `json:"sequence"`
	TimeoutHeight uint64          `json:"timeout_height"`
	Fee           uint64          `json:"fee_ubbn"`
	GasLimit      uint64          `json:"gas_limit"`
	SignBytes     hx              `json:"sign_bytes"`
	Transaction   hx              `json:"transaction"`
}

// transaction puts a message into a transaction, and signs it.
func (s *stream) transaction(message proto.Message, secret []byte, registry codectypes.InterfaceRegistry, number int) messageCase {
	key := &secp256k1.PrivKey{Key: secret}
	c := messageCase{
		JSON:     get(codec.NewProtoCodec(registry).MarshalInterfaceJSON(message)),
		Protobuf: get(proto.Marshal(message)), SecretKey: secret,
		ChainID: []string{"bbn-1", "bbn-test-6"}[number%2], AccountNumber: uint64(number) * 1000, Sequence: uint64(number % 5),
		GasLimit: uint64(100_000 + number), Fee: uint64(201 + number),
	}
	if number%3 == 0 {
		c.TimeoutHeight = s.u64() >> 1
	}
	body := get((&tx.TxBody{
		Messages: []*codectypes.Any{get(codectypes.NewAnyWithValue(message))}, TimeoutHeight: c.TimeoutHeight,
	}).Marshal())
	auth := get((&tx.AuthInfo{
		SignerInfos: []*tx.SignerInfo{{
			PublicKey: get(codectypes.NewAnyWithValue(key.PubKey())),
			ModeInfo:  &tx.ModeInfo{Sum: &tx.ModeInfo_Single_{Single: &tx.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}},
			Sequence:  c.Sequence,
		}},
		Fee: &tx.Fee{Amount: sdk.NewCoins(sdk.NewInt64Coin("ubbn", int64(c.Fee))), GasLimit: c.GasLimit},
	}).Marshal())
	doc := &tx.SignDoc{BodyBytes: body, AuthInfoBytes: auth, ChainId: c.ChainID, AccountNumber: c.AccountNumber}
	c.SignBytes = get(doc.Marshal())
	signature := get(key.Sign(c.SignBytes))
	expect(key.PubKey().VerifySignature(c.SignBytes, signature), "a transaction's signature")
	c.Transaction = get((&tx.TxRaw{BodyBytes: body, AuthInfoBytes: auth, Signatures: [][]byte{signature}}).Marshal())
	return c
}

func (s *stream) block() *bbn.BTCHeaderHashBytes {
	hash := bbn.NewBTCHeaderHashBytesFromChainhash(get(chainhash.NewHash(s.bytes(32))))
	return &hash
}

func (s *stream) inclusion(number int) *types.InclusionProof {
	return &types.InclusionProof{
		Key: &btcctypes.TransactionKey{Index: uint32(number % 4), Hash: s.block()}, Proof: s.bytes(32 * (2 + number%3)),
	}
}

func (s *stream) header() bbn.BTCHeaderBytes {
	header := wire.BlockHeader{
		Version: int32(s.below(1 << 30)), PrevBlock: *get(chainhash.NewHash(s.bytes(32))), MerkleRoot: *get(chainhash.NewHash(s.bytes(32))),
		Bits: 0x207fffff, Nonce: uint32(s.below(1 << 31)),
	}
	return bbn.NewBTCHeaderBytesFromBlockHeader(&header)
}

func (s *stream) description(number int) *stakingtypes.Description {
	d := stakingtypes.NewDescription("provider "+strconv.Itoa(number), "", "", "", "")
	if number%2 == 0 {
		d.Identity, d.Website, d.SecurityContact, d.Details = "1A2B", "https://example.com/?a=1&b=<2>", "security@example.com", "“quoted”"
	}
	return &d
}

// messageCases have every message of the toolkit in turn.
func messageCases() file {
	s := newStream("messages")
	registry := codectypes.NewInterfaceRegistry()
	types.RegisterInterfaces(registry)
	finality.RegisterInterfaces(registry)
	lightclient.RegisterInterfaces(registry)
	btcctypes.RegisterInterfaces(registry)
	bank.RegisterInterfaces(registry)
	var cases []any
	for number := range 64 {
		k := drawStake(s, 60+number)
		secret := scalarBytes(s.scalar())
		account := sdk.AccAddress((&secp256k1.PrivKey{Key: secret}).PubKey().Address()).String()
		provider := *bbn.NewBIP340PubKeyFromBTCPK(secretKey(s.scalar()).PubKey())
		stakeID := k.stakingTx.TxHash().String()
		var message proto.Message
		switch number % 12 {
		case 0:
			other := sdk.AccAddress(s.bytes(20))
			message = &bank.MsgSend{FromAddress: account, ToAddress: other.String(), Amount: sdk.NewCoins(sdk.NewInt64Coin("ubbn", int64(1+s.below(1<<40))))}
		case 1:
			message = &types.MsgCreateFinalityProvider{
				Addr: account, Description: s.description(number), BtcPk: &provider,
				Pop: &types.ProofOfPossessionBTC{BtcSigType: types.BTCSigType_BIP340, BtcSig: *s.signature()},
				Commission: types.NewCommissionRates(
					math.LegacyNewDecWithPrec(int64(number), 3), math.LegacyNewDecWithPrec(2, 1), math.LegacyOneDec()),
			}
		case 2:
			m := &types.MsgEditFinalityProvider{Addr: account, BtcPk: provider, Description: s.description(number)}
			if number%8 < 4 {
				rate := math.LegacyNewDecWithPrec(int64(1+number), 2)
				m.Commission = &rate
			}
			message = m
		case 3:
			message = &finality.MsgUnjailFinalityProvider{Signer: account, FpBtcPk: &provider}
		case 4:
			message = &types.MsgSelectiveSlashingEvidence{Signer: account, RecoveredFpBtcSk: scalarBytes(s.scalar())}
		case 5:
			message = &finality.MsgCommitPubRandList{
				Signer: account, FpBtcPk: &provider, StartHeight: s.u64() >> 20, NumPubRand: uint64(1 + s.below(1<<20)), Commitment: s.bytes(32), Sig: s.signature(),
			}
		case 6:
			total := 1 + s.below(1000)
			proof := &cmtcrypto.Proof{Total: int64(total), Index: int64(s.below(total)), LeafHash: s.bytes(32)}
			for range s.below(8) {
				proof.Aunts = append(proof.Aunts, s.bytes(32))
			}
			message = &finality.MsgAddFinalitySig{
				Signer: account, FpBtcPk: &provider, BlockHeight: 1 + s.u64()>>20, PubRand: get(bbn.NewSchnorrPubRand(xOnly(s.scalar()))),
				Proof: proof, BlockAppHash: s.bytes(32), FinalitySig: get(bbn.NewSchnorrEOTSSig(scalarBytes(s.scalar()))),
			}
		case 7:
			m := &types.MsgAddCovenantSigs{
				Signer: account, Pk: &provider, StakingTxHash: stakeID, UnbondingTxSig: s.signature(),
				SlashingTxSigs: [][]byte{s.adaptor()}, SlashingUnbondingTxSigs: [][]byte{s.adaptor()},
			}
			if number%8 < 4 {
				m.StakeExpansionTxSig = s.signature()
			}
			message = m
		case 8:
			message = &types.MsgAddBTCDelegationInclusionProof{Signer: account, StakingTxHash: stakeID, StakingTxInclusionProof: s.inclusion(number)}
		case 9:
			message = &types.MsgBTCUndelegate{
				Signer: account, StakingTxHash: stakeID, StakeSpendingTx: serialized(k.unbondingTx), StakeSpendingTxInclusionProof: s.inclusion(number),
				FundingTransactions: [][]byte{serialized(k.stakingTx)},
			}
		case 10:
			m := &lightclient.MsgInsertHeaders{Signer: account}
			for range 1 + s.below(4) {
				m.Headers = append(m.Headers, s.header())
			}
			message = m
		case 11:
			m := &btcctypes.MsgInsertBTCSpvProof{Submitter: account}
			for part := range 2 {
				header := s.header()
				m.Proofs = append(m.Proofs, &btcctypes.BTCSpvProof{
					BtcTransaction: serialized(k.slashingTxs[part]), BtcTransactionIndex: uint32(1 + part), MerkleNodes: s.bytes(32 * (2 + part)), ConfirmingBtcHeader: &header,
				})
			}
			message = m
		}
		cases = append(cases, s.transaction(message, secret, registry, number))
	}
	expect(hex.EncodeToString(cases[0].(messageCase).Protobuf[:3]) == "0a2a62", "a payment begins with an account")
	return file{
		kind:        "messages",
		description: "Messages to a node, each as JSON, as protobuf, and in a transaction that an account has signed.",
		source:      from(babylon, "x/btcstaking/types, x/finality/types, x/btclightclient/types, x/btccheckpoint/types; transactions by cosmos-sdk's types/tx, signed by its secp256k1"),
		cases:       cases,
	}
}
