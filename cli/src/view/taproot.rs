//! An output of a stake: its address, scripts and control blocks.

use std::collections::BTreeMap;

use bitcoin::{Network, ScriptBuf};
use serde::{Deserialize, Serialize};
use staking_scripts::outputs::TaprootOutput;

use super::output::CommandOutput;
use super::text::{FAINT, line};

/// The order in which the leaves are printed.
const PATHS: [&str; 3] = ["timelock", "unbonding", "slashing"];

/// A Taproot output of a stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutputScripts {
    /// The address, on the network asked for.
    pub address: String,
    /// The script pubkey, in hex.
    pub script_pubkey: String,
    /// The descriptor, with its checksum.
    pub descriptor: String,
    /// The Merkle root of the script tree (BIP-341), in hex.
    pub merkle_root: Option<String>,
    /// The script of each leaf in hex, by its path.
    pub leaves: BTreeMap<String, String>,
    /// The control block of each leaf in hex, by its path.
    pub control_blocks: BTreeMap<String, String>,
}

impl OutputScripts {
    pub(crate) fn new(output: &TaprootOutput, network: Network) -> Self {
        let path = |leaf: &staking_scripts::outputs::Leaf| leaf.keys.path().to_string();
        Self {
            address: output.address(network).to_string(),
            script_pubkey: output.script_pubkey().to_hex_string(),
            descriptor: output.descriptor().to_string(),
            merkle_root: output.merkle_root().map(|root| root.to_string()),
            leaves: output.leaves().map(|leaf| (path(leaf), leaf.script.to_hex_string())).collect(),
            control_blocks: output
                .leaves()
                .map(|leaf| (path(leaf), hex::encode(leaf.control_block.serialize())))
                .collect(),
        }
    }
}

impl CommandOutput for OutputScripts {
    fn text(&self) -> String {
        let mut lines = vec![
            line("address", &self.address),
            line("script pubkey", &self.script_pubkey),
            line("descriptor", &self.descriptor),
            line("merkle root", self.merkle_root.as_deref().unwrap_or_default()),
        ];
        for path in PATHS {
            let (Some(script), Some(control_block)) = (self.leaves.get(path), self.control_blocks.get(path))
            else {
                continue;
            };
            lines.push(line(&format!("{path} leaf"), script));
            let asm = ScriptBuf::from_hex(script).map(|script| script.to_asm_string());
            lines.extend(asm.map(|asm| format!("{FAINT}{}{FAINT:#}", line("  asm", asm))));
            lines.push(line("  control block", control_block));
        }
        lines.join("\n")
    }
}
