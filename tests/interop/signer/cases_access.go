package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
)

func (s *suite) authentication(l *lane) {
	key := s.plan.HMACKey
	if key == "" {
		r := l.listRequest(0, 1, nil)
		s.addWith("hmac: not asked for, given all the same", "CreateRandomnessPairList", r.encode(),
			[]string{"AAAA"}, l.listed(r))
		s.skip("hmac", "the plan has no key for it")
		return
	}
	missing := failsExactly(codes.Unauthenticated, "HMAC not provided")
	invalid := failsExactly(codes.Unauthenticated, "invalid HMAC")
	height := l.next()
	message := l.sign(height, block("a"))
	good := macOf(key, message)
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		panic(err)
	}
	sign := func(name string, message []byte, w want, macs ...string) {
		s.addWith("hmac: "+name, "SignEOTS", message, macs, w)
	}
	sign("none", message, missing)
	sign("empty", message, invalid, "")
	sign("of another key", message, invalid, macOf("another "+key, message))
	sign("of the key with a newline", message, invalid, macOf(key+"\n", message))
	sign("of another message", message, invalid, macOf(key, l.sign(height, block("b"))))
	sign("hex", message, invalid, hex.EncodeToString(raw))
	sign("31 bytes", message, invalid, base64.StdEncoding.EncodeToString(raw[:31]))
	sign("33 bytes", message, invalid, base64.StdEncoding.EncodeToString(append(raw[:32:32], 0)))
	sign("no base64", message, invalid, "?"+good[1:])
	sign("two headers, the first is wrong", message, invalid, macOf("wrong", message), good)
	// None of these recorded anything.
	other := l.sign(height, block("b"))
	wanted := l.signed(height, block("b"))
	sign("two headers, the first is right", other, wanted, macOf(key, other), macOf("wrong", other))
	sign("right", other, wanted, macOf(key, other))
	sign("right, but a double sign", message, failsWith("double sign", codes.FailedPrecondition), good)

	unknown := protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), []byte("later"))
	extended := concat(other, unknown)
	sign("over the bytes with an unknown field", extended, wanted, macOf(key, extended))
	turned := backwards(signRequest{l.key.public, l.chain.ChainID, l.chain.message(height, block("b")), height})
	sign("over fields backwards as sent", turned, wanted, macOf(key, turned))
	sign("over the fields in order, sent backwards", turned, wanted, macOf(key, other))
	sign("over another message's fields in order, sent backwards", turned, invalid, good)
	sign("over the empty message", nil, fails(codes.InvalidArgument), macOf(key, nil))
	sign("none over the empty message", nil, missing)

	for _, interval := range []uint64{0, 1, 1<<64 - 1} {
		r := l.listRequest(3, 1, pointer(interval))
		s.add(fmt.Sprintf("hmac: list, interval %d present", interval), "CreateRandomnessPairList", r.encode(), l.listed(r))
	}
	element := batchRequest(l.key.public, l.chain.ChainID, vote{})
	s.add("hmac: batch with an empty element", "SignBatchEOTS", element, fails(codes.InvalidArgument))
	r := l.listRequest(0, 1, nil)
	for _, call := range []struct {
		method  string
		message []byte
	}{
		{"CreateRandomnessPairList", r.encode()},
		{"SignBatchEOTS", l.batch(l.vote(height, block("b")))},
		{"SignSchnorrSig", l.schnorr(block("a"))},
		{"UnlockKey", textsRequest(l.key.public, []byte("guess"))},
		{"Backup", textsRequest([]byte("eots.db"), []byte("/nowhere"))},
	} {
		s.addWith("hmac: none for "+call.method, call.method, call.message, nil, missing)
		s.addWith("hmac: wrong for "+call.method, call.method, call.message, []string{macOf("wrong", call.message)}, invalid)
	}
	// Whether there is such a method may be said to anybody.
	nothing := fails(codes.Unimplemented, codes.Unauthenticated)
	s.addWith("hmac: none for UnsafeSignEOTS", "UnsafeSignEOTS", message, nil, nothing)
	s.addWith("hmac: none for an unknown method", "NoSuch", nil, nil, nothing)
	s.addWith("hmac: not needed for Ping, wrong all the same", "Ping", nil, []string{"AAAA"}, answers(nil))
}

// locked are the cases of a key that is locked when the server starts.
func (s *suite) locked() {
	l := s.open("locked", "genesis")
	if l == nil {
		return
	}
	isLocked := failsWith("locked", codes.Unavailable)
	height := l.next()
	s.add("locked: vote", "SignEOTS", l.sign(height, block("a")), isLocked)
	s.add("locked: batch", "SignBatchEOTS", l.batch(l.vote(height, block("a"))), isLocked)
	s.add("locked: list", "CreateRandomnessPairList", l.listRequest(0, 1, nil).encode(), isLocked)
	for _, record := range l.facts.Recorded {
		recorded, other := unhex(record.BlockHash), block("another")
		stored := l.signed(record.Height, recorded)
		s.add("locked: same message as recorded", "SignEOTS", l.sign(record.Height, recorded), stored)
		s.add("locked: other message than recorded", "SignEOTS", l.sign(record.Height, other),
			failsWith("double sign", codes.FailedPrecondition))
		s.add("locked: batch of a recorded message", "SignBatchEOTS", l.batch(l.vote(record.Height, recorded)),
			l.batchSigned(l.vote(record.Height, recorded)).or(codes.Unavailable))
	}
	unlock := func(name string, uid []byte, passphrase string, w want) {
		s.add("unlock: "+name, "UnlockKey", textsRequest(uid, []byte(passphrase)), w)
	}
	invalid := fails(codes.InvalidArgument)
	unlock("wrong passphrase", l.key.public, l.key.Passphrase+"!", invalid)
	unlock("empty passphrase", l.key.public, "", invalid)
	for _, uid := range wrongKeys(l.key.public) {
		unlock(uid.name, uid.bytes, l.key.Passphrase, fails(uid.code))
	}
	s.add("unlock: still locked after wrong passphrases", "SignEOTS", l.sign(height, block("a")), isLocked)
	unlock("right passphrase", l.key.public, l.key.Passphrase, answers(nil))
	s.add("unlock: vote", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a")))
	unlock("again", l.key.public, l.key.Passphrase, answers(nil))
	unlock("again, wrong passphrase", l.key.public, l.key.Passphrase+"!", answers(nil).or(codes.InvalidArgument))
	s.add("unlock: still unlocked", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a")))
}

// names are the cases of SaveEOTSKeyName, which comes without HMAC.
func (s *suite) names(l *lane) {
	save := func(name, keyName string, key []byte, w want) {
		s.add("save key name: "+name, "SaveEOTSKeyName", textsRequest([]byte(keyName), key), w)
	}
	compressed := concat([]byte{2}, l.key.public)
	if !s.plan.SaveKeyName {
		save("33 bytes", "other name", compressed, fails(codes.PermissionDenied))
		save("32 bytes", "other name", l.key.public, fails(codes.PermissionDenied))
		save("empty", "", nil, fails(codes.PermissionDenied))
		return
	}
	// The reference's client sends 65 bytes, and no HMAC. The key has a name already; a server may take
	// another, or may not serve whom it does not know.
	done := answers(nil).or(codes.AlreadyExists)
	key := s.plan.HMACKey
	if key != "" {
		s.addWith("save key name: no hmac", "SaveEOTSKeyName", textsRequest([]byte("other name"), compressed), nil,
			done.or(codes.PermissionDenied))
		save = func(name, keyName string, public []byte, w want) {
			message := textsRequest([]byte(keyName), public)
			s.addWith("save key name: "+name, "SaveEOTSKeyName", message, []string{macOf(key, message)}, w)
		}
	}
	save("33 bytes", "other name", compressed, done)
	save("65 bytes", "other name still", uncompressed(l.key.public), done)
	save("32 bytes", "other name", l.key.public, fails(codes.InvalidArgument))
	save("no key", "other name", nil, fails(codes.InvalidArgument))
	save("not on the curve", "other name", concat([]byte{2}, make([]byte, 32)), fails(codes.InvalidArgument))
	save("empty name", "", compressed, fails(codes.InvalidArgument, codes.AlreadyExists))
	save("unknown key", "stranger", concat([]byte{2}, wrongKeys(l.key.public)[0].bytes),
		fails(codes.AlreadyExists, codes.NotFound, codes.InvalidArgument, codes.PermissionDenied))
}

func uncompressed(public []byte) []byte {
	point, err := lift(public)
	if err != nil {
		panic(err)
	}
	x, y := point.X.Bytes(), point.Y.Bytes()
	return concat([]byte{4}, x[:], y[:])
}

var backupName = regexp.MustCompile(`^eots_\d{8}_\d{6}[^/]*\.db$`)

func (s *suite) backups() {
	dir := s.plan.BackupDir
	if dir == "" {
		s.skip("backup", "the plan has no directory for it")
		return
	}
	w := want{codes: []codes.Code{codes.OK}, check: func(response []byte) (string, error) {
		name, err := oneBytes(response)
		if err != nil {
			return "", err
		}
		if !backupName.Match(name) {
			return "", fmt.Errorf("the backup is called %q", name)
		}
		facts, err := os.Stat(filepath.Join(dir, string(name)))
		if err != nil {
			return "", err
		}
		if facts.Mode() != 0o600 || facts.Size() == 0 {
			return "", fmt.Errorf("the backup has %d bytes and mode %v; must be a file of mode 0600", facts.Size(), facts.Mode())
		}
		return string(name), nil
	}}
	message := textsRequest([]byte("eots.db"), []byte(dir))
	s.add("backup", "Backup", message, w).unrecorded = true
	s.add("backup: another in the same second", "Backup", message, w).unrecorded = true
	s.add("backup: no directory", "Backup", textsRequest([]byte("eots.db"), nil),
		fails(codes.InvalidArgument, codes.PermissionDenied)).unrecorded = true
	s.add("backup: directory that is a file", "Backup", textsRequest([]byte("eots.db"), []byte("/dev/null/x")),
		fails(codes.InvalidArgument, codes.PermissionDenied, codes.Unknown, codes.Internal)).unrecorded = true
}

// sizes are requests about as long as the reference takes them.
func (s *suite) sizes(l *lane) {
	height := l.next()
	// Of the length that the whole request is to have.
	request := func(length int) []byte {
		overhead := len(l.signMessage(height, make([]byte, length))) - length
		return l.signMessage(height, make([]byte, length-overhead))
	}
	tooLong := fails(codes.OutOfRange, codes.ResourceExhausted)
	for _, size := range []struct {
		name   string
		length int
		want   want
	}{
		{"3 MiB", 3 << 20, fails(codes.InvalidArgument)},
		{"16 MiB", maxMessage, fails(codes.InvalidArgument)},
		{"16 MiB and a byte", maxMessage + 1, tooLong},
		{"17 MiB", 17 << 20, tooLong},
	} {
		s.add("size: "+size.name, "SignEOTS", request(size.length), size.want).unrecorded = true
	}
	s.add("size: a vote after them", "SignEOTS", l.sign(height, block("a")), l.signed(height, block("a"))).unrecorded = true
}

// rateLimit comes last: nothing else may be asked for a while afterwards.
func (s *suite) rateLimit() {
	if s.plan.RateLimitCalls == 0 {
		s.skip("rate limit", "the plan has none")
		return
	}
	l := s.open("main", "genesis")
	one := s.add("rate limit", "CreateRandomnessPairList", l.listRequest(0, 1, nil).encode(), fails(codes.ResourceExhausted))
	one.unrecorded = true
	one.attempts = s.plan.RateLimitCalls
}
