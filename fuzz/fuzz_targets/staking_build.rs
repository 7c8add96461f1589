//! Staking transactions from any coins, amounts and rates: value is conserved, the fee is at the rate, and
//! they can be signed.
#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use btcstake_fuzz::{Destination, outpoint, scene};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::bitcoin::{Amount, FeeRate, ScriptBuf, TxOut, Witness, XOnlyPublicKey};
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::outputs::UnsafeOutput;
use staking_scripts::testing::Scene;
use staking_scripts::transactions::{BuildError, NewStake};
use staking_scripts::{FundingCoin, StakingTransaction};

#[derive(Arbitrary, Debug)]
struct Input {
    amount: Sum,
    /// In satoshi for each 1000 weight units.
    rate: Rate,
    change: Destination,
    coins: Vec<(u8, Destination, Sum)>,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Sum {
    Any(u64),
    Common(u32),
    Small(u16),
}

impl Sum {
    fn amount(self) -> Amount {
        Amount::from_sat(match self {
            Self::Any(sat) => sat,
            Self::Common(sat) => sat.into(),
            Self::Small(sat) => sat.into(),
        })
    }
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Rate {
    Any(u64),
    Common(u16),
}

static SCENE: LazyLock<Scene> = LazyLock::new(scene);

fuzz_target!(|input: Input| {
    let owner = SCENE.staker.public_key();
    let rate = FeeRate::from_sat_per_kwu(match input.rate {
        Rate::Any(rate) => rate,
        Rate::Common(rate) => rate.into(),
    });
    let coins: Vec<_> = input
        .coins
        .iter()
        .filter_map(|(number, kind, sum)| {
            let output = TxOut { value: sum.amount(), script_pubkey: kind.script(owner) };
            let fits = output.script_pubkey.is_p2tr() || output.script_pubkey.is_p2wpkh();
            let coin = FundingCoin::new(outpoint((*number).into()), output);
            assert_eq!(coin.is_ok(), fits);
            coin.ok()
        })
        .collect();
    let (amount, change) = (input.amount.amount(), input.change.script(owner));
    match StakingTransaction::build(NewStake {
        output: SCENE.staking.output().clone(),
        amount,
        coins: &coins,
        change: change.clone(),
        fee_rate: rate,
        op_return_tag: None,
    }) {
        Ok(transaction) => built(&transaction, amount, &coins, &change, rate),
        Err(error) => refused(&error, amount, &coins, &change, rate),
    }
});

fn available(coins: &[FundingCoin]) -> u128 {
    coins.iter().map(|coin| u128::from(coin.output().value.to_sat())).sum()
}

fn refused(error: &BuildError, amount: Amount, coins: &[FundingCoin], change: &ScriptBuf, rate: FeeRate) {
    let distinct: BTreeSet<_> = coins.iter().map(FundingCoin::outpoint).collect();
    match error {
        BuildError::RepeatedCoin(_) => assert!(distinct.len() < coins.len()),
        BuildError::InsufficientFunds { available: said, needed } => {
            assert_eq!(u128::from(said.to_sat()), available(coins));
            assert!(*needed >= amount, "{needed} do not pay the stake of {amount}");
            assert!(said < needed, "{said} are enough for {needed}");
        }
        BuildError::TooMuch => {
            let most = available(coins).max(amount.to_sat().into());
            assert!(most > Amount::MAX_MONEY.to_sat().into());
        }
        BuildError::Output { cause: UnsafeOutput::Dust { amount: dust, minimum, .. }, .. } => {
            assert!(*dust == amount && amount < *minimum);
        }
        BuildError::FeeRateTooHigh(too_high) => {
            assert!(*too_high == rate && rate.to_sat_per_kwu() > 2_500_000)
        }
        BuildError::Output { cause: UnsafeOutput::NotADestination { .. }, .. } => {
            let on_curve = |key: &[u8]| XOnlyPublicKey::from_slice(key).is_ok();
            assert!(!change.is_p2wpkh() && !change.is_p2wsh() && !change.is_p2pkh() && !change.is_p2sh());
            assert!(!change.is_p2tr() || !on_curve(&change.as_bytes()[2..]));
        }
        other => panic!("{other}"),
    }
}

fn built(
    transaction: &StakingTransaction,
    amount: Amount,
    coins: &[FundingCoin],
    change: &ScriptBuf,
    rate: FeeRate,
) {
    let unsigned = transaction.unsigned();
    let spent: Vec<_> = unsigned
        .input
        .iter()
        .map(|input| coins.iter().find(|coin| coin.outpoint() == input.previous_output).unwrap())
        .collect();
    let distinct: BTreeSet<_> = spent.iter().map(|coin| coin.outpoint()).collect();
    assert_eq!(distinct.len(), spent.len());
    let paid: u128 = unsigned.output.iter().map(|out| u128::from(out.value.to_sat())).sum();
    let held = spent.iter().map(|coin| u128::from(coin.output().value.to_sat())).sum::<u128>();
    assert_eq!(held, paid + u128::from(transaction.fee().to_sat()));
    assert_eq!(unsigned.output[0], SCENE.staking.output().taproot().paying(amount));
    assert_eq!(transaction.staking_output().tx_out(), unsigned.output[0]);

    // With the largest witnesses that the coins may need, the fee is the rate's, and no more than change
    // could not save.
    let mut finalized = unsigned.clone();
    for (input, coin) in finalized.input.iter_mut().zip(&spent) {
        let sizes: &[usize] = if coin.output().script_pubkey.is_p2tr() { &[64] } else { &[72, 33] };
        input.witness = Witness::from_slice(&sizes.iter().map(|size| vec![1; *size]).collect::<Vec<_>>());
    }
    let fee = |weight| rate.checked_mul_by_weight(weight).unwrap();
    let least = fee(finalized.weight());
    assert!(transaction.fee() >= least, "a fee of {} where {least} is needed", transaction.fee());
    match &unsigned.output[1..] {
        [] => {
            let output = TxOut { value: change.minimal_non_dust(), script_pubkey: change.clone() };
            let with_change = fee(finalized.weight() + output.weight()) + output.value;
            // The count of outputs never takes a second byte; rounding may take a satoshi.
            assert!(transaction.fee() <= with_change + Amount::from_sat(1), "a fee of {}", transaction.fee());
        }
        [output] => {
            assert_eq!(&output.script_pubkey, change);
            assert!(output.value >= change.minimal_non_dust());
            assert_eq!(transaction.fee(), least);
        }
        more => panic!("{} outputs beside the stake", more.len()),
    }

    // Coins of the owner's can be signed and the result is accepted.
    let owned = key_path_script(SCENE.staker.public_key());
    let signed = sign_key_path(transaction.psbt(), &SCENE.staker);
    assert_eq!(signed.is_ok(), spent.iter().all(|coin| coin.output().script_pubkey == owned));
    if let Ok(signed) = signed {
        assert_eq!(transaction.finalize(&signed).unwrap().compute_txid(), transaction.txid());
    }
}
