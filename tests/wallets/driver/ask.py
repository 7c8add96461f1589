"""What each library answers, and what the product says to it: the cases of the vectors."""

import base64

from chain import COIN_SAT, coinbase_txid
from libraries import PROVES, SIGNS, STAKING
from product import (ACCOUNT, COINS, FILES, HEIGHT, JOBS, KEYS, NETWORK, POINT, STAKING_BLOCKS, UNBONDING_BLOCKS,
                     Refused)

# The proofs of possession that a wallet can give: with an address BIP-322's, else a "Bitcoin signed message".
PROOFS = {"P2TR": ["--type", "bip322", "--script", "p2tr", "--network", "mainnet"],
          "P2WPKH": ["--type", "bip322", "--script", "p2wpkh", "--network", "mainnet"],
          "ECDSA": ["--type", "ecdsa"]}


def _case(library, job, **more):
    return {"library": library.name, "version": library.version, "job": job, **more}


def signed(product, asker, library, requests):
    """A case for each job: the PSBTs that came back, and whether the product takes them."""
    asked = [{"request": name, "psbt": psbt, "secret_key": KEYS["staker"]} for name, psbt in requests.items()]
    answers = dict(zip(requests, asker.ask(library, asked)))
    for job, names in JOBS.items():
        errors = [answers[name]["error"] for name in names if "error" in answers[name]]
        if errors:
            yield _case(library, job, psbts=None, taken=False, library_says=errors[0], product_says=None)
            continue
        psbts = {name: answers[name]["psbt"] for name in names}
        yield _case(library, job, psbts=psbts, **_taken(product, job, psbts))


def _taken(product, job, psbts):
    try:
        product.take(job, psbts)
    except Refused as refused:
        return {"taken": False, "library_says": None, "product_says": str(refused)}
    return {"taken": True, "library_says": None, "product_says": None}


def proofs(product, asker, library):
    """A case for each proof that the library makes for the product, and for each of the product's."""
    asked = []
    for kind, words in PROOFS.items():
        made = product.run("pop", "create", *words, "--secret-key-file", "staker.key", "--address", ACCOUNT)
        signature = made["simple_signature"] or base64.b64encode(bytes.fromhex(made["signature"])).decode()
        request = {"message": ACCOUNT, "address": made["bitcoin_address"], "public_key": POINT,
                   "secret_key": KEYS["staker"]}
        asked += [(f"make-{kind}", request), (f"verify-{kind}", {**request, "signature": signature})]
    for (job, request), answer in zip(asked, asker.ask(library, [request for _, request in asked])):
        case = _case(library, job, signature=answer.get("signature") or request.get("signature"),
                     library_says=answer.get("error"), product_says=None)
        taken = answer.get("valid", "signature" in answer)
        if "signature" in answer:
            kind = "ecdsa" if job.endswith("ECDSA") else "bip322"
            try:
                product.run("pop", "verify", "--type", kind, "--address", ACCOUNT, "--public-key", POINT[2:],
                            "--signature", answer["signature"])
            except Refused as refused:
                taken, case["product_says"] = False, str(refused)
        yield {**case, "taken": taken}


def written(product, asker, library, requests):
    """A case for each job: PSBTs that the library writes, and the product signs and finalizes."""
    asked = [{"psbt": psbt, "secret_key": KEYS["staker"], "write": True} for psbt in requests.values()]
    answers = dict(zip(requests, asker.ask(library, asked)))
    for job, names in JOBS.items():
        # `psbt sign` signs coins of Taproot alone.
        if job.startswith("stake-") and job != "stake-P2TR":
            continue
        psbts = {name: answers[name]["psbt"] for name in names}
        try:
            back = {name: product.sign(psbt) for name, psbt in psbts.items()}
            answer = _taken(product, job, back)
        except Refused as refused:
            answer = {"taken": False, "library_says": None, "product_says": str(refused)}
        yield _case(library, job, psbts=psbts, **answer)


def staking_library(product, asker):
    """The staking library with the product as its wallet: the message that it registers the stake with, the
    PSBTs that it wrote, and the transactions that it read out of what the product signed."""
    network = ["--network", "signet"]
    staker = product.run("key", "show", "--secret-key-file", "staker.key", *network)
    members = [product.key(f"member{number}")["public_key"] for number in (1, 2, 3)]
    script = COINS["P2TR"][1]
    request = {
        "program": product.program, "folder": str(product.folder), "account": ACCOUNT, "staker": staker,
        "provider": product.key("provider")["public_key"], "staking_blocks": STAKING_BLOCKS, "height": HEIGHT,
        "coin": {"txid": coinbase_txid(1, bytes.fromhex(script)), "vout": 0, "value": COIN_SAT,
                 "scriptPubKey": script},
        "params": {
            "version": 0, "btcActivationHeight": 100, "covenantNoCoordPks": members, "covenantQuorum": 2,
            "unbondingTime": UNBONDING_BLOCKS, "unbondingFeeSat": 2_000,
            "minStakingAmountSat": 50_000, "maxStakingAmountSat": 10_000_000,
            "minStakingTimeBlocks": STAKING_BLOCKS, "maxStakingTimeBlocks": STAKING_BLOCKS,
            "slashing": {"slashingPkScriptHex": "6a07626162796c6f6e", "slashingRate": 0.1,
                         "minSlashingTxFeeSat": 2_000},
        },
    }
    [registered] = asker.ask(STAKING, [request])
    product.write("theirs.json", _answered(registered)["message"])
    theirs = [*network, *FILES[len(NETWORK):], "theirs.json"]
    product.run("stake", "check", *theirs)
    signatures, members = [], []
    for member in ("member1", "member2"):
        one = product.run("covenant", "sign", *theirs, "--height", str(HEIGHT), "--aux-rand", "00" * 32,
                          "--record", f"theirs-{member}.record", "--secret-key-file", f"{member}.key")
        product.write(f"theirs-{member}.json", one)
        signatures.append({"btcPkHex": one["member"], "sigHex": one["unbonding_signature"]})
        members += ["--covenant-signatures", f"theirs-{member}.json"]
    product.run("stake", "add", *theirs, *members, "--out", "theirs-verified.json")
    delegation = product.read("theirs-verified.json")
    hexes = {name: delegation[f"{name}_transaction"] for name in ("staking", "unbonding", "slashing")}
    [spent] = asker.ask(STAKING, [{**request, **hexes, "covenant": signatures}])
    slash = ["tx", "slash", *network, *FILES[len(NETWORK):], "theirs-verified.json", "--provider-key-file", "provider.key"]
    transactions = {
        **_answered(spent)["transactions"],
        "slashing": product.run(*slash)["transaction"],
        "unbonding-slashing": product.run(*slash, "--unbonding")["transaction"],
    }
    return _case(STAKING, "all", message=registered["message"], transactions=transactions,
                 psbts={**registered["written"], **spent["written"]})


def _answered(answer):
    if "error" in answer:
        raise SystemExit(f"{STAKING.name}: {answer['error']}")
    return answer


def all_cases(product, asker, libraries):
    """What was asked for, and the cases of each file of vectors."""
    requests = product.requests()
    answers = [case for library in libraries if SIGNS in library.roles
               for case in signed(product, asker, library, requests)]
    proven = [case for library in libraries if PROVES in library.roles
              for case in proofs(product, asker, library)]
    [go] = [library for library in libraries if library.language == "go"]
    written_by_go = list(written(product, asker, go, requests))
    return requests, answers, proven, written_by_go, staking_library(product, asker)
