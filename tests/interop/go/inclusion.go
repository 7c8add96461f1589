package main

import (
	"bytes"
	"math/big"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	btcckpttypes "github.com/babylonlabs-io/babylon/v4/x/btccheckpoint/types"
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcd/chaincfg/chainhash"
	"github.com/btcsuite/btcd/wire"
)

// inclusionCount is how many blocks there are; each gives an honest proof, and one that breaks a rule.
const inclusionCount = 120

type inclusionCase struct {
	Header      hx     `json:"header"`
	Transaction hx     `json:"transaction"`
	Position    uint32 `json:"position"`
	Siblings    hx     `json:"siblings"`
	// The rule that the proof breaks; none for an honest one.
	Breaks           string `json:"breaks,omitempty"`
	ReferenceRejects bool   `json:"reference_rejects"`
}

// payment is a transaction of its own, with this number of outputs.
func payment(s *stream, outputs int) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	hash, err := chainhash.NewHash(s.bytes(32))
	must(err)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(hash, 0), nil, nil))
	for range outputs {
		tx.AddTxOut(wire.NewTxOut(int64(s.between(1000, 1_000_000)), append([]byte{0x51, 0x20}, s.bytes(32)...)))
	}
	return tx
}

func coinbase(s *stream) *wire.MsgTx {
	tx := payment(s, 1)
	tx.TxIn[0].PreviousOutPoint = *wire.NewOutPoint(&chainhash.Hash{}, 0xffffffff)
	tx.TxIn[0].SignatureScript = s.bytes(8)
	return tx
}

func raw(tx *wire.MsgTx) []byte {
	var out bytes.Buffer
	must(tx.Serialize(&out))
	return out.Bytes()
}

// mined is a header over these transactions with regtest's work.
func mined(s *stream, txs []*btcutil.Tx) *bbn.BTCHeaderBytes {
	previous, err := chainhash.NewHash(s.bytes(32))
	must(err)
	root := blockchain.CalcMerkleRoot(txs, false)
	header := wire.NewBlockHeader(4, previous, &root, chaincfg.RegressionNetParams.PowLimitBits, 0)
	header.Timestamp = chaincfg.RegressionNetParams.GenesisBlock.Header.Timestamp
	for bbn.ValidateBTCHeader(header, chaincfg.RegressionNetParams.PowLimit) != nil {
		header.Nonce++
	}
	out := bbn.NewBTCHeaderBytesFromBlockHeader(header)
	return &out
}

// accepted is what the reference says of a proof: the checks of a delegation's inclusion, but for depth and time.
func (c *inclusionCase) accepted() bool {
	var limit *big.Int = chaincfg.RegressionNetParams.PowLimit
	header := bbn.BTCHeaderBytes(c.Header)
	info := btcckpttypes.TransactionInfo{
		Key:         &btcckpttypes.TransactionKey{Index: c.Position, Hash: header.Hash()},
		Transaction: c.Transaction,
		Proof:       c.Siblings,
	}
	return info.VerifyInclusion(&header, limit) == nil && c.Position != 0
}

// break makes the proof break one rule.
func (c *inclusionCase) breakRule(s *stream, others []hx) {
	levels := len(c.Siblings) / 32
	switch s.below(8) {
	case 0:
		c.Breaks = "a sibling changed"
		c.Siblings[s.below(len(c.Siblings))] ^= 1 << s.below(8)
	case 1:
		c.Breaks = "a sibling left out"
		c.Siblings = c.Siblings[32:]
	case 2:
		c.Breaks = "a sibling too many"
		c.Siblings = append(c.Siblings, s.bytes(32)...)
	case 3:
		c.Breaks = "another position"
		c.Position ^= 1 << s.below(levels)
	case 4:
		c.Breaks = "a position beyond the tree"
		c.Position |= 1 << (levels + s.below(31-levels))
	case 5:
		c.Breaks = "another transaction"
		c.Transaction = others[s.below(len(others))]
	case 6:
		c.Breaks = "no work"
		header := c.Header
		for bbn.ValidateBTCHeader(bbn.BTCHeaderBytes(header).ToBlockHeader(), chaincfg.RegressionNetParams.PowLimit) == nil {
			header[76]++
		}
	default:
		c.Breaks = "siblings of no whole number of nodes"
		c.Siblings = c.Siblings[:len(c.Siblings)-1-s.below(31)]
	}
}

func inclusions() file {
	s := newStream("inclusion")
	f := file{
		kind: "inclusion",
		description: "Proofs that a transaction is in a Bitcoin block: honest ones, as the reference makes them, and ones that break a rule. " +
			"header and siblings are in internal byte order; transactions are without witness.",
		source: from(babylon, "x/btccheckpoint/types.SpvProofFromHeaderAndTransactions, TransactionInfo.VerifyInclusion, VerifyInclusionProof, "+
			"x/btcstaking/keeper.VerifyInclusionProofAndGetHeight (a position of 0)"),
	}
	for i := range inclusionCount {
		// Counts at the edges of powers of two, where rows of odd length are filled with copies.
		count := []int{2, 3, 4, 5, 7, 8, 9, 15, 16, 17}[i%10]
		if i >= 100 {
			count = s.between(2, 300)
		}
		var raws [][]byte
		var others []hx
		txs := []*btcutil.Tx{btcutil.NewTx(coinbase(s))}
		for range count - 1 {
			txs = append(txs, btcutil.NewTx(payment(s, s.between(1, 2))))
		}
		for _, tx := range txs {
			raws = append(raws, raw(tx.MsgTx()))
		}
		header := mined(s, txs)
		position := s.between(1, count-1)
		if i%3 == 0 {
			position = count - 1
		}
		proof, err := btcckpttypes.SpvProofFromHeaderAndTransactions(header, raws, uint(position))
		must(err)
		c := inclusionCase{
			Header: hx(*header), Transaction: proof.BtcTransaction, Position: proof.BtcTransactionIndex, Siblings: proof.MerkleNodes,
		}
		expect(c.accepted(), "an honest proof")
		f.cases = append(f.cases, c)

		for other, tx := range raws {
			if other != position {
				others = append(others, tx)
			}
		}
		broken := c
		broken.Header, broken.Siblings = append(hx{}, c.Header...), append(hx{}, c.Siblings...)
		broken.breakRule(s, others)
		broken.ReferenceRejects = !broken.accepted()
		f.cases = append(f.cases, broken)

		// The coinbase, and the copy by which a row of odd length is filled.
		special, err := btcckpttypes.SpvProofFromHeaderAndTransactions(header, raws, 0)
		must(err)
		if i%10 == 0 {
			first := inclusionCase{Header: c.Header, Transaction: special.BtcTransaction, Siblings: special.MerkleNodes, Breaks: "the coinbase"}
			first.ReferenceRejects = !first.accepted()
			f.cases = append(f.cases, first)
		}
		if count%2 == 1 && position == count-1 {
			twin := c
			twin.Position, twin.Breaks = uint32(count), "the place of a copy"
			twin.ReferenceRejects = !twin.accepted()
			f.cases = append(f.cases, twin)
		}
	}
	return f
}
