//! What a delegation tells of a transaction.

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use serde::Serialize;
use staking_scripts::{
    CovenantAnswer, DelegationFile, Explanation, Parameters, ProtocolOutput, SpentLeaf, StakeRequest,
    TransactionKind, Versions, recover_provider_key,
};

use crate::commands::stake::Violation;
use crate::files::{self, ChainArgs};

/// A delegation that a transaction may be of.
pub(super) struct Known {
    request: StakeRequest,
    /// Of its transactions, in the order of [`Self::parts`].
    txids: [Txid; 4],
    outputs: Vec<(ScriptBuf, ProtocolOutput)>,
    answers: Vec<CovenantAnswer>,
    violations: Vec<Violation>,
}

/// What the transaction is to a delegation.
#[derive(Serialize)]
pub(super) struct InDelegation {
    /// Which of the delegation's transactions it is.
    pub(super) part: Option<&'static str>,
    /// What the delegation breaks.
    pub(super) violations: Vec<Violation>,
    /// The finality provider's key that it shows.
    pub(super) provider_secret_key: Option<String>,
}

fn transactions(request: &StakeRequest) -> [&Transaction; 4] {
    [
        &request.staking_transaction,
        &request.unbonding_transaction,
        &request.slashing.transaction,
        &request.unbonding_slashing.transaction,
    ]
}

impl Known {
    pub(super) fn new(
        delegation: &DelegationFile,
        params: &Versions<Parameters>,
        chain: ChainArgs,
    ) -> anyhow::Result<Self> {
        let request = delegation.request()?;
        let outputs = request.outputs(files::in_force(params, delegation.parameters_height)?);
        let violations = files::check(delegation, params, chain)?.err().unwrap_or_default();
        let txids = transactions(&request).map(Transaction::compute_txid);
        Ok(Self {
            request,
            txids,
            outputs: outputs.into_iter().map(|output| (output.taproot().script_pubkey(), output)).collect(),
            answers: delegation.covenant_answers.iter().map(Into::into).collect(),
            violations: violations.iter().map(Violation::from).collect(),
        })
    }

    /// Its transactions: the id, which part each is, and of what kind.
    fn parts(&self) -> impl Iterator<Item = (Txid, &'static str, TransactionKind)> {
        let first =
            if self.request.extends.is_some() { TransactionKind::Extension } else { TransactionKind::Stake };
        let (names, slashing) =
            (["staking", "unbonding", "slashing", "unbonding_slashing"], TransactionKind::Slashing);
        let kinds = [first, TransactionKind::Unbonding, slashing, slashing];
        self.txids.into_iter().zip(names).zip(kinds).map(|((txid, name), kind)| (txid, name, kind))
    }

    fn part(&self, txid: Txid) -> Option<(&'static str, TransactionKind)> {
        self.parts().find(|(part, ..)| *part == txid).map(|(_, name, kind)| (name, kind))
    }

    /// Recognises the outputs of the stake, and a transaction of the delegation even without its witness. A
    /// leaf that the output spent does not have says nothing.
    pub(super) fn explain(&self, transaction: &Transaction, mut explanation: Explanation) -> Explanation {
        explanation.spent.retain(|spent| self.may_spend(spent));
        let outputs: Vec<_> = self.outputs.iter().map(|(_, output)| output.clone()).collect();
        let mut explanation = explanation.knowing(transaction, &outputs);
        match (explanation.kind, self.part(explanation.txid)) {
            // An extension that nobody has signed shows its new stake only.
            (TransactionKind::Unknown, Some((_, kind)))
            | (TransactionKind::Stake, Some(("staking", kind))) => {
                explanation.kind = kind;
            }
            _ => {}
        }
        explanation
    }

    /// An output of one of the delegation's transactions.
    fn source(&self, outpoint: OutPoint) -> Option<&TxOut> {
        let number = self.txids.iter().position(|txid| *txid == outpoint.txid)?;
        transactions(&self.request).get(number)?.output.get(usize::try_from(outpoint.vout).ok()?)
    }

    fn known(&self, outpoint: OutPoint) -> Option<&ProtocolOutput> {
        let source = self.source(outpoint)?;
        self.outputs.iter().find(|(script, _)| *script == source.script_pubkey).map(|(_, output)| output)
    }

    fn may_spend(&self, spent: &SpentLeaf) -> bool {
        let has = |output: &ProtocolOutput| {
            output.taproot().leaf(spent.keys.path()).is_some_and(|leaf| leaf.keys == spent.keys)
        };
        self.known(spent.outpoint).is_none_or(has)
    }

    /// What an output of one of the delegation's transactions holds.
    pub(super) fn amount(&self, outpoint: OutPoint) -> Option<Amount> {
        self.source(outpoint).map(|output| output.value)
    }

    /// Which output of the stake an output of one of the delegation's transactions is.
    pub(super) fn output(&self, outpoint: OutPoint) -> Option<&'static str> {
        self.known(outpoint).map(ProtocolOutput::as_str)
    }

    pub(super) fn found(self, transaction: &Transaction) -> InDelegation {
        let part = self.part(transaction.compute_txid()).map(|(name, _)| name);
        let adaptors: Vec<_> = self
            .answers
            .into_iter()
            .flat_map(|answer| [answer.slashing, answer.unbonding_slashing])
            .collect();
        let key = recover_provider_key(transaction, &adaptors).ok();
        let provider_secret_key = key.map(|key| hex::encode(key.to_bytes().as_slice()));
        InDelegation { part, violations: self.violations, provider_secret_key }
    }
}
