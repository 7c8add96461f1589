//! Unbonding on demand, and the slashing of what is unbonding.

use babylon::node::ChainNode as _;
use babylon::query::{self, DelegationStatus};
use chain::Broadcast as _;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;
use staking_scripts::{LeafTransaction as _, StakeStatus};

use crate::checking::{own_status, parameters_at};
use crate::devnet::Devnet;
use crate::staking::{activate, register_provider, undelegation};
use crate::voting::Voter;

#[test]
fn what_is_unbonding_is_slashed_for_an_equivocation_of_before() {
    let Some(devnet) = Devnet::start() else { return };
    let node = &devnet.network.rpc;
    let (provider, staker) = (key("provider", 0), key("staker", 0));
    let public = *provider.public_key();
    register_provider(&devnet, &provider);
    let id = activate(&devnet, &staker, &provider).id;
    let voter = Voter::begin(&devnet, provider);
    let (_, last) = voter.finalize(5);

    // The covenant's signatures are on the chain: the staker needs nobody.
    let read = query::delegation(node, id).unwrap().unwrap();
    let covenant = parameters_at(&devnet, devnet.tip()).covenant();
    let planned = read.unbonding(covenant).unwrap();
    let unbonding = read.unbond(&planned.sign_as_staker(&staker).unwrap(), covenant).unwrap();
    let included = devnet.confirm(&unbonding);
    devnet.tell_headers();
    assert_eq!(included.height, devnet.tip(), "at depth 0");
    assert_eq!(devnet.status(id), DelegationStatus::Active, "nobody has told it");
    let funding = [read.staking_transaction.clone()];
    let bare = undelegation(&devnet, id, (planned.unsigned(), &included), &funding);
    let bare = devnet.refusal(&[bare]);
    let witness = "failed to verify stake spending tx staker signature: Expected at least 3 elements in the witness stack. Provided amount of elements: 0";
    assert!(bare.contains(witness), "{bare}");
    let unfunded = undelegation(&devnet, id, (&unbonding, &included), std::slice::from_ref(&unbonding));
    let unfunded = devnet.refusal(&[unfunded]);
    assert!(unfunded.contains(&format!("transaction {id} which is not in funding")), "{unfunded}");
    let report = undelegation(&devnet, id, (&unbonding, &included), &funding);
    devnet.send(std::slice::from_ref(&report));
    assert_eq!(devnet.status(id), DelegationStatus::Unbonded);
    assert_eq!(own_status(&devnet, id), StakeStatus::Unbonding, "its unbonding time is not over");
    let again = devnet.refusal(&[report]);
    assert!(again.contains("cannot unbond an unbonded BTC delegation"), "{again}");

    // The provider has power no more, but had it at the height that it votes for twice.
    devnet.network.wait("the provider has no power", || {
        let height = node.status().unwrap().height;
        query::power_at(node, &public, height).unwrap() == 0
    });
    let extracted = voter.equivocate(last).extract().unwrap();
    assert_eq!(*extracted.public_key(), public);

    // Everything is read of the chain again. The staking output is spent, the unbonding output is not.
    let read = query::delegation(node, id).unwrap().unwrap();
    let late = read.slash(SlashedOutput::Staking, &extracted, covenant).unwrap();
    let late = devnet.bitcoin.broadcast(&late).unwrap_err().to_string();
    assert!(late.contains("bad-txns-inputs-missingorspent"), "{late}");
    let slashing = read.slash(SlashedOutput::Unbonding, &extracted, covenant).unwrap();
    assert_eq!(slashing.input[0].previous_output.txid, unbonding.compute_txid());
    let slashed = devnet.confirm(&slashing);
    assert!(slashed.height > included.height);
    assert_eq!(own_status(&devnet, id), StakeStatus::Slashed);
    // 500 000 sat less the unbonding fee, a tenth of it slashed, and the least fee of a slashing.
    let amounts: Vec<_> = slashing.output.iter().map(|output| output.value.to_sat()).collect();
    assert_eq!(amounts, [49_800, 498_000 - 49_800 - 2_000]);
    assert_eq!(slashing.output[0].script_pubkey, *parameters_at(&devnet, devnet.tip()).slashing_pk_script());
    // To the chain it has been over since the report.
    assert_eq!(devnet.status(id), DelegationStatus::Unbonded);
}
