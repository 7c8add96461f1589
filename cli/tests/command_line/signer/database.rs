//! The database: initialised, used, pruned, copied, restored.

use btcstake::outputs::{EotsSign, Refused, SignerBackup, SignerLanes};

use super::{init, lane, sign, vote};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

fn status(folder: &Folder) -> SignerLanes {
    folder.output("signer status --protection signing.db")
}

#[test]
fn second_vote_at_a_height_is_refused() {
    let folder = Folder::new();
    let made: SignerLanes = init(&folder, "signing.db", 100).output(0);
    assert_eq!((made.lanes.len(), made.lanes[0].low_watermark_height), (1, Some(99)));
    assert_eq!(made.lanes[0].chain_id.as_deref(), Some("bbn-1"));
    let first: EotsSign = sign(&folder, "signing.db", 100, 1).output(0);
    // As without the database: the same key, chain and height have the same randomness.
    let bare: EotsSign = folder.output(&format!(
        "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 100 --message {} --dangerously-unprotected",
        vote(100, 1)
    ));
    assert_eq!(first, bare);
    assert_eq!(sign(&folder, "signing.db", 100, 1).output::<EotsSign>(0), first);
    let refused: Refused = sign(&folder, "signing.db", 100, 2).output(1);
    assert_eq!(refused.violations[0].rule, "double_sign");
    let below: Refused = sign(&folder, "signing.db", 99, 1).output(1);
    assert_eq!(below.violations[0].rule, "below_low_watermark");
    let other = folder.run(&format!(
        "--json eots sign --secret-key-file provider.key --chain-id bbn-2 --height 100 --message {} --protection signing.db",
        vote(100, 2)
    ));
    assert_eq!(other.output::<Refused>(1).violations[0].rule, "unknown_lane");
    let known = status(&folder);
    assert_eq!(
        (known.lanes[0].highest_height, known.lanes[0].public_key.as_str()),
        (Some(100), PROVIDER_KEY)
    );
    assert!(known.generation > made.generation);
    let neither = format!(
        "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --message {}",
        vote(1, 1)
    );
    folder.run(&neither).fails(&["nothing would record this signature", "--protection"]);
    let both = format!("{neither} --dangerously-unprotected --protection signing.db");
    folder.run(&both).fails(&["cannot be used with"]);
}

#[test]
fn watermarks_are_raised_and_set() {
    let folder = Folder::new();
    init(&folder, "signing.db", 0).ends(0);
    let marks = |rest: &str| -> SignerLanes {
        folder.output(&format!("signer watermark --protection signing.db {} {rest}", lane()))
    };
    let set = marks("--low 10 --high 20");
    assert_eq!((set.lanes[0].low_watermark_height, set.lanes[0].high_watermark_height), (Some(10), Some(20)));
    assert_eq!(marks("--low 5").lanes[0].low_watermark_height, Some(10), "never lowered");
    for (height, rule) in [(10, "below_low_watermark"), (21, "above_high_watermark")] {
        let refused: Refused = sign(&folder, "signing.db", height, 1).output(1);
        assert_eq!(refused.violations[0].rule, rule);
    }
    sign(&folder, "signing.db", 20, 1).output::<EotsSign>(0);
    assert_eq!(marks("--no-high").lanes[0].high_watermark_height, None);
    sign(&folder, "signing.db", 21, 1).output::<EotsSign>(0);
    let prune = format!("signer prune --protection signing.db {} --up-to 20", lane());
    let pruned: SignerLanes = folder.output(&prune);
    assert_eq!((pruned.lanes[0].changed_records, pruned.lanes[0].low_watermark_height), (Some(1), Some(20)));
    assert_eq!((pruned.lanes[0].left_records, pruned.warnings.len()), (Some(1), 0));
    let gone: Refused = sign(&folder, "signing.db", 20, 1).output(1);
    assert_eq!(gone.violations[0].rule, "below_low_watermark");
    folder.run(&format!("signer watermark --protection signing.db {}", lane())).fails(&["--low"]);
    let stranger = format!("--public-key {PROVIDER_KEY} --chain-id other");
    for line in ["watermark --low 1", "prune --up-to 1"] {
        folder
            .run(&format!("signer {line} --protection signing.db {stranger}"))
            .fails(&["is not in the signing database"]);
    }
}

#[test]
fn what_cannot_be_taken_back_is_warned_of() {
    let folder = Folder::new();
    let nameless = format!("--public-key {PROVIDER_KEY} --from-height 1 --chain-id=");
    folder.run(&format!("signer init --protection signing.db {nameless}")).fails(&["--chain-id is empty"]);
    assert!(!folder.path().join("signing.db").exists());
    init(&folder, "signing.db", 1).ends(0);
    sign(&folder, "signing.db", 5, 1).ends(0);
    let warned = |command: &str, word: &str| {
        let line = format!("signer {command} --protection signing.db {}", lane());
        let found: SignerLanes = folder.output(&line);
        assert!(found.warnings.len() == 1 && found.warnings[0].contains(word), "{command}: {found:?}");
        found
    };
    warned("watermark --high 4", "below the highest vote that is known (5)");
    warned("watermark --no-high", "without its high watermark this database signs on");
    warned("watermark --low 6", "--low is 6, above the highest vote that is known (5)");
    let pruned = warned("prune --up-to 9", "--up-to is 9, above the highest vote that is known");
    assert_eq!((pruned.lanes[0].changed_records, pruned.lanes[0].left_records), (Some(1), Some(0)));
    let text =
        folder.run(&format!("signer prune --protection signing.db {} --up-to 9", lane())).ends(0).stdout();
    assert!(text.contains("forgotten records  0") && text.contains("records left       0"), "{text}");
    let far: SignerLanes = init(&folder, "far.db", u64::MAX - 1).output(0);
    assert!(far.warnings[0].contains("which its chain will not reach"), "{far:?}");
}

/// Yesterday's file, a backup, no file, no guard: each stops every command, until `init` says a height.
#[test]
fn old_copies_are_refused_until_a_height_is_said() {
    let folder = Folder::new();
    folder.run("signer status --protection signing.db").fails(&[
        "it must be initialised once",
        "signer init",
        "above every vote",
    ]);
    // Nothing is left beside a database that is not there.
    assert!(!folder.path().join("signing.db.lock").exists());
    folder.run("signer status").fails(&["--protection", "--config"]);
    init(&folder, "signing.db", 1).ends(0);
    sign(&folder, "signing.db", 1, 1).ends(0);
    let at = |name: &str| folder.path().join(name);
    std::fs::copy(at("signing.db"), at("yesterday")).unwrap();
    sign(&folder, "signing.db", 2, 1).ends(0);
    let copied: SignerBackup = folder.output("signer backup --protection signing.db --out backup.db");
    assert_eq!((copied.file.as_str(), copied.lanes.unwrap()[0].highest_height), ("backup.db", Some(2)));
    sign(&folder, "signing.db", 3, 1).ends(0);
    for (copy, said) in [("yesterday", "is an old copy"), ("backup.db", "is a backup of a signing database")]
    {
        std::fs::copy(at(copy), at("signing.db")).unwrap();
        sign(&folder, "signing.db", 3, 2).fails(&[said]);
        folder.run("signer status --protection signing.db").fails(&[
            said,
            "newest database first",
            "the chain's own highest vote",
        ]);
        init(&folder, "signing.db", 3).fails(&["must be above 3, which was signed", "ask the chain"]);
        sign(&folder, "signing.db", 3, 2).fails(&[said]);
    }
    let taken: SignerLanes = init(&folder, "signing.db", 4).output(0);
    assert!(taken.warnings[0].starts_with("taken over, from height 4 on: "), "{taken:?}");
    let refused: Refused = sign(&folder, "signing.db", 3, 2).output(1);
    assert_eq!(refused.violations[0].rule, "below_low_watermark");
    sign(&folder, "signing.db", 4, 1).output::<EotsSign>(0);
    std::fs::remove_file(at("signing.db.guard")).unwrap();
    sign(&folder, "signing.db", 5, 1).fails(&["guard", "is missing"]);
    folder
        .run("signer status --protection signing.db")
        .fails(&["whether the database is an old copy is not known"]);
    init(&folder, "signing.db", 5).output::<SignerLanes>(0);
    std::fs::remove_file(at("signing.db")).unwrap();
    sign(&folder, "signing.db", 6, 1).fails(&["is missing, and its guard is there"]);
    // A guard elsewhere notices when the whole folder is restored.
    let elsewhere = "--guard away.guard";
    folder.run(&format!("signer init --protection other.db {elsewhere} {} --from-height 1", lane())).ends(0);
    folder.run(&format!("signer status --protection other.db {elsewhere}")).ends(0);
    folder.run("signer status --protection other.db").fails(&[
        "the guard other.db.guard",
        // The flag first, and what the last way costs.
        "was `--guard FILE` forgotten (`guard` of [store] in a configuration)? The last way is `btcstake signer init`",
        "must be below its --from-height",
    ]);
    // A key file is no database, and stays one.
    init(&folder, "provider.key", 1).fails(&["is not a signing database"]);
    assert!(folder.read("provider.key").starts_with("0101"));
}

#[test]
fn highest_vote_of_the_chain_must_be_known() {
    let folder = Folder::new();
    init(&folder, "signing.db", 10).ends(0);
    let seen =
        |height: u64| folder.run(&format!("signer status --protection signing.db --highest-vote {height}"));
    seen(9).ends(0);
    seen(10).fails(&["knows of no vote above 9; must know of 10"]);
    sign(&folder, "signing.db", 12, 1).ends(0);
    seen(12).ends(0);
}

/// An old copy has forgotten the votes of every key in it.
#[test]
fn every_key_of_a_database_that_is_taken_over_is_named() {
    let folder = Folder::new();
    init(&folder, "signing.db", 1).ends(0);
    let other = format!("--public-key {MEMBER_KEY} --chain-id bbn:1");
    folder.run(&format!("signer init --protection signing.db {other} --from-height 1")).ends(0);
    let at = |name: &str| folder.path().join(name);
    std::fs::copy(at("signing.db"), at("old")).unwrap();
    sign(&folder, "signing.db", 5, 1).ends(0);
    std::fs::copy(at("old"), at("signing.db")).unwrap();
    init(&folder, "signing.db", 6).fails(&[MEMBER_KEY, "bbn:1", "its first height must be given"]);
    let both = |also: &str| {
        folder.run(&format!(
            "--json signer init --protection signing.db {} --from-height 6 --also {also}",
            lane()
        ))
    };
    both("nothing").fails(&["PUBLIC_KEY:CHAIN_ID:HEIGHT"]);
    both(&format!("{MEMBER_KEY}::9")).fails(&["the chain id is empty"]);
    both(&format!("{MEMBER_KEY}:bbn:1:high")).fails(&["\"high\" is not a height"]);
    let taken: SignerLanes = both(&format!("{MEMBER_KEY}:bbn:1:9")).output(0);
    let lows: Vec<_> = taken.lanes.iter().map(|lane| lane.low_watermark_height).collect();
    assert_eq!((lows, taken.warnings.len()), (vec![Some(5), Some(8)], 1));
    // A key that was lost with its database begins above what the guard knows.
    sign(&folder, "signing.db", 6, 1).output::<EotsSign>(0);
    std::fs::remove_file(at("signing.db")).unwrap();
    let again = format!("--json signer init --protection signing.db {other} --from-height 9");
    folder.run(&again).output::<SignerLanes>(0);
    let again: SignerLanes = init(&folder, "signing.db", 1).output(0);
    assert_eq!(again.lanes[0].low_watermark_height, Some(6));
}
