//! Prices, and what they come to.

use crate::GasPrice;

#[test]
fn a_fee_is_the_price_times_the_gas_rounded_up() {
    let fee = |price: &str, gas| price.parse::<GasPrice>().unwrap().fee(gas).amount;
    assert_eq!(fee("0.002ubbn", 120_000), 240);
    assert_eq!(fee("0.002ubbn", 120_001), 241);
    assert_eq!(fee("0ubbn", 120_000), 0);
    assert_eq!(fee("3.5ubbn", 3), 11);
    assert_eq!(fee("0.000000000000000001ubbn", 1), 1);
    // (10^36 - 1) * (2^64 - 1) / 10^18 is (2^64 - 1) * 10^18 - 18.4.
    let most = fee("999999999999999999.999999999999999999ubbn", u64::MAX);
    assert_eq!(most, u128::from(u64::MAX) * 1_000_000_000_000_000_000 - 18);
}

#[test]
fn a_price_is_read_as_it_is_written() {
    for text in ["0.002ubbn", "1ubbn", "0.000000000000000001ubbn", "0.1ibc/27394FB092D2ECCD56123C74F36E4C1F"]
    {
        assert_eq!(text.parse::<GasPrice>().unwrap().to_string(), text);
    }
    let wrong = ["", "0.002", "ubbn", "-1ubbn", ".5ubbn", "1.ubbn", "1.2.3ubbn", "0.0000000000000000001ubbn"];
    for text in wrong.into_iter().chain(["1u", "1 ubbn", "1ub bn", "1000000000000000000ubbn", "１ubbn"]) {
        assert_eq!(text.parse::<GasPrice>().unwrap_err().found, text);
    }
}
