//! What is almost a spend, refused by the engine, and for the right reason.

use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, ScriptBuf, Sequence, TapSighash, Transaction, TxOut};
use btcstake::demo::attempts::{signed_by, with_witness};
use eots::SecretKey;
use staking_scripts::LeafTransaction as _;
use staking_scripts::outputs::Leaf;
use staking_scripts::{SlashingTransaction, SpendPath, WithdrawalTransaction};

use crate::world::{Size, World};

const SIZE: Size = Size { providers: 2, members: 5, quorum: 3, staking_blocks: 30, unbonding_blocks: 10 };

const FALSE_AT_THE_END: &str = "block-script-verify-flag-failed (Script evaluated without error but finished with a false/empty top stack element)";
const BAD_SIGNATURE: &str = "block-script-verify-flag-failed (Invalid Schnorr signature)";
const NUMEQUALVERIFY: &str = "block-script-verify-flag-failed (Script failed an OP_NUMEQUALVERIFY operation)";
const CHECKSIGVERIFY: &str = "block-script-verify-flag-failed (Script failed an OP_CHECKSIGVERIFY operation)";
const TIMELOCK: &str = "block-script-verify-flag-failed (Locktime requirement not satisfied)";
const WRONG_PROGRAM: &str = "block-script-verify-flag-failed (Witness program hash mismatch)";

#[test]
fn unbonding_with_a_wrong_number_or_order_of_signatures() {
    let world = World::new(2, SIZE, 1);
    let (staking, _) = world.stake();
    let unbonding = world.unbonding(&staking);
    let leaf = staking.output().taproot().leaf(SpendPath::Unbonding).unwrap();
    let sighash = unbonding.sighash();
    let signers = |members: usize| -> Vec<&SecretKey> {
        world.covenant.iter().take(members).chain([&world.staker]).collect()
    };
    let attempt =
        |members| with_witness(unbonding.unsigned(), leaf, signed_by(&signers(members), sighash).unwrap());

    assert_eq!(world.refusal(&attempt(0)), FALSE_AT_THE_END);
    assert_eq!(world.refusal(&attempt(2)), FALSE_AT_THE_END, "one below the quorum");
    assert_eq!(world.refusal(&attempt(4)), FALSE_AT_THE_END, "one above the quorum");
    let without_staker: Vec<_> = world.covenant.iter().take(3).collect();
    let transaction = with_witness(unbonding.unsigned(), leaf, signed_by(&without_staker, sighash).unwrap());
    assert_eq!(world.refusal(&transaction), CHECKSIGVERIFY, "without the staker");

    // Two signatures in each other's places, and the whole witness the wrong way round.
    let good = attempt(3);
    let elements = good.input[0].witness.to_vec();
    let places: Vec<usize> = (0..5).filter(|index| !elements[*index].is_empty()).collect();
    let mut swapped = elements.clone();
    swapped.swap(places[0], places[1]);
    assert_eq!(world.refusal(&rewitnessed(&good, &swapped)), BAD_SIGNATURE);
    let mut reversed = elements.clone();
    reversed[..6].reverse();
    assert_eq!(world.refusal(&rewitnessed(&good, &reversed)), CHECKSIGVERIFY);
    let mut longer = elements;
    longer.insert(0, vec![]);
    assert!(world.refusal(&rewitnessed(&good, &longer)).contains("Stack size must be exactly one"));

    // Signed as it is, an altered transaction is another one.
    let mut altered = good.clone();
    altered.output[0].value -= Amount::from_sat(1);
    assert_eq!(world.refusal(&altered), BAD_SIGNATURE, "altered output");
    let mut altered = good.clone();
    altered.input[0].sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
    assert_eq!(world.refusal(&altered), BAD_SIGNATURE, "altered sequence");
    // And the one that is not altered is taken.
    world.confirm(&good);
}

fn rewitnessed(transaction: &Transaction, elements: &[Vec<u8>]) -> Transaction {
    let mut transaction = transaction.clone();
    transaction.input[0].witness = bitcoin::Witness::from_slice(elements);
    transaction
}

#[test]
fn slashing_needs_exactly_one_finality_provider_and_a_quorum() {
    let world = World::new(3, SIZE, 1);
    let (staking, _) = world.stake();
    let slashing = SlashingTransaction::new(&staking, &world.terms()).unwrap();
    let leaf = staking.output().taproot().leaf(SpendPath::Slashing).unwrap();
    let sighash = slashing.sighash();
    let attempt = |providers: usize, members: usize, staker: bool| {
        let signers: Vec<&SecretKey> = world
            .providers
            .iter()
            .take(providers)
            .chain(world.covenant.iter().take(members))
            .chain(staker.then_some(&world.staker))
            .collect();
        with_witness(slashing.unsigned(), leaf, signed_by(&signers, sighash).unwrap())
    };
    assert_eq!(world.refusal(&attempt(0, 3, true)), NUMEQUALVERIFY, "no finality provider");
    assert_eq!(world.refusal(&attempt(2, 3, true)), NUMEQUALVERIFY, "two finality providers");
    assert_eq!(world.refusal(&attempt(1, 2, true)), FALSE_AT_THE_END, "below the quorum");
    assert_eq!(world.refusal(&attempt(1, 4, true)), FALSE_AT_THE_END, "above the quorum");
    assert_eq!(world.refusal(&attempt(1, 3, false)), CHECKSIGVERIFY, "without the staker");
    // The staker's refund made larger, after everyone signed.
    let mut altered = attempt(1, 3, true);
    altered.output[1].value += Amount::from_sat(1);
    assert_eq!(world.refusal(&altered), BAD_SIGNATURE);
    world.confirm(&attempt(1, 3, true));
}

#[test]
fn the_timelock_path_waits() {
    let world = World::new(4, SIZE, 1);
    let (staking, _) = world.stake();
    let withdrawal =
        WithdrawalTransaction::new(&staking, world.wallet_script(), FeeRate::BROADCAST_MIN).unwrap();
    let leaf = staking.output().taproot().leaf(SpendPath::Timelock).unwrap();
    // Another sequence or version, signed anew: the script itself refuses what the block rules would let
    // pass.
    let resigned = |change: &dyn Fn(&mut Transaction)| {
        resign(&world, withdrawal.unsigned(), &staking.tx_out(), leaf, change)
    };
    assert_eq!(world.refusal(&resigned(&|tx| tx.input[0].sequence = Sequence::from_height(1))), TIMELOCK);
    assert_eq!(world.refusal(&resigned(&|tx| tx.input[0].sequence = Sequence::MAX)), TIMELOCK);
    assert_eq!(world.refusal(&resigned(&|tx| tx.version = Version::ONE)), TIMELOCK);
    assert_eq!(world.refusal(&resigned(&|_| {})), "bad-txns-nonfinal");
    world.mine(29);
    // A wait in seconds, long over, is no wait in blocks.
    let by_time = |tx: &mut Transaction| tx.input[0].sequence = Sequence::from_512_second_intervals(1);
    assert_eq!(world.refusal(&resigned(&by_time)), TIMELOCK);
    world.confirm(&resigned(&|_| {}));
}

/// A changed transaction, signed by the staker as it is now.
fn resign(
    world: &World,
    unsigned: &Transaction,
    prevout: &TxOut,
    leaf: &Leaf,
    change: &dyn Fn(&mut Transaction),
) -> Transaction {
    use bitcoin::sighash::{Prevouts, SighashCache};
    let mut transaction = unsigned.clone();
    change(&mut transaction);
    let sighash = SighashCache::new(&transaction)
        .taproot_script_spend_signature_hash(
            0,
            &Prevouts::All(&[prevout]),
            leaf.hash(),
            bitcoin::TapSighashType::Default,
        )
        .unwrap();
    with_witness(&transaction, leaf, signed_by(&[&world.staker], sighash).unwrap())
}

/// A leaf that is in the output, but with the control block of another; and a leaf that is not in the output
/// at all.
#[test]
fn other_leaves() {
    let world = World::new(5, SIZE, 1);
    let (staking, _) = world.stake();
    let withdrawal =
        WithdrawalTransaction::new(&staking, world.wallet_script(), FeeRate::BROADCAST_MIN).unwrap();
    world.mine(30);
    let leaf = staking.output().taproot().leaf(SpendPath::Timelock).unwrap();
    let other = staking.output().taproot().leaf(SpendPath::Slashing).unwrap();
    let mut mixed = leaf.clone();
    mixed.control_block = other.control_block.clone();
    let sign = |leaf: &Leaf| resign(&world, withdrawal.unsigned(), &staking.tx_out(), leaf, &|_| {});
    assert_eq!(world.refusal(&sign(&mixed)), WRONG_PROGRAM);
    let mut shorter = leaf.clone();
    shorter.script = ScriptBuf::from_bytes([&leaf.script.as_bytes()[..34], &[0x51, 0xb2]].concat());
    assert_eq!(world.refusal(&sign(&shorter)), WRONG_PROGRAM);
    world.confirm(&sign(leaf));
}

/// The key path is closed: the staker's own key does not open it.
#[test]
fn the_key_path_is_closed() {
    let world = World::new(6, SIZE, 1);
    let (staking, _) = world.stake();
    let withdrawal =
        WithdrawalTransaction::new(&staking, world.wallet_script(), FeeRate::BROADCAST_MIN).unwrap();
    let sighash = TapSighash::from_byte_array([9; 32]);
    let sign = signed_by(&[&world.staker], sighash).unwrap()(world.staker.public_key()).unwrap();
    world.mine(30);
    assert_eq!(world.refusal(&rewitnessed(withdrawal.unsigned(), &[sign])), BAD_SIGNATURE);
    assert!(staking_scripts::coins::sign_key_path(withdrawal.psbt(), &world.staker).is_err());
}

#[test]
fn an_output_is_spent_once() {
    let world = World::new(7, SIZE, 1);
    let (staking, _) = world.stake();
    let (_, _) = world.unbond(&staking);
    assert_eq!(world.refusal(&world.slashed(&staking)), "bad-txns-inputs-missingorspent");
}
