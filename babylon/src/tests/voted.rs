//! Blocks as their chains print them.

use crate::VotedBlock;

fn read(text: &str) -> VotedBlock {
    VotedBlock::from_json(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_is_voted_for_is_read_of_the_block() {
    let hash = "15da5e0270237ec220d853 43df3d7db94e64bb8df216ae0cad65ec9570b0b668".replace(' ', "");
    let upper = hash.to_uppercase();
    let node = include_str!("../../../tests/vectors/node/answers/rest-finality-block.json");
    let header = format!(r#"{{"chain_id": "bbn-1", "height": "251", "app_hash": "{upper}"}}"#);
    for (text, chain_id) in [
        (node.to_owned(), None),
        (header.clone(), Some("bbn-1")),
        (format!(r#"{{"header": {header}}}"#), Some("bbn-1")),
        (format!(r#"{{"jsonrpc": "2.0", "id": 1, "result": {{"header": {header}}}}}"#), Some("bbn-1")),
        (
            format!(
                r#"{{"result": {{"block_id": {{"hash": "{}"}}, "block": {{"header": {header}}}}}}}"#,
                "0".repeat(64)
            ),
            Some("bbn-1"),
        ),
    ] {
        let block = read(&text);
        assert_eq!(
            (hex::encode(block.hash), block.height.to_u64(), block.is_app_hash),
            (hash.clone(), 251, true)
        );
        assert_eq!(block.chain_id.as_deref(), chain_id);
    }
    let rollup =
        read(&format!(r#"{{"result": {{"number": "0xfb", "hash": "0x{hash}", "parentHash": "0x00"}}}}"#));
    assert_eq!((rollup.height.to_u64(), rollup.is_app_hash, hex::encode(rollup.hash)), (251, false, hash));
}

#[test]
fn what_only_looks_like_a_block_is_refused() {
    let hash = "ab".repeat(32);
    for (text, expected) in [
        (hash.clone(), "it is not JSON"),
        (format!("\"{hash}\""), "it is no block"),
        (format!(r#"{{"hash": "{hash}", "height": "7"}}"#), "it is no block"),
        (format!(r#"{{"block_id": {{"hash": "{hash}"}}}}"#), "it is no block"),
        (format!(r#"{{"app_hash": "{hash}"}}"#), "height is absent"),
        (format!(r#"{{"app_hash": "{hash}", "height": "-7"}}"#), "height is \"-7\""),
        (r#"{"app_hash": "abcd", "height": "7"}"#.to_owned(), "app_hash is \"abcd\"; must be 32 bytes"),
        (r#"{"app_hash": "", "height": "7"}"#.to_owned(), "app_hash is \"\""),
        (format!(r#"{{"number": "7", "hash": "0x{hash}"}}"#), "number is \"7\"; must be 0x"),
        (format!(r#"{{"number": "0x7", "hash": "{hash}"}}"#), "hash is"),
    ] {
        let refused = VotedBlock::from_json(&text).unwrap_err().to_string();
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
}

/// What could be read in two ways is read in none: the vote would be the vote.
#[test]
fn what_is_there_twice_is_refused() {
    let (one, other) = ("aa".repeat(32), "bb".repeat(32));
    for text in [
        format!(r#"{{"header":{{"height":"7","app_hash":"{one}","app_hash":"{other}"}}}}"#),
        format!(r#"{{"header":{{"height":"7","height":"8","app_hash":"{one}"}}}}"#),
        format!(r#"{{"block":{{}},"block":{{"header":{{"height":"7","app_hash":"{one}"}}}}}}"#),
        format!(r#"{{"number":"0x7","hash":"0x{one}","header":{{"height":"5","app_hash":"{other}"}}}}"#),
        format!(r#"{{"number":"0x7","number":"0x8","hash":"0x{one}"}}"#),
        format!(r#"{{"result":{{"number":"0x7","hash":"0x{one}","hash":"0x{other}"}}}}"#),
    ] {
        VotedBlock::from_json(&text).map(|block| panic!("{text}: {block:?}")).unwrap_err();
    }
}
