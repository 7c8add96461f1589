//! `btcstake eots prove`.

use btcstake::outputs::EotsProve;

use super::RANGE;
use crate::fixtures::process::Folder;

#[test]
fn proof_says_where_it_is_of() {
    let folder = Folder::new();
    for index in [0, 3, 8] {
        let proof: EotsProve = folder.output(&format!("eots prove {RANGE} --index {index}"));
        assert_eq!((proof.index, proof.total), (index, 9));
    }
    folder.run(&format!("eots prove {RANGE} --index 9")).fails(&["--index", "must be below the count, 9"]);
}

#[test]
fn proofs_all_at_once_are_the_same_proofs() {
    let folder = Folder::new();
    let all = folder.run(&format!("eots prove {RANGE} --all")).ends(0).stdout();
    assert_eq!(all.lines().count(), 9);
    for (index, line) in all.lines().enumerate() {
        let one = folder.json(&format!("eots prove {RANGE} --index {index}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap(), one);
    }
}
