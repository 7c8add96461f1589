//! `btcstake eots check-commitment`.

use btcstake::outputs::{EotsCommit, Verdict};
use serde_json::json;

use super::{CONTEXT, ORDER, RANGE};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

#[test]
fn signature_is_valid_for_its_commitment_and_context() {
    let folder = Folder::new();
    let committed: EotsCommit = folder.output(&format!("eots commit {RANGE}"));
    let consumer: EotsCommit = folder.output(&format!("eots commit {RANGE} --signing-context {CONTEXT}"));
    let root = &committed.root;
    let check =
        format!("--json eots check-commitment --public-key {PROVIDER_KEY} --height 100 --root {root}");
    let valid = |line: &str| assert_eq!(folder.run(line).json(0), json!({ "valid": true, "reason": null }));
    let not_valid = |line: &str| assert!(!folder.run(line).output::<Verdict>(1).valid, "{line}");
    let genesis = format!("{check} --count 9 --signature {}", committed.signature);
    valid(&genesis);
    not_valid(&genesis.replace("--count 9", "--count 8"));
    not_valid(&genesis.replace(PROVIDER_KEY, ORDER));
    not_valid(&format!("{genesis} --signing-context {CONTEXT}"));
    valid(&format!("{check} --count 9 --signature {} --signing-context {CONTEXT}", consumer.signature));
}
