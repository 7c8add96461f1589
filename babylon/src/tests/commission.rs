//! Rates of commissions.

use crate::message::Commission;

#[test]
fn a_rate_has_18_digits_on_the_wire() {
    let wire = |text: &str| text.parse::<Commission>().unwrap().wire();
    assert_eq!(wire("0.05"), "50000000000000000");
    assert_eq!(wire("1"), "1000000000000000000");
    assert_eq!(wire("0"), "0");
    assert_eq!("0.05".parse::<Commission>().unwrap().to_string(), "0.050000000000000000");
    assert_eq!("0.050000000000000000".parse::<Commission>(), "0.05".parse());
}

#[test]
fn other_texts_are_refused() {
    for text in ["", "1.1", "2", "-0.1", "0,05", "5%", ".5", "0.", "01", "1e-2", "0.0000000000000000001"] {
        assert_eq!(text.parse::<Commission>().unwrap_err().found, text);
    }
}
