//! From a provider's registration to its slashing, reported.

use std::num::NonZeroUsize;

use babylon::Message;
use babylon::node::ChainNode as _;
use babylon::query;
use eots::{SecretKey, SecretRandomness};
use finality::{ConsumerHeight, FinalityVote, RandomnessSchedule, RandomnessTree};
use finality::{SigningContext, VoteMessage};
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;

use crate::devnet::Devnet;
use crate::network::CHAIN_ID;
use crate::staking::{covenant_messages, register_provider, stake};

fn vote(tree: &RandomnessTree, provider: &SecretKey, height: ConsumerHeight, hash: [u8; 32]) -> FinalityVote {
    let randomness = SecretRandomness::derive(provider, CHAIN_ID.as_bytes(), height.to_u64());
    let message = VoteMessage::new(SigningContext::GENESIS, height, hash);
    FinalityVote::sign(provider, randomness, message, tree.prove(height).unwrap()).unwrap()
}

#[test]
fn a_stake_lives_and_an_equivocation_is_slashed_and_reported() {
    let Some(devnet) = Devnet::start() else { return };
    let node = &devnet.network.rpc;
    let (provider, staker) = (key("provider", 0), key("staker", 0));
    let address = devnet.account().address().clone();

    // Registered: the chain knows the provider, and Bitcoin's blocks.
    register_provider(&devnet, &provider);
    let known = query::finality_provider(node, provider.public_key()).unwrap().unwrap();
    assert_eq!((known.moniker.as_str(), known.address, known.is_slashed), ("own", address.clone(), false));

    // A stake that is registered before it is in Bitcoin, signed by two of three, and then by the third.
    let (delegation, staking) = stake(&devnet, &staker, &provider);
    let id = delegation.staking_transaction.compute_txid();
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
    devnet.send(&covenant_messages(&devnet, &delegation, &[0, 1]));
    let pending = query::delegation(node, id).unwrap().unwrap();
    assert_eq!(pending.covenant_signatures.len(), 2);
    devnet.send(&covenant_messages(&devnet, &delegation, &[2]));
    let again = devnet.refusal(&covenant_messages(&devnet, &delegation, &[0]));
    assert!(again.contains("already submitted"), "{again}");

    // In Bitcoin, and deep enough.
    let signed = sign_key_path(staking.psbt(), &devnet.wallet).unwrap();
    let included = devnet.confirm(&staking.finalize(&signed).unwrap());
    devnet.tell_headers();
    let prove = [Message::add_inclusion_proof(&address, id, included.header.block_hash(), &included.proof)];
    let shallow = devnet.refusal(&prove);
    assert!(shallow.contains("not k-deep"), "{shallow}");
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    devnet.send(&prove);

    // Randomness, timestamped by our own checkpoints.
    let height = node.status().unwrap().height;
    let start = height.saturating_add(5);
    let schedule = RandomnessSchedule::new(start, 2_000, 1).unwrap();
    let tree =
        RandomnessTree::derive(&provider, CHAIN_ID.as_bytes(), schedule, NonZeroUsize::MIN, |_| {}).unwrap();
    let signature = tree.commitment().sign(&provider, &SigningContext::GENESIS).unwrap();
    let commitment = finality::SignedCommitment { commitment: tree.commitment(), signature };
    devnet.send(&[Message::commit_randomness(&address, provider.public_key(), &commitment)]);
    let found = query::commitments(node, provider.public_key()).unwrap();
    assert_eq!(found[0].commitment, tree.commitment());
    assert_eq!(query::activated_height(node).unwrap(), None);
    devnet.finalize_epochs(found[0].epoch);
    devnet.network.wait("the provider has power", || query::activated_height(node).unwrap().is_some());
    let active = query::activated_height(node).unwrap().unwrap();
    assert_eq!(query::power_at(node, provider.public_key(), active).unwrap(), 500_000);

    // Votes for the AppHash make blocks final; both ways to the node say the same.
    let last = active.saturating_add(20);
    devnet.network.wait("there are blocks to vote on", || node.status().unwrap().height > last);
    let votes: Vec<_> = (active.to_u64()..=last.to_u64())
        .map(|height| {
            let height = ConsumerHeight(height);
            let header = node.header(height).unwrap().unwrap();
            assert_eq!(devnet.network.gateway.header(height).unwrap().unwrap(), header);
            let known = query::finality_block(node, height).unwrap().unwrap();
            assert_eq!(known.app_hash, header.app_hash);
            Message::vote(&address, &vote(&tree, &provider, height, header.app_hash)).unwrap()
        })
        .collect();
    devnet.send(&votes);
    devnet.network.wait("they are final", || query::finality_block(node, last).unwrap().unwrap().is_final);
    let duplicate = devnet.refusal(&votes[..1]);
    assert!(duplicate.contains("duplicated finality vote"), "{duplicate}");

    // A vote for another block reveals the key.
    assert_eq!(query::evidence(node, provider.public_key()).unwrap(), None);
    let fork = vote(&tree, &provider, last, [0xee; 32]);
    devnet.send(&[Message::vote(&address, &fork).unwrap()]);
    let evidence = query::evidence(node, provider.public_key()).unwrap().unwrap();
    assert_eq!(evidence, query::evidence(&devnet.network.gateway, provider.public_key()).unwrap().unwrap());
    assert_eq!(query::evidences(node, ConsumerHeight(0)).unwrap(), [evidence]);
    let extracted = evidence.extract().unwrap();
    assert_eq!(extracted.public_key(), provider.public_key());
    assert!(query::finality_provider(node, provider.public_key()).unwrap().unwrap().is_slashed);

    // Whoever reads the chain slashes on Bitcoin, and reports it.
    let read = query::delegation(node, id).unwrap().unwrap();
    let (_, parameters) = read.parameters(&devnet.parameters).unwrap();
    let slashing = read.slash(SlashedOutput::Staking, &extracted, parameters.covenant()).unwrap();
    let slashed = devnet.confirm(&slashing);
    assert!(slashed.height > included.height);
    devnet.tell_headers();
    let (block, funding) = (slashed.header.block_hash(), [read.staking_transaction.clone()]);
    devnet.send(&[Message::undelegate(&address, id, &slashing, block, &slashed.proof, &funding)]);
    let page = query::delegations(node, query::DelegationStatus::Unbonded).unwrap();
    assert!(page.iter().any(|found| found.staking_transaction.compute_txid() == id));
}
