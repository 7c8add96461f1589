//! What is read as JSON: votes, evidence, commitments, proofs, the two forms of parameters, and delegations,
//! their own and a node's; descriptors; and the protobuf messages of proofs and delegations.
#![no_main]

use std::fmt::Debug;
use std::sync::LazyLock;

use eots::{AdaptorSignature, PublicRandomness, SecretKey, Signature};
use finality::{Evidence, FinalityVote, RandomnessCommitment, RandomnessProof, SigningContext, VoteMessage};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use staking_scripts::bitcoin::absolute::Height;
use staking_scripts::bitcoin::{FeeRate, ScriptBuf};
use staking_scripts::delegation::{ChainMessage, possession_from_json};
use staking_scripts::outputs::ProtocolOutput;
use staking_scripts::parameters::ParametersVersion;
use staking_scripts::testing::{key, wallet};
use staking_scripts::{
    ChainRules, CheckRules, Delegation, InForce, Parameters, ParametersHistory, Phase1Parameters,
    SlashedOutput, WithdrawnOutput,
};

static MAINNET: LazyLock<ParametersHistory<Parameters>> =
    LazyLock::new(|| ParametersHistory::<Parameters>::mainnet().unwrap());
static PROVIDER: LazyLock<SecretKey> = LazyLock::new(|| key("provider", 0));
static WALLET: LazyLock<ScriptBuf> = LazyLock::new(wallet);

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    match kind % 16 {
        0 => drop(read::<FinalityVote>(text)),
        1 => drop(read::<VoteMessage>(text)),
        2 => drop(read::<Evidence>(text).map(|evidence| evidence.extract())),
        3 => drop(read::<SigningContext>(text)),
        4 => drop(read::<RandomnessCommitment>(text)),
        5 => drop(read::<RandomnessProof>(text)),
        6 => drop(read::<(Signature, PublicRandomness)>(text)),
        7 => drop(read::<AdaptorSignature>(text)),
        8 => parameters::<Parameters>(text),
        9 => parameters::<Phase1Parameters>(text),
        10 => delegation(text),
        11 => descriptor(text),
        12 => drop(RandomnessProof::from_protobuf(text)),
        13 => any_delegations(text),
        14 => messages(text),
        _ => drop(std::str::from_utf8(text).map(possession_from_json)),
    }
});

/// What is read is the same when it is written and read again.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(text).ok()?;
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), read);
    Some(read)
}

/// A delegation's own JSON.
fn delegation(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(delegation) = Delegation::from_json(text) else { return };
    judge(&delegation);
}

/// A delegation's own JSON, or a node's with any number of them: it is read as by the reader of its kind.
fn any_delegations(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let read = Delegation::from_any_json(text).ok();
    let own = Delegation::from_json(text).ok().map(|own| vec![own]);
    // No text is both.
    assert_eq!(read, own.or_else(|| Delegation::from_chain_json(text).ok()));
    read.iter().flatten().for_each(judge);
}

/// A node's protobuf, as each message that it may be.
fn messages(bytes: &[u8]) {
    for message in [
        ChainMessage::Delegation,
        ChainMessage::Delegations,
        ChainMessage::ProviderDelegations,
        ChainMessage::Create,
        ChainMessage::Extend,
        ChainMessage::Any,
    ] {
        Delegation::from_chain_protobuf(message, bytes).iter().flatten().for_each(judge);
    }
}

/// What is read is the same when it is written, and checking or ending it never panics, whatever it says.
fn judge(delegation: &Delegation) {
    assert_eq!(&Delegation::from_json(&delegation.to_json()).unwrap(), delegation);
    let history = &*MAINNET;
    let [first, latest] = [0, 5].map(|number| history.get(number).unwrap());
    let under = delegation.check_under(latest, Some(first), ChainRules::MAINNET);
    let stated = delegation.parameters(history).ok();
    for in_force in [InForce::Latest, InForce::AsStated, InForce::At(latest.activation_height())] {
        let rules = CheckRules { history, in_force, chain: ChainRules::MAINNET };
        if let Ok(checked) = delegation.check(&rules) {
            // A delegation that keeps every rule has transactions that end it.
            assert!(under.is_ok() || in_force == InForce::AsStated || delegation.extends.is_some());
            assert_eq!(checked.staking().amount(), delegation.staking_amount);
            let parameters = if in_force == InForce::AsStated { stated.unwrap().1 } else { latest };
            delegation.stake(parameters.covenant()).unwrap();
            delegation.unbonding(parameters.covenant()).unwrap();
        }
    }
    let covenant = latest.covenant();
    let withdraw = |from| delegation.withdrawal(from, WALLET.clone(), FeeRate::BROADCAST_MIN, covenant);
    for which in [SlashedOutput::Staking, SlashedOutput::Unbonding] {
        let _ = delegation.slashing(which, covenant);
        let _ = delegation.slash(which, &PROVIDER, covenant);
        let _ = withdraw(WithdrawnOutput::Refund(which));
    }
    let _ = (withdraw(WithdrawnOutput::Staking), withdraw(WithdrawnOutput::Unbonding));
    let _ = delegation.presigned(latest);
    if let Some(signature) = delegation.slashing.as_ref().and_then(|slashing| slashing.staker_signature) {
        let _ = delegation.unbond(&signature, covenant);
    }
}

/// What is read as an output of the protocol pays to the same script when its own descriptor is read.
fn descriptor(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(output) = text.parse::<ProtocolOutput>() else { return };
    let again: ProtocolOutput = output.taproot().descriptor().to_string().parse().unwrap();
    assert_eq!(again.taproot().script_pubkey(), output.taproot().script_pubkey());
}

/// What is read keeps the order of versions.
fn parameters<P: ParametersVersion>(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(versions) = ParametersHistory::<P>::from_json(text) else { return };
    let heights: Vec<Height> = versions.iter().map(ParametersVersion::activation_height).collect();
    assert!(heights.is_sorted_by(|earlier, later| earlier < later));
    for (number, height) in heights.iter().enumerate() {
        assert_eq!(versions.in_force(*height).unwrap().0, number);
    }
}
