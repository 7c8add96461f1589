//! What the chain tells of what happened, by both ways, and of new blocks by itself.

use std::time::Duration;

use babylon::Trust;
use babylon::event::{ChainEvent, ProviderStatus};
use babylon::node::{ChainNode, NewBlocks, NodeError, Search};
use babylon::query::{self, DelegationStatus};
use bitcoin::{Txid, XOnlyPublicKey};
use finality::ConsumerHeight;

use crate::devnet::Devnet;

/// The chain's own events in the transactions that a search finds, the same by both ways.
fn found(devnet: &Devnet, search: &Search) -> Vec<ChainEvent> {
    let over_rpc = query::transactions(&devnet.network.rpc, search).unwrap();
    assert_eq!(query::transactions(&devnet.network.gateway, search).unwrap(), over_rpc);
    let events = over_rpc.iter().flat_map(|found| &found.executed.events);
    events.filter_map(|event| ChainEvent::read(event).unwrap()).collect()
}

/// The whole life of a slashed stake and of its provider, as the chain's index and its blocks have it.
pub(crate) fn check(devnet: &Devnet, stake: Txid, provider: &XOnlyPublicKey) {
    let of_stake = |kind: &str, member: &str| {
        let kind = format!("babylon.btcstaking.v1.{kind}");
        found(devnet, &Search::event(&kind, member, &stake.to_string()).unwrap())
    };
    let signed = of_stake("EventCovenantSignatureReceived", "staking_tx_hash");
    let members: Vec<_> = devnet.covenant.iter().map(|member| *member.public_key()).collect();
    for member in members {
        assert!(signed.contains(&ChainEvent::CovenantSigned { stake, member }), "{signed:?}");
    }
    assert!(signed.contains(&ChainEvent::QuorumReached { stake }), "{signed:?}");
    let [ChainEvent::StakeIncluded { stake: included, start_height, end_height }] =
        of_stake("EventBTCDelegationInclusionProofReceived", "staking_tx_hash")[..]
    else {
        panic!("no inclusion")
    };
    assert!(included == stake && end_height > start_height);
    let spent = of_stake("EventUnexpectedUnbondingTx", "staking_tx_hash");
    assert!(
        spent
            .iter()
            .any(|event| matches!(event, ChainEvent::StakeSpentOtherwise { stake: of, .. } if *of == stake)),
        "{spent:?}"
    );
    let registered = Search::message("/babylon.btcstaking.v1.MsgCreateBTCDelegation").unwrap();
    let registered = found(devnet, &registered.since(ConsumerHeight(1)));
    assert!(
        matches!(&registered[..], [ChainEvent::StakeRegistered { stake: of, providers, extends: None, .. }]
            if *of == stake && providers == &[*provider]),
        "{registered:?}"
    );
    // More than a page: a transaction of votes is found once.
    let votes = Search::message("/babylon.finality.v1.MsgAddFinalitySig").unwrap();
    assert!(found(devnet, &votes).iter().any(
        |event| matches!(event, ChainEvent::ProviderSlashed(evidence) if evidence.public_key == *provider)
    ));
    let none = Search::message("/babylon.finality.v1.MsgUnjailFinalityProvider").unwrap();
    assert_eq!(found(devnet, &none), []);
    check_blocks(devnet, stake, provider);
    check_bell(devnet);
}

/// What no transaction says, blocks do.
fn check_blocks(devnet: &Devnet, stake: Txid, provider: &XOnlyPublicKey) {
    let node = &devnet.network.rpc;
    let tip = node.status().unwrap().height.to_u64();
    let mut all = Vec::new();
    for height in 1..=tip {
        let events = node.block_events(ConsumerHeight(height)).unwrap().unwrap();
        all.extend(events.iter().filter_map(|event| ChainEvent::read(event).unwrap()));
    }
    assert!(all.contains(&ChainEvent::QuorumReached { stake }), "{all:?}");
    let statuses: Vec<_> = all
        .iter()
        .filter_map(|event| match event {
            ChainEvent::ProviderStatus { provider: of, status } if of == provider => Some(*status),
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [ProviderStatus::Inactive, ProviderStatus::Active, ProviderStatus::Slashed]);
    assert!(
        all.contains(&ChainEvent::StakeStatus { stake, status: DelegationStatus::Unbonded })
            || all.iter().any(
                |event| matches!(event, ChainEvent::StakeSpentOtherwise { stake: of, .. } if *of == stake)
            ),
        "{all:?}"
    );
    assert!(node.block_events(ConsumerHeight(tip + 1_000)).unwrap().is_none());
    let not_told = devnet.network.gateway.block_events(ConsumerHeight(1));
    assert!(matches!(not_told, Err(NodeError::NotOffered { .. })), "{not_told:?}");
}

/// The node rings at each block, in order.
fn check_bell(devnet: &Devnet) {
    let within = Duration::from_secs(10);
    let mut blocks = NewBlocks::subscribe(&devnet.network.rpc_url, within, &Trust::default()).unwrap();
    let mut told = [(); 3].map(|()| blocks.wait(within).unwrap().unwrap().to_u64());
    let tip = devnet.network.rpc.status().unwrap().height.to_u64();
    assert!(told[2] <= tip && told[0] + 20 > tip, "{told:?} at {tip}");
    told.sort_unstable();
    assert_eq!(told, [told[0], told[0] + 1, told[0] + 2]);
}
