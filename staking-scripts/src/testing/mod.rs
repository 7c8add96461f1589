//! Fixtures for tests: keys that are derived from a name and a number, parameters of mainnet's shape with
//! such keys, and delegations that keep every rule.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a fixture that cannot be made fails the test"
)]

mod lost;
mod scene;

use bitcoin::block::Header;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Transaction, TxOut, Txid, XOnlyPublicKey};
use eots::SecretKey;
use finality::{Operation, SigningContext};

use crate::coins::{FundingCoin, key_path_script};
use crate::delegation::{
    ChainRules, CheckedDelegation, CovenantSignatures, Delegation, MemoryCovenantRecord, NewDelegation,
    NewExtendedDelegation, ParametersAt, StakeInclusion,
};
use crate::outputs::{ConsumerProviders, CovenantCommittee, Parties, StakedTo, StakingOutput, Timelock};
use crate::parameters::{Parameters, ParametersHistory};
use crate::possession::{PossessionMessage, ProofOfPossession};
use crate::transactions::{ExtensionTransaction, Funded, NewExtension, NewStake, StakingTransaction};
use spv::InclusionProof;
use spv::testing::{block_with, mine};

pub use self::lost::{lost_scripts, made_under};
pub use self::scene::Scene;

/// The account of [`possession`] on Babylon Genesis.
pub const ACCOUNT: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

/// Returns the secret key of this name and number.
pub fn key(name: &str, number: usize) -> SecretKey {
    SecretKey::from_bytes(&sha256::Hash::hash(format!("{name} {number}").as_bytes()).to_byte_array()).unwrap()
}

/// Returns the keys of this name with the numbers from 0.
pub fn keys(name: &str, count: usize) -> Vec<SecretKey> {
    (0..count).map(|number| key(name, number)).collect()
}

/// Returns the public keys, in the same order.
pub fn public(keys: &[SecretKey]) -> Vec<XOnlyPublicKey> {
    keys.iter().map(|key| *key.public_key()).collect()
}

/// Returns the nine covenant members of [`parameters`], from this number on.
pub fn members(first_member: usize) -> Vec<SecretKey> {
    (first_member..first_member + 9).map(|number| key("member", number)).collect()
}

/// Returns the parties of a stake with these keys; `quorum` of the covenant members must sign.
pub fn parties(staker: &SecretKey, providers: &[SecretKey], covenant: &[SecretKey], quorum: u16) -> Parties {
    let committee = CovenantCommittee::new(public(covenant), quorum).unwrap();
    Parties::new(*staker.public_key(), public(providers), committee).unwrap()
}

/// Returns versions of mainnet's shape with keys of these fixtures, each in force 1000 blocks after the one
/// before: nine members from the number given, a quorum of six, in an order that is not sorted.
pub fn history(first_members: &[usize]) -> ParametersHistory<Parameters> {
    history_changed(first_members, |_, _| {})
}

/// Returns a [`history`] whose versions are changed. `change` receives the version's number, and its fields
/// in a node's JSON.
pub fn history_changed(
    first_members: &[usize],
    change: impl Fn(u64, &mut serde_json::Value),
) -> ParametersHistory<Parameters> {
    ParametersHistory::from_json(&history_file(first_members, change)).unwrap()
}

/// Returns the file of a [`history_changed`].
pub fn history_file(first_members: &[usize], change: impl Fn(u64, &mut serde_json::Value)) -> String {
    let mut file: serde_json::Value =
        serde_json::from_str(include_str!("../../data/mainnet-parameters.json")).unwrap();
    let first = file["params"][0].clone();
    let height = first["params"]["btc_activation_height"].as_u64().unwrap();
    let versions = (0_u64..).zip(first_members).map(|(number, first_member)| {
        let mut version = first.clone();
        version["version"] = number.into();
        let members: Vec<String> =
            members(*first_member).iter().map(|member| member.public_key().to_string()).collect();
        let fields = &mut version["params"];
        fields["covenant_pks"] = serde_json::json!(members);
        fields["min_staking_time_blocks"] = 1000.into();
        fields["btc_activation_height"] = (height + 1000 * number).into();
        change(number, fields);
        version
    });
    file["params"] = versions.collect::<Vec<_>>().into();
    file.to_string()
}

/// Returns the only version of a [`history`].
pub fn parameters(first_member: usize) -> Parameters {
    history(&[first_member]).get(0).unwrap().clone()
}

/// Returns [`parameters`] from member 0 on, with changed fields in a node's JSON.
pub fn parameters_changed(change: impl Fn(&mut serde_json::Value)) -> Parameters {
    history_changed(&[0], |_, fields| change(fields)).get(0).unwrap().clone()
}

/// Returns a coin of the wallet, `key("wallet", 0)`.
pub fn coin(number: u8, sat: u64) -> FundingCoin {
    let outpoint = OutPoint::new(Txid::from_byte_array([number; 32]), 0);
    FundingCoin::new(outpoint, TxOut { value: Amount::from_sat(sat), script_pubkey: wallet() }).unwrap()
}

/// Returns the wallet's script pubkey.
pub fn wallet() -> ScriptBuf {
    key_path_script(key("wallet", 0).public_key())
}

/// Returns a proof of possession with this message.
pub fn proven(staker: &SecretKey, message: PossessionMessage) -> (PossessionMessage, ProofOfPossession) {
    let proof = ProofOfPossession::create_bip340(staker, &message).unwrap();
    (message, proof)
}

/// Returns a proof of possession for Babylon Genesis.
pub fn possession(staker: &SecretKey) -> (PossessionMessage, ProofOfPossession) {
    proven(staker, PossessionMessage::new(SigningContext::GENESIS, ACCOUNT.parse().unwrap()).unwrap())
}

fn context() -> SigningContext {
    SigningContext::consumer(Operation::StakerPop, "a-consumer", ACCOUNT)
}

/// Returns a consumer chain's rules.
pub fn consumer_rules() -> ChainRules {
    ChainRules { signing_context: context(), ..ChainRules::MAINNET }
}

/// Returns a proof of possession for the consumer chain of [`consumer_rules`].
pub fn consumer_possession(staker: &SecretKey) -> (PossessionMessage, ProofOfPossession) {
    proven(staker, PossessionMessage::new(context(), ACCOUNT.parse().unwrap()).unwrap())
}

/// Returns the one finality provider of Babylon Genesis.
pub fn genesis() -> StakedTo {
    StakedTo::Genesis(*key("provider", 0).public_key())
}

/// Returns a finality provider for each of this many consumer chains.
pub fn consumers(count: usize) -> StakedTo {
    let providers = keys("provider", count);
    let named = providers.iter().enumerate().map(|(n, key)| (format!("chain-{n}"), *key.public_key()));
    StakedTo::Consumers(ConsumerProviders::new(named).unwrap())
}

/// Returns the staking output of `key("staker", 0)`.
pub fn output(staked_to: &StakedTo, parameters: &Parameters, blocks: u32) -> StakingOutput {
    output_of(0, staked_to, parameters, blocks)
}

fn output_of(staker: usize, staked_to: &StakedTo, parameters: &Parameters, blocks: u32) -> StakingOutput {
    let parties = parameters.parties(*key("staker", staker).public_key(), staked_to.keys()).unwrap();
    StakingOutput::new(parties, Timelock::from_blocks(blocks).unwrap()).unwrap()
}

/// Returns the delegation of the stake in `transaction`, signed by the staker. It names version 0.
pub fn delegation_for(
    staking: &Funded<StakingOutput>,
    transaction: &Transaction,
    staked_to: &StakedTo,
    parameters: &Parameters,
) -> Delegation {
    delegation_of(0, staking, transaction, staked_to, parameters)
}

fn delegation_of(
    staker: usize,
    staking: &Funded<StakingOutput>,
    transaction: &Transaction,
    staked_to: &StakedTo,
    parameters: &Parameters,
) -> Delegation {
    let staker = key("staker", staker);
    let parameters_at = ParametersAt::Version(0);
    let stake = NewDelegation { staked_to, staking, transaction, parameters, parameters_at };
    let mut delegation = Delegation::signed(&stake, &staker).unwrap();
    delegation.proof_of_possession = Some(match staked_to {
        StakedTo::Genesis(_) => possession(&staker),
        StakedTo::Consumers(_) => consumer_possession(&staker),
    });
    delegation
}

/// Returns a staking transaction of 1 000 000 sat for 2000 blocks to the provider of Babylon Genesis.
pub fn staking_transaction(coins: &[FundingCoin], parameters: &Parameters) -> StakingTransaction {
    staking_of(0, &genesis(), coins, parameters)
}

fn staking_of(
    staker: usize,
    staked_to: &StakedTo,
    coins: &[FundingCoin],
    parameters: &Parameters,
) -> StakingTransaction {
    StakingTransaction::build(NewStake {
        output: output_of(staker, staked_to, parameters, 2000 + more(staker)),
        amount: Amount::from_sat(1_000_000 + u64::from(more(staker))),
        coins,
        change: wallet(),
        fee_rate: FeeRate::from_sat_per_vb_u32(5),
        op_return_tag: None,
    })
    .unwrap()
}

/// By how many blocks, and satoshis, the stakes of this staker differ from those of the first.
fn more(staker: usize) -> u32 {
    100 * u32::try_from(staker).unwrap()
}

/// Returns a delegation of 1 000 000 sat for 2000 blocks that keeps every rule, without the covenant's
/// signatures, and its parameters.
pub fn honest(staked_to: StakedTo) -> (Delegation, Parameters) {
    honest_of(0, &staked_to)
}

fn honest_of(staker: usize, staked_to: &StakedTo) -> (Delegation, Parameters) {
    let parameters = parameters(0);
    let number = u8::try_from(staker).unwrap();
    let staking = staking_of(staker, staked_to, &[coin(1 + 100 * number, 2_000_000)], &parameters);
    let delegation =
        delegation_of(staker, &staking.staking_output(), staking.unsigned(), staked_to, &parameters);
    (delegation, parameters)
}

/// Returns a covenant member's signatures for a stake, with a new record and the same bytes each time.
pub fn covenant_signatures(checked: &CheckedDelegation, member: &SecretKey) -> CovenantSignatures {
    checked.sign_as_covenant_member(member, &[0; 32], &mut MemoryCovenantRecord::default()).unwrap()
}

/// A delegation that extends another, with the other and the parameters of both.
#[derive(Debug, Clone)]
pub struct Extended {
    /// The extension's delegation. It names version 1.
    pub delegation: Delegation,
    /// The running stake's delegation. It names version 0.
    pub previous: Delegation,
    /// The running stake's parameters.
    pub old: Parameters,
    /// The extension's parameters.
    pub new: Parameters,
    /// Both versions.
    pub history: ParametersHistory<Parameters>,
}

/// Returns a stake for two chains, extended to a third one, under a committee with two new members.
pub fn extended() -> Extended {
    extended_of(0)
}

/// Returns an [`extended`] stake of `key("staker", staker)`, with other coins, amounts and times for each.
pub fn extended_of(staker: usize) -> Extended {
    let (previous, old) = honest_of(staker, &consumers(2));
    extended_from(staker, previous, old)
}

/// Returns an [`extended_of`] stake that extends this one, of the same staker.
pub fn extended_from(staker: usize, previous: Delegation, old: Parameters) -> Extended {
    let history = history(&[0, 2]);
    let new = history.get(1).unwrap().clone();
    let running = previous.check_under(&old, None, consumer_rules()).unwrap().staking().clone();
    let number = u8::try_from(staker).unwrap();
    let (coin, staked_to) = (coin(7 + 100 * number, 900_000 + u64::from(more(staker))), consumers(3));
    let extension = ExtensionTransaction::build(NewExtension {
        previous: &running,
        output: output_of(staker, &staked_to, &new, 3000 + more(staker)),
        amount: Amount::from_sat(1_500_000 + u64::from(more(staker))),
        coins: std::slice::from_ref(&coin),
        change: wallet(),
        fee_rate: FeeRate::from_sat_per_vb_u32(5),
    })
    .unwrap();
    let extended = NewExtendedDelegation {
        extension: &extension,
        staked_to: &staked_to,
        parameters: &new,
        parameters_at: ParametersAt::Version(1),
    };
    let mut delegation = Delegation::extending(&previous, &extended).unwrap();
    delegation.sign_as_staker(&key("staker", staker), &new).unwrap();
    delegation.proof_of_possession = Some(consumer_possession(&key("staker", staker)));
    Extended { delegation, previous, old, new, history }
}

/// Returns an [`honest`] delegation for Babylon Genesis whose staking transaction is in a block of regtest at
/// this height, with this many blocks on it, and its parameters.
pub fn included(height: u32, depth: usize) -> (Delegation, Parameters) {
    included_of(0, height, depth)
}

/// Returns an [`included`] delegation of `key("staker", staker)`; each has another coin, amount and time.
pub fn included_of(staker: usize, height: u32, depth: usize) -> (Delegation, Parameters) {
    let (mut delegation, parameters) = honest_of(staker, &genesis());
    let block = block_with(delegation.staking_transaction.clone());
    let mut headers: Vec<Header> = vec![block.header];
    for _ in 0..depth {
        let before = headers[headers.len() - 1];
        let mut header = Header { prev_blockhash: before.block_hash(), nonce: 0, ..before };
        mine(&mut header, true);
        headers.push(header);
    }
    let proof = InclusionProof::from_block(&block, block.txdata[1].compute_txid()).unwrap();
    delegation.inclusion = Some(StakeInclusion { height, proof, headers });
    (delegation, parameters)
}
