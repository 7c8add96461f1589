//! Stakes of phase 1.

use bitcoin::absolute::LockTime;
use bitcoin::{FeeRate, Sequence};
use serde::Deserialize;
use staking_scripts::LeafTransaction as _;
use staking_scripts::outputs::OpReturnData;
use staking_scripts::transactions::NewStake;
use staking_scripts::{Funded, FundingCoin, StakingTransaction};

use super::funding::{Fees, same_staking_by};
use super::stakes::{Scripts, same_leaves};
use super::{Bytes, Coin, Facts, Staking, Unbonding, cases_of, psbt};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    stake: Facts,
    signers: Vec<usize>,
    tag: Bytes<4>,
    activation_height: u32,
    sat_per_vbyte: u64,
    coins: Vec<Coin>,
    scripts: Scripts,
    staking: Staking,
    unbonding: Unbonding,
}

#[test]
fn announced_stakes_have_the_bytes_of_the_library() {
    let mut fees = Fees::default();
    for (number, mut case) in cases_of::<Case>("typescript", "announced", 50) {
        let what = format!("case {number}");
        let Scripts { timelock, unbonding, slashing, unbonding_timelock, announcement } = &case.scripts;
        let (output, tag) = (case.stake.staking_output(), case.tag.0);
        same_leaves(output.taproot(), [Some(timelock), Some(unbonding), Some(slashing)], &what);
        let waiting = case.stake.unbonding_output();
        same_leaves(waiting.taproot(), [Some(unbonding_timelock), None, Some(slashing)], &what);
        let said = OpReturnData::of_stake(tag, &output).unwrap();
        assert_eq!(said.script().as_bytes(), announcement.as_ref().unwrap().0, "{what}");

        let theirs = case.staking.transaction();
        assert_eq!(OpReturnData::of(&theirs), Ok(said), "{what}");
        let found = Funded::find(output.clone(), &theirs).unwrap();
        let hanging = case.unbonding.same(&found, &case.stake, &case.signers, &what);
        assert_eq!(hanging.unsigned().input[0].previous_output, found.outpoint());
        case.without_lock_time(&what);
        let stake = &case.stake;
        let build = |coins: &[FundingCoin], rate: FeeRate| {
            StakingTransaction::build(NewStake {
                output: output.clone(),
                amount: stake.amount(),
                coins,
                change: stake.change(),
                fee_rate: rate,
                op_return_tag: Some(tag),
            })
            .ok()
        };
        let facts = (stake, case.coins.as_slice(), &case.staking);
        let ours = same_staking_by(facts, &build, case.sat_per_vbyte, &mut fees, &what);
        assert_eq!(ours.amount(), found.amount(), "{what}");
    }
    assert_eq!(fees, Fees { between_rates: 4, ours_lower: 50, ..Fees::default() });
}

impl Case {
    /// The library sets a lock time just below the activation height. As all sequences are final, it binds
    /// nobody, and ours has none.
    fn without_lock_time(&mut self, what: &str) {
        let mut theirs = psbt(&self.staking.psbt);
        let transaction = &mut theirs.unsigned_tx;
        assert_eq!(transaction.lock_time, LockTime::from_consensus(self.activation_height - 1), "{what}");
        assert!(transaction.input.iter().all(|input| input.sequence == Sequence::MAX), "{what}");
        transaction.lock_time = LockTime::ZERO;
        self.staking.txid = transaction.compute_txid();
        self.staking.psbt = theirs.to_string();
    }
}
