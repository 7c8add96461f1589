//! Bitcoin addresses as text, and what is wrong with a text that is none.

use bech32::primitives::decode::{
    CharError, CheckedHrpstring, CheckedHrpstringError, ChecksumError, SegwitHrpstring, SegwitHrpstringError,
    UncheckedHrpstringError,
};
use bech32::{Bech32, Bech32m};
use bitcoin::address::{NetworkUnchecked, ParseError};
use bitcoin::{Address, base58};

/// What SegWit addresses begin with (BIP-173): the human-readable part and the separator.
const PREFIXES: [&str; 3] = ["bc1", "tb1", "bcrt1"];

/// Parses a Bitcoin address of any network: SegWit (BIP-173, BIP-350) in lower or upper case, or Base58.
///
/// # Errors
/// The reason as text. An address with a character too many, too few or changed is called mistyped: the
/// library takes every text that is no SegWit address for one in Base58.
pub fn parse_address(text: &str) -> Result<Address<NetworkUnchecked>, String> {
    text.parse().map_err(|error| fault(text, &error))
}

fn mistyped(mistake: &str) -> String {
    format!("the address is mistyped: {mistake}")
}

fn no_address(reason: &dyn core::error::Error) -> String {
    let cause = reason.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("not a Bitcoin address: {reason}{cause}")
}

fn fault(text: &str, error: &ParseError) -> String {
    const CHECKSUM: &str = "its checksum is wrong";
    let foreign = |found: char| mistyped(&format!("no address has {found:?} at that place"));
    let begins = |prefix: &str| text.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix));
    let is_segwit = PREFIXES.iter().any(|prefix| begins(prefix));
    match CheckedHrpstring::new::<Bech32>(text).or_else(|_| CheckedHrpstring::new::<Bech32m>(text)) {
        // Its first characters may be mistyped too.
        Err(CheckedHrpstringError::Checksum(ChecksumError::InvalidResidue)) => return mistyped(CHECKSUM),
        Err(CheckedHrpstringError::Parse(UncheckedHrpstringError::Char(CharError::InvalidChar(found))))
            if is_segwit =>
        {
            return foreign(found);
        }
        Err(CheckedHrpstringError::Parse(UncheckedHrpstringError::Char(CharError::MixedCase)))
            if is_segwit =>
        {
            return "the address has lower and upper case; must have one of them".to_owned();
        }
        Ok(found) if !is_segwit => {
            let prefix = found.hrp().to_lowercase();
            return format!("the address is of another chain ({prefix}1…); must be a Bitcoin address");
        }
        _ => {}
    }
    if is_segwit {
        return match SegwitHrpstring::new(text) {
            // The checksum of another witness version (BIP-350).
            Ok(_) | Err(SegwitHrpstringError::Checksum(_)) => mistyped(CHECKSUM),
            Err(reason) => no_address(&reason),
        };
    }
    let is_base58s = (26..=35).contains(&text.len()) && text.starts_with(['1', '3', 'm', 'n', '2']);
    match error {
        ParseError::Base58(base58::Error::IncorrectChecksum(_)) if is_base58s => mistyped(CHECKSUM),
        ParseError::Base58(base58::Error::Decode(found)) if is_base58s => {
            foreign(char::from(found.invalid_base58_character()))
        }
        reason => no_address(reason),
    }
}
