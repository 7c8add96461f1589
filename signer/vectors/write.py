#!/usr/bin/env python3
"""Writes the vectors of the interchange: what each step must lead to is said here, and no signer is asked for it.

The signatures are made by the few lines below, which follow BIP-340 and use no library of the toolkit.

usage: write.py FOLDER
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path

P, N = 2**256 - 2**32 - 977, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
LAST = 2**64 - 1


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiple(scalar):
    """The x coordinate of a multiple of G, and the scalar whose point has an even y coordinate."""
    total, point, rest = None, G, scalar
    while rest:
        total = add(total, point) if rest & 1 else total
        point, rest = add(point, point), rest >> 1
    return total[0].to_bytes(32, "big"), scalar if total[1] % 2 == 0 else N - scalar


def number(data):
    return int.from_bytes(data, "big")


KEYS = {"a": bytes([1] * 32), "b": bytes([2] * 32), "c": bytes([3] * 32)}
MAIN, OTHER = b"bbn-1", b"bbn-2"


def public_key(key):
    return multiple(number(KEYS[key]))[0].hex()


def sign(key, chain, height, message):
    """The EOTS of a message: BIP-340 over its SHA-256, with the randomness of the height."""
    x, secret = multiple(number(KEYS[key]))
    data = height.to_bytes(8, "big") + chain + bytes(8)
    r, nonce = multiple(number(hmac.new(KEYS[key], data, hashlib.sha256).digest()))
    tag = hashlib.sha256(b"BIP0340/challenge").digest()
    digest = hashlib.sha256(message).digest()
    challenge = number(hashlib.sha256(tag + tag + r + x + digest).digest())
    return ((nonce + challenge * secret) % N).to_bytes(32, "big").hex()


# Parts of a file.

def record(height, message, key="a", chain=MAIN, signed=True):
    made = {"height": str(height), "message": message.encode().hex()}
    return made | {"signature": sign(key, chain, height, message.encode())} if signed else made


def lane(records=(), low=None, high=None, committed=(), key="a", chain=MAIN, **others):
    made = {"public_key": public_key(key), "chain_id": chain.hex()}
    if low is not None:
        made["low_watermark_height"] = str(low)
    if high is not None:
        made["high_watermark_height"] = str(high)
    if committed:
        made["committed"] = [{"first_height": str(a), "last_height": str(b)} for a, b in committed]
    if records:
        made["records"] = list(records)
    return made | others


def file(*lanes, name="btcstake-signing-records", version="1", **others):
    metadata = {"interchange_format": name, "interchange_format_version": version}
    return {"metadata": metadata, "data": list(lanes)} | others


# Steps.

def at(key, chain):
    return {"key": key, "chain_id": chain.hex()}


def register(first, key="a", chain=MAIN):
    return {"register": at(key, chain) | {"first_height": str(first)}}


def change(kind, height, key="a", chain=MAIN):
    return {kind: at(key, chain) | {"height": None if height is None else str(height)}}


def vote(height, message, expect, key="a", chain=MAIN):
    step = {"sign": at(key, chain) | {"height": str(height), "message": message.encode().hex()}, "expect": expect}
    signed = expect in ("new", "again")
    return step | ({"signature": sign(key, chain, height, message.encode())} if signed else {})


def imported(content, *lanes):
    return {"import": content, "expect": {"lanes": list(lanes)}}


def became(added, low=None, high=None, contradicted=(), key="a", chain=MAIN):
    """What an import says of a lane: the number of records that were added, and the watermarks after it."""
    marks = {"low": None if low is None else str(low), "high": None if high is None else str(high)}
    return at(key, chain) | {"records": added, "contradicted": [str(height) for height in contradicted]} | marks


def refused(content, text):
    return {"import": content, "expect": {"error": text}}


def refused_text(content, text):
    return {"import_text": content, "expect": {"error": text}}


def export(form, content):
    return {"export": form, "expect": content}


DOUBLE, BELOW, ABOVE, UNKNOWN = "double_sign", "below_low_watermark", "above_high_watermark", "unknown_lane"
THREE = [record(10, "a"), record(11, "b"), record(15, "c")]
VECTORS = {}


def vector(name, what, *steps):
    VECTORS[name] = {"what": what, "secret_keys": {key: secret.hex() for key, secret in KEYS.items()},
                     "steps": list(steps)}


vector("empty", "a file without a lane changes nothing, and registers nobody",
       imported(file()), vote(5, "a", UNKNOWN), export("complete", file()), export("minimal", file()))
vector("complete", "the records of the complete form are answered again, and nothing else at their heights",
       imported(file(lane(THREE)), became(3, 15)),
       vote(10, "a", "again"), vote(11, "b", "again"), vote(11, "a", DOUBLE), vote(15, "", DOUBLE),
       vote(12, "a", BELOW), vote(9, "a", BELOW), vote(16, "a", "new"), vote(16, "b", DOUBLE),
       export("complete", file(lane(THREE + [record(16, "a")], low=15))),
       export("minimal", file(lane(low=16))))
vector("minimal", "the low watermark of the minimal form stands for all records, the same messages included",
       imported(file(lane(low=15)), became(0, 15)),
       vote(10, "a", BELOW), vote(15, "c", BELOW), vote(16, "c", "new"), vote(16, "c", "again"),
       export("minimal", file(lane(low=16))), export("complete", file(lane([record(16, "c")], low=15))))
vector("minimal-after-complete", "a later minimal file raises the watermark, and the records stay",
       imported(file(lane(THREE)), became(3, 15)), imported(file(lane(low=30)), became(0, 30)),
       vote(10, "a", "again"), vote(10, "b", DOUBLE), vote(20, "a", BELOW), vote(31, "a", "new"))
vector("complete-after-minimal", "a later complete file brings records below the watermark, which does not fall",
       imported(file(lane(low=30)), became(0, 30)), imported(file(lane(THREE)), became(3, 30)),
       vote(10, "a", "again"), vote(12, "a", BELOW), vote(30, "a", BELOW), vote(31, "a", "new"))
vector("watermark-alone", "of a lane that signs already the watermark alone is raised",
       register(5), vote(5, "a", "new"), vote(6, "a", "new"), imported(file(lane(low=20)), became(0, 20)),
       vote(6, "a", "again"), vote(6, "b", DOUBLE), vote(7, "a", BELOW), vote(20, "a", BELOW), vote(21, "a", "new"))
vector("lower-watermark", "a watermark below the own one changes nothing",
       register(100), imported(file(lane(low=20)), became(0, 99)), vote(50, "a", BELOW), vote(99, "a", BELOW),
       vote(100, "a", "new"))
vector("watermark-below-the-records", "the highest record raises the watermark above the one of its file",
       imported(file(lane(THREE, low=3)), became(3, 15)), vote(14, "a", BELOW), vote(16, "a", "new"))
vector("bare-lane", "a lane that is not known, without records or a low watermark, is refused: it would begin at 0",
       refused(file(lane()), "is unknown to this store"), vote(0, "a", UNKNOWN),
       refused(file(lane(high=9)), "is unknown to this store"), vote(0, "a", UNKNOWN),
       refused(file(lane(committed=[(1, 9)])), "is unknown to this store"), vote(0, "a", UNKNOWN),
       register(0), imported(file(lane()), became(0)), vote(0, "a", "new"), vote(0, "b", DOUBLE))
vector("merge", "records of both sides stand side by side, and nothing new between them",
       register(5), vote(5, "a", "new"), vote(6, "a", "new"), vote(40, "a", "new"),
       imported(file(lane([record(6, "a"), record(30, "c")])), became(1, 30)),
       vote(30, "c", "again"), vote(30, "a", DOUBLE), vote(29, "a", BELOW), vote(40, "a", "again"),
       vote(31, "a", "new"), vote(41, "a", "new"),
       export("complete", file(lane([record(5, "a"), record(6, "a"), record(30, "c"), record(31, "a"),
                                     record(40, "a"), record(41, "a")], low=30))))
vector("contradiction", "another message at a height is told; the own record stays, and the other is never signed",
       register(5), vote(5, "a", "new"), vote(6, "a", "new"),
       imported(file(lane([record(5, "a"), record(6, "b"), record(8, "c")])), became(1, 8, contradicted=[6])),
       vote(6, "a", "again"), vote(6, "b", DOUBLE), vote(6, "c", DOUBLE), vote(8, "c", "again"),
       export("complete", file(lane([record(5, "a"), record(6, "a"), record(8, "c")], low=8))))
vector("contradiction-without-signatures", "messages contradict each other, whether or not signatures are known",
       imported(file(lane([record(6, "a", signed=False)])), became(1, 6)),
       imported(file(lane([record(6, "b", signed=False)])), became(0, 6, contradicted=[6])),
       vote(6, "b", DOUBLE), vote(6, "a", BELOW))
vector("repeated", "the same file again adds nothing and changes nothing",
       imported(file(lane(THREE, committed=[(10, 99)])), became(3, 15)),
       imported(file(lane(THREE, committed=[(10, 99)])), became(0, 15)), vote(16, "a", "new"),
       imported(file(lane(THREE, committed=[(10, 99)])), became(0, 15)), vote(17, "a", "new"),
       export("complete", file(lane(THREE + [record(16, "a"), record(17, "a")], low=15, committed=[(10, 99)]))))
vector("no-signature", "a record without its signature is at the watermark, and signed for nobody",
       imported(file(lane([record(10, "a", signed=False)])), became(1, 10)),
       export("complete", file(lane([record(10, "a", signed=False)], low=10))),
       vote(10, "b", DOUBLE), vote(10, "a", BELOW),
       export("complete", file(lane([record(10, "a", signed=False)], low=10))))
vector("signature-later", "a later file adds a signature that was not known, and none takes one away",
       imported(file(lane([record(10, "a", signed=False)])), became(1, 10)),
       imported(file(lane([record(10, "a")])), became(0, 10)),
       imported(file(lane([record(10, "a", signed=False)])), became(0, 10)),
       export("complete", file(lane([record(10, "a")], low=10))), vote(10, "a", "again"))
vector("unordered", "records may stand in any order; an export has them ascending",
       imported(file(lane(THREE[::-1])), became(3, 15)), export("complete", file(lane(THREE, low=15))))
vector("high-watermark", "a high watermark comes along; the records above it are answered, and nothing else there",
       imported(file(lane(THREE, high=12)), became(3, 15, 12)), vote(15, "c", "again"), vote(16, "a", ABOVE),
       vote(13, "a", BELOW), export("minimal", file(lane(low=15, high=12))),
       change("set_high", None), vote(16, "a", "new"))
vector("high-watermarks-meet", "of two high watermarks the lower one stands, and a file without one removes none",
       register(5), change("set_high", 20), imported(file(lane(high=30)), became(0, 4, 20)),
       imported(file(lane(high=10)), became(0, 4, 10)), imported(file(lane()), became(0, 4, 10)),
       imported(file(lane(high=20)), became(0, 4, 10)), vote(10, "a", "new"), vote(11, "a", ABOVE))
vector("high-watermark-of-a-height-0", "a high watermark of 0 leaves the height 0",
       register(0), imported(file(lane(high=0)), became(0, None, 0)), vote(1, "a", ABOVE), vote(0, "a", "new"))
vector("first-and-last-height", "records at 0 and 2^64 - 1: nothing is left to sign",
       imported(file(lane([record(0, "a"), record(LAST, "b")])), became(2, LAST)),
       vote(0, "a", "again"), vote(LAST, "b", "again"), vote(LAST, "a", DOUBLE), vote(1, "a", BELOW),
       vote(LAST - 1, "a", BELOW),
       export("complete", file(lane([record(0, "a"), record(LAST, "b")], low=LAST))))
vector("height-0", "a record at 0 is not no record",
       imported(file(lane([record(0, "a")])), became(1, 0)), vote(0, "b", DOUBLE), vote(1, "b", "new"),
       export("minimal", file(lane(low=1))))
vector("large-heights", "heights above 2^53 and 2^63 are neighbours, and not the same",
       imported(file(lane([record(2**53, "a"), record(2**53 + 1, "b"), record(2**63 - 1, "c"), record(2**63, "d")])),
                became(4, 2**63)),
       vote(2**53, "a", "again"), vote(2**53 + 1, "b", "again"), vote(2**53 + 2, "c", BELOW),
       vote(2**63 - 1, "d", DOUBLE), vote(2**63, "d", "again"), vote(2**63 + 1, "a", "new"))
vector("lanes-apart", "several keys and chains in one file: what one signed binds no other",
       register(5, key="c"),
       imported(file(lane(THREE), lane([record(10, "x", "a", OTHER)], chain=OTHER),
                     lane([record(11, "y", "b")], key="b")),
                became(3, 15), became(1, 10, chain=OTHER), became(1, 11, key="b")),
       vote(10, "x", DOUBLE), vote(10, "x", "again", chain=OTHER), vote(11, "x", "new", chain=OTHER),
       vote(11, "b", DOUBLE, key="b"), vote(12, "b", "new", key="b"), vote(12, "b", BELOW),
       vote(12, "b", UNKNOWN, key="b", chain=OTHER), vote(5, "a", "new", key="c"))
vector("chain-ids", "chain ids are bytes: none, zeros, and such as are no text",
       imported(file(*(lane([record(5, "a", chain=chain)], chain=chain) for chain in (b"", b"\0", b"\xff\xfe"))),
                *(became(1, 5, chain=chain) for chain in (b"", b"\0", b"\xff\xfe"))),
       vote(5, "b", DOUBLE, chain=b""), vote(5, "b", DOUBLE, chain=b"\0"), vote(5, "a", "again", chain=b"\xff\xfe"),
       vote(6, "a", "new", chain=b""), vote(6, "a", UNKNOWN, chain=b"\0\0"))
vector("committed", "committed heights of both sides are joined where they touch",
       register(5), change("commit", 10), change("commit", 12),
       imported(file(lane(committed=[(13, 20), (11, 11), (30, LAST)])), became(0, 4)),
       export("complete", file(lane(low=4, committed=[(10, 20), (30, LAST)]))),
       export("minimal", file(lane(low=4, committed=[(10, 20), (30, LAST)]))))
vector("pruned", "an export after a pruning has the watermark in the place of the records",
       imported(file(lane(THREE)), became(3, 15)), vote(16, "a", "new"), vote(17, "a", "new"), change("prune", 16),
       export("complete", file(lane([record(17, "a")], low=16))), vote(16, "a", BELOW), vote(10, "a", BELOW),
       imported(file(lane(THREE)), became(3, 16)), vote(10, "a", "again"), vote(16, "a", BELOW))
vector("register-after-import", "registering from a lower height on lowers nothing",
       imported(file(lane(THREE)), became(3, 15)), register(3), vote(3, "a", BELOW), vote(12, "a", BELOW),
       register(21), vote(20, "a", BELOW), vote(21, "a", "new"))
vector("all-or-nothing", "one bad lane, and no lane of the file comes in",
       register(5), vote(5, "a", "new"),
       refused(file(lane(THREE), lane([record(11, "y", "b") | {"message": "0g"}], key="b")),
               "data[1].records[0].message"),
       vote(6, "a", "new"), vote(10, "b", "new"), vote(11, "y", UNKNOWN, key="b"))
vector("other-formats", "another format or version is refused, whatever it has",
       refused(file(lane(THREE), version="2"), 'of version "2"; must be "btcstake-signing-records" of version "1"'),
       refused(file(lane(THREE), version=""), 'of version ""'),
       refused(file(lane(THREE), version="1.0"), 'of version "1.0"'),
       refused(file(lane(THREE), name="complete"), 'the format "complete"'),
       refused(file(lane(THREE), version=1), "not an interchange file"),
       refused({"metadata": {"interchange_format_version": "5", "genesis_validators_root": "0x00"}, "data": []},
               "not an interchange file"),
       vote(10, "a", UNKNOWN))
vector("unknown-fields", "a field that is not known may say something stricter: refused, wherever it stands",
       refused(file(lane(THREE), pruned=True), "unknown field `pruned`"),
       refused(file(lane(THREE, middle_watermark_height="5")), "unknown field `middle_watermark_height`"),
       refused(file(lane([record(5, "a") | {"round": "1"}])), "unknown field `round`"),
       refused(file(lane([record(5, "a") | {"Height": "5"}])), "unknown field `Height`"), vote(5, "a", UNKNOWN))
vector("missing-fields", "a record is refused without its height or message, a lane without its key or chain",
       refused({"data": []}, "missing field `metadata`"), refused({"metadata": file()["metadata"]}, "missing field `data`"),
       refused(file({"chain_id": ""}), "missing field `public_key`"),
       refused(file({"public_key": public_key("a")}), "missing field `chain_id`"),
       refused(file(lane([{"height": "5"}])), "missing field `message`"),
       refused(file(lane([{"message": "00"}])), "missing field `height`"), vote(5, "a", UNKNOWN))
vector("duplicates", "a lane, a height or a field that stands twice is refused: nobody knows which one holds",
       refused(file(lane(low=5), lane(low=50)), "data[1]"),
       refused(file(lane(low=5), lane(key="b"), lane(low=5)), "data[2]"),
       refused(file(lane([record(5, "a"), record(6, "a"), record(5, "b")])), "data[0].records[2].height"),
       refused(file(lane([record(5, "a"), record(5, "a")])), "height 5 stands twice"),
       refused_text(json.dumps(file(lane(low=50))).replace('"low_', '"low_watermark_height": "5", "low_'),
                    "duplicate field `low_watermark_height`"),
       vote(5, "a", UNKNOWN))
vector("bad-heights", "a height is a decimal text below 2^64, written the one way",
       *(refused(file(lane(low=height)), "data[0].low_watermark_height")
         for height in (2**64, -1, "05", "+5", "0x5", " 5", "5.0", "1e3", "", "٥")),
       refused(file(lane(low=5) | {"low_watermark_height": 5}), "not an interchange file"),
       refused(file(lane([record(5, "a") | {"height": str(2**64)}])), "data[0].records[0].height"),
       refused(file(lane(committed=[(5, 4)])), "data[0].committed[0].last_height"),
       refused(file(lane(committed=[(1, 2), (5, 2**64)])), "data[0].committed[1].last_height"), vote(5, "a", UNKNOWN))
vector("bad-bytes", "keys, messages and signatures are hex of their lengths; a key is on the curve",
       refused(file(lane() | {"public_key": "05" * 32}), "data[0].public_key"),
       refused(file(lane() | {"public_key": public_key("a")[2:]}), "data[0].public_key"),
       refused(file(lane() | {"public_key": "02" + public_key("a")}), "data[0].public_key"),
       refused(file(lane() | {"chain_id": "bbn-1"}), "data[0].chain_id"),
       refused(file(lane([record(5, "a") | {"message": "0"}])), "data[0].records[0].message"),
       refused(file(lane([record(5, "a") | {"signature": "00" * 31}])), "data[0].records[0].signature"),
       refused(file(lane([record(5, "a") | {"signature": ""}])), "data[0].records[0].signature"),
       refused(file(lane([record(5, "a") | {"signature": f"{N:064x}"}])), "data[0].records[0].signature"),
       vote(5, "a", UNKNOWN))
vector("torn", "a text that ends early, or is no object, brings nothing",
       *(refused_text(json.dumps(file(lane(THREE)))[:end], "not an interchange file") for end in (0, 1, 80, 300, -1)),
       refused_text(json.dumps(file(lane(THREE))) + "}", "not an interchange file"),
       refused_text("[]", "not an interchange file"), refused_text("null", "not an interchange file"),
       vote(10, "a", UNKNOWN))

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, content in VECTORS.items():
        text = json.dumps(content, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(len(VECTORS), "vectors")
