//! Delegations in the forms of Babylon Genesis: a node's responses, and the messages that register a stake.

use bitcoin::{Transaction, TxOut};
use finality::SigningContext;

use super::covenant::CovenantSignatures;
use super::data::{Delegation, ParametersAt, PresignedSlashing, RunningStake};
use super::error::{DelegationError, field};
use super::json::{check_text, first_member};
use crate::outputs::providers::StakedTo;
use crate::possession::{PopType, PossessionMessage, ProofOfPossession};
use crate::transactions::signatures::{CovenantAdaptorSignatures, CovenantSignature};
use crate::wire::{
    TOP_MEMBERS, WireCovenantSignatures, WireDelegation, WireError, WireExtension, WireKind, read_json,
    read_protobuf,
};

/// A protobuf message that holds delegations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainMessage {
    /// A node's response with one delegation.
    Delegation,
    /// A node's response with a page of delegations.
    Delegations,
    /// A node's response with a page of a finality provider's delegations, by staker.
    ProviderDelegations,
    /// The message `MsgCreateBTCDelegation`, which registers a stake.
    Create,
    /// The message `MsgBtcStakeExpand`, which registers an extension.
    Extend,
    /// One of the two messages, in a `google.protobuf.Any` that names it.
    Any,
}

impl From<ChainMessage> for WireKind {
    fn from(message: ChainMessage) -> Self {
        match message {
            ChainMessage::Delegation => Self::Delegation,
            ChainMessage::Delegations => Self::Delegations,
            ChainMessage::ProviderDelegations => Self::ProviderDelegations,
            ChainMessage::Create => Self::Create,
            ChainMessage::Extend => Self::Expand,
            ChainMessage::Any => Self::Any,
        }
    }
}

fn unreadable(error: WireError) -> DelegationError {
    DelegationError::Chain { path: error.path().map(str::to_owned), cause: error.into() }
}

impl Delegation {
    /// Reads delegations from JSON of a node of Babylon Genesis: its response with one delegation or a page
    /// of them, as `babylond query btcstaking` and the REST gateway print it, or a `MsgCreateBTCDelegation`
    /// or `MsgBtcStakeExpand`, alone or in a transaction.
    ///
    /// A node's response has the parameters version and no proof of possession; a message has the proof of
    /// possession and no version. Neither has the headers of an SPV proof.
    ///
    /// # Errors
    /// [`DelegationError::Chain`] with the path of the field, or [`DelegationError::Field`].
    pub fn from_chain_json(text: &str) -> Result<Vec<Self>, DelegationError> {
        let read = read_json(text).map_err(unreadable)?;
        read.into_iter().map(Self::from_wire).collect()
    }

    /// Reads delegations from protobuf of Babylon Genesis, as [`from_chain_json`](Self::from_chain_json) does
    /// from JSON.
    ///
    /// # Errors
    /// The errors of [`from_chain_json`](Self::from_chain_json).
    pub fn from_chain_protobuf(message: ChainMessage, bytes: &[u8]) -> Result<Vec<Self>, DelegationError> {
        let read = read_protobuf(message.into(), bytes).map_err(unreadable)?;
        read.into_iter().map(Self::from_wire).collect()
    }

    /// Reads delegations from JSON: a delegation's own, or a node's. An object with the members of both is
    /// read as a delegation's own, which refuses the node's.
    ///
    /// # Errors
    /// The errors of [`from_json`](Self::from_json) and [`from_chain_json`](Self::from_chain_json).
    pub fn from_any_json(text: &str) -> Result<Vec<Self>, DelegationError> {
        check_text(text)?;
        let has = |names: &[&str]| first_member(text, names).is_some();
        if !has(&["staking_transaction"]) && has(&TOP_MEMBERS) {
            Self::from_chain_json(text)
        } else {
            Self::from_json(text).map(|own| vec![own])
        }
    }

    fn from_wire(wire: WireDelegation) -> Result<Self, DelegationError> {
        let staked_to = match wire.finality_providers.as_slice() {
            [key] => StakedTo::Genesis(*key),
            keys => {
                let cause = format!("{} keys; a stake of Babylon Genesis has exactly 1", keys.len());
                return Err(DelegationError::Field { field: "fp_btc_pk_list", cause: cause.into() });
            }
        };
        if let Some(index) = wire.staking_output_index {
            let outputs = &wire.staking_transaction.output;
            let named = usize::try_from(index).ok().and_then(|index| outputs.get(index));
            let pays = |output: &TxOut| output.value == wire.staking_amount;
            if named.is_none_or(|named| !pays(named) && outputs.iter().any(pays)) {
                let cause = format!("{index}; must be the output that holds {}", wire.staking_amount);
                return Err(DelegationError::Field { field: "staking_output_idx", cause: cause.into() });
            }
        }
        // A message says the amount beside the transaction, and the chain refuses one where they differ.
        if let (Some(said), Some(unbonding)) = (wire.unbonding_amount, &wire.unbonding_transaction)
            && let Some(found) = unbonding.output.first().map(|output| output.value)
            && said != found
        {
            let cause = format!("{said}; must be what the unbonding transaction's output holds, {found}");
            return Err(DelegationError::Field { field: "unbonding_value", cause: cause.into() });
        }
        let slashing = |transaction: Option<Transaction>, staker_signature| {
            transaction.map(|transaction| PresignedSlashing { transaction, staker_signature })
        };
        let possession = wire.proof_of_possession.zip(wire.staker_address);
        let possession = possession.map(|((kind, bytes), address)| read_possession(kind, &bytes, &address));
        let extends = wire.extends.map(|extends| running(extends, &wire.staking_transaction)).transpose()?;
        Ok(Self {
            parameters: wire.parameters_version.map_or(ParametersAt::Unstated, ParametersAt::Version),
            staker: wire.staker,
            staked_to,
            staking_time_blocks: wire.staking_time_blocks,
            staking_amount: wire.staking_amount,
            unbonding_time_blocks: wire.unbonding_time_blocks,
            staking_transaction: wire.staking_transaction,
            unbonding_transaction: wire.unbonding_transaction,
            slashing: slashing(wire.slashing_transaction, wire.staker_slashing_signature),
            unbonding_slashing: slashing(
                wire.unbonding_slashing_transaction,
                wire.staker_unbonding_slashing_signature,
            ),
            proof_of_possession: possession.transpose()?,
            covenant_signatures: wire.covenant.into_iter().map(Into::into).collect(),
            extends,
            inclusion: None,
        })
    }
}

fn read_possession(
    kind: i32,
    bytes: &[u8],
    address: &str,
) -> Result<(PossessionMessage, ProofOfPossession), DelegationError> {
    const NAME: &str = "pop";
    let kind = match kind {
        0 => PopType::Bip340,
        1 => PopType::Bip322,
        _ => PopType::Ecdsa,
    };
    let message =
        field(NAME, PossessionMessage::new(SigningContext::GENESIS, field("staker_addr", address.parse())?))?;
    Ok((message, field(NAME, ProofOfPossession::from_signature_bytes(kind, bytes))?))
}

/// Returns the running stake, with the coin of the extension's second input.
fn running(extends: WireExtension, extension: &Transaction) -> Result<RunningStake, DelegationError> {
    let spent = || -> Option<TxOut> {
        let outpoint = extension.input.get(1)?.previous_output;
        let transaction = extends.funding_transaction.as_ref()?;
        let output = transaction.output.get(usize::try_from(outpoint.vout).ok()?)?;
        (transaction.compute_txid() == outpoint.txid).then(|| output.clone())
    };
    let funding = extends.funding_output.clone().or_else(spent);
    let cause = || "it is not what the second input of the extension spends".into();
    let funding = funding.ok_or_else(|| DelegationError::Field { field: "funding_tx", cause: cause() })?;
    Ok(RunningStake { txid: extends.previous_txid, stake: None, funding })
}

impl From<WireCovenantSignatures> for CovenantSignatures {
    fn from(wire: WireCovenantSignatures) -> Self {
        let member = wire.member;
        let adaptors = |signatures| CovenantAdaptorSignatures { member, signatures };
        Self {
            unbonding: CovenantSignature { member, signature: wire.unbonding },
            slashing: adaptors(wire.slashing),
            unbonding_slashing: adaptors(wire.unbonding_slashing),
            extension: wire.extension.map(|signature| CovenantSignature { member, signature }),
        }
    }
}
