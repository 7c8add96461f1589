// @unisat/keyring-service: the keyring behind the wallet's `signPsbt`; a leaf is signed with
// `disableTweakSigner`, which a site sets for each input. Proofs are as its `signMessage` makes them.
import { createRequire } from "node:module";
import { answer } from "./contract.mjs";

// Its build of modules imports names that Node does not find.
const require = createRequire(import.meta.url);
const { SimpleKeyring } = require("@unisat/keyring-service");
const wallet = require("@unisat/wallet-bitcoin");
const MAINNET = 0;
const P2TR = 2;

await answer(async ({ psbt, message, address, public_key, secret_key, signature }) => {
  const account = new SimpleKeyring([secret_key]);
  const [publicKey] = await account.getAccounts();
  const sign = (psbt) => {
    const inputs = psbt.data.inputs.map((input, index) => {
      return { index, publicKey, ...(input.tapLeafScript && { disableTweakSigner: true }) };
    });
    return account.signTransaction(psbt, inputs);
  };
  if (psbt) {
    return { psbt: (await sign(wallet.bitcoin.Psbt.fromBase64(psbt))).toBase64() };
  }
  if (!address) {
    return signature
      ? { valid: await account.verifyMessage(public_key, message, signature) }
      : { signature: await account.signMessage(publicKey, message) };
  }
  if (signature) {
    return { valid: wallet.verifyMessageOfBIP322Simple(address, message, signature, MAINNET) };
  }
  // The wallet names the internal key of a Taproot address before it signs.
  const unsigned = wallet.genPsbtOfBIP322Simple({ message, address, networkType: MAINNET });
  if (wallet.getAddressType(address, MAINNET) === P2TR) {
    unsigned.updateInput(0, { tapInternalKey: Buffer.from(publicKey, "hex").subarray(1) });
  }
  const signed = await sign(unsigned);
  signed.finalizeAllInputs();
  return { signature: wallet.getSignatureFromPsbtOfBIP322Simple(signed) };
});
