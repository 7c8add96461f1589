//! Providers and stakes on a network, with the signatures of whoever they belong to.

use babylon::Message;
use babylon::message::{CommissionRates, ProviderDescription};
use bitcoin::{Amount, FeeRate, Transaction, Txid};
use chain::Coin;
use eots::SecretKey;
use finality::{AccountAddress, PossessionMessage, SigningContext};
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{NewDelegation, ParametersAt};
use staking_scripts::outputs::StakedTo;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    Delegation, Funded, FundingCoin, Parameters, Parties, ProofOfPossession, StakingOutput,
    StakingTransaction, Timelock,
};

use crate::checking::{at, covenant_messages, parameters_at};
use crate::devnet::{Devnet, Included};

/// The staking time, where a flow does not care.
pub(crate) const STAKING_BLOCKS: u32 = 400;

/// Registers a provider of the network's account, and tells the chain of Bitcoin's blocks.
pub(crate) fn register_provider(devnet: &Devnet, provider: &SecretKey) {
    let address = devnet.account().address().clone();
    let (_, proof) = prove_possession(provider, &address);
    devnet.send(&[
        provider_message(&address, provider, &proof),
        Message::insert_headers(&address, &devnet.new_headers()),
    ]);
}

/// What registers a provider of this account.
pub(crate) fn provider_message(
    address: &AccountAddress,
    provider: &SecretKey,
    proof: &ProofOfPossession,
) -> Message {
    let rate = |text: &str| text.parse().unwrap();
    let commission =
        CommissionRates { rate: rate("0.05"), max_rate: rate("0.2"), max_change_rate: rate("0.01") };
    let description = ProviderDescription { moniker: "own".to_owned(), ..ProviderDescription::default() };
    Message::create_finality_provider(address, provider.public_key(), &description, commission, proof)
}

/// What a proof of possession for this account is over.
pub(crate) fn possession(address: &AccountAddress) -> PossessionMessage {
    PossessionMessage::new(SigningContext::GENESIS, address.clone()).unwrap()
}

/// The usual proof of possession for this account, BIP-340, and what it is over.
pub(crate) fn prove_possession(
    key: &SecretKey,
    address: &AccountAddress,
) -> (PossessionMessage, ProofOfPossession) {
    let message = possession(address);
    let proof = ProofOfPossession::create_bip340(key, &message).unwrap();
    (message, proof)
}

/// What a stake is made of.
pub(crate) struct Plan<'a> {
    pub(crate) staker: &'a SecretKey,
    pub(crate) staked_to: StakedTo,
    pub(crate) amount_sat: u64,
    pub(crate) blocks: u32,
    pub(crate) op_return_tag: Option<[u8; 4]>,
    /// What it is made under.
    pub(crate) parameters: Parameters,
    /// Where it says that these are in force.
    pub(crate) parameters_at: ParametersAt,
}

impl<'a> Plan<'a> {
    /// A stake under the parameters in force.
    pub(crate) fn new(devnet: &Devnet, staker: &'a SecretKey, provider: &SecretKey) -> Self {
        Self::under(devnet, staker, provider, devnet.tip())
    }

    /// A stake under the parameters of this height.
    pub(crate) fn under(devnet: &Devnet, staker: &'a SecretKey, provider: &SecretKey, height: u32) -> Self {
        Self {
            staker,
            staked_to: StakedTo::Genesis(*provider.public_key()),
            amount_sat: 500_000,
            blocks: STAKING_BLOCKS,
            op_return_tag: None,
            parameters: parameters_at(devnet, height).clone(),
            parameters_at: ParametersAt::Height(at(height)),
        }
    }

    pub(crate) fn output(&self) -> StakingOutput {
        let covenant = self.parameters.covenant().clone();
        let parties = Parties::new(*self.staker.public_key(), self.staked_to.keys(), covenant).unwrap();
        StakingOutput::new(parties, Timelock::from_blocks(self.blocks).unwrap()).unwrap()
    }

    /// The staking transaction, of coins that nothing else spends.
    pub(crate) fn transaction(&self, devnet: &Devnet) -> StakingTransaction {
        let staking = StakingTransaction::build(NewStake {
            output: self.output(),
            amount: Amount::from_sat(self.amount_sat),
            coins: &funding_coins(devnet.coins()),
            change: devnet.wallet_script(),
            fee_rate: FeeRate::from_sat_per_vb_u32(2),
            op_return_tag: self.op_return_tag,
        })
        .unwrap();
        devnet.set_aside(staking.unsigned());
        staking
    }

    /// What the staker registers of a staking transaction: with the other transactions that the parameters
    /// ask for, signed, and the proof of possession.
    pub(crate) fn presign(
        &self,
        devnet: &Devnet,
        staking: &Funded<StakingOutput>,
        transaction: &Transaction,
    ) -> Delegation {
        let Self { staked_to, parameters, parameters_at, .. } = self;
        let new =
            NewDelegation { staked_to, staking, transaction, parameters, parameters_at: *parameters_at };
        let mut delegation = Delegation::signed(&new, self.staker).unwrap();
        delegation.proof_of_possession = Some(prove_possession(self.staker, devnet.account().address()));
        delegation
    }

    /// Makes the stake, with the staker's signatures on it.
    pub(crate) fn make(&self, devnet: &Devnet) -> (Delegation, StakingTransaction) {
        let staking = self.transaction(devnet);
        (self.presign(devnet, &staking.staking_output(), staking.unsigned()), staking)
    }

    /// Registers the stake, has it signed by two of three, and proves that it is in Bitcoin: it is active.
    pub(crate) fn activate(&self, devnet: &Devnet) -> ActiveStake {
        let (delegation, staking) = self.make(devnet);
        let id = staking.txid();
        devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
        devnet.send(&covenant_messages(devnet, &delegation, &[0, 1]));
        let included = devnet.confirm(&finalized(devnet, &staking));
        devnet.mine(devnet.depth);
        devnet.tell_headers();
        devnet.send(&[inclusion(devnet, id, &included)]);
        ActiveStake { id, delegation, included }
    }
}

/// A stake that is made for the parameters in force, with its staker's signatures.
pub(crate) fn stake(
    devnet: &Devnet,
    staker: &SecretKey,
    provider: &SecretKey,
) -> (Delegation, StakingTransaction) {
    Plan::new(devnet, staker, provider).make(devnet)
}

/// A stake that is active, as its staker knows it.
pub(crate) struct ActiveStake {
    pub(crate) id: Txid,
    pub(crate) delegation: Delegation,
    /// Where its staking transaction is in Bitcoin.
    pub(crate) included: Included,
}

/// A stake that is made for the parameters in force, and active.
pub(crate) fn activate(devnet: &Devnet, staker: &SecretKey, provider: &SecretKey) -> ActiveStake {
    Plan::new(devnet, staker, provider).activate(devnet)
}

pub(crate) fn funding_coins(coins: Vec<Coin>) -> Vec<FundingCoin> {
    coins.into_iter().map(|coin| FundingCoin::new(coin.outpoint, coin.output).unwrap()).collect()
}

/// The staking transaction with the wallet's signatures.
pub(crate) fn finalized(devnet: &Devnet, staking: &StakingTransaction) -> Transaction {
    staking.finalize(&sign_key_path(staking.psbt(), &devnet.wallet).unwrap()).unwrap()
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
