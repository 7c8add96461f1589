//! A stake in a block: `covenant sign` and `stake check` say the same of it, at every height and under every
//! anchor; and what ties its headers to no chain is said.

use btcstake::outputs::{CovenantSigned, Refused, StakeCheck};
use staking_scripts::Delegation;
use staking_scripts::testing::{history_file, included_of, key};

use crate::fixtures::process::Folder;

const HEIGHT: u32 = 900_000;
const DEPTH: u32 = 10;

struct Included {
    folder: Folder,
    delegation: Delegation,
}

impl Included {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("params.json", history_file(&[0], |_, _| {}));
        folder.write("signer.key", hex::encode(key("member", 4).to_bytes()));
        let delegation = included_of(0, HEIGHT, 10).0;
        folder.write("included.json", delegation.to_json());
        Self { folder, delegation }
    }

    /// The rules that both commands name, and what both warn of.
    fn judged(&self, more: &str) -> (Vec<String>, Vec<String>) {
        let files =
            format!("--params params.json --delegation included.json --network regtest --depth {DEPTH}");
        let check = self.folder.run(&format!("--json stake check {files} {more}"));
        let code = check.code().unwrap();
        let check: StakeCheck = check.output(code);
        let _ = std::fs::remove_file(self.folder.path().join("record"));
        let sign = format!("covenant sign {files} {more} --record record --secret-key-file signer.key");
        let sign = self.folder.run(&format!("--json {sign}"));
        assert_eq!(sign.code(), Some(code), "{more}: {}", sign.stderr());
        let warned = sign.stderr();
        if code == 0 {
            let signed: CovenantSigned = serde_json::from_str(&sign.stdout()).unwrap();
            assert_eq!(signed.not_checked, check.not_checked);
            assert!(check.warnings.iter().all(|warning| warned.contains(warning.as_str())), "{warned}");
        } else {
            assert_eq!(sign.output::<Refused>(1).violations, check.violations, "{more}");
        }
        (check.violations.into_iter().map(|found| found.rule).collect(), check.warnings)
    }
}

#[test]
fn verdict_on_an_included_stake_is_that_of_stake_check() {
    let included = Included::new();
    let headers = &included.delegation.inclusion.as_ref().unwrap().headers;
    let (first, last) = (headers[0].block_hash(), headers[10].block_hash());
    let none = Vec::<String>::new();
    // 2000 blocks of staking, 1008 of unbonding.
    for (height, rules) in [
        (HEIGHT - 1, vec!["inclusion_height"]),
        (HEIGHT, vec!["inclusion"]),
        (HEIGHT + DEPTH - 1, vec!["inclusion"]),
        (HEIGHT + DEPTH, vec![]),
        (HEIGHT + 991, vec![]),
        (HEIGHT + 992, vec!["ends_too_soon"]),
    ] {
        assert_eq!(included.judged(&format!("--height {height}")).0, rules, "{height}");
    }
    let at = format!("--height {}", HEIGHT + DEPTH);
    for (anchor, rules) in [
        (format!("--trusted-header {first}:{HEIGHT}"), none.clone()),
        (format!("--trusted-header {last}:{}", HEIGHT + DEPTH), none.clone()),
        (format!("--trusted-header {last}:{}", HEIGHT + DEPTH - 1), vec!["inclusion_height".to_owned()]),
        (format!("--trusted-header {}", "07".repeat(32)), vec!["inclusion".to_owned()]),
        // 11 blocks of regtest have work of 2 each.
        ("--min-work 16".to_owned(), none.clone()),
        ("--min-work 17".to_owned(), vec!["inclusion".to_owned()]),
    ] {
        assert_eq!(included.judged(&format!("{at} {anchor}")).0, rules, "{anchor}");
    }
    for wrong in ["--min-work xyz", "--trusted-header 00"] {
        let line = format!("stake check --params params.json --delegation included.json {wrong}");
        included.folder.run(&line).fails(&[wrong.split(' ').next().unwrap()]);
    }
}

#[test]
fn inclusion_that_nothing_ties_to_the_chain_is_called_unanchored() {
    let included = Included::new();
    let first = included.delegation.inclusion.as_ref().unwrap().headers[0].block_hash();
    let at = format!("--height {}", HEIGHT + DEPTH);
    let warned = |anchor: &str| included.judged(&format!("{at} {anchor}")).1;
    let has = |warnings: &[String], word: &str| warnings.iter().any(|warning| warning.contains(word));
    let bare = warned("");
    assert!(has(&bare, "unanchored") && has(&bare, "the height of the inclusion"), "{bare:?}");
    let work = warned("--min-work 16");
    assert!(!has(&work, "unanchored") && has(&work, "the height of the inclusion"), "{work:?}");
    let hash = warned(&format!("--trusted-header {first}"));
    assert!(!has(&hash, "unanchored") && has(&hash, "the height of the inclusion"), "{hash:?}");
    assert_eq!(warned(&format!("--trusted-header {first}:{HEIGHT}")), Vec::<String>::new());
}
