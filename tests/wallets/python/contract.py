"""The contract of every script here: see `node/contract.mjs`."""

import json
import sys


def answer(handle):
    for line in sys.stdin:
        try:
            answered = handle(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its answer
            answered = {"error": str(error) or repr(error)}
        print(json.dumps(answered), flush=True)
