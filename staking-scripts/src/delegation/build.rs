//! The staker's steps: building a delegation and signing it.

use bitcoin::secp256k1::schnorr;
use bitcoin::{FeeRate, Psbt, Transaction, XOnlyPublicKey};
use eots::SecretKey;

use super::data::{Delegation, ParametersAt, PresignedSlashing, RunningStake, SlashedOutput};
use super::error::{DelegationError, field};
use super::presigned::Given;
use super::role::StakeTransaction;
use crate::outputs::leaf::SpendPath;
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::providers::StakedTo;
use crate::parameters::Parameters;
use crate::transactions::error::BuildError;
use crate::transactions::extension::ExtensionTransaction;
use crate::transactions::funded::Funded;
use crate::transactions::leaf_transaction::LeafTransaction as _;
use crate::transactions::slashing::{DRAFTED, SlashingTransaction};
use crate::transactions::spend::LeafSignatures;
use crate::transactions::unbonding::UnbondingTransaction;

/// The pre-signed transactions of a stake, which are signed before it is broadcast.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PresignedTransactions {
    /// The unbonding transaction.
    pub unbonding: UnbondingTransaction,
    /// The slashing transaction of the staking output.
    pub slashing: SlashingTransaction,
    /// The slashing transaction of the unbonding output.
    pub unbonding_slashing: SlashingTransaction,
}

impl PresignedTransactions {
    /// Builds the pre-signed transactions of a stake under these parameters.
    ///
    /// # Errors
    /// [`BuildError`] when the stake does not pay for them.
    pub fn new(staking: &Funded<StakingOutput>, parameters: &Parameters) -> Result<Self, BuildError> {
        let parties = staking.output().parties().clone();
        let output = UnbondingOutput::new(parties, parameters.unbonding_time())?;
        let unbonding = UnbondingTransaction::new(staking, output, parameters.unbonding_fee())?;
        let slashing_parameters = parameters.slashing_parameters();
        let staker = *staking.output().parties().staker();
        let refund = SlashingRefundOutput::new(staker, slashing_parameters.unbonding_time)?;
        let slashing =
            SlashingTransaction::refunding(staking, &slashing_parameters, refund.clone(), DRAFTED)?;
        let output = unbonding.unbonding_output();
        let unbonding_slashing =
            SlashingTransaction::refunding(&output, &slashing_parameters, refund, DRAFTED)?;
        Ok(Self { unbonding, slashing, unbonding_slashing })
    }

    /// Returns the transactions with a fee rate below `rate`, each with its own rate. Their fee is fixed when
    /// they are signed, and neither RBF nor CPFP is possible, so they may stay unconfirmed for long.
    pub fn below_rate(&self, rate: FeeRate) -> Vec<(StakeTransaction, FeeRate)> {
        let rates = [
            (StakeTransaction::Unbonding, self.unbonding.fee_rate()),
            (StakeTransaction::Slashing, self.slashing.fee_rate()),
            (StakeTransaction::UnbondingSlashing, self.unbonding_slashing.fee_rate()),
        ];
        rates.into_iter().filter_map(|(part, own)| Some((part, own.filter(|own| *own < rate)?))).collect()
    }

    /// Returns the staker's signatures over both slashing transactions.
    fn sign_as_staker(&self, key: &SecretKey) -> Result<[schnorr::Signature; 2], DelegationError> {
        let sign = |slashing: &SlashingTransaction| field("staker", slashing.sign_as_staker(key));
        Ok([sign(&self.slashing)?, sign(&self.unbonding_slashing)?])
    }
}

/// The parts that the delegation of an extension is built from.
#[derive(Debug, Clone, Copy)]
pub struct NewExtendedDelegation<'a> {
    /// The extension.
    pub extension: &'a ExtensionTransaction,
    /// The finality providers of the new stake.
    pub staked_to: &'a StakedTo,
    /// The parameters version of the new stake.
    pub parameters: &'a Parameters,
    /// The reference to that version.
    pub parameters_at: ParametersAt,
}

/// The parts that a delegation is built from.
#[derive(Debug, Clone, Copy)]
pub struct NewDelegation<'a> {
    /// The finality providers.
    pub staked_to: &'a StakedTo,
    /// The staking output, with its outpoint in the staking transaction.
    pub staking: &'a Funded<StakingOutput>,
    /// The staking transaction.
    pub transaction: &'a Transaction,
    /// The parameters in force.
    pub parameters: &'a Parameters,
    /// The delegation's reference to their version.
    pub parameters_at: ParametersAt,
}

impl Delegation {
    /// Builds a staker's delegation: the stake, with its unsigned unbonding and slashing transactions.
    ///
    /// # Errors
    /// [`BuildError`] when the stake does not pay for them.
    pub fn new(stake: &NewDelegation<'_>) -> Result<Self, BuildError> {
        let presigned = PresignedTransactions::new(stake.staking, stake.parameters)?;
        Ok(Self::unsigned(stake, &presigned))
    }

    /// Builds a delegation as [`new`](Self::new) does, and signs it as
    /// [`sign_as_staker`](Self::sign_as_staker) does, in less time than both: the transactions are built
    /// once.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and [`DelegationError::Field`] when the key is not the staker's or
    /// signing fails.
    pub fn signed(stake: &NewDelegation<'_>, key: &SecretKey) -> Result<Self, DelegationError> {
        let presigned = PresignedTransactions::new(stake.staking, stake.parameters);
        let presigned = field("staking_amount_sat", presigned)?;
        let mut delegation = Self::unsigned(stake, &presigned);
        delegation.take(presigned.sign_as_staker(key)?);
        Ok(delegation)
    }

    /// Builds the delegation of an extension of the stake `running`, with its pre-signed transactions.
    ///
    /// # Errors
    /// [`DelegationError::Build`] when the new stake does not pay for them, and
    /// [`DelegationError::OtherTransaction`] when the extension spends another stake.
    pub fn extending(running: &Self, new: &NewExtendedDelegation<'_>) -> Result<Self, DelegationError> {
        let NewExtendedDelegation { extension, staked_to, parameters, parameters_at } = *new;
        let (staking, transaction) = (&extension.staking_output(), extension.unsigned());
        let stake = NewDelegation { staked_to, staking, transaction, parameters, parameters_at };
        let mut delegation = Self::new(&stake).map_err(DelegationError::Build)?;
        let spent = transaction.input.first().ok_or(DelegationError::Absent("extends"))?;
        let (txid, funding) = (spent.previous_output.txid, extension.funding().clone());
        delegation.extends = Some(RunningStake { txid, stake: None, funding });
        delegation.set_previous(running)?;
        Ok(delegation)
    }

    fn unsigned(stake: &NewDelegation<'_>, presigned: &PresignedTransactions) -> Self {
        let NewDelegation { staked_to, staking, transaction, parameters, parameters_at } = *stake;
        let unsigned =
            |slashing: &SlashingTransaction| PresignedSlashing::unsigned(slashing.unsigned().clone());
        Self {
            parameters: parameters_at,
            staker: *staking.output().parties().staker(),
            staked_to: staked_to.clone(),
            staking_time_blocks: staking.output().staking_time().blocks().into(),
            staking_amount: staking.amount(),
            unbonding_time_blocks: parameters.unbonding_time().blocks().into(),
            staking_transaction: transaction.clone(),
            unbonding_transaction: Some(presigned.unbonding.unsigned().clone()),
            slashing: Some(unsigned(&presigned.slashing)),
            unbonding_slashing: Some(unsigned(&presigned.unbonding_slashing)),
            extends: None,
            inclusion: None,
            proof_of_possession: None,
            covenant_signatures: Vec::new(),
        }
    }

    /// Returns the delegation's pre-signed transactions as they are, whoever built them: what is checked is
    /// the rules, of which a slashing transaction may have version 1 or 2, and may pay and slash more than
    /// the least. The staker signs these; [`PresignedTransactions::differences`] has what differs from those
    /// that are drafted here.
    ///
    /// # Errors
    /// [`DelegationError::Absent`], [`DelegationError::Broken`] with every rule that one of them breaks, and
    /// the errors of [`stake`](Self::stake).
    pub fn presigned(&self, parameters: &Parameters) -> Result<PresignedTransactions, DelegationError> {
        let unbonding = self.unbonding_transaction.as_ref();
        let given = Given {
            unbonding: unbonding.ok_or(DelegationError::Absent("unbonding_transaction"))?,
            slashing: &self.presigned_slashing(SlashedOutput::Staking)?.1.transaction,
            unbonding_slashing: &self.presigned_slashing(SlashedOutput::Unbonding)?.1.transaction,
        };
        given.check(&self.stake(parameters.covenant())?.staking, parameters)
    }

    /// Signs both slashing transactions as the staker, as [`presigned`](Self::presigned) returns them.
    ///
    /// # Errors
    /// Those of [`presigned`](Self::presigned), and [`DelegationError::Field`] when the key is not the
    /// staker's or signing fails.
    pub fn sign_as_staker(
        &mut self,
        key: &SecretKey,
        parameters: &Parameters,
    ) -> Result<(), DelegationError> {
        let signatures = self.presigned(parameters)?.sign_as_staker(key)?;
        self.take(signatures);
        Ok(())
    }

    /// Adds the staker's signatures of the PSBTs of both slashing transactions, which a wallet signed. The
    /// PSBTs must be of the transactions that [`presigned`](Self::presigned) returns, and their signatures
    /// must verify.
    ///
    /// Returns the keys that have signed other leaves too, each with the transaction and the leaf's spend
    /// path: these PSBTs must not be passed on ([`LeafSignatures::other_leaves`]).
    ///
    /// # Errors
    /// [`DelegationError`] names the PSBT that cannot be used.
    pub fn take_staker_signatures(
        &mut self,
        slashing: &Psbt,
        unbonding_slashing: &Psbt,
        parameters: &Parameters,
    ) -> Result<Vec<(StakeTransaction, XOnlyPublicKey, SpendPath)>, DelegationError> {
        let presigned = self.presigned(parameters)?;
        let read = |name: &'static str, slashing: &SlashingTransaction, signed: &Psbt| {
            let LeafSignatures { staker, other_leaves, .. } = field(name, slashing.signatures(signed))?;
            let cause = || "the staker has not signed it; must have".into();
            let staker = staker.ok_or_else(|| DelegationError::Field { field: name, cause: cause() })?;
            Ok::<_, DelegationError>((staker, other_leaves))
        };
        let (first, others) = read("slashing_transaction", &presigned.slashing, slashing)?;
        let (second, later) =
            read("unbonding_slashing_transaction", &presigned.unbonding_slashing, unbonding_slashing)?;
        self.take([first, second]);
        let of = |part| move |(key, path)| (part, key, path);
        let others = others.into_iter().map(of(StakeTransaction::Slashing));
        Ok(others.chain(later.into_iter().map(of(StakeTransaction::UnbondingSlashing))).collect())
    }

    fn take(&mut self, signatures: [schnorr::Signature; 2]) {
        let both = [&mut self.slashing, &mut self.unbonding_slashing];
        for (slashing, signature) in both.into_iter().zip(signatures) {
            if let Some(slashing) = slashing {
                slashing.staker_signature = Some(signature);
            }
        }
    }
}
