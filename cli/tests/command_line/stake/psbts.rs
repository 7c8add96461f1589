//! `btcstake stake psbts`.

use btcstake::outputs::StakePsbts;

use crate::fixtures::delegation::FILES;
use crate::fixtures::process::Folder;

#[test]
fn psbts_are_printed_or_written_to_two_files_or_none() {
    let folder = Folder::with_delegation();
    let lines = folder.run(&format!("stake psbts {FILES} draft.json")).ends(0).stdout();
    let fields: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json"));
    assert_eq!(fields.slashing_psbt, lines.lines().next().unwrap());
    let out = format!("stake psbts {FILES} draft.json --out mine");
    assert_eq!(
        folder.run(&out).ends(0).stdout(),
        "written to mine.slashing.psbt and mine.unbonding-slashing.psbt\n"
    );
    let names = ["mine.slashing.psbt", "mine.unbonding-slashing.psbt"];
    assert_eq!(names.map(|name| folder.read(name)).concat(), lines);
    // A wallet signs what is in the files as it signs what is printed.
    let sign = |name: &str| {
        folder.run(&format!("psbt sign --psbt @{name} --secret-key-file staker.key")).ends(0).stdout()
    };
    let printed = ["first.psbt", "second.psbt"];
    printed.iter().zip(lines.lines()).for_each(|(name, line)| folder.write(name, line));
    assert_eq!(names.map(sign), printed.map(sign));
    std::fs::remove_file(folder.path().join(names[0])).unwrap();
    folder.run(&out).fails(&["--out mine.unbonding-slashing.psbt", "exists"]);
    assert!(!folder.path().join(names[0]).exists(), "both or none");
}
