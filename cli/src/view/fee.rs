//! Warnings about fees.

use bitcoin::{Amount, FeeRate};

/// The least fee rate that nodes relayed by default for many years, as many still do.
pub(crate) const LEAST_RELAYED: FeeRate = FeeRate::BROADCAST_MIN;
/// A fee rate that is hardly ever paid.
const MOST_EXPECTED: FeeRate = FeeRate::from_sat_per_kwu(1000 * 250);

/// Returns a fee rate in sat/vB, as text.
pub(crate) fn shown(rate: FeeRate) -> String {
    format!("{:.1}", f64::from(u32::try_from(rate.to_sat_per_kwu()).unwrap_or(u32::MAX)) / 250.0)
}

/// Returns why a fee rate may be a mistake.
pub(crate) fn odd_rate(rate: FeeRate) -> Option<String> {
    let (side, limit, why) = match rate {
        rate if rate < LEAST_RELAYED => ("below", LEAST_RELAYED, "which many nodes do not relay"),
        rate if rate > MOST_EXPECTED => ("above", MOST_EXPECTED, "which hardly any transaction pays"),
        _ => return None,
    };
    Some(format!("{} sat/vB is {side} {} sat/vB, {why}", shown(rate), limit.to_sat_per_vb_floor()))
}

/// Returns why a fee may be a mistake, by its part of the amount that is spent.
pub(crate) fn odd_part(fee: Amount, moved: Amount) -> Option<String> {
    let (fee, moved) = (fee.to_sat(), moved.to_sat());
    (fee > moved.div_euclid(10))
        .then(|| format!("the fee of {fee} sat is more than a tenth of the {moved} sat that are spent"))
}

/// Returns the warnings about the fee of a transaction.
pub(crate) fn fee_warnings(fee: Amount, moved: Amount, rate: Option<FeeRate>) -> Vec<String> {
    let rate = rate.and_then(odd_rate).map(|odd| format!("the fee rate: {odd}"));
    rate.into_iter().chain(odd_part(fee, moved)).collect()
}
