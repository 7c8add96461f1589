//! PSBTs in base64, hex and raw bytes, of version 0 and 2: read by every command that takes one, and printed
//! as asked by every command that makes one.

use bitcoin::Psbt;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use btcstake::outputs::{BuiltTransaction, PsbtCheck, PsbtCombine, PsbtSign, StakePsbts, TxExplain};
use staking_scripts::psbt::{PsbtVersion, VersionedPsbt};

use crate::fixtures::delegation::{ACCOUNT, ADDRESS, FILES, stake};
use crate::fixtures::process::Folder;

const VERSIONS: [PsbtVersion; 2] = [PsbtVersion::Zero, PsbtVersion::Two];

/// Writes a PSBT's file again in each version and encoding, and returns the names.
fn written(folder: &Folder, name: &str) -> Vec<(PsbtVersion, String)> {
    let psbt: Psbt = folder.read(name).trim().parse().unwrap();
    let psbt = VersionedPsbt::from(psbt);
    let mut names = Vec::new();
    for version in VERSIONS {
        let bytes = psbt.serialize(version).unwrap();
        let base64 = BASE64_STANDARD.encode(&bytes);
        for (encoding, content) in [
            ("raw", bytes.clone()),
            ("hex", format!("{}\r\n", hex::encode_upper(&bytes)).into_bytes()),
            ("base64", base64.into_bytes()),
        ] {
            let file = format!("{version}.{encoding}.{name}");
            folder.write(&file, content);
            names.push((version, file));
        }
    }
    names
}

fn withdraw(rest: &str) -> String {
    format!("tx withdraw {FILES} verified.json --from staking --to {ADDRESS} --fee-rate 2 {rest}")
}

fn bump(parent: &str, rest: &str) -> String {
    format!(
        "tx bump {parent} --fee-sat 825 --change-output 1 --fee-rate 20 --network regtest --to {ADDRESS} {rest}"
    )
}

#[test]
fn every_command_reads_psbts_of_both_versions_in_each_encoding() {
    let folder = Folder::with_delegation();
    let both: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json"));
    let sign = |file: &str, key: &str, out: &str| {
        let line = format!("psbt sign --psbt @{file} --secret-key-file {key}.key");
        folder.write(out, folder.run(&line).ends(0).stdout());
    };
    folder.write("first.psbt", both.slashing_psbt);
    folder.write("second.psbt", both.unbonding_slashing_psbt);
    sign("first.psbt", "staker", "slashing.psbt");
    sign("second.psbt", "staker", "unbonding-slashing.psbt");
    folder.write("own.psbt", folder.run(&withdraw("")).ends(0).stdout());
    sign("own.psbt", "staker", "withdrawal.psbt");
    folder.write("child.psbt", folder.run(&bump("@stake.tx", "")).ends(0).stdout());
    sign("child.psbt", "member", "child-signed.psbt");
    let proof = format!("pop create --secret-key-file staker.key --type bip340 --address {ACCOUNT} --json");
    folder.write("proof.json", folder.run(&proof).ends(0).stdout());
    let finalized: BuiltTransaction =
        folder.output(&format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"));
    folder.write("finalized.psbt", finalized.psbt);

    // The file that is read, and the command with it in the place of FILE.
    let lines = [
        ("signed.psbt", "psbt check --psbt @FILE".to_owned()),
        ("unbonding.psbt", "psbt sign --psbt @FILE --secret-key-file staker.key --psbt-version 0".to_owned()),
        ("signed.psbt", "psbt combine --psbt @FILE --psbt @unbonding.psbt --psbt-version 0".to_owned()),
        ("stake.psbt", format!("psbt finalize {FILES} verified.json --psbt @FILE --psbt-version 0")),
        ("signed.psbt", format!("tx unbond {FILES} verified.json --signed @FILE --psbt-version 0")),
        ("withdrawal.psbt", withdraw("--signed @FILE --psbt-version 0")),
        // The PSBT tells the fee.
        ("finalized.psbt", bump("@FILE", "").replace("--fee-sat 825", "--fee-sat 770")),
        ("child-signed.psbt", bump("@stake.tx", "--signed @FILE --psbt-version 0")),
        ("finalized.psbt", "tx explain @FILE".to_owned()),
        (
            "slashing.psbt",
            format!(
                "stake sign {FILES} draft.json --possession proof.json --slashing @FILE --unbonding-slashing @unbonding-slashing.psbt"
            ),
        ),
        (
            "unbonding-slashing.psbt",
            format!(
                "stake sign {FILES} draft.json --possession proof.json --slashing @slashing.psbt --unbonding-slashing @FILE"
            ),
        ),
    ];
    for (name, line) in lines {
        let run = |file: &str| folder.run(&format!("--json {}", line.replace("FILE", file))).ends(0).stdout();
        let expected = run(name);
        for (version, file) in written(&folder, name) {
            assert_eq!(run(&file), expected, "{version} {file}: {line}");
        }
    }
    for (_, file) in written(&folder, "unbonding.psbt") {
        let line = format!("broadcast @{file} --node http://127.0.0.1:1");
        folder.run(&line).fails(&["lacks signatures"]);
    }
    // The text itself as the argument, and on standard input.
    let psbt: VersionedPsbt = folder.read("signed.psbt").trim().parse().unwrap();
    let expected: PsbtCheck = folder.output("psbt check --psbt @signed.psbt");
    for version in VERSIONS {
        for text in [psbt.to_hex(version).unwrap(), psbt.to_base64(version).unwrap()] {
            assert_eq!(folder.output::<PsbtCheck>(&format!("psbt check --psbt {text}")), expected);
            let piped = folder.run_with(&["--json", "psbt", "check", "--psbt", "-"], text.as_bytes());
            assert_eq!(piped.output::<PsbtCheck>(0), expected);
            let explained: TxExplain = folder.output(&format!("tx explain {text}"));
            assert_eq!(explained.txid, expected.txid);
        }
    }
}

/// The commands that print a PSBT, and the PSBT among their keys.
fn printing() -> Vec<(String, &'static str)> {
    vec![
        (stake("OUT"), "psbt"),
        (
            format!(
                "tx extend {FILES} verified.json --height 900001 --amount-sat 600000 --staking-time 64000 --coin {}:0:300000:{} \
                 --change {ADDRESS} --fee-rate 5 --out OUT",
                "08".repeat(32),
                crate::fixtures::delegation::wallet()
            ),
            "psbt",
        ),
        (format!("tx unbond {FILES} verified.json"), "psbt"),
        (format!("tx unbond {FILES} verified.json --secret-key-file staker.key"), "psbt"),
        (format!("tx slash {FILES} verified.json --provider-key-file provider.key"), "psbt"),
        (withdraw(""), "psbt"),
        (withdraw("--secret-key-file staker.key"), "psbt"),
        (bump("@stake.tx", ""), "psbt"),
        (bump("@stake.tx", "--secret-key-file member.key"), "psbt"),
        (format!("stake psbts {FILES} draft.json"), "slashing_psbt"),
        (format!("stake psbts {FILES} draft.json"), "unbonding_slashing_psbt"),
        ("psbt sign --psbt @unbonding.psbt --secret-key-file staker.key".to_owned(), "psbt"),
        ("psbt combine --psbt @unbonding.psbt --psbt @signed.psbt".to_owned(), "psbt"),
        (format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"), "psbt"),
    ]
}

#[test]
fn every_command_prints_psbts_in_the_format_and_version_asked_for() {
    let folder = Folder::with_delegation();
    let mut number = 0;
    for (line, key) in printing() {
        let mut run = |rest: &str| {
            number += 1;
            let line = line.replace("OUT", &format!("out{number}.json"));
            let printed =
                folder.run(&format!("--json {line} {rest}")).json(0)[key].as_str().unwrap().to_owned();
            let psbt: VersionedPsbt = printed.parse().unwrap();
            (printed, psbt.version(), psbt.into_psbt())
        };
        let (base64, version, psbt) = run("");
        assert_eq!((version, &base64), (PsbtVersion::Zero, &psbt.to_string()), "{line}");
        for (rest, expected) in [
            ("--format base64 --psbt-version 0", PsbtVersion::Zero),
            ("--psbt-version 2", PsbtVersion::Two),
            ("--format hex", PsbtVersion::Zero),
            ("--format hex --psbt-version 2", PsbtVersion::Two),
        ] {
            let (printed, version, read) = run(rest);
            assert_eq!(version, expected, "{line} {rest}");
            let is_hex = printed.starts_with("70736274ff");
            assert!(
                is_hex == rest.contains("hex") && (is_hex || printed.starts_with("cHNidP8")),
                "{printed}"
            );
            // Signatures are made anew, with other randomness.
            assert_eq!(read.unsigned_tx, psbt.unsigned_tx, "{line} {rest}");
            assert_eq!(read.outputs, psbt.outputs, "{line} {rest}");
        }
    }
    // Without --json too, and in files.
    let text = folder.run(&format!("tx unbond {FILES} verified.json --format hex")).ends(0).stdout();
    assert!(text.starts_with("70736274ff"), "{text}");
    folder.run(&format!("stake psbts {FILES} draft.json --out mine --format hex --psbt-version 2")).ends(0);
    for name in ["mine.slashing.psbt", "mine.unbonding-slashing.psbt"] {
        let content = folder.read(name);
        assert!(content.starts_with("70736274ff") && content.ends_with('\n'), "{content}");
        assert_eq!(content.parse::<VersionedPsbt>().unwrap().version(), PsbtVersion::Two);
    }
    folder.run(&format!("tx unbond {FILES} verified.json --format raw")).fails(&["--format", "base64, hex"]);
    for version in ["1", "3", "two"] {
        let line = format!("tx unbond {FILES} verified.json --psbt-version {version}");
        folder.run(&line).fails(&["--psbt-version", "must be 0 or 2"]);
    }
}

#[test]
fn what_came_in_as_version_2_goes_out_as_version_2() {
    let folder = Folder::with_delegation();
    folder.write("own.psbt", folder.run(&withdraw("--psbt-version 2")).ends(0).stdout());
    let version = |text: &str| text.parse::<VersionedPsbt>().unwrap().version();
    let two = |name: &str, out: &str| {
        let psbt: VersionedPsbt = folder.read(name).trim().parse().unwrap();
        folder.write(out, psbt.to_hex(PsbtVersion::Two).unwrap());
    };
    let signed: PsbtSign = folder.output("psbt sign --psbt @own.psbt --secret-key-file staker.key");
    assert_eq!(version(&signed.psbt), PsbtVersion::Two);
    folder.write("withdrawal.psbt", &signed.psbt);
    two("signed.psbt", "two.psbt");
    two("stake.psbt", "stake-two.psbt");
    for (line, expected) in [
        (withdraw("--signed @withdrawal.psbt"), PsbtVersion::Two),
        (format!("tx unbond {FILES} verified.json --signed @two.psbt"), PsbtVersion::Two),
        (format!("psbt finalize {FILES} verified.json --psbt @stake-two.psbt"), PsbtVersion::Two),
        (format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"), PsbtVersion::Zero),
    ] {
        let built: BuiltTransaction = folder.output(&line);
        assert_eq!((version(&built.psbt), built.transaction.is_some()), (expected, true), "{line}");
        let older: BuiltTransaction = folder.output(&format!("{line} --psbt-version 0"));
        assert_eq!(version(&older.psbt), PsbtVersion::Zero, "{line}");
    }
    folder.write("child.psbt", folder.run(&bump("@stake.tx", "--psbt-version 2")).ends(0).stdout());
    let sign = "psbt sign --psbt @child.psbt --secret-key-file member.key";
    folder.write("child-signed.psbt", folder.run(sign).ends(0).stdout());
    let child: BuiltTransaction = folder.output(&bump("@stake.tx", "--signed @child-signed.psbt"));
    assert_eq!(version(&child.psbt), PsbtVersion::Two);
    // One of version 2 among those that are combined, in either order.
    for line in ["--psbt @two.psbt --psbt @unbonding.psbt", "--psbt @unbonding.psbt --psbt @two.psbt"] {
        let combined: PsbtCombine = folder.output(&format!("psbt combine {line}"));
        assert_eq!(version(&combined.psbt), PsbtVersion::Two);
        let older: PsbtCombine = folder.output(&format!("psbt combine {line} --psbt-version 0"));
        assert_eq!(version(&older.psbt), PsbtVersion::Zero);
    }
    let plain: PsbtCombine = folder.output("psbt combine --psbt @signed.psbt --psbt @unbonding.psbt");
    assert_eq!(version(&plain.psbt), PsbtVersion::Zero);
}

#[test]
fn bytes_after_a_psbt_are_refused() {
    let folder = Folder::with_delegation();
    let psbt: VersionedPsbt = folder.read("signed.psbt").trim().parse().unwrap();
    for version in VERSIONS {
        let longer = [psbt.serialize(version).unwrap(), b"\n".to_vec()].concat();
        folder.write("raw.psbt", &longer);
        folder.write("hex.psbt", hex::encode(&longer));
        folder.write("base64.psbt", BASE64_STANDARD.encode(&longer));
        for name in ["raw", "hex", "base64"] {
            for (flag, line) in [
                ("--psbt", "psbt check --psbt @FILE".to_owned()),
                ("--psbt", "psbt sign --psbt @FILE --secret-key-file staker.key".to_owned()),
                ("--psbt", "psbt combine --psbt @FILE --psbt @signed.psbt".to_owned()),
                ("--psbt", format!("psbt finalize {FILES} verified.json --psbt @FILE")),
                ("--signed", format!("tx unbond {FILES} verified.json --signed @FILE")),
                ("--signed", withdraw("--signed @FILE")),
                ("TRANSACTION", "tx explain @FILE".to_owned()),
                ("TRANSACTION", "broadcast @FILE --node http://127.0.0.1:1".to_owned()),
            ] {
                let line = line.replace("FILE", &format!("{name}.psbt"));
                folder.run(&line).fails(&[flag, "bytes follow the PSBT (1); must be none"]);
            }
        }
    }
}
