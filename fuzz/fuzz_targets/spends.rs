//! Unbonding, slashing and withdrawal of any amounts: value is conserved, and they finish with sound
//! signatures and no others.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, Destination, change, outpoint, scene};
use eots::AdaptorSignature;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::bitcoin::secp256k1::schnorr;
use staking_scripts::bitcoin::{Amount, FeeRate, Transaction};
use staking_scripts::explain::explain;
use staking_scripts::testing::Scene;
use staking_scripts::transactions::{
    CovenantSignature, CovenantTransaction, SlashingParameters, SlashingRate,
};
use staking_scripts::{
    Funded, LeafTransaction, SlashingTransaction, StakingOutput, Timelock, TransactionKind,
    UnbondingTransaction, WithdrawalTransaction,
};

#[derive(Arbitrary, Debug)]
struct Input {
    amount: u64,
    fee: u64,
    rate: u16,
    fee_rate: u64,
    unbonding_time: u16,
    destination: Destination,
    /// Whose signatures are changed: the staker's (bit 0), the covenant members' (the next three bits).
    whose: u8,
    changes: Changes,
    kind: u8,
}

static SCENE: LazyLock<Scene> = LazyLock::new(scene);

fuzz_target!(|input: Input| {
    let staked = Funded::new(SCENE.staking.output().clone(), outpoint(0), Amount::from_sat(input.amount));
    match input.kind % 3 {
        0 => unbonding(&input, &staked),
        1 => slashing(&input, &staked),
        _ => withdrawal(&input, &staked),
    }
});

impl Input {
    /// The bytes, changed if they are this number's signature.
    fn changed<const N: usize>(&self, number: u8, mut bytes: [u8; N]) -> [u8; N] {
        if self.whose >> number & 1 == 1 {
            change(&mut bytes, &self.changes);
        }
        bytes
    }
}

fn bip340(bytes: [u8; 64]) -> schnorr::Signature {
    schnorr::Signature::from_slice(&bytes).unwrap()
}

fn conserved(input: &Input, transaction: &Transaction, fee: Amount) {
    let paid: u128 = transaction.output.iter().map(|out| u128::from(out.value.to_sat())).sum();
    assert_eq!(u128::from(input.amount), paid + u128::from(fee.to_sat()));
}

/// It is of this kind, unless it pays more than there is: no block can include it then.
fn is_of_kind(transaction: &Transaction, kind: TransactionKind) {
    let paid: u128 = transaction.output.iter().map(|out| u128::from(out.value.to_sat())).sum();
    let exists = paid <= u128::from(Amount::MAX_MONEY.to_sat());
    assert_eq!(explain(transaction).kind, if exists { kind } else { TransactionKind::Unknown });
}

fn unbonding(input: &Input, staked: &Funded<StakingOutput>) {
    let fee = Amount::from_sat(input.fee);
    let Ok(transaction) = UnbondingTransaction::new(staked, SCENE.unbonding.clone(), fee) else { return };
    assert_eq!(transaction.fee(), fee);
    conserved(input, transaction.unsigned(), fee);
    let sound = transaction.sign_as_staker(&SCENE.staker).unwrap();
    let staker = bip340(input.changed(0, sound.serialize()));
    let mut valid = 0;
    let covenant: Vec<_> = (1..)
        .zip(&SCENE.covenant)
        .map(|(number, member)| {
            let CovenantSignature { member, signature: sound } =
                transaction.sign_as_covenant_member_unchecked(member).unwrap();
            let signature = bip340(input.changed(number, sound.serialize()));
            valid += u8::from(signature == sound);
            CovenantSignature { member, signature }
        })
        .collect();
    let finalized = transaction.finalize(&staker, &covenant);
    // The quorum is 2.
    assert_eq!(finalized.is_ok(), staker == sound && valid >= 2, "{finalized:?}");
    if let Ok(finalized) = finalized {
        assert_eq!(finalized.compute_txid(), transaction.txid());
        is_of_kind(&finalized, TransactionKind::Unbonding);
    }
}

fn slashing(input: &Input, staked: &Funded<StakingOutput>) {
    let (Ok(rate), Ok(unbonding_time)) =
        (SlashingRate::from_ten_thousandths(input.rate), Timelock::from_blocks(input.unbonding_time.into()))
    else {
        return;
    };
    let pk_script = input.destination.script(SCENE.staker.public_key());
    let parameters = SlashingParameters { pk_script, rate, fee: Amount::from_sat(input.fee), unbonding_time };
    let Ok(transaction) = SlashingTransaction::new(staked, &parameters) else { return };
    conserved(input, transaction.unsigned(), parameters.fee);
    let sound = transaction.sign_as_staker(&SCENE.staker).unwrap();
    let staker = bip340(input.changed(0, sound.serialize()));
    let mut valid = 0;
    let covenant: Vec<_> = (1..)
        .zip(&SCENE.covenant)
        .filter_map(|(number, member)| {
            let mut signatures = transaction.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap();
            let [first, ..] = signatures.signatures.as_mut_slice() else { panic!("no signature") };
            let changed = AdaptorSignature::from_slice(&input.changed(number, first.to_bytes())).ok()?;
            valid += u8::from(changed == *first);
            *first = changed;
            Some(signatures)
        })
        .collect();
    let finalized = transaction.slash(&staker, &covenant, &SCENE.providers[0]);
    assert_eq!(finalized.is_ok(), staker == sound && valid >= 2, "{finalized:?}");
    if let Ok(finalized) = finalized {
        assert_eq!(finalized.compute_txid(), transaction.txid());
        is_of_kind(&finalized, TransactionKind::Slashing);
    }
}

fn withdrawal(input: &Input, staked: &Funded<StakingOutput>) {
    let (destination, rate) =
        (input.destination.script(SCENE.staker.public_key()), FeeRate::from_sat_per_kwu(input.fee_rate));
    let Ok(transaction) = WithdrawalTransaction::new(staked, destination, rate) else { return };
    conserved(input, transaction.unsigned(), transaction.fee());
    let sound = transaction.sign_as_staker(&SCENE.staker).unwrap();
    let staker = bip340(input.changed(0, sound.serialize()));
    let finalized = transaction.finalize(&staker);
    assert_eq!(finalized.is_ok(), staker == sound, "{finalized:?}");
    if let Ok(finalized) = finalized {
        assert_eq!(Some(transaction.fee()), rate.checked_mul_by_weight(finalized.weight()));
        is_of_kind(&finalized, TransactionKind::Withdrawal);
    }
}
