//! `btcstake adaptor recover`.

use btcstake::outputs::AdaptorRecover;
use serde_json::json;

use super::{decrypt, decrypt_line, sign};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_EVEN, PROVIDER_KEY};

#[test]
fn decryption_key_comes_of_both_signatures() {
    let folder = Folder::new();
    let signed = sign(&folder);
    let signature = decrypt(&folder, &signed);
    let recover = format!("--adaptor-signature {signed} --signature {signature}");
    let recovered = folder.json(&format!("adaptor recover {recover}"));
    assert_eq!(
        recovered,
        json!({ "decryption_key": PROVIDER_EVEN, "public_key": PROVIDER_KEY, "reason": null })
    );
    // As text it is a key file.
    folder.write("recovered.key", folder.run(&format!("adaptor recover {recover}")).ends(0).stdout());
    folder.run(&decrypt_line(&signed).replace("provider.key", "recovered.key")).ends(0);
    let checked = format!("--json adaptor recover {recover} --encryption-key");
    assert_eq!(folder.run(&format!("{checked} {PROVIDER_KEY}")).json(0), recovered);
    let none = |line: &str| assert_eq!(folder.run(line).output::<AdaptorRecover>(1).decryption_key, None);
    none(&format!("{checked} {MEMBER_KEY}"));
    none(&format!("--json adaptor recover --adaptor-signature {} --signature {signature}", sign(&folder)));
}
