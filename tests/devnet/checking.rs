//! What the library makes of the stakes on a network: whether they keep the rules, what covenant members sign
//! of them then, and their status.

use babylon::{Message, query};
use bitcoin::absolute::Height;
use bitcoin::{Network, OutPoint, Txid};
use chain::{Coin, Lookup as _};
use finality::SigningContext;
use spv::Anchor;
use staking_scripts::delegation::{
    ChainRules, CheckRules, CovenantSignatures, InForce, MemoryCovenantRecord, Spending, StakeOnChain,
};
use staking_scripts::{Delegation, Parameters, StakeStatus};

use crate::devnet::Devnet;

pub(crate) fn at(height: u32) -> Height {
    Height::from_consensus(height).unwrap()
}

/// The parameters in force at a height.
pub(crate) fn parameters_at(devnet: &Devnet, height: u32) -> &Parameters {
    devnet.parameters.in_force(at(height)).unwrap().1
}

/// The rules of the network, as they are now.
pub(crate) fn rules(devnet: &Devnet) -> CheckRules<'_> {
    CheckRules {
        history: &devnet.parameters,
        in_force: InForce::At(at(devnet.tip())),
        chain: ChainRules {
            network: Network::Regtest,
            depth: devnet.depth,
            signing_context: SigningContext::GENESIS,
            anchor: Anchor::NONE,
        },
    }
}

/// What covenant members sign of a stake, once they have checked it. The chain has judged which parameters
/// hold when the stake was registered.
pub(crate) fn covenant_signatures(
    devnet: &Devnet,
    delegation: &Delegation,
    members: &[usize],
) -> Vec<CovenantSignatures> {
    let rules = CheckRules { in_force: InForce::AsStated, ..rules(devnet) };
    let checked = delegation.check(&rules).unwrap();
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
