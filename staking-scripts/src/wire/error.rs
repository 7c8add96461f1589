use bitcoin::consensus::encode;
use bitcoin::{XOnlyPublicKey, base64};
use eots::InvalidAdaptorSignature;

/// Why an answer or a message of the chain cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The input is too long to be looked at.
    #[error("the input has {0} bytes; must be at most {max}", max = super::MAX_INPUT)]
    TooLong(usize),
    /// The text is not JSON, or an object in it has a member twice.
    #[error("the text is not JSON of a node")]
    Json(#[source] serde_json::Error),
    /// The JSON is none of the shapes.
    #[error(
        "no delegation is in this JSON; must have `btc_delegation`, `btc_delegations`, `btc_delegator_delegations`, or a message or transaction with `/babylon.btcstaking.v1.MsgCreateBTCDelegation` or `/babylon.btcstaking.v1.MsgBtcStakeExpand`"
    )]
    Shape,
    /// The bytes are no protobuf of this message; the cause names the field.
    #[error("{path}: not protobuf of this message")]
    Protobuf {
        /// The message or field.
        path: String,
        /// What the decoder says.
        #[source]
        source: prost::DecodeError,
    },
    /// A field breaks a rule.
    #[error("{path}: {problem}")]
    Field {
        /// The chain's names of the fields on the way, with positions in lists from 0.
        path: String,
        /// What was found, and the rule.
        problem: Problem,
    },
}

impl WireError {
    pub(super) fn field(path: impl Into<String>, problem: Problem) -> Self {
        Self::Field { path: path.into(), problem }
    }
}

/// What is wrong with one field.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// What must be there is not.
    #[error("missing")]
    Missing,
    /// JSON of another type.
    #[error("{found}; must be {expected}")]
    Type {
        /// What was found.
        found: &'static str,
        /// The type of the field.
        expected: &'static str,
    },
    /// A number that the field cannot hold, or must not.
    #[error("{found} is no number for this field; must be {rule}")]
    Number {
        /// The number as it was written.
        found: String,
        /// The range.
        rule: &'static str,
    },
    /// Text that names nothing.
    #[error("`{found}` is unknown; must be {rule}")]
    Name {
        /// The text, cut short.
        found: String,
        /// What it may be.
        rule: &'static str,
    },
    /// Bytes of a wrong length.
    #[error("{found} bytes; must be {rule}")]
    Length {
        /// The bytes found.
        found: usize,
        /// How many there must be.
        rule: &'static str,
    },
    /// Text that is not hex.
    #[error("not hex: {0}")]
    Hex(hex::FromHexError),
    /// Text that is not base64.
    #[error("not base64 of the standard alphabet with padding: {0}")]
    Base64(base64::DecodeError),
    /// 32 bytes that are no x coordinate.
    #[error("{} is not the x coordinate of a point; must be a BIP-340 public key", hex::encode(.0))]
    Key([u8; 32]),
    /// A BIP-340 signature whose first half is no x coordinate.
    #[error("the signature's first half {} is not the x coordinate of a point", hex::encode(.0))]
    SignaturePoint([u8; 32]),
    /// A BIP-340 signature whose second half is not below the group order.
    #[error("the signature's second half {} is not below the group order", hex::encode(.0))]
    SignatureScalar([u8; 32]),
    /// Bytes that are no adaptor signature.
    #[error("{0}")]
    Adaptor(InvalidAdaptorSignature),
    /// Bytes that are not a whole transaction or output and nothing else.
    #[error("not the bytes of a Bitcoin transaction or output: {0}")]
    Bitcoin(encode::Error),
    /// A list of a wrong length.
    #[error("{found} entries; must be {expected}")]
    Count {
        /// The entries found.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// More delegations than one page may have.
    #[error("more than {0} delegations; must be a page of at most that many")]
    Page(usize),
    /// More keys than one list may have.
    #[error("{0} entries; must be at most {max}", max = super::MAX_KEYS)]
    Keys(usize),
    /// A key that stands twice in a list.
    #[error("{0} stands in the list before; must be there once")]
    Repeated(XOnlyPublicKey),
    /// A covenant member who is in one list and not in another.
    #[error("nothing of covenant member {member}, who is in {other}; must be in both")]
    Unmatched {
        /// The member.
        member: XOnlyPublicKey,
        /// The list that has the member.
        other: &'static str,
    },
}
