//! Slashing: the transaction that staker and covenant committee pre-sign, and that a finality provider's
//! extracted key finalizes.

use bitcoin::secp256k1::Message;
use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxOut, XOnlyPublicKey};
use eots::{AdaptorSignature, BatchItem, SecretKey, SignError};

use crate::outputs::leaf::{Leaf, SpendPath};
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::parties::Parties;
use crate::outputs::relay::UnsafeOutput;
use crate::outputs::timelock::Timelock;
use crate::transactions::error::BuildError;
use crate::transactions::funded::{Funded, HasTaproot};
use crate::transactions::leaf_transaction::{LeafTransaction, holds_a_leaf_spend};
use crate::transactions::signatures::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
use crate::transactions::slashing_rate::SlashingRate;
use crate::transactions::spend::{FinalizeError, LeafSpend, SpendPlan};

/// An output that can be slashed: a staking or an unbonding output.
pub trait Slashable: HasTaproot {
    /// Returns the parties.
    fn parties(&self) -> &Parties;
}

impl Slashable for StakingOutput {
    fn parties(&self) -> &Parties {
        self.parties()
    }
}

impl Slashable for UnbondingOutput {
    fn parties(&self) -> &Parties {
        self.parties()
    }
}

/// The versions that a slashing transaction may have.
pub(crate) const VERSIONS: [Version; 2] = [Version::ONE, Version::TWO];

/// The version of those that are drafted here.
pub(crate) const DRAFTED: Version = Version::TWO;

/// The parameters of a slashing transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashingParameters {
    /// The script pubkey that the slashed part is paid to; an OP_RETURN script burns it.
    pub pk_script: ScriptBuf,
    /// The slashing rate.
    pub rate: SlashingRate,
    /// The fee of the transaction.
    pub fee: Amount,
    /// The unbonding time, the timelock of the slashing refund output.
    pub unbonding_time: Timelock,
}

/// The slashing transaction of a staking or an unbonding output: output 0 pays the slashed part, output 1 is
/// the slashing refund output.
#[derive(Debug, Clone, PartialEq)]
pub struct SlashingTransaction {
    spend: LeafSpend,
    parties: Parties,
    refund: SlashingRefundOutput,
    refund_amount: Amount,
}

/// The signatures over a slashing transaction do not verify, or do not suffice to finalize it.
///
/// A transaction that cannot be built is a [`BuildError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlashingError {
    /// The key is not that of one of the stake's finality providers.
    #[error("the key {0} is not one of the stake's finality providers'")]
    NotAFinalityProvider(XOnlyPublicKey),
    /// A covenant member gave another number of adaptor signatures than the stake has finality providers.
    #[error(
        "the covenant member {member} gave {found} adaptor signatures; must be {providers}, one for each finality provider"
    )]
    AdaptorCount {
        /// The member's key.
        member: XOnlyPublicKey,
        /// The number of adaptor signatures given.
        found: usize,
        /// The number of finality providers.
        providers: usize,
    },
    /// A covenant member's adaptor signature does not verify.
    #[error(
        "the adaptor signature of the covenant member {member} to the finality provider {finality_provider} does not verify"
    )]
    InvalidAdaptorSignature {
        /// The member's key.
        member: XOnlyPublicKey,
        /// The finality provider's key, to which it is encrypted.
        finality_provider: XOnlyPublicKey,
    },
    /// The transaction cannot be finalized.
    #[error(transparent)]
    Finalize(#[from] FinalizeError),
    /// Signing as the finality provider failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

holds_a_leaf_spend!(SlashingTransaction);

impl SlashingTransaction {
    /// Builds the slashing transaction of `source`: version 2, one input, two outputs, nLockTime 0, final
    /// nSequence.
    ///
    /// # Errors
    /// [`BuildError`] when the fee is 0, the slashed part would be paid to a script that nobody can
    /// spend on purpose, the
    /// stake does not pay the slashed part and the fee, or an output would be dust.
    pub fn new<O: Slashable>(
        source: &Funded<O>,
        parameters: &SlashingParameters,
    ) -> Result<Self, BuildError> {
        Self::of_version(source, parameters, DRAFTED)
    }

    /// Builds the transaction as [`new`](Self::new) does, with version 1 or 2: the chain takes both, and the
    /// reference in Go makes version 1, at which some signers fail.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and [`BuildError::SlashingVersion`] for another version.
    pub fn of_version<O: Slashable>(
        source: &Funded<O>,
        parameters: &SlashingParameters,
        version: Version,
    ) -> Result<Self, BuildError> {
        let refund =
            SlashingRefundOutput::new(*source.output().parties().staker(), parameters.unbonding_time)?;
        Self::refunding(source, parameters, refund, version)
    }

    /// Builds the transaction as [`of_version`](Self::of_version) does, with the slashing refund output
    /// given, which is the same for every output of a stake.
    pub(crate) fn refunding<O: Slashable>(
        source: &Funded<O>,
        parameters: &SlashingParameters,
        refund: SlashingRefundOutput,
        version: Version,
    ) -> Result<Self, BuildError> {
        if !VERSIONS.contains(&version) {
            return Err(BuildError::SlashingVersion(version.0));
        }
        if parameters.fee == Amount::ZERO {
            return Err(BuildError::NoSlashingFee);
        }
        let (amount, fee) = (source.amount(), parameters.fee);
        if amount > Amount::MAX_MONEY {
            return Err(BuildError::StakeTooLarge(amount));
        }
        UnsafeOutput::check_slashing_script(&parameters.pk_script).map_err(BuildError::of("slashed"))?;
        let slashed = parameters.rate.slashed_amount(amount);
        if slashed == Amount::ZERO {
            return Err(BuildError::NothingSlashed { amount, rate: parameters.rate });
        }
        let refund_amount = amount.checked_sub(slashed).and_then(|left| left.checked_sub(fee));
        let refund_amount = refund_amount
            .filter(|left| *left > Amount::ZERO)
            .ok_or(BuildError::SlashingFeeNotPaid { amount, slashed, fee })?;
        let slashed = TxOut { value: slashed, script_pubkey: parameters.pk_script.clone() };
        Self::laid_out(source, refund, version, slashed, refund_amount)
    }

    /// Builds the transaction with this version, this output for the slashed part and this slashing refund
    /// output. The caller checks them against the parameters.
    pub(crate) fn laid_out<O: Slashable>(
        source: &Funded<O>,
        refund: SlashingRefundOutput,
        version: Version,
        slashed_out: TxOut,
        refund_amount: Amount,
    ) -> Result<Self, BuildError> {
        let (amount, slashed) = (source.amount(), slashed_out.value);
        if slashed.checked_add(refund_amount).is_none_or(|paid| paid > amount) {
            return Err(BuildError::SlashingPaysTooMuch { amount, slashed, refund: refund_amount });
        }
        let parties = source.output().parties().clone();
        let refund_out = refund.taproot().paying(refund_amount);
        UnsafeOutput::check_amount(&slashed_out).map_err(BuildError::of("slashed"))?;
        UnsafeOutput::check_amount(&refund_out).map_err(BuildError::of("slashing refund"))?;
        let taproot = source.output().taproot();
        let spend = LeafSpend::new(SpendPlan {
            version,
            source: taproot,
            outpoint: source.outpoint(),
            amount: source.amount(),
            leaf: taproot.leaf(SpendPath::Slashing).ok_or(BuildError::NoPath(SpendPath::Slashing))?,
            sequence: Sequence::MAX,
            funding: None,
            outputs: vec![(slashed_out, None), (refund_out, Some(refund.taproot()))],
        })?;
        Ok(Self { spend, parties, refund, refund_amount })
    }

    /// Returns the slashing refund output, with its outpoint in this transaction.
    pub fn refund_output(&self) -> Funded<SlashingRefundOutput> {
        Funded::new(self.refund.clone(), OutPoint::new(self.txid(), 1), self.refund_amount)
    }

    /// Signs as a member of the covenant committee: one adaptor signature for each finality provider,
    /// encrypted to its key, in the order of the stake's providers. `aux` is 32 bytes of fresh randomness, or
    /// zeros for the same bytes each time.
    ///
    /// # Errors
    /// [`SigningError::NotAMember`] for a key outside the committee.
    pub(crate) fn sign_as_covenant_member(
        &self,
        key: &SecretKey,
        aux: &[u8; 32],
    ) -> Result<CovenantAdaptorSignatures, SigningError> {
        let member = *key.public_key();
        self.spend.check_member(&member).map_err(|_| SigningError::NotAMember(member))?;
        let sighash = *self.spend.sighash();
        let providers = self.parties.finality_providers().as_slice().iter();
        let signatures = providers.map(|provider| AdaptorSignature::sign(key, provider, sighash, aux));
        Ok(CovenantAdaptorSignatures { member, signatures: signatures.collect::<Result<_, _>>()? })
    }

    /// Signs as a member of the covenant committee without checking a rule and without a record: for tests.
    ///
    /// # Errors
    /// [`SigningError::NotAMember`] for a key outside the committee.
    #[cfg(any(test, feature = "unchecked-signing"))]
    pub fn sign_as_covenant_member_unchecked(
        &self,
        key: &SecretKey,
        aux: &[u8; 32],
    ) -> Result<CovenantAdaptorSignatures, SigningError> {
        self.sign_as_covenant_member(key, aux)
    }

    /// Returns the leaf, the output that is spent, and the finality providers in the order that adaptor
    /// signatures follow.
    pub(crate) fn spent(&self) -> (&Leaf, Option<&TxOut>, &[XOnlyPublicKey]) {
        let providers = self.parties.finality_providers().as_slice();
        (self.spend.leaf(), self.spend.prevouts().first(), providers)
    }

    /// Verifies all adaptor signatures of one covenant member.
    ///
    /// # Errors
    /// [`SlashingError::Finalize`] for a key outside the committee, [`SlashingError::AdaptorCount`], or
    /// [`SlashingError::InvalidAdaptorSignature`], which names the member and the provider.
    pub fn verify_covenant(&self, signatures: &CovenantAdaptorSignatures) -> Result<(), SlashingError> {
        let (items, errors): (Vec<_>, Vec<_>) = self.to_verify(signatures)?.unzip();
        let invalid = eots::verify_batch(&items).err().and_then(|error| error.invalid.first().copied());
        invalid.and_then(|index| errors.into_iter().nth(index)).map_or(Ok(()), Err)
    }

    /// Returns a covenant member's adaptor signatures as items of a batch verification, each with the error
    /// for when it does not verify.
    pub(crate) fn to_verify<'a>(
        &'a self,
        given: &'a CovenantAdaptorSignatures,
    ) -> Result<impl Iterator<Item = (BatchItem<'a>, SlashingError)>, SlashingError> {
        self.check_covenant(given)?;
        let (public_key, message) = (&given.member, Message::from(*self.spend.sighash()));
        let providers = self.parties.finality_providers().as_slice().iter();
        Ok(providers.zip(&given.signatures).map(move |(encryption_key, signature)| {
            let item = BatchItem::Adaptor { public_key, encryption_key, message, signature };
            (
                item,
                SlashingError::InvalidAdaptorSignature {
                    member: *public_key,
                    finality_provider: *encryption_key,
                },
            )
        }))
    }

    fn check_covenant(&self, given: &CovenantAdaptorSignatures) -> Result<(), SlashingError> {
        self.spend.check_member(&given.member)?;
        let (found, providers) = (given.signatures.len(), self.parties.finality_providers().as_slice().len());
        if found == providers {
            return Ok(());
        }
        Err(SlashingError::AdaptorCount { member: given.member, found, providers })
    }

    fn verify_adaptor(
        &self,
        member: &XOnlyPublicKey,
        provider: &XOnlyPublicKey,
        signature: &AdaptorSignature,
    ) -> Result<(), SlashingError> {
        let sighash = *self.spend.sighash();
        signature.verify(member, provider, sighash).map_err(|_| SlashingError::InvalidAdaptorSignature {
            member: *member,
            finality_provider: *provider,
        })
    }

    /// Finalizes the transaction with the extracted key of one finality provider: signs with it, decrypts a
    /// quorum of the covenant's adaptor signatures with it, and adds the staker's signature.
    ///
    /// # Errors
    /// [`SlashingError`] when less than a quorum is usable: it names the first member whose signatures are
    /// not, or what is absent. [`SlashingError::Sign`] as [`SecretKey::sign_bip340`].
    pub fn slash(
        &self,
        staker: &schnorr::Signature,
        covenant: &[CovenantAdaptorSignatures],
        provider_key: &SecretKey,
    ) -> Result<Transaction, SlashingError> {
        let provider = *provider_key.public_key();
        let position = self.parties.finality_providers().position(&provider);
        let position = position.ok_or(SlashingError::NotAFinalityProvider(provider))?;
        self.spend.verify_staker(staker)?;
        let (mut decrypted, mut culprits) = (Vec::with_capacity(covenant.len()), Vec::new());
        for given in covenant {
            match self.decrypt(given, position, provider_key) {
                Ok(signature) => decrypted.push(signature),
                Err(culprit) => culprits.push(culprit),
            }
        }
        // A member without usable signatures does not keep the others from slashing; when these are too few,
        // the error names the first such member.
        let mut signatures = match (self.spend.choose_quorum(&decrypted), culprits.into_iter().next()) {
            (Err(FinalizeError::BelowQuorum { .. }), Some(culprit)) => return Err(culprit),
            (chosen, _) => chosen?,
        };
        signatures.push((provider, provider_key.sign_bip340(*self.spend.sighash())?));
        signatures.push((*self.spend.leaf().keys.staker(), *staker));
        Ok(self.spend.finalize(&signatures)?)
    }

    /// Returns one member's signature: its adaptor signature to the provider at `position`, verified and
    /// decrypted with that provider's key.
    fn decrypt(
        &self,
        given: &CovenantAdaptorSignatures,
        position: usize,
        provider_key: &SecretKey,
    ) -> Result<CovenantSignature, SlashingError> {
        let (member, provider) = (given.member, *provider_key.public_key());
        let invalid = SlashingError::InvalidAdaptorSignature { member, finality_provider: provider };
        self.check_covenant(given)?;
        let adaptor = given.signatures.get(position).ok_or_else(|| invalid.clone())?;
        self.verify_adaptor(&member, &provider, adaptor)?;
        Ok(CovenantSignature { member, signature: adaptor.decrypt(provider_key).map_err(|_| invalid)? })
    }
}
