//! What a proof of possession signs: an account of the consumer chain, in one of the two dialects.

use core::fmt;
use core::str::FromStr;

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use eots::SigningContext;

/// The human-readable part of every account of the genesis chain, on its mainnet and its testnets.
const GENESIS_PREFIX: &str = "bbn";

/// An account of the consumer chain: a bech32 address of 20 bytes, as the chain writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountAddress {
    text: String,
    bytes: [u8; 20],
}

/// The text is no account address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccountAddress {
    /// It is not bech32, or its checksum is wrong.
    #[error("an account address is bech32: {0}")]
    NotBech32(String),
    /// It holds another number of bytes.
    #[error("an account address holds 20 bytes, not {0}")]
    Length(usize),
    /// It is bech32 in another form than the chain writes, whose text is what is signed. A Bitcoin address is
    /// refused here too.
    #[error("an account address of these bytes is written {0}")]
    NotCanonical(String),
}

impl AccountAddress {
    /// The address as text: what BIP-322 and ECDSA proofs sign.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The 20 bytes of the address: what BIP-340 proofs sign.
    pub fn to_bytes(&self) -> [u8; 20] {
        self.bytes
    }

    /// The human-readable part, which tells the chain.
    pub fn prefix(&self) -> &str {
        self.text.rsplit_once('1').map_or("", |(prefix, _)| prefix)
    }
}

impl FromStr for AccountAddress {
    type Err = InvalidAccountAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_bech32 = |error: &dyn core::error::Error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            InvalidAccountAddress::NotBech32(format!("{error}{cause}"))
        };
        let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|e| not_bech32(&e))?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let length = bytes.len();
        let bytes: [u8; 20] = bytes.try_into().map_err(|_| InvalidAccountAddress::Length(length))?;
        // The decoder takes upper case, and bits that fill no byte.
        let canonical = bech32::encode_lower::<Bech32>(checked.hrp(), &bytes).map_err(|e| not_bech32(&e))?;
        if canonical != text {
            return Err(InvalidAccountAddress::NotCanonical(canonical));
        }
        Ok(Self { text: canonical, bytes })
    }
}

impl fmt::Display for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountAddress({self})")
    }
}

/// What a [`ProofOfPossession`](super::ProofOfPossession) is about: the holder of this account holds a
/// certain Bitcoin key.
///
/// The dialect is part of the claim. There is no default and no absent context to forget: [`Claim::genesis`]
/// signs the account alone, [`Claim::consumer`] puts a context before it, and a proof of one is none of the
/// other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    context: Option<SigningContext>,
    address: AccountAddress,
}

/// The account is not one of the genesis chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is no account of the genesis chain, whose addresses begin with {GENESIS_PREFIX}1; other chains have a signing context"
)]
#[non_exhaustive]
pub struct NotAGenesisAddress(pub AccountAddress);

impl Claim {
    /// In the genesis dialect: no context.
    ///
    /// # Errors
    /// [`NotAGenesisAddress`] unless the address begins with `bbn1`.
    pub fn genesis(address: AccountAddress) -> Result<Self, NotAGenesisAddress> {
        if address.prefix() == GENESIS_PREFIX {
            Ok(Self { context: None, address })
        } else {
            Err(NotAGenesisAddress(address))
        }
    }

    /// In the consumer dialect: the 64 characters of the context precede the account, in whichever form a
    /// proof signs it.
    ///
    /// The context tells a staker's proof from a finality provider's; take the one of the operation at hand.
    pub fn consumer(context: SigningContext, address: AccountAddress) -> Self {
        Self { context: Some(context), address }
    }

    /// The account.
    pub fn address(&self) -> &AccountAddress {
        &self.address
    }

    /// The signing context, on a consumer chain.
    pub const fn signing_context(&self) -> Option<&SigningContext> {
        self.context.as_ref()
    }

    /// The message of BIP-340 proofs: SHA256(context ‖ the 20 bytes of the address).
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut engine = sha256::Hash::engine();
        if let Some(context) = &self.context {
            engine.input(context.to_string().as_bytes());
        }
        engine.input(&self.address.bytes);
        sha256::Hash::from_engine(engine).to_byte_array()
    }

    /// The message of BIP-322 and ECDSA proofs: context ‖ the text of the address.
    pub(super) fn text(&self) -> String {
        match &self.context {
            None => self.address.text.clone(),
            Some(context) => format!("{context}{}", self.address.text),
        }
    }
}
