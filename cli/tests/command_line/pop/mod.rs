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
/// Of 64 bytes (SIGHASH_DEFAULT) and of 65 (SIGHASH_ALL). The first was computed by another program, which
/// gives the second too.
const P2TR: &str = "AUB9N52sX/E436BWQRUGrsppdX5b9M5y3sHmwLLCaT6bcMbYculPiWuC2avfeitfrzPsJfwLxnYsS/IgiHUGPTYv";
const P2TR_ALL: &str =
    "AUFvqbP0XQNPMcWByhOMmxd1gp+4/6T1Vv/QqfaUDPSo6u/WaOyWQ5d2qijSQM/qucvGTUiaWBoAyCZQmf7iHqvbAQ==";

/// Bytes 0 to 31 as an account, and the proof of `provider.key` for it; computed by another program.
const CONTRACT: &str = "bbn1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sa5fut8";
const OF_CONTRACT: &str = "9db682eac2d6a99fefefe394f8b2466830e4df311d3114b153c5d0db45ca5866\
    ddd804c0b2609ad5b5b0ea94d29df465e4795f8836023b43b9683bcc5864c0cf";

/// The proof of `provider.key` over the text of the account, in hex and base64; computed by another program.
const TEXT: &str = "191502a1d76f62fe0e91398d683e9ae3f55906d2703a31f8525318aff1945dcd\
    08eb2bcb72f22de0ee1529b87799f49100480be9424d209f7def4aecfede7018";
const TEXT_BASE64: &str =
    "GRUCoddvYv4OkTmNaD6a4/VZBtJwOjH4UlMYr/GUXc0I6yvLcvIt4O4VKbh3mfSRAEgL6UJNIJ9970rs/t5wGA==";

/// A line of `pop create`.
fn create(key: &str, rest: &str) -> String {
    format!("pop create --secret-key-file {key}.key --address {ADDRESS} --type {rest}")
}

/// A line of `pop verify`.
fn verify(key: &str, rest: &str) -> String {
    format!("--json pop verify --public-key {key} --address {ADDRESS} --type {rest}")
}
