//! `btcstake adaptor`.

mod decrypt;
mod recover;
mod sign;
mod verify;

use btcstake::outputs::{AdaptorDecrypt, AdaptorSign};

use crate::fixtures::process::{Folder, PROVIDER_KEY};

/// What the member signs.
const MESSAGE: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// The line with which the member signs, encrypting to the provider's key.
fn sign_line() -> String {
    format!(
        "adaptor sign --secret-key-file member.key --encryption-key {PROVIDER_KEY} --message {MESSAGE} --dangerously-blind"
    )
}

/// The member's adaptor signature, of fresh randomness.
fn sign(folder: &Folder) -> String {
    folder.output::<AdaptorSign>(&sign_line()).adaptor_signature
}

/// The line with which the provider decrypts it.
fn decrypt_line(adaptor_signature: &str) -> String {
    format!("adaptor decrypt --adaptor-signature {adaptor_signature} --decryption-key-file provider.key")
}

/// The signature in it.
fn decrypt(folder: &Folder, adaptor_signature: &str) -> String {
    folder.output::<AdaptorDecrypt>(&decrypt_line(adaptor_signature)).signature.unwrap()
}
