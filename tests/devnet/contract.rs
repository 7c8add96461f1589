//! Messages for finality contracts, as the chain's own program reads and writes them.

use std::path::Path;
use std::process::Command;

use babylon::contract::{ContractKind, ContractMessage, FinalityContract};
use babylon::{AccountKey, AccountState, Fee, Message, Transaction};
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use finality::{ConsumerHeight, Operation, RandomnessSchedule, Signer as _, UnprotectedSigner, VoteMessage};
use serde_json::Value;
use staking_scripts::testing::key;

use crate::devnet::Devnet;
use crate::network::program;

/// Runs the chain's own program, without a network.
fn says(program: &Path, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(program).args(arguments).env("HOME", folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// A commitment, a vote with its proof, and unjailing.
fn told(contract: &FinalityContract) -> Vec<ContractMessage> {
    let signer = UnprotectedSigner::new(key("provider", 0), contract.signer_chain("consumer-7"));
    let public_key = signer.public_key();
    let range = RandomnessSchedule::new(ConsumerHeight(u64::MAX - 50), 20, 1).unwrap();
    let context = contract.context(Operation::FinalityVote);
    let vote = VoteMessage::new(context, ConsumerHeight(u64::MAX - 45), [0xab; 32]);
    let vote = signer.prove_votes(range, &[vote]).unwrap().pop().unwrap().unwrap();
    vec![
        ContractMessage::Commit { public_key, signed: signer.commit(range).unwrap() },
        ContractMessage::Vote { vote: Box::new(vote), settled_in: None },
        ContractMessage::Unjail { public_key },
    ]
}

fn contract(address: &str) -> FinalityContract {
    FinalityContract {
        kind: ContractKind::Cosmos,
        chain_id: "consumer-7".to_owned(),
        address: address.parse().unwrap(),
    }
}

#[test]
fn the_chains_program_reads_and_writes_messages_for_contracts() {
    let Some(program) = program() else { return };
    let account = AccountKey::from_bytes(&[7; 32]).unwrap();
    let address = account.address().unwrap();
    let state = AccountState { chain_id: "bbn-1".to_owned(), number: 1, sequence: 2 };
    let contract = contract("bbn15krhx7g8hpl9e7pfjgdl9zkt095hnzgvqv4dk3");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unsigned.json");
    for told in told(&contract) {
        let message = Message::execute_contract(&address, &contract, &told).unwrap();
        let fee = Fee { denom: "ubbn".to_owned(), amount: 1_000, gas_limit: 500_000 };
        let transaction = Transaction::new(vec![message.clone()]);
        // Ours, read by the program; and what the program makes of our JSON.
        let signed = BASE64_STANDARD.encode(transaction.sign(&account, &state, &fee).bytes());
        std::fs::write(&path, transaction.to_unsigned_json(&fee).to_string()).unwrap();
        let encoded = says(&program, &["tx", "encode", path.to_str().unwrap()]);
        for bytes in [signed, encoded] {
            let decoded: Value = serde_json::from_str(&says(&program, &["tx", "decode", &bytes])).unwrap();
            let found = &decoded["body"]["messages"][0];
            assert_eq!(*found, message.to_json());
            assert_eq!(contract.read(&found["msg"].to_string()).unwrap(), told);
        }
    }
}

/// A node executes it: what it does not know is the contract alone.
#[test]
fn a_node_looks_for_the_contract() {
    let Some(devnet) = Devnet::start() else { return };
    let address = devnet.account().address().clone();
    let contract = contract("bbn15krhx7g8hpl9e7pfjgdl9zkt095hnzgvqv4dk3");
    for told in told(&contract) {
        let message = Message::execute_contract(&address, &contract, &told).unwrap();
        let refused = devnet.refusal(&[message]);
        assert!(refused.contains("no such contract"), "{refused}");
    }
}
