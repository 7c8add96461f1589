//! Providers and stakes on a network, with everyone's signatures.

use babylon::Message;
use babylon::message::{CommissionRates, ProviderDescription};
use bitcoin::absolute::Height;
use bitcoin::{Amount, FeeRate, Network, Txid};
use chain::ChainSource as _;
use eots::SecretKey;
use finality::{PossessionMessage, SigningContext};
use spv::Anchor;
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::delegation::{
    ChainRules, CheckRules, InForce, MemoryCovenantRecord, NewDelegation, ParametersAt,
};
use staking_scripts::outputs::StakedTo;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    Delegation, FundingCoin, Parties, ProofOfPossession, StakingOutput, StakingTransaction, Timelock,
};

use crate::devnet::Devnet;

/// Registers a provider of the network's account, and tells the chain of Bitcoin's blocks.
pub(crate) fn register_provider(devnet: &Devnet, provider: &SecretKey) {
    let address = devnet.account().address().clone();
    let message = PossessionMessage::new(SigningContext::GENESIS, address.clone()).unwrap();
    let proof = ProofOfPossession::create_bip340(provider, &message).unwrap();
    let rate = |text: &str| text.parse().unwrap();
    let commission =
        CommissionRates { rate: rate("0.05"), max_rate: rate("0.2"), max_change_rate: rate("0.01") };
    let description = ProviderDescription { moniker: "own".to_owned(), ..ProviderDescription::default() };
    devnet.send(&[
        Message::create_finality_provider(&address, provider.public_key(), &description, commission, &proof),
        Message::insert_headers(&address, &devnet.new_headers()),
    ]);
}

/// Registers a stake, has it signed by two of three, and proves that it is in Bitcoin: it is active.
pub(crate) fn activate(devnet: &Devnet, staker: &SecretKey, provider: &SecretKey) -> Txid {
    let (delegation, staking) = stake(devnet, staker, provider);
    let id = delegation.staking_transaction.compute_txid();
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
    devnet.send(&covenant_messages(devnet, &delegation, &[0, 1]));
    let signed = sign_key_path(staking.psbt(), &devnet.wallet).unwrap();
    let included = devnet.confirm(&staking.finalize(&signed).unwrap());
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    let (address, block) = (devnet.account().address().clone(), included.header.block_hash());
    devnet.send(&[Message::add_inclusion_proof(&address, id, block, &included.proof)]);
    id
}

/// A stake that is made for the parameters in force, with everyone's signatures on it.
pub(crate) fn stake(
    devnet: &Devnet,
    staker: &SecretKey,
    provider: &SecretKey,
) -> (Delegation, StakingTransaction) {
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
pub(crate) fn covenant_messages(devnet: &Devnet, delegation: &Delegation, members: &[usize]) -> Vec<Message> {
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
