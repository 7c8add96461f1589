package main

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
)

// otherLanes votes at one height with other keys and on other chains: each is protected on its own.
func (s *suite) otherLanes(l *lane) {
	doubleSign := failsWith("double sign", codes.FailedPrecondition)
	if second := s.open("second", "genesis"); second != nil {
		height := second.next()
		s.add("second key: vote", "SignEOTS", second.sign(height, block("second")), second.signed(height, block("second")))
		s.add("second key: other message", "SignEOTS", second.sign(height, block("a")), doubleSign)
	}
	c := s.open("main", "consumer")
	if c == nil {
		return
	}
	height := c.next()
	s.add("consumer: vote", "SignEOTS", c.sign(height, block("c")), c.signed(height, block("c")))
	s.add("consumer: same message again", "SignEOTS", c.sign(height, block("c")), c.signed(height, block("c")))
	s.add("consumer: other message", "SignEOTS", c.sign(height, block("d")), doubleSign)
	height = c.next()
	bare := concat(be64(height), block("c"))
	elsewhere := signingContext("fp_fin_vote", c.chain.VerifyingChainID, "other"+c.chain.Address)
	for _, wrong := range []struct{ name, context string }{
		{"without its context", ""},
		{"with the context of commitments", c.chain.context("fp_rand_commit")},
		{"with the context of another address", elsewhere},
		{"with half its context", c.chain.context("fp_fin_vote")[:32]},
		{"with its context twice", c.chain.context("fp_fin_vote") + c.chain.context("fp_fin_vote")},
	} {
		request := c.signMessage(height, concat([]byte(wrong.context), bare))
		s.add("consumer: "+wrong.name, "SignEOTS", request, fails(codes.InvalidArgument))
	}
	votes := []vote{c.vote(height, block("e")), c.vote(c.next(), block("f"))}
	s.add("consumer: batch", "SignBatchEOTS", c.batch(votes...), c.batchSigned(votes...))
	start := c.facts.Committed[0][1] + 1
	r := c.listRequest(start, 5, nil)
	s.add("consumer: list", "CreateRandomnessPairList", r.encode(), c.listed(r))
	digest := c.digest(start, 5, 1)
	s.add("consumer: commitment", "SignSchnorrSig", c.schnorr(digest), c.schnorrSigned(digest))
}

func (s *suite) batches(l *lane) {
	add := func(name string, w want, votes ...vote) {
		s.add("batch: "+name, "SignBatchEOTS", l.batch(votes...), w)
	}
	add("empty", answers(nil))
	var good []vote
	for range 3 {
		height := l.next()
		good = append(good, l.vote(height, block("a")))
	}
	add("three", l.batchSigned(good...), good...)
	mixed := []vote{l.vote(l.next(), block("a")), good[1], l.vote(l.next(), block("a"))}
	add("repeated and new", l.batchSigned(mixed...), mixed...)
	conflict := l.vote(good[1].height, block("b"))
	around := []vote{l.vote(l.next(), block("a")), l.vote(l.next(), block("a"))}
	add("one conflict is left out", l.batchSigned(around...), around[0], conflict, around[1])
	add("all conflict", answers(nil), conflict, l.vote(good[2].height, block("b")))
	add("the same again", l.batchSigned(good...), good...)

	// Of a batch with a height twice nothing is recorded: another message is signed afterwards.
	twice, beside := l.next(), l.next()
	duplicate := fails(codes.InvalidArgument)
	add("a height twice", duplicate, l.vote(twice, block("a")), l.vote(beside, block("a")), l.vote(twice, block("b")))
	add("a height twice, same message", duplicate, l.vote(twice, block("a")), l.vote(twice, block("a")))
	add("a recorded height twice", duplicate, good[0], good[0])
	for _, height := range []uint64{twice, beside} {
		s.add(fmt.Sprintf("batch: nothing was recorded at %d", height), "SignEOTS",
			l.sign(height, block("c")), l.signed(height, block("c")))
	}
	// Nor of one with what is no vote.
	height, damaged := l.next(), l.next()
	add("one is no vote", duplicate, l.vote(height, block("a")), vote{block("a"), damaged})
	add("one with the height of another", duplicate, l.vote(height, block("a")),
		vote{l.chain.message(height, block("a")), damaged})
	add("an empty element", duplicate, l.vote(height, block("a")), vote{})
	s.add("batch: nothing was recorded beside what is no vote", "SignEOTS",
		l.sign(height, block("b")), l.signed(height, block("b")))

	if low := l.facts.LowWatermark; low != nil {
		fresh := l.vote(l.next(), block("a"))
		add("a height at the low watermark is left out", l.batchSigned(fresh), l.vote(*low, block("a")), fresh)
	}
	outside := l.vote(l.facts.Committed[0][1]+500, block("a"))
	add("a height that is not committed", answers(nil).or(codes.PermissionDenied), outside)
	var many, backwards []vote
	for range 64 {
		many = append(many, l.vote(l.next(), block("many")))
	}
	for index := range many {
		backwards = append(backwards, many[len(many)-1-index])
	}
	add("64 heights, the highest first", l.batchSigned(backwards...), backwards...)
	add("the same 64, the lowest first", l.batchSigned(many...), many...)
	for _, uid := range wrongKeys(l.key.public) {
		request := batchRequest(uid.bytes, l.chain.ChainID, l.vote(l.height, block("a")))
		s.add("batch: "+uid.name, "SignBatchEOTS", request, fails(uid.code))
	}
	request := batchRequest(l.key.public, "unlisted-1", l.vote(l.next(), block("a")))
	s.add("batch: unknown chain", "SignBatchEOTS", request, fails(codes.PermissionDenied))
}

// commitments are signed over the digests of lists that were just served, and over nothing else.
func (s *suite) commitments(l *lane) {
	denied, invalid := fails(codes.PermissionDenied), fails(codes.InvalidArgument)
	add := func(name string, digest []byte, w want) {
		s.add("commitment: "+name, "SignSchnorrSig", l.schnorr(digest), w)
	}
	list := func(name string, start uint64, num uint32, interval *uint64) {
		r := l.listRequest(start, num, interval)
		s.add("commitment: "+name, "CreateRandomnessPairList", r.encode(), l.listed(r))
	}
	add("unknown digest", block("unknown"), denied)
	for _, length := range []int{0, 5, 31, 33, 64} {
		add(fmt.Sprintf("%d bytes", length), make([]byte, length), invalid)
	}
	for _, uid := range wrongKeys(l.key.public) {
		s.add("commitment: "+uid.name, "SignSchnorrSig", schnorrRequest(uid.bytes, block("a")), fails(uid.code))
	}
	// A range above the first committed one: to vote there it must be committed to.
	start := l.facts.Committed[0][1] + 1
	const num = 100
	digest := l.digest(start, num, 1)
	add("list not served yet", digest, denied)
	s.add("commitment: vote before it", "SignEOTS", l.sign(start, block("a")), denied)
	list("its list", start, num, nil)
	add("same start, other count", l.digest(start, num-1, 1), denied)
	add("same list, its root alone", merkleRoot(l.key.list(l.chain.ChainID, start, num, 1)), denied)
	add("digest", digest, l.schnorrSigned(digest))
	add("digest again", digest, l.schnorrSigned(digest))
	s.add("commitment: vote after it", "SignEOTS", l.sign(start, block("a")), l.signed(start, block("a")))
	s.add("commitment: vote after it, other message", "SignEOTS", l.sign(start, block("b")),
		failsWith("double sign", codes.FailedPrecondition))

	start += num
	list("list with interval 3", start, 4, pointer(3))
	add("list with interval 3, its digest", l.digest(start, 4, 3), denied)
	start += num
	list("list with interval 0", start, 3, pointer(0))
	digest = l.digest(start, 3, 1)
	add("list with interval 0, its digest", digest, l.schnorrSigned(digest))
	start += num
	list("one height", start, 1, nil)
	digest = l.digest(start, 1, 1)
	add("one height, its digest", digest, l.schnorrSigned(digest))
	start += num
	list("no height", start, 0, nil)
	add("no height, its digest", commitmentDigest("", start, 0, nil), denied)
	if second := s.open("second", "genesis"); second != nil {
		s.add("commitment: other key's list", "SignSchnorrSig", second.schnorr(digest), denied)
	}
}

// encodings are messages that the reference's client would not write, but that are the same messages.
func (s *suite) encodings(l *lane) {
	height := l.next()
	canonical := signRequest{l.key.public, l.chain.ChainID, l.chain.message(height, block("a")), height}
	wanted := l.signed(height, block("a"))
	unknown := protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), []byte("new in a later version"))
	add := func(name string, message []byte, w want) {
		s.add("encoding: "+name, "SignEOTS", message, w)
	}
	add("unknown field after the others", concat(canonical.encode(), unknown), wanted)
	add("unknown field before the others", concat(unknown, canonical.encode()), wanted)
	add("fields backwards", backwards(canonical), wanted)
	add("a field twice, the last counts", concat(presentUint(nil, 4, 1), canonical.encode()), wanted)
	// A varint of ten bytes where two do.
	long := signRequest{canonical.uid, canonical.chainID, canonical.message, 0}.encode()
	long = protowire.AppendTag(long, 4, protowire.VarintType)
	add("a long varint", concat(long, longVarint(height)), wanted)
	undecodable := fails(codes.InvalidArgument, codes.Internal)
	add("cut short", canonical.encode()[:40], undecodable)
	add("a field of the wrong type", presentUint(nil, 1, 7), undecodable)
	add("a length beyond the end", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, undecodable)
	add("the group that never ends", []byte{0x0b}, undecodable)
	add("empty message", nil, fails(codes.InvalidArgument))
}

// backwards writes a request with its fields in the opposite order.
func backwards(r signRequest) []byte {
	b := uintField(nil, 4, r.height)
	b = bytesField(b, 3, r.message)
	b = bytesField(b, 2, []byte(r.chainID))
	return bytesField(b, 1, r.uid)
}

func longVarint(x uint64) []byte {
	out := make([]byte, 10)
	for index := range out {
		out[index] = byte(x&0x7f) | 0x80
		x >>= 7
	}
	out[9] &= 0x7f
	return out
}
