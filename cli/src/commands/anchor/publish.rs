//! `anchor publish`: the transaction that publishes a keystone.

use anyhow::{Context, bail, ensure};
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, FeeRate, Transaction};
use chain::{Node, NodeError, RejectionClass};
use serde::{Deserialize, Serialize};
use spv::anchors::Keystone;
use staking_scripts::FundingCoin;
use staking_scripts::psbt::sign_psbt;
use staking_scripts::transactions::KeystoneTransaction;

use crate::args::argument::Argument;
use crate::args::keystones;
use crate::args::money;
use crate::args::network::NetworkName;
use crate::args::new_stake;
use crate::args::node::NodeArgs;
use crate::args::psbt::PsbtFormatArgs;
use crate::args::spend::{Signer, SignerArgs};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, line, plain};
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "Anybody may publish a keystone; which ones are of Hemi's chain, Hemi's node says. The transaction has one input, the change, and an OP_RETURN output worth nothing. Of several \
    publications in a block the first counts, in the block's order. Without a key the PSBT is for the wallet that has the coin; --secret-key-file signs a coin of that key's own Taproot address.\n\n\
    Example:\n  btcstake anchor publish --keystone 010075cf9b002831bfa132ab03b954874d9515f4d5141f39022b7382f04df2defb29e4ff1b58eb5af0fc9192dcbcda6f1b6f21e9c47d97953fa8f7d7551deeaa7a1c0a2340624eebff6b5cbc \
    --coin 0707070707070707070707070707070707070707070707070707070707070707:0:100000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --network regtest --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5"
)]
pub(crate) struct Args {
    /// The keystone: its 76 bytes, these after HEMI, or the script that pushes them: hex, @FILE or -.
    #[arg(long, value_name = "BYTES", value_parser = keystones::parser())]
    keystone: Argument<Keystone>,
    /// The coin that pays: TXID:INDEX:SATOSHIS:SCRIPT with its script pubkey in hex, P2WPKH or P2TR, or with
    /// a descriptor instead of the script, of any segregated witness kind.
    #[arg(long, value_name = "COIN", value_parser = new_stake::coin)]
    coin: FundingCoin,
    /// The change address, of --network.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    change: Address<NetworkUnchecked>,
    /// The fee rate in sat/vB.
    #[arg(long, value_name = "RATE", value_parser = money::fee_rate)]
    fee_rate: FeeRate,
    #[command(flatten)]
    signer: SignerArgs,
    /// Broadcast the signed transaction through --node. Exit code 1 when the node rejects it.
    #[arg(long, requires = "node")]
    broadcast: bool,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

/// The transaction that publishes a keystone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The keystone's hash, as Hemi's interfaces show it.
    pub keystone_hash: String,
    /// The height of its block on Hemi.
    pub l2_block_number: u32,
    /// The transaction id, in display order.
    pub txid: String,
    /// The PSBT, in base64 or as --format says.
    pub psbt: String,
    /// The transaction in hex; null while signatures are missing.
    pub transaction: Option<String>,
    /// The fee in satoshis.
    pub fee_sat: u64,
    /// The virtual size: with all signatures.
    pub vsize: usize,
    /// Whether the node has the transaction, in its mempool or in a block; null without `--broadcast`.
    pub known_to_node: Option<bool>,
    /// Why the node rejected it, in the node's words.
    pub reason: Option<String>,
    /// What the reason means for a later attempt, as `broadcast` says; null when it is not rejected.
    pub rejection_class: Option<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match (&self.reason, self.known_to_node) {
            (Some(reason), _) => {
                let mut lines = vec![format!("{BAD}rejected{BAD:#}: {}", plain(reason))];
                lines.extend(self.rejection_class.as_ref().map(|class| line("class", class)));
                lines.join("\n")
            }
            (None, Some(_)) => self.txid.clone(),
            (None, None) => self.transaction.as_ref().unwrap_or(&self.psbt).clone(),
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(self.known_to_node != Some(false))
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Broadcasts a transaction. Returns why the node rejects it.
fn broadcast(node: &dyn Node, transaction: &Transaction) -> anyhow::Result<Option<(String, RejectionClass)>> {
    match node.broadcast(transaction) {
        Ok(_) => Ok(None),
        Err(error @ NodeError::Rejected { .. }) => {
            let class = error.rejection_class().unwrap_or(RejectionClass::Invalid);
            Ok(Some((error.to_string(), class)))
        }
        Err(error) => bail!(error),
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (keystone, signer) = (self.keystone.read()?, self.signer.read()?);
        ensure!(
            !self.broadcast || signer.is_some(),
            "--broadcast takes a signed transaction; must be with --secret-key-file or --signed"
        );
        let change = money::destination("--change", &self.change, self.network)?;
        let built = KeystoneTransaction::build(&keystone, &self.coin, change, self.fee_rate);
        let publication = built.context("--coin")?;
        let signed = match signer {
            None => None,
            Some(Signer::Key(key)) => {
                Some(sign_psbt(publication.psbt(), &key).context("--secret-key-file")?.0.into())
            }
            Some(Signer::Psbt(signed)) => Some(*signed),
        };
        let (mut rejected, mut known_to_node) = (None, None);
        let built = match signed {
            None => {
                BuiltTransaction::unsigned(publication.psbt(), publication.fee(), Some(publication.vsize()))
            }
            Some(signed) => {
                let transaction = publication.finalize(signed.psbt()).context("--signed")?;
                if self.broadcast {
                    let node = self.node.connect_without_search(self.network)?;
                    rejected = broadcast(&*node, &transaction)?;
                    known_to_node = Some(rejected.is_none());
                }
                BuiltTransaction::finalized(signed.psbt(), &transaction, publication.fee())
                    .in_version_of(&signed)
            }
        };
        let built = built.question_fee(Some(self.fee_rate)).with_psbt_text(self.format.form())?;
        let (reason, class) = rejected.unzip();
        Printout::of(&Output {
            keystone_hash: keystone.hash().to_string(),
            l2_block_number: keystone.l2_block_number,
            txid: built.txid,
            psbt: built.psbt,
            transaction: built.transaction,
            fee_sat: built.fee_sat,
            vsize: built.vsize,
            known_to_node,
            reason,
            rejection_class: class.map(|class| class.as_str().to_owned()),
            warnings: built.warnings,
        })
    }
}
