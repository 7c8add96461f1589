//! Secrets are never printed.

use secp256k1::Parity;

use crate::{SecretKey, SecretRandomness};

/// The ways in which 32 bytes may show up in text: hex of either case, and a list of decimal or hex numbers.
fn shows(text: &str, bytes: &[u8]) -> bool {
    let text = text.to_lowercase();
    let squeezed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let hexadecimal: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:x}")).collect();
    let run = |list: &[String]| list.chunks(4).any(|chunk| squeezed.contains(&chunk.join(",")));
    bytes.chunks(4).any(|chunk| text.contains(&hex::encode(chunk))) || run(&decimal) || run(&hexadecimal)
}

#[test]
fn debug_shows_no_secret() {
    let secret: [u8; 32] = core::array::from_fn(|i| 0x91 ^ u8::try_from(i).unwrap().wrapping_mul(57));
    let key = SecretKey::from_bytes(&secret).unwrap();
    let negated = key.with_parity(match key.parity() {
        Parity::Even => Parity::Odd,
        Parity::Odd => Parity::Even,
    });
    let randomness = SecretRandomness::dangerous_from_bytes(&secret).unwrap();
    for text in [
        format!("{key:?} {key:#?} {key:x?}"),
        format!("{negated:?} {negated:#?} {negated:x?}"),
        format!("{randomness:?} {randomness:#?} {randomness:x?}"),
    ] {
        assert!(!shows(&text, &secret), "{text}");
        assert!(!shows(&text, negated.to_bytes().as_slice()), "{text}");
    }
    // The search itself finds what it looks for.
    assert!(shows(&format!("{secret:?}"), &secret) && shows(&format!("{secret:#?}"), &secret));
    assert!(shows(&format!("{secret:#x?}"), &secret) && shows(&hex::encode_upper(secret), &secret));
}
