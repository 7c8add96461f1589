//! `btcstake completions`.

use crate::fixtures::process::Folder;

#[test]
fn completions_are_for_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&format!("completions {shell}")).ends(0).stdout();
        assert!(script.contains("slashing-refund") && script.contains("secret-key-file"), "{shell}");
    }
}
