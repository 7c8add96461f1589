//! What the commands that build transactions print, and the arguments that they share.

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::address::NetworkUnchecked;
use bitcoin::bip32::KeySource;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Address, Amount, FeeRate, Psbt, ScriptBuf, Transaction, psbt};
use clap::ValueEnum;
use eots::XOnlyPublicKey;
use miniscript::descriptor::{DescriptorPublicKey, SinglePub, SinglePubKey};
use serde::Serialize;
use staking_scripts::{MAX_FEE_RATE, PlannedTransactions};

use crate::commands::NetworkName;
use crate::input::{self, Content};
use crate::output::Output;

/// What nodes relayed at least by default for many years, and many still do.
const LEAST_RELAYED: FeeRate = FeeRate::BROADCAST_MIN;
/// What is paid in no ordinary time.
const MOST_EXPECTED: FeeRate = FeeRate::from_sat_per_kwu(1000 * 250);

#[derive(Serialize)]
pub(crate) struct Fields {
    pub(super) txid: String,
    pub(super) psbt: String,
    /// Absent while signatures are missing.
    pub(super) transaction: Option<String>,
    pub(super) fee_sat: u64,
    pub(super) vsize: usize,
    /// What the staker should know before going on.
    pub(super) warnings: Vec<String>,
    /// What its inputs hold.
    #[serde(skip)]
    pub(super) moved: Amount,
}

impl Fields {
    /// A transaction that wants signatures, and its virtual size when it has them, where that is known.
    pub(super) fn unsigned(psbt: &Psbt, fee: Amount, vsize: Option<u64>) -> Self {
        let fields = Self::new(psbt, None, fee);
        let vsize = vsize.and_then(|vsize| usize::try_from(vsize).ok()).unwrap_or(fields.vsize);
        Self { vsize, ..fields }
    }

    /// A transaction as it can be broadcast.
    pub(crate) fn finished(psbt: &Psbt, transaction: &Transaction, fee: Amount) -> Self {
        Self::new(psbt, Some(transaction), fee)
    }

    fn new(psbt: &Psbt, transaction: Option<&Transaction>, fee: Amount) -> Self {
        let shown = transaction.unwrap_or(&psbt.unsigned_tx);
        Self {
            txid: shown.compute_txid().to_string(),
            psbt: transaction
                .map_or_else(|| psbt.to_string(), |transaction| finalized(psbt, transaction).to_string()),
            transaction: transaction.map(serialize_hex),
            fee_sat: fee.to_sat(),
            vsize: shown.vsize(),
            warnings: Vec::new(),
            moved: shown
                .output
                .iter()
                .fold(fee, |sum, output| sum.checked_add(output.value).unwrap_or(Amount::MAX)),
        }
    }

    /// With what may be a mistake in a fee that was chosen: its rate, where it is known, and its part of what
    /// the transaction moves.
    pub(crate) fn question_fee(mut self, rate: Option<FeeRate>) -> Self {
        let odd = rate.and_then(|rate| match rate {
            rate if rate < LEAST_RELAYED => Some(("below", LEAST_RELAYED, "which many nodes do not relay")),
            rate if rate > MOST_EXPECTED => Some(("above", MOST_EXPECTED, "which hardly anything pays")),
            _ => None,
        });
        self.warnings.extend(rate.zip(odd).map(|(rate, (side, limit, why))| {
            let limit = limit.to_sat_per_vb_floor();
            format!("--fee-rate: {} sat/vB is {side} {limit} sat/vB, {why}", shown(rate))
        }));
        let (fee, moved) = (self.fee_sat, self.moved.to_sat());
        if fee > moved.div_euclid(10) {
            self.warnings
                .push(format!("the fee of {fee} sat is more than a tenth of the {moved} sat that are moved"));
        }
        self
    }

    /// As text: what goes on from here, the transaction or the PSBT, alone.
    pub(crate) fn output(&self) -> anyhow::Result<Output> {
        Ok(Output::new(self.transaction.as_ref().unwrap_or(&self.psbt), self)?.warning(&self.warnings))
    }
}

/// The PSBT with what completed the transaction, as BIP-174 has a finalized one.
fn finalized(psbt: &Psbt, transaction: &Transaction) -> Psbt {
    let mut psbt = psbt.clone();
    for (input, finished) in psbt.inputs.iter_mut().zip(&transaction.input) {
        let given = std::mem::take(input);
        *input = psbt::Input {
            final_script_witness: Some(finished.witness.clone()).filter(|witness| !witness.is_empty()),
            final_script_sig: Some(finished.script_sig.clone()).filter(|script| !script.is_empty()),
            witness_utxo: given.witness_utxo,
            non_witness_utxo: given.non_witness_utxo,
            proprietary: given.proprietary,
            unknown: given.unknown,
            ..psbt::Input::default()
        };
    }
    psbt
}

/// A PSBT in base64, or @FILE of base64 or of its bytes.
pub(crate) fn psbt(text: &str) -> anyhow::Result<Psbt> {
    let content = Content::of(text)?;
    match content.text() {
        Some(text) => input::unfolded(text).parse().map_err(|e| input::unread("PSBT in base64", &e)),
        None => Psbt::deserialize(content.bytes()).map_err(|e| input::unread("PSBT", &e)),
    }
}

/// An address, of some network.
pub(super) fn address(text: &str) -> anyhow::Result<Address<NetworkUnchecked>> {
    text.parse().context("not a Bitcoin address").map_err(|e| anyhow!("{e:#}"))
}

/// The script of an address that must be of this network: what another network's address pays to may be
/// nobody's here.
pub(super) fn on_network(
    flag: &str,
    address: &Address<NetworkUnchecked>,
    network: NetworkName,
) -> anyhow::Result<ScriptBuf> {
    let is_of = |network: &NetworkName| address.is_valid_for_network((*network).into());
    let networks =
        NetworkName::value_variants().iter().filter(|network| is_of(network)).map(ToString::to_string);
    ensure!(
        is_of(&network),
        "{flag}: {} is an address of {}, and --network is {network}",
        address.assume_checked_ref(),
        networks.collect::<Vec<_>>().join(" or ")
    );
    Ok(address.assume_checked_ref().script_pubkey())
}

/// Satoshis for a virtual byte, with decimals.
pub(super) fn fee_rate(text: &str) -> anyhow::Result<FeeRate> {
    let rate: f64 = text.parse()?;
    // The library counts in satoshis for 1000 weight units; rounded up, so that no less is paid. What is no
    // such number is none as text either.
    let rate = format!("{:.0}", (rate * 250.0).ceil()).parse().ok().map(FeeRate::from_sat_per_kwu);
    rate.filter(|rate| *rate > FeeRate::ZERO && *rate <= MAX_FEE_RATE).ok_or_else(|| {
        anyhow!("a fee rate is above 0 and up to {} sat/vB", MAX_FEE_RATE.to_sat_per_vb_floor())
    })
}

/// Where a key comes from, as descriptors write it: [FINGERPRINT/PATH]KEY.
#[derive(clap::Args)]
pub(crate) struct OriginArgs {
    /// Where a key comes from, for hardware wallets (once for each): [FINGERPRINT/PATH]KEY, as in
    /// descriptors.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    key_origin: Vec<(XOnlyPublicKey, KeySource)>,
}

impl OriginArgs {
    /// Each key and where it comes from.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (XOnlyPublicKey, &KeySource)> {
        self.key_origin.iter().map(|(key, source)| (*key, source))
    }
}

fn origin(text: &str) -> anyhow::Result<(XOnlyPublicKey, KeySource)> {
    let key: DescriptorPublicKey = text.parse().map_err(|e| anyhow!("not [FINGERPRINT/PATH]KEY: {e}"))?;
    match key {
        DescriptorPublicKey::Single(SinglePub { origin: Some(source), key: SinglePubKey::XOnly(key) }) => {
            Ok((key, source))
        }
        _ => bail!("not [FINGERPRINT/PATH]KEY with an x-only key of 64 hex digits"),
    }
}

/// A rate in satoshis for a virtual byte.
fn shown(rate: FeeRate) -> String {
    format!("{:.1}", f64::from(u32::try_from(rate.to_sat_per_kwu()).unwrap_or(u32::MAX)) / 250.0)
}

/// What is said of transactions whose fee is fixed, below the rate that is paid today.
pub(crate) fn fixed_fee_warnings(planned: &PlannedTransactions, rate: FeeRate) -> Vec<String> {
    let below = planned.below_rate(rate).into_iter().map(|(part, own)| {
        format!(
            "the parameters fix the fee of the {part} at {} sat/vB, below the {} sat/vB of today; nobody can bump it",
            shown(own),
            shown(rate)
        )
    });
    below.collect()
}
