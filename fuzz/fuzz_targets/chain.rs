//! What the secured chain's nodes and contracts answer: every question, with any answer, in either form;
//! events; evidence and contract messages as text.
#![no_main]

use babylon::bitcoin::hashes::Hash as _;
use babylon::bitcoin::{BlockHash, Txid};
use babylon::contract::{ContractKind, FinalityContract};
use babylon::event::ChainEvent;
use babylon::node::{Answer, BlockHeader, ChainNode, Event, Executed, NodeError, NodeStatus, Query};
use babylon::query::{self, DelegationStatus};
use eots::XOnlyPublicKey;
use finality::{AccountAddress, ConsumerHeight};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Input {
    Protobuf(u8, Vec<u8>),
    Json(u8, String),
    Event(u8, Vec<(u8, String)>),
    Evidence(String),
    Contract(bool, String),
    Block(String),
}

/// A node that says this to every question.
#[derive(Debug)]
struct Said(Answer);

impl ChainNode for Said {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        Err(NodeError::NoIndex)
    }

    fn header(&self, _: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        Ok(None)
    }

    fn query(&self, _: &Query) -> Result<Answer, NodeError> {
        Ok(self.0.clone())
    }

    fn broadcast(&self, _: &[u8]) -> Result<(), NodeError> {
        Ok(())
    }

    fn executed(&self, _: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        Ok(None)
    }
}

fn ask(which: u8, answer: Answer) {
    let node = Said(answer);
    let (height, key) = (ConsumerHeight(7), provider());
    match which % 20 {
        0 => drop(query::delegation(&node, Txid::all_zeros())),
        1 => {
            // A page that is read has an end, or another key.
            if let Ok(page) = query::delegation_page(&node, DelegationStatus::Active, b"key") {
                assert_ne!(page.next.as_deref(), Some(b"key".as_slice()));
            }
        }
        2 => drop(query::evidence_page(&node, height, b"key")),
        3 => drop(query::evidence(&node, &key)),
        4 => drop(query::parameters(&node)),
        5 => drop(query::finality_provider(&node, &key)),
        6 => drop(query::finality_providers(&node)),
        7 => drop(query::commitments(&node, &key)),
        8 => drop(query::checkpoint_parameters(&node)),
        9 => drop(query::raw_checkpoint(&node, 3)),
        10 => drop(query::light_client_tip(&node)),
        11 => drop(query::header_depth(&node, BlockHash::all_zeros())),
        12 => drop(query::finality_block(&node, height)),
        13 => drop(query::power_at(&node, &key, height)),
        14 => drop(query::signing_info(&node, &key)),
        15 => drop(query::votes_at(&node, height)),
        16 => drop(query::finality_parameters(&node)),
        17 => drop(query::account(&node, &account())),
        18 => drop(query::gas(&node, b"transaction")),
        _ => drop(query::current_epoch(&node)),
    }
}

fn account() -> AccountAddress {
    "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap()
}

fn provider() -> XOnlyPublicKey {
    "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f".parse().unwrap()
}

const KINDS: [&str; 12] = [
    "babylon.btcstaking.v1.EventFinalityProviderCreated",
    "babylon.btcstaking.v1.EventFinalityProviderStatusChange",
    "babylon.finality.v1.EventJailedFinalityProvider",
    "babylon.finality.v1.EventSlashedFinalityProvider",
    "babylon.btcstaking.v1.EventSelectiveSlashing",
    "babylon.btcstaking.v1.EventBTCDelegationCreated",
    "babylon.btcstaking.v1.EventCovenantSignatureReceived",
    "babylon.btcstaking.v1.EventCovenantQuorumReached",
    "babylon.btcstaking.v1.EventBTCDelegationInclusionProofReceived",
    "babylon.btcstaking.v1.EventBTCDelgationUnbondedEarly",
    "babylon.btcstaking.v1.EventUnexpectedUnbondingTx",
    "babylon.btcstaking.v1.EventBTCDelegationExpired",
];
const NAMES: [&str; 12] = [
    "btc_pk_hex",
    "btc_pk",
    "public_key",
    "new_state",
    "evidence",
    "staking_tx_hash",
    "staking_tx_hex",
    "finality_provider_btc_pks_hex",
    "params_version",
    "start_height",
    "end_height",
    "stake_expansion_tx_hash",
];

fuzz_target!(|input: Input| match input {
    Input::Protobuf(which, bytes) => ask(which, Answer::Protobuf(bytes)),
    Input::Json(which, text) => ask(which, Answer::Json(text)),
    Input::Event(kind, attributes) => {
        let name = |number: u8| NAMES[usize::from(number) % NAMES.len()].to_owned();
        let attributes = attributes.into_iter().map(|(number, value)| (name(number), value)).collect();
        let kind = KINDS[usize::from(kind) % KINDS.len()].to_owned();
        drop(ChainEvent::read(&Event { kind, attributes }));
    }
    Input::Evidence(text) => {
        // What is read proves something.
        for evidence in query::evidence_from_json(&text, None).unwrap_or_default() {
            evidence.extract().unwrap();
        }
    }
    Input::Contract(is_rollup, text) => {
        let kind = if is_rollup { ContractKind::Rollup } else { ContractKind::Cosmos };
        let contract = FinalityContract { kind, chain_id: "bcd-1".to_owned(), address: account() };
        if let Ok(message) = contract.read(&text) {
            let written = contract.write(&message).unwrap();
            assert_eq!(contract.read(&written).unwrap(), message);
        }
    }
    Input::Block(text) => drop(babylon::VotedBlock::from_json(&text)),
});
