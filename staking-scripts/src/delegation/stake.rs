//! The steps that end a stake. Each needs only the parts of the delegation that it uses.

use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, FeeRate, Psbt, ScriptBuf, Transaction};
use eots::SecretKey;

use super::data::{Delegation, PresignedSlashing, SlashedOutput};
use super::error::{DelegationError, field};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;
use crate::transactions::funded::Funded;
use crate::transactions::leaf_transaction::LeafTransaction;
use crate::transactions::sighash::sum;
use crate::transactions::slashing::{Slashable, SlashingTransaction};
use crate::transactions::unbonding::UnbondingTransaction;
use crate::transactions::withdrawal::WithdrawalTransaction;

/// The output of a stake that the staker withdraws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithdrawnOutput {
    /// The staking output, after the staking time.
    Staking,
    /// The unbonding output, after the unbonding time.
    Unbonding,
    /// The refund of a slashing transaction, after the unbonding time.
    Refund(SlashedOutput),
}

/// The outputs of a stake, with the outpoint of the staking output. A withdrawal needs nothing else; the
/// rules are not checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Stake {
    /// The staking output.
    pub staking: Funded<StakingOutput>,
    /// The unbonding output.
    pub unbonding_output: UnbondingOutput,
    /// The slashing refund output, the same for both slashing transactions.
    pub refund_output: SlashingRefundOutput,
}

impl Delegation {
    /// Returns the outputs of the stake with this covenant committee.
    ///
    /// # Errors
    /// [`DelegationError::Field`] when the keys and times make no outputs, or the staking transaction does
    /// not pay the staking amount to the staking output exactly once, as with another committee.
    pub fn stake(&self, covenant: &CovenantCommittee) -> Result<Stake, DelegationError> {
        let (output, unbonding_output, refund_output) = self.make_outputs(covenant)?;
        let staking = self.find_staking(output)?;
        Ok(Stake { staking, unbonding_output, refund_output })
    }

    fn find_staking(&self, output: StakingOutput) -> Result<Funded<StakingOutput>, DelegationError> {
        let found = Funded::find_holding(output, &self.staking_transaction, self.staking_amount);
        field("staking_transaction", found)
    }

    /// Returns the staking, unbonding and slashing refund outputs that the keys and times make with this
    /// covenant committee, whether or not a transaction pays to them; no outputs where they make none, for
    /// which [`stake`](Self::stake) has the reason.
    pub fn outputs(&self, covenant: &CovenantCommittee) -> Vec<ProtocolOutput> {
        let made = self.make_outputs(covenant).map(|(staking, unbonding, refund)| {
            vec![
                ProtocolOutput::Staking(staking),
                ProtocolOutput::Unbonding(unbonding),
                ProtocolOutput::SlashingRefund(refund),
            ]
        });
        made.unwrap_or_default()
    }

    pub(super) fn make_staking_output(
        &self,
        covenant: &CovenantCommittee,
    ) -> Result<StakingOutput, DelegationError> {
        let parties = Parties::new(self.staker, self.staked_to.keys(), covenant.clone());
        let parties = field("finality_providers", parties)?;
        let time = field("staking_time_blocks", Timelock::from_blocks(self.staking_time_blocks))?;
        field("finality_providers", StakingOutput::new(parties, time))
    }

    fn make_outputs(
        &self,
        covenant: &CovenantCommittee,
    ) -> Result<(StakingOutput, UnbondingOutput, SlashingRefundOutput), DelegationError> {
        let staking = self.make_staking_output(covenant)?;
        let unbonding_time =
            field("unbonding_time_blocks", Timelock::from_blocks(self.unbonding_time_blocks))?;
        let unbonding = UnbondingOutput::new(staking.parties().clone(), unbonding_time);
        let unbonding = field("finality_providers", unbonding)?;
        let refund = field("unbonding_time_blocks", SlashingRefundOutput::new(self.staker, unbonding_time))?;
        Ok((staking, unbonding, refund))
    }

    /// Returns the delegation's unbonding transaction, whatever fee it pays.
    ///
    /// # Errors
    /// [`DelegationError`] when it is absent, or not of the protocol's form for this stake.
    pub fn unbonding(&self, covenant: &CovenantCommittee) -> Result<UnbondingTransaction, DelegationError> {
        self.unbonding_of(self.stake(covenant)?)
    }

    fn unbonding_of(&self, stake: Stake) -> Result<UnbondingTransaction, DelegationError> {
        const NAME: &str = "unbonding_transaction";
        let given = self.unbonding_transaction.as_ref().ok_or(DelegationError::Absent(NAME))?;
        let (amount, paid) = (stake.staking.amount(), sum(&given.output).unwrap_or(Amount::MAX));
        let rule =
            || format!("it pays {} sat; must be at most the {} sat staked", paid.to_sat(), amount.to_sat());
        let fee = field(NAME, amount.checked_sub(paid).ok_or_else(rule))?;
        let built = UnbondingTransaction::new(&stake.staking, stake.unbonding_output, fee);
        let built = field(NAME, built)?;
        same(NAME, given, built)
    }

    /// Returns the delegation's slashing transaction of an output, with the version, the script and the
    /// amounts that it has.
    ///
    /// # Errors
    /// [`DelegationError`] when it is absent, or not of the protocol's form for this stake.
    pub fn slashing(
        &self,
        which: SlashedOutput,
        covenant: &CovenantCommittee,
    ) -> Result<SlashingTransaction, DelegationError> {
        let stake = self.stake(covenant)?;
        let (name, given) = self.presigned_slashing(which)?;
        if which == SlashedOutput::Staking {
            return slashing_of(name, &given.transaction, &stake.staking, stake.refund_output);
        }
        let refund = stake.refund_output.clone();
        let unbonding = self.unbonding_of(stake)?.unbonding_output();
        slashing_of(name, &given.transaction, &unbonding, refund)
    }

    pub(super) fn presigned_slashing(
        &self,
        which: SlashedOutput,
    ) -> Result<(&'static str, &PresignedSlashing), DelegationError> {
        let (name, given) = match which {
            SlashedOutput::Staking => ("slashing_transaction", self.slashing.as_ref()),
            SlashedOutput::Unbonding => ("unbonding_slashing_transaction", self.unbonding_slashing.as_ref()),
        };
        given.map(|given| (name, given)).ok_or(DelegationError::Absent(name))
    }

    /// Finalizes the unbonding transaction with the staker's signature and a quorum of the covenant's.
    ///
    /// # Errors
    /// The errors of [`unbonding`](Self::unbonding), and [`DelegationError::Field`] when a signature does not
    /// verify or too few covenant members have signed.
    pub fn unbond(
        &self,
        staker: &schnorr::Signature,
        covenant: &CovenantCommittee,
    ) -> Result<Transaction, DelegationError> {
        let given: Vec<_> = self.covenant_signatures.iter().map(|given| given.unbonding).collect();
        field("covenant_signatures", self.unbonding(covenant)?.finalize(staker, &given))
    }

    /// Finalizes the extension of a running stake with the staker's signature over it, a quorum of the
    /// covenant's, and the PSBT in which the wallet signed the funding coin. `previous` is the committee of
    /// the running stake.
    ///
    /// # Errors
    /// [`DelegationError::Absent`] when the delegation extends no stake, or not enough is known of it; and
    /// [`DelegationError::Field`] when a signature does not verify or too few covenant members have signed.
    pub fn extend(
        &self,
        staker: &schnorr::Signature,
        funding: &Psbt,
        covenant: &CovenantCommittee,
        previous: &CovenantCommittee,
    ) -> Result<Transaction, DelegationError> {
        let staking = self.stake(covenant)?.staking;
        let extension = self.known_extension(Some(previous), &staking);
        let extension = extension.ok_or(DelegationError::Absent("extends"))?;
        let given: Vec<_> = self.covenant_signatures.iter().filter_map(|given| given.extension).collect();
        field("covenant_signatures", extension.finalize(staker, &given, funding))
    }

    /// Finalizes a slashing transaction with the extracted key of one of the stake's finality providers: the
    /// staker's signature is in the delegation, and the covenant's are decrypted with the key.
    ///
    /// # Errors
    /// The errors of [`slashing`](Self::slashing), and [`DelegationError`] when the staker has not signed,
    /// the key is not of a finality provider of the stake, or less than a quorum of the covenant's signatures
    /// is usable.
    pub fn slash(
        &self,
        which: SlashedOutput,
        provider_key: &SecretKey,
        covenant: &CovenantCommittee,
    ) -> Result<Transaction, DelegationError> {
        let slashing = self.slashing(which, covenant)?;
        let (_, given) = self.presigned_slashing(which)?;
        let staker = given.staker_signature.ok_or(DelegationError::Absent("staker_signatures"))?;
        let given = self.covenant_signatures.iter();
        let given: Vec<_> = given.map(|given| given.slashing_of(which).clone()).collect();
        field("covenant_signatures", slashing.slash(&staker, &given, provider_key))
    }

    /// Builds the withdrawal of an output of the stake by the staker, valid once the output's timelock is
    /// over.
    ///
    /// # Errors
    /// [`DelegationError`] when the transaction that makes the output is absent or not of this stake, and
    /// [`DelegationError::Build`] when the output does not pay for the withdrawal.
    pub fn withdrawal(
        &self,
        from: WithdrawnOutput,
        destination: ScriptBuf,
        fee_rate: FeeRate,
        covenant: &CovenantCommittee,
    ) -> Result<WithdrawalTransaction, DelegationError> {
        let built = match from {
            WithdrawnOutput::Staking => {
                let output = self.make_staking_output(covenant)?;
                let staking = self.find_staking(output)?;
                WithdrawalTransaction::new(&staking, destination, fee_rate)
            }
            WithdrawnOutput::Unbonding => {
                let output = self.unbonding(covenant)?.unbonding_output();
                WithdrawalTransaction::new(&output, destination, fee_rate)
            }
            WithdrawnOutput::Refund(which) => {
                let output = self.slashing(which, covenant)?.refund_output();
                WithdrawalTransaction::new(&output, destination, fee_rate)
            }
        };
        built.map_err(DelegationError::Build)
    }
}

fn slashing_of<O: Slashable>(
    name: &'static str,
    given: &Transaction,
    source: &Funded<O>,
    refund: SlashingRefundOutput,
) -> Result<SlashingTransaction, DelegationError> {
    let [slashed, refunded] = given.output.as_slice() else {
        let cause = format!("it has {} outputs; must have 2", given.output.len());
        return Err(DelegationError::Field { field: name, cause: cause.into() });
    };
    // Script and amounts are those that were signed; `check` compares them with the parameters.
    let built = SlashingTransaction::laid_out(source, refund, given.version, slashed.clone(), refunded.value);
    same(name, given, field(name, built)?)
}

/// Refuses to return a transaction that is not the delegation's own.
fn same<T: LeafTransaction>(name: &'static str, given: &Transaction, built: T) -> Result<T, DelegationError> {
    let (found, expected) = (given.compute_txid(), built.txid());
    if found == expected {
        Ok(built)
    } else {
        Err(DelegationError::OtherTransaction { field: name, found, expected })
    }
}

impl PresignedSlashing {
    /// Returns the transaction without a signature.
    pub const fn unsigned(transaction: Transaction) -> Self {
        Self { transaction, staker_signature: None }
    }
}
