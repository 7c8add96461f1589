//! `btcstake eots`.

mod check_commitment;
mod check_proof;
mod commit;
mod context;
mod extract;
mod prove;
mod randomness;
mod sign;
mod verify;
mod verify_batch;
mod vote;

use btcstake::outputs::EotsSign;
use serde_json::json;

use crate::fixtures::process::{Folder, PROVIDER_KEY};

/// The provider's public randomness for height 1 of bbn-1, and the scalar `s` of its signature of
/// `message("aa")`.
pub(crate) const RANDOMNESS: &str = "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf";
pub(crate) const SIGNATURE: &str = "53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c";

const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// A signing context, and nine heights for commitments and their proofs.
const CONTEXT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const RANGE: &str = "--secret-key-file provider.key --chain-id bbn-1 --height 100 --count 9";

/// A line for `verify-batch`.
pub(crate) fn vote_line(fill: &str, signature: &str) -> String {
    json!({ "public_key": PROVIDER_KEY, "public_randomness": RANDOMNESS, "message": message(fill), "signature": signature })
        .to_string()
}

fn message(fill: &str) -> String {
    format!("0000000000000001{}", fill.repeat(32))
}

/// The provider's signature for height 1 of bbn-1, of `message(fill)`.
fn sign(folder: &Folder, fill: &str) -> EotsSign {
    let rest = "--secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected";
    folder.output(&format!("eots sign {rest} --message {}", message(fill)))
}

/// The provider's keys, for `verify` and `extract`.
fn keys() -> String {
    format!("--public-key {PROVIDER_KEY} --public-randomness {RANDOMNESS}")
}
