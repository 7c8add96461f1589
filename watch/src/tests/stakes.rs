//! Stakes with everybody's signatures, made once.

use std::sync::LazyLock;

use bitcoin::{Amount, FeeRate, Psbt, Transaction};
use eots::{SecretKey, SecretRandomness, sign};
use finality::{ConsumerHeight, Evidence, SigningContext, VoteMessage};
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{
    ChainRules, CovenantSignatures, NewDelegation, NewExtendedDelegation, ParametersAt, SlashedOutput,
};
use staking_scripts::outputs::{StakedTo, StakingOutput, Timelock};
use staking_scripts::testing::{coin, covenant_signatures, history, key, members, possession, wallet};
use staking_scripts::transactions::{LeafTransaction as _, NewExtension, NewStake, StakingTransaction};
use staking_scripts::{Delegation, ExtensionTransaction, Parameters, ParametersHistory};

/// A stake, and its transactions with all signatures.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) delegation: Delegation,
    pub(super) staking: Transaction,
    pub(super) unbonding: Transaction,
    /// Its extension.
    pub(super) child: Option<Box<Made>>,
}

/// How many stakes there are without the extensions.
pub(super) const STAKES: usize = 6;

pub(super) static PARAMETERS: LazyLock<ParametersHistory<Parameters>> = LazyLock::new(|| history(&[0]));

/// Stakes to provider 0, but for the last two, which are to provider 1. The second one has an extension.
pub(super) static MADE: LazyLock<Vec<Made>> = LazyLock::new(|| (0..STAKES).map(make).collect());

fn parameters() -> &'static Parameters {
    PARAMETERS.get(0).unwrap()
}

pub(super) fn provider_of(number: usize) -> usize {
    usize::from(number >= STAKES - 2)
}

fn staked_to(number: usize) -> StakedTo {
    StakedTo::Genesis(*key("provider", provider_of(number)).public_key())
}

fn output(number: usize, blocks: u32) -> StakingOutput {
    let staker = *key("staker", number).public_key();
    let parties = parameters().parties(staker, staked_to(number).keys()).unwrap();
    StakingOutput::new(parties, Timelock::from_blocks(blocks).unwrap()).unwrap()
}

/// Signed by the wallet, which has every coin.
fn funded(psbt: &Psbt) -> Transaction {
    let signed = sign_key_path(psbt, &key("wallet", 0)).unwrap();
    let mut transaction = signed.unsigned_tx;
    for (input, signed) in transaction.input.iter_mut().zip(&signed.inputs) {
        if let Some(signature) = &signed.tap_key_sig {
            input.witness = bitcoin::Witness::p2tr_key_spend(signature);
        }
    }
    transaction
}

/// One more, to provider 1, whose staking transaction announces it as those of phase 1 did.
pub(super) static ANNOUNCED: LazyLock<Made> = LazyLock::new(|| make_announced(STAKES, Some(*b"bbn1")));

fn make(number: usize) -> Made {
    make_announced(number, None)
}

fn make_announced(number: usize, op_return_tag: Option<[u8; 4]>) -> Made {
    let coins = [coin(u8::try_from(number).unwrap(), 2_000_000)];
    let blocks = 2000 + u32::try_from(number).unwrap();
    let staking = StakingTransaction::build(NewStake {
        output: output(number, blocks),
        amount: Amount::from_sat(1_000_000),
        coins: &coins,
        change: wallet(),
        fee_rate: FeeRate::from_sat_per_vb_u32(5),
        op_return_tag,
    })
    .unwrap();
    let new = NewDelegation {
        staked_to: &staked_to(number),
        staking: &staking.staking_output(),
        transaction: staking.unsigned(),
        parameters: parameters(),
        parameters_at: ParametersAt::Version(0),
    };
    let mut delegation = Delegation::signed(&new, &key("staker", number)).unwrap();
    delegation.proof_of_possession = Some(possession(&key("staker", number)));
    let child = (number == 1).then(|| Box::new(extend(number, &delegation)));
    finish(number, delegation, funded(staking.psbt()), child)
}

fn extend(number: usize, previous: &Delegation) -> Made {
    let running = previous.stake(parameters().covenant()).unwrap().staking;
    let coins = [coin(100 + u8::try_from(number).unwrap(), 900_000)];
    let extension = ExtensionTransaction::build(NewExtension {
        previous: &running,
        output: output(number, 3000),
        amount: Amount::from_sat(1_500_000),
        coins: &coins,
        change: wallet(),
        fee_rate: FeeRate::from_sat_per_vb_u32(5),
    })
    .unwrap();
    let new = NewExtendedDelegation {
        extension: &extension,
        staked_to: &staked_to(number),
        parameters: parameters(),
        parameters_at: ParametersAt::Version(0),
    };
    let staker = key("staker", number);
    let mut delegation = Delegation::extending(previous, &new).unwrap();
    delegation.sign_as_staker(&staker, parameters()).unwrap();
    delegation.proof_of_possession = Some(possession(&staker));
    delegation.covenant_signatures = signatures(&delegation);
    let by_staker = extension.sign_as_staker(&staker).unwrap();
    let by_wallet = sign_key_path(extension.psbt(), &key("wallet", 0)).unwrap();
    let covenant = parameters().covenant();
    let staking = delegation.extend(&by_staker, &by_wallet, covenant, covenant).unwrap();
    finish(number, delegation, staking, None)
}

/// Six of nine members sign.
fn signatures(delegation: &Delegation) -> Vec<CovenantSignatures> {
    let checked = delegation.check_under(parameters(), Some(parameters()), ChainRules::MAINNET).unwrap();
    members(0).iter().take(6).map(|member| covenant_signatures(&checked, member)).collect()
}

fn finish(number: usize, mut delegation: Delegation, staking: Transaction, child: Option<Box<Made>>) -> Made {
    delegation.covenant_signatures = signatures(&delegation);
    let covenant = parameters().covenant();
    let by_staker = delegation.unbonding(covenant).unwrap().sign_as_staker(&key("staker", number)).unwrap();
    let unbonding = delegation.unbond(&by_staker, covenant).unwrap();
    Made { delegation, staking, unbonding, child }
}

/// The slashing transaction of a stake's output, as whoever has its provider's key can complete it.
pub(super) fn slashing(number: usize, output: SlashedOutput) -> Transaction {
    let (delegation, key) = (&MADE[number].delegation, key("provider", provider_of(number)));
    delegation.slash(output, &key, parameters().covenant()).unwrap()
}

/// Evidence against a provider at a height.
pub(super) fn evidence(provider: usize, height: u64) -> Evidence {
    evidence_of(&key("provider", provider), height)
}

/// Evidence against whoever has this key.
pub(super) fn evidence_of(key: &SecretKey, height: u64) -> Evidence {
    let vote = |byte: u8| {
        let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), [byte; 32]);
        let randomness = SecretRandomness::derive(key, b"bbn-1", height);
        let public = *randomness.public_randomness();
        (message, sign(key, randomness, &message.to_bytes()).unwrap(), public)
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
