//! `btcstake adaptor sign`.

use btcstake::outputs::AdaptorSign;

use super::{sign, sign_line};
use crate::fixtures::process::{Folder, MEMBER_KEY};

#[test]
fn randomness_is_fresh_or_given() {
    let folder = Folder::new();
    let signed: AdaptorSign = folder.output(&sign_line());
    assert_eq!(signed.public_key, MEMBER_KEY);
    assert_eq!(signed.adaptor_signature.len(), 130);
    assert_ne!(sign(&folder), signed.adaptor_signature);
    let fixed = format!("{} --aux-rand {}", sign_line(), "00".repeat(32));
    assert_eq!(folder.json(&fixed), folder.json(&fixed));
}

/// Whoever may choose the message gets a signature over any transaction.
#[test]
fn blind_signing_is_asked_for() {
    let folder = Folder::new();
    let bare = sign_line().replace(" --dangerously-blind", "");
    assert_ne!(bare, sign_line());
    folder.run(&bare).fails(&["--dangerously-blind"]);
}
