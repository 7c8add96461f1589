package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// fake is a server that keeps the rules of the cases, in memory and one call at a time. With a fault it breaks
// one of them.
type fake struct {
	plan   *plan
	fault  string
	lock   sync.Mutex
	lanes  map[string]*fakeLane
	served map[string]fakeList
	locked map[string]bool
	calls  int
}

type fakeLane struct {
	key       *planKey
	chain     *planChain
	facts     *planLane
	committed [][2]uint64
	messages  map[uint64][]byte
	highest   uint64
}

type fakeList struct {
	lane       *fakeLane
	start, end uint64
}

// serve starts a fake with fresh records and returns its address.
func serve(t *testing.T, p *plan, fault string, options ...grpc.ServerOption) string {
	f := &fake{
		plan: p, fault: fault,
		lanes: map[string]*fakeLane{}, served: map[string]fakeList{}, locked: map[string]bool{},
	}
	for _, facts := range p.Lanes {
		lane := &fakeLane{key: p.Keys[facts.Key], chain: p.Chains[facts.Chain], facts: facts, messages: map[uint64][]byte{}}
		lane.committed, lane.highest = facts.Committed, facts.Committed[0][0]
		for _, record := range facts.Recorded {
			blockHash, err := hex.DecodeString(record.BlockHash)
			if err != nil {
				t.Fatal(err)
			}
			lane.messages[record.Height] = lane.chain.message(record.Height, blockHash)
			lane.highest = max(lane.highest, record.Height)
		}
		f.lanes[string(lane.key.public)+lane.chain.ChainID] = lane
		f.locked[string(lane.key.public)] = lane.key.Passphrase != ""
	}
	server := grpc.NewServer(append(options, grpc.UnknownServiceHandler(f.handle),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func refuse(code codes.Code, format string, values ...any) error {
	return status.Errorf(code, format, values...)
}

func (f *fake) handle(_ any, stream grpc.ServerStream) error {
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		return err
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	f.calls++
	full, _ := grpc.MethodFromServerStream(stream)
	response, err := f.answer(strings.TrimPrefix(full, service), message, stream)
	if f.fault == "says the word" && err != nil && status.Code(err) != codes.FailedPrecondition {
		return refuse(status.Code(err), "FailedPrecondition? %v", status.Convert(err).Message())
	}
	if f.fault == "canceled" && err != nil && status.Code(err) == codes.NotFound {
		return refuse(codes.Canceled, "stream terminated")
	}
	if err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

func (f *fake) answer(method string, message []byte, stream grpc.ServerStream) ([]byte, error) {
	if f.plan.RateLimitCalls > 0 && f.calls > 1000 {
		return nil, refuse(codes.ResourceExhausted, "too many calls")
	}
	open := map[string]bool{"Ping": true, "SaveEOTSKeyName": true}
	if f.plan.HMACKey != "" && !open[method] {
		if err := f.authenticate(method, message, stream); err != nil {
			return nil, err
		}
	}
	read, err := fields(message)
	if err != nil {
		return nil, refuse(codes.Internal, "failed to decode: %v", err)
	}
	texts, numbers := map[protowire.Number][]byte{}, map[protowire.Number]uint64{}
	for _, one := range read {
		if one.number == 1 && one.bytes == nil {
			return nil, refuse(codes.Internal, "failed to decode: wrong type of field 1")
		}
		texts[one.number], numbers[one.number] = one.bytes, one.value
	}
	switch method {
	case "Ping":
		return nil, nil
	case "SaveEOTSKeyName":
		return f.saveKeyName(texts)
	case "Backup":
		return f.backup(string(texts[2]))
	case "CreateRandomnessPairList", "SignEOTS", "SignBatchEOTS", "SignSchnorrSig", "UnlockKey":
	default:
		return nil, refuse(codes.Unimplemented, "unknown method %s", method)
	}
	key, err := f.key(texts[1])
	if err != nil {
		return nil, err
	}
	switch method {
	case "UnlockKey":
		if f.locked[string(texts[1])] && string(texts[2]) != key.Passphrase {
			return nil, refuse(codes.InvalidArgument, "wrong passphrase")
		}
		f.locked[string(texts[1])] = false
		return nil, nil
	case "SignSchnorrSig":
		return f.commit(key, texts[2])
	}
	lane := f.lanes[string(texts[1])+string(texts[2])]
	if lane == nil {
		return nil, refuse(codes.PermissionDenied, "unknown chain %q", texts[2])
	}
	switch method {
	case "CreateRandomnessPairList":
		return f.list(lane, numbers)
	case "SignEOTS":
		if err := lane.check(vote{texts[3], numbers[4]}); err != nil {
			return nil, err
		}
		signature, err := f.sign(lane, vote{texts[3], numbers[4]})
		return signResponse(signature), err
	}
	return f.batch(lane, read)
}

func (f *fake) key(uid []byte) (*planKey, error) {
	if len(uid) != 32 {
		return nil, refuse(codes.InvalidArgument, "found a key of %d bytes; must be 32", len(uid))
	}
	for _, key := range f.plan.Keys {
		if bytes.Equal(key.public, uid) {
			return key, nil
		}
	}
	return nil, refuse(codes.NotFound, "unknown key %x", uid)
}

func (f *fake) authenticate(method string, message []byte, stream grpc.ServerStream) error {
	headers, _ := metadata.FromIncomingContext(stream.Context())
	values := headers.Get(hmacHeader)
	if len(values) == 0 {
		return refuse(codes.Unauthenticated, "HMAC not provided")
	}
	if values[0] == macOf(f.plan.HMACKey, message) || f.fault == "takes any hmac" {
		return nil
	}
	// The same fields in order.
	if read, err := fields(message); err == nil && method == "SignEOTS" {
		var r signRequest
		for _, one := range read {
			switch one.number {
			case 1:
				r.uid = one.bytes
			case 2:
				r.chainID = string(one.bytes)
			case 3:
				r.message = one.bytes
			case 4:
				r.height = one.value
			}
		}
		if values[0] == macOf(f.plan.HMACKey, r.encode()) {
			return nil
		}
	}
	return refuse(codes.Unauthenticated, "invalid HMAC")
}

// check says whether a vote may be signed at all, whatever was signed before.
func (l *fakeLane) check(v vote) error {
	context := len(l.chain.context("fp_fin_vote"))
	if len(v.message) != context+40 || !bytes.Equal(v.message, l.chain.message(v.height, v.message[context+8:])) {
		return refuse(codes.InvalidArgument, "found %d bytes that are no vote for height %d", len(v.message), v.height)
	}
	committed := false
	for _, around := range l.committed {
		committed = committed || around[0] <= v.height && v.height <= around[1]
	}
	if !committed {
		return refuse(codes.PermissionDenied, "height %d is not committed", v.height)
	}
	return nil
}

func (f *fake) sign(l *fakeLane, v vote) ([]byte, error) {
	earlier, found := l.messages[v.height]
	switch {
	case found && !bytes.Equal(earlier, v.message) && f.fault != "signs twice":
		return nil, refuse(codes.FailedPrecondition, "double sign")
	case found:
	case v.height > l.highest && v.height-l.highest > f.plan.MostAbove:
		return nil, refuse(codes.PermissionDenied, "height %d is too far above %d", v.height, l.highest)
	case f.locked[string(l.key.public)]:
		return nil, refuse(codes.Unavailable, "the key is locked")
	case l.facts.LowWatermark != nil && v.height <= *l.facts.LowWatermark:
		return nil, refuse(codes.FailedPrecondition, "height %d is at or below the low watermark", v.height)
	case l.facts.HighWatermark != nil && v.height > *l.facts.HighWatermark:
		return nil, refuse(codes.FailedPrecondition, "height %d is above the high watermark", v.height)
	default:
		l.messages[v.height] = v.message
		l.highest = max(l.highest, v.height)
	}
	signature := l.key.sign(l.chain.ChainID, v.height, v.message)
	if f.fault == "damages signatures" {
		signature[31] ^= 1
	}
	return signature, nil
}

func (f *fake) batch(l *fakeLane, read []field) ([]byte, error) {
	var votes []vote
	seen := map[uint64]bool{}
	for _, one := range read {
		if one.number != 3 {
			continue
		}
		inner, err := fields(one.bytes)
		if err != nil {
			return nil, refuse(codes.Internal, "failed to decode: %v", err)
		}
		var v vote
		for _, part := range inner {
			if part.number == 1 {
				v.message = part.bytes
			} else {
				v.height = part.value
			}
		}
		if seen[v.height] {
			return nil, refuse(codes.InvalidArgument, "duplicate height in batch: %d", v.height)
		}
		seen[v.height] = true
		votes = append(votes, v)
		if f.fault == "records before it refuses" {
			f.sign(l, v)
		}
	}
	for _, v := range votes {
		if err := l.check(v); err != nil {
			return nil, err
		}
	}
	var out []signedVote
	for _, v := range votes {
		signature, err := f.sign(l, v)
		switch status.Code(err) {
		case codes.OK:
			out = append(out, signedVote{signature, v.height})
		case codes.FailedPrecondition:
		default:
			return nil, err
		}
	}
	return batchResponse(out), nil
}

func (f *fake) list(l *fakeLane, numbers map[protowire.Number]uint64) ([]byte, error) {
	start, num, interval := numbers[3], uint32(numbers[4]), max(numbers[5], 1)
	if num > f.plan.MaxList && f.fault != "lists at length" {
		return nil, refuse(codes.InvalidArgument, "found %d heights; must be at most %d", num, f.plan.MaxList)
	}
	if num > 1 && uint64(num-1) > (math.MaxUint64-start)/interval {
		return nil, refuse(codes.InvalidArgument, "the last height must be below 2^64")
	}
	if f.locked[string(l.key.public)] {
		return nil, refuse(codes.Unavailable, "the key is locked")
	}
	leaves := l.key.knownList(l.chain.ChainID, start, min(num, 50_000), interval)
	if num > 0 && (interval == 1 || f.fault == "commits to intervals") {
		digest := commitmentDigest(l.chain.context("fp_rand_commit"), start, num, leaves)
		f.served[string(l.key.public)+string(digest)] = fakeList{l, start, start + uint64(num-1)}
	}
	return listResponse(leaves), nil
}

func (f *fake) commit(key *planKey, digest []byte) ([]byte, error) {
	if len(digest) != 32 {
		return nil, refuse(codes.InvalidArgument, "found %d bytes; must be 32", len(digest))
	}
	list, found := f.served[string(key.public)+string(digest)]
	if !found && f.fault != "signs any digest" {
		return nil, refuse(codes.PermissionDenied, "not the digest of a list that was just served")
	}
	if found {
		list.lane.committed = append(list.lane.committed, [2]uint64{list.start, list.end})
	}
	return signResponse(schnorrSign(key.testKey, digest)), nil
}

func (f *fake) saveKeyName(texts map[protowire.Number][]byte) ([]byte, error) {
	key := texts[2]
	if !f.plan.SaveKeyName {
		return nil, refuse(codes.PermissionDenied, "not enabled")
	}
	if len(key) != 33 && len(key) != 65 || bytes.Equal(key[1:33], make([]byte, 32)) {
		return nil, refuse(codes.InvalidArgument, "malformed public key")
	}
	if _, err := f.key(key[1:33]); err != nil {
		return nil, err
	}
	if len(texts[1]) == 0 {
		return nil, refuse(codes.InvalidArgument, "empty name")
	}
	return nil, nil
}

func (f *fake) backup(dir string) ([]byte, error) {
	if dir != f.plan.BackupDir {
		return nil, refuse(codes.InvalidArgument, "no such directory")
	}
	mode := os.FileMode(0o600)
	if f.fault == "backs up for all" {
		mode = 0o644
	}
	name := fmt.Sprintf("eots_20261128_120000.%d.db", f.calls)
	return bytesField(nil, 1, []byte(name)), os.WriteFile(filepath.Join(dir, name), []byte("backup"), mode)
}
