//! The aggregate: what is known of a stake, from wherever it came.

use bitcoin::absolute::Height;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, Transaction, TxOut, Txid, XOnlyPublicKey};

use super::covenant::CovenantSignatures;
use super::error::DelegationError;
use super::included::StakeInclusion;
use crate::outputs::providers::StakedTo;
use crate::parameters::{Parameters, ParametersHistory};
use crate::possession::{PossessionMessage, ProofOfPossession};

/// A stake and all that is known of it. Each part that a source may lack is optional; a step asks for what it
/// needs and no more. Nothing in it is certain yet but that its parts could be read:
/// [`check`](Self::check) judges it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delegation {
    /// Which version of the parameters it says it is made under.
    pub parameters: ParametersAt,
    /// The staker's key.
    pub staker: XOnlyPublicKey,
    /// The finality providers.
    pub staked_to: StakedTo,
    /// The staking time in blocks.
    pub staking_time_blocks: u32,
    /// The amount staked.
    pub staking_amount: Amount,
    /// The unbonding time in blocks.
    pub unbonding_time_blocks: u32,
    /// The staking transaction. Its witnesses do not matter.
    pub staking_transaction: Transaction,
    /// The unbonding transaction.
    pub unbonding_transaction: Option<Transaction>,
    /// The slashing transaction of the staking output.
    pub slashing: Option<PresignedSlashing>,
    /// The slashing transaction of the unbonding output.
    pub unbonding_slashing: Option<PresignedSlashing>,
    /// The staker's proof of possession, and what it is about. Only the chain and the covenant ask for it.
    pub proof_of_possession: Option<(PossessionMessage, ProofOfPossession)>,
    /// What covenant members have signed.
    pub covenant_signatures: Vec<CovenantSignatures>,
    /// The running stake that this one extends.
    pub extends: Option<RunningStake>,
    /// The SPV proof of the staking transaction; absent for a stake that is registered before it is included.
    pub inclusion: Option<StakeInclusion>,
}

/// Which output a slashing transaction spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlashedOutput {
    /// The staking output.
    Staking,
    /// The unbonding output.
    Unbonding,
}

/// A slashing transaction, and the staker's signature over it.
#[derive(Debug, Clone, PartialEq)]
pub struct PresignedSlashing {
    /// The transaction.
    pub transaction: Transaction,
    /// The staker's signature.
    pub staker_signature: Option<schnorr::Signature>,
}

/// The running stake that an extension spends.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningStake {
    /// The id of its staking transaction.
    pub txid: Txid,
    /// What is known of it; absent in what a node answers, which names its id alone.
    pub stake: Option<PreviousStake>,
    /// The output that the extension's second input spends.
    pub funding: TxOut,
}

/// A running stake, as far as an extension of it must know it.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviousStake {
    /// Which version of the parameters it was made under.
    pub parameters: ParametersAt,
    /// Its finality providers.
    pub staked_to: StakedTo,
    /// Its staking time in blocks.
    pub staking_time_blocks: u32,
    /// Its staking transaction.
    pub staking_transaction: Transaction,
}

/// How a delegation names the version of the parameters that it is made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParametersAt {
    /// By a Bitcoin height at which the version is in force: of the inclusion, or of the tip when the stake
    /// is registered before.
    Height(Height),
    /// By its number, as the chain keeps it.
    Version(u32),
    /// Not at all, as in a message that registers a stake: the asker must know it.
    Unstated,
}

impl ParametersAt {
    /// Returns the version's number, and the version.
    ///
    /// # Errors
    /// [`DelegationError::NotInForce`], [`DelegationError::NoSuchVersion`] or [`DelegationError::Unstated`].
    pub fn resolve(
        self,
        history: &ParametersHistory<Parameters>,
    ) -> Result<(usize, &Parameters), DelegationError> {
        match self {
            Self::Height(height) => history.in_force(height).map_err(DelegationError::NotInForce),
            Self::Unstated => Err(DelegationError::Unstated),
            Self::Version(version) => {
                let number = usize::try_from(version).unwrap_or(usize::MAX);
                let last = history.iter().len().saturating_sub(1);
                let error = DelegationError::NoSuchVersion { version, last };
                history.get(number).map(|parameters| (number, parameters)).ok_or(error)
            }
        }
    }
}

impl Delegation {
    /// Returns the version of the parameters that the delegation says it is made under.
    ///
    /// # Errors
    /// As [`ParametersAt::resolve`].
    pub fn parameters<'a>(
        &self,
        history: &'a ParametersHistory<Parameters>,
    ) -> Result<&'a Parameters, DelegationError> {
        self.parameters.resolve(history).map(|(_, parameters)| parameters)
    }

    /// Adds what is known of the running stake that this one extends: `previous` must be its delegation.
    ///
    /// # Errors
    /// [`DelegationError::Absent`] for a stake that extends none, [`DelegationError::OtherTransaction`] for
    /// the delegation of another stake.
    pub fn set_previous(&mut self, previous: &Self) -> Result<(), DelegationError> {
        let running = self.extends.as_mut().ok_or(DelegationError::Absent("extends"))?;
        let (found, expected) = (previous.staking_transaction.compute_txid(), running.txid);
        if found != expected {
            return Err(DelegationError::OtherTransaction { field: "extends", found, expected });
        }
        running.stake = Some(PreviousStake {
            parameters: previous.parameters,
            staked_to: previous.staked_to.clone(),
            staking_time_blocks: previous.staking_time_blocks,
            staking_transaction: previous.staking_transaction.clone(),
        });
        Ok(())
    }
}
