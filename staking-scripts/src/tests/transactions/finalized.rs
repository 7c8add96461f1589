//! The check of a finalized transaction: each rule is broken once, and the error names it.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxOut, Witness};

use crate::outputs::{SpendPath, UnsafeOutput};
use crate::testing::Scene;
use crate::transactions::finalized::check_finalized;
use crate::transactions::{FinalizeError, LeafTransaction as _, SlashingTransaction};

struct Finalized {
    scene: Scene,
    slashing: SlashingTransaction,
    transaction: Transaction,
}

impl Finalized {
    fn new() -> Self {
        let scene = Scene::new(2, 4, 2);
        let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
        let adaptors = scene
            .covenant
            .iter()
            .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap());
        let staker = slashing.sign_as_staker(&scene.staker).unwrap();
        let transaction =
            slashing.slash(&staker, &adaptors.collect::<Vec<_>>(), &scene.providers[0]).unwrap();
        Self { scene, slashing, transaction }
    }

    fn check(
        &self,
        transaction: &Transaction,
        unsigned: &Transaction,
        prevout: &TxOut,
    ) -> Result<(), FinalizeError> {
        let leaf = self.scene.staking.output().taproot().leaf(SpendPath::Slashing).unwrap();
        check_finalized(transaction, unsigned, std::slice::from_ref(prevout), leaf)
    }

    /// Returns the error for a transaction changed by `change`.
    fn changed(&self, change: impl FnOnce(&mut Transaction)) -> FinalizeError {
        let mut transaction = self.transaction.clone();
        change(&mut transaction);
        self.check(&transaction, self.slashing.unsigned(), &self.scene.staking.tx_out()).unwrap_err()
    }

    /// Returns the error for a witness changed by `change`.
    fn witness(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> FinalizeError {
        let mut elements = self.transaction.input[0].witness.to_vec();
        change(&mut elements);
        self.changed(|tx| tx.input[0].witness = Witness::from_slice(&elements))
    }
}

#[test]
fn check_finalized_accepts_a_finalized_transaction() {
    let finalized = Finalized::new();
    let prevout = finalized.scene.staking.tx_out();
    finalized.check(&finalized.transaction, finalized.slashing.unsigned(), &prevout).unwrap();
}

#[test]
fn check_finalized_refuses_another_transaction() {
    let finalized = Finalized::new();
    assert_eq!(finalized.changed(|tx| tx.version = Version::ONE), FinalizeError::Changed("version"));
    assert_eq!(
        finalized.changed(|tx| tx.lock_time = LockTime::from_consensus(1)),
        FinalizeError::Changed("nLockTime")
    );
    let again = |tx: &mut Transaction| tx.input.push(tx.input[0].clone());
    assert_eq!(finalized.changed(again), FinalizeError::Changed("number of inputs"));
    assert_eq!(
        finalized.changed(|tx| tx.input[0].previous_output.vout = 0),
        FinalizeError::Changed("outpoint")
    );
    assert_eq!(
        finalized.changed(|tx| tx.input[0].sequence = Sequence::ZERO),
        FinalizeError::Changed("nSequence")
    );
    let richer = |tx: &mut Transaction| tx.output[1].value += Amount::from_sat(1);
    assert_eq!(finalized.changed(richer), FinalizeError::Changed("outputs"));
    let script_sig = |tx: &mut Transaction| tx.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51]);
    assert_eq!(finalized.changed(script_sig), FinalizeError::Changed("transaction id"));
    // Two inputs, as signed: still not a spend of one output.
    let mut two = finalized.transaction.clone();
    two.input.push(two.input[0].clone());
    let error = finalized.check(&two, &two, &finalized.scene.staking.tx_out()).unwrap_err();
    assert_eq!(error, FinalizeError::Changed("number of inputs"));
}

#[test]
fn check_finalized_refuses_another_leaf() {
    let finalized = Finalized::new();
    let other = finalized.scene.staking.output().taproot().leaf(SpendPath::Unbonding).unwrap();
    let wrong = FinalizeError::WrongLeaf(SpendPath::Slashing);
    assert_eq!(finalized.witness(Vec::clear), wrong);
    assert_eq!(
        finalized.witness(|elements| *elements.iter_mut().nth_back(1).unwrap() = other.script.to_bytes()),
        wrong
    );
    assert_eq!(
        finalized.witness(|elements| *elements.last_mut().unwrap() = other.control_block.serialize()),
        wrong
    );
    // The output spent is not that of the leaf.
    let elsewhere = finalized.scene.unbonding.taproot().paying(finalized.scene.staking.amount());
    let error =
        finalized.check(&finalized.transaction, finalized.slashing.unsigned(), &elsewhere).unwrap_err();
    assert_eq!(error, FinalizeError::NotCommitted);
}

#[test]
fn check_finalized_demands_the_signatures_of_the_leaf() {
    let finalized = Finalized::new();
    let keys: Vec<_> = finalized
        .scene
        .staking
        .output()
        .taproot()
        .leaf(SpendPath::Slashing)
        .unwrap()
        .keys
        .in_script_order()
        .copied()
        .collect();
    let count = keys.len();
    // Witness elements are in the reverse order of the script's keys.
    let place = |key: &bitcoin::XOnlyPublicKey| count - 1 - keys.iter().position(|k| k == key).unwrap();
    let sighash = finalized.slashing.sighash();
    let sign = |secret: &eots::SecretKey| secret.sign_bip340(sighash).unwrap().serialize().to_vec();
    let scene = &finalized.scene;

    let short = FinalizeError::WitnessLength { found: count - 1, expected: count };
    assert_eq!(finalized.witness(|elements| drop(elements.remove(0))), short);
    let staker = place(scene.staker.public_key());
    assert_eq!(finalized.witness(|elements| elements[staker].clear()), FinalizeError::NoStakerSignature);
    let (first, second) = (place(scene.providers[0].public_key()), place(scene.providers[1].public_key()));
    assert_eq!(finalized.witness(|elements| elements[first].clear()), FinalizeError::ProviderSignatures(0));
    let both = finalized.witness(|elements| elements[second] = sign(&scene.providers[1]));
    assert_eq!(both, FinalizeError::ProviderSignatures(2));
    let elements = finalized.transaction.input[0].witness.to_vec();
    let signed: Vec<_> =
        scene.covenant.iter().filter(|m| !elements[place(m.public_key())].is_empty()).collect();
    let absent: Vec<_> =
        scene.covenant.iter().filter(|m| elements[place(m.public_key())].is_empty()).collect();
    let fewer = finalized.witness(|elements| elements[place(signed[0].public_key())].clear());
    assert_eq!(fewer, FinalizeError::CovenantSignatures { found: 1, quorum: 2 });
    let more = finalized.witness(|elements| elements[place(absent[0].public_key())] = sign(absent[0]));
    assert_eq!(more, FinalizeError::CovenantSignatures { found: 3, quorum: 2 });
    let invalid = FinalizeError::InvalidSignature(*signed[0].public_key());
    assert_eq!(finalized.witness(|elements| elements[place(signed[0].public_key())][40] ^= 1), invalid);
    assert_eq!(finalized.witness(|elements| elements[place(signed[0].public_key())].push(1)), invalid);
}

/// A transaction that was signed with wrong amounts is refused too.
#[test]
fn check_finalized_refuses_wrong_amounts() {
    let finalized = Finalized::new();
    let relaid = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = finalized.transaction.clone();
        change(&mut transaction);
        let unsigned = transaction.clone();
        let leaf = finalized.scene.staking.output().taproot().leaf(SpendPath::Slashing).unwrap();
        let prevout = finalized.scene.staking.tx_out();
        let sighash = crate::transactions::sighash::leaf_sighash(
            &transaction,
            std::slice::from_ref(&prevout),
            0,
            leaf.hash(),
        )
        .unwrap();
        let mut elements = transaction.input[0].witness.to_vec();
        let scene = &finalized.scene;
        let secrets = scene.covenant.iter().chain(&scene.providers).chain([&scene.staker]);
        for secret in secrets {
            let index = leaf.keys.in_script_order().rev().position(|key| key == secret.public_key()).unwrap();
            if !elements[index].is_empty() {
                elements[index] = secret.sign_bip340(sighash).unwrap().serialize().to_vec();
            }
        }
        transaction.input[0].witness = Witness::from_slice(&elements);
        check_finalized(&transaction, &unsigned, std::slice::from_ref(&prevout), leaf).unwrap_err()
    };
    let (paid, spent) = (Amount::from_sat(2_001_000), Amount::from_sat(1_000_000));
    let creates = |tx: &mut Transaction| tx.output[1].value = Amount::from_sat(2_000_000);
    assert_eq!(relaid(&creates), FinalizeError::CreatesValue { paid, spent });
    assert!(matches!(relaid(&|tx| tx.output[1].value = Amount::MAX), FinalizeError::CreatesValue { .. }));
    assert!(matches!(
        relaid(&|tx| tx.output[1].value = Amount::from_sat(10)),
        FinalizeError::Output(UnsafeOutput::Dust { .. })
    ));
    let heavy = |tx: &mut Transaction| {
        tx.output[0].script_pubkey = ScriptBuf::from_bytes([vec![0x6a], vec![0; 100_000]].concat())
    };
    assert!(matches!(relaid(&heavy), FinalizeError::TooHeavy(_)));
}

/// `finalize` checks its own result: a spend whose leaf is of another output is refused.
#[test]
fn finalize_checks_its_own_result() {
    use crate::transactions::spend::{LeafSpend, SpendPlan};
    let scene = Scene::new(1, 3, 2);
    let (source, other) = (scene.staking.output().taproot(), scene.unbonding.taproot());
    let spend = |outputs: Vec<(TxOut, Option<&crate::outputs::TaprootOutput>)>, amount| {
        let spend = LeafSpend::new(SpendPlan {
            version: Version::TWO,
            source,
            outpoint: scene.staking.outpoint(),
            amount,
            leaf: source.leaf(SpendPath::Timelock).unwrap(),
            sequence: Sequence::from_height(1000),
            funding: None,
            outputs,
        });
        let spend = spend.unwrap();
        let signature = scene.staker.sign_bip340(*spend.sighash()).unwrap();
        spend.finalize(&[(*scene.staker.public_key(), signature)])
    };
    let (enough, dust) = (Amount::from_sat(10_000), Amount::from_sat(10));
    spend(vec![(other.paying(enough), None)], enough).unwrap();
    let broken = |outputs| spend(outputs, enough).unwrap_err();
    assert!(matches!(
        broken(vec![(other.paying(dust), None)]),
        FinalizeError::Output(UnsafeOutput::Dust { .. })
    ));
    let too_much = vec![(other.paying(enough), None), (other.paying(enough), None)];
    assert!(matches!(broken(too_much), FinalizeError::CreatesValue { .. }));
}

/// The output spent is not a Taproot output.
#[test]
fn check_finalized_refuses_an_output_that_is_not_taproot() {
    let finalized = Finalized::new();
    let script_pubkey = ScriptBuf::from_bytes([&[0x00, 0x20], [7; 32].as_slice()].concat());
    let prevout = TxOut { value: finalized.scene.staking.amount(), script_pubkey };
    let error = finalized.check(&finalized.transaction, finalized.slashing.unsigned(), &prevout).unwrap_err();
    assert_eq!(error, FinalizeError::NotCommitted);
}
