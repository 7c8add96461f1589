"""The libraries: how each is asked, which of the jobs it is asked for, and why what it lacks is lacking."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
SIGNS = "signs PSBTs"
PROVES = "makes and verifies proofs"


@dataclass(frozen=True)
class Library:
    """A library: what it is called in the table, its package, the script that calls it; and a package beside
    it, whose version is told too."""

    name: str
    language: str
    package: str
    program: str
    roles: tuple = (SIGNS,)
    beside: tuple = None

    @property
    def version(self):
        if not self.beside:
            return self._pinned(self.package)
        name, package = self.beside
        return f"{self._pinned(self.package)}, {name} {self._pinned(package)}"

    def _pinned(self, package):
        if self.language == "node":
            lock = json.loads((HERE / "node/package-lock.json").read_text())
            return lock["packages"][f"node_modules/{package}"]["version"]
        pins = (HERE / ("python/requirements.txt" if self.language == "python" else "go/go.mod")).read_text()
        return re.search(rf"{re.escape(package)}(?:==| v)(\S+)", pins).group(1)


LIBRARIES = [
    Library("embit", "python", "embit", "sign_embit.py"),
    Library("bdkpython", "python", "bdkpython", "sign_bdk.py"),
    Library("bitcoinjs-lib 6", "node", "bitcoinjs-lib-6", "bitcoinjs_6.mjs", beside=("ecpair", "ecpair-2")),
    Library("bitcoinjs-lib 7", "node", "bitcoinjs-lib", "bitcoinjs_7.mjs", beside=("ecpair", "ecpair")),
    Library("@scure/btc-signer", "node", "@scure/btc-signer", "scure.mjs"),
    Library("@bitgo/utxo-lib", "node", "@bitgo/utxo-lib", "bitgo_utxo_lib.mjs"),
    Library("@bitgo/wasm-utxo", "node", "@bitgo/wasm-utxo", "bitgo_wasm_utxo.mjs"),
    Library("@okxweb3/coin-bitcoin", "node", "@okxweb3/coin-bitcoin", "okx.mjs", (SIGNS, PROVES)),
    Library("@unisat/keyring-service", "node", "@unisat/keyring-service", "unisat.mjs", (SIGNS, PROVES),
            ("wallet-bitcoin", "@unisat/wallet-bitcoin")),
    Library("btcutil/psbt", "go", "github.com/btcsuite/btcd/btcutil/psbt", "btcstake-wallets",
            beside=("btcd's txscript", "github.com/btcsuite/btcd")),
    Library("bip322-js", "node", "bip322-js", "bip322_js.mjs", (PROVES,)),
]
STAKING = Library("@babylonlabs-io/btc-staking-ts", "node", "@babylonlabs-io/btc-staking-ts",
                  "btc_staking_ts.mjs", ())

# Why a library does not do what it is asked, as far as its source tells; shown only where it does not.
WHY = {
    ("@bitgo/utxo-lib", "stake-P2TR"):
        "it signs the key path of Taproot with MuSig2 alone, for two keys of its own wallets.",
    ("@okxweb3/coin-bitcoin", "leaf"):
        "where an input has `PSBT_IN_TAP_MERKLE_ROOT`, it signs a leaf with the key tweaked by that root, which "
        "is in no leaf, and reports no error.",
    ("@bitgo/wasm-utxo", "leaf"):
        "it signs a leaf only for keys that have an origin (`PSBT_IN_TAP_BIP32_DERIVATION`) with that leaf's "
        "hash; without one it signs nothing and reports no error.",
    ("bdkpython", "leaf"):
        "it signs a leaf only for keys that have an origin (`PSBT_IN_TAP_BIP32_DERIVATION`); without one it "
        "signs nothing and reports no error.",
    ("@okxweb3/coin-bitcoin", "verify-P2TR"):
        "its verifier takes no more than 64 bytes of BIP-340, and a signature with a sighash type has 65.",
    ("@unisat/keyring-service", "verify-P2TR"):
        "its verifier takes no more than 64 bytes of BIP-340, and a signature with a sighash type has 65.",
}


def why(library, job):
    leaf = "leaf" if job in ("unbonding", "slashing", "withdrawal") else job
    return WHY.get((library, leaf))


class Asker:
    """Runs the scripts where their packages are installed."""

    def __init__(self, node, python, go):
        self.commands = {"node": ["node"], "python": [python, "-B"], "go": []}
        self.folders = {"node": Path(node), "python": HERE / "python", "go": Path(go)}

    def ask(self, library, requests):
        """The answer to each request, in their order."""
        program = str(self.folders[library.language] / library.program)
        done = subprocess.run([*self.commands[library.language], program],
                              input="".join(json.dumps(request) + "\n" for request in requests),
                              capture_output=True, text=True, timeout=600)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) < len(requests):
            raise SystemExit(
                f"{library.name} answers {len(answers)} of {len(requests)} requests\n{done.stderr}")
        return answers
