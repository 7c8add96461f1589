//! The staking transaction: selection, change, fee.

use crate::transactions::ChildTransaction;
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::Message;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction, TxOut, Txid, Witness};
use eots::SecretKey;
use proptest::prelude::*;

use crate::coins::{CoinError, FundingCoin, key_path_script, sign_key_path};
use crate::outputs::{Parties, StakingOutput, Timelock, UnsafeOutput};
use crate::parameters::{ParametersHistory, Phase1Parameters};
use crate::phase1::parse_phase1_stake;
use crate::testing::{Scene, key, lost_scripts};
use crate::transactions::{BuildError, NewStake, ReturnedPsbtError, StakingTransaction};

fn coin(owner: &SecretKey, number: u8, sat: u64) -> FundingCoin {
    let output = TxOut { value: Amount::from_sat(sat), script_pubkey: key_path_script(owner.public_key()) };
    FundingCoin::new(OutPoint::new(Txid::from_byte_array([number; 32]), 0), output).unwrap()
}

/// Returns a coin of a kind that this library does not sign; it predicts the input's size.
fn segwit_coin(number: u8, sat: u64) -> FundingCoin {
    let script_pubkey = ScriptBuf::from_bytes([&[0x00, 0x14], [number; 20].as_slice()].concat());
    let output = TxOut { value: Amount::from_sat(sat), script_pubkey };
    FundingCoin::new(OutPoint::new(Txid::from_byte_array([number; 32]), 0), output).unwrap()
}

/// Returns the transaction as the owners of its coins would finalize it, with witnesses of the largest size
/// of each kind.
fn with_largest_witnesses(tx: &StakingTransaction, coins: &[FundingCoin]) -> Transaction {
    let mut finalized = tx.unsigned().clone();
    for input in &mut finalized.input {
        let coin = &coins[usize::from(input.previous_output.txid.to_byte_array()[0])];
        let sizes: &[usize] = if coin.output().script_pubkey.is_p2tr() { &[64] } else { &[72, 33] };
        input.witness = Witness::from_slice(&sizes.iter().map(|size| vec![1; *size]).collect::<Vec<_>>());
    }
    finalized
}

/// Returns the sum of the coins that a transaction spends. A coin's number is the first byte of its
/// transaction's id.
fn held(tx: &Transaction, coins: &[FundingCoin]) -> Amount {
    let number = |outpoint: OutPoint| usize::from(outpoint.txid.to_byte_array()[0]);
    tx.input.iter().map(|input| coins[number(input.previous_output)].output().value).sum()
}

fn build(coins: &[FundingCoin], amount: u64, rate: u32) -> Result<StakingTransaction, BuildError> {
    build_at(coins, amount, FeeRate::from_sat_per_vb_u32(rate))
}

fn build_at(coins: &[FundingCoin], amount: u64, rate: FeeRate) -> Result<StakingTransaction, BuildError> {
    let output = Scene::new(1, 3, 2).staking.output().clone();
    let change = key_path_script(key("owner", 0).public_key());
    StakingTransaction::build(NewStake {
        output,
        amount: Amount::from_sat(amount),
        coins,
        change,
        fee_rate: rate,
        op_return_tag: None,
    })
}

proptest! {
    #[test]
    fn staking_conserves_value_and_pays_the_rate(
        values in prop::collection::vec((1_000u64..5_000_000, any::<bool>()), 1..12),
        amount in 1_000u64..10_000_000,
        rate in 1u32..50,
    ) {
        let owner = key("owner", 0);
        let coins: Vec<_> = (0u8..)
            .zip(&values)
            .map(|(number, (sat, segwit))| match segwit {
                true => segwit_coin(number, *sat),
                false => coin(&owner, number, *sat),
            })
            .collect();
        let tx = match build(&coins, amount, rate) {
            Ok(tx) => tx,
            Err(BuildError::InsufficientFunds { available, needed, .. }) => {
                prop_assert!(available < needed);
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        };
        let finalized = with_largest_witnesses(&tx, &coins);
        tx.check_finalized(&finalized).unwrap();
        prop_assert_eq!(finalized.compute_txid(), tx.txid());
        prop_assert_eq!(finalized.output[0].clone(), tx.staking_output().tx_out());
        prop_assert!(finalized.input.iter().all(|input| input.sequence == Sequence::MAX));
        let least = FeeRate::from_sat_per_vb_u32(rate).fee_wu(finalized.weight()).unwrap();
        prop_assert!(tx.fee() >= least, "{} under {least}", tx.fee());
        // Beyond the rate, the fee includes only change that would be dust or not pay for its own output.
        let slack = Amount::from_sat(330 + 43 * u64::from(rate) + 2);
        prop_assert!(tx.fee() <= least + slack, "{} over {least}", tx.fee());
        let change: Amount = finalized.output[1..].iter().map(|out| out.value).sum();
        let spent = held(&finalized, &coins);
        prop_assert_eq!(spent, Amount::from_sat(amount) + change + tx.fee());
    }
}

/// Returns a phase-1 stake under mainnet's last version, and the same stake without its OP_RETURN output.
fn phase1_stake(coins: &[FundingCoin], sat: u64, rate: u32) -> Result<[StakingTransaction; 2], BuildError> {
    let covenant = last_phase1().covenant;
    let (staker, provider) = (*key("staker", 0).public_key(), *key("provider", 0).public_key());
    let parties = Parties::new(staker, [provider], covenant).unwrap();
    let output = StakingOutput::new(parties, Timelock::from_blocks(64000).unwrap()).unwrap();
    let (amount, rate) = (Amount::from_sat(sat), FeeRate::from_sat_per_vb_u32(rate));
    let change = || key_path_script(key("owner", 0).public_key());
    let build = |op_return_tag| {
        let (output, change) = (output.clone(), change());
        StakingTransaction::build(NewStake { output, amount, coins, change, fee_rate: rate, op_return_tag })
    };
    Ok([build(Some(*b"bbn1"))?, build(None)?])
}

fn last_phase1() -> Phase1Parameters {
    ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap().get(2).unwrap().clone()
}

/// The OP_RETURN output: its value, the length of its script, and the script.
const OP_RETURN_SIZE: u64 = 8 + 1 + 73;

proptest! {
    #[test]
    fn phase1_stake_is_found(values in prop::collection::vec(300_000u64..5_000_000, 1..8), rate in 1u32..50) {
        let owner = key("owner", 0);
        let coins: Vec<_> = (0u8..).zip(&values).map(|(number, sat)| coin(&owner, number, *sat)).collect();
        let [tx, _] = match phase1_stake(&coins, 500_000, rate) {
            Ok(built) => built,
            Err(error) => {
                prop_assert!(matches!(error, BuildError::InsufficientFunds { .. }), "{error}");
                return Ok(());
            }
        };
        let finalized = tx.finalize(&sign_key_path(tx.psbt(), &owner).unwrap()).unwrap();
        prop_assert_eq!(parse_phase1_stake(&finalized, &last_phase1()), Ok(tx.staking_output()));
        prop_assert_eq!(tx.staking_output().outpoint().vout, 0);
        let tagged = &finalized.output[1];
        prop_assert!(tagged.script_pubkey.is_op_return() && tagged.value == Amount::ZERO);
        let least = FeeRate::from_sat_per_vb_u32(rate).fee_wu(finalized.weight()).unwrap();
        let slack = Amount::from_sat(330 + 43 * u64::from(rate) + 2);
        prop_assert!(tx.fee() >= least && tx.fee() <= least + slack);
        let spent = held(&finalized, &coins);
        let paid: Amount = finalized.output.iter().map(|output| output.value).sum();
        prop_assert_eq!(spent, paid + tx.fee());
    }
}

#[test]
fn phase1_stake_pays_for_its_op_return() {
    let coins = [coin(&key("owner", 0), 0, 1_000_000)];
    let [phase1, plain] = phase1_stake(&coins, 600_000, 10).unwrap();
    assert_eq!(phase1.fee() - plain.fee(), Amount::from_sat(10 * OP_RETURN_SIZE));
    // The change is after it, and a child spends it.
    let outputs = &phase1.unsigned().output;
    assert_eq!((outputs.len(), phase1.change()), (3, Some((2, &outputs[2]))));
    assert_eq!(plain.change(), Some((1, &plain.unsigned().output[1])));
    let destination = key_path_script(key("owner", 0).public_key());
    let child =
        ChildTransaction::paying_for_stake(&phase1, destination, FeeRate::from_sat_per_vb_u32(20)).unwrap();
    let spent = child.psbt().unsigned_tx.input[0].previous_output;
    assert_eq!(spent, OutPoint::new(phase1.txid(), 2));
    // Without change there is no child.
    let held = 600_000 + (phase1.fee().to_sat() - 43 * 10);
    let [without, _] = phase1_stake(&[coin(&key("owner", 0), 0, held)], 600_000, 10).unwrap();
    assert_eq!((without.unsigned().output.len(), without.change()), (2, None));
    let less = phase1_stake(&[coin(&key("owner", 0), 0, held - 2)], 600_000, 10).unwrap_err();
    assert!(matches!(less, BuildError::InsufficientFunds { .. }), "{less}");
}

#[test]
fn phase1_stake_has_one_provider() {
    let (output, coins) =
        (Scene::new(2, 3, 2).staking.output().clone(), [coin(&key("owner", 0), 1, 100_000)]);
    let (amount, change) = (Amount::from_sat(50_000), key_path_script(key("owner", 0).public_key()));
    let rate = FeeRate::BROADCAST_MIN;
    let op_return_tag = Some(*b"bbn1");
    let stake = NewStake { output, amount, coins: &coins, change, fee_rate: rate, op_return_tag };
    let error = StakingTransaction::build(stake).unwrap_err();
    assert_eq!(error, BuildError::SeveralProviders(2));
}

#[test]
fn staking_refuses_each_broken_rule() {
    let owner = key("owner", 0);
    let coins = [coin(&owner, 1, 100_000)];
    assert!(matches!(
        build(&coins, 100, 1).unwrap_err(),
        BuildError::Output { output: "staking", cause: UnsafeOutput::Dust { .. } }
    ));
    assert!(matches!(build(&coins, 100_000, 1).unwrap_err(), BuildError::InsufficientFunds { .. }));
    assert!(matches!(build(&[], 10_000, 1).unwrap_err(), BuildError::InsufficientFunds { .. }));
    let twice = [coins[0].clone(), coins[0].clone()];
    assert!(matches!(build(&twice, 10_000, 1).unwrap_err(), BuildError::RepeatedCoin(_)));
    assert!(matches!(build_at(&coins, 10_000, FeeRate::MAX).unwrap_err(), BuildError::FeeRateTooHigh(_)));
    assert!(matches!(build(&coins, 10_000, 10_001).unwrap_err(), BuildError::FeeRateTooHigh(_)));
    let output = Scene::new(1, 3, 2).staking.output().clone();
    let burnt = [ScriptBuf::from_hex("6a").unwrap(), ScriptBuf::from_bytes(vec![0x51; 200])];
    for lost in lost_scripts().into_iter().chain(burnt) {
        let rate = FeeRate::BROADCAST_MIN;
        let built = StakingTransaction::build(NewStake {
            output: output.clone(),
            amount: Amount::from_sat(10_000),
            coins: &coins,
            change: lost.clone(),
            fee_rate: rate,
            op_return_tag: None,
        });
        let cause = UnsafeOutput::NotADestination { script_pubkey: lost };
        assert_eq!(built.unwrap_err(), BuildError::Output { output: "change", cause });
    }
    let rich = [coin(&owner, 1, u64::MAX), coin(&owner, 2, 1)];
    assert_eq!(build(&rich, 10_000, 1).unwrap_err(), BuildError::TooMuch);
    assert_eq!(build(&coins, u64::MAX, 1).unwrap_err(), BuildError::TooMuch);
    let p2sh = TxOut {
        value: Amount::ONE_BTC,
        script_pubkey: ScriptBuf::from_hex("a914000000000000000000000000000000000000000087").unwrap(),
    };
    assert!(matches!(FundingCoin::new(OutPoint::null(), p2sh).unwrap_err(), CoinError::UnknownScript { .. }));
    let output = Scene::new(1, 3, 2).staking.output().clone();
    let change = output.taproot().script_pubkey();
    let rate = FeeRate::from_sat_per_vb_u32(1);
    let error = StakingTransaction::build(NewStake {
        output,
        amount: Amount::from_sat(10_000),
        coins: &coins,
        change,
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap_err();
    assert_eq!(error, BuildError::ChangeToStake);
}

#[test]
fn sign_key_path_names_another_owners_coin() {
    let tx = build(&[coin(&key("owner", 0), 1, 100_000)], 50_000, 1).unwrap();
    let error = sign_key_path(tx.psbt(), &key("thief", 0)).unwrap_err();
    assert!(matches!(error, CoinError::OtherKey { index: 0, .. }), "{error}");
}

/// Each rule of a finalized staking transaction is broken once.
#[test]
fn finalize_refuses_what_a_wallet_changed() {
    let owner = key("owner", 0);
    let tx = build(&[coin(&owner, 0, 100_000)], 50_000, 2).unwrap();
    let signed = sign_key_path(tx.psbt(), &owner).unwrap();
    let finalized = tx.finalize(&signed).unwrap();
    assert_eq!(finalized.compute_txid(), tx.txid());

    let mut changed = signed.clone();
    changed.unsigned_tx.output[1].value -= Amount::from_sat(1);
    let found = changed.unsigned_tx.compute_txid();
    assert_eq!(
        tx.finalize(&changed).unwrap_err(),
        ReturnedPsbtError::OtherTransaction { found, expected: tx.txid() }
    );
    assert!(matches!(tx.finalize(tx.psbt()).unwrap_err(), ReturnedPsbtError::Unsigned(_)));
    let mut forged = signed.clone();
    let thief = key("thief", 0).sign_bip340(Message::from_digest([7; 32])).unwrap();
    forged.inputs[0].tap_key_sig.as_mut().unwrap().signature = thief;
    assert!(matches!(tx.finalize(&forged).unwrap_err(), ReturnedPsbtError::Unsigned(_)));
    // The coin in the wallet's PSBT is not used: with a smaller amount the rest would be paid as a fee.
    let mut lying = signed.clone();
    lying.inputs[0].witness_utxo.as_mut().unwrap().value = Amount::from_sat(50_001);
    tx.finalize(&lying).unwrap();

    let check = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = finalized.clone();
        change(&mut transaction);
        tx.check_finalized(&transaction).unwrap_err()
    };
    let script_sig = |tx: &mut Transaction| tx.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51]);
    assert!(matches!(check(&script_sig), ReturnedPsbtError::IdChanged(_)));
    let bloated = |size: usize| move |tx: &mut Transaction| tx.input[0].witness.push(vec![0; size]);
    assert!(matches!(check(&bloated(1000)), ReturnedPsbtError::FeeBelowRate { .. }));
    assert!(matches!(check(&bloated(400_000)), ReturnedPsbtError::TooHeavy(_)));
    let not_paid = tx.with_amount(Amount::from_sat(49_999)).check_finalized(&finalized).unwrap_err();
    assert_eq!(not_paid, ReturnedPsbtError::StakeNotPaid(Amount::from_sat(49_999)));
}

/// Amounts at which a selection in single precision is wrong.
#[test]
fn selection_counts_large_amounts_exactly() {
    let owner = key("owner", 0);
    for (held, staked) in [
        (4_677_805_554, 4_181_941_054),
        (2_100_000_000_000_000, 2_099_999_999_990_000),
        (16_777_217, 16_777_000),
    ] {
        match build(&[coin(&owner, 0, held)], staked, 1) {
            Ok(tx) => assert!(tx.fee() <= Amount::from_sat(600), "{held}"),
            Err(error) => assert!(matches!(error, BuildError::InsufficientFunds { .. }), "{error}"),
        }
    }
    assert!(build(&[coin(&owner, 0, 4_677_805_554)], 4_181_941_054, 1).is_ok());
    let values = [1_219_661, 2_884_284, 192_478, 2_825_879, 2_066_729, 342_515, 2_257_168];
    let coins: Vec<_> = (0u8..).zip(values).map(|(number, sat)| coin(&owner, number, sat)).collect();
    assert!(build_at(&coins, 1_505_230, FeeRate::ZERO).is_ok());
}

/// A wallet that was filled with dust: coins that cost more than they hold are not spent, and the rest is
/// sorted once.
#[test]
fn selection_of_many_coins_takes_no_time() {
    let owner = key("owner", 0);
    let many = |count: u32, sat: u64| -> Vec<FundingCoin> {
        let output =
            |sat| TxOut { value: Amount::from_sat(sat), script_pubkey: key_path_script(owner.public_key()) };
        let outpoint = |number| OutPoint::new(Txid::from_byte_array([1; 32]), number);
        (0..count).map(|number| FundingCoin::new(outpoint(number), output(sat)).unwrap()).collect()
    };
    let start = std::time::Instant::now();
    let mut coins = many(20_000, 330);
    coins.push(coin(&owner, 9, 1_000_000));
    assert_eq!(build(&coins, 900_000, 10).unwrap().unsigned().input.len(), 1);
    assert_eq!(build(&many(1_500, 10_000), 5_000_000, 2).unwrap().unsigned().input.len(), 506);
    assert!(matches!(build(&many(20_000, 10_000), 100_000_000, 2).unwrap_err(), BuildError::TooHeavy(_)));
    assert!(matches!(
        build(&many(20_000, 330), 100_000, 10).unwrap_err(),
        BuildError::InsufficientFunds { .. }
    ));
    // It takes about a second; the fault that it guards against took minutes.
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn sign_key_path_refuses_a_psbt_without_its_inputs() {
    let owner = key("owner", 0);
    let tx = build(&[coin(&owner, 0, 100_000)], 50_000, 2).unwrap();
    let mut psbt = tx.psbt().clone();
    psbt.inputs.clear();
    assert!(matches!(sign_key_path(&psbt, &owner).unwrap_err(), CoinError::Unstated(_)));
    psbt.unsigned_tx.input.clear();
    assert!(matches!(sign_key_path(&psbt, &owner).unwrap_err(), CoinError::Unstated(_)));
}
