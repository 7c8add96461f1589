//! How much of the power makes a block final.

/// A share of the power that makes a block final. Sums of satoshis times three fit 128 bits whatever 2^64
/// providers have, so nothing overflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Quorum {
    /// More than two thirds: `voted · 3 > total · 2`, as both chains count.
    MoreThanTwoThirds,
    /// Two thirds or more: not `voted · 3 < total · 2`, as the gadget counts. Nothing is final where nobody
    /// has power.
    TwoThirds,
}

impl Quorum {
    /// Returns whether `voted_sat` of `total_sat` make a block final.
    pub const fn is_reached(self, voted_sat: u128, total_sat: u128) -> bool {
        let (voted, needed) = (voted_sat.saturating_mul(3), total_sat.saturating_mul(2));
        match self {
            Self::MoreThanTwoThirds => voted > needed,
            Self::TwoThirds => total_sat > 0 && voted >= needed,
        }
    }

    /// Returns the least power that makes a block final: `floor(2/3 · total) + 1`, or `ceil(2/3 · total)`.
    pub const fn least_sat(self, total_sat: u128) -> u128 {
        // 2/3 of the total without doubling it.
        let (third, rest) = (total_sat / 3, total_sat % 3);
        let floor = third.saturating_mul(2).saturating_add(rest.saturating_mul(2) / 3);
        match self {
            Self::TwoThirds if total_sat > 0 && rest == 0 => floor,
            _ => floor.saturating_add(1),
        }
    }
}
