//! What a node's reason for a rejection means for a later attempt.

/// The class of a rejection: what it means for a later attempt to broadcast the same transaction.
///
/// The words are those of Bitcoin Core 31, and those of its consensus engine, which the embedded node uses. A
/// word that is not known is [`Invalid`](Self::Invalid).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionClass {
    /// The current mempool does not accept it: a conflict pays more, its fee rate is below the mempool's
    /// minimum, its cluster is too large. It may be accepted whenever the mempool changes: try again
    /// periodically and at each block, or choose another transaction.
    Mempool,
    /// A timelock is not over, or a coinbase is not mature: it may be accepted at a later block.
    TooEarly,
    /// An input is unknown or spent by a confirmed transaction, which may be this very transaction. The
    /// reason does not tell which: [`missing_input`](crate::missing_input) asks for the spender of the input.
    /// If its transaction is unknown, try again when that appears.
    MissingInputs,
    /// A confirmed transaction spends an input: this one is accepted only if a reorg removes the other. No
    /// reason says so; it is the result of [`missing_input`](crate::missing_input).
    SpentByAnother,
    /// A limit that the caller set with the call (`maxfeerate`, `maxburnamount`): change the call.
    CallerLimit,
    /// Nodes with the default relay policy never relay it, but a miner could include it: it is dust, not
    /// standard, or below the minimum relay fee rate (a package with a child that pays more may help there).
    Policy,
    /// It breaks a consensus rule, now and later: a wrong signature, script, amount or encoding.
    Invalid,
}

impl RejectionClass {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::Mempool,
        Self::TooEarly,
        Self::MissingInputs,
        Self::SpentByAnother,
        Self::CallerLimit,
        Self::Policy,
        Self::Invalid,
    ];

    /// Returns the class of a reason and its detail, as [`NodeError::Rejected`](crate::NodeError::Rejected)
    /// has them: the text before the first comma outside brackets, and the text after it.
    pub fn of(reason: &str, detail: &str) -> Self {
        match reason {
            "insufficient fee"
            | "replacement-failed"
            | "too many potential replacements"
            | "too-large-cluster"
            | "too-long-mempool-chain"
            | "TRUC-violation"
            | "mempool min fee not met"
            | "mempool full"
            | "replacement-adds-unconfirmed"
            | "missing-ephemeral-spends"
            | "txn-mempool-conflict" => Self::Mempool,
            "non-final" | "non-BIP68-final" | "bad-txns-premature-spend-of-coinbase" => Self::TooEarly,
            // The consensus engine's one word for both timelocks, of the transaction and of its inputs.
            "bad-txns-nonfinal" => Self::TooEarly,
            "bad-txns-inputs-missingorspent" | "missing-inputs" => Self::MissingInputs,
            "min relay fee not met"
            | "dust"
            | "version"
            | "scriptpubkey"
            | "scriptsig-not-pushonly"
            | "scriptsig-size"
            | "bare-multisig"
            | "datacarrier"
            | "multi-op-return"
            | "tx-size"
            | "tx-size-small"
            | "bad-txns-nonstandard-inputs"
            | "bad-witness-nonstandard"
            | "bad-txns-too-many-sigops" => Self::Policy,
            // Before version 31: a flag of the mempool alone.
            _ if reason.starts_with("non-mandatory-script-verify-flag") => Self::Policy,
            "max-fee-exceeded" | "max feerate exceeded" => Self::CallerLimit,
            _ if reason.contains("exceeds maximum configured by user")
                || detail.contains("exceeds maximum configured by user") =>
            {
                Self::CallerLimit
            }
            _ => Self::Invalid,
        }
    }

    /// Returns whether the same transaction may be accepted later, without a change in it or in the call.
    pub const fn may_be_accepted_later(self) -> bool {
        matches!(self, Self::Mempool | Self::TooEarly | Self::MissingInputs)
    }

    /// Returns the class's name, for logs and JSON: `mempool`, `too-early`, `missing-inputs`,
    /// `spent-by-another`, `caller-limit`, `policy` or `invalid`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mempool => "mempool",
            Self::TooEarly => "too-early",
            Self::MissingInputs => "missing-inputs",
            Self::SpentByAnother => "spent-by-another",
            Self::CallerLimit => "caller-limit",
            Self::Policy => "policy",
            Self::Invalid => "invalid",
        }
    }

    /// Returns what to do, in one sentence for people.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Mempool => {
                "the mempool of now does not accept it: try again with each block, and from time to time"
            }
            Self::TooEarly => "a timelock is not over: try again at a later block",
            Self::MissingInputs => {
                "the node does not have what an input spends: try again when it does, or ask a node with an index"
            }
            Self::SpentByAnother => "a confirmed transaction spends an input: only a reorg could let it in",
            Self::CallerLimit => "a limit of the call forbids it: mend the call",
            Self::Policy => "nodes do not relay it, though a miner could include it",
            Self::Invalid => "it breaks a rule of Bitcoin, and is never accepted",
        }
    }
}

impl std::fmt::Display for RejectionClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(any(feature = "rpc", feature = "embedded", test))]
/// Splits Bitcoin Core's `reason, detail` at the first comma outside brackets.
pub(crate) fn reason_and_detail(text: &str) -> (&str, &str) {
    let mut depth = 0_u32;
    for (position, character) in text.char_indices() {
        match character {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let (reason, detail) = text.split_at(position);
                return (reason, detail.trim_start_matches(',').trim_start());
            }
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{RejectionClass, reason_and_detail};
    use crate::NodeError;

    #[test]
    fn rejection_class_of_each_text_that_bitcoin_core_answers() {
        use RejectionClass as C;
        let table = [
            (
                "insufficient fee, rejecting replacement ab, less fees than conflicting txs; 0.001 < 0.001096",
                C::Mempool,
            ),
            (
                "insufficient fee, rejecting replacement ab, not enough additional fees to relay; 0.00 < 0.1",
                C::Mempool,
            ),
            ("replacement-failed, insufficient feerate: does not improve feerate diagram", C::Mempool),
            (
                "too many potential replacements, rejecting replacement ab; too many conflicting clusters (101 > 100)",
                C::Mempool,
            ),
            ("too-large-cluster", C::Mempool),
            ("TRUC-violation, non-version=3 tx ab (wtxid=cd) cannot spend from version=3 tx ef", C::Mempool),
            ("mempool min fee not met, 94 < 490", C::Mempool),
            ("mempool full", C::Mempool),
            ("non-BIP68-final", C::TooEarly),
            ("non-final", C::TooEarly),
            ("bad-txns-nonfinal, contains a non-BIP68-final transaction", C::TooEarly),
            ("bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99", C::TooEarly),
            ("bad-txns-inputs-missingorspent", C::MissingInputs),
            ("Unspendable output exceeds maximum configured by user (maxburnamount)", C::CallerLimit),
            ("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", C::CallerLimit),
            ("min relay fee not met, 0 < 17", C::Policy),
            ("dust, tx with dust output must be 0-fee", C::Policy),
            ("bad-witness-nonstandard", C::Policy),
            ("version", C::Policy),
            ("scriptpubkey", C::Policy),
            ("datacarrier", C::Policy),
            ("tx-size", C::Policy),
            ("tx-size-small", C::Policy),
            ("mempool-script-verify-flag-failed (Invalid Schnorr signature), input 0 of ab", C::Invalid),
            (
                "mempool-script-verify-flag-failed (Locktime requirement not satisfied), input 0 of ab",
                C::Invalid,
            ),
            ("block-script-verify-flag-failed (OP_RETURN was encountered), input 0 of ab", C::Invalid),
            // What versions 28 to 30 say in other words.
            ("non-mandatory-script-verify-flag (Witness version reserved for soft-fork upgrades)", C::Policy),
            ("mandatory-script-verify-flag-failed (Invalid Schnorr signature)", C::Invalid),
            ("max-fee-exceeded", C::CallerLimit),
            ("too-long-mempool-chain, too many descendants for tx ab [limit: 25]", C::Mempool),
            ("replacement-adds-unconfirmed, replacement ab contains unconfirmed input", C::Mempool),
            ("txn-mempool-conflict", C::Mempool),
            ("missing-inputs", C::MissingInputs),
            ("multi-op-return", C::Policy),
            ("bare-multisig", C::Policy),
            ("bad-txns-in-belowout, value in (0.10) < value out (0.10000001)", C::Invalid),
            ("bad-txns-vout-empty", C::Invalid),
            ("bad-txns-inputs-duplicate", C::Invalid),
            ("bad-txns-spends-conflicting-tx, ab spends conflicting transaction cd", C::Invalid),
            ("TX decode failed. Make sure the tx has at least one input.", C::Invalid),
            ("a word of a later version", C::Invalid),
        ];
        for (text, class) in table {
            let error = NodeError::rejected(bitcoin::hashes::Hash::all_zeros(), text);
            assert_eq!(error.rejection_class(), Some(class), "{text}");
            assert_eq!(error.is_retryable(), class == C::Mempool, "{text}");
        }
        let occurring: BTreeSet<&str> = table.iter().map(|(_, class)| class.as_str()).collect();
        // What a text does not tell is found by asking for the spender.
        let told = C::ALL.into_iter().filter(|class| *class != C::SpentByAnother);
        assert_eq!(occurring, told.clone().map(C::as_str).collect());
        let advice: BTreeSet<&str> = C::ALL.into_iter().map(C::advice).collect();
        assert_eq!(advice.len(), C::ALL.len(), "each class has its own");
    }

    #[test]
    fn reason_ends_at_the_first_comma_in_no_brackets() {
        for (text, expected) in [
            ("", ("", "")),
            ("bad-txns-nonfinal", ("bad-txns-nonfinal", "")),
            ("min relay fee not met, 1 < 2", ("min relay fee not met", "1 < 2")),
            (
                "too high (e.g. -maxtxfee, maxfeerate), really, so",
                ("too high (e.g. -maxtxfee, maxfeerate)", "really, so"),
            ),
            ("odd) brackets), é", ("odd) brackets)", "é")),
            ("never ( closed, x", ("never ( closed, x", "")),
            (",", ("", "")),
        ] {
            assert_eq!(reason_and_detail(text), expected, "{text}");
        }
    }

    #[test]
    fn rejection_class_of_another_error_is_none() {
        assert_eq!(
            NodeError::UnknownBlock { hash: bitcoin::hashes::Hash::all_zeros() }.rejection_class(),
            None
        );
    }
}
