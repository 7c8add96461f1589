// @bitgo/wasm-utxo: rust-bitcoin's PSBT, compiled to WebAssembly.
import { createRequire } from "node:module";
import { answer, base64, bytes } from "./contract.mjs";

// Node loads no `.wasm` as a module: its CommonJS build reads the file itself.
const { Psbt } = createRequire(import.meta.url)("@bitgo/wasm-utxo");

await answer(({ psbt: text, secret_key }) => {
  const psbt = Psbt.deserialize(Buffer.from(text, "base64"));
  psbt.signWithPrv(bytes(secret_key));
  return { psbt: base64(psbt.serialize()) };
});
