//! `btcstake eots verify-batch`.

use serde_json::json;

use super::{ORDER, RANDOMNESS, SIGNATURE, vote_line};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

#[test]
fn signatures_are_verified_all_at_once() {
    let folder = Folder::new();
    let (good, order) = (vote_line("aa", SIGNATURE), vote_line("aa", ORDER));
    folder.write("good.jsonl", [good.as_str(); 40].join("\n"));
    let verdict = folder.run("--json eots verify-batch --file good.jsonl").json(0);
    assert_eq!(verdict, json!({ "valid": true, "count": 40, "invalid": [], "invalid_lines": [] }));
    // Blank lines do not count; a number not below the order and a signature of another message are named.
    let mixed = [good.as_str(), "", &vote_line("bb", SIGNATURE), &good, &order, ""].join("\n");
    let run = folder.run_with(&["--json", "eots", "verify-batch", "--file", "-"], mixed.as_bytes());
    assert_eq!(
        run.json(1),
        json!({ "valid": false, "count": 4, "invalid": [1, 3], "invalid_lines": [3, 5] })
    );
    // A mark at the beginning, other line ends, no line end, fields that are not needed, and what `sign`
    // prints.
    let sign = "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 --dangerously-unprotected --message 00";
    let signed = folder.run(&format!("--json {sign}")).ends(0).stdout();
    let more = good.replacen('{', r#"{"height":1,"#, 1);
    folder.write("other.jsonl", format!("\u{feff}{good}\r\n{more}\r\n\r\n{signed}{good}"));
    assert_eq!(folder.json("eots verify-batch --file other.jsonl")["count"], json!(4));
    // Nothing to verify is no success.
    folder.write("empty.jsonl", "\n\n");
    folder.run("eots verify-batch --file empty.jsonl").fails(&["--file has 0 signatures"]);
    folder.write("array.jsonl", format!(r#"["{PROVIDER_KEY}","{RANDOMNESS}","00","{SIGNATURE}"]"#));
    folder.run("eots verify-batch --file array.jsonl").fails(&["line 1", "not a JSON object"]);
    // What a stranger writes does not reach the terminal as it is, nor at any length.
    let hostile = good.replacen("public_key", &format!("\\u001b]0;x\\u0007{}", "y".repeat(100_000)), 1);
    folder.write("hostile.jsonl", hostile);
    let run = folder.run("eots verify-batch --file hostile.jsonl");
    assert!(run.stderr().len() < 10_000 && !run.stderr().contains('\u{1b}'), "{}", run.stderr());
    run.fails(&["line 1", "public_key"]);
    // More than are verified at once: indices go on.
    folder.write("many.jsonl", format!("{}\n{order}\n", [good.as_str(); 20_000].join("\n")));
    let run = folder.run("--json eots verify-batch --file many.jsonl").json(1);
    assert_eq!((&run["count"], &run["invalid"]), (&json!(20_001), &json!([20_000])));
    folder.write("broken.jsonl", format!("{good}\n{{}}\n"));
    folder.run("eots verify-batch --file broken.jsonl").fails(&["--file", "line 2", "public_key"]);
    folder.write("short.jsonl", good.replace(SIGNATURE, "00"));
    folder.run("eots verify-batch --file short.jsonl").fails(&["--file", "line 1", "signature"]);
    folder.run("eots verify-batch --file nowhere").fails(&["--file", "nowhere"]);
}
