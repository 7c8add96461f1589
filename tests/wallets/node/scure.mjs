// @scure/btc-signer: `Transaction.fromPSBT`, `sign`, `toPSBT`.
import { Transaction } from "@scure/btc-signer";
import { answer, base64, bytes } from "./contract.mjs";

await answer(({ psbt, secret_key }) => {
  const transaction = Transaction.fromPSBT(Buffer.from(psbt, "base64"));
  transaction.sign(bytes(secret_key));
  return { psbt: base64(transaction.toPSBT()) };
});
