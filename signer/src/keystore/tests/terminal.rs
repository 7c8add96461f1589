//! Passphrases that are typed.

use std::process::Command;

use super::super::{Mnemonic, Passphrase};
use super::{PART, has_tool, is_a_part, terminal_program, this_program};

/// Set where a mnemonic is asked for.
const WORDS: &str = "KEYSTORE_TEST_WORDS";

/// The process that asks.
#[test]
#[ignore = "a part of the test below, which runs it"]
fn asker() {
    if !is_a_part() {
        return;
    }
    if std::env::var_os(WORDS).is_some() {
        match Mnemonic::prompt("Words: ") {
            Ok(mnemonic) => println!("\nread {} words", mnemonic.words().split(' ').count()),
            Err(error) => println!("\nerror {error}"),
        }
    } else {
        match Passphrase::prompt_new("Passphrase: ", "Again: ") {
            Ok(passphrase) => println!("\nread {} bytes", passphrase.expose().len()),
            Err(error) => println!("\nerror {error}"),
        }
    }
    let state = Command::new("stty").args(["-F", "/dev/tty", "-a"]).output().unwrap().stdout;
    let shows = String::from_utf8(state).unwrap().split_whitespace().any(|mode| mode == "echo");
    println!("afterwards the terminal shows: {shows}");
}

fn ask(first: &str, second: Option<&str>) -> String {
    let mut python = Command::new("python3");
    python.arg(terminal_program()).args(["Passphrase: ", first]);
    second.map(|second| python.args(["Again: ", second]));
    typed(python)
}

fn ask_words(typing: &str) -> String {
    let mut python = Command::new("python3");
    python.arg(terminal_program()).args(["Words: ", typing]).env(WORDS, "1");
    typed(python)
}

/// Runs the process that asks.
fn typed(mut python: Command) -> String {
    let asker = this_program("terminal::asker");
    let output =
        python.arg("--").arg(asker.get_program()).args(asker.get_args()).env(PART, "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("afterwards the terminal shows: true"), "{text}");
    text
}

#[test]
fn what_is_typed_is_not_shown() {
    if !has_tool("python3", "terminal::what_is_typed_is_not_shown") {
        return;
    }
    let text = ask("correct horse ü", Some("correct horse ü"));
    assert!(text.contains("read 16 bytes"), "{text}");
    assert!(text.contains("Passphrase: ") && text.contains("Again: "), "{text}");
    assert!(!text.contains("correct") && !text.contains("horse"), "{text}");
    let text = ask("correct", Some("horse"));
    assert!(text.contains("error the two passphrases differ; must be the same"), "{text}");
    let text = ask("", None);
    assert!(text.contains("error the terminal has no passphrase"), "{text}");
    // Erased with backspaces, as the terminal does it.
    let text = ask("cow\u{7f}\u{7f}\u{7f}horse", Some("horse"));
    assert!(text.contains("read 5 bytes"), "{text}");
    let text = ask(&"x".repeat(1500), None);
    assert!(text.contains("error the terminal has no passphrase"), "{text}");
}

/// Of 24 words the first 12 are a mnemonic by themselves here: they are not the end of it.
#[test]
fn mnemonics_are_pasted_in_lines() {
    if !has_tool("python3", "terminal::mnemonics_are_pasted_in_lines") {
        return;
    }
    let twelve = format!("{}about", "abandon ".repeat(11));
    assert!(ask_words(&format!("{twelve}\n")).contains("read 12 words"));
    let whole = format!("{}\n{}art", "abandon ".repeat(12), "abandon ".repeat(11));
    let text = ask_words(&whole);
    assert!(text.contains("read 24 words") && !text.contains("abandon"), "{text}");
    let text = ask_words(&format!("{twelve}\n{twelve}"));
    assert!(text.contains("error the mnemonic's checksum is wrong"), "{text}");
    assert!(ask_words("").contains("error the mnemonic has 0 words"));
}

#[test]
fn without_a_terminal_there_is_no_question() {
    let asker = this_program("terminal::asker");
    let output = Command::new("setsid")
        .arg(asker.get_program())
        .args(asker.get_args())
        .env(PART, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("error cannot ask for the passphrase on a terminal"), "{text}");
}
