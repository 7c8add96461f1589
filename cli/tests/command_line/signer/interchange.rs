//! From one signer to another.

use btcstake::outputs::{EotsSign, Refused, SignerLanes};
use serde_json::Value;

use super::{init, lane, sign};
use crate::fixtures::process::Folder;

/// The drill: a high watermark, an export, an import; then the new signer alone goes on.
#[test]
fn signer_moves_to_another_database() {
    let folder = Folder::new();
    init(&folder, "old.db", 10).ends(0);
    for height in [10, 11, 15] {
        sign(&folder, "old.db", height, 1).ends(0);
    }
    // A move of what signs on would have both sign.
    let export = "signer export --protection old.db --out early.json";
    folder.run(export).fails(&["is absent", "`signer watermark --high 15`", "--keep-signing"]);
    let high =
        |height: u64| folder.run(&format!("signer watermark --protection old.db {} --high {height}", lane()));
    high(20).warns(0, &["--high is 20, above the highest vote that is known (15)"]);
    folder.run(export).fails(&["is 20, above the highest vote"]);
    assert!(!folder.path().join("early.json").exists());
    high(15).ends(0);
    folder.run("signer export --protection old.db --out complete.json").ends(0);
    folder.run("signer export --protection old.db --minimal --out minimal.json").ends(0);
    folder.run("signer export --protection old.db --out complete.json").fails(&["--out"]);
    let schema: Value =
        serde_json::from_str(include_str!("../../../../signer/data/interchange.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for file in ["complete", "minimal"] {
        let exported: Value = serde_json::from_str(&folder.read(&format!("{file}.json"))).unwrap();
        schema.validate(&exported).unwrap();
        let database = format!("{file}.db");
        init(&folder, &database, 0).ends(0);
        let import = format!("--json signer import --protection {database} --file {file}.json");
        let imported: SignerLanes = folder.run(&import).output(0);
        assert_eq!(imported.lanes[0].low_watermark_height, Some(15), "{imported:?}");
        // The old signer may not sign what the new one will, and the other way round.
        let refused: Refused = sign(&folder, "old.db", 16, 1).output(1);
        assert_eq!(refused.violations[0].rule, "above_high_watermark");
        let marks = format!("signer watermark --protection {database} {} --no-high", lane());
        folder.run(&marks).warns(0, &["the signer that has them must not sign"]);
        for (height, block) in [(11, 2), (14, 1)] {
            let refused: Refused = sign(&folder, &database, height, block).output(1);
            assert!(["double_sign", "below_low_watermark"].contains(&refused.violations[0].rule.as_str()));
        }
        sign(&folder, &database, 16, 1).output::<EotsSign>(0);
    }
    // The complete form answers again what was signed.
    assert_eq!(
        sign(&folder, "complete.db", 11, 1).output::<EotsSign>(0),
        sign(&folder, "old.db", 11, 1).output::<EotsSign>(0)
    );
}

#[test]
fn import_of_another_message_is_a_negative_answer() {
    let folder = Folder::new();
    for (database, block) in [("one.db", 1), ("two.db", 2)] {
        init(&folder, database, 10).ends(0);
        sign(&folder, database, 10, block).ends(0);
    }
    folder.run("signer export --protection one.db --keep-signing --out one.json").ends(0);
    let import = "signer import --protection two.db --file one.json";
    let found: SignerLanes = folder.run(&format!("--json {import}")).output(1);
    assert_eq!(found.lanes[0].contradicted_heights, [10]);
    let warned = found.warnings.join(" ");
    assert!(warned.contains("may sign on") && warned.contains("has the secret key; stop"), "{warned}");
    let text = folder.run(import).warns(1, &["two messages were signed at height 10"]).stdout();
    assert!(text.contains("height 10: another message was signed too"), "{text}");
    folder.write("bad.json", folder.read("one.json").replace("\"10\"", "\"ten\""));
    folder
        .run("signer import --protection two.db --file bad.json")
        .fails(&["--file bad.json", "is not a height"]);
}

/// The reference daemon's own database, which bbolt wrote.
#[test]
fn database_of_the_reference_daemon_is_imported() {
    let folder = Folder::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../signer/fixtures/reference.db");
    folder.write("eots.db", std::fs::read(file).unwrap());
    init(&folder, "signing.db", 0).ends(0);
    let import = "signer import --protection signing.db --eotsd-database";
    let imported: SignerLanes = folder.output(&format!("{import} eots.db"));
    assert!(imported.lanes.len() > 3, "{imported:?}");
    assert_eq!(imported.lanes.iter().filter_map(|lane| lane.changed_records).sum::<u64>(), 67);
    assert!(imported.lanes.iter().any(|lane| lane.chain_id.is_none() && lane.chain_id_hex == "fffe0080"));
    let known: SignerLanes = folder.output("signer status --protection signing.db");
    assert_eq!(known.lanes.len(), imported.lanes.len() + 1);
    // A daemon that runs signs on.
    let daemon = std::fs::File::open(folder.path().join("eots.db")).unwrap();
    daemon.lock().unwrap();
    folder.run(&format!("{import} eots.db")).fails(&["--eotsd-database eots.db", "in use"]);
    drop(daemon);
    folder.write("cut.db", &folder.read_bytes("eots.db")[..20_000]);
    folder.run(&format!("{import} cut.db")).fails(&["--eotsd-database cut.db"]);
    folder.run(&format!("{import} provider.key")).fails(&["--eotsd-database provider.key"]);
    folder
        .run(&format!("{import} eots.db --committed 1:5"))
        .fails(&["must have 1", "signer init … --committed FIRST:LAST"]);
    folder.run(&format!("{import} eots.db --file eots.db")).fails(&["cannot be used with"]);
    folder.run("signer import --protection signing.db").fails(&["--file"]);
}

/// What the other signer has committed to comes along on request.
#[test]
fn committed_heights_are_noted_with_an_import() {
    let folder = Folder::new();
    init(&folder, "old.db", 10).ends(0);
    folder.run("signer export --protection old.db --keep-signing --out old.json").ends(0);
    init(&folder, "new.db", 10).ends(0);
    let import = "signer import --protection new.db --file old.json";
    let imported: SignerLanes = folder.output(&format!("{import} --committed 100:199 --committed 200:299"));
    let range = &imported.lanes[0].committed[0];
    assert_eq!((imported.lanes[0].committed.len(), range.first_height, range.last_height), (1, 100, 299));
    folder.run(&format!("{import} --committed 5:4")).fails(&["the last height is below the first"]);
}
