//! Extensions: their form, and every rule of the two stakes.

use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{SECP256K1, SecretKey as EcdsaKey};
use bitcoin::{Amount, CompressedPublicKey, FeeRate, OutPoint, ScriptBuf, Sequence, TxOut, Txid};
use eots::SecretKey;
use miniscript::{DefiniteDescriptorKey, Descriptor};

use crate::coins::{FundingCoin, key_path_script, sign_key_path};
use crate::delegation::ChainRules;
use crate::outputs::{CovenantCommittee, Parties, StakingOutput, Timelock, UnsafeOutput};
use crate::testing::{Scene, genesis, honest, key, lost_scripts, public};
use crate::transactions::{
    CovenantTransaction as _, ExtensionError, ExtensionTransaction, FinalizeError, LeafTransaction as _,
    NewExtension, ReturnedPsbtError,
};

fn coin(number: u8, sat: u64) -> FundingCoin {
    let outpoint = OutPoint::new(Txid::from_byte_array([number; 32]), 0);
    let script_pubkey = key_path_script(key("wallet", 0).public_key());
    FundingCoin::new(outpoint, TxOut { value: Amount::from_sat(sat), script_pubkey }).unwrap()
}

fn change() -> ScriptBuf {
    key_path_script(key("wallet", 1).public_key())
}

/// The new stake: longer, with one more provider.
fn output(scene: &Scene, providers: &[SecretKey], covenant: CovenantCommittee) -> StakingOutput {
    let parties = Parties::new(*scene.staker.public_key(), public(providers), covenant).unwrap();
    StakingOutput::new(parties, Timelock::from_blocks(2000).unwrap()).unwrap()
}

fn more_providers(scene: &Scene) -> StakingOutput {
    let providers: Vec<_> = [key("provider", 9)].into_iter().chain(scene.providers.clone()).collect();
    output(scene, &providers, scene.parties.covenant().clone())
}

fn build(
    scene: &Scene,
    output: StakingOutput,
    sat: u64,
    coins: &[FundingCoin],
) -> Result<ExtensionTransaction, ExtensionError> {
    let rate = FeeRate::from_sat_per_vb_u32(3);
    ExtensionTransaction::build(NewExtension {
        previous: &scene.staking,
        output,
        amount: Amount::from_sat(sat),
        coins,
        change: change(),
        fee_rate: rate,
    })
}

#[test]
fn extension_spends_the_stake_and_one_coin() {
    let scene = Scene::new(1, 5, 3);
    let coins = [coin(1, 5_000_000), coin(2, 300_000), coin(3, 500)];
    let extension = build(&scene, more_providers(&scene), 1_200_000, &coins).unwrap();
    let unsigned = extension.unsigned();
    // The smallest coin that suffices.
    let spent: Vec<_> = unsigned.input.iter().map(|input| (input.previous_output, input.sequence)).collect();
    assert_eq!(spent, [(scene.staking.outpoint(), Sequence::MAX), (coins[1].outpoint(), Sequence::MAX)]);
    assert_eq!((unsigned.version.0, unsigned.lock_time.to_consensus_u32(), unsigned.output.len()), (2, 0, 2));
    assert_eq!(unsigned.output[0], extension.staking_output().tx_out());
    assert_eq!(unsigned.output[0].value, Amount::from_sat(1_200_000));
    assert_eq!(unsigned.output[1].script_pubkey, change());
    let held = scene.staking.amount() + coins[1].output().value;
    let paid: Amount = unsigned.output.iter().map(|out| out.value).sum();
    assert_eq!(held - paid, extension.fee());

    let staker = extension.sign_as_staker(&scene.staker).unwrap();
    let covenant: Vec<_> = scene
        .covenant
        .iter()
        .map(|member| extension.sign_as_covenant_member_unchecked(member).unwrap())
        .collect();
    covenant.iter().for_each(|signature| extension.verify_covenant(signature).unwrap());
    let funding = sign_key_path(extension.psbt(), &key("wallet", 0)).unwrap();
    let transaction = extension.finalize(&staker, &covenant, &funding).unwrap();
    assert_eq!(transaction.compute_txid(), extension.txid());
    let rate = extension.fee().to_sat() as f64 / transaction.weight().to_wu() as f64 * 4.0;
    assert!((3.0..3.02).contains(&rate), "{rate}");
    assert_eq!(extension.fee_rate().unwrap().to_sat_per_vb_floor(), 3);

    // Every signature is required.
    let two = &covenant[..2];
    let error = extension.finalize(&staker, two, &funding).unwrap_err();
    assert_eq!(error, FinalizeError::BelowQuorum { signatures: 2, quorum: 3 });
    let error = extension.finalize(&staker, &covenant, extension.psbt()).unwrap_err();
    assert!(matches!(error, FinalizeError::Unsatisfied(_)), "{error}");
    let other = build(&scene, more_providers(&scene), 1_200_001, &coins).unwrap();
    let error = extension.finalize(&staker, &covenant, other.psbt()).unwrap_err();
    assert!(matches!(error, FinalizeError::Returned(ReturnedPsbtError::OtherTransaction { .. })), "{error}");
    let wrong = other.sign_as_staker(&scene.staker).unwrap();
    let error = extension.finalize(&wrong, &covenant, &funding).unwrap_err();
    assert_eq!(error, FinalizeError::InvalidStakerSignature(*scene.staker.public_key()));
    // A signature of the funding coin over another transaction.
    let mut forged = funding;
    let signed = sign_key_path(other.psbt(), &key("wallet", 0)).unwrap();
    forged.inputs[1].tap_key_sig = signed.inputs[1].tap_key_sig;
    assert!(matches!(extension.finalize(&staker, &covenant, &forged), Err(FinalizeError::Unsatisfied(_))));
}

#[test]
fn extension_pays_dust_change_as_fee() {
    let scene = Scene::new(1, 3, 2);
    let extension = build(&scene, more_providers(&scene), 1_000_000, &[coin(1, 1_100)]).unwrap();
    assert_eq!((extension.unsigned().output.len(), extension.fee()), (1, Amount::from_sat(1_100)));
}

#[test]
fn extension_refuses_stakes_that_do_not_extend_the_other() {
    let scene = Scene::new(2, 5, 3);
    let coins = [coin(1, 300_000)];
    let refused = |output, sat| build(&scene, output, sat, &coins).unwrap_err();
    assert_eq!(
        refused(more_providers(&scene), 999_999),
        ExtensionError::SmallerStake { old: Amount::from_sat(1_000_000), new: Amount::from_sat(999_999) }
    );
    let kept = output(&scene, &scene.providers[..1], scene.parties.covenant().clone());
    assert_eq!(refused(kept, 1_000_000), ExtensionError::ProviderLeftOut(*scene.providers[1].public_key()));
    // Of five old members, three must stay: the old quorum.
    let committee = |kept: usize| {
        let members: Vec<_> =
            scene.covenant[..kept].iter().cloned().chain((0..4).map(|n| key("new member", n))).collect();
        CovenantCommittee::new(public(&members), 4).unwrap()
    };
    build(&scene, output(&scene, &scene.providers, committee(3)), 1_000_000, &coins).unwrap();
    let error = refused(output(&scene, &scene.providers, committee(2)), 1_000_000);
    assert_eq!(error, ExtensionError::CovenantOverlap { common: 2, quorum: 3 });
    let staker = key("another staker", 0);
    let parties =
        Parties::new(*staker.public_key(), public(&scene.providers), scene.parties.covenant().clone())
            .unwrap();
    let theirs = StakingOutput::new(parties, Timelock::from_blocks(10).unwrap()).unwrap();
    assert!(matches!(refused(theirs, 1_000_000), ExtensionError::OtherStaker { .. }));
}

#[test]
fn extension_refuses_coins_that_do_not_suffice() {
    let scene = Scene::new(1, 3, 2);
    let output = || more_providers(&scene);
    let refused = |sat, coins: &[FundingCoin]| build(&scene, output(), sat, coins).unwrap_err();
    let none = ExtensionError::InsufficientFunds { needed: Amount::from_sat(1), largest: Amount::ZERO };
    assert_eq!(refused(1_000_001, &[]), none);
    let error = refused(1_300_001, &[coin(1, 300_000), coin(2, 300_000)]);
    assert!(
        matches!(error, ExtensionError::InsufficientFunds { largest, .. } if largest.to_sat() == 300_000)
    );
    assert_eq!(
        refused(Amount::MAX_MONEY.to_sat() + 1, &[coin(1, Amount::MAX_MONEY.to_sat() + 10_000)]),
        ExtensionError::TooMuch
    );
    let itself = FundingCoin::new(scene.staking.outpoint(), coin(1, 5_000_000).output().clone()).unwrap();
    assert_eq!(refused(1_000_000, &[itself]), ExtensionError::FundedByItself(scene.staking.outpoint()));
    let fast = FeeRate::from_sat_per_vb_u32(20_000);
    let amount = Amount::from_sat(1_000_000);
    let with = |change, rate| {
        ExtensionTransaction::build(NewExtension {
            previous: &scene.staking,
            output: output(),
            amount,
            coins: &[coin(1, 900_000)],
            change,
            fee_rate: rate,
        })
    };
    assert_eq!(with(change(), fast).unwrap_err(), ExtensionError::FeeRateTooHigh(fast));
    let slow = FeeRate::BROADCAST_MIN;
    for lost in lost_scripts() {
        let cause = UnsafeOutput::NotADestination { script_pubkey: lost.clone() };
        assert_eq!(with(lost, slow).unwrap_err(), ExtensionError::Output(cause));
    }
    assert_eq!(with(output().taproot().script_pubkey(), slow).unwrap_err(), ExtensionError::ChangeToStake);
}

/// The redeem script of a nested coin is part of the transaction's id, and an extension has no scriptSig.
#[test]
fn extension_refuses_a_nested_coin() {
    let (first, parameters) = honest(genesis());
    let previous = first.check_under(&parameters, None, ChainRules::MAINNET).unwrap().staking().clone();
    let public = CompressedPublicKey(EcdsaKey::from_slice(&[0x21; 32]).unwrap().public_key(SECP256K1));
    let descriptor: Descriptor<DefiniteDescriptorKey> = format!("sh(wpkh({public}))").parse().unwrap();
    let out = TxOut { value: Amount::from_sat(900_000), script_pubkey: descriptor.script_pubkey() };
    let outpoint = OutPoint::new(Txid::from_byte_array([5; 32]), 0);
    let nested = FundingCoin::with_descriptor(outpoint, out, &descriptor).unwrap();
    let stake = crate::testing::output(&genesis(), &parameters, 3000);
    let (amount, rate) = (Amount::from_sat(1_500_000), FeeRate::from_sat_per_vb_u32(5));
    let change = key_path_script(key("wallet", 0).public_key());
    let built = ExtensionTransaction::build(NewExtension {
        previous: &previous,
        output: stake,
        amount,
        coins: &[nested],
        change,
        fee_rate: rate,
    });
    assert_eq!(built, Err(ExtensionError::NestedCoin(outpoint)));
}
