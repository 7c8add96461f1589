//! The relation of a transaction to a delegation.

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use eots::SecretKey;

use super::data::Delegation;
use super::role::StakeTransaction;
use crate::explain::{Explanation, SpentLeaf, TransactionKind, recover_provider_key};
use crate::outputs::descriptor::ProtocolOutput;
use crate::parameters::CommonParameters;

/// A delegation with its transactions and outputs, to find which of its transactions another is, and which of
/// its outputs that spends and pays.
#[derive(Debug, Clone)]
pub struct DelegationRelation<'a> {
    delegation: &'a Delegation,
    /// The delegation's transactions, with their ids.
    transactions: Vec<(StakeTransaction, Txid, &'a Transaction)>,
    outputs: Vec<(ScriptBuf, ProtocolOutput)>,
}

impl<'a> DelegationRelation<'a> {
    /// Returns the relation for this delegation, with its outputs under these parameters, of either
    /// form.
    pub fn new<'p>(delegation: &'a Delegation, parameters: impl Into<CommonParameters<'p>>) -> Self {
        let slashing = [
            (StakeTransaction::Slashing, delegation.slashing.as_ref()),
            (StakeTransaction::UnbondingSlashing, delegation.unbonding_slashing.as_ref()),
        ];
        let slashing = slashing.into_iter().filter_map(|(which, it)| Some((which, &it?.transaction)));
        let unbonding = delegation.unbonding_transaction.as_ref();
        let all = [(StakeTransaction::Staking, &delegation.staking_transaction)]
            .into_iter()
            .chain(unbonding.map(|transaction| (StakeTransaction::Unbonding, transaction)))
            .chain(slashing);
        let outputs = delegation.outputs(parameters.into().covenant).into_iter();
        Self {
            delegation,
            transactions: all.map(|(which, it)| (which, it.compute_txid(), it)).collect(),
            outputs: outputs.map(|output| (output.taproot().script_pubkey(), output)).collect(),
        }
    }

    /// Returns which of the delegation's transactions has this id.
    pub fn transaction(&self, txid: Txid) -> Option<StakeTransaction> {
        self.transactions.iter().find(|(_, known, _)| *known == txid).map(|(which, ..)| *which)
    }

    fn kind(&self, which: StakeTransaction) -> TransactionKind {
        match which {
            StakeTransaction::Staking if self.delegation.extends.is_some() => TransactionKind::Extension,
            StakeTransaction::Staking => TransactionKind::Stake,
            StakeTransaction::Unbonding => TransactionKind::Unbonding,
            StakeTransaction::Slashing | StakeTransaction::UnbondingSlashing => TransactionKind::Slashing,
        }
    }

    /// Returns the explanation with the outputs of the stake recognised, and a transaction of the delegation
    /// recognised even without its witness. A leaf that the output spent does not have is dropped.
    pub fn explain(&self, transaction: &Transaction, mut explanation: Explanation) -> Explanation {
        explanation.spent.retain(|spent| self.may_spend(spent));
        let outputs: Vec<_> = self.outputs.iter().map(|(_, output)| output.clone()).collect();
        let mut explanation = explanation.with_known_outputs(transaction, &outputs);
        match (explanation.kind, self.transaction(explanation.txid)) {
            // An unsigned extension reveals its new stake only.
            (TransactionKind::Unknown, Some(which))
            | (TransactionKind::Stake, Some(which @ StakeTransaction::Staking)) => {
                explanation.kind = self.kind(which);
            }
            _ => {}
        }
        explanation
    }

    /// Returns the transaction output at an outpoint, if it is of one of the delegation's transactions.
    pub fn source(&self, outpoint: OutPoint) -> Option<&'a TxOut> {
        let (.., transaction) = self.transactions.iter().find(|(_, txid, _)| *txid == outpoint.txid)?;
        transaction.output.get(usize::try_from(outpoint.vout).ok()?)
    }

    /// Returns the output of the stake at an outpoint, if it is of one of the delegation's transactions.
    pub fn output(&self, outpoint: OutPoint) -> Option<&ProtocolOutput> {
        let source = self.source(outpoint)?;
        self.outputs.iter().find(|(script, _)| *script == source.script_pubkey).map(|(_, output)| output)
    }

    fn may_spend(&self, spent: &SpentLeaf) -> bool {
        let has = |output: &ProtocolOutput| {
            let leaf = output.taproot().leaf(spent.keys.path());
            leaf.is_some_and(|leaf| leaf.keys == spent.keys && spent.is_at(&leaf.control_block))
        };
        self.output(spent.outpoint).is_none_or(has)
    }

    /// Recovers the finality provider's secret key from a slashing transaction of this stake that was
    /// finalized without an equivocation; `None` where it reveals none.
    pub fn recover_provider_key(&self, slashing: &Transaction) -> Option<SecretKey> {
        let given = self.delegation.covenant_signatures.iter();
        let adaptors: Vec<_> =
            given.flat_map(|given| [given.slashing.clone(), given.unbonding_slashing.clone()]).collect();
        recover_provider_key(slashing, &adaptors).ok()
    }
}
