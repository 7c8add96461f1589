//! Extension of a running stake: one report ends the one and begins the other.

use babylon::Message;
use babylon::query::{self, DelegationStatus};
use bitcoin::{Amount, FeeRate, Transaction, Txid};
use chain::Lookup as _;
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{
    CovenantSignatures, DelegationRelation, NewExtendedDelegation, StakeTransaction,
};
use staking_scripts::testing::key;
use staking_scripts::transactions::NewExtension;
use staking_scripts::{Delegation, ExtensionTransaction, LeafTransaction as _, StakeStatus};

use crate::checking::{covenant_signatures, own_status, parameters_at, rules};
use crate::devnet::{Devnet, Included};
use crate::staking::{
    ActiveStake, Plan, activate, funding_coins, inclusion, prove_possession, register_provider, undelegation,
};

const STATUSES_BEFORE: (DelegationStatus, DelegationStatus) =
    (DelegationStatus::Active, DelegationStatus::Verified);
const STATUSES_AFTER: (DelegationStatus, DelegationStatus) =
    (DelegationStatus::Unbonded, DelegationStatus::Active);
/// What the extension adds to the stake.
const ADDED_SAT: u64 = 10_000;

/// An extension that its staker has signed.
struct Extension {
    id: Txid,
    transaction: ExtensionTransaction,
    delegation: Delegation,
    /// The transaction of the coin that pays for it.
    funding: Transaction,
}

/// Extends a stake by 100 blocks and some satoshis, under the same provider.
fn extend(devnet: &Devnet, parent: &ActiveStake, number: usize, of_own_change: bool) -> Extension {
    let (staker, provider) = (key("staker", number), key("provider", 0));
    let plan = Plan { blocks: 500, ..Plan::new(devnet, &staker, &provider) };
    let Plan { staked_to, parameters, parameters_at, .. } = &plan;
    let previous = parent.delegation.stake(parameters.covenant()).unwrap().staking;
    let mut coins = devnet.coins();
    coins.retain(|coin| (coin.outpoint.txid == parent.id) == of_own_change);
    let transaction = ExtensionTransaction::build(NewExtension {
        previous: &previous,
        output: plan.output(),
        amount: previous.amount() + Amount::from_sat(ADDED_SAT),
        coins: &funding_coins(coins),
        change: devnet.wallet_script(),
        fee_rate: FeeRate::from_sat_per_vb_u32(2),
    })
    .unwrap();
    devnet.set_aside(transaction.unsigned());
    let new = NewExtendedDelegation {
        extension: &transaction,
        staked_to,
        parameters,
        parameters_at: *parameters_at,
    };
    let mut delegation = Delegation::extending(&parent.delegation, &new).unwrap();
    delegation.sign_as_staker(&staker, parameters).unwrap();
    delegation.proof_of_possession = Some(prove_possession(&staker, devnet.account().address()));
    delegation.check(&rules(devnet)).unwrap();
    let coin = transaction.unsigned().input[1].previous_output;
    let funding = devnet.bitcoin.transaction(&coin.txid).unwrap().unwrap().transaction;
    Extension { id: transaction.txid(), transaction, delegation, funding }
}

/// Registers an extension and has it signed, up to VERIFIED.
fn verify(devnet: &Devnet, parent: Txid, child: &Extension) {
    let address = devnet.account().address().clone();
    let unfunded = Message::register_stake(&child.delegation, None).unwrap_err();
    assert!(unfunded.to_string().contains("cannot be registered"), "{unfunded}");
    let register = Message::register_stake(&child.delegation, Some(&child.funding)).unwrap();
    assert_eq!(register.type_url(), "/babylon.btcstaking.v1.MsgBtcStakeExpand");
    devnet.send(&[register]);
    let statuses = (devnet.status(parent), devnet.status(child.id));
    assert_eq!(statuses, (DelegationStatus::Active, DelegationStatus::Pending));

    let signatures = covenant_signatures(devnet, &child.delegation, &[0, 1]);
    let message = |given: &CovenantSignatures| Message::add_covenant_signatures(&address, child.id, given);
    let without =
        devnet.refusal(&[message(&CovenantSignatures { extension: None, ..signatures[0].clone() })]);
    assert!(without.contains("empty stake expansion covenant signature"), "{without}");
    // A signature over another transaction of the same leaf is none over the extension.
    let unbonding = Some(signatures[0].unbonding);
    let wrong =
        devnet.refusal(&[message(&CovenantSignatures { extension: unbonding, ..signatures[0].clone() })]);
    let invalid = "bad covenant signature of stake expansion: signature is not valid";
    assert!(wrong.contains(invalid), "{wrong}");
    devnet.send(&signatures.iter().map(message).collect::<Vec<_>>());
    assert_eq!((devnet.status(parent), devnet.status(child.id)), STATUSES_BEFORE);
    assert_eq!(own_status(devnet, child.id), StakeStatus::Verified);
}

/// The extension with everyone's signatures: the covenant's, and what it extends, are read of the chain.
fn complete(devnet: &Devnet, child: &Extension, number: usize) -> Transaction {
    let read = |id| query::delegation(&devnet.network.rpc, id).unwrap().unwrap();
    let mut delegation = read(child.id);
    let running = delegation.extends.as_ref().unwrap().txid;
    delegation.set_previous(&read(running)).unwrap();
    let covenant = parameters_at(devnet, devnet.tip()).covenant();
    let staker = child.transaction.sign_as_staker(&key("staker", number)).unwrap();
    let funding = sign_key_path(child.transaction.psbt(), &devnet.wallet).unwrap();
    delegation.extend(&staker, &funding, covenant, covenant).unwrap()
}

/// Asserts what the chain says of an extension that is not deep enough.
#[track_caller]
fn is_shallow(devnet: &Devnet, report: &Message, depth: u32) {
    let said = devnet.refusal(std::slice::from_ref(report));
    let shallow = "failed to handle stake expansion inclusion: invalid inclusion proof: not k-deep: k=2";
    assert!(said.contains(&format!("{shallow}; depth={depth}")), "{said}");
}

/// Extends a stake up to the report, whose funding transactions this arranges: the parent's staking
/// transaction, and the one that has the other coin.
fn takes_the_place(
    devnet: &Devnet,
    number: usize,
    of_own_change: bool,
    arrange: fn([Transaction; 2]) -> Vec<Transaction>,
) {
    let parent = activate(devnet, &key("staker", number), &key("provider", 0));
    let child = extend(devnet, &parent, number, of_own_change);
    verify(devnet, parent.id, &child);
    let transaction = complete(devnet, &child, number);
    let statuses = || (devnet.status(parent.id), devnet.status(child.id));
    let own = || (own_status(devnet, parent.id), own_status(devnet, child.id));

    let included = devnet.confirm(&transaction);
    devnet.tell_headers();
    let running = parent.delegation.staking_transaction.clone();
    assert_eq!(running.compute_txid() == child.funding.compute_txid(), of_own_change);
    let funding = arrange([running, child.funding.clone()]);
    let report = |funding: &[Transaction]| {
        let reported = (&transaction, &included);
        undelegation(devnet, parent.id, reported, funding)
    };
    for depth in 0..devnet.depth {
        is_shallow(devnet, &report(&funding), depth);
        devnet.mine_to(included.height + depth + 1);
    }
    let (last, part) = funding.split_last().unwrap();
    let left_out = (!part.is_empty()).then(|| last.compute_txid());
    refusals(devnet, &child, &included, &report(part), left_out);
    assert_eq!(statuses(), STATUSES_BEFORE, "a refused report changes nothing");

    devnet.send(&[report(&funding)]);
    assert_eq!(statuses(), STATUSES_AFTER);
    assert_eq!(own(), (StakeStatus::Unbonded, StakeStatus::Active));
    let (_, listed) = devnet.listed(child.id);
    assert_eq!(listed.end_height, included.height + 500);
    let read = listed.stake.unwrap();
    assert_eq!(read.staking_amount.to_sat(), 500_000 + ADDED_SAT);
    let relation = DelegationRelation::new(&read, parameters_at(devnet, devnet.tip()));
    assert_eq!(relation.transaction(transaction.compute_txid()), Some(StakeTransaction::Staking));
    let again = devnet.refusal(&[report(&funding)]);
    assert!(again.contains("cannot unbond an unbonded BTC delegation"), "{again}");
}

#[test]
fn an_extension_takes_the_place_of_its_parent_in_one_step() {
    let Some(devnet) = Devnet::start() else { return };
    register_provider(&devnet, &key("provider", 0));
    // The chain takes the funding transactions in either order: that of the inputs, and the other. Where the
    // parent's own change pays, they are one.
    takes_the_place(&devnet, 0, false, |[running, coin]| vec![running, coin]);
    takes_the_place(&devnet, 1, false, |[running, coin]| vec![coin, running]);
    takes_the_place(&devnet, 2, true, |[running, _]| vec![running]);
}

/// What the chain refuses of an extension that is deep enough: a report without the last of its funding
/// transactions, and a proof that would leave the parent as it is, beside its child.
fn refusals(devnet: &Devnet, child: &Extension, included: &Included, part: &Message, left_out: Option<Txid>) {
    let unfunded = devnet.refusal(std::slice::from_ref(part));
    let expected = match left_out {
        Some(txid) => format!("references transaction {txid} which is not in funding transactions"),
        None => "no funding transactions provided".to_owned(),
    };
    assert!(unfunded.contains(&expected), "{unfunded}");
    let alone = devnet.refusal(&[inclusion(devnet, child.id, included)]);
    assert!(alone.contains("is a stake expansion, use MsgBTCUndelegate"), "{alone}");
}
