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
