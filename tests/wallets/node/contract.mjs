// The contract of every script here: a request as JSON on each line of standard input, and for each a line
// with what the library answers, `{"psbt": base64}`, `{"signature": text}` or `{"valid": boolean}`, or
// `{"error": text}` with its own words.
import { createInterface } from "node:readline";

// Libraries that print to standard output must not disturb the answers.
const print = console.log;
console.log = console.error;

export async function answer(handle) {
  for await (const line of createInterface({ input: process.stdin })) {
    let answered;
    try {
      answered = await handle(JSON.parse(line));
    } catch (error) {
      answered = { error: String(error?.message ?? error) };
    }
    print(JSON.stringify(answered));
  }
}

export const bytes = (hex) => Buffer.from(hex, "hex");
export const base64 = (raw) => Buffer.from(raw).toString("base64");
