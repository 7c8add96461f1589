#!/usr/bin/env python3
"""Has every wallet library sign, writes the vectors, and prints the table that stands in docs/wallets.md.

usage: main.py BTCSTAKE NODE_FOLDER PYTHON GO_FOLDER (`run` installs and calls it)
"""

import json
import sys
import tempfile

sys.dont_write_bytecode = True
from ask import all_cases  # noqa: E402
from chain import COIN_SAT, coinbase_txid  # noqa: E402
from libraries import HERE, LIBRARIES, Asker  # noqa: E402
from product import COINS, HEIGHT, KEYS, NETWORK, Product  # noqa: E402
from table import render  # noqa: E402

ROOT = HERE.parent.parent
START, END = "<!-- written by `make wallets` -->\n", "<!-- end -->\n"


def write(kind, description, **content):
    file = {"kind": kind, "description": description, "source": "tests/wallets", **content}
    text = json.dumps(file, indent=1, ensure_ascii=False) + "\n"
    (ROOT / "tests/vectors/wallets" / f"{kind}.json").write_text(text)


def main():
    program, node, python, go = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        product = Product(program, folder)
        requests, answers, proofs, written, theirs = all_cases(product, Asker(node, python, go), LIBRARIES)
        files = product.files()
    coins = [{"kind": kind, "script": script, "txid": coinbase_txid(height, bytes.fromhex(script))}
             for height, (kind, (_, script)) in enumerate(COINS.items(), start=1)]
    write("requests",
          "Stakes of one key, from a coin of each kind, with the PSBTs that a wallet is asked to sign, and the "
          "files that taking them back needs.",
          secret_keys=KEYS, network=NETWORK[1], height=HEIGHT, coin_sat=COIN_SAT, coins=coins, files=files,
          cases=[{"request": name, "psbt": psbt} for name, psbt in requests.items()])
    write("answers", "What each library returned for the PSBTs of a job, and whether the product takes it.",
          cases=answers)
    write("proofs",
          "Proofs of possession that a library makes (make-…), or that it was given to verify (verify-…).",
          cases=proofs)
    write("written", "PSBTs that btcutil/psbt writes of the same transactions, for the product to sign.",
          cases=written)
    write("staking-library",
          "A stake that the TypeScript library of Bitcoin staking makes with the product as its wallet: its "
          "message, its PSBTs, and the transactions that it read out of what was signed.",
          cases=[theirs])
    table = render(answers + proofs, written, theirs)
    page = ROOT / "docs/wallets.md"
    head, _, rest = page.read_text().partition(START)
    page.write_text(head + START + table + END + rest.partition(END)[2])
    print(table, end="")


main()
