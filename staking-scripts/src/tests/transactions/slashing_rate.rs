//! Slashing rates.

use bitcoin::{Amount, FeeRate};

use crate::delegation::StakeViolation;
use crate::transactions::{BuildError, SlashingRate};

/// Amounts in errors are in satoshis, as in JSON fields.
#[test]
fn error_messages_have_amounts_in_satoshis() {
    let [found, least, most] = [499_999, 500_000, 2_100_000_000_000_000].map(Amount::from_sat);
    let message = StakeViolation::StakingAmount { found, least, most }.to_string();
    assert_eq!(message, "the staking amount is 499999 sat; must be 500000 to 2100000000000000 sat");
    let message = BuildError::InsufficientFunds { available: found, needed: most }.to_string();
    assert_eq!(message, "the coins hold 499999 sat; the stake and its fee need 2100000000000000 sat");
    let message = BuildError::FeeRateTooHigh(FeeRate::MAX).to_string();
    assert!(
        message.ends_with("sat/vB; must be at most 10000 sat/vB, the most that nodes relay by default"),
        "{message}"
    );
}

#[test]
fn slashing_rate_is_read_as_the_network_writes_it() {
    for (text, parts) in
        [("0.001", 10), ("0.001000000000000000", 10), ("0.5", 5000), ("0.9999", 9999), ("0.0001", 1)]
    {
        let rate: SlashingRate = text.parse().unwrap();
        assert_eq!(rate.ten_thousandths(), parts, "{text}");
        assert_eq!(rate.to_string().parse::<SlashingRate>().unwrap(), rate);
    }
    for text in ["0", "0.0", "1", "1.0", "0.00001", "-0.1", "0.1e1", "", "0.", ".5", "0.+1", "0,1", "0.١"] {
        assert!(text.parse::<SlashingRate>().is_err(), "{text}");
    }
    assert!(
        SlashingRate::from_ten_thousandths(0).is_err() && SlashingRate::from_ten_thousandths(10_000).is_err()
    );
}

/// The network rounds halves up, except where the double-precision product is below the half.
#[test]
fn slashed_amount_rounds_as_the_network_does() {
    let slashed = |parts, sat| {
        SlashingRate::from_ten_thousandths(parts).unwrap().slashed_amount(Amount::from_sat(sat)).to_sat()
    };
    assert_eq!(slashed(10, 500_000), 500);
    assert_eq!(slashed(10, 499), 0);
    assert_eq!(slashed(10, 500), 1);
    assert_eq!(slashed(10, 1500), 2);
    assert_eq!(slashed(5000, 3), 2);
    assert_eq!(slashed(9999, 2_100_000_000_000_000), 2_099_790_000_000_000);
    // 0.0029 · 5000 is 14.5 exactly, and 14.499999999999998 in double precision.
    assert_eq!(slashed(29, 5000), 14);
}
