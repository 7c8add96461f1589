//! Staking transactions, and the coins that fund them.

use std::collections::BTreeMap;

use bitcoin::{Amount, FeeRate, Psbt};
use serde::Deserialize;
use staking_scripts::coins::CoinError;
use staking_scripts::transactions::NewStake;
use staking_scripts::{Funded, FundingCoin, StakingOutput, StakingTransaction};

use super::{Coin, Facts, Kind, Staking, at_fee, cases_of, less_fee, same_psbt, spent, transaction};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    stake: Facts,
    sat_per_vbyte: u64,
    coins: Vec<Coin>,
    staking: Staking,
}

/// How the library's fees and ours compare.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fees {
    /// No rate makes the library's fee, because a step of our rate costs more than a satoshi: the change
    /// differs by as much.
    pub(super) between_rates: usize,
    /// The library reports a lower fee than the transaction pays: it counts out what it leaves for being
    /// dust.
    pub(super) understated: usize,
    /// From the same coins at the same rate, ours pays a lower fee; a higher one.
    pub(super) ours_lower: usize,
    pub(super) ours_higher: usize,
    /// Ours has the coins of most worth first, which is their amount less what spending them costs; the
    /// library those of the highest amount.
    pub(super) reordered: usize,
    /// Signing puts a script into an input, and so changes the id, which ours knows beforehand.
    pub(super) id_changes: usize,
    /// Ours refuses a coin whose signature would change the id.
    pub(super) refused: usize,
}

/// How ours is built: with an announcement, or without.
pub(super) type Build<'a> = &'a dyn Fn(&[FundingCoin], FeeRate) -> Option<StakingTransaction>;

pub(super) fn same_staking(
    stake: &Facts,
    coins: &[Coin],
    staking: &Staking,
    rate: u64,
    fees: &mut Fees,
    what: &str,
) -> Funded<StakingOutput> {
    let output = stake.staking_output();
    let build = |coins: &[FundingCoin], rate| {
        StakingTransaction::build(NewStake {
            output: output.clone(),
            amount: stake.amount(),
            coins,
            change: stake.change(),
            fee_rate: rate,
            op_return_tag: None,
        })
        .ok()
    };
    same_staking_by((stake, coins, staking), &build, rate, fees, what)
}

pub(super) fn same_staking_by(
    (stake, coins, staking): (&Facts, &[Coin], &Staking),
    build: Build<'_>,
    rate: u64,
    fees: &mut Fees,
    what: &str,
) -> Funded<StakingOutput> {
    let theirs = staking.transaction();
    assert_eq!(theirs.compute_txid(), staking.txid, "{what}");
    let spent = spent(coins, &theirs);
    let held: Amount = spent.iter().map(|coin| coin.output().value).sum();
    let paid = held - theirs.output.iter().map(|output| output.value).sum();
    fees.understated += usize::from(Amount::from_sat(staking.fee_sat) < paid);
    let ours: Result<Vec<_>, _> = spent.iter().map(|coin| coin.ours(stake)).collect();
    match ours {
        Ok(chosen) => {
            let (fee, ours) = at_fee(paid, |rate| build(&chosen, rate).map(|ours| (ours.fee(), ours)));
            fees.between_rates += usize::from(fee != paid);
            fees.reordered += usize::from(
                ours.unsigned()
                    .input
                    .iter()
                    .zip(&spent)
                    .any(|(input, coin)| input.previous_output != coin.outpoint()),
            );
            same(&ours, &spent, fee - paid, staking, what);
            fees.id_changes += usize::from(ours.txid() != ours.unsigned().compute_txid());
        }
        Err(error) => {
            assert!(matches!(error, CoinError::NotSegwit(_)), "{what}: {error}");
            assert!(spent.iter().any(|coin| matches!(coin.kind, Kind::P2sh | Kind::P2pkh)), "{what}");
            fees.refused += 1;
        }
    }
    let all: Result<Vec<_>, _> = coins.iter().map(|coin| coin.ours(stake)).collect();
    if let Ok(all) = all {
        let ours = build(&all, FeeRate::from_sat_per_vb(rate).unwrap()).unwrap();
        fees.ours_lower += usize::from(ours.fee() < paid);
        fees.ours_higher += usize::from(ours.fee() > paid);
    }
    Funded::find(stake.staking_output(), &theirs).unwrap()
}

/// The PSBT, where ours pays `more`.
fn same(ours: &StakingTransaction, spent: &[&Coin], more: Amount, staking: &Staking, what: &str) {
    let mut psbt = less_fee(ours.psbt(), more);
    in_order(&mut psbt, spent);
    for (input, coin) in psbt.inputs.iter_mut().zip(spent).filter(|(_, coin)| coin.kind == Kind::P2shP2wpkh) {
        // The library gives the whole transaction to whoever signs for a nested witness program; ours the
        // output that it holds.
        let whole = transaction(coin.transaction.as_ref().unwrap());
        assert_eq!(input.witness_utxo.take().as_ref(), Some(&whole.output[0]), "{what}");
        input.non_witness_utxo = Some(whole);
    }
    same_psbt(&psbt, &staking.psbt, what);
}

/// The inputs in the order of these coins.
fn in_order(psbt: &mut Psbt, coins: &[&Coin]) {
    let inputs =
        std::mem::take(&mut psbt.unsigned_tx.input).into_iter().zip(std::mem::take(&mut psbt.inputs));
    let mut inputs: Vec<_> = inputs.collect();
    let place = |outpoint| coins.iter().position(|coin| coin.outpoint() == outpoint).unwrap();
    inputs.sort_by_key(|(input, _)| place(input.previous_output));
    (psbt.unsigned_tx.input, psbt.inputs) = inputs.into_iter().unzip();
}

#[test]
fn staking_transactions_of_all_coins_have_the_bytes_of_the_library() {
    let (mut fees, mut kinds) = (Fees::default(), BTreeMap::new());
    for (number, case) in cases_of::<Case>("typescript", "funding", 90) {
        let what = format!("case {number}");
        same_staking(&case.stake, &case.coins, &case.staking, case.sat_per_vbyte, &mut fees, &what);
        for coin in spent(&case.coins, &case.staking.transaction()) {
            *kinds.entry(coin.kind).or_insert(0) += 1;
        }
    }
    let expected = Fees {
        between_rates: 4,
        understated: 23,
        ours_lower: 49,
        ours_higher: 0,
        reordered: 1,
        id_changes: 11,
        refused: 30,
    };
    assert_eq!(fees, expected);
    let expected = [
        (Kind::P2wpkh, 42),
        (Kind::P2tr, 34),
        (Kind::P2wsh, 52),
        (Kind::P2shP2wpkh, 20),
        (Kind::P2sh, 21),
        (Kind::P2pkh, 17),
    ];
    assert_eq!(kinds, expected.into());
}
