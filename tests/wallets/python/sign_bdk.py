"""bdkpython: a wallet of one key, with a descriptor of each kind of coin. It signs what its key is in."""

from bdkpython import Descriptor, Network, NetworkKind, Persister, Psbt, SignOptions, Wallet
from contract import answer
from embit.ec import PrivateKey
from embit.networks import NETWORKS

KINDS = {"stake-P2WPKH": "wpkh({})", "stake-P2SH-P2WPKH": "sh(wpkh({}))"}


def sign(request):
    secret = PrivateKey(bytes.fromhex(request["secret_key"]), network=NETWORKS["regtest"]).wif()
    descriptor = Descriptor(KINDS.get(request["request"], "tr({})").format(secret), NetworkKind.TEST)
    wallet = Wallet.create_single(descriptor, Network.REGTEST, Persister.new_in_memory())
    psbt = Psbt(request["psbt"])
    options = SignOptions(trust_witness_utxo=True, assume_height=None, allow_all_sighashes=False,
                          try_finalize=False, sign_with_tap_internal_key=True, allow_grinding=False)
    wallet.sign(psbt, options)
    return {"psbt": psbt.serialize()}


answer(sign)
