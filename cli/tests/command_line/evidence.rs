//! `btcstake evidence submit --selective`, which publishes a secret key: it asks twice.

use crate::fixtures::process::{Folder, PROVIDER, PROVIDER_KEY};
use crate::fixtures::secured_chain::SecuredChain;
use crate::fixtures::wire::MsgSelectiveSlashingEvidence;
use crate::key::{has_terminals, on_terminal};

const KIND: &str = "/babylon.btcstaking.v1.MsgSelectiveSlashingEvidence";
const FIRST: &str = "Answer \"publish\" to go on: ";
const SECOND: &str = "Type the last 8 digits of the public key to publish it: ";

fn world() -> (Folder, SecuredChain, String) {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    chain.chain.register(PROVIDER_KEY.parse().unwrap(), &chain.address.parse().unwrap());
    let line = format!("evidence submit --selective --secret-key-file provider.key {}", chain.flags());
    (folder, chain, line)
}

/// The key that was published, and by whom.
fn published(chain: &SecuredChain) -> (String, String) {
    let [message] = &chain.last_messages()[..] else { panic!("one message") };
    let message: MsgSelectiveSlashingEvidence = message.read(KIND);
    (hex::encode(message.recovered_fp_btc_sk), message.signer)
}

#[test]
fn key_is_published_after_two_answers() {
    if !has_terminals("evidence::key_is_published_after_two_answers") {
        return;
    }
    let (folder, chain, line) = world();
    let line = format!("btcstake {line}");
    let digits = &PROVIDER_KEY[56..];
    let (shown, code) = on_terminal(&folder, &line, &[(FIRST, "publish"), (SECOND, digits)]);
    assert_eq!(code, Some(0), "{shown}");
    let public = format!("This publishes the secret key of the finality provider {PROVIDER_KEY}.");
    assert!(shown.contains(&public) && shown.contains("nothing takes that back"), "{shown}");
    assert!(shown.contains(KIND) && !shown.contains(PROVIDER), "{shown}");
    assert_eq!(published(&chain), (PROVIDER.to_owned(), chain.address.clone()));
    assert_eq!(chain.chain.transactions().len(), 1);
}

#[test]
fn any_other_answer_publishes_nothing() {
    if !has_terminals("evidence::any_other_answer_publishes_nothing") {
        return;
    }
    let (folder, chain, line) = world();
    let line = format!("btcstake {line}");
    let digits = &PROVIDER_KEY[56..];
    for answer in ["", "y", "yes", "Publish", "publish it", digits] {
        let (shown, code) = on_terminal(&folder, &line, &[(FIRST, answer)]);
        assert_eq!(code, Some(2), "{answer}: {shown}");
        assert!(shown.contains("nothing was published: the answer must be \"publish\""), "{shown}");
        assert!(!shown.contains(SECOND), "{shown}");
    }
    for answer in ["", "publish", &PROVIDER_KEY[..8], &digits[1..], &digits.to_uppercase()] {
        let (shown, code) = on_terminal(&folder, &line, &[(FIRST, "publish"), (SECOND, answer)]);
        assert_eq!(code, Some(2), "{answer}: {shown}");
        assert!(shown.contains(&format!("the answer must be \"{digits}\"")), "{shown}");
    }
    // The end of the input is no answer either: the first question's is ^D.
    let (shown, code) = on_terminal(&folder, &line, &[(FIRST, "\u{4}")]);
    assert_eq!(code, Some(2), "{shown}");
    // Nobody sees a question on an output that goes elsewhere.
    let (shown, code) = on_terminal(&folder, &format!("{line} 2> log"), &[]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(folder.read("log").contains("there is no terminal to ask on"), "{}", folder.read("log"));
    assert!(chain.chain.transactions().is_empty());
    // What cannot be sent asks nothing.
    let other =
        format!("{} --account-key-file provider.key", line.replace(" --account-key-file account.key", ""));
    let (shown, code) = on_terminal(&folder, &other, &[]);
    assert!(code == Some(2) && shown.contains("of the account itself") && !shown.contains(FIRST), "{shown}");
}

/// Scripts have no terminal: they say it in so many words.
#[test]
fn without_a_terminal_the_flag_is_needed() {
    let (folder, chain, line) = world();
    let refused = ["publishes the secret key", PROVIDER_KEY, "no terminal", "--yes-publish-the-key"];
    folder.run(&line).fails(&refused);
    // Answers that are piped are none.
    let digits = &PROVIDER_KEY[56..];
    let answers = format!("publish\n{digits}\n");
    let words: Vec<_> = line.split(' ').collect();
    folder.run_with(&words, answers.as_bytes()).fails(&refused);
    let unsigned = "evidence submit --selective --secret-key-file provider.key --unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    folder.run(unsigned).fails(&refused);
    folder.run(&line.replace(" --selective", "")).fails(&["--selective"]);
    assert!(chain.chain.transactions().is_empty());
    folder.json(&format!("{line} --yes-publish-the-key"));
    assert_eq!(published(&chain), (PROVIDER.to_owned(), chain.address.clone()));
}
