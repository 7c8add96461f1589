//! Whether a transaction replaces those that it conflicts with (`ReplacementChecks` of Bitcoin Core 31, with
//! its words and its default of 0.1 sat/vB for relay).

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Transaction, Txid};

use super::diagram::{Node, diagram, improves};
use super::index::Index;
use super::mempool::Mempool;

/// The most clusters of the mempool that one replacement may conflict with.
const MAX_CLUSTERS: usize = 100;
/// What a replacement pays for its own relay, beside what it replaces: satoshis per 1000 virtual bytes.
const RELAY_SAT_PER_KVB: u64 = 100;
const VBYTES_PER_KVB: u64 = 1_000;
const SAT_PER_BTC: u64 = 100_000_000;

/// The mempool's transactions by id, each with those in the mempool whose outputs it spends.
type Parents = BTreeMap<Txid, BTreeSet<Txid>>;

/// Returns what `transaction` replaces in the mempool, which is nothing when it conflicts with nothing; or
/// Bitcoin Core's `reason, detail` against it.
pub(super) fn replaced(
    transaction: &Transaction,
    mempool: &Mempool,
    confirmed: &Index,
) -> Result<BTreeSet<Txid>, String> {
    let (txid, conflicts) = (transaction.compute_txid(), mempool.conflicts(transaction));
    if conflicts.is_empty() {
        return Ok(BTreeSet::new());
    }
    let parents: Parents = mempool
        .transactions()
        .iter()
        .map(|other| (other.compute_txid(), parents_of(other, mempool)))
        .collect();
    let own_parents = parents_of(transaction, mempool);
    let ancestors = closure(&own_parents, |of| parents.get(of).cloned().unwrap_or_default());
    if let Some(ancestor) = ancestors.intersection(&conflicts).next() {
        return Err(format!(
            "bad-txns-spends-conflicting-tx, {txid} spends conflicting transaction {ancestor}"
        ));
    }
    let clusters: BTreeSet<BTreeSet<Txid>> =
        conflicts.iter().map(|conflict| cluster(&BTreeSet::from([*conflict]), &parents)).collect();
    if clusters.len() > MAX_CLUSTERS {
        return Err(format!(
            "too many potential replacements, rejecting replacement {txid}; too many conflicting clusters ({} > {MAX_CLUSTERS})",
            clusters.len()
        ));
    }
    let removed = closure(&conflicts, |of| children_of(of, &parents));
    // Without its inputs it has no fee, and is refused for them.
    let Some(fee) = mempool.fee(transaction, confirmed).map(bitcoin::Amount::to_sat) else {
        return Ok(removed);
    };
    let fee_of = |txid: &Txid| mempool.fee(mempool.get(txid)?, confirmed).map(bitcoin::Amount::to_sat);
    let conflicting = removed.iter().filter_map(fee_of).fold(0, u64::saturating_add);
    let vsize = u64::try_from(transaction.vsize()).unwrap_or(u64::MAX);
    pays_for_relay(fee, conflicting, vsize)
        .map_err(|text| format!("insufficient fee, rejecting replacement {txid}, {text}"))?;

    let touched: BTreeSet<Txid> = removed.union(&own_parents).copied().collect();
    let before = cluster(&touched, &parents);
    let node = |txid: &Txid| {
        let weight = mempool.get(txid)?.weight().to_wu();
        Some(Node { txid: *txid, parents: parents.get(txid)?.clone(), fee: fee_of(txid)?, weight })
    };
    let old: Vec<Node> = before.iter().filter_map(node).collect();
    let mut new: Vec<Node> = before.difference(&removed).filter_map(node).collect();
    new.push(Node { txid, parents: own_parents, fee, weight: transaction.weight().to_wu() });
    if improves(&diagram(new), &diagram(old)) {
        Ok(removed)
    } else {
        Err("replacement-failed, insufficient feerate: does not improve feerate diagram".to_owned())
    }
}

/// The fee must not be less than that of all that is replaced, and pay for the relay beside.
fn pays_for_relay(fee: u64, conflicting: u64, vsize: u64) -> Result<(), String> {
    let Some(additional) = fee.checked_sub(conflicting) else {
        return Err(format!("less fees than conflicting txs; {} < {}", btc(fee), btc(conflicting)));
    };
    let relay = vsize.saturating_mul(RELAY_SAT_PER_KVB).div_ceil(VBYTES_PER_KVB);
    if additional < relay {
        return Err(format!("not enough additional fees to relay; {} < {}", btc(additional), btc(relay)));
    }
    Ok(())
}

fn parents_of(transaction: &Transaction, mempool: &Mempool) -> BTreeSet<Txid> {
    let spent = transaction.input.iter().map(|input| input.previous_output.txid);
    spent.filter(|txid| mempool.get(txid).is_some()).collect()
}

fn children_of(txid: &Txid, parents: &Parents) -> BTreeSet<Txid> {
    parents.iter().filter(|(_, of)| of.contains(txid)).map(|(child, _)| *child).collect()
}

/// All that is connected with these, in either direction.
fn cluster(of: &BTreeSet<Txid>, parents: &Parents) -> BTreeSet<Txid> {
    closure(of, |txid| {
        let mut near = children_of(txid, parents);
        near.extend(parents.get(txid).into_iter().flatten());
        near
    })
}

/// These, and all that follows from them step by step.
fn closure(of: &BTreeSet<Txid>, next: impl Fn(&Txid) -> BTreeSet<Txid>) -> BTreeSet<Txid> {
    let (mut found, mut waiting) = (BTreeSet::new(), of.clone());
    while let Some(txid) = waiting.pop_first() {
        if found.insert(txid) {
            waiting.extend(next(&txid).difference(&found).copied().collect::<Vec<_>>());
        }
    }
    found
}

/// An amount as Bitcoin Core prints it: in bitcoin, with two decimal places or as many as it needs.
fn btc(sat: u64) -> String {
    let whole = sat.checked_div(SAT_PER_BTC).unwrap_or_default();
    let fraction = format!("{:08}", sat.checked_rem(SAT_PER_BTC).unwrap_or_default());
    format!("{whole}.{:0<2}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::{btc, pays_for_relay};

    #[test]
    fn amounts_are_as_bitcoin_core_prints_them() {
        for (sat, text) in [
            (0, "0.00"),
            (21, "0.00000021"),
            (109_600, "0.001096"),
            (10_000_000, "0.10"),
            (250_000_000, "2.50"),
        ] {
            assert_eq!(btc(sat), text);
        }
    }

    #[test]
    fn replacement_pays_a_tenth_of_a_satoshi_for_each_virtual_byte() {
        assert_eq!(
            pays_for_relay(9_620, 9_600, 204).unwrap_err(),
            "not enough additional fees to relay; 0.0000002 < 0.00000021"
        );
        pays_for_relay(9_621, 9_600, 204).unwrap();
        assert_eq!(
            pays_for_relay(100_000, 109_600, 204).unwrap_err(),
            "less fees than conflicting txs; 0.001 < 0.001096"
        );
    }
}
