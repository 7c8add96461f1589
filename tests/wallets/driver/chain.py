"""The coins of the embedded node's chain: a coinbase depends on its height and its script alone."""

import hashlib

COIN_SAT = 50 * 100_000_000
# What a block that holds nothing but its coinbase commits to: BIP-141, over zeros.
_COMMITMENT = hashlib.sha256(hashlib.sha256(bytes(64)).digest()).digest()


def coinbase_txid(height, script):
    """The id, as Core displays it, of the coinbase that pays to `script` at a height below 17."""
    def output(amount, payee):
        return amount.to_bytes(8, "little") + bytes([len(payee)]) + payee

    push_of_height = bytes([0x50 + height, 0x01, 0x00])
    transaction = (
        (2).to_bytes(4, "little") + b"\x01" + bytes(32) + b"\xff" * 4
        + bytes([len(push_of_height)]) + push_of_height + b"\xff" * 4
        + b"\x02" + output(COIN_SAT, script) + output(0, bytes.fromhex("6a24aa21a9ed") + _COMMITMENT)
        + bytes(4)
    )
    return hashlib.sha256(hashlib.sha256(transaction).digest()).digest()[::-1].hex()
