//! Passphrases that are typed.

use std::process::Command;

use super::super::Passphrase;
use super::{PART, has_tool, is_a_part, terminal_program, this_program};

/// The process that asks.
#[test]
#[ignore = "a part of the test below, which runs it"]
fn asker() {
    if !is_a_part() {
        return;
    }
    match Passphrase::prompt_new("Passphrase: ", "Again: ") {
        Ok(passphrase) => println!("\nread {} bytes", passphrase.as_str().len()),
        Err(error) => println!("\nerror {error}"),
    }
    let state = Command::new("stty").args(["-F", "/dev/tty", "-a"]).output().unwrap().stdout;
    let shows = String::from_utf8(state).unwrap().split_whitespace().any(|mode| mode == "echo");
    println!("afterwards the terminal shows: {shows}");
}

fn ask(first: &str, second: Option<&str>) -> String {
    let asker = this_program("terminal::asker");
    let mut python = Command::new("python3");
    python.arg(terminal_program()).args(["Passphrase: ", first]);
    second.map(|second| python.args(["Again: ", second]));
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
