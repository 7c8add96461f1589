//! Responses and messages built with the chain's own types: both forms agree with the listed values.

use bitcoin::Amount;
use serde::Deserialize;
use serde_json::Value;

use super::{in_any, read};
use crate::wire::{WireDelegation, WireKind, WireSpend, read_json, read_protobuf, write_message};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    description: String,
    source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    message: String,
    json: Value,
    protobuf: String,
    says: Vec<Facts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    staker: String,
    finality_providers: Vec<String>,
    staking_time_blocks: u32,
    staking_amount_sat: u64,
    staking_txid: String,
    staking_output_index: Option<u32>,
    parameters_version: Option<u32>,
    unbonding_time_blocks: u32,
    unbonding_txid: String,
    slashing_txids: [String; 2],
    members: Vec<String>,
    start_height: u32,
    end_height: u32,
    status: Option<String>,
    possession_kind: Option<i32>,
    previous_txid: Option<String>,
    block_hash: Option<String>,
    position: u32,
    spent_by: Option<String>,
}

fn texts<T: ToString>(list: impl IntoIterator<Item = T>) -> Vec<String> {
    list.into_iter().map(|entry| entry.to_string()).collect()
}

impl Facts {
    fn check(&self, found: &WireDelegation, case: usize) {
        assert_eq!(found.staker.to_string(), self.staker, "{case}");
        assert_eq!(texts(&found.finality_providers), self.finality_providers, "{case}");
        assert_eq!(found.staking_time_blocks, self.staking_time_blocks, "{case}");
        assert_eq!(found.staking_amount, Amount::from_sat(self.staking_amount_sat), "{case}");
        assert_eq!(found.staking_txid().to_string(), self.staking_txid, "{case}");
        assert_eq!(found.staking_output_index, self.staking_output_index, "{case}");
        assert_eq!(found.parameters_version, self.parameters_version, "{case}");
        assert_eq!(found.unbonding_time_blocks, self.unbonding_time_blocks, "{case}");
        let unbonding = found.unbonding_transaction.as_ref().unwrap().compute_txid().to_string();
        assert_eq!(unbonding, self.unbonding_txid, "{case}");
        let slashing = [&found.slashing_transaction, &found.unbonding_slashing_transaction]
            .map(|transaction| transaction.as_ref().unwrap().compute_txid().to_string());
        assert_eq!(slashing, self.slashing_txids, "{case}");
        assert_eq!(texts(found.covenant.iter().map(|signed| signed.member)), self.members, "{case}");
        assert_eq!(found.start_height.unwrap_or(0), self.start_height, "{case}");
        assert_eq!(found.end_height.unwrap_or(0), self.end_height, "{case}");
        assert_eq!(found.status, self.status, "{case}");
        let kind = found.proof_of_possession.as_ref().map(|(kind, _)| *kind);
        assert_eq!(kind, self.possession_kind, "{case}");
        let previous = found.extends.as_ref().map(|extends| extends.previous_txid.to_string());
        assert_eq!(previous, self.previous_txid, "{case}");
        let included = found.inclusion.as_ref();
        let block = included.map(|inclusion| inclusion.block_hash.to_string());
        assert_eq!(block, self.block_hash, "{case}");
        assert_eq!(included.map_or(0, |inclusion| inclusion.position), self.position, "{case}");
        let spent_by = found.unbonding_spend.as_ref().map(|spend| match spend {
            WireSpend::Unbonding => unbonding,
            WireSpend::Other(transaction) => transaction.compute_txid().to_string(),
        });
        assert_eq!(spent_by, self.spent_by, "{case}");
    }
}

#[test]
fn read_json_and_read_protobuf_agree_with_the_vectors() {
    let file: File = serde_json::from_str(&read("wire.json")).unwrap();
    assert_eq!((file.kind.as_str(), file.cases.len()), ("wire", 60));
    assert!(!file.description.is_empty() && !file.source.is_empty());
    let (mut included, mut extensions, mut several, mut spent) = (0, 0, 0, 0);
    for (i, case) in file.cases.iter().enumerate() {
        let kind = match case.message.as_str() {
            "QueryBTCDelegationResponse" => WireKind::Delegation,
            "QueryBTCDelegationsResponse" => WireKind::Delegations,
            "QueryFinalityProviderDelegationsResponse" => WireKind::ProviderDelegations,
            "MsgCreateBTCDelegation" => WireKind::Create,
            "MsgBtcStakeExpand" => WireKind::Expand,
            other => panic!("{i}: {other}"),
        };
        let json = read_json(&case.json.to_string()).unwrap_or_else(|e| panic!("{i}: {e}"));
        let protobuf = hex::decode(&case.protobuf).unwrap();
        let found = read_protobuf(kind, &protobuf).unwrap_or_else(|e| panic!("{i}: {e}"));
        assert_eq!(found, json, "{i}");
        assert_eq!(found.len(), case.says.len(), "{i}");
        for (found, facts) in found.iter().zip(&case.says) {
            facts.check(found, i);
            included += usize::from(found.inclusion.is_some());
            extensions += usize::from(found.extends.is_some());
            several += usize::from(found.finality_providers.len() > 1);
            spent += usize::from(found.unbonding_spend.is_some());
        }
        if matches!(kind, WireKind::Create | WireKind::Expand) {
            // The encoding is the chain's own, byte for byte.
            let written = write_message(&found[0]).unwrap();
            assert_eq!(written.protobuf, protobuf, "{i}");
            assert_eq!(read_protobuf(WireKind::Any, &in_any(&written)).unwrap(), found, "{i}");
            let mut json = case.json.clone();
            let name = json.as_object_mut().unwrap().remove("@type").unwrap();
            assert_eq!((name, &written.json), (written.type_url.into(), &json), "{i}");
        }
    }
    assert!([included, extensions, several, spent].into_iter().all(|count| count > 3));
}
