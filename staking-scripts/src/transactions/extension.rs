//! Extension (on the wire: expansion): a running stake becomes a new one without unbonding, with at least its
//! amount, and with a new staking time and the parameters in force.

use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxOut, XOnlyPublicKey};

use crate::coins::coin::FundingCoin;
use crate::coins::selection::{ExtensionFunding, SelectionError};
use crate::outputs::leaf::SpendPath;
use crate::outputs::output::{StakingOutput, TaprootOutput};
use crate::outputs::parties::Parties;
use crate::outputs::relay::{MAX_FEE_RATE, UnsafeOutput};
use crate::transactions::error::BuildError;
use crate::transactions::funded::Funded;
use crate::transactions::leaf_transaction::{CovenantTransaction, LeafTransaction, holds_a_leaf_spend};
use crate::transactions::sighash::sum;
use crate::transactions::signatures::CovenantSignature;
use crate::transactions::spend::{FinalizeError, LeafSpend, ReturnedPsbtError, SpendPlan};

/// The transaction that extends a stake. Input 0 spends the running stake through its unbonding path, so the
/// covenant committee of its parameters version signs; input 1 spends one coin, which pays the fee and the
/// amount added. Output 0 is the new staking output when it is built here; one that was built elsewhere may
/// have it at another index.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtensionTransaction {
    spend: LeafSpend,
    output: StakingOutput,
    amount: Amount,
    /// The index of the new staking output.
    vout: u32,
    /// The output that input 1 spends.
    funding: TxOut,
}

/// The extension cannot be built, or is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The new stake has another staker.
    #[error("the new stake is of the staker {new}; must be of {old}, the running stake's")]
    OtherStaker {
        /// The staker of the running stake.
        old: XOnlyPublicKey,
        /// The staker of the new stake.
        new: XOnlyPublicKey,
    },
    /// A finality provider of the running stake is not in the new one.
    #[error("the finality provider {0} of the running stake is left out; the new stake must have it too")]
    ProviderLeftOut(XOnlyPublicKey),
    /// The new stake holds less than the running stake.
    #[error("the new stake holds {} sat; must be at least {} sat, the running one's", .new.to_sat(), .old.to_sat())]
    SmallerStake {
        /// The amount of the running stake.
        old: Amount,
        /// The amount of the new stake.
        new: Amount,
    },
    /// The two covenant committees have too few members in common.
    #[error(
        "{common} members of the running stake's covenant committee are in the new one; must be at least {quorum}, its quorum"
    )]
    CovenantOverlap {
        /// The number of members in both.
        common: usize,
        /// The quorum of the running stake.
        quorum: u16,
    },
    /// No single coin pays the amount added and the fee.
    #[error(
        "the largest coin holds {} sat; must be at least {} sat, as an extension has one funding input",
        .largest.to_sat(),
        .needed.to_sat()
    )]
    InsufficientFunds {
        /// The amount that the largest coin would have to hold.
        needed: Amount,
        /// The amount that it holds.
        largest: Amount,
    },
    /// The funding coin is the running stake itself.
    #[error("the coin {0} is the running stake; must be another one")]
    FundedByItself(OutPoint),
    /// The extension does not have two inputs.
    #[error("the extension has {0} inputs; must have 2: the running stake, and the coin that funds it")]
    Inputs(usize),
    /// The first input does not spend the running stake.
    #[error("the extension's first input spends {found}; must be {expected}, the running stake")]
    Spends {
        /// The outpoint that it spends.
        found: OutPoint,
        /// The outpoint of the running stake.
        expected: OutPoint,
    },
    /// The extension pays no fee, or its amounts are above 21 million bitcoin.
    #[error("the extension pays no fee; must pay out less than it spends")]
    NoFee,
    /// The extension has another nLockTime than 0, an nSequence that is not final, or a scriptSig.
    #[error(
        "the extension is not final; must have nLockTime 0, final nSequences and no scripts in its inputs"
    )]
    NotFinal,
    /// The change would be paid to the script of the new staking output, which must be paid exactly once.
    #[error("the change goes to the staking output; must go to another script")]
    ChangeToStake,
    /// The fee rate is above [`MAX_FEE_RATE`].
    #[error("the fee rate is {} sat/vB; must be at most {} sat/vB, the most that nodes relay by default", .0.to_sat_per_vb_ceil(), MAX_FEE_RATE.to_sat_per_vb_floor())]
    FeeRateTooHigh(FeeRate),
    /// Nobody can spend the change on purpose, or the new stake would be dust.
    #[error(transparent)]
    Output(#[from] UnsafeOutput),
    /// A finality provider of the running stake is given for another chain.
    #[error(
        "the finality provider {0} of the running stake is given for another chain; must be for the same"
    )]
    ProviderMoved(XOnlyPublicKey),
    /// A coin is of a nested witness program, whose input has a scriptSig, which an extension does not have.
    #[error(
        "the coin {0} is of a nested witness program; must be of a native one, as an extension has no scripts in its inputs"
    )]
    NestedCoin(OutPoint),
    /// The amounts add up to more than 21 million bitcoin.
    #[error("the amounts are above 21 million bitcoin; must be at most that")]
    TooMuch,
    /// The running stake has no unbonding path, or its spend makes no PSBT.
    #[error(transparent)]
    Build(#[from] BuildError),
}

holds_a_leaf_spend!(ExtensionTransaction);
impl CovenantTransaction for ExtensionTransaction {}

/// The parts that an extension is built from.
#[derive(Debug, Clone)]
pub struct NewExtension<'a> {
    /// The staking output of the running stake.
    pub previous: &'a Funded<StakingOutput>,
    /// The staking output of the new stake.
    pub output: StakingOutput,
    /// The amount of the new stake, at least that of the running stake.
    pub amount: Amount,
    /// The coins to select one from.
    pub coins: &'a [FundingCoin],
    /// The script pubkey of the change.
    pub change: ScriptBuf,
    /// The fee rate.
    pub fee_rate: FeeRate,
}

impl From<SelectionError> for ExtensionError {
    fn from(error: SelectionError) -> Self {
        match error {
            SelectionError::InsufficientFunds { available, needed } => {
                Self::InsufficientFunds { needed, largest: available }
            }
            SelectionError::FeeRateTooHigh(rate) => Self::FeeRateTooHigh(rate),
            // One coin is selected of those given, so none is repeated, and two inputs are never too heavy.
            SelectionError::TooMuch | SelectionError::RepeatedCoin(_) | SelectionError::TooHeavy(_) => {
                Self::TooMuch
            }
        }
    }
}

impl ExtensionTransaction {
    /// Builds the transaction that extends the running stake to the new one. The smallest coin that suffices
    /// pays the amount added and the fee; the rest goes to the change, unless that would be dust. Version 2,
    /// nLockTime 0, final nSequence.
    ///
    /// # Errors
    /// [`ExtensionError`] when the new stake cannot extend the running one, or no coin suffices.
    pub fn build(extension: NewExtension<'_>) -> Result<Self, ExtensionError> {
        let NewExtension { previous, output, amount, coins, change, fee_rate } = extension;
        check_parties(previous.output().parties(), output.parties())?;
        let added = amount.checked_sub(previous.amount());
        let added = added.ok_or(ExtensionError::SmallerStake { old: previous.amount(), new: amount })?;
        UnsafeOutput::check_destination(&change)?;
        let stake = output.taproot().paying(amount);
        UnsafeOutput::check_amount(&stake)?;
        if change == stake.script_pubkey {
            return Err(ExtensionError::ChangeToStake);
        }
        if fee_rate > MAX_FEE_RATE {
            return Err(ExtensionError::FeeRateTooHigh(fee_rate));
        }
        if let Some(itself) = coins.iter().find(|coin| coin.outpoint() == previous.outpoint()) {
            return Err(ExtensionError::FundedByItself(itself.outpoint()));
        }
        if let Some(nested) = coins.iter().find(|coin| !coin.script_sig().is_empty()) {
            return Err(ExtensionError::NestedCoin(nested.outpoint()));
        }
        let source = previous.output().taproot();
        let leaf = source.leaf(SpendPath::Unbonding).ok_or(BuildError::NoPath(SpendPath::Unbonding))?;
        let plan = ExtensionFunding { leaf, stake: &stake, change: &change, fee_rate, added };
        let (coin, change) = plan.choose(coins)?;
        let held = previous.amount().checked_add(coin.output().value);
        if held.is_none_or(|held| held > Amount::MAX_MONEY) {
            return Err(ExtensionError::TooMuch);
        }
        let staked: (TxOut, Option<&TaprootOutput>) = (stake.clone(), Some(output.taproot()));
        let mut spend = LeafSpend::new(SpendPlan {
            version: Version::TWO,
            source,
            outpoint: previous.outpoint(),
            amount: previous.amount(),
            leaf,
            sequence: Sequence::MAX,
            funding: Some((coin.outpoint(), coin.output().clone(), coin.input_weight())),
            outputs: [staked].into_iter().chain(change.map(|change| (change, None))).collect(),
        })?;
        if let Some(input) = spend.psbt_mut().inputs.get_mut(1) {
            *input = coin.psbt_input();
        }
        Ok(Self { spend, output, amount, vout: 0, funding: coin.output().clone() })
    }

    /// Returns the extension that the transaction `given` is: its first input spends `previous` through the
    /// unbonding path, its second one the output `funding`, and one of its outputs is the new stake.
    ///
    /// # Errors
    /// [`ExtensionError`] when it is not an extension of `previous`.
    pub(crate) fn recognise(
        previous: &Funded<StakingOutput>,
        staking: &Funded<StakingOutput>,
        given: &Transaction,
        funding: TxOut,
    ) -> Result<Self, ExtensionError> {
        check_parties(previous.output().parties(), staking.output().parties())?;
        if staking.amount() < previous.amount() {
            return Err(ExtensionError::SmallerStake { old: previous.amount(), new: staking.amount() });
        }
        let [first, second] = given.input.as_slice() else {
            return Err(ExtensionError::Inputs(given.input.len()));
        };
        if first.previous_output != previous.outpoint() {
            return Err(ExtensionError::Spends {
                found: first.previous_output,
                expected: previous.outpoint(),
            });
        }
        if second.previous_output == previous.outpoint() {
            return Err(ExtensionError::FundedByItself(second.previous_output));
        }
        let held = previous.amount().checked_add(funding.value).filter(|held| *held <= Amount::MAX_MONEY);
        let paid = sum(&given.output).filter(|paid| held.is_some_and(|held| held > *paid));
        if paid.is_none() {
            return Err(ExtensionError::NoFee);
        }
        let weight = FundingCoin::new(second.previous_output, funding.clone()).ok();
        let weight = weight.and_then(|coin| coin.input_weight());
        let source = previous.output().taproot();
        let spend = LeafSpend::new(SpendPlan {
            version: given.version,
            source,
            outpoint: previous.outpoint(),
            amount: previous.amount(),
            leaf: source.leaf(SpendPath::Unbonding).ok_or(BuildError::NoPath(SpendPath::Unbonding))?,
            sequence: Sequence::MAX,
            funding: Some((second.previous_output, funding.clone(), weight)),
            outputs: given.output.iter().map(|output| (output.clone(), None)).collect(),
        })?;
        // Version and outputs are those of `given`; nLockTime and nSequence are the protocol's.
        if spend.txid() != given.compute_txid() {
            return Err(ExtensionError::NotFinal);
        }
        let (output, amount, vout) = (staking.output().clone(), staking.amount(), staking.outpoint().vout);
        Ok(Self { spend, output, amount, vout, funding })
    }

    /// Returns the new staking output, with its outpoint in this transaction.
    pub fn staking_output(&self) -> Funded<StakingOutput> {
        Funded::new(self.output.clone(), OutPoint::new(self.txid(), self.vout), self.amount)
    }

    /// Returns the staking output of the running stake, which the first input spends.
    pub fn spent(&self) -> OutPoint {
        self.unsigned().input.first().map_or_else(OutPoint::null, |input| input.previous_output)
    }

    /// Returns the output that the second input spends, which pays the fee and the amount added.
    pub const fn funding(&self) -> &TxOut {
        &self.funding
    }

    /// Returns the quorum of the running stake's committee.
    pub(crate) fn quorum(&self) -> u16 {
        self.spend.leaf().keys.covenant().1
    }

    /// Finalizes the transaction with the staker's and a quorum of covenant signatures over the running
    /// stake, and the PSBT in which the wallet signed the funding coin. Of more than a quorum, the first ones
    /// are taken.
    ///
    /// # Errors
    /// [`FinalizeError`] names the signature that is absent or does not verify.
    pub fn finalize(
        &self,
        staker: &schnorr::Signature,
        covenant: &[CovenantSignature],
        funding: &Psbt,
    ) -> Result<Transaction, FinalizeError> {
        self.spend.verify_staker(staker)?;
        ReturnedPsbtError::check_same(funding, self.unsigned())?;
        let mut signatures = self.spend.choose_quorum(covenant)?;
        signatures.push((*self.spend.leaf().keys.staker(), *staker));
        let mut psbt = self.psbt().clone();
        if let (Some(ours), Some(signed)) = (psbt.inputs.get_mut(1), funding.inputs.get(1)) {
            // The signature is the wallet's; the coin is the one known here.
            let coin = ours.witness_utxo.take();
            *ours = signed.clone();
            ours.witness_utxo = coin;
            ours.non_witness_utxo = None;
        }
        self.spend.finalize_with(psbt, &signatures)
    }
}

/// Refuses another staker, a finality provider left out, and a committee with too few members of the old one.
fn check_parties(old: &Parties, new: &Parties) -> Result<(), ExtensionError> {
    if old.staker() != new.staker() {
        return Err(ExtensionError::OtherStaker { old: *old.staker(), new: *new.staker() });
    }
    let left_out = |provider: &&XOnlyPublicKey| new.finality_providers().position(provider).is_none();
    if let Some(provider) = old.finality_providers().as_slice().iter().find(left_out) {
        return Err(ExtensionError::ProviderLeftOut(*provider));
    }
    let common = old.covenant().members().iter().filter(|member| new.covenant().contains(member)).count();
    let quorum = old.covenant().quorum();
    if common < usize::from(quorum) {
        return Err(ExtensionError::CovenantOverlap { common, quorum });
    }
    Ok(())
}
