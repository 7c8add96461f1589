//! The scripts that somebody can spend on purpose, and those that burn in an output that nodes relay.

use bitcoin::ScriptBuf;

use crate::coins::key_path_script;
use crate::outputs::UnsafeOutput;
use crate::testing::{key, lost_scripts};

fn script(hex: &str) -> ScriptBuf {
    ScriptBuf::from_hex(hex).unwrap()
}

/// Returns the scripts of addresses of every kind.
fn destinations() -> Vec<ScriptBuf> {
    let (twenty, many) = ("01".repeat(20), "ff".repeat(32));
    vec![
        script(&format!("0014{twenty}")),
        script(&format!("0020{many}")),
        script(&format!("76a914{twenty}88ac")),
        script(&format!("a914{twenty}87")),
        key_path_script(key("wallet", 0).public_key()),
    ]
}

#[test]
fn destination_is_what_somebody_can_spend_on_purpose() {
    for known in destinations() {
        assert_eq!(UnsafeOutput::check_destination(&known), Ok(()), "{known}");
        assert_eq!(UnsafeOutput::check_slashing_script(&known), Ok(()), "{known}");
    }
    for lost in lost_scripts() {
        let error = UnsafeOutput::NotADestination { script_pubkey: lost.clone() };
        assert_eq!(UnsafeOutput::check_destination(&lost), Err(error.clone()), "{lost}");
        assert_eq!(UnsafeOutput::check_slashing_script(&lost), Err(error), "{lost}");
    }
    // A burn is a destination of what is slashed only.
    let burn = script("6a07626162796c6f6e");
    let error = UnsafeOutput::NotADestination { script_pubkey: burn.clone() };
    assert_eq!(UnsafeOutput::check_destination(&burn), Err(error));
}

#[test]
fn destination_that_is_refused_is_called_by_what_it_is() {
    let of_version_2 = format!("5220{}", "01".repeat(32));
    for (hex, what) in [
        ("51024e73", "is pay-to-anchor, which anybody can spend"),
        (&format!("5120{}", "ff".repeat(32)), "is P2TR with a key that is not on the curve"),
        ("00020101", "is a version 0 witness program of 2 bytes, which nobody can spend"),
        (&of_version_2, "is a witness program of version 2 and 32 bytes, which is not in use"),
        ("6a0101", "burns what is paid to it"),
        ("51", "belongs to no address"),
    ] {
        let error = UnsafeOutput::check_destination(&script(hex)).unwrap_err().to_string();
        let rule = "must be P2WPKH, P2WSH, P2TR with a key on the curve, P2PKH or P2SH";
        assert_eq!(error, format!("the script {hex} {what}; {rule}"));
    }
}

#[test]
fn slashing_op_return_is_one_push_that_is_relayed() {
    let pushed = |opcodes: &str, bytes: usize| script(&format!("6a{opcodes}{}", "ab".repeat(bytes)));
    // Mainnet's; nothing; an empty push; small numbers; the most data, in the two pushes that are short
    // enough.
    let relayed = [
        script("6a07626162796c6f6e"),
        script("6a"),
        script("6a00"),
        script("6a51"),
        script("6a60"),
        pushed("4b", 75),
        pushed("4c4c", 76),
        pushed("4c50", 80),
        pushed("4c01", 1),
        pushed("4d4f00", 79),
    ];
    for burn in relayed {
        assert_eq!(UnsafeOutput::check_slashing_script(&burn), Ok(()), "{burn}");
    }
    let refused = [
        // Too much data, and a script of 84 bytes.
        pushed("4c51", 81),
        pushed("4d5000", 80),
        pushed("4dff01", 511),
        // Two pushes; an opcode that does not push, alone and after data; a negative and a reserved number.
        script("6a01010101"),
        script("6a5151"),
        script("6aac"),
        script("6a01abac"),
        script("6a4f"),
        script("6a50"),
        // Pushes that are cut off.
        script("6a01"),
        script("6a4c"),
        pushed("4b", 74),
        pushed("4c50", 79),
    ];
    for burn in refused {
        let error = UnsafeOutput::NotABurn { script_pubkey: burn.clone() };
        assert_eq!(UnsafeOutput::check_slashing_script(&burn), Err(error.clone()), "{burn}");
        assert!(error.to_string().contains("must push at most 80 bytes in one push"), "{error}");
    }
}
