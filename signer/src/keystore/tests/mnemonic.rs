//! Mnemonics and the keys derived from them, against BIP-39's vectors, `bitcoin` and the reference.

use std::path::Path;

use bitcoin::NetworkKind;
use bitcoin::bip32::{DerivationPath, Xpriv};
use proptest::prelude::{any, prop_assert_eq, proptest};
use serde::Deserialize;

use super::super::{Bip39Passphrase, HdPath, InvalidHdPath, InvalidMnemonic, Mnemonic, bip32};
use super::passphrase;

const LEGAL: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

#[derive(Deserialize)]
struct Derivation {
    mnemonic: String,
    passphrase: String,
    hd_path: String,
    secret_key: Option<String>,
    reference_says: Option<String>,
}

#[derive(Deserialize)]
struct Derivations {
    derivations: Vec<Derivation>,
}

fn reference() -> Vec<Derivation> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/keystore/derivation.json");
    serde_json::from_slice::<Derivations>(&std::fs::read(path).unwrap()).unwrap().derivations
}

/// As the reference takes it.
fn verbatim(text: &str) -> Bip39Passphrase {
    if text.is_empty() { Bip39Passphrase::default() } else { Bip39Passphrase::verbatim(passphrase(text)) }
}

/// The key that we derive, in hex, or why we do not.
fn ours(case: &Derivation) -> Result<String, String> {
    let mnemonic = Mnemonic::parse(&case.mnemonic).map_err(|error| error.to_string())?;
    let path: HdPath = case.hd_path.parse().map_err(|error: InvalidHdPath| error.to_string())?;
    let key = mnemonic.derive(&verbatim(&case.passphrase), &path).map_err(|error| error.to_string())?;
    Ok(hex::encode(*key.to_bytes()))
}

#[test]
fn every_key_is_the_references() {
    let (mut derived, mut refused, mut spaced) = (0, 0, 0);
    for case in reference() {
        let (ours, label) = (ours(&case), format!("{:?} {:?}", case.mnemonic, case.hd_path));
        match (&case.secret_key, &case.reference_says) {
            (Some(key), None) => {
                derived += 1;
                assert_eq!(ours.as_ref(), Ok(key), "{label}");
            }
            // It refuses white space other than single spaces between the words.
            (None, Some(_)) if case.mnemonic.split_whitespace().collect::<Vec<_>>().join(" ") == LEGAL => {
                spaced += 1;
                assert_eq!(ours, Ok(hex::encode(*legal().to_bytes())), "{label}");
            }
            (None, Some(_)) => {
                refused += 1;
                assert!(ours.is_err(), "{label}");
            }
            _ => panic!("{label}"),
        }
    }
    assert_eq!((derived, refused, spaced), (71, 33, 5));
}

fn legal() -> eots::SecretKey {
    Mnemonic::parse(LEGAL).unwrap().derive(&Bip39Passphrase::default(), &HdPath::default()).unwrap()
}

#[test]
fn the_empty_path_is_the_master_key() {
    for network in [NetworkKind::Main, NetworkKind::Test] {
        let seed = bip39::Mnemonic::parse_in_normalized(bip39::Language::English, LEGAL)
            .unwrap()
            .to_seed_normalized("");
        let master = Xpriv::new_master(network, &seed).unwrap();
        assert_eq!(master.private_key.secret_bytes(), *legal().to_bytes());
    }
}

/// The list of BIP-39 has mnemonics, with the passphrase `TREZOR`, and their master keys.
#[test]
fn published_vectors_of_bip_39() {
    for (words, key) in [
        (
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            "xprv9s21ZrQH143K3h3fDYiay8mocZ3afhfULfb5GX8kCBdno77K4\
             HiA15Tg23wpbeF1pLfs1c5SPmYHrEpTuuRhxMwvKDwqdKiGJS9XFKzUsAF",
        ),
        (
            "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing \
             screen patrol group space point ten exist slush involve unfold",
            "xprv9s21ZrQH143K39rnQJknpH1WEPFJrzmAqqasiDcVrNuk926oi\
             zzJDDQkdiTvNPr2FYDYzWgiMiC63YmfPAa2oPyNB23r2g7d1yiK6WpqaQS",
        ),
    ] {
        let key: Xpriv = key.parse().unwrap();
        let ours = Mnemonic::parse(words).unwrap().derive(&verbatim("TREZOR"), &HdPath::default()).unwrap();
        assert_eq!(*ours.to_bytes(), key.private_key.secret_bytes());
    }
}

#[test]
fn paths_agree_with_bitcoin() {
    proptest!(|(seed in any::<[u8; 64]>(), path in proptest::collection::vec(any::<u32>(), 0..6))| {
        let children: Vec<_> = path.iter().map(|&index| index.into()).collect();
        let theirs = Xpriv::new_master(NetworkKind::Main, &seed).unwrap();
        let theirs = theirs.derive_priv(secp256k1::SECP256K1, &DerivationPath::from(children)).unwrap();
        let text = match path.len() {
            0 => String::new(),
            _ => theirs_text(&path),
        };
        let ours = bip32::derive(&seed, &text.parse().unwrap()).unwrap();
        prop_assert_eq!(*ours.to_bytes(), theirs.private_key.secret_bytes());
    });
}

fn theirs_text(path: &[u32]) -> String {
    let part = |index: &u32| match index.checked_sub(1 << 31) {
        Some(index) => format!("/{index}'"),
        None => format!("/{index}"),
    };
    format!("m{}", path.iter().map(part).collect::<String>())
}

#[test]
fn paths_that_are_none_are_refused_with_the_rule() {
    let refused = |text: &str| text.parse::<HdPath>().unwrap_err();
    for short in ["m", "m/", "0", "44'", "/", " "] {
        assert_eq!(refused(short), InvalidHdPath::NoSlash, "{short}");
    }
    assert_eq!(refused("44h/0"), InvalidHdPath::NotANumber { part: 1 });
    assert_eq!(refused("m/44'/118h/0"), InvalidHdPath::NotANumber { part: 2 });
    assert_eq!(refused("m/0/2147483648"), InvalidHdPath::TooGreat { part: 2 });
    assert_eq!(refused(&format!("m/{}", "9".repeat(100_000))), InvalidHdPath::TooGreat { part: 1 });
    let deep = |depth| format!("m{}", "/0".repeat(depth));
    assert_eq!(refused(&deep(256)), InvalidHdPath::TooDeep { parts: 256 });
    assert_eq!(deep(255).parse::<HdPath>().unwrap().to_string(), deep(255));
    assert_eq!("44'/118'/0'/0/007".parse::<HdPath>().unwrap().to_string(), "m/44'/118'/0'/0/7");
    assert_eq!(HdPath::default().to_string(), "m");
    // The number is read as decimal digits however many zeros are before it.
    assert_eq!(format!("m/{}1", "0".repeat(5000)).parse::<HdPath>().unwrap().to_string(), "m/1");
}

#[test]
fn words_come_as_wallets_paste_them() {
    for form in [
        LEGAL.replace(' ', "  "),
        LEGAL.replace(' ', "\n"),
        LEGAL.replace(' ', "\r\n"),
        LEGAL.replace(' ', "\t"),
        LEGAL.replace(' ', "\u{3000}"),
        LEGAL.replace(' ', "\u{a0}"),
        format!("\n  {LEGAL} \n\n"),
    ] {
        assert_eq!(*Mnemonic::parse(&form).unwrap().words(), LEGAL);
    }
    let refused = |text: &str| Mnemonic::parse(text).unwrap_err();
    assert_eq!(refused(""), InvalidMnemonic::WordCount { found: 0 });
    assert_eq!(refused(&LEGAL.replace(" yellow", "")), InvalidMnemonic::WordCount { found: 11 });
    assert_eq!(refused(&format!("{LEGAL} {LEGAL} {LEGAL}")), InvalidMnemonic::WordCount { found: 36 });
    assert_eq!(refused(&LEGAL.to_uppercase()), InvalidMnemonic::UnknownWord { number: 1 });
    assert_eq!(refused(&LEGAL.replace("sausage", "saus")), InvalidMnemonic::UnknownWord { number: 6 });
    assert_eq!(refused(&LEGAL.replace("yellow", "yell\u{f6}w")), InvalidMnemonic::UnknownWord { number: 12 });
    assert_eq!(refused(&LEGAL.replace("yellow", "year")), InvalidMnemonic::Checksum);
    assert_eq!(refused(&"a ".repeat(3000)), InvalidMnemonic::TooLong { length: 6000 });
}

#[test]
fn a_new_mnemonic_has_24_words_and_comes_back() {
    let mnemonic = Mnemonic::generate().unwrap();
    let words = mnemonic.words();
    assert_eq!(words.split(' ').count(), 24);
    assert_ne!(*words, *Mnemonic::generate().unwrap().words());
    let key =
        |mnemonic: &Mnemonic| *mnemonic.derive(&verbatim("p"), &"m/1".parse().unwrap()).unwrap().to_bytes();
    assert_eq!(key(&Mnemonic::parse(&words).unwrap()), key(&mnemonic));
}

#[test]
fn a_passphrase_on_which_wallets_differ_is_refused() {
    let seed = |text: &str| {
        let words = bip39::Mnemonic::parse_in_normalized(bip39::Language::English, LEGAL).unwrap();
        let normal: String = unicode_normalization::UnicodeNormalization::nfkd(text).collect();
        Xpriv::new_master(NetworkKind::Main, &words.to_seed_normalized(&normal))
            .unwrap()
            .private_key
            .secret_bytes()
    };
    let ours = |with: &Bip39Passphrase| {
        *Mnemonic::parse(LEGAL).unwrap().derive(with, &HdPath::default()).unwrap().to_bytes()
    };
    for same in ["TREZOR", " a\tb ", "Straße", "gru\u{308}n", "п", "漢"] {
        assert_eq!(ours(&Bip39Passphrase::new(passphrase(same)).unwrap()), seed(same), "{same}");
    }
    for different in ["gr\u{fc}n", "o\u{fb03}ce", "é", "①", "ｆｕｌｌ", "\u{a0}", "а\u{301}\u{323}"] {
        assert!(Bip39Passphrase::new(passphrase(different)).is_err(), "{different}");
        assert_ne!(ours(&Bip39Passphrase::verbatim(passphrase(different))), seed(different), "{different}");
    }
}
