//! `btcstake params`.

mod check;
mod show;
mod source;

use serde_json::Value;

use crate::fixtures::process::Folder;

pub(crate) const LIVE: &str = include_str!("../../../../staking-scripts/data/mainnet-parameters.json");
const PHASE_1: &str = include_str!("../../../../staking-scripts/data/mainnet-phase1-parameters.json");

/// A folder with mainnet's parameters in both forms.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("live.json", LIVE);
    folder.write("phase1.json", PHASE_1);
    folder
}

/// One field of one of mainnet's versions changed.
fn changed(file: &str, version: usize, field: &str, value: Value) -> String {
    let mut file: Value = serde_json::from_str(file).unwrap();
    match file.get("versions") {
        Some(_) => file["versions"][version][field] = value,
        None => file["params"][version]["params"][field] = value,
    }
    file.to_string()
}
