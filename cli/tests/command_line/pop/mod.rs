//! `btcstake pop`. The proofs of these keys were verified by the Go reference (babylon v4.1.0).

mod create;
mod verify;

const ADDRESS: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
const OTHER: &str = "bbn1qurswpc8qurswpc8qurswpc8qurswpc8ydktlc";
/// SHA256("btcstaking/0/staker_pop/chain-1/contract").
const CONTEXT: &str = "8d4576624d8dc34d00e5aa83cdea90319cab0834f4b5aae8eb9e0e7e9b849909";

const BIP340: &str = "62bdb51bb1f525d270b99dbf1b6dfd82cbe222dc824e60d98082fd56a8a5180c\
    0df7d8b2e434f1549de5ad8ce2cbfd9899965d42dba79daedd1ae6ab04d4090e";
const ECDSA: &str = "1f2fd8e3afc4fcbb07a72c462227e6a6a9341471edf4a50fe7c801f7174109c0d9\
    74fc04b7a73519e4db004409a0df2895406f7ce8e61ff0d54fd17003fbbdfc96";
const P2WPKH: &str = "AkcwRAIgGOHBclLHfikBOCITMLifo5NH0WsCDVKC4Oh+aUQtRpQCIG67J+Oj7Ll2i00dPDubpN+nYOZtV09dcZiprbbrSlKtASECTUts0TYQ\
    Msqb0q652QCqTUXZ6tgKyUIzdMRRpyVNB2Y=";
const P2TR: &str =
    "AUFvqbP0XQNPMcWByhOMmxd1gp+4/6T1Vv/QqfaUDPSo6u/WaOyWQ5d2qijSQM/qucvGTUiaWBoAyCZQmf7iHqvbAQ==";

/// A line of `pop create`.
fn create(key: &str, rest: &str) -> String {
    format!("pop create --secret-key-file {key}.key --address {ADDRESS} --type {rest}")
}

/// A line of `pop verify`.
fn verify(key: &str, rest: &str) -> String {
    format!("--json pop verify --public-key {key} --address {ADDRESS} --type {rest}")
}
