//! Stakes to one provider, which six of nine members signed, and evidence against it.

use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, FeeRate, OutPoint, TxOut, Txid};
use eots::{SecretRandomness, sign};
use finality::{ConsumerHeight, Evidence, SigningContext, VoteMessage};
use staking_scripts::delegation::{NewDelegation, ParametersAt};
use staking_scripts::outputs::{StakingOutput, Timelock};
use staking_scripts::testing::{covenant_signatures, genesis, key, members, parameters, possession, wallet};
use staking_scripts::transactions::{NewStake, StakingTransaction};
use staking_scripts::{ChainRules, Delegation, FundingCoin, Parameters};

/// Makes so many, on two threads.
pub(crate) fn make(count: usize) -> Vec<Delegation> {
    let half = count / 2;
    std::thread::scope(|threads| {
        let others = threads.spawn(|| (half..count).map(one).collect::<Vec<_>>());
        let mut all: Vec<_> = (0..half).map(one).collect();
        all.extend(others.join().expect("made"));
        all
    })
}

fn one(number: usize) -> Delegation {
    let (parameters, staked_to, staker) = (parameters(0), genesis(), key("staker", number));
    let parties = parameters.parties(*staker.public_key(), staked_to.keys()).expect("parties");
    let output =
        StakingOutput::new(parties, Timelock::from_blocks(2_000).expect("a time")).expect("an output");
    let outpoint = OutPoint::new(Txid::hash(&number.to_be_bytes()), 0);
    let coin = TxOut { value: Amount::from_sat(2_000_000), script_pubkey: wallet() };
    let staking = StakingTransaction::build(NewStake {
        output,
        amount: Amount::from_sat(1_000_000),
        coins: &[FundingCoin::new(outpoint, coin).expect("a coin")],
        change: wallet(),
        fee_rate: FeeRate::from_sat_per_vb_u32(5),
        op_return_tag: None,
    })
    .expect("a staking transaction");
    let new = NewDelegation {
        staked_to: &staked_to,
        staking: &staking.staking_output(),
        transaction: staking.unsigned(),
        parameters: &parameters,
        parameters_at: ParametersAt::Version(0),
    };
    let mut delegation = Delegation::signed(&new, &staker).expect("signed");
    delegation.proof_of_possession = Some(possession(&staker));
    delegation.covenant_signatures = signed(&delegation, &parameters);
    delegation
}

fn signed(delegation: &Delegation, parameters: &Parameters) -> Vec<staking_scripts::CovenantSignatures> {
    let checked = delegation.check_under(parameters, None, ChainRules::MAINNET).expect("every rule is kept");
    members(0).iter().take(6).map(|member| covenant_signatures(&checked, member)).collect()
}

pub(crate) fn evidence() -> Evidence {
    let key = key("provider", 0);
    let vote = |byte: u8| {
        let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(7), [byte; 32]);
        let randomness = SecretRandomness::derive(&key, b"bbn-1", 7);
        let public = *randomness.public_randomness();
        (message, sign(&key, randomness, &message.to_bytes()).expect("a signature"), public)
    };
    let ((canonical, canonical_signature, public_randomness), (fork, fork_signature, _)) = (vote(1), vote(2));
    Evidence {
        public_key: *key.public_key(),
        public_randomness,
        canonical,
        canonical_signature,
        fork,
        fork_signature,
    }
}
