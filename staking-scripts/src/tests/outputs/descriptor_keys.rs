//! Keys of descriptors as wallets print them, and `sortedmulti_a`: read where the script is the protocol's.

use bitcoin::NetworkKind;
use bitcoin::bip32::{DerivationPath, Xpriv, Xpub};
use bitcoin::secp256k1::SECP256K1;

use super::descriptor::{Parts, outputs, read, tr, with_checksum};
use crate::outputs::{DescriptorError as Error, InvalidParties, NUMS_INTERNAL_KEY, ProtocolOutput};

/// Keys as wallets print them: with an origin before them, and compressed.
#[test]
fn keys_with_origins_and_compressed_keys_are_read() {
    let parts = Parts::new();
    let same = |key: &str| {
        let origins = ["[d34db33f]", "[d34db33f/86'/0'/0'/0/3]", "[D34DB33F/86h/0h/2147483647]"];
        let bare = [key.to_owned(), format!("02{key}"), format!("03{key}")];
        let with = bare.clone().into_iter().flat_map(|key| origins.map(|origin| format!("{origin}{key}")));
        with.chain(bare).collect::<Vec<_>>()
    };
    for key in [&parts.staker, &parts.providers[1], &parts.covenant[0], NUMS_INTERNAL_KEY] {
        for written in same(key) {
            for text in [parts.staking(), parts.unbonding_output()] {
                let text = text.replace(key, &written);
                let read = read_both(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                assert!(outputs(2, 3, 2, 1000)[..2].contains(&read), "{text}");
                // Printed in the usual form.
                assert!(!read.taproot().descriptor().to_string().contains('['));
            }
        }
    }
    let refund = tr(&parts.timelock()).replace(&parts.staker, &same(&parts.staker)[1]);
    assert_eq!(read_both(&refund), Ok(outputs(2, 3, 2, 1000)[2].clone()));
    // A checksum is of the text with its origins, and not of the one without.
    let checksum = with_checksum(&tr(&parts.timelock())).split_once('#').unwrap().1.to_owned();
    assert!(matches!(read(&format!("{refund}#{checksum}")), Err(Error::Checksum(_))));
}

/// Reads a text without its checksum and with it: the same.
fn read_both(text: &str) -> Result<ProtocolOutput, Error> {
    let found = read(text);
    assert_eq!(read(&with_checksum(text)), found);
    found
}

/// One child of an extended public key is one key; another implementation derives it.
#[test]
fn children_of_extended_keys_are_read() {
    let parts = Parts::new();
    let master = Xpriv::new_master(NetworkKind::Main, &[3; 32]).unwrap();
    let account = master.derive_priv(SECP256K1, &"86'/0'/0'".parse::<DerivationPath>().unwrap()).unwrap();
    let xpub = Xpub::from_priv(SECP256K1, &account);
    let child = |path: &str| {
        let path: DerivationPath = path.parse().unwrap();
        account.derive_priv(SECP256K1, &path).unwrap().to_keypair(SECP256K1).x_only_public_key().0.to_string()
    };
    for (written, key) in [
        (format!("[d34db33f/86'/0'/0']{xpub}/0/3"), child("0/3")),
        (format!("{xpub}/1/7"), child("1/7")),
        (xpub.to_string(), child("m")),
    ] {
        let with = |key: &str| parts.staking().replace(&parts.staker, key);
        let read = read_both(&with(&written)).unwrap();
        assert_eq!(read.staker().to_string(), key);
        assert_eq!(Ok(read), read_both(&with(&key)));
    }
}

/// `sortedmulti_a` sorts its keys (BIP-387), and the protocol has them sorted: of several keys it is the same
/// script, in any order and with origins.
#[test]
fn sortedmulti_a_is_read_where_it_means_the_same() {
    let parts = Parts::new();
    let (providers, covenant) = (parts.providers.join(","), parts.covenant.join(","));
    let [a, b, c] = [0, 1, 2].map(|n| parts.covenant[n].as_str());
    let origin = format!("[d34db33f/0]03{a}");
    for order in [[a, b, c], [c, b, a], [b, c, a], [b, &origin, c]] {
        let listed = format!("sortedmulti_a(2,{})", order.join(","));
        let text = parts.staking().replace(&format!("multi_a(2,{covenant})"), &listed);
        assert_eq!(read_both(&text).as_ref(), Ok(&outputs(2, 3, 2, 1000)[0]), "{text}");
        // In one leaf of two.
        let text = parts.staking().replacen(&format!("multi_a(2,{covenant})"), &listed, 1);
        assert_eq!(read_both(&text).as_ref(), Ok(&outputs(2, 3, 2, 1000)[0]), "{text}");
        // Without `sorted`, the order counts.
        let plain = read(&text.replace("sortedmulti_a", "multi_a"));
        assert_eq!(plain.is_ok(), order == [a, b, c], "{order:?}");
    }
    let [one, two] = [0, 1].map(|n| parts.providers[n].as_str());
    for order in [[one, two], [two, one]] {
        let listed = format!("v:sortedmulti_a(1,{})", order.join(","));
        let text = parts.unbonding_output().replace(&format!("v:multi_a(1,{providers})"), &listed);
        assert_eq!(read_both(&text).as_ref(), Ok(&outputs(2, 3, 2, 1000)[1]), "{text}");
    }
    // Of one key it is another script than the protocol's, and the rule is named.
    let lone = parts.staking().replace(&format!("multi_a(2,{covenant})"), &format!("sortedmulti_a(1,{a})"));
    let error = read_both(&lone).unwrap_err();
    assert!(matches!(error, Error::LoneKey(_)), "{error}");
    assert!(
        error.to_string().contains("must be pk(KEY), as multi_a or sortedmulti_a of it is another script")
    );
    // Nor does sorting hide a key that stands twice, or a type that is missing.
    let twice =
        parts.staking().replace(&format!("multi_a(2,{covenant})"), &format!("sortedmulti_a(2,{c},{a},{a})"));
    assert!(matches!(read_both(&twice), Err(Error::Parties(InvalidParties::DuplicateMember(_)))));
    let untyped = parts.unbonding_output().replace("v:multi_a(1", "sortedmulti_a(1");
    assert!(matches!(read_both(&untyped), Err(Error::Miniscript(_))));
}
