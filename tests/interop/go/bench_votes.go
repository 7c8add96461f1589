package main

import (
	"github.com/babylonlabs-io/babylon/v4/crypto/eots"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	finality "github.com/babylonlabs-io/babylon/v4/x/finality/types"
	"github.com/cometbft/cometbft/crypto/merkle"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
)

// votes makes the transactions that vote for a thousand heights, a hundred in each, from the secret key on: randomness, its tree
// and proofs, signatures, messages, and the account's signatures. Nothing is recorded.
func votes(from uint64) int {
	const heights, each = 1000, 100
	secret := newStream("bench").scalar()
	key, account := secretKey(secret), &secp256k1.PrivKey{Key: scalarBytes(newStream("bench account").scalar())}
	signer, provider := sdk.AccAddress(account.PubKey().Address()).String(), *bbn.NewBIP340PubKeyFromBTCPK(secretKey(secret).PubKey())
	leaves, randomness := make([][]byte, heights), make([]bbn.SchnorrPubRand, heights)
	derived := make([]*eots.PrivateRand, heights)
	for place := range leaves {
		scalar, leaf := deriveRandomness(scalarBytes(secret), "bbn-1", from+uint64(place))
		leaves[place], derived[place], randomness[place] = leaf, scalar, *get(bbn.NewSchnorrPubRand(leaf))
	}
	_, proofs := merkle.ProofsFromByteSlices(leaves)
	size := 0
	var messages []*codectypes.Any
	for place := range leaves {
		height, hash := from+uint64(place), repeat(0xaa, 32)
		message := &finality.MsgAddFinalitySig{
			Signer: signer, FpBtcPk: &provider, BlockHeight: height, PubRand: &randomness[place], Proof: proofs[place].ToProto(),
			BlockAppHash: hash,
		}
		signature := get(eots.Sign(key, derived[place], message.MsgToSign()))
		message.FinalitySig = bbn.NewSchnorrEOTSSigFromModNScalar(signature)
		messages = append(messages, get(codectypes.NewAnyWithValue(message)))
		if len(messages) < each {
			continue
		}
		body := get((&tx.TxBody{Messages: messages}).Marshal())
		messages = nil
		auth := get((&tx.AuthInfo{
			SignerInfos: []*tx.SignerInfo{{
				PublicKey: get(codectypes.NewAnyWithValue(account.PubKey())),
				ModeInfo:  &tx.ModeInfo{Sum: &tx.ModeInfo_Single_{Single: &tx.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}},
				Sequence:  uint64(place),
			}},
			Fee: &tx.Fee{Amount: sdk.NewCoins(sdk.NewInt64Coin("ubbn", 1000)), GasLimit: 1_000_000},
		}).Marshal())
		bytes := get((&tx.SignDoc{BodyBytes: body, AuthInfoBytes: auth, ChainId: "bbn-1", AccountNumber: 7}).Marshal())
		raw := get((&tx.TxRaw{BodyBytes: body, AuthInfoBytes: auth, Signatures: [][]byte{get(account.Sign(bytes))}}).Marshal())
		size += len(raw)
	}
	return size
}
