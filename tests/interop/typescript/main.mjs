// Writes interoperability vectors by running the TypeScript library of Bitcoin staking: node main.mjs ../../vectors/typescript
//
// The output depends on nothing but the seed in rand.mjs and the versions in package-lock.json.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initEccLib } from "bitcoinjs-lib";
import * as ecc from "tiny-secp256k1";
import { announced } from "./announced.mjs";
import { extensions } from "./extensions.mjs";
import { funding } from "./funding.mjs";
import { negative } from "./negative.mjs";
import { stakes } from "./stakes.mjs";

const library = "@babylonlabs-io/btc-staking-ts";

// One case on each line: a changed case is one changed line.
function write(directory, version, { kind, description, source, cases }) {
  const head = { kind, description, source: `${library}@${version} ${source}` };
  const fields = Object.entries(head).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const lines = cases.map((one) => JSON.stringify(one));
  const text = `{\n${fields.join(",\n")},\n"cases": [\n${lines.join(",\n")}\n]\n}\n`;
  writeFileSync(join(directory, `${kind}.json`), text);
  console.log(`${kind.padEnd(12)} ${String(cases.length).padStart(4)} cases`);
}

const [directory, ...more] = process.argv.slice(2);
if (directory === undefined || more.length > 0) {
  console.error("usage: node main.mjs OUTPUT-DIRECTORY");
  process.exit(2);
}
initEccLib(ecc);
const { version } = JSON.parse(readFileSync(new URL(`node_modules/${library}/package.json`, import.meta.url)));
mkdirSync(directory, { recursive: true });
for (const set of [stakes, funding, announced, extensions, negative]) write(directory, version, set());
