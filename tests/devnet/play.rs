//! From nothing to a stake that is slashed and reported, as fast as the chain goes, and the page of it:
//! `make devnet`.

use babylon::Message;
use babylon::query::{self, DelegationStatus};
use bitcoin::Amount;
use staking_scripts::StakeStatus;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;

use crate::checking::{covenant_messages, own_status};
use crate::devnet::Devnet;
use crate::journal::own_cpu;
use crate::network::CHAIN_ID;
use crate::page::{Facts, page};
use crate::staking::{finalized, inclusion, prove_possession, provider_message, stake, undelegation};
use crate::voting::{Voter, commit};

/// Where the page is written, if anybody wants it.
const REPORT: &str = "DEVNET_REPORT";

#[test]
fn a_stake_is_slashed_and_reported_from_nothing() {
    let Some(devnet) = Devnet::start() else { return };
    let (node, journal) = (&devnet.network.rpc, &devnet.journal);
    let (provider, staker) = (key("provider", 0), key("staker", 0));
    let public = *provider.public_key();
    let address = devnet.account().address().clone();

    journal.part(
        "A finality provider and a stake are registered",
        "The provider proves that it has its key, and commits to the randomness of its votes. The staker registers a stake that is not in Bitcoin yet, \
         and two of three covenant members sign what it needs: its unbonding, and both slashing transactions, encrypted to the provider. The chain \
         learns of Bitcoin's blocks. All of it is one transaction.",
    );
    let (_, proof) = prove_possession(&provider, &address);
    let (delegation, staking) = stake(&devnet, &staker, &provider);
    let id = staking.txid();
    let (tree, commitment) = commit(&devnet, &provider);
    let mut messages = vec![
        provider_message(&address, &provider, &proof),
        Message::insert_headers(&address, &devnet.new_headers()),
        Message::register_stake(&delegation, None).unwrap(),
        commitment,
    ];
    messages.extend(covenant_messages(&devnet, &delegation, &[0, 1]));
    devnet.send(&messages);
    assert_eq!(devnet.status(id), DelegationStatus::Verified);

    journal.part(
        "The stake becomes active",
        format!("It is in Bitcoin, {} blocks deep, and its inclusion is proven to the chain.", devnet.depth),
    );
    let included = devnet.confirm(&finalized(&devnet, &staking));
    devnet.mine(devnet.depth);
    let headers = Message::insert_headers(&address, &devnet.new_headers());
    devnet.send(&[headers, inclusion(&devnet, id, &included)]);
    assert_eq!((devnet.status(id), own_status(&devnet, id)), (DelegationStatus::Active, StakeStatus::Active));

    journal.part(
        "The commitment is timestamped on Bitcoin",
        "It counts when the epoch in which it was sent is final in Bitcoin: two outputs of data hold the epoch's checkpoint, which the validators \
         signed, and the chain is shown where they are.",
    );
    let voter = Voter::timestamp(&devnet, provider, tree);
    assert_eq!(query::power_at(node, &public, voter.first).unwrap(), 500_000);

    journal.part(
        "The provider votes, and equivocates",
        "Its votes over the AppHash make blocks final. Then it votes for another block at a height at which it has voted.",
    );
    let (_, last) = voter.finalize(2);
    let evidence = voter.equivocate(last);
    let extracted = evidence.extract().unwrap();
    assert_eq!(*extracted.public_key(), public);

    journal.part(
        "The stake is slashed on Bitcoin, and reported",
        "Whoever reads the chain has all that it takes: the evidence, the extracted key, and the covenant's encrypted signatures.",
    );
    let read = query::delegation(node, id).unwrap().unwrap();
    let (_, parameters) = read.parameters(&devnet.parameters).unwrap();
    let slashing = read.slash(SlashedOutput::Staking, &extracted, parameters.covenant()).unwrap();
    let slashed = devnet.confirm(&slashing);
    let funding = [read.staking_transaction.clone()];
    let headers = Message::insert_headers(&address, &devnet.new_headers());
    devnet.send(&[headers, undelegation(&devnet, id, (&slashing, &slashed), &funding)]);
    let (took, cpu) = (journal.elapsed(), own_cpu());
    assert_eq!(devnet.status(id), DelegationStatus::Unbonded);
    assert_eq!(own_status(&devnet, id), StakeStatus::Slashed);
    let burnt: Amount = slashing
        .output
        .iter()
        .filter(|output| output.script_pubkey.is_op_return())
        .map(|output| output.value)
        .sum();
    assert_eq!(burnt, Amount::from_sat(50_000), "a tenth");

    let shown = cpu.map_or_else(String::new, |cpu| {
        format!(", {:.2} s of a processor in this process", cpu.as_secs_f64())
    });
    println!("From nothing to slashed and reported: {:.2} s{shown}.", took.as_secs_f64());
    let facts = Facts { chain_id: CHAIN_ID.to_owned(), evidence, burnt, took, cpu };
    let page = page(&devnet.journal.take(), &facts);
    assert!(page.contains(&slashing.compute_txid().to_string()) && page.contains("50000 sat burnt"));
    if let Some(path) = std::env::var_os(REPORT) {
        std::fs::write(&path, page).unwrap();
        println!("The page is in {}.", path.to_string_lossy());
    }
}
