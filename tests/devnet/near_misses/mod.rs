//! Delegations that almost keep the rules: our check and the chain must say the same of each.
//!
//! Only what depends on the chain's state may differ, and where ours is stricter on purpose: these stand
//! in `differing.rs` and `inclusion.rs`, each with its reason. The chain's argument for the amount of the
//! unbonding output is not among the rows: our message takes it from the transaction, so that it cannot
//! differ.

mod bounds;
mod differing;
mod inclusion;
mod keys;
mod slashing;
mod transactions;

use std::collections::BTreeSet;

use babylon::Message;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{OutPoint, TapSighashType, Transaction, Txid};
use eots::SecretKey;
use serde_json::{Value, json};
use staking_scripts::delegation::{PresignedSlashing, StakeViolation};
use staking_scripts::outputs::{ProtocolOutput, TaprootOutput};
use staking_scripts::testing::key;
use staking_scripts::{Delegation, Parameters, ParametersHistory, SpendPath};

use crate::checking::rules;
use crate::devnet::Devnet;
use crate::staking::{Plan, register_provider};

/// A delegation, and what is said of it.
struct Row {
    name: &'static str,
    change: Change,
    /// The rules that ours names; with none it accepts.
    ours: &'static [&'static str],
    /// A piece of the chain's text; with none it accepts.
    chain: &'static str,
}

/// What is changed of a stake that keeps every rule.
enum Change {
    /// Before it is made.
    Plan(fn(&mut Plan<'_>)),
    /// The parameters that it is made under.
    Parameters(fn(&mut Value)),
    /// What was made; the slashing transactions are signed again.
    Resigned(fn(&mut Delegation, &Setting<'_>)),
    /// What was made and signed.
    AsItIs(fn(&mut Delegation, &Setting<'_>)),
}

/// Where a stake is changed.
struct Setting<'a> {
    devnet: &'a Devnet,
    staker: &'a SecretKey,
}

type Says = (&'static [&'static str], &'static str);
const ACCEPTED: Says = (&[], "");

const fn row(name: &'static str, change: Change, (ours, chain): Says) -> Row {
    Row { name, change, ours, chain }
}

/// A network on which the provider of every row is registered.
fn network() -> Option<Devnet> {
    let devnet = Devnet::start()?;
    register_provider(&devnet, &key("provider", 0));
    Some(devnet)
}

/// Makes every row's delegation, each of another staker, and asks both of it.
fn judge(devnet: &Devnet, rows: &[Row]) {
    let mut differences = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let staker = key("staker", number);
        let delegation = make(&Setting { devnet, staker: &staker }, &row.change);
        assert_eq!(row.ours.is_empty(), row.chain.is_empty(), "{}: both say the same", row.name);
        differences.extend(ask(devnet, row.name, &delegation, (row.ours, row.chain)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Asks both of a delegation, and returns what is not as was foreseen.
fn ask(devnet: &Devnet, name: &str, delegation: &Delegation, (rules_broken, text): Says) -> Option<String> {
    let ours = delegation.check(&rules(devnet)).map(|_| ()).map_err(|broken| {
        let names: BTreeSet<_> = broken.iter().map(StakeViolation::rule).collect();
        names.into_iter().collect::<Vec<_>>()
    });
    let message = Message::register_stake(delegation, None).unwrap();
    let chain = devnet.verdict(&devnet.network.account, &[message]);
    eprintln!("{name}: ours {ours:?}, the chain {chain:?}");
    let as_foreseen = match (&ours, &chain) {
        (Ok(()), Ok(())) => rules_broken.is_empty() && text.is_empty(),
        (Err(broken), Ok(())) => broken == rules_broken && text.is_empty(),
        (Ok(()), Err(said)) => rules_broken.is_empty() && !text.is_empty() && said.contains(text),
        (Err(broken), Err(said)) => broken == rules_broken && !text.is_empty() && said.contains(text),
    };
    let foreseen = format!("foreseen were {rules_broken:?} and {text:?}");
    (!as_foreseen).then(|| format!("{name}: ours {ours:?}, the chain {chain:?}; {foreseen}"))
}

fn make(setting: &Setting<'_>, change: &Change) -> Delegation {
    let Setting { devnet, staker } = *setting;
    let mut plan = Plan::new(devnet, staker, &key("provider", 0));
    match change {
        Change::Plan(change) => change(&mut plan),
        Change::Parameters(change) => plan.parameters = altered(&plan.parameters, *change),
        Change::Resigned(_) | Change::AsItIs(_) => {}
    }
    let (mut delegation, _) = plan.make(devnet);
    match change {
        Change::Resigned(change) => {
            let before = txids(&delegation);
            change(&mut delegation, setting);
            relink(&mut delegation, before);
            sign_again(&mut delegation, &plan);
        }
        Change::AsItIs(change) => change(&mut delegation, setting),
        Change::Plan(_) | Change::Parameters(_) => {}
    }
    delegation
}

/// Returns other parameters, changed in the JSON that the staking API gives.
fn altered(parameters: &Parameters, change: fn(&mut Value)) -> Parameters {
    let (amounts, times) = (parameters.staking_amount(), parameters.staking_time());
    let covenant = parameters.covenant();
    let mut version = json!({
        "version": 0,
        "covenant_pks": covenant.members().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "covenant_quorum": covenant.quorum(),
        "min_staking_value_sat": amounts.start().to_sat(),
        "max_staking_value_sat": amounts.end().to_sat(),
        "min_staking_time_blocks": times.start().blocks(),
        "max_staking_time_blocks": times.end().blocks(),
        "slashing_pk_script": parameters.slashing_pk_script().to_hex_string(),
        "min_slashing_tx_fee_sat": parameters.min_slashing_fee().to_sat(),
        "slashing_rate": parameters.slashing_rate().to_string(),
        "unbonding_time_blocks": parameters.unbonding_time().blocks(),
        "unbonding_fee_sat": parameters.unbonding_fee().to_sat(),
        "btc_activation_height": parameters.activation_height().to_consensus_u32(),
    });
    change(&mut version);
    let file = json!({ "params": { "bbn": [version] } }).to_string();
    ParametersHistory::<Parameters>::from_json(&file).unwrap().get(0).unwrap().clone()
}

fn unbonding(delegation: &mut Delegation) -> &mut Transaction {
    delegation.unbonding_transaction.as_mut().unwrap()
}

/// The slashing of the staking output.
fn slashing(delegation: &mut Delegation) -> &mut Transaction {
    &mut delegation.slashing.as_mut().unwrap().transaction
}

/// The slashing of the unbonding output.
fn unbonding_slashing(delegation: &mut Delegation) -> &mut Transaction {
    &mut delegation.unbonding_slashing.as_mut().unwrap().transaction
}

fn txids(delegation: &Delegation) -> (Txid, Txid) {
    let unbonding = delegation.unbonding_transaction.as_ref().unwrap();
    (delegation.staking_transaction.compute_txid(), unbonding.compute_txid())
}

/// Lets what spent a transaction that was changed spend it as it is now.
fn relink(delegation: &mut Delegation, (staking, unbonded): (Txid, Txid)) {
    let spend = |transaction: &mut Transaction, old: Txid, new: Txid| {
        let spent = transaction.input.iter_mut().filter(|input| input.previous_output.txid == old);
        spent.for_each(|input| input.previous_output = OutPoint::new(new, input.previous_output.vout));
    };
    let (staking_now, _) = txids(delegation);
    spend(unbonding(delegation), staking, staking_now);
    spend(slashing(delegation), staking, staking_now);
    let (_, unbonded_now) = txids(delegation);
    spend(unbonding_slashing(delegation), unbonded, unbonded_now);
}

/// Signs both slashing transactions as they are, as spends of the outputs that the parameters make.
fn sign_again(delegation: &mut Delegation, plan: &Plan<'_>) {
    let outputs = delegation.outputs(plan.parameters.covenant());
    let [ProtocolOutput::Staking(staking), ProtocolOutput::Unbonding(unbonded), _] = outputs.as_slice()
    else {
        panic!("no outputs");
    };
    let unbonded_amount = unbonding(delegation).output[0].value;
    let sign = |slashing: &mut PresignedSlashing, spent: &TaprootOutput, amount| {
        let (leaf, prevout) = (spent.leaf(SpendPath::Slashing).unwrap(), spent.paying(amount));
        let prevouts = vec![prevout; slashing.transaction.input.len()];
        let sighash = SighashCache::new(&slashing.transaction).taproot_script_spend_signature_hash(
            0,
            &Prevouts::All(&prevouts),
            leaf.hash(),
            TapSighashType::Default,
        );
        slashing.staker_signature = Some(plan.staker.sign_bip340(sighash.unwrap()).unwrap());
    };
    let staked = bitcoin::Amount::from_sat(plan.amount_sat);
    sign(delegation.slashing.as_mut().unwrap(), staking.taproot(), staked);
    sign(delegation.unbonding_slashing.as_mut().unwrap(), unbonded.taproot(), unbonded_amount);
}
