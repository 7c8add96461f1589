//! `btcstake psbt sign`.

use crate::fixtures::process::Folder;

/// A covenant member's key signs nothing of an unbonding transaction here, nor a provider's.
#[test]
fn keys_that_sign_no_input_are_refused() {
    let folder = Folder::with_delegation();
    for key in ["member.key", "provider.key"] {
        folder.run(&format!("psbt sign --psbt @unbonding.psbt --secret-key-file {key}")).fails(&["no input"]);
    }
    folder.run("psbt sign --psbt zz --secret-key-file staker.key").fails(&["--psbt"]);
}
