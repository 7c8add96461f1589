//! From a provider's registration to its slashing, reported.

use std::num::NonZeroUsize;

use babylon::Message;
use babylon::message::{CommissionRates, ProviderDescription};
use babylon::node::ChainNode as _;
use babylon::query;
use bitcoin::absolute::Height;
use bitcoin::{Amount, FeeRate, Network};
use chain::ChainSource as _;
use eots::{SecretKey, SecretRandomness};
use finality::{ConsumerHeight, FinalityVote, PossessionMessage, RandomnessSchedule, RandomnessTree};
use finality::{SigningContext, VoteMessage};
use spv::Anchor;
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::delegation::{
    ChainRules, CheckRules, InForce, MemoryCovenantRecord, NewDelegation, ParametersAt, SlashedOutput,
};
use staking_scripts::outputs::StakedTo;
use staking_scripts::testing::key;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    Delegation, FundingCoin, Parties, ProofOfPossession, StakingOutput, StakingTransaction, Timelock,
};

use crate::devnet::Devnet;
use crate::network::CHAIN_ID;

/// A stake that is made for the parameters in force, with everyone's signatures on it.
fn stake(devnet: &Devnet, staker: &SecretKey, provider: &SecretKey) -> (Delegation, StakingTransaction) {
    use chain::Lookup as _;
    let tip = devnet.bitcoin.tip().unwrap().height.to_u32();
    let height = Height::from_consensus(tip).unwrap();
    let (_, parameters) = devnet.parameters.in_force(height).unwrap();
    let parties =
        Parties::new(*staker.public_key(), [*provider.public_key()], parameters.covenant().clone()).unwrap();
    let output = StakingOutput::new(parties, Timelock::from_blocks(400).unwrap()).unwrap();
    let own = key_path_script(devnet.wallet.public_key());
    let coins = devnet.bitcoin.coins(&own).unwrap().into_iter();
    let coins: Vec<_> = coins.map(|coin| FundingCoin::new(coin.outpoint, coin.output).unwrap()).collect();
    let staking = StakingTransaction::build(NewStake {
        output,
        amount: Amount::from_sat(500_000),
        coins: &coins,
        change: own,
        fee_rate: FeeRate::from_sat_per_vb_u32(2),
        op_return_tag: None,
    })
    .unwrap();
    let new = NewDelegation {
        staked_to: &StakedTo::Genesis(*provider.public_key()),
        staking: &staking.staking_output(),
        transaction: staking.unsigned(),
        parameters,
        parameters_at: ParametersAt::Height(height),
    };
    let mut delegation = Delegation::signed(&new, staker).unwrap();
    let address = devnet.account().address().clone();
    let message = PossessionMessage::new(SigningContext::GENESIS, address).unwrap();
    let proof = ProofOfPossession::create_bip340(staker, &message).unwrap();
    delegation.proof_of_possession = Some((message, proof));
    (delegation, staking)
}

/// What covenant members send for a stake.
fn covenant_messages(devnet: &Devnet, delegation: &Delegation, members: &[usize]) -> Vec<Message> {
    let tip = Height::from_consensus(devnet.bitcoin.tip().unwrap().height.to_u32()).unwrap();
    let rules = CheckRules {
        history: &devnet.parameters,
        in_force: InForce::At(tip),
        chain: ChainRules {
            network: Network::Regtest,
            depth: devnet.depth,
            signing_context: SigningContext::GENESIS,
            anchor: Anchor::NONE,
        },
    };
    let checked = delegation.check(&rules).unwrap();
    let stake = delegation.staking_transaction.compute_txid();
    let address = devnet.account().address().clone();
    let sign = |member: &usize| {
        let mut record = MemoryCovenantRecord::default();
        let signatures =
            checked.sign_as_covenant_member(&devnet.covenant[*member], &[9; 32], &mut record).unwrap();
        Message::add_covenant_signatures(&address, stake, &signatures)
    };
    members.iter().map(sign).collect()
}

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
    let message = PossessionMessage::new(SigningContext::GENESIS, address.clone()).unwrap();
    let proof = ProofOfPossession::create_bip340(&provider, &message).unwrap();
    let rate = |text: &str| text.parse().unwrap();
    let commission =
        CommissionRates { rate: rate("0.05"), max_rate: rate("0.2"), max_change_rate: rate("0.01") };
    let description = ProviderDescription { moniker: "own".to_owned(), ..ProviderDescription::default() };
    devnet.send(&[
        Message::create_finality_provider(&address, provider.public_key(), &description, commission, &proof),
        Message::insert_headers(&address, &devnet.new_headers()),
    ]);
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
