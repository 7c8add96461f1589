//! Addresses: a mistyped one is called that by every flag that takes one.

use crate::fixtures::commands::commands;
use crate::fixtures::process::Folder;

/// The mistyped form of an address, by the flag that takes it.
const MISTYPED: [(&str, &str); 2] = [
    ("bitcoin", "bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x44"),
    ("account", "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsn"),
];

#[test]
fn mistyped_address_is_called_that_by_every_flag() {
    let folder = Folder::new();
    let mut seen = Vec::new();
    for (path, command) in commands() {
        let name = path.join(" ");
        let flags = command.get_arguments().filter(|arg| {
            arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "ADDRESS"))
        });
        for flag in flags.filter_map(clap::Arg::get_long) {
            // Free text: a module's or contract's address on any chain.
            if name == "eots context" {
                continue;
            }
            let (kind, address) = if flag == "address" { MISTYPED[1] } else { MISTYPED[0] };
            let rest = match name.as_str() {
                "pop create" => "--type bip340 --secret-key-file provider.key".to_owned(),
                "pop verify" => format!("--type bip340 --public-key {} --signature 00", "11".repeat(32)),
                _ => String::new(),
            };
            let run = folder.run(&format!("{name} --{flag} {address} {rest}"));
            let error = run.stderr();
            run.fails(&[&format!("--{flag}"), "address is mistyped: its checksum is wrong"]);
            assert!(!error.contains("unknown"), "{error}");
            seen.push(format!("{kind} {name} --{flag}"));
        }
    }
    for flag in [
        "account pop create --address",
        "account pop verify --address",
        "account stake sign --address",
        "bitcoin psbt sign --expect-change",
        "bitcoin psbt sign --expect-to",
        "bitcoin tx extend --change",
        "bitcoin tx stake --change",
        "bitcoin tx withdraw --to",
    ] {
        assert!(seen.iter().any(|found| found == flag), "{flag} is not among {seen:?}");
    }
}

#[test]
fn address_of_another_kind_is_named() {
    let folder = Folder::new();
    let to = |address: &str| format!("psbt sign --expect-to {address}");
    folder
        .run(&to("bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"))
        .fails(&["--expect-to", "of another chain (bbn1…)"]);
    folder.run(&to("1BoatSLRHtKNngkdXEeobR76b53LETtpyU")).fails(&["--expect-to", "mistyped"]);
    folder.run(&to("nonsense")).fails(&["--expect-to", "not a Bitcoin address"]);
    let account = "stake sign --address bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l";
    folder.run(account).fails(&["--address", "a SegWit address (bc1…)"]);
}
