// Where every number in the vectors comes from.
import { createHash } from "node:crypto";
import * as ecc from "tiny-secp256k1";

// Names the whole set. Another seed is another set of vectors.
const seed = "btcstake interop vectors 1";

// The stream of the program in Go: SHA256(seed ‖ 00 ‖ label ‖ 00 ‖ BE64(i)) for i = 0, 1, …
export class Stream {
  #prefix;
  #next = 0n;
  #rest = Buffer.alloc(0);

  constructor(label) {
    this.#prefix = Buffer.from(`${seed}\0${label}\0`);
  }

  bytes(count) {
    while (this.#rest.length < count) {
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(this.#next++);
      const block = createHash("sha256").update(this.#prefix).update(number).digest();
      this.#rest = Buffer.concat([this.#rest, block]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return Buffer.from(taken);
  }

  // From 0 to count - 1. The bias is irrelevant here.
  below(count) {
    return Number(this.bytes(8).readBigUInt64BE() % BigInt(count));
  }

  // From low to high, both included.
  between(low, high) {
    return low + this.below(high - low + 1);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  key() {
    for (;;) {
      const secret = this.bytes(32);
      if (ecc.isPrivate(secret)) return new Key(secret);
    }
  }

  keys(count) {
    return Array.from({ length: count }, () => this.key());
  }

  txid() {
    return this.bytes(32).toString("hex");
  }

  shuffled(list) {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }
}

// A key pair, as bitcoinjs-lib takes a signer. Signatures have 32 zero bytes of auxiliary randomness, so any signer makes them again.
export class Key {
  constructor(secret) {
    this.secret = secret;
    this.publicKey = Buffer.from(ecc.pointFromScalar(secret, true));
    this.xOnly = this.publicKey.subarray(1);
    this.hex = this.xOnly.toString("hex");
  }

  signSchnorr(digest) {
    return Buffer.from(ecc.signSchnorr(digest, this.secret, Buffer.alloc(32)));
  }
}
