package main

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"
)

// lane is a lane of the plan with what its cases need.
type lane struct {
	key    *planKey
	chain  *planChain
	facts  *planLane
	height uint64 // the next one that no case has used
}

// open returns the lane of a key on a chain, or nil where the plan has none.
func (s *suite) open(key, chain string) *lane {
	facts := s.plan.lane(key, chain)
	if facts == nil {
		s.skip("key "+key+" on chain "+chain, "the plan has no such lane")
		return nil
	}
	return &lane{s.plan.Keys[key], s.plan.Chains[chain], facts, facts.first()}
}

// next returns a height that was not used yet.
func (l *lane) next() uint64 {
	l.height++
	return l.height - 1
}

// block returns a block hash; other labels, other hashes.
func block(label string) []byte { return hash([]byte("block"), []byte(label)) }

// sign returns the request for a vote.
func (l *lane) sign(height uint64, blockHash []byte) []byte {
	return l.signMessage(height, l.chain.message(height, blockHash))
}

func (l *lane) signMessage(height uint64, message []byte) []byte {
	return signRequest{l.key.public, l.chain.ChainID, message, height}.encode()
}

// signed wants the signature of a vote.
func (l *lane) signed(height uint64, blockHash []byte) want {
	message := l.chain.message(height, blockHash)
	w := answers(signResponse(l.key.sign(l.chain.ChainID, height, message)))
	w.check = func(response []byte) (string, error) {
		signature, err := oneBytes(response)
		if err != nil {
			return "", err
		}
		return "EOTS verified", l.key.verifyEOTS(l.chain.ChainID, height, message, signature)
	}
	return w
}

// vote returns an element of a batch.
func (l *lane) vote(height uint64, blockHash []byte) vote {
	return vote{l.chain.message(height, blockHash), height}
}

func (l *lane) batch(votes ...vote) []byte {
	return batchRequest(l.key.public, l.chain.ChainID, votes...)
}

// batchSigned wants the signatures of these votes, in this order.
func (l *lane) batchSigned(votes ...vote) want {
	var expected []signedVote
	for _, v := range votes {
		expected = append(expected, signedVote{l.key.sign(l.chain.ChainID, v.height, v.message), v.height})
	}
	w := answers(batchResponse(expected))
	w.check = func(response []byte) (string, error) {
		found, err := signedVotes(response)
		if err != nil {
			return "", err
		}
		if len(found) != len(votes) {
			return "", fmt.Errorf("found %d signatures; must be %d", len(found), len(votes))
		}
		for index, v := range votes {
			if found[index].height != v.height {
				return "", fmt.Errorf("found height %d; must be %d", found[index].height, v.height)
			}
			if err := l.key.verifyEOTS(l.chain.ChainID, v.height, v.message, found[index].signature); err != nil {
				return "", fmt.Errorf("height %d: %w", v.height, err)
			}
		}
		return fmt.Sprintf("%d EOTS verified", len(found)), nil
	}
	return w
}

func (l *lane) listRequest(start uint64, num uint32, interval *uint64) listRequest {
	return listRequest{l.key.public, l.chain.ChainID, start, num, interval}
}

// listed wants the public randomness of a list.
func (l *lane) listed(r listRequest) want {
	expected := l.key.knownList(r.chainID, r.start, r.num, r.step())
	w := answers(listResponse(expected))
	w.check = func(response []byte) (string, error) {
		found, err := repeatedBytes(response)
		if err != nil {
			return "", err
		}
		if len(found) != len(expected) {
			return "", fmt.Errorf("found %d public randomness; must be %d", len(found), len(expected))
		}
		for index := range expected {
			if !bytes.Equal(found[index], expected[index]) {
				return "", fmt.Errorf("the public randomness at place %d is not the one of the key", index)
			}
		}
		return fmt.Sprintf("%d public randomness derived again", len(found)), nil
	}
	return w
}

// digest is what a commitment to a list is signed over.
func (l *lane) digest(start uint64, num uint32, interval uint64) []byte {
	leaves := l.key.knownList(l.chain.ChainID, start, num, interval)
	return commitmentDigest(l.chain.context("fp_rand_commit"), start, num, leaves)
}

func (l *lane) schnorr(digest []byte) []byte { return schnorrRequest(l.key.public, digest) }

func (l *lane) schnorrSigned(digest []byte) want {
	return want{codes: []codes.Code{codes.OK}, schnorr: &schnorrWant{l.key.public, digest}}
}

func pointer(x uint64) *uint64 { return &x }

// newSuite returns all cases for a plan.
func newSuite(p *plan) *suite {
	s := &suite{plan: p}
	main := s.open("main", "genesis")
	s.basics(main)
	s.lists(main)
	s.votes(main)
	s.noVotes(main)
	s.refusedHeights(main)
	s.otherLanes(main)
	s.batches(main)
	s.commitments(main)
	s.encodings(main)
	s.authentication(main)
	s.locked()
	s.names(main)
	s.backups()
	s.sizes(main)
	s.rateLimit()
	return s
}

func (s *suite) basics(l *lane) {
	s.add("ping", "Ping", nil, answers(nil))
	s.add("unknown method", "NoSuch", nil, fails(codes.Unimplemented))
	s.add("unsafe sign", "UnsafeSignEOTS", l.sign(l.facts.first(), block("unsafe")), fails(codes.Unimplemented))
}

func (s *suite) lists(l *lane) {
	list := func(name string, start uint64, num uint32, interval *uint64) {
		r := l.listRequest(start, num, interval)
		s.add("list: "+name, "CreateRandomnessPairList", r.encode(), l.listed(r))
	}
	list("num 0", 7, 0, nil)
	list("height 0", 0, 1, nil)
	list("heights 0 to 9", 0, 10, nil)
	list("interval 0", 100, 10, pointer(0))
	list("interval 1", 100, 10, pointer(1))
	list("interval 3", 100, 10, pointer(3))
	list("one height, the greatest interval", 5, 1, pointer(math.MaxUint64))
	list("two heights, the greatest interval", 0, 2, pointer(math.MaxUint64))
	list("up to the last height", math.MaxUint64-2, 3, nil)
	list("the last height", math.MaxUint64, 1, nil)
	list("50000", 2_000_000, 50_000, nil)

	refused := func(name string, r listRequest, w want) *step {
		return s.add("list: "+name, "CreateRandomnessPairList", r.encode(), w)
	}
	invalid := fails(codes.InvalidArgument)
	refused("past the last height", l.listRequest(math.MaxUint64, 2, nil), invalid)
	refused("past the last height, interval 0", l.listRequest(math.MaxUint64, 2, pointer(0)), invalid)
	refused("past the last height by the interval", l.listRequest(1, 2, pointer(math.MaxUint64)), invalid)
	refused("past the last height by a product", l.listRequest(0, 5, pointer(1<<62)), invalid)
	// A refusal before any work; the machine may be busy, so it may be tried again.
	atOnce := fails(codes.InvalidArgument)
	atOnce.within = 100 * time.Millisecond
	refused("one too many", l.listRequest(0, s.plan.MaxList+1, nil), atOnce).attempts = 5
	refused("500000", l.listRequest(0, 500_000, nil), atOnce).attempts = 5
	refused("4294967295", l.listRequest(0, math.MaxUint32, nil), atOnce).attempts = 5
	refused("4294967295 with an interval", l.listRequest(0, math.MaxUint32, pointer(1000)), atOnce).attempts = 5

	other := l.listRequest(0, 1, nil)
	other.chainID = "unlisted-1"
	refused("unknown chain", other, fails(codes.PermissionDenied))
	other.chainID = ""
	refused("empty chain", other, fails(codes.PermissionDenied))
	for _, uid := range wrongKeys(l.key.public) {
		other := l.listRequest(0, 1, nil)
		other.uid = uid.bytes
		refused(uid.name, other, fails(uid.code))
	}
}

type wrongKey struct {
	name  string
	bytes []byte
	code  codes.Code
}

// wrongKeys are values of the field uid that name no key.
func wrongKeys(known []byte) []wrongKey {
	// The x coordinate of the generator times 2^20, which no plan has.
	unknown, err := newTestKey(concat(make([]byte, 29), []byte{0x10, 0, 0}))
	if err != nil {
		panic(err)
	}
	return []wrongKey{
		{"unknown key", unknown.public, codes.NotFound},
		{"no key", nil, codes.InvalidArgument},
		{"key of 31 bytes", known[:31], codes.InvalidArgument},
		{"key of 33 bytes", concat([]byte{2}, known), codes.InvalidArgument},
	}
}

func (s *suite) votes(l *lane) {
	height := l.next()
	s.add("vote", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a")))
	s.add("vote: same message again", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a")))
	doubleSign := failsWith("double sign", codes.FailedPrecondition)
	s.add("vote: other message", "SignEOTS", l.sign(height, block("b")), doubleSign)
	s.add("vote: other message again", "SignEOTS", l.sign(height, block("b")), doubleSign)
	s.add("vote: same message after refusals", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a")))
	later, between := l.height+20, l.height+10
	s.add("vote: twenty above", "SignEOTS", l.sign(later, block("c")), l.signed(later, block("c")))
	s.add("vote: lower height", "SignEOTS", l.sign(between, block("d")), l.signed(between, block("d")))
	s.add("vote: lower height, other message", "SignEOTS", l.sign(between, block("e")), doubleSign)
	l.height = later + 1
	for _, uid := range wrongKeys(l.key.public) {
		height := l.height
		message := l.chain.message(height, block("f"))
		request := signRequest{uid.bytes, l.chain.ChainID, message, height}.encode()
		s.add("vote: "+uid.name, "SignEOTS", request, fails(uid.code))
	}
	height = l.next()
	for _, chainID := range []string{"", "unlisted-1", l.chain.ChainID + "\x00", "\xff\xfe\x00\x80"} {
		request := signRequest{l.key.public, chainID, l.chain.message(height, block("g")), height}.encode()
		// A text that is not UTF-8 is still the bytes of a chain id.
		s.add(fmt.Sprintf("vote: chain %q", chainID), "SignEOTS", request, fails(codes.PermissionDenied))
	}
	s.add("vote: after requests of other chains", "SignEOTS", l.sign(height, block("h")), l.signed(height, block("h")))
}

// noVotes asks for signatures over what is no vote at this height on this chain.
func (s *suite) noVotes(l *lane) {
	height := l.next()
	good := l.chain.message(height, block("a"))
	for _, wrong := range []struct {
		name    string
		message []byte
	}{
		{"empty", nil},
		{"a bare hash", block("a")},
		{"39 bytes", good[:39]},
		{"41 bytes", concat(good, []byte{0})},
		{"the height before", l.chain.message(height-1, block("a"))},
		{"little-endian height", concat(reversed(be64(height)), block("a"))},
		{"text", []byte("sign me, please")},
		{"a commitment's context before it", concat([]byte(signingContext("fp_rand_commit", "bbn-1", "bbn1test")), good)},
		{"an unknown context before it", concat([]byte(signingContext("fp_fin_vote", "nowhere-1", "bbn1test")), good)},
	} {
		s.add("no vote: "+wrong.name, "SignEOTS", l.signMessage(height, wrong.message), fails(codes.InvalidArgument))
	}
	s.add("no vote: then a vote", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a")))
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for index, value := range b {
		out[len(b)-1-index] = value
	}
	return out
}

func (s *suite) refusedHeights(l *lane) {
	refused := func(name string, height uint64, w want) {
		s.add("height: "+name, "SignEOTS", l.sign(height, block("a")), w)
	}
	watermark := failsWith("watermark", codes.FailedPrecondition)
	if low := l.facts.LowWatermark; low != nil {
		refused("at the low watermark", *low, watermark)
		refused("below the low watermark", *low-1, watermark)
	} else {
		s.skip("low watermark", "the plan's lane main on genesis has none")
	}
	denied := fails(codes.PermissionDenied)
	ranges := l.facts.Committed
	refused("below the first committed range", ranges[0][0]-1, denied.or(codes.FailedPrecondition))
	refused("above the first committed range", ranges[0][1]+500, denied)
	refused("2^63", 1<<63, denied)
	refused("2^64-1", math.MaxUint64, denied)
	if len(ranges) > 1 && ranges[1][0]-ranges[0][1] > s.plan.MostAbove {
		refused("committed, but too far above", ranges[1][0], denied)
	} else {
		s.skip("too far above", "the plan's lane main on genesis has no second range farther above than most_above")
	}
	if limited := s.open("main", "limited"); limited != nil && limited.facts.HighWatermark != nil {
		high := *limited.facts.HighWatermark
		s.add("height: at the high watermark", "SignEOTS", limited.sign(high, block("a")), limited.signed(high, block("a")))
		s.add("height: above the high watermark", "SignEOTS", limited.sign(high+1, block("a")), watermark)
	}
}
