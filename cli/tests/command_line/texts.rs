//! Texts as editors, shells and mail leave them, and files that are empty or cut off.

use crate::process::Folder;

/// What editors, shells and mail do to text changes nothing.
#[test]
fn text_is_read_as_it_was_meant() {
    let folder = Folder::new();
    crate::delegation::write_all(&folder);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["signed.json", "params.json", "answer.json", "staker.key"] {
        folder.write(&format!("bom-{name}"), format!("\u{feff}\r\n{}\r\n\r\n", read(name).trim()));
    }
    let folded: Vec<_> = read("signed.psbt")
        .trim()
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    folder.write("folded.psbt", format!("\u{feff}{}\r\n", folded.join("\r\n")));
    let files = "--params bom-params.json --delegation bom-signed.json";
    assert_eq!(folder.json(&format!("stake check {files}"))["status"], "PENDING");
    assert_eq!(
        folder.json(&format!("covenant check {files} --covenant-signatures bom-answer.json"))["valid"],
        true
    );
    folder.run(&format!("stake add {files} --covenant-signatures bom-answer.json")).ends(0);
    let signed =
        folder.run("psbt sign --psbt @folded.psbt --secret-key-file bom-staker.key").ends(0).stdout();
    assert_eq!(
        signed.trim(),
        folder.run("psbt sign --psbt @signed.psbt --secret-key-file staker.key").stdout().trim()
    );
    // A proof's hex too, which is longer than a line.
    let line = "eots prove --secret-key-file provider.key --chain-id c --height 1 --count 4 --index 2";
    let (proof, made) = (
        folder.json(line),
        folder.json("eots commit --secret-key-file provider.key --chain-id c --height 1 --count 4"),
    );
    let hex = proof["protobuf"].as_str().unwrap();
    folder.write("proof.hex", format!("\u{feff}{}\n{}\n", &hex[..64], &hex[64..]));
    let (root, public) = (made["root"].as_str().unwrap(), proof["public_randomness"].as_str().unwrap());
    let check = format!(
        "eots check-proof --root {root} --count 4 --index 2 --public-randomness {public} --proof @proof.hex"
    );
    assert_eq!(folder.json(&check)["valid"], true);
}

#[test]
fn files_with_nothing_in_them_and_files_cut_off() {
    let folder = Folder::new();
    crate::delegation::write_all(&folder);
    folder.write("empty", "");
    folder.write("blank", "\u{feff} \r\n");
    for file in ["empty", "blank"] {
        let is_empty = format!("the file {file} is empty");
        for (flag, line) in [
            ("--psbt", format!("psbt check --psbt @{file}")),
            (
                "--signed",
                format!("tx unbond --delegation verified.json --params params.json --signed @{file}"),
            ),
            ("--delegation", format!("stake check --params params.json --delegation {file}")),
            ("--params", format!("stake check --delegation signed.json --params {file}")),
            ("--params", format!("params check --params {file}")),
            (
                "--covenant-signatures",
                format!(
                    "stake add --delegation signed.json --params params.json --covenant-signatures {file}"
                ),
            ),
            (
                "--covenant-signatures",
                format!(
                    "covenant check --delegation signed.json --params params.json --covenant-signatures {file}"
                ),
            ),
        ] {
            folder.run(&line).fails(&[flag, &is_empty]);
        }
        folder
            .run(&format!("psbt sign --psbt @signed.psbt --secret-key-file {file}"))
            .fails(&["--secret-key-file", "it is empty"]);
    }
    folder.run_with(&["psbt", "check", "--psbt", "-"], b"\n").fails(&["--psbt", "standard input is empty"]);
    let psbt: bitcoin::Psbt =
        std::fs::read_to_string(folder.path().join("signed.psbt")).unwrap().trim().parse().unwrap();
    let bytes = psbt.serialize();
    for length in [6, 40, bytes.len() / 2, bytes.len() - 1] {
        folder.write("cut.psbt", &bytes[..length]);
        let run = folder.run("psbt check --psbt @cut.psbt");
        assert!(
            !run.stderr().contains("UnexpectedEof") && !run.stderr().contains("IO error"),
            "{}",
            run.stderr()
        );
        run.fails(&["--psbt", "the PSBT ends early"]);
    }
}
