//! What a tracker must know of a stake: a small part of its delegation.

use bitcoin::hashes::Hash as _;
use bitcoin::taproot::TapLeafHash;
use bitcoin::{OutPoint, Txid, XOnlyPublicKey};
use staking_scripts::delegation::{DelegationError, PresignedSlashing, SlashedOutput, StakeTimes};
use staking_scripts::transactions::LeafTransaction as _;
use staking_scripts::{CovenantCommittee, Delegation, Parameters, ParametersHistory, SpendPath};

/// The part of a leaf's hash that is kept. It tells the three leaves of one output apart, and nothing else:
/// which output it is, is known.
pub type LeafMark = [u8; 8];

/// What is known of a stake before anything of it is on Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeFacts {
    /// The staking output.
    pub outpoint: OutPoint,
    /// The staked amount in satoshis.
    pub amount_sat: u64,
    /// Its times.
    pub times: StakeTimes,
    /// The unbonding transaction that was registered; absent where it is not known.
    pub unbonding_txid: Option<Txid>,
    /// The finality providers that it is staked to.
    pub providers: Vec<XOnlyPublicKey>,
    /// Whether a quorum of the covenant committee has signed, and the staker both slashing transactions: each
    /// signature is verified. Such a delegation can be slashed, and takes the place of one that cannot.
    pub quorum_signed: bool,
    /// The staking transaction of the stake that it extends.
    pub extends: Option<Txid>,
    /// The leaves that its outputs can be spent by.
    pub leaves: LeafMarks,
}

/// The leaves of a stake's outputs. Slashing is by the same leaf from both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafMarks {
    /// The slashing leaf, of the staking output and of the unbonding output.
    pub slashing: LeafMark,
    /// The unbonding leaf of the staking output.
    pub unbonding: LeafMark,
}

/// Returns the part of a leaf's hash that is kept.
pub(crate) fn mark(hash: TapLeafHash) -> LeafMark {
    let hash = hash.to_byte_array();
    hash.first_chunk().copied().unwrap_or_default()
}

impl StakeFacts {
    /// Returns what is known of a delegation, under the version of the parameters that it was made under.
    ///
    /// # Errors
    /// [`DelegationError`]: no version of the parameters makes its staking output of its keys and times.
    pub fn of(
        delegation: &Delegation,
        parameters: &ParametersHistory<Parameters>,
    ) -> Result<Self, DelegationError> {
        let (_, version) = delegation.parameters(parameters)?;
        Self::under(delegation, version.covenant())
    }

    /// Returns what is known of a delegation with this covenant committee. Verifying its signatures takes a
    /// millisecond or two.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn under(delegation: &Delegation, covenant: &CovenantCommittee) -> Result<Self, DelegationError> {
        let stake = delegation.stake(covenant)?;
        let taproot = stake.staking.output().taproot();
        let marked = |path| taproot.leaf(path).map(|leaf| mark(leaf.hash())).unwrap_or_default();
        let quorum = delegation.covenant_quorum(covenant, None);
        let by_staker = |which, given: &Option<PresignedSlashing>| {
            let signature = given.as_ref().and_then(|given| given.staker_signature);
            let slashing = delegation.slashing(which, covenant);
            signature.is_some_and(|it| slashing.is_ok_and(|slashing| slashing.verify_staker(&it).is_ok()))
        };
        let quorum_signed = quorum.is_ok_and(|quorum| quorum.is_reached())
            && by_staker(SlashedOutput::Staking, &delegation.slashing)
            && by_staker(SlashedOutput::Unbonding, &delegation.unbonding_slashing);
        Ok(Self {
            outpoint: stake.staking.outpoint(),
            amount_sat: stake.staking.amount().to_sat(),
            times: StakeTimes::of(&stake),
            unbonding_txid: delegation.unbonding(covenant).ok().map(|unbonding| unbonding.txid()),
            providers: delegation.staked_to.keys(),
            quorum_signed,
            extends: delegation.extends.as_ref().map(|running| running.txid),
            leaves: LeafMarks {
                slashing: marked(SpendPath::Slashing),
                unbonding: marked(SpendPath::Unbonding),
            },
        })
    }
}
