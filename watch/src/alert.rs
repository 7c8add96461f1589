//! What somebody should know.

use std::fmt;

use bitcoin::{Txid, XOnlyPublicKey};
use chain::RejectionClass;
use finality::ConsumerHeight;
use staking_scripts::delegation::SlashedOutput;

use crate::report::Report;

/// Something that somebody should know. Each is told once, also after a restart; where the process is killed
/// just then, twice, and never not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alert {
    /// A finality provider equivocated: its stakes are slashed from now on.
    Equivocation {
        /// The provider.
        provider: XOnlyPublicKey,
        /// The height at which it voted twice.
        height: ConsumerHeight,
    },
    /// Evidence proves nothing.
    InvalidEvidence {
        /// The provider that it accuses.
        provider: XOnlyPublicKey,
        /// The height.
        height: ConsumerHeight,
        /// Why.
        reason: String,
    },
    /// A delegation makes no staking output under any version of the parameters.
    InvalidDelegation {
        /// Its staking transaction.
        stake: Txid,
        /// Why.
        reason: String,
    },
    /// A slashing transaction is on Bitcoin, and there is no evidence: it shows the provider's key to whoever
    /// has the delegation.
    SelectiveSlashing {
        /// The stake.
        stake: Txid,
        /// The slashing transaction.
        by: Txid,
    },
    /// A stake of a slashed provider has no slashing transaction that could be completed.
    CannotSlash {
        /// The stake.
        stake: Txid,
        /// Which output's.
        output: SlashedOutput,
        /// Why.
        reason: String,
    },
    /// The node does not take a slashing transaction.
    Refused {
        /// The stake.
        stake: Txid,
        /// Which output's.
        output: SlashedOutput,
        /// What its reason means.
        class: RejectionClass,
        /// The node's reason.
        reason: String,
    },
    /// A stake of a slashed provider was withdrawn before it was slashed.
    Escaped {
        /// The stake.
        stake: Txid,
        /// The withdrawal.
        by: Txid,
    },
    /// A stake of a slashed provider went on in another stake that nobody registered here.
    UnknownExtension {
        /// The stake.
        stake: Txid,
        /// The staking transaction that extends it.
        by: Txid,
    },
    /// A slashing transaction is as deep as it must be.
    Slashed {
        /// The stake.
        stake: Txid,
        /// The slashing transaction.
        by: Txid,
    },
    /// Two delegations are of one staking transaction, and differ.
    OtherDelegation {
        /// The stake.
        stake: Txid,
    },
    /// The secured chain could not be told of something that it should know, or takes no notice. It is tried
    /// again.
    NotReported {
        /// What it should know.
        report: Report,
        /// Why.
        reason: String,
    },
    /// So many alerts of a kind were told that anybody can cause who is listened to: further ones of this
    /// kind that may be such are not told.
    Flooded {
        /// The kind.
        kind: &'static str,
        /// How many were told.
        told: u32,
    },
    /// Evidence against too many providers is known of whom no stake is: more of that kind is not taken as
    /// long as no stake of its provider is known.
    TooManyAccused {
        /// How many providers.
        providers: usize,
    },
    /// Bitcoin's chain was reorganized as deep as stakes must be, or deeper: the secured chain stops at such
    /// a reorg.
    DeepReorg {
        /// How many blocks were disconnected.
        blocks: u32,
        /// The height of the last block that stayed.
        fork_height: u32,
    },
}

/// Returns the name of an output, in logs and keys: "staking" or "unbonding".
pub const fn output_name(output: SlashedOutput) -> &'static str {
    match output {
        SlashedOutput::Staking => "staking",
        SlashedOutput::Unbonding => "unbonding",
    }
}

impl Alert {
    /// Returns the kind's name, for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Equivocation { .. } => "equivocation",
            Self::InvalidEvidence { .. } => "invalid_evidence",
            Self::InvalidDelegation { .. } => "invalid_delegation",
            Self::SelectiveSlashing { .. } => "selective_slashing",
            Self::CannotSlash { .. } => "cannot_slash",
            Self::Refused { .. } => "refused",
            Self::Escaped { .. } => "escaped",
            Self::UnknownExtension { .. } => "unknown_extension",
            Self::Slashed { .. } => "slashed",
            Self::OtherDelegation { .. } => "other_delegation",
            Self::NotReported { .. } => "not_reported",
            Self::Flooded { .. } => "flooded",
            Self::TooManyAccused { .. } => "too_many_accused",
            Self::DeepReorg { .. } => "deep_reorg",
        }
    }

    /// Returns what tells it from others: one with the same key is told once.
    pub fn key(&self) -> String {
        let kind = self.kind();
        match self {
            Self::Equivocation { provider, .. } => format!("{kind}/{provider}"),
            Self::InvalidEvidence { provider, height, .. } => format!("{kind}/{provider}/{height}"),
            Self::SelectiveSlashing { stake, .. }
            | Self::OtherDelegation { stake }
            | Self::InvalidDelegation { stake, .. } => {
                format!("{kind}/{stake}")
            }
            Self::CannotSlash { stake, output, .. } => format!("{kind}/{stake}/{}", output_name(*output)),
            Self::Refused { stake, output, class, .. } => {
                format!("{kind}/{stake}/{}/{class}", output_name(*output))
            }
            Self::Escaped { stake, by }
            | Self::UnknownExtension { stake, by }
            | Self::Slashed { stake, by } => {
                format!("{kind}/{stake}/{by}")
            }
            Self::NotReported { report, .. } => format!("{kind}/{}/{}", report.kind(), report.about()),
            Self::Flooded { kind: of, .. } => format!("{kind}/{of}"),
            Self::TooManyAccused { .. } => kind.to_owned(),
            Self::DeepReorg { blocks, fork_height } => format!("{kind}/{fork_height}/{blocks}"),
        }
    }
}

/// For people, on one line. No key of a provider is in it but its public one.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equivocation { provider, height } => {
                write!(f, "the finality provider {provider} equivocated at height {height}")
            }
            Self::InvalidEvidence { provider, height, reason } => {
                write!(f, "the evidence against {provider} at height {height} proves nothing: {reason}")
            }
            Self::InvalidDelegation { stake, reason } => {
                write!(f, "the delegation of {stake} is not usable: {reason}")
            }
            Self::SelectiveSlashing { stake, by } => {
                write!(f, "the stake {stake} was slashed by {by}, and there is no evidence")
            }
            Self::CannotSlash { stake, output, reason } => {
                write!(
                    f,
                    "the {} output of the stake {stake} cannot be slashed: {reason}",
                    output_name(*output)
                )
            }
            Self::Refused { stake, output, class, reason } => {
                let output = output_name(*output);
                write!(
                    f,
                    "the node does not take the slashing of the {output} output of {stake}: {reason:?} ({class})"
                )
            }
            Self::Escaped { stake, by } => write!(f, "the stake {stake} was withdrawn by {by} unslashed"),
            Self::UnknownExtension { stake, by } => {
                write!(f, "the stake {stake} is extended by {by}, of which no delegation is known")
            }
            Self::Slashed { stake, by } => write!(f, "the stake {stake} is slashed for good by {by}"),
            Self::OtherDelegation { stake } => {
                write!(f, "another delegation of the stake {stake} differs from the one that is known")
            }
            Self::NotReported { report, reason } => {
                write!(f, "the {} of {} is not reported: {reason}", report.kind(), report.about())
            }
            Self::Flooded { kind, told } => {
                write!(f, "{told} alerts of the kind {kind} were told; further ones are not")
            }
            Self::TooManyAccused { providers } => {
                write!(
                    f,
                    "{providers} providers without a known stake are accused; more are not taken note of"
                )
            }
            Self::DeepReorg { blocks, fork_height } => {
                write!(f, "{blocks} blocks above height {fork_height} were disconnected")
            }
        }
    }
}
