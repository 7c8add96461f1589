//! What is read as JSON: votes, evidence, commitments, proofs, the two forms of parameters, delegations; and
//! descriptors.
#![no_main]

use std::fmt::Debug;

use eots::{
    AdaptorSignature, Consumer, Evidence, FinalityVote, Genesis, InclusionProof, PublicRandomness,
    RandomnessCommitment, Signature,
};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use staking_scripts::bitcoin::absolute::Height;
use staking_scripts::{DelegationFile, Parameters, Phase1Parameters, ProtocolOutput, Version, Versions};

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    match kind % 13 {
        0 => drop(read::<FinalityVote<Genesis>>(text)),
        1 => drop(read::<FinalityVote<Consumer>>(text)),
        2 => drop(read::<Evidence<Genesis>>(text).map(|evidence| evidence.extract())),
        3 => drop(read::<Evidence<Consumer>>(text).map(|evidence| evidence.extract())),
        4 => drop(read::<RandomnessCommitment>(text)),
        5 => drop(read::<InclusionProof>(text)),
        6 => drop(read::<(Signature, PublicRandomness)>(text)),
        7 => drop(read::<AdaptorSignature>(text)),
        8 => parameters::<Parameters>(text),
        9 => parameters::<Phase1Parameters>(text),
        10 => delegation(text),
        11 => descriptor(text),
        _ => drop(InclusionProof::from_protobuf(text)),
    }
});

/// What is read is the same when it is written and read again.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(text).ok()?;
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), read);
    Some(read)
}

/// What is read is the same when it is written, and checking it never panics, whatever it says.
fn delegation(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(file) = DelegationFile::from_json(text) else { return };
    assert_eq!(DelegationFile::from_json(&file.to_json()).unwrap(), file);
    let mainnet = Versions::<Parameters>::mainnet().unwrap();
    if let Ok(request) = file.request() {
        let _ = request.check(mainnet.get(4).unwrap(), mainnet.get(0), staking_scripts::ChainRules::MAINNET);
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
fn parameters<P: Version>(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(versions) = Versions::<P>::from_json(text) else { return };
    let heights: Vec<Height> = versions.iter().map(Version::activation_height).collect();
    assert!(heights.is_sorted_by(|earlier, later| earlier < later));
    for (number, height) in heights.iter().enumerate() {
        assert_eq!(versions.in_force(*height).unwrap().0, number);
    }
}
