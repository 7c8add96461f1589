//! The README's commands run as they stand there.

use crate::process::Folder;
use crate::scene::Scene;

#[test]
fn every_command_of_the_readme_runs() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let minimum = format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&minimum), "the README does not ask for {minimum}");
    let folder = Folder::new();
    folder.write("withdrawal.tx", Scene::new().withdrawal());
    let mut ran = 0;
    for block in readme.split("```sh\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for command in block.replace("\\\n", " ").lines() {
            let command = command.strip_prefix("btcstake ").unwrap_or_else(|| panic!("no btcstake command: {command}"));
            folder.run(command).ends(0);
            ran += 1;
        }
    }
    assert_eq!(ran, 6, "a command was added to the README: is its number here?");
}
