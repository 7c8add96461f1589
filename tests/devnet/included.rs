//! A stake that is registered when it is in Bitcoin already.

use babylon::Message;
use babylon::node::{Answer, ChainNode as _, Query};
use bitcoin::Txid;
use serde_json::Value;
use staking_scripts::testing::key;

use crate::checking::{covenant_messages, rules};
use crate::devnet::Devnet;
use crate::staking::{STAKING_BLOCKS, finalized, inclusion, register_provider, stake};

/// What the chain says of a stake: status, first and last height.
fn standing(devnet: &Devnet, stake: Txid) -> (String, u64, u64) {
    let query = Query {
        method: "/babylon.btcstaking.v1.Query/BTCDelegation",
        request: Vec::new(),
        path: format!("/babylon/btcstaking/v1/btc_delegation/{stake}"),
        post: None,
    };
    let Answer::Json(text) = devnet.network.gateway.query(&query).unwrap() else { panic!("not JSON") };
    let answer: Value = serde_json::from_str(&text).unwrap();
    let found = &answer["btc_delegation"];
    let number = |name: &str| found[name].as_u64().unwrap();
    (found["status_desc"].as_str().unwrap().to_owned(), number("start_height"), number("end_height"))
}

#[test]
fn a_stake_with_its_proof_is_active_at_the_quorum() {
    let Some(devnet) = Devnet::start() else { return };
    register_provider(&devnet, &key("provider", 0));
    let (mut delegation, staking) = stake(&devnet, &key("staker", 0), &key("provider", 0));
    let id = staking.txid();
    let included = devnet.confirm(&finalized(&devnet, &staking));
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    delegation.inclusion = Some(included.shown(&devnet));
    delegation.check(&rules(&devnet)).unwrap();
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);

    // It has its heights before anybody of the committee signs, and is active with the second signature.
    let (start, end) = (included.height, included.height + STAKING_BLOCKS);
    let heights = |status: &str| (status.to_owned(), start.into(), end.into());
    assert_eq!(standing(&devnet, id), heights("PENDING"));
    devnet.send(&covenant_messages(&devnet, &delegation, &[2]));
    assert_eq!(standing(&devnet, id), heights("PENDING"));
    devnet.send(&covenant_messages(&devnet, &delegation, &[0]));
    assert_eq!(standing(&devnet, id), heights("ACTIVE"));
    let again = devnet.refusal(&[inclusion(&devnet, id, &included)]);
    assert!(again.contains("already has inclusion proof"), "{again}");
}
