//! `btcstake key list`.

use btcstake::outputs::KeyList;

use super::{QUICK, with_alice};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn keys_are_listed_without_a_passphrase() {
    let folder = with_alice();
    let long = "a-name-of-fifty-characters-which-is-the-most-it-has";
    let import = |name: &str| {
        folder.shell(&format!("btcstake key import --name {name} --secret-key-file member.key {QUICK}"))
    };
    import(long).fails(&["1 to 50"]);
    import(&long[..50]).warns(0, &[]);
    let listed: KeyList = folder.output("key list");
    let named: Vec<_> =
        listed.keys.iter().map(|key| (key.name.as_str(), key.public_key.as_deref().unwrap())).collect();
    assert_eq!(named, [(&long[..50], MEMBER_KEY), ("alice", PROVIDER_KEY)]);
    assert!(listed.keystore.ends_with("keys") && listed.warnings.is_empty(), "{listed:?}");
    let text = folder.run("key list").ends(0).stdout();
    assert_eq!(text, format!("{} {MEMBER_KEY}\nalice              {PROVIDER_KEY}\n", &long[..50]));
}

/// One may be the only copy of a key.
#[test]
fn other_files_are_named() {
    let folder = with_alice();
    folder.write("keys/.bob.age.new", "?");
    folder.write("keys/carol.pub", PROVIDER_KEY);
    folder.write("keys/notes.txt", "?");
    std::fs::rename(folder.path().join("keys/alice.pub"), folder.path().join("alice.pub")).unwrap();
    let listed: KeyList = folder.output("key list");
    assert_eq!((listed.keys.len(), &listed.keys[0].public_key), (1, &None));
    let warned = [".bob.age.new was left behind", "carol.pub is there without", "notes.txt", "alice.pub"];
    assert_eq!(listed.warnings.len(), warned.len(), "{listed:?}");
    folder.run("key list").warns(0, &warned);
    folder.run("key show --name alice").fails(&["--name", "alice.pub is not there"]);
}

#[test]
fn folder_that_is_no_keystore() {
    let folder = Folder::new();
    folder.run("key list").fails(&["--keystore", "keys", "key new --name"]);
    folder.run("key list --keystore nowhere").fails(&["--keystore", "nowhere"]);
    std::fs::create_dir(folder.path().join("loose")).unwrap();
    std::fs::set_permissions(
        folder.path().join("loose"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    folder.run("key list --keystore loose").fails(&["loose", "permissions are 755", "chmod 700"]);
    folder.run("--keystore provider.key key list").fails(&["provider.key"]);
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    std::fs::set_permissions(folder.path().join("keys"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .unwrap();
    assert!(folder.run("key list").ends(0).stdout().starts_with("no key is in "));
}
