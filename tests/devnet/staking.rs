//! Providers and stakes on a network, with everyone's signatures.

use babylon::Message;
use babylon::message::{CommissionRates, ProviderDescription};
use babylon::query;
use bitcoin::absolute::Height;
use bitcoin::{Amount, FeeRate, Network, OutPoint, Transaction, Txid};
use chain::{Coin, Lookup as _};
use eots::SecretKey;
use finality::{PossessionMessage, SigningContext};
use spv::Anchor;
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{
    ChainRules, CheckRules, CovenantSignatures, InForce, MemoryCovenantRecord, NewDelegation, ParametersAt,
    Spending, StakeOnChain,
};
use staking_scripts::outputs::StakedTo;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    Delegation, FundingCoin, Parameters, Parties, ProofOfPossession, StakeStatus, StakingOutput,
    StakingTransaction, Timelock,
};

use crate::devnet::{Devnet, Included};

/// The staking time, where a flow does not care.
pub(crate) const STAKING_BLOCKS: u32 = 400;

/// A stake that is active, as its staker knows it.
pub(crate) struct ActiveStake {
    pub(crate) id: Txid,
    pub(crate) delegation: Delegation,
    /// Where its staking transaction is in Bitcoin.
    pub(crate) included: Included,
}

pub(crate) fn at(height: u32) -> Height {
    Height::from_consensus(height).unwrap()
}

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
pub(crate) fn activate(devnet: &Devnet, staker: &SecretKey, provider: &SecretKey) -> ActiveStake {
    activate_for(devnet, staker, provider, STAKING_BLOCKS)
}

/// The same, with another staking time.
pub(crate) fn activate_for(
    devnet: &Devnet,
    staker: &SecretKey,
    provider: &SecretKey,
    blocks: u32,
) -> ActiveStake {
    let staking = staking_transaction(devnet, staker, provider, blocks);
    let delegation = presigned(devnet, &staking, staker, devnet.tip());
    let id = staking.txid();
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
    devnet.send(&covenant_messages(devnet, &delegation, &[0, 1]));
    let included = devnet.confirm(&finalized(devnet, &staking));
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    devnet.send(&[inclusion(devnet, id, &included)]);
    ActiveStake { id, delegation, included }
}

/// The message that proves that a stake is in Bitcoin.
pub(crate) fn inclusion(devnet: &Devnet, stake: Txid, included: &Included) -> Message {
    let (address, block) = (devnet.account().address().clone(), included.header.block_hash());
    Message::add_inclusion_proof(&address, stake, block, &included.proof)
}

/// The message that reports that a stake's output was spent.
pub(crate) fn undelegation(
    devnet: &Devnet,
    stake: Txid,
    (spending, included): (&Transaction, &Included),
    funding: &[Transaction],
) -> Message {
    let (address, block) = (devnet.account().address().clone(), included.header.block_hash());
    Message::undelegate(&address, stake, spending, block, &included.proof, funding)
}

/// A stake that is made for the parameters in force, with its staker's signatures.
pub(crate) fn stake(
    devnet: &Devnet,
    staker: &SecretKey,
    provider: &SecretKey,
) -> (Delegation, StakingTransaction) {
    let staking = staking_transaction(devnet, staker, provider, STAKING_BLOCKS);
    (presigned(devnet, &staking, staker, devnet.tip()), staking)
}

/// The parameters in force at a height.
pub(crate) fn parameters_at(devnet: &Devnet, height: u32) -> &Parameters {
    devnet.parameters.in_force(at(height)).unwrap().1
}

/// A staking output of the committee in force.
pub(crate) fn staking_output(
    devnet: &Devnet,
    staker: &SecretKey,
    provider: &SecretKey,
    blocks: u32,
) -> StakingOutput {
    let covenant = parameters_at(devnet, devnet.tip()).covenant().clone();
    let parties = Parties::new(*staker.public_key(), [*provider.public_key()], covenant).unwrap();
    StakingOutput::new(parties, Timelock::from_blocks(blocks).unwrap()).unwrap()
}

/// The transaction of a stake, of coins that nothing else spends.
pub(crate) fn staking_transaction(
    devnet: &Devnet,
    staker: &SecretKey,
    provider: &SecretKey,
    blocks: u32,
) -> StakingTransaction {
    let staking = StakingTransaction::build(NewStake {
        output: staking_output(devnet, staker, provider, blocks),
        amount: Amount::from_sat(500_000),
        coins: &funding_coins(devnet.coins()),
        change: devnet.wallet_script(),
        fee_rate: FeeRate::from_sat_per_vb_u32(2),
        op_return_tag: None,
    })
    .unwrap();
    devnet.set_aside(staking.unsigned());
    staking
}

pub(crate) fn funding_coins(coins: Vec<Coin>) -> Vec<FundingCoin> {
    coins.into_iter().map(|coin| FundingCoin::new(coin.outpoint, coin.output).unwrap()).collect()
}

/// The staking transaction with the wallet's signatures.
pub(crate) fn finalized(devnet: &Devnet, staking: &StakingTransaction) -> Transaction {
    staking.finalize(&sign_key_path(staking.psbt(), &devnet.wallet).unwrap()).unwrap()
}

/// What a staker registers: the transactions that the parameters of this height ask for, signed, and the
/// proof of possession.
pub(crate) fn presigned(
    devnet: &Devnet,
    staking: &StakingTransaction,
    staker: &SecretKey,
    height: u32,
) -> Delegation {
    let output = staking.staking_output();
    let [provider] = output.output().parties().finality_providers().as_slice() else {
        panic!("a stake of these flows has one provider");
    };
    let new = NewDelegation {
        staked_to: &StakedTo::Genesis(*provider),
        staking: &output,
        transaction: staking.unsigned(),
        parameters: parameters_at(devnet, height),
        parameters_at: ParametersAt::Height(at(height)),
    };
    let mut delegation = Delegation::signed(&new, staker).unwrap();
    delegation.proof_of_possession = Some(possession(devnet, staker));
    delegation
}

/// A staker's proof of possession, for the network's account.
pub(crate) fn possession(devnet: &Devnet, staker: &SecretKey) -> (PossessionMessage, ProofOfPossession) {
    let address = devnet.account().address().clone();
    let message = PossessionMessage::new(SigningContext::GENESIS, address).unwrap();
    let proof = ProofOfPossession::create_bip340(staker, &message).unwrap();
    (message, proof)
}

/// The rules of these networks.
pub(crate) fn rules(devnet: &Devnet, in_force: InForce) -> CheckRules<'_> {
    let chain = ChainRules {
        network: Network::Regtest,
        depth: devnet.depth,
        signing_context: SigningContext::GENESIS,
        anchor: Anchor::NONE,
    };
    CheckRules { history: &devnet.parameters, in_force, chain }
}

/// What covenant members sign of a stake, once they have checked it. The chain has judged which parameters
/// hold when the stake was registered.
pub(crate) fn covenant_signatures(
    devnet: &Devnet,
    delegation: &Delegation,
    members: &[usize],
) -> Vec<CovenantSignatures> {
    let checked = delegation.check(&rules(devnet, InForce::AsStated)).unwrap();
    let sign = |member: &usize| {
        let mut record = MemoryCovenantRecord::default();
        checked.sign_as_covenant_member(&devnet.covenant[*member], &[9; 32], &mut record).unwrap()
    };
    members.iter().map(sign).collect()
}

/// What covenant members send for a stake.
pub(crate) fn covenant_messages(devnet: &Devnet, delegation: &Delegation, members: &[usize]) -> Vec<Message> {
    let stake = delegation.staking_transaction.compute_txid();
    let address = devnet.account().address().clone();
    let signatures = covenant_signatures(devnet, delegation, members);
    signatures.iter().map(|given| Message::add_covenant_signatures(&address, stake, given)).collect()
}

/// The status of a stake as the library works it out: of what the chain answers of the stake, and what
/// Bitcoin has of its transactions.
pub(crate) fn own_status(devnet: &Devnet, stake: Txid) -> StakeStatus {
    let node = &devnet.network.rpc;
    let mut delegation = query::delegation(node, stake).unwrap().unwrap();
    let running = delegation.extends.as_ref().map(|running| running.txid);
    let running = running.map(|running| query::delegation(node, running).unwrap().unwrap());
    running.iter().for_each(|running| delegation.set_previous(running).unwrap());
    let (_, parameters) = delegation.parameters(&devnet.parameters).unwrap();
    let previous = delegation.previous_parameters(&devnet.parameters).map(Parameters::covenant);
    let staking = delegation.stake(parameters.covenant()).unwrap().staking.outpoint();
    let unbonding = delegation.unbonding(parameters.covenant()).unwrap().unbonding_output().outpoint();
    let found = devnet.bitcoin.transaction(&stake).unwrap();
    let included = found.and_then(|found| found.block).map(|block| at(block.height.to_u32()));
    let chain = StakeOnChain {
        included,
        spent: spending(devnet, staking),
        unbonding_spent: spending(devnet, unbonding),
        ..StakeOnChain::at(at(devnet.tip()))
    };
    delegation.state(&chain, parameters.covenant(), previous, devnet.depth).unwrap().status
}

/// What spends an output in Bitcoin, where that has both.
fn spending(devnet: &Devnet, outpoint: OutPoint) -> Option<Spending> {
    let found = devnet.bitcoin.transaction(&outpoint.txid).unwrap()?;
    let spender = devnet.bitcoin.spender(&Coin::of(&found, outpoint.vout)?).unwrap()?;
    Spending::of(&spender.transaction, outpoint, at(spender.block?.height.to_u32()))
}
