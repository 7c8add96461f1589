//! A stake's whole life.

use staking_scripts::LeafTransaction as _;
use std::collections::BTreeMap;

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::secp256k1::schnorr;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{Amount, FeeRate, Psbt, ScriptBuf, TapLeafHash, TapSighashType, TxOut};
use eots::SecretKey;
use serde::Deserialize;
use serde_json::json;
use staking_scripts::delegation::{MemoryCovenantRecord, PresignedSlashing};
use staking_scripts::explain::explain_psbt;
use staking_scripts::outputs::{ConsumerProviders, SlashingRefundOutput, TaprootOutput};
use staking_scripts::transactions::{HasTaproot, Slashable, SlashingParameters};
use staking_scripts::{
    CheckedDelegation, Delegation, Funded, Parameters, ParametersAt, ParametersHistory, SlashingTransaction,
    SpendPath, StakedTo, TransactionKind, WithdrawalTransaction,
};

use super::funding::{Fees, same_staking};
use super::{Coin, Facts, Hex, Staking, Unbonding, at_fee, cases_of, psbt, same_psbt, says_more, time};
use crate::vectors::chain_rules;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    stake: Facts,
    signers: Vec<usize>,
    slashing_rate: String,
    slashing_pk_script: Hex,
    slashing_fee_sat: u64,
    sat_per_vbyte: u64,
    coins: Vec<Coin>,
    scripts: Scripts,
    outputs: Outputs,
    staking: Staking,
    unbonding: Unbonding,
    slashing: String,
    unbonding_slashing: String,
    withdrawal: Withdrawal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scripts {
    pub(super) timelock: Hex,
    pub(super) unbonding: Hex,
    pub(super) slashing: Hex,
    pub(super) unbonding_timelock: Hex,
    /// Only of phase 1.
    pub(super) announcement: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outputs {
    staking: Output,
    unbonding: Output,
    refund: Output,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    script_pubkey: Hex,
    address: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    source: String,
    sat_per_vbyte: u64,
    fee_sat: u64,
    psbt: String,
    wtxid: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    fees: Fees,
    burnt: usize,
    /// Slashed amounts that exact arithmetic would round the other way.
    inexact: usize,
    /// Complete requests that are accepted as the library makes them.
    accepted: usize,
    /// Withdrawals whose fee is below the rate that was asked for.
    withdrawals_below_rate: usize,
}

#[test]
fn stakes_have_the_bytes_of_the_library() {
    let (mut seen, mut withdrawn) = (Seen::default(), BTreeMap::new());
    let (mut members, mut providers) = (BTreeMap::new(), BTreeMap::new());
    for (number, case) in cases_of::<Case>("typescript", "stakes", 300) {
        let what = format!("case {number}");
        case.scripts_and_outputs(&what);
        let staking =
            same_staking(&case.stake, &case.coins, &case.staking, case.sat_per_vbyte, &mut seen.fees, &what);
        let unbonding = case.unbonding.same(&staking, &case.stake, &case.signers, &what);
        let slashing = case.slash(&staking, &case.slashing, &mut seen);
        case.slash(&unbonding.unbonding_output(), &case.unbonding_slashing, &mut seen);
        let (refund, withdrawal) = (slashing.refund_output(), &case.withdrawal);
        seen.withdrawals_below_rate += usize::from(match withdrawal.source.as_str() {
            "staking" => withdrawal.same(&case.stake, &staking),
            "unbonding" => withdrawal.same(&case.stake, &unbonding.unbonding_output()),
            "refund" => withdrawal.same(&case.stake, &refund),
            other => panic!("a withdrawal from {other}"),
        });
        *withdrawn.entry(withdrawal.source.clone()).or_insert(0) += 1;
        if 2 * usize::from(case.stake.quorum) > case.stake.covenant_secrets.len() {
            case.accepted(&what);
            seen.accepted += 1;
        }
        *members.entry(case.stake.covenant_secrets.len()).or_insert(0) += 1;
        *providers.entry(case.stake.finality_providers.len()).or_insert(0) += 1;
    }
    assert!(members.into_keys().eq(1..=20), "every size of committee");
    assert!(providers.into_keys().eq(1..=5), "every number of finality providers");
    assert_eq!(
        withdrawn,
        [("staking", 102), ("unbonding", 100), ("refund", 98)].map(|(s, n)| (s.to_owned(), n)).into()
    );
    let fees = Fees { between_rates: 26, ours_lower: 300, reordered: 1, ..Fees::default() };
    let expected = Seen { fees, burnt: 200, inexact: 40, accepted: 193, withdrawals_below_rate: 146 };
    assert_eq!(seen, expected);
}

/// Scripts of timelock, unbonding and slashing leaf.
pub(super) fn same_leaves(ours: &TaprootOutput, scripts: [Option<&Hex>; 3], what: &str) {
    for (path, script) in
        [SpendPath::Timelock, SpendPath::Unbonding, SpendPath::Slashing].into_iter().zip(scripts)
    {
        let leaf = ours.leaf(path).map(|leaf| leaf.script.as_bytes());
        assert_eq!(leaf, script.map(|script| &*script.0), "{what}, {path}");
    }
}

/// Every stake is one of consumer chains here, even with one provider.
const CHAINS: usize = 2;

impl Case {
    fn scripts_and_outputs(&self, what: &str) {
        let Scripts { timelock, unbonding, slashing, unbonding_timelock, announcement } = &self.scripts;
        assert!(announcement.is_none(), "{what}");
        let same = |ours: &TaprootOutput, theirs: &Output, scripts: [Option<&Hex>; 3]| {
            same_leaves(ours, scripts, what);
            assert_eq!(ours.script_pubkey().as_bytes(), theirs.script_pubkey.0, "{what}");
            assert_eq!(ours.address(self.stake.network()).to_string(), theirs.address, "{what}");
        };
        let staker = *self.stake.staker().public_key();
        let refund = SlashingRefundOutput::new(staker, time(self.stake.unbonding_time)).unwrap();
        let (staking, unbonding_output) = (self.stake.staking_output(), self.stake.unbonding_output());
        same(staking.taproot(), &self.outputs.staking, [Some(timelock), Some(unbonding), Some(slashing)]);
        let waiting = Some(unbonding_timelock);
        same(unbonding_output.taproot(), &self.outputs.unbonding, [waiting, None, Some(slashing)]);
        same(refund.taproot(), &self.outputs.refund, [waiting, None, None]);
    }

    fn slash<O: Slashable>(&self, source: &Funded<O>, theirs: &str, seen: &mut Seen) -> SlashingTransaction {
        let terms = SlashingParameters {
            pk_script: ScriptBuf::from_bytes(self.slashing_pk_script.0.clone()),
            rate: self.slashing_rate.parse().unwrap(),
            fee: Amount::from_sat(self.slashing_fee_sat),
            unbonding_time: time(self.stake.unbonding_time),
        };
        let ours = SlashingTransaction::new(source, &terms).unwrap();
        same_psbt(ours.psbt(), theirs, "slashing");
        says_more(ours.psbt());
        assert_eq!(explain_psbt(&psbt(theirs)).kind, TransactionKind::Slashing);
        let exact = u128::from(source.amount().to_sat()) * u128::from(terms.rate.ten_thousandths()) + 5_000;
        let TxOut { value, script_pubkey } = &ours.unsigned().output[0];
        seen.inexact += usize::from(u128::from(value.to_sat()) != exact / 10_000);
        seen.burnt += usize::from(script_pubkey.is_op_return());
        ours
    }

    /// The library's transactions as a request to the covenant committee: every rule holds, and what is
    /// signed is what the library laid out.
    fn accepted(&self, what: &str) {
        let (parameters, request) = (self.parameters(), self.request());
        let accepted: CheckedDelegation = request
            .check_under(&parameters, None, chain_rules(CHAINS, &self.stake.staker()).0)
            .unwrap_or_else(|e| panic!("{what}: {e:?}"));
        same_psbt(accepted.presigned().slashing.psbt(), &self.slashing, what);
        same_psbt(accepted.presigned().unbonding_slashing.psbt(), &self.unbonding_slashing, what);
        let member = &self.stake.members()[0];
        let mut record = MemoryCovenantRecord::default();
        let answer = accepted.sign_as_covenant_member(member, &[0; 32], &mut record).unwrap();
        assert_eq!(accepted.covenant_quorum(std::slice::from_ref(&answer)).signed, 1, "{what}");
    }

    fn parameters(&self) -> Parameters {
        let stake = &self.stake;
        let members: Vec<_> = stake.members().iter().map(|member| member.public_key().to_string()).collect();
        let script = STANDARD.encode(&self.slashing_pk_script.0);
        let version = json!({
            "covenant_pks": members, "covenant_quorum": stake.quorum,
            "min_staking_value_sat": stake.amount_sat, "max_staking_value_sat": stake.amount_sat,
            "min_staking_time_blocks": 1, "max_staking_time_blocks": 65535,
            "slashing_pk_script": script, "slashing_rate": self.slashing_rate,
            "min_slashing_tx_fee_sat": self.slashing_fee_sat, "unbonding_time_blocks": stake.unbonding_time,
            "unbonding_fee_sat": stake.unbonding_fee_sat, "btc_activation_height": 1,
        });
        ParametersHistory::<Parameters>::from_json(&json!([version]).to_string())
            .unwrap()
            .get(0)
            .unwrap()
            .clone()
    }

    fn request(&self) -> Delegation {
        let (stake, staker) = (&self.stake, self.stake.staker());
        let signed = |theirs: &str| {
            let theirs = psbt(theirs);
            let signature = sign_as_wallet(&theirs, &staker);
            PresignedSlashing { transaction: theirs.unsigned_tx, staker_signature: Some(signature) }
        };
        let providers = (0..).map(|chain: u8| format!("chain-{chain}")).zip(stake.providers());
        Delegation {
            parameters: ParametersAt::Unstated,
            staker: *staker.public_key(),
            staked_to: StakedTo::Consumers(ConsumerProviders::new(providers).unwrap()),
            staking_time_blocks: stake.staking_time,
            staking_amount: stake.amount(),
            unbonding_time_blocks: stake.unbonding_time,
            staking_transaction: self.staking.transaction(),
            unbonding_transaction: Some(psbt(&self.unbonding.psbt).unsigned_tx),
            slashing: Some(signed(&self.slashing)),
            unbonding_slashing: Some(signed(&self.unbonding_slashing)),
            proof_of_possession: Some(chain_rules(CHAINS, &staker).1),
            covenant_signatures: vec![],
            extends: None,
            inclusion: None,
        }
    }
}

impl Withdrawal {
    /// Compares it with ours at the same fee; whether that is below the rate asked for.
    fn same<O: HasTaproot>(&self, stake: &Facts, source: &Funded<O>) -> bool {
        let at = |rate| WithdrawalTransaction::new(source, stake.change(), rate).ok();
        let wanted = Amount::from_sat(self.fee_sat);
        let (fee, ours) = at_fee(wanted, |rate| at(rate).map(|ours| (ours.fee(), ours)));
        assert_eq!(fee, wanted);
        same_psbt(ours.psbt(), &self.psbt, &self.source);
        says_more(ours.psbt());
        assert_eq!(explain_psbt(&psbt(&self.psbt)).kind, TransactionKind::Withdrawal);
        let signed = ours.finalize(&ours.sign_as_staker(&stake.staker()).unwrap()).unwrap();
        assert_eq!(signed.compute_wtxid().to_string(), self.wtxid);
        at(FeeRate::from_sat_per_vb(self.sat_per_vbyte).unwrap()).unwrap().fee() > wanted
    }
}

/// Signs what a PSBT's first input reveals, with nothing but the PSBT at hand.
pub(super) fn sign_as_wallet(psbt: &Psbt, key: &SecretKey) -> schnorr::Signature {
    let input = &psbt.inputs[0];
    let (script, version) = input.tap_scripts.values().next().unwrap();
    let prevouts: Vec<_> = psbt.inputs.iter().map(|input| input.witness_utxo.clone().unwrap()).collect();
    let sighash = SighashCache::new(&psbt.unsigned_tx).taproot_script_spend_signature_hash(
        0,
        &Prevouts::All(&prevouts),
        TapLeafHash::from_script(script, *version),
        TapSighashType::Default,
    );
    key.sign_bip340(sighash.unwrap()).unwrap()
}
