//! What a delegation tells of a transaction.

use bitcoin::{Amount, OutPoint, Transaction};
use serde::Serialize;
use staking_scripts::{
    CovenantAnswer, DelegationFile, Explanation, Parameters, ProtocolOutput, StakeRequest, TransactionKind, Versions,
    recover_provider_key,
};

use crate::commands::stake::Violation;
use crate::files::{self, ChainArgs};

/// A delegation that a transaction may be of.
pub(super) struct Known {
    request: StakeRequest,
    outputs: Vec<ProtocolOutput>,
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

impl Known {
    pub(super) fn new(
        delegation: &DelegationFile,
        params: &Versions<Parameters>,
        chain: ChainArgs,
    ) -> anyhow::Result<Self> {
        let request = delegation.request()?;
        let outputs = request.outputs(files::in_force(params, delegation.parameters_height)?);
        let violations = files::check(delegation, params, chain)?.err().unwrap_or_default();
        Ok(Self {
            request,
            outputs,
            answers: delegation.covenant_answers.iter().map(Into::into).collect(),
            violations: violations.iter().map(Violation::from).collect(),
        })
    }

    fn parts(&self) -> [(&'static str, &Transaction, TransactionKind); 4] {
        let request = &self.request;
        let first = if request.extends.is_some() { TransactionKind::Extension } else { TransactionKind::Stake };
        [
            ("staking", &request.staking_transaction, first),
            ("unbonding", &request.unbonding_transaction, TransactionKind::Unbonding),
            ("slashing", &request.slashing.transaction, TransactionKind::Slashing),
            ("unbonding_slashing", &request.unbonding_slashing.transaction, TransactionKind::Slashing),
        ]
    }

    /// Recognises the outputs of the stake, and a transaction of the delegation even without its witness.
    pub(super) fn explain(&self, transaction: &Transaction, explanation: Explanation) -> Explanation {
        let mut explanation = explanation.knowing(transaction, &self.outputs);
        if explanation.kind == TransactionKind::Unknown
            && let Some((_, _, kind)) = self.parts().iter().find(|(_, part, _)| part.compute_txid() == explanation.txid)
        {
            explanation.kind = *kind;
        }
        explanation
    }

    /// What an output of one of the delegation's transactions holds.
    pub(super) fn amount(&self, outpoint: OutPoint) -> Option<Amount> {
        let parts = self.parts();
        let (_, source, _) = parts.iter().find(|(_, part, _)| part.compute_txid() == outpoint.txid)?;
        source.output.get(usize::try_from(outpoint.vout).ok()?).map(|output| output.value)
    }

    /// Which output of the stake an output of one of the delegation's transactions is.
    pub(super) fn output(&self, outpoint: OutPoint) -> Option<&'static str> {
        let parts = self.parts();
        let (_, source, _) = parts.iter().find(|(_, part, _)| part.compute_txid() == outpoint.txid)?;
        let script = &source.output.get(usize::try_from(outpoint.vout).ok()?)?.script_pubkey;
        self.outputs.iter().find(|output| output.taproot().script_pubkey() == *script).map(ProtocolOutput::as_str)
    }

    pub(super) fn found(self, transaction: &Transaction) -> InDelegation {
        let txid = transaction.compute_txid();
        let part = self.parts().iter().find(|(_, part, _)| part.compute_txid() == txid).map(|(name, ..)| *name);
        let adaptors: Vec<_> =
            self.answers.into_iter().flat_map(|answer| [answer.slashing, answer.unbonding_slashing]).collect();
        let key = recover_provider_key(transaction, &adaptors).ok();
        let provider_secret_key = key.map(|key| hex::encode(key.to_bytes().as_slice()));
        InDelegation { part, violations: self.violations, provider_secret_key }
    }
}
