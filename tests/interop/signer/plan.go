package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// plan says what the server under test has. Everything in it is for tests.
type plan struct {
	// Keys by role: main, second, locked.
	Keys map[string]*planKey `json:"keys"`
	// Chains by role: genesis (no signing context), consumer, limited (genesis rules, a high watermark).
	Chains map[string]*planChain `json:"chains"`
	Lanes  []*planLane           `json:"lanes"`
	// How far above the highest signed height a vote may be.
	MostAbove uint64 `json:"most_above"`
	// The most public randomness in one list.
	MaxList uint32 `json:"max_list"`
	// The text of the HMAC key; absent where the server asks for none.
	HMACKey string `json:"hmac_key,omitempty"`
	// A directory that the server may write backups to, on the machine of the client.
	BackupDir string `json:"backup_dir,omitempty"`
	// Whether the server allows SaveEOTSKeyName.
	SaveKeyName bool `json:"save_key_name,omitempty"`
	// So many calls in a row must meet the rate limit; 0 where the server has none.
	RateLimitCalls int `json:"rate_limit_calls,omitempty"`
}

type planKey struct {
	SecretKey string `json:"secret_key"`
	// Of the key that is locked when the server starts.
	Passphrase string `json:"passphrase,omitempty"`

	*testKey `json:"-"`
}

type planChain struct {
	ChainID string `json:"chain_id"`
	// Of a consumer chain: where its commitments and votes are verified.
	VerifyingChainID string `json:"verifying_chain_id,omitempty"`
	Address          string `json:"address,omitempty"`
}

// context returns the signing context of an operation, empty on Babylon Genesis.
func (c *planChain) context(operation string) string {
	if c.Address == "" {
		return ""
	}
	return signingContext(operation, c.VerifyingChainID, c.Address)
}

// message returns the message of a vote.
func (c *planChain) message(height uint64, blockHash []byte) []byte {
	return concat([]byte(c.context("fp_fin_vote")), be64(height), blockHash)
}

type planLane struct {
	Key   string `json:"key"`
	Chain string `json:"chain"`
	// Inclusive ranges of heights.
	Committed     [][2]uint64  `json:"committed"`
	LowWatermark  *uint64      `json:"low_watermark,omitempty"`
	HighWatermark *uint64      `json:"high_watermark,omitempty"`
	Recorded      []planRecord `json:"recorded,omitempty"`
}

// planRecord is a vote that was signed before the server started.
type planRecord struct {
	Height    uint64 `json:"height"`
	BlockHash string `json:"block_hash"`
}

// first returns the first height that the lane may sign.
func (l *planLane) first() uint64 {
	first := l.Committed[0][0]
	if l.LowWatermark != nil && *l.LowWatermark >= first {
		return *l.LowWatermark + 1
	}
	return first
}

func (p *plan) lane(key, chain string) *planLane {
	for _, lane := range p.Lanes {
		if lane.Key == key && lane.Chain == chain {
			return lane
		}
	}
	return nil
}

func readPlan(path string) (*plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parsePlan(text)
}

func parsePlan(text []byte) (*plan, error) {
	var p plan
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("the plan: %w", err)
	}
	for name, key := range p.Keys {
		secret, err := hex.DecodeString(key.SecretKey)
		if err != nil {
			return nil, fmt.Errorf("the plan's key %q: %w", name, err)
		}
		if key.testKey, err = newTestKey(secret); err != nil {
			return nil, fmt.Errorf("the plan's key %q: %w", name, err)
		}
	}
	for _, lane := range p.Lanes {
		if p.Keys[lane.Key] == nil || p.Chains[lane.Chain] == nil || len(lane.Committed) == 0 {
			return nil, fmt.Errorf("the plan's lane %s on %s lacks its key, its chain or a committed range", lane.Key, lane.Chain)
		}
		for _, record := range lane.Recorded {
			if blockHash, err := hex.DecodeString(record.BlockHash); err != nil || len(blockHash) != 32 {
				return nil, fmt.Errorf("the plan's record at %d has no block hash of 32 bytes", record.Height)
			}
		}
	}
	if main, genesis := p.Keys["main"], p.Chains["genesis"]; main == nil || genesis == nil || genesis.Address != "" ||
		p.lane("main", "genesis") == nil {
		return nil, fmt.Errorf("the plan needs a key `main` and its lane on a chain `genesis` without a signing context")
	}
	if lane := p.lane("main", "genesis"); lane.Committed[0][1]-lane.first() < 200 {
		return nil, fmt.Errorf("the first committed range of `main` on `genesis` must have 200 heights above its low watermark")
	}
	return &p, nil
}

// readHMACKey reads the raw text of the key; a newline at its end does not belong to it.
func readHMACKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	return strings.TrimRight(string(text), "\r\n"), err
}
