//! `btcstake tx`.

mod bump;
mod destination;
mod explain;
mod extend;
pub(crate) mod slash;
mod stake;
mod unbond;
mod withdraw;
mod withdraw_phase1;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Transaction, Txid};
use serde_json::json;

use crate::fixtures::delegation::{ACCOUNT, FILES, node_answer, stake};
use crate::fixtures::process::Folder;

/// Writes `page.json`, a node's answer with the delegations of two stakes, and returns the id of the one that
/// is in `stake.tx`.
fn write_page(folder: &Folder) -> Txid {
    folder.run(&stake("other.json").replace("--fee-rate 5", "--fee-rate 6")).ends(0);
    let sign = format!("stake sign {FILES} other.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&format!("{sign} --out other-signed.json")).ends(0);
    let page = ["other-signed.json", "verified.json"]
        .map(|file| node_answer(&folder.delegation(file))["btc_delegation"].clone());
    folder.write("page.json", json!({ "btc_delegations": page, "pagination": null }).to_string());
    let stake: Transaction = deserialize_hex(folder.read("stake.tx").trim()).unwrap();
    stake.compute_txid()
}
