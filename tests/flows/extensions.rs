//! Extensions judged by the engine: whatever the parties, what is extended can go every way that a stake can;
//! and what is almost an extension is refused.

use bitcoin::{Amount, FeeRate, Sequence, Transaction};
use btcstake::demo::attempts::{signed_by, with_witness};
use eots::SecretKey;
use proptest::prelude::*;
use staking_scripts::LeafTransaction as _;
use staking_scripts::coins::sign_key_path;
use staking_scripts::explain::explain;
use staking_scripts::testing::{key, keys, parties};
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::transactions::NewExtension;
use staking_scripts::{
    ExtensionTransaction, Funded, Parties, SpendPath, StakingOutput, Timelock, TransactionKind,
};

use crate::world::{Size, World};

const SIZE: Size = Size { providers: 2, members: 5, quorum: 3, staking_blocks: 30, unbonding_blocks: 5 };

const FALSE_AT_THE_END: &str = "block-script-verify-flag-failed (Script evaluated without error but finished with a false/empty top stack element)";
const BAD_SIGNATURE: &str = "block-script-verify-flag-failed (Invalid Schnorr signature)";
const CHECKSIGVERIFY: &str = "block-script-verify-flag-failed (Script failed an OP_CHECKSIGVERIFY operation)";

/// The stake over, into `blocks` more and `added` satoshis more.
fn extension(
    world: &World,
    staking: &Funded<StakingOutput>,
    parties: &Parties,
    blocks: u32,
    added: u64,
) -> ExtensionTransaction {
    let output = StakingOutput::new(parties.clone(), Timelock::from_blocks(blocks).unwrap()).unwrap();
    let amount = staking.amount() + Amount::from_sat(added);
    let rate = FeeRate::from_sat_per_vb_u32(2);
    ExtensionTransaction::build(NewExtension {
        previous: staking,
        output,
        amount,
        coins: &world.coins(),
        change: world.wallet_script(),
        fee_rate: rate,
    })
    .unwrap()
}

/// Signed by all of the running stake's parties.
fn finished(world: &World, extension: &ExtensionTransaction) -> Transaction {
    let covenant: Vec<_> = world
        .covenant
        .iter()
        .map(|member| extension.sign_as_covenant_member_unchecked(member).unwrap())
        .collect();
    let funding = sign_key_path(extension.psbt(), &world.wallet).unwrap();
    extension.finalize(&extension.sign_as_staker(&world.staker).unwrap(), &covenant, &funding).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// With another committee of which the old quorum is left, and one more provider on top.
    #[test]
    fn an_extended_stake_goes_every_way(
        seed: u64,
        members in 1usize..=12,
        quorum in any::<prop::sample::Index>(),
        added in 0u64..100_000,
        way in 0u8..4,
    ) {
        let quorum = quorum.index(members) as u16 + 1;
        let size = Size { members, quorum, ..SIZE };
        let mut world = World::new(seed, size, 2);
        let (staking, _) = world.stake();
        let mut covenant: Vec<SecretKey> = world.covenant[members - usize::from(quorum)..].to_vec();
        covenant.extend(keys(&format!("{seed} new member"), 3));
        let mut providers = world.providers.clone();
        providers.insert(0, key(&format!("{seed} new provider"), 0));
        let parties = parties(&world.staker, &providers, &covenant, quorum);
        let extension = extension(&world, &staking, &parties, 7, added);
        let transaction = finished(&world, &extension);
        // Value is conserved, the fee at its rate, and reading it finds what was built.
        let coins = world.coins();
        let coin = coins.iter().find(|coin| coin.outpoint() == transaction.input[1].previous_output);
        let held = staking.amount() + coin.unwrap().output().value;
        let paid: Amount = transaction.output.iter().map(|output| output.value).sum();
        prop_assert_eq!(held, paid + extension.fee());
        prop_assert!(2 * extension.fee().to_sat() >= transaction.weight().to_wu());
        let explained = explain(&transaction);
        prop_assert_eq!(explained.kind, TransactionKind::Extension);
        prop_assert_eq!(explained.spent[0].covenant_signers.len(), usize::from(quorum));
        let height = world.confirm(&transaction);
        let extended = extension.staking_output();
        world.adopt(parties, providers, covenant);
        match way {
            0 => world.withdraw(&extended, height),
            1 => {
                let (unbonding, height) = world.unbond(&extended);
                world.withdraw(&unbonding.unbonding_output(), height);
            }
            2 => drop(world.confirm(&world.slashed(&extended))),
            _ => {
                let (unbonding, _) = world.unbond(&extended);
                world.confirm(&world.slashed(&unbonding.unbonding_output()));
            }
        }
    }
}

#[test]
fn what_is_almost_an_extension() {
    let world = World::new(31, SIZE, 2);
    let (staking, _) = world.stake();
    let extension = extension(&world, &staking, &world.parties, 40, 1_000);
    let good = finished(&world, &extension);
    let leaf = staking.output().taproot().leaf(SpendPath::Unbonding).unwrap();
    let sighash = extension.sighash();
    let attempt = |members: usize, staker: bool| {
        let signers: Vec<&SecretKey> =
            world.covenant.iter().take(members).chain(staker.then_some(&world.staker)).collect();
        let mut transaction = with_witness(extension.unsigned(), leaf, signed_by(&signers, sighash).unwrap());
        transaction.input[1].witness = good.input[1].witness.clone();
        transaction
    };
    assert_eq!(world.refusal(&attempt(0, true)), FALSE_AT_THE_END, "nobody of the covenant");
    assert_eq!(world.refusal(&attempt(2, true)), FALSE_AT_THE_END, "one below the quorum");
    assert_eq!(world.refusal(&attempt(4, true)), FALSE_AT_THE_END, "one above the quorum");
    assert_eq!(world.refusal(&attempt(3, false)), CHECKSIGVERIFY, "without the staker");
    let changed = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = good.clone();
        change(&mut transaction);
        world.refusal(&transaction)
    };
    assert_eq!(changed(&|tx| tx.output[0].value -= Amount::from_sat(1)), BAD_SIGNATURE, "the new stake");
    assert_eq!(changed(&|tx| tx.output[1].value -= Amount::from_sat(1)), BAD_SIGNATURE, "the change");
    assert_eq!(changed(&|tx| tx.input[1].sequence = Sequence::ZERO), BAD_SIGNATURE, "the funding's sequence");
    assert_eq!(changed(&|tx| tx.output.swap(0, 1)), BAD_SIGNATURE, "the order of outputs");
    assert_eq!(changed(&|tx| tx.input.swap(0, 1)), BAD_SIGNATURE, "the order of inputs");
    assert_eq!(changed(&|tx| drop(tx.input.pop())), "bad-txns-in-belowout", "the funding left out");
    assert!(
        changed(&|tx| tx.input[1].witness.clear()).contains("block-script-verify-flag-failed"),
        "an unsigned coin"
    );
    // Signatures for the unbonding are none for the extension, though it is the same leaf.
    let unbonding = world.unbonding(&staking);
    let signers: Vec<&SecretKey> = world.covenant.iter().take(3).chain([&world.staker]).collect();
    let mut other =
        with_witness(extension.unsigned(), leaf, signed_by(&signers, unbonding.sighash()).unwrap());
    other.input[1].witness = good.input[1].witness.clone();
    assert_eq!(world.refusal(&other), BAD_SIGNATURE);
    // What is not altered is taken; and then the stake is gone.
    world.confirm(&good);
    assert_eq!(world.refusal(&world.unbonded(&unbonding)), "bad-txns-inputs-missingorspent");
    assert_eq!(world.refusal(&world.slashed(&staking)), "bad-txns-inputs-missingorspent");
}
