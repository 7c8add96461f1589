//! `btcstake adaptor decrypt`.

use btcstake::outputs::AdaptorDecrypt;

use super::{MESSAGE, decrypt_line, sign};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn signature_is_verified_where_its_signer_is_named() {
    let folder = Folder::new();
    let decrypt = decrypt_line(&sign(&folder));
    let decrypted: AdaptorDecrypt = folder.output(&decrypt);
    assert!(!decrypted.verified);
    let signature = decrypted.signature.unwrap();
    assert_eq!(signature.len(), 128);
    let checked = |key: &str, code: i32| {
        let line = format!("--json {decrypt} --message {MESSAGE} --public-key {key}");
        let decrypted: AdaptorDecrypt = folder.run(&line).output(code);
        assert_eq!(decrypted.verified, code == 0);
        decrypted.signature
    };
    assert_eq!(checked(MEMBER_KEY, 0), Some(signature));
    assert_eq!(checked(PROVIDER_KEY, 1), None);
}
