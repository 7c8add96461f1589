//! `btcstake eots randomness`.

use serde_json::json;

use super::RANDOMNESS;
use crate::fixtures::process::{Folder, PROVIDER_KEY};

#[test]
fn randomness_is_the_protocols() {
    let line = "eots randomness --secret-key-file provider.key --chain-id bbn-1 --height 0 --count 2";
    let first = "bd970ce29234ce271540522f470a7f91a14a04d35683f73e60ed0e7815338832";
    let expected = json!({ "public_key": PROVIDER_KEY, "public_randomness": [first, RANDOMNESS] });
    assert_eq!(Folder::new().json(line), expected);
    let text = Folder::new().run(&format!("{line} --interval 1")).ends(0).stdout();
    assert_eq!(text, format!("0 {first}\n1 {RANDOMNESS}\n"));
}

#[test]
fn numbers_out_of_range_name_their_flag() {
    let folder = Folder::new();
    let line = "eots randomness --secret-key-file provider.key --chain-id c";
    folder.run(&format!("{line} --height -1")).fails(&["--height"]);
    folder.run(&format!("{line} --height 18446744073709551616")).fails(&["--height"]);
    folder.run(&format!("{line} --height 1 --count 0")).fails(&["--count"]);
    folder.run(&format!("{line} --height 1 --count 4294967295")).fails(&["--count"]);
    folder.run(&format!("{line} --height 1 --interval 0")).fails(&["steps of 0"]);
    folder.run(&format!("{line} --height 18446744073709551615 --count 2")).fails(&["last height"]);
}
