"""embit: `PSBT.sign_with` a private key."""

from contract import answer
from embit.ec import PrivateKey
from embit.psbt import PSBT


def sign(request):
    psbt = PSBT.from_string(request["psbt"])
    psbt.sign_with(PrivateKey(bytes.fromhex(request["secret_key"])))
    return {"psbt": psbt.to_string()}


answer(sign)
