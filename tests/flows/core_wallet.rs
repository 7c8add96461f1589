//! Bitcoin Core as wallet and as relay, on a real bitcoind: it signs our PSBTs, takes every transaction we
//! build, and treats them as the documentation says when a fee turns out too small.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, FeeRate, NetworkKind, PrivateKey, Transaction};
use chain::NodeError;
use chain::testing::RegtestDaemon;
use serde_json::{Value, json};
use staking_scripts::LeafTransaction as _;
use staking_scripts::coins::sign_key_path;
use staking_scripts::psbt::{PsbtVersion, VersionedPsbt};
use staking_scripts::transactions::ChildTransaction;
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::transactions::HasTaproot;
use staking_scripts::transactions::NewExtension;
use staking_scripts::{ExtensionTransaction, Funded, StakingOutput, Timelock, WithdrawalTransaction};

use crate::bitcoind::program;
use crate::world::{Size, World};

const SIZE: Size = Size { providers: 1, members: 5, quorum: 3, staking_blocks: 20, unbonding_blocks: 10 };

/// A daemon of its own and a chain with coins, or nothing where there is no bitcoind.
fn chain(seed: u64) -> Option<(RegtestDaemon, World)> {
    let daemon = RegtestDaemon::start(&program()?).unwrap();
    let world = World::on(Box::new(daemon.connect().unwrap()), seed, SIZE, 3);
    Some((daemon, world))
}

fn rate(sat_per_vb: u32) -> FeeRate {
    FeeRate::from_sat_per_vb_u32(sat_per_vb)
}

/// The mempool takes it, and says the fee that we say.
#[track_caller]
fn taken(daemon: &RegtestDaemon, transaction: &Transaction, fee: Amount) {
    let answer = daemon.call("testmempoolaccept", &[json!([serialize_hex(transaction)])]).unwrap();
    let verdict = &answer[0];
    assert_eq!(verdict["allowed"], json!(true), "{verdict}");
    assert_eq!(
        verdict["fees"]["base"].as_f64().map(|btc| Amount::from_btc(btc).unwrap()),
        Some(fee),
        "{verdict}"
    );
    assert_eq!(verdict["vsize"], json!(transaction.vsize()));
}

fn in_mempool(daemon: &RegtestDaemon, transaction: &Transaction) -> bool {
    let mempool = daemon.call("getrawmempool", &[]).unwrap();
    mempool.as_array().unwrap().contains(&json!(transaction.compute_txid().to_string()))
}

/// The output's descriptor with the staker's secret in the place of its key, and a checksum.
fn with_secret<O: HasTaproot>(daemon: &RegtestDaemon, world: &World, output: &Funded<O>) -> String {
    let secret =
        PrivateKey::from_slice(world.staker.to_bytes().as_slice(), NetworkKind::Test).unwrap().to_wif();
    let descriptor = output.output().taproot().descriptor().to_string();
    let (body, _) = descriptor.split_once('#').unwrap();
    let private = body.replace(&world.staker.public_key().to_string(), &secret);
    assert_ne!(private, body);
    let checksum = daemon.call("getdescriptorinfo", &[json!(private)]).unwrap()["checksum"].clone();
    format!("{private}#{}", checksum.as_str().unwrap())
}

/// Core signs and finishes our withdrawal from the descriptor and the staker's key alone, and what it made
/// confirms.
#[test]
fn core_signs_and_finishes_withdrawals() {
    let Some((daemon, world)) = chain(21) else { return };
    let (staking, _) = world.stake();
    let (other, _) = world.stake();
    let (unbonding, _) = world.unbond(&other);
    world.mine(20);
    let sign = |withdrawal: &WithdrawalTransaction, descriptor: String| -> Transaction {
        let params = [json!(withdrawal.psbt().to_string()), json!([descriptor])];
        let answer = daemon.call("descriptorprocesspsbt", &params).unwrap();
        assert_eq!(answer["complete"], json!(true), "{answer}");
        // What came back is read as from any signer, and is what Core itself would send.
        let psbt: VersionedPsbt = answer["psbt"].as_str().unwrap().parse().unwrap();
        let staker = withdrawal.signatures(psbt.psbt()).unwrap().staker.unwrap();
        let transaction = withdrawal.finalize(&staker).unwrap();
        assert_eq!(answer["hex"], json!(serialize_hex(&transaction)));
        transaction
    };
    let from_stake = WithdrawalTransaction::new(&staking, world.wallet_script(), rate(2)).unwrap();
    world.confirm(&sign(&from_stake, with_secret(&daemon, &world, &staking)));
    let output = unbonding.unbonding_output();
    let from_unbonding = WithdrawalTransaction::new(&output, world.wallet_script(), rate(2)).unwrap();
    world.confirm(&sign(&from_unbonding, with_secret(&daemon, &world, &output)));
}

/// Bitcoin Core, where it knows version 2 of PSBTs (BIP-370), reads ours and signs it, and we read what it
/// returns and what it makes itself.
#[test]
fn core_reads_and_signs_psbts_of_version_2() {
    let Some((daemon, world)) = chain(27) else { return };
    let help = daemon.call("help", &[json!("createpsbt")]).unwrap();
    if !help.as_str().unwrap().contains("psbt_version") {
        return;
    }
    let (staking, _) = world.stake();
    world.mine(20);
    let withdrawal = WithdrawalTransaction::new(&staking, world.wallet_script(), rate(2)).unwrap();
    let given = VersionedPsbt::from(withdrawal.psbt().clone());
    let two = given.to_base64(PsbtVersion::Two).unwrap();
    let decoded = daemon.call("decodepsbt", &[json!(two)]).unwrap();
    assert_eq!(decoded["psbt_version"], json!(2), "{decoded}");
    // The same input and outputs as of version 0, Taproot's fields among them.
    let older = daemon.call("decodepsbt", &[json!(withdrawal.psbt().to_string())]).unwrap();
    for field in ["taproot_scripts", "taproot_internal_key", "witness_utxo", "taproot_bip32_derivs"] {
        assert_eq!(decoded["inputs"][0][field], older["inputs"][0][field], "{field}");
    }
    assert!(decoded["inputs"][0]["taproot_scripts"].is_array(), "{decoded}");
    let params = [json!(two), json!([with_secret(&daemon, &world, &staking)])];
    let answer = daemon.call("descriptorprocesspsbt", &params).unwrap();
    assert_eq!(answer["complete"], json!(true), "{answer}");
    let signed: VersionedPsbt = answer["psbt"].as_str().unwrap().parse().unwrap();
    assert_eq!(signed.version(), PsbtVersion::Two);
    let staker = withdrawal.signatures(signed.psbt()).unwrap().staker.unwrap();
    let transaction = withdrawal.finalize(&staker).unwrap();
    assert_eq!(answer["hex"], json!(serialize_hex(&transaction)));
    // What we write again is what Core reads again.
    let again = signed.to_base64(PsbtVersion::Two).unwrap();
    let finalized = daemon.call("finalizepsbt", &[json!(again)]).unwrap();
    assert_eq!(finalized["hex"], answer["hex"], "{finalized}");
    // One that Core creates, with a lock time.
    let outpoint = staking.outpoint();
    let inputs = json!([{ "txid": outpoint.txid.to_string(), "vout": outpoint.vout, "sequence": 7 }]);
    let created =
        daemon.call("createpsbt", &[inputs, json!([{ "data": "00" }]), json!(500_000), json!(true)]).unwrap();
    let created: VersionedPsbt = created.as_str().unwrap().parse().unwrap();
    let made = &created.psbt().unsigned_tx;
    assert_eq!((made.lock_time.to_consensus_u32(), made.input[0].sequence.0), (500_000, 7));
    assert_eq!((made.input[0].previous_output, created.version()), (outpoint, PsbtVersion::Two));
    world.confirm(&transaction);
}

#[test]
fn the_mempool_takes_every_transaction() {
    let Some((daemon, world)) = chain(22) else { return };
    let (staking, transaction) = world.staking(rate(3));
    taken(&daemon, &transaction, staking.fee());
    world.confirm(&transaction);
    let stake = staking.staking_output();

    let unbonding = world.unbonding(&stake);
    taken(&daemon, &world.unbonded(&unbonding), unbonding.fee());
    taken(&daemon, &world.slashed(&stake), world.terms().fee);

    let longer = StakingOutput::new(world.parties.clone(), Timelock::from_blocks(40).unwrap()).unwrap();
    let (amount, change) = (Amount::from_sat(1_100_000), world.wallet_script());
    let extension = ExtensionTransaction::build(NewExtension {
        previous: &stake,
        output: longer,
        amount,
        coins: &world.coins(),
        change,
        fee_rate: rate(3),
    })
    .unwrap();
    let covenant: Vec<_> = world
        .covenant
        .iter()
        .map(|member| extension.sign_as_covenant_member_unchecked(member).unwrap())
        .collect();
    let funding = sign_key_path(extension.psbt(), &world.wallet).unwrap();
    let staker = extension.sign_as_staker(&world.staker).unwrap();
    taken(&daemon, &extension.finalize(&staker, &covenant, &funding).unwrap(), extension.fee());

    world.confirm(&world.unbonded(&unbonding));
    let output = unbonding.unbonding_output();
    taken(&daemon, &world.slashed(&output), world.terms().fee);
    world.mine(9);
    let withdrawal = WithdrawalTransaction::new(&output, world.wallet_script(), rate(3)).unwrap();
    let signed = withdrawal.finalize(&withdrawal.sign_as_staker(&world.staker).unwrap()).unwrap();
    taken(&daemon, &signed, withdrawal.fee());
}

/// Burning is refused unless it is allowed by name; the `Node` trait's `broadcast` allows what the
/// transaction burns.
#[test]
fn burning_must_be_allowed() {
    let Some((daemon, world)) = chain(23) else { return };
    let (stake, _) = world.stake();
    let slashing = world.slashed(&stake);
    let hex = json!(serialize_hex(&slashing));
    let refused = daemon.call("sendrawtransaction", std::slice::from_ref(&hex));
    assert!(
        matches!(&refused, Err(NodeError::Rpc { message, .. }) if message.contains("maxburnamount")),
        "{refused:?}"
    );
    let burned = slashing.output[0].value.to_btc();
    daemon.call("sendrawtransaction", &[hex, Value::Null, json!(burned)]).unwrap();
    assert!(in_mempool(&daemon, &slashing));
}

/// The staker cannot race its slashing: the slashing transaction, at a higher fee, replaces an unbonding that
/// waits.
#[test]
fn slashing_replaces_an_unconfirmed_unbonding() {
    let Some((daemon, world)) = chain(24) else { return };
    let (stake, _) = world.stake();
    let unbonding = world.unbonded(&world.unbonding(&stake));
    world.node.broadcast(&unbonding).unwrap();
    assert!(in_mempool(&daemon, &unbonding));
    let slashing = world.slashed(&stake);
    world.node.broadcast(&slashing).unwrap();
    assert!(in_mempool(&daemon, &slashing) && !in_mempool(&daemon, &unbonding));
    world.confirm(&slashing);
}

/// A withdrawal that waits is replaced by one at a higher rate, and not by one at the same.
#[test]
fn withdrawals_are_replaced() {
    let Some((daemon, world)) = chain(25) else { return };
    let (stake, _) = world.stake();
    world.mine(20);
    let at = |sat_per_vb| {
        let withdrawal = WithdrawalTransaction::new(&stake, world.wallet_script(), rate(sat_per_vb)).unwrap();
        withdrawal.finalize(&withdrawal.sign_as_staker(&world.staker).unwrap()).unwrap()
    };
    let (slow, fast) = (at(2), at(9));
    world.node.broadcast(&fast).unwrap();
    assert!(world.refusal(&slow).contains("insufficient fee"), "{}", world.refusal(&slow));
    let faster = at(20);
    world.node.broadcast(&faster).unwrap();
    assert!(in_mempool(&daemon, &faster) && !in_mempool(&daemon, &fast));
}

/// A staking transaction that waits is paid for by a child of its own change: its id, on which everything
/// hangs, stays.
#[test]
fn a_child_pays_for_a_stake() {
    let Some((daemon, world)) = chain(26) else { return };
    let (staking, transaction) = world.staking(rate(1));
    world.node.broadcast(&transaction).unwrap();
    let child = ChildTransaction::paying_for_stake(&staking, world.wallet_script(), rate(30)).unwrap();
    let signed = sign_key_path(child.psbt(), &world.wallet).unwrap();
    let signed = child.finalize(&signed).unwrap();
    taken(&daemon, &signed, child.fee());
    world.node.broadcast(&signed).unwrap();
    // Parent and child together pay the rate.
    let together = staking.fee() + child.fee();
    let weight = transaction.weight() + signed.weight();
    let needed = rate(30).fee_wu(weight).unwrap();
    assert!(together >= needed && together < needed + Amount::from_sat(60), "{together} {needed}");
    world.confirm(&transaction);
}
