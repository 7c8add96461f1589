//! The form of words and numbers in the page.

use bitcoin::{Address, Amount, Network, OutPoint, Script};
use maud::{Markup, html};

/// The narrow space between groups of digits and before a unit, at which a line does not break.
const THIN: char = '\u{202f}';

/// Returns a number in groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// Draws an amount in satoshis, which a program can read too.
pub(super) fn sat(amount: Amount) -> Markup {
    html! { data.sat value=(amount.to_sat()) { (grouped(amount.to_sat())) (THIN) "sat" } }
}

/// Returns a number of blocks with its unit: `1 block`, `20 blocks`.
pub(super) fn blocks(count: u32) -> String {
    format!("{}{THIN}{}", grouped(count.into()), if count == 1 { "block" } else { "blocks" })
}

/// Draws the first and last eight characters of a long text, with all of it in the tooltip.
pub(super) fn short(hex: &str) -> Markup {
    let head: String = hex.chars().take(8).collect();
    let tail: String = hex.chars().skip(hex.chars().count().saturating_sub(8)).collect();
    html! { code.short title=(hex) { (head) "…" (tail) } }
}

/// Draws an outpoint, its transaction id shortened.
pub(super) fn outpoint(outpoint: &OutPoint) -> Markup {
    html! { span.nowrap { (short(&outpoint.txid.to_string())) code { ":" (outpoint.vout) } } }
}

/// Draws a long text in full: it wraps where it must, and one click selects it.
pub(super) fn long(text: impl ToString) -> Markup {
    html! { code.long { (text.to_string()) } }
}

/// Draws the address of a script, or the script itself where it has none.
pub(super) fn address(script: &Script) -> Markup {
    match Address::from_script(script, Network::Regtest) {
        Ok(address) => long(address),
        Err(_) => html! { code.long { (script.to_asm_string()) } },
    }
}

/// Draws a text in which words of 64 characters, which are 32 bytes as hex, are set as code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (place, word) in text.split(' ').enumerate() {
            @if place > 0 { " " }
            @if word.len() == 64 { (long(word)) } @else { (word) }
        }
    }
}

/// Returns a list as a sentence has it: `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Draws a term and its value, for a `dl`.
pub(super) fn fact(term: &str, value: &Markup) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        let cases =
            [(0, "0"), (999, "999"), (1000, "1_000"), (21_000_000, "21_000_000"), (123_456, "123_456")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text.replace('_', "\u{202f}"));
        }
    }

    #[test]
    fn a_list_reads_as_a_sentence_does() {
        let words = |words: &str| list(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!([words(""), words("a"), words("a b"), words("a b c")], ["", "a", "a and b", "a, b and c"]);
    }
}
