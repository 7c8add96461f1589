use bitcoin::XOnlyPublicKey;
use bitcoin::consensus::encode;
use eots::InvalidAdaptorSignature;

/// A response or a message of the chain cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// The input is too long.
    #[error("the input has {0} bytes; must be at most {max}", max = super::MAX_INPUT)]
    TooLong(usize),
    /// The text is not JSON, or an object in it has a member twice.
    #[error("the text is not JSON of a node")]
    Json(#[source] serde_json::Error),
    /// The JSON has none of the known shapes.
    #[error(
        "no delegation is in this JSON; must have `btc_delegation`, `btc_delegations`, `btc_delegator_delegations`, or a message or transaction with `/babylon.btcstaking.v1.MsgCreateBTCDelegation` or `/babylon.btcstaking.v1.MsgBtcStakeExpand`"
    )]
    Shape,
    /// The bytes are not protobuf of this message; the cause names the field.
    #[error("{path}: not protobuf of this message")]
    Protobuf {
        /// The path of the message or field.
        path: String,
        /// The decoder's error.
        #[source]
        source: prost::DecodeError,
    },
    /// A field breaks a rule.
    #[error("{path}: {problem}")]
    Field {
        /// The path of the field with the chain's names, and positions in lists from 0.
        path: String,
        /// The value found, and the rule.
        problem: Problem,
    },
}

impl WireError {
    pub(crate) fn field(path: impl Into<String>, problem: Problem) -> Self {
        Self::Field { path: path.into(), problem }
    }

    /// Returns the path of the field, where one is at fault.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Protobuf { path, .. } | Self::Field { path, .. } => Some(path),
            Self::TooLong(_) | Self::Json(_) | Self::Shape => None,
        }
    }
}

/// The rule that a field breaks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// A required field is absent.
    #[error("missing")]
    Missing,
    /// The JSON value is of another type.
    #[error("{found}; must be {expected}")]
    Type {
        /// The type found.
        found: &'static str,
        /// The type of the field.
        expected: &'static str,
    },
    /// The number is out of the field's range.
    #[error("{found} is no number for this field; must be {rule}")]
    Number {
        /// The number as written.
        found: String,
        /// The range.
        rule: &'static str,
    },
    /// The text is not one of the known names.
    #[error("`{found}` is unknown; must be {rule}")]
    Name {
        /// The beginning of the text.
        found: String,
        /// The known names.
        rule: &'static str,
    },
    /// The bytes have a wrong length.
    #[error("{found} bytes; must be {rule}")]
    Length {
        /// The number of bytes found.
        found: usize,
        /// The number that there must be.
        rule: &'static str,
    },
    /// The text is not hex.
    #[error("not hex: {0}")]
    Hex(String),
    /// The text is not base64.
    #[error("not base64 of the standard alphabet with padding: {0}")]
    Base64(String),
    /// The 32 bytes are not the x coordinate of a point on the curve.
    #[error("{} is not the x coordinate of a point; must be a BIP-340 public key", hex::encode(.0))]
    Key([u8; 32]),
    /// The first half of a BIP-340 signature is not the x coordinate of a point on the curve.
    #[error("the signature's first half {} is not the x coordinate of a point", hex::encode(.0))]
    SignaturePoint([u8; 32]),
    /// The second half of a BIP-340 signature is not below the group order.
    #[error("the signature's second half {} is not below the group order", hex::encode(.0))]
    SignatureScalar([u8; 32]),
    /// The bytes are not an adaptor signature.
    #[error("{0}")]
    Adaptor(InvalidAdaptorSignature),
    /// The bytes are not exactly one transaction or output.
    #[error("not the bytes of a Bitcoin transaction or output: {0}")]
    Bitcoin(encode::Error),
    /// The list has a wrong length.
    #[error("{found} entries; must be {expected}")]
    Count {
        /// The number of entries found.
        found: usize,
        /// The number that there must be.
        expected: usize,
    },
    /// The page has too many delegations.
    #[error("more than {0} delegations; must be a page of at most that many")]
    Page(usize),
    /// The list has too many keys.
    #[error("{0} entries; must be at most {max}", max = super::MAX_KEYS)]
    Keys(usize),
    /// A key occurs twice in a list.
    #[error("{0} stands in the list before; must be there once")]
    Repeated(XOnlyPublicKey),
    /// A covenant member is in one list of signatures and not in another.
    #[error("nothing of covenant member {member}, who is in {other}; must be in both")]
    Unmatched {
        /// The member's key.
        member: XOnlyPublicKey,
        /// The list in which the member is.
        other: &'static str,
    },
}
