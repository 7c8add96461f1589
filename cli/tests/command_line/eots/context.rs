//! `btcstake eots context`.

use btcstake::outputs::{EotsContext, EotsSign};

use super::{keys, message};
use crate::fixtures::process::Folder;

#[test]
fn context_is_part_of_a_consumer_chains_votes() {
    let folder = Folder::new();
    let context = "eots context --operation finality-vote --chain-id test-1 --address bbn1addr";
    let context = folder.output::<EotsContext>(context).signing_context;
    // hex(SHA256("btcstaking/0/fp_fin_vote/test-1/bbn1addr")), computed by another program.
    assert_eq!(context, "fc1f4c2b45db3c8fef77227d2b2f16f16c9fdbb5d2ba034936b8a84266774834");
    let vote = format!("--message {} --signing-context {context}", message("aa"));
    let signed: EotsSign = folder.output(&format!(
        "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected {vote}"
    ));
    assert_eq!(signed.message, format!("{}{}", hex::encode(&context), message("aa")));
    let verify = format!("eots verify {} --signature {}", keys(), signed.signature);
    folder.run(&format!("{verify} {vote}")).ends(0);
    folder.run(&format!("{verify} --message {}", message("aa"))).ends(1);
}

/// A chain's own address is in lower case in its contexts.
#[test]
fn address_in_upper_case_is_read_as_the_chain_writes_it() {
    let folder = Folder::new();
    let account = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let context = |address: &str| {
        let line = format!("eots context --operation staker-pop --chain-id test-1 --address {address}");
        folder.output::<EotsContext>(&line).signing_context
    };
    assert_eq!(context(&account.to_uppercase()), context(account));
    // A text of another form is taken as it is.
    assert_ne!(context("0xAB"), context("0xab"));
}
