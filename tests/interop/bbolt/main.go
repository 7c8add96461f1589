// Writes a signer database as the reference daemon does, with deterministic content:
//
//	go run . DATABASE LIST     the fixture: its database, and its entries as JSON
//	go run . DATABASE COUNT    a database of COUNT signing records; prints their count and hash
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

var (
	keyNames    = []byte("fpKeyNames")
	signRecords = []byte("signRecord")
)

// The x coordinates of the first three multiples of the generator of secp256k1.
var publicKeys = [3][]byte{
	unhex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
	unhex("c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"),
	unhex("f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"),
}

var names = [3]string{"alice", "bob", "carol-é"}

// A record before it is encoded.
type record struct {
	chainID   []byte
	publicKey []byte
	height    uint64
	message   []byte
	signature []byte
	timestamp int64
}

func (r record) key() []byte {
	key := append(append([]byte{}, r.chainID...), r.publicKey...)
	return binary.BigEndian.AppendUint64(key, r.height)
}

// value returns the protobuf bytes {bytes msg=1; bytes eots_sig=2; int64 timestamp=3}, empty fields left out.
func (r record) value() []byte {
	var value []byte
	for field, content := range [][]byte{r.message, r.signature} {
		if len(content) > 0 {
			value = append(value, byte(field+1)<<3|2)
			value = binary.AppendUvarint(value, uint64(len(content)))
			value = append(value, content...)
		}
	}
	if r.timestamp != 0 {
		value = append(value, 3<<3)
		value = binary.AppendUvarint(value, uint64(r.timestamp))
	}
	return value
}

// filler returns size bytes that depend on seed alone.
func filler(seed uint64, size int) []byte {
	bytes := make([]byte, 0, size+sha256.Size)
	for block := uint64(0); len(bytes) < size; block++ {
		input := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seed), block)
		digest := sha256.Sum256(input)
		bytes = append(bytes, digest[:]...)
	}
	return bytes[:size]
}

// made returns the record number seed of a provider on a chain, with a message of size bytes.
func made(seed uint64, chainID []byte, provider int, height uint64, size int) record {
	return record{
		chainID: chainID, publicKey: publicKeys[provider], height: height,
		message: filler(2*seed, size), signature: filler(2*seed+1, 32),
		timestamp: 1_700_000_000_000 + int64(seed),
	}
}

// fixture returns the records of the fixture, in the order in which they are written.
func fixture() []record {
	notUTF8 := []byte{0xff, 0xfe, 0x00, 0x80}
	records := []record{
		made(1, nil, 0, 0, 40),
		made(2, nil, 0, math.MaxUint64, 40),
		made(3, notUTF8, 1, 255, 40),
		made(4, notUTF8, 1, 256, 40),
		made(5, []byte("bbn-1"), 1, math.MaxInt64+1, 0),
		made(6, []byte("consumer-7"), 2, 12, 5000),
		made(7, []byte("consumer-7"), 2, 13, 1),
	}
	records[3].timestamp = 0
	for height := uint64(200); height < 260; height++ {
		records = append(records, made(height, []byte("bbn-1"), int(height%2), height, 104))
	}
	return records
}

// run returns count records of two providers on two chains, by rising height.
func run(count uint64) func(yield func(record) bool) {
	return func(yield func(record) bool) {
		chains := [][]byte{[]byte("bbn-1"), []byte("consumer-7")}
		for seed := uint64(0); seed < count; seed++ {
			if !yield(made(seed, chains[seed%2], int(seed/2%2), seed/4, 104)) {
				return
			}
		}
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: go run . DATABASE LIST|COUNT")
	}
	count, err := strconv.ParseUint(os.Args[2], 10, 64)
	if err == nil {
		err = writeRun(os.Args[1], count)
	} else {
		err = writeFixture(os.Args[1], os.Args[2])
	}
	if err != nil {
		log.Fatal(err)
	}
}

// create opens a new database with the reference daemon's options. The page size, which bbolt takes from the
// system, is fixed here.
func create(path string) (*bolt.DB, error) {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s exists already", path)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:        time.Second,
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		PageSize:       4096,
	})
	if err != nil {
		return nil, err
	}
	return db, db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{keyNames, signRecords} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// put writes entries in one transaction.
func put(db *bolt.DB, bucket []byte, entries [][2][]byte) error {
	return db.Update(func(tx *bolt.Tx) error {
		for _, entry := range entries {
			if err := tx.Bucket(bucket).Put(entry[0], entry[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeFixture(path, list string) error {
	db, err := create(path)
	if err != nil {
		return err
	}
	for provider, name := range names {
		entry := [2][]byte{publicKeys[provider], []byte(name)}
		if err := put(db, keyNames, [][2][]byte{entry}); err != nil {
			return err
		}
	}
	byKey := map[string]record{}
	for _, r := range fixture() {
		byKey[string(r.key())] = r
		if err := put(db, signRecords, [][2][]byte{{r.key(), r.value()}}); err != nil {
			return err
		}
	}
	text, err := describe(db, byKey)
	if err != nil {
		return err
	}
	if err := os.WriteFile(list, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return db.Close()
}

// describe returns the database's entries, as bbolt's cursor gives them, and beside each signing record what
// it was made from.
func describe(db *bolt.DB, byKey map[string]record) ([]byte, error) {
	type entry map[string]any
	buckets := map[string][]entry{}
	err := db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			return bucket.ForEach(func(key, value []byte) error {
				listed := entry{"key": hex.EncodeToString(key), "value": hex.EncodeToString(value)}
				if r, ok := byKey[string(key)]; ok {
					listed["chain_id"] = hex.EncodeToString(r.chainID)
					listed["public_key"] = hex.EncodeToString(r.publicKey)
					listed["height"] = r.height
					listed["message"] = hex.EncodeToString(r.message)
					listed["signature"] = hex.EncodeToString(r.signature)
					listed["timestamp_ms"] = r.timestamp
				}
				buckets[string(name)] = append(buckets[string(name)], listed)
				return nil
			})
		})
	})
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(buckets, "", " ")
}

func writeRun(path string, count uint64) error {
	db, err := create(path)
	if err != nil {
		return err
	}
	// One write to disk at the end; the daemon waits for the disk at every record.
	db.NoSync = true
	var batch [][2][]byte
	for r := range run(count) {
		batch = append(batch, [2][]byte{r.key(), r.value()})
		if len(batch) == 10_000 {
			if err := put(db, signRecords, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := put(db, signRecords, batch); err != nil {
		return err
	}
	if err := db.Sync(); err != nil {
		return err
	}
	if err := report(db); err != nil {
		return err
	}
	return db.Close()
}

// report prints the number of signing records, and SHA-256 over BE64(length) ‖ bytes of each key and value.
func report(db *bolt.DB) error {
	count, hash := 0, sha256.New()
	start := time.Now()
	err := db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(signRecords).ForEach(func(key, value []byte) error {
			count++
			for _, part := range [][]byte{key, value} {
				hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
				hash.Write(part)
			}
			return nil
		})
	})
	fmt.Printf("%d records, SHA-256 %x\n", count, hash.Sum(nil))
	log.Printf("read by bbolt in %v", time.Since(start))
	return err
}

func unhex(text string) []byte {
	bytes, err := hex.DecodeString(text)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}
