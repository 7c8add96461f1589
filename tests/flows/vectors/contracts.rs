//! What contracts of consumer chains are told, and what they answer, by their own types.

use babylon::contract::{ContractKind, ContractMessage, FinalityContract, SettlementBlock};
use babylon::query::evidence_from_json;
use finality::{
    ConsumerHeight, FinalityVote, Operation, RandomnessCommitment, RandomnessProof, SignedCommitment,
    VoteMessage,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Bytes, Hex, InContext, cases, cases_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    kind: String,
    /// The number of the case that it says.
    source: usize,
    json: String,
    /// Of a vote.
    proof: Option<Hex>,
}

/// What the sources say, as JSON.
type Source = InContext<Value>;

fn field<const N: usize>(case: &Value, name: &str) -> Bytes<N> {
    serde_json::from_value(case[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn contract(source: &Source, kind: ContractKind) -> FinalityContract {
    let context = source.consumer.as_ref().unwrap();
    FinalityContract { kind, chain_id: context.chain_id.clone(), address: context.address.parse().unwrap() }
}

fn said(told: &Told, source: &Source, contract: &FinalityContract) -> ContractMessage {
    let case = &source.case;
    let public_key = field(case, "public_key").public_key();
    match told.kind.as_str() {
        "commit" => {
            let count = u64::try_from(case["leaves"].as_array().unwrap().len()).unwrap();
            let commitment = RandomnessCommitment {
                start_height: ConsumerHeight(case["start_height"].as_u64().unwrap()),
                count,
                root: field(case, "root").0,
            };
            let signature = field::<64>(case, "signature").0;
            let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&signature).unwrap();
            let signed = SignedCommitment { commitment, signature };
            // It is signed for this contract, and for nothing else.
            signed.verify(&public_key, &contract.context(Operation::RandomnessCommitment)).unwrap();
            signed.verify(&public_key, &contract.context(Operation::FinalityVote)).unwrap_err();
            ContractMessage::Commit { public_key, signed }
        }
        "vote" => {
            let height = ConsumerHeight(case["height"].as_u64().unwrap());
            let context = source.context(Operation::FinalityVote);
            assert_eq!(context, contract.context(Operation::FinalityVote));
            let vote = FinalityVote {
                public_key,
                message: VoteMessage::new(context, height, field(case, "block_hash").0),
                public_randomness: field(case, "public_randomness").public_randomness(),
                proof: RandomnessProof::from_protobuf(&told.proof.as_ref().unwrap().0).unwrap(),
                signature: field(case, "signature").signature(),
            };
            ContractMessage::Vote { vote: Box::new(vote), settled_in: None }
        }
        "unjail" => ContractMessage::Unjail { public_key },
        other => panic!("{other}"),
    }
}

#[test]
fn contracts_are_told_what_their_own_types_write() {
    let sources = |kind, count| -> Vec<Source> { cases(kind, count).map(|(_, case)| case).collect() };
    let (commitments, votes) = (sources("commit", 300), sources("votes", 300));
    let mut counts = [0; 3];
    for (number, told) in cases_of::<Told>("contracts", "execute", 234) {
        let (sources, place) = match told.kind.as_str() {
            "commit" => (&commitments, 0),
            "vote" => (&votes, 1),
            "unjail" => (&votes, 2),
            _ => continue,
        };
        counts[place] += 1;
        let source = &sources[told.source];
        let cosmos = contract(source, ContractKind::Cosmos);
        let message = said(&told, source, &cosmos);
        assert_eq!(cosmos.write(&message).unwrap(), told.json, "case {number}");
        assert_eq!(cosmos.read(&told.json).unwrap(), message, "case {number}");

        // A rollup's contract is told the same, but for what the other has alone.
        let rollup = FinalityContract { kind: ContractKind::Rollup, ..cosmos.clone() };
        match message {
            ContractMessage::Unjail { .. } => {
                rollup.write(&message).unwrap_err();
                rollup.read(&told.json).unwrap_err();
            }
            ContractMessage::Vote { vote, .. } => {
                let settled_in = Some(SettlementBlock { number: u64::MAX, hash: [7; 32] });
                let message = ContractMessage::Vote { vote, settled_in };
                let text = rollup.write(&message).unwrap();
                assert!(
                    text.contains("\"l1_block_number\":18446744073709551615,\"l1_block_hash_hex\":\"0707")
                );
                assert_eq!(rollup.read(&text).unwrap(), message, "case {number}");
                cosmos.write(&message).unwrap_err();
                cosmos.read(&text).unwrap_err();
            }
            message => assert_eq!(rollup.write(&message).unwrap(), told.json, "case {number}"),
        }
    }
    assert_eq!(counts, [100, 100, 10]);
}

#[test]
fn evidence_of_contracts_is_read() {
    let sources: Vec<Source> = cases("evidence", 72).map(|(_, case)| case).collect();
    let mut count = 0;
    let told = cases_of::<Told>("contracts", "execute", 234).filter(|(_, told)| told.kind == "evidence");
    for (number, told) in told {
        count += 1;
        let source = &sources[told.source];
        let (context, case) = (source.context(Operation::FinalityVote), &source.case);
        let [evidence] = evidence_from_json(&told.json, Some(context)).unwrap()[..] else {
            panic!("{number}")
        };
        assert_eq!(*evidence.extract().unwrap().to_bytes(), field(case, "extracted_key").0, "case {number}");
        // What it is signed for is not in the answer.
        let elsewhere = evidence_from_json(&told.json, None).unwrap_err().to_string();
        assert!(elsewhere.contains("proves nothing"), "{elsewhere}");

        // What a rollup's contract tells Babylon Genesis says it.
        let text = |name: &str| case[name].clone();
        let message = serde_json::json!({
            "signer": "bbn1", "fp_btc_pk_hex": text("public_key"), "block_height": text("height"),
            "pub_rand_hex": text("public_randomness"), "canonical_app_hash_hex": text("canonical_block_hash"),
            "fork_app_hash_hex": text("fork_block_hash"),
            "canonical_finality_sig_hex": text("canonical_signature"),
            "fork_finality_sig_hex": text("fork_signature"), "signing_context": context.as_str(),
        });
        let message = message.to_string();
        assert_eq!(evidence_from_json(&message, None).unwrap(), [evidence], "case {number}");
        assert_eq!(evidence_from_json(&message, Some(context)).unwrap(), [evidence]);
        let other = finality::SigningContext::consumer(Operation::FinalityVote, "other", "");
        let other = evidence_from_json(&message, Some(other)).unwrap_err().to_string();
        assert!(other.contains("must be in"), "{other}");
    }
    assert_eq!(count, 24);
}
