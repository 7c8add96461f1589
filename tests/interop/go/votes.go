package main

import (
	"bytes"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	ftypes "github.com/babylonlabs-io/babylon/v4/x/finality/types"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

type voteCase struct {
	dialect
	SecretKey        hx          `json:"secret_key"`
	PublicKey        hx          `json:"public_key"`
	ChainID          string      `json:"chain_id"`
	Height           uint64      `json:"height"`
	BlockHash        hx          `json:"block_hash"`
	PublicRandomness hx          `json:"public_randomness"`
	Message          hx          `json:"message"`
	Signature        hx          `json:"signature"`
	Commitment       *commitment `json:"commitment,omitempty"`
}

// commitment is the part of a randomness commitment that a vote is checked against, and the vote's inclusion proof.
type commitment struct {
	StartHeight uint64 `json:"start_height"`
	Count       uint64 `json:"count"`
	Root        hx     `json:"root"`
	Proof       hx     `json:"proof"`
}

type evidenceCase struct {
	dialect
	SecretKey          hx     `json:"secret_key"`
	PublicKey          hx     `json:"public_key"`
	Height             uint64 `json:"height"`
	PublicRandomness   hx     `json:"public_randomness"`
	CanonicalBlockHash hx     `json:"canonical_block_hash"`
	ForkBlockHash      hx     `json:"fork_block_hash"`
	CanonicalSignature hx     `json:"canonical_signature"`
	ForkSignature      hx     `json:"fork_signature"`
	ExtractedKey       hx     `json:"extracted_key"`
	Protobuf           hx     `json:"protobuf,omitempty"`
}

func voteMessage(d dialect, height uint64, blockHash []byte) []byte {
	message := concat([]byte(d.Context), be64(height), blockHash)
	if d.Dialect == "genesis" {
		msg := ftypes.MsgAddFinalitySig{BlockHeight: height, BlockAppHash: clone(blockHash)}
		expect(bytes.Equal(message, msg.MsgToSign()), "the chain signs the same vote")
	}
	return message
}

func decodeProof(protobuf []byte) (*cmtcrypto.Proof, error) {
	pb := new(cmtcrypto.Proof)
	return pb, pb.Unmarshal(clone(protobuf))
}

// voteVerify decodes a genesis vote and checks it against a commitment, all by the chain's own functions.
func voteVerify(key []byte, height uint64, blockHash, randomness, signature []byte, c commitment) error {
	pk, err := bbn.NewBIP340PubKey(key)
	if err != nil {
		return err
	}
	r, err := bbn.NewSchnorrPubRand(clone(randomness))
	if err != nil {
		return err
	}
	s, err := bbn.NewSchnorrEOTSSig(clone(signature))
	if err != nil {
		return err
	}
	proof, err := decodeProof(c.Proof)
	if err != nil {
		return err
	}
	msg := &ftypes.MsgAddFinalitySig{
		Signer: sdk.AccAddress(repeat(1, 20)).String(), FpBtcPk: pk, BlockHeight: height, PubRand: r, Proof: proof, BlockAppHash: blockHash, FinalitySig: s,
	}
	if err := msg.ValidateBasic(); err != nil {
		return err
	}
	return ftypes.VerifyFinalitySig(msg, &ftypes.PubRandCommit{StartHeight: c.StartHeight, NumPubRand: c.Count, Commitment: c.Root})
}

func voteCases() file {
	s := newStream("votes")
	var cases []any
	for i := range 300 {
		d := genesis()
		if i%3 == 2 {
			d = s.consumer("fp_fin_vote")
		}
		secret := s.scalarWithParity(i%2 == 1)
		chainID := []string{"bbn-1", "bbn-test-6", "euphrates-0.5.0"}[s.below(3)]
		count := s.between(1, 6)
		start := s.u64() >> s.between(8, 60)
		index := s.below(count)
		height := start + uint64(index)
		_, root, proofs := tree(secret, chainID, start, count)
		randomness, public := deriveRandomness(scalarBytes(secret), chainID, height)
		c := voteCase{
			dialect: d, SecretKey: scalarBytes(secret), PublicKey: xOnly(secret), ChainID: chainID, Height: height,
			BlockHash: s.bytes(32), PublicRandomness: public,
		}
		c.Message = voteMessage(d, height, c.BlockHash)
		c.Signature = eotsSign(secret, randomness, c.Message)
		must(eotsVerify(c.PublicKey, public, c.Message, c.Signature))
		if d.Dialect == "genesis" && i%2 == 0 {
			c.Commitment = &commitment{start, uint64(count), root, get(proofs[index].ToProto().Marshal())}
			must(voteVerify(c.PublicKey, height, c.BlockHash, public, c.Signature, *c.Commitment))
		}
		cases = append(cases, c)
	}
	return file{
		kind: "votes",
		description: "Finality votes. message is what EOTS signs, context included; the secret randomness is that of secret_key for chain_id at height. Half of the genesis " +
			"votes carry the commitment they are checked against, with the bytes of tendermint.crypto.Proof.",
		source: "genesis: " + from(babylon, "x/finality/types.MsgAddFinalitySig.MsgToSign, ValidateBasic, VerifyFinalitySig") +
			"; consumer: formula for the context, and types.BlockInfo.MsgToSign of finality-provider gave the same message; crypto/eots.Sign, Verify",
		cases: cases,
	}
}

func evidenceCases() file {
	s := newStream("evidence")
	var cases []any
	for i := range 72 {
		d := genesis()
		if i%3 == 2 {
			d = s.consumer("fp_fin_vote")
		}
		secret, randomness := s.scalarWithParity(i%2 == 1), s.scalarWithParity(i/2%2 == 1)
		c := evidenceCase{
			dialect: d, SecretKey: scalarBytes(secret), PublicKey: xOnly(secret), Height: s.u64() >> s.below(64), PublicRandomness: xOnly(randomness),
			CanonicalBlockHash: s.bytes(32), ForkBlockHash: s.bytes(32),
		}
		canonical, fork := voteMessage(d, c.Height, c.CanonicalBlockHash), voteMessage(d, c.Height, c.ForkBlockHash)
		c.CanonicalSignature = eotsSign(secret, randomness, canonical)
		c.ForkSignature = eotsSign(secret, randomness, fork)
		must(eotsVerify(c.PublicKey, c.PublicRandomness, canonical, c.CanonicalSignature))
		must(eotsVerify(c.PublicKey, c.PublicRandomness, fork, c.ForkSignature))
		c.ExtractedKey = get(eotsExtract(c.PublicKey, c.PublicRandomness, canonical, c.CanonicalSignature, fork, c.ForkSignature))
		if d.Dialect == "genesis" {
			e := ftypes.Evidence{
				FpBtcPk: get(bbn.NewBIP340PubKey(c.PublicKey)), BlockHeight: c.Height, PubRand: get(bbn.NewSchnorrPubRand(c.PublicRandomness)),
				CanonicalAppHash: c.CanonicalBlockHash, ForkAppHash: c.ForkBlockHash,
				CanonicalFinalitySig: get(bbn.NewSchnorrEOTSSig(c.CanonicalSignature)), ForkFinalitySig: get(bbn.NewSchnorrEOTSSig(c.ForkSignature)),
			}
			must(e.ValidateBasic())
			expect(e.IsSlashable(), "slashable evidence")
			expect(bytes.Equal(scalarBytes(&get(e.ExtractBTCSK()).Key), c.ExtractedKey), "the evidence gives the same key")
			c.Protobuf = get(e.Marshal())
		}
		expect(bytes.Equal(c.ExtractedKey, scalarBytes(withParity(secret, false))), "the extracted key has even y")
		cases = append(cases, c)
	}
	return file{
		kind: "evidence",
		description: "Evidence of equivocation: two finality votes at one height for different blocks, and the secret key they give away (that of the lifted public " +
			"key). Genesis cases have the bytes of babylon.finality.v1.Evidence.",
		source: "genesis: " + from(babylon, "x/finality/types.Evidence.ValidateBasic, IsSlashable, ExtractBTCSK, Marshal") + "; consumer: formula for the context, " +
			"crypto/eots.Extract",
		cases: cases,
	}
}
