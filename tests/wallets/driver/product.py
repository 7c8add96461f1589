"""The product's side: stakes of one key, their PSBTs, and what becomes of those that come back.

`cli/tests/command_line/wallets.rs` takes the vectors back by the same commands.
"""

import json
import subprocess
from pathlib import Path

from chain import COIN_SAT, coinbase_txid

# The embedded node mines the coins first, then as many blocks as a coinbase must wait.
HEIGHT = 104
STAKING_BLOCKS, UNBONDING_BLOCKS = 40, 10
ACCOUNT = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
# Throw-away keys. The staker's point has an odd y: who forgets to negate the key signs for nobody.
KEYS = {name: bytes([byte]).hex() * 32 for name, byte in
        [("staker", 4), ("provider", 1), ("member1", 2), ("member2", 5), ("member3", 6)]}
POINT = "03462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b"
# The coins of the staker's key, as `key show` or any wallet has them, in the order in which they are mined.
COINS = {
    "P2TR": (f"tr({POINT[2:]})", "5120f79f86c0aa45a439279ec0fda492475426c0ea5d69079f1b33d6c665128a606f"),
    "P2WPKH": (f"wpkh({POINT})", "0014888dbbd7998f9f80d4f82b4f9ce6d5882f310aec"),
    "P2SH-P2WPKH": (f"sh(wpkh({POINT}))", "a9144a1ab6864f225ba09c30d77f7aa5d9f5505801fb87"),
}
# Each job's requests; a job is done when the product takes all of them.
JOBS = {
    **{f"stake-{coin}": [f"stake-{coin}"] for coin in COINS},
    "unbonding": ["unbonding"],
    "slashing": ["slashing", "unbonding-slashing"],
    "withdrawal": ["withdrawal-staking", "withdrawal-unbonding", "withdrawal-slashing"],
}
NETWORK = ["--network", "regtest"]
FILES = [*NETWORK, "--params", "params.json", "--delegation"]


class Refused(Exception):
    """The product's words about a PSBT that it does not take."""


class Product:
    """`btcstake`, run in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = str(Path(program).resolve()), Path(folder)
        for name, secret in KEYS.items():
            self.write(f"{name}.key", secret)

    def run(self, *words):
        """What a command prints as JSON, or `Refused` with its words."""
        done = subprocess.run([self.program, "--json", *words], cwd=self.folder, capture_output=True,
                              text=True)
        if done.returncode == 0:
            return json.loads(done.stdout)
        raise Refused(_words_of(done))

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(0o600)
        return f"@{name}"

    def read(self, name):
        return json.loads((self.folder / name).read_text())

    def key(self, name):
        return self.run("key", "show", "--secret-key-file", f"{name}.key", *NETWORK)

    def requests(self):
        """Makes a stake from a coin of each kind, with the covenant's signatures; returns their PSBTs, and
        those of the first one's later transactions."""
        self.write("params.json", _parameters([self.key(f"member{n}")["public_key"] for n in (1, 2, 3)]))
        address = self.key("staker")["address"]
        possession = self.run("pop", "create", "--type", "bip340", "--secret-key-file", "staker.key",
                              "--address", ACCOUNT)
        self.write("possession.json", possession)
        psbts = {}
        for height, (coin, (descriptor, script)) in enumerate(COINS.items(), start=1):
            txid = coinbase_txid(height, bytes.fromhex(script))
            psbts[f"stake-{coin}"] = self.stake(coin, f"{txid}:0:{COIN_SAT}:{descriptor}", address)["psbt"]
        files = [*FILES, "verified-P2TR.json"]
        psbts["unbonding"] = self.run("tx", "unbond", *files)["psbt"]
        pair = self.run("stake", "psbts", *FILES, "draft-P2TR.json")
        psbts["slashing"] = pair["slashing_psbt"]
        psbts["unbonding-slashing"] = pair["unbonding_slashing_psbt"]
        for source in ("staking", "unbonding", "slashing"):
            psbts[f"withdrawal-{source}"] = self.run(*_withdraw(source, address))["psbt"]
        return psbts

    def files(self):
        """What taking a PSBT back reads: the parameters, the delegations, and who signed them."""
        names = ["params.json", "possession.json", "draft-P2TR.json"]
        names += [f"verified-{coin}.json" for coin in COINS]
        names += [f"{member}-P2TR.json" for member in ("member1", "member2")]
        return {name: self.read(name) for name in names}

    def stake(self, coin, spent, address):
        """Makes `draft`, `signed` and `verified-COIN.json`; returns what `tx stake` printed."""
        built = self.run(
            "tx", "stake", "--params", "params.json", "--height", str(HEIGHT), *NETWORK,
            "--staker", self.key("staker")["public_key"],
            "--finality-provider", self.key("provider")["public_key"], "--amount-sat", "500000",
            "--staking-time", str(STAKING_BLOCKS), "--change", address, "--fee-rate", "5",
            "--coin", spent, "--out", f"draft-{coin}.json")
        self.run("stake", "sign", *FILES, f"draft-{coin}.json", "--secret-key-file", "staker.key",
                 "--possession", "possession.json", "--out", f"signed-{coin}.json")
        members = []
        for member in ("member1", "member2"):
            signatures = self.run("covenant", "sign", *FILES, f"signed-{coin}.json", "--height", str(HEIGHT),
                                  "--record", f"{member}-{coin}.record", "--aux-rand", "00" * 32,
                                  "--secret-key-file", f"{member}.key")
            self.write(f"{member}-{coin}.json", signatures)
            members += ["--covenant-signatures", f"{member}-{coin}.json"]
        self.run("stake", "add", *FILES, f"signed-{coin}.json", *members, "--out", f"verified-{coin}.json")
        return built

    def sign(self, psbt):
        """Signs another program's PSBT with the staker's key."""
        self.write("theirs.psbt", psbt)
        return self.run("psbt", "sign", "--psbt", "@theirs.psbt", "--secret-key-file", "staker.key",
                        *NETWORK)["psbt"]

    def take(self, job, psbts):
        """Takes the PSBTs of a job back, each by its request; returns the transactions, or `Refused`."""
        for request, psbt in psbts.items():
            checked = self.run("psbt", "check", *NETWORK, "--psbt", self.write(f"{request}.psbt", psbt))
            if checked.get("unsigned_inputs"):
                raise Refused(f"{request}: it comes back without a signature")
        if job.startswith("stake-"):
            coin = job.removeprefix("stake-")
            built = self.run("psbt", "finalize", *FILES, f"verified-{coin}.json", "--psbt", f"@{job}.psbt")
            return {job: built["transaction"]}
        if job == "slashing":
            return self._slashed()
        address, taken = self.key("staker")["address"], {}
        for request in psbts:
            command = ["tx", "unbond", *FILES, "verified-P2TR.json"] if job == "unbonding" else \
                _withdraw(request.removeprefix("withdrawal-"), address)
            built = self.run(*command, "--signed", f"@{request}.psbt")
            if not built.get("transaction"):
                raise Refused(f"{request}: it comes back without the staker's signature")
            taken[request] = built["transaction"]
        return taken

    def _slashed(self):
        """The staker's signatures go into the delegation, and the provider's key finalizes it."""
        for name in ("wallet.json", "wallet-verified.json"):
            (self.folder / name).unlink(missing_ok=True)
        self.run("stake", "sign", *FILES, "draft-P2TR.json", "--possession", "possession.json",
                 "--slashing", "@slashing.psbt", "--unbonding-slashing", "@unbonding-slashing.psbt",
                 "--out", "wallet.json")
        members = [word for member in ("member1", "member2")
                   for word in ("--covenant-signatures", f"{member}-P2TR.json")]
        self.run("stake", "add", *FILES, "wallet.json", *members, "--out", "wallet-verified.json")
        slash = ["tx", "slash", *FILES, "wallet-verified.json", "--provider-key-file", "provider.key"]
        return {"slashing": self.run(*slash)["transaction"],
                "unbonding-slashing": self.run(*slash, "--unbonding")["transaction"]}


def _withdraw(source, address):
    return ["tx", "withdraw", *FILES, "verified-P2TR.json", "--from", source, "--to", address,
            "--fee-rate", "5"]


def _parameters(members):
    return [{
        "btc_activation_height": 100, "covenant_pks": members, "covenant_quorum": 2,
        "min_staking_value_sat": 50_000, "max_staking_value_sat": 10_000_000,
        "min_staking_time_blocks": STAKING_BLOCKS, "max_staking_time_blocks": STAKING_BLOCKS,
        "unbonding_time_blocks": UNBONDING_BLOCKS, "unbonding_fee_sat": 2_000,
        "slashing_pk_script": "agdiYWJ5bG9u", "slashing_rate": "0.1", "min_slashing_tx_fee_sat": 2_000,
    }]


def _words_of(done):
    """Why a command failed, on one line."""
    if done.stdout.strip():
        answer = json.loads(done.stdout)
        reasons = [answer.get("reason")] + [one.get("message") for one in answer.get("violations") or []]
        bad = [f"the signature of {one['public_key'][:8]}… over input {one['input']} is not valid"
               for one in answer.get("signatures") or [] if not one["valid"]]
        bad += [f"the witness of input {place} is not valid"
                for place in answer.get("invalid_witnesses") or []]
        reasons = [reason for reason in reasons + bad if reason]
        if reasons:
            return "; ".join(reasons)
    lines = [line.strip() for line in done.stderr.splitlines()]
    said = " ".join(line for line in lines if line and not line.startswith("warning:"))
    return said.removeprefix("error: ")
