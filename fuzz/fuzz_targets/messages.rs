//! The messages of both gRPC interfaces, and what a client's secrets are read from: what is read is the same
//! when it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use signer::auth::SharedSecret;
use signer::wire::{own, reference};

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 28 {
        0 => check::<reference::CreateRandomnessPairListRequest>(bytes),
        1 => check::<reference::CreateRandomnessPairListResponse>(bytes),
        2 => check::<reference::SignEotsRequest>(bytes),
        3 => check::<reference::SignEotsResponse>(bytes),
        4 => check::<reference::SignSchnorrSigRequest>(bytes),
        5 => check::<reference::SignSchnorrSigResponse>(bytes),
        6 => check::<reference::SaveEotsKeyNameRequest>(bytes),
        7 => check::<reference::SignBatchEotsRequest>(bytes),
        8 => check::<reference::SignBatchEotsResponse>(bytes),
        9 => check::<reference::UnlockKeyRequest>(bytes),
        10 => check::<reference::BackupRequest>(bytes),
        11 => check::<reference::BackupResponse>(bytes),
        12 => check::<reference::PingRequest>(bytes),
        13 => check::<own::StatusRequest>(bytes),
        14 => check::<own::StatusResponse>(bytes),
        15 => check::<own::PublicRandomnessRequest>(bytes),
        16 => check::<own::PublicRandomnessResponse>(bytes),
        17 => check::<own::CommitRequest>(bytes),
        18 => check::<own::CommitResponse>(bytes),
        19 => check::<own::VoteRequest>(bytes),
        20 => check::<own::VoteResponse>(bytes),
        21 => check::<own::ProvePossessionRequest>(bytes),
        22 => check::<own::ProvePossessionResponse>(bytes),
        23 => check::<own::UnlockRequest>(bytes),
        24 => check::<own::LockRequest>(bytes),
        25 => check::<own::BackupRequest>(bytes),
        26 => check::<own::BackupResponse>(bytes),
        _ => secrets(bytes),
    }
});

/// What the signer takes an HMAC over is what it encodes anew: the same each time, and no other message.
fn check<T: Message + Default + PartialEq>(bytes: &[u8]) {
    let Ok(message) = T::decode(bytes) else { return };
    let encoded = message.encode_to_vec();
    assert_eq!(encoded.len(), message.encoded_len());
    let again = T::decode(encoded.as_slice()).expect("what is written is read");
    assert!(again == message);
    assert_eq!(again.encode_to_vec(), encoded);
}

/// Each line that is not empty is a secret.
fn secrets(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !matches!(line, [] | [b'\r']));
    let lengths = lines.map(|line| line.len() - usize::from(line.ends_with(b"\r")));
    assert!(SharedSecret::lines(bytes).map(|secret| secret.length()).eq(lengths));
}
