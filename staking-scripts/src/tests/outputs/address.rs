//! Bitcoin addresses as text, and their mistakes.

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Network};

use crate::outputs::parse_address;

const SEGWIT: &str = "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l";
const TAPROOT: &str = "bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45";
const LEGACY: &str = "14vV3aCHBeStb5bkenkNHbe2YAFinYdXgc";
const NESTED: &str = "3HSVzEhCFuH9Z3wvoWTexy7BMVVp3PjS6f";
const CHECKSUM: &str = "the address is mistyped: its checksum is wrong";

#[test]
fn address_of_every_kind_and_network_is_read() {
    for text in [SEGWIT, TAPROOT, LEGACY, NESTED] {
        let library: Result<Address<NetworkUnchecked>, _> = text.parse();
        assert_eq!(parse_address(text).unwrap(), library.unwrap(), "{text}");
    }
    let upper = parse_address(&SEGWIT.to_uppercase()).unwrap();
    assert_eq!(upper.require_network(Network::Bitcoin).unwrap().to_string(), SEGWIT);
}

/// Every single character changed, left out or doubled, of SegWit addresses: also in what they begin with.
#[test]
fn mistyped_address_is_called_that() {
    let mut seen = 0;
    for address in [SEGWIT, TAPROOT] {
        let separator = address.find('1').unwrap();
        for place in (0..address.len()).filter(|place| *place != separator) {
            let mut mistyped = vec![
                [&address[..place], &address[place + 1..]].concat(),
                [&address[..=place], &address[place..]].concat(),
            ];
            let alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
            for other in alphabet.chars().filter(|other| !address[place..].starts_with(*other)) {
                mistyped.push([&address[..place], &other.to_string(), &address[place + 1..]].concat());
            }
            for text in mistyped {
                assert_eq!(parse_address(&text).unwrap_err(), CHECKSUM, "{text}");
                seen += 1;
            }
        }
    }
    assert!(seen > 3300, "{seen}");
    let foreign = SEGWIT.replace("9vza", "9vzo");
    assert_eq!(
        parse_address(&foreign).unwrap_err(),
        "the address is mistyped: no address has 'o' at that place"
    );
    // The checksum of the other witness versions (BIP-350).
    assert_eq!(parse_address("bc1p9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l").unwrap_err(), CHECKSUM);
    for address in [LEGACY, NESTED] {
        let last = if address.ends_with('c') { "d" } else { "c" };
        let changed = [&address[..address.len() - 1], last].concat();
        assert_eq!(parse_address(&changed).unwrap_err(), CHECKSUM, "{changed}");
        let foreign = [&address[..9], "O", &address[10..]].concat();
        assert_eq!(
            parse_address(&foreign).unwrap_err(),
            "the address is mistyped: no address has 'O' at that place"
        );
    }
}

#[test]
fn text_that_is_no_address_of_bitcoin_is_named() {
    let mixed = SEGWIT.replace("bc1q", "bc1Q");
    assert_eq!(
        parse_address(&mixed).unwrap_err(),
        "the address has lower and upper case; must have one of them"
    );
    for (text, prefix) in [
        ("bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm", "bbn"),
        ("BBN1F04CZXEQPRN0S9FE7KDZQYDE2E6NQJ63DLLWSM", "bbn"),
    ] {
        assert_eq!(
            parse_address(text).unwrap_err(),
            format!("the address is of another chain ({prefix}1…); must be a Bitcoin address")
        );
    }
    for text in [
        "",
        "nonsense",
        "bc1",
        "äääääääääääääääääääääääääääääää",
        "0x52908400098527886E0F7030069857D2E4169EE7",
    ] {
        let reason = parse_address(text).unwrap_err();
        assert!(reason.starts_with("not a Bitcoin address: "), "{text}: {reason}");
    }
}
