//! What the finality contracts of consumer chains are told.

use babylon::contract::{ContractKind, ContractMessage, FinalityContract, SettlementBlock};
use babylon::finality::{Operation, RandomnessCommitment};
use serde_json::{Value, json};

use crate::fixtures::process::{Folder, PROVIDER_KEY};
use crate::fixtures::secured_chain::{SecuredChain, unsigned};

const ROLLUP: &str = "--contract bbn15krhx7g8hpl9e7pfjgdl9zkt095hnzgvqv4dk3 --contract-kind rollup --contract-chain-id bbn-1 \
                      --unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
const COSMOS: &str = "--contract cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02 --contract-kind cosmos \
                      --unsigned --from cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02";
const KEY: &str = "--secret-key-file provider.key --chain-id consumer-7";
const COMMITTED: &str = "--commitment-start 100 --commitment-count 20";

fn rollup() -> FinalityContract {
    let address = "bbn15krhx7g8hpl9e7pfjgdl9zkt095hnzgvqv4dk3".parse().unwrap();
    FinalityContract { kind: ContractKind::Rollup, chain_id: "bbn-1".to_owned(), address }
}

fn cosmos() -> FinalityContract {
    let address = "cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02".parse().unwrap();
    FinalityContract { kind: ContractKind::Cosmos, chain_id: "consumer-7".to_owned(), address }
}

/// The only message, for this contract, as the contract reads it.
fn told(folder: &Folder, line: &str, contract: &FinalityContract) -> ContractMessage {
    let [message] = &unsigned(folder, line)[..] else { panic!("{line}") };
    assert_eq!(message["@type"], "/cosmwasm.wasm.v1.MsgExecuteContract");
    assert_eq!(message["contract"], contract.address.as_str());
    contract.read(&message["msg"].to_string()).unwrap()
}

fn commitment(folder: &Folder, flags: &str, contract: &FinalityContract) -> RandomnessCommitment {
    let line = format!("provider commit {KEY} --height 100 --count 20 {flags}");
    let ContractMessage::Commit { public_key, signed } = told(folder, &line, contract) else { panic!() };
    assert_eq!(public_key.to_string(), PROVIDER_KEY);
    signed.verify(&public_key, &contract.context(Operation::RandomnessCommitment)).unwrap();
    signed.commitment
}

/// What is voted for at height 107 of the consumer chain.
fn blocks(folder: &Folder) {
    let hash = "ab".repeat(32);
    let header = json!({ "header": { "chain_id": "consumer-7", "height": "107", "app_hash": hash } });
    folder.write("cosmos.json", header.to_string());
    let block = json!({ "number": "0x6b", "hash": format!("0x{hash}") });
    folder.write("rollup.json", block.to_string());
}

#[test]
fn contracts_are_told_commitments_and_votes_that_they_verify() {
    let folder = Folder::new();
    blocks(&folder);
    for (flags, contract, block) in [(COSMOS, cosmos(), "cosmos.json"), (ROLLUP, rollup(), "rollup.json")] {
        let commitment = commitment(&folder, flags, &contract);
        let vote =
            format!("provider vote {KEY} --dangerously-unprotected --block {block} {COMMITTED} {flags}");
        let ContractMessage::Vote { vote, settled_in } = told(&folder, &vote, &contract) else { panic!() };
        vote.verify(&commitment).unwrap();
        assert_eq!((*vote.message.block_hash(), settled_in), ([0xab; 32], None));
        assert_eq!(*vote.message.context(), contract.context(Operation::FinalityVote));
    }
    let settled = format!("--l1-block-number 9 --l1-block-hash {}", "cd".repeat(32));
    let vote = format!(
        "provider vote {KEY} --dangerously-unprotected --block rollup.json {COMMITTED} {ROLLUP} {settled}"
    );
    let ContractMessage::Vote { settled_in, .. } = told(&folder, &vote, &rollup()) else { panic!() };
    assert_eq!(settled_in, Some(SettlementBlock { number: 9, hash: [0xcd; 32] }));

    let unjail = format!("provider unjail --chain-id consumer-7 --public-key {PROVIDER_KEY} {COSMOS}");
    let unjailed = told(&folder, &unjail, &cosmos());
    assert_eq!(unjailed, ContractMessage::Unjail { public_key: PROVIDER_KEY.parse().unwrap() });
}

#[test]
fn what_is_meant_for_another_contract_is_refused() {
    let folder = Folder::new();
    blocks(&folder);
    let vote = |flags: &str| format!("provider vote {KEY} --dangerously-unprotected {COMMITTED} {flags}");
    for (line, words) in [
        (vote(&format!("--block rollup.json {COSMOS}")), &["the block is a rollup's"][..]),
        (vote(&format!("--block cosmos.json {ROLLUP}")), &["must be the rollup's"]),
        (vote(&format!("--height 107 {ROLLUP}")), &["--block is absent"]),
        (
            format!("provider vote {KEY} --dangerously-unprotected --block cosmos.json {COSMOS}"),
            &["--commitment-start is absent; must be given, with --contract"],
        ),
        (
            vote(&format!(
                "--block cosmos.json {COSMOS} --l1-block-number 9 --l1-block-hash {}",
                "cd".repeat(32)
            )),
            &["only contracts of rollups"],
        ),
        (vote(&format!("--block rollup.json {ROLLUP} --l1-block-number 9")), &["--l1-block-hash"]),
        (vote(&format!("--block cosmos.json {COSMOS} --contract-chain-id bbn-1")), &["must be --chain-id"]),
        (
            vote(&format!("--block rollup.json {}", ROLLUP.replace("--contract-chain-id bbn-1", ""))),
            &["--contract-chain-id is absent"],
        ),
        (
            vote(&format!("--block rollup.json {}", ROLLUP.replace("bbn-1", "consumer-7"))),
            &["must be that of Babylon Genesis"],
        ),
        (
            vote(&format!(
                "--block cosmos.json {} --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm",
                COSMOS.split(" --from").next().unwrap()
            )),
            &["--from is an address of \"bbn\"", "cosmos1"],
        ),
        (
            format!("provider unjail --chain-id consumer-7 --public-key {PROVIDER_KEY} {ROLLUP}"),
            &["only contracts of Cosmos chains"],
        ),
        (format!("provider unjail --public-key {PROVIDER_KEY} {COSMOS}"), &["--chain-id is absent"]),
        (format!("provider commit {KEY} --height 1 --contract-kind rollup"), &["--contract"]),
        (
            format!("provider commit {KEY} --height 100 --count 20 --interval 5 {ROLLUP}"),
            &["must be consecutive"],
        ),
    ] {
        folder.run(&line).fails(words);
    }
}

/// What is wrong with the way to the contract is said before the height's only vote is signed.
#[test]
fn nothing_is_signed_for_a_contract_that_is_not_there() {
    let folder = Folder::new();
    blocks(&folder);
    let chain = SecuredChain::start(&folder);
    let init = format!(
        "signer init --protection vote.db --public-key {PROVIDER_KEY} --chain-id consumer-7 --from-height 1"
    );
    folder.run(&init).ends(0);
    let node = format!("--chain-node http://{}", chain.node.address());
    let vote = |block: &str, flags: &str| {
        folder.run(&format!(
            "provider vote {KEY} --protection vote.db --block {block} {COMMITTED} {node} {flags}"
        ))
    };
    let other = ROLLUP.replace("--contract-chain-id bbn-1", "--contract-chain-id bbn-l");
    vote("rollup.json", &other).fails(&["\"bbn-1\"", "must be of \"bbn-l\""]);
    let of_cosmos =
        ROLLUP.replace("bbn15krhx7g8hpl9e7pfjgdl9zkt095hnzgvqv4dk3", &cosmos().address.to_string());
    vote("rollup.json", &of_cosmos).fails(&["--contract is an address of \"cosmos\""]);
    let unnamed = ROLLUP.replace("--contract-chain-id bbn-1", "--contract-chain-id=");
    vote("rollup.json", &unnamed).fails(&["chain id is empty"]);
    let settled = format!("{COSMOS} --l1-block-number 9 --l1-block-hash {}", "cd".repeat(32));
    vote("cosmos.json", &settled).fails(&["only contracts of rollups"]);
    vote("rollup.json", ROLLUP).ends(0);
}

/// Evidence in what a contract answers names no context; what a rollup's contract sends does.
#[test]
fn evidence_of_contracts_gives_the_key() {
    let folder = Folder::new();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path.join(name)).unwrap()).unwrap()
    };
    let (told, sources) = (read("contracts/execute.json"), read("eots/evidence.json"));
    let is_evidence = |case: &&Value| case["kind"] == "evidence";
    let case = told["cases"].as_array().unwrap().iter().find(is_evidence).unwrap();
    let source = &sources["cases"][usize::try_from(case["source"].as_u64().unwrap()).unwrap()];
    folder.write("evidence.json", case["json"].as_str().unwrap());
    let context = source["context"].as_str().unwrap();
    let line = format!("eots extract --evidence evidence.json --signing-context {context}");
    assert_eq!(folder.json(&line)["secret_key"], source["extracted_key"]);
    folder
        .run("eots extract --evidence evidence.json")
        .fails(&["--evidence evidence.json", "proves nothing"]);
}
