//! The rules that every store keeps, on what it has read.

use finality::ConsumerHeight;

use super::store::StoreError;
use super::types::{HeightRange, Refusal, SigningRecord, Watermarks};

/// What a store does with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The same message again.
    Again(SigningRecord),
    /// Refused.
    Refused(Refusal),
    /// Nothing was signed at this height, and it may be.
    Sign,
}

/// Decides on a message, by the record of its height and the lane's watermarks. A record decides first: what
/// was signed is answered again, or contradicted, wherever the watermarks are.
pub(crate) fn decide(
    earlier: Option<SigningRecord>,
    watermarks: Watermarks,
    height: ConsumerHeight,
    message: &[u8],
) -> Decision {
    match (earlier, watermarks) {
        (Some(earlier), _) if earlier.message == message => Decision::Again(earlier),
        (Some(earlier), _) => Decision::Refused(Refusal::DoubleSign { earlier }),
        (None, Watermarks { low: Some(low), .. }) if height <= low => {
            Decision::Refused(Refusal::BelowLowWatermark { height, low })
        }
        (None, Watermarks { high: Some(high), .. }) if height > high => {
            Decision::Refused(Refusal::AboveHighWatermark { height, high })
        }
        (None, _) => Decision::Sign,
    }
}

/// Returns the higher of two heights.
pub(crate) fn higher(one: Option<ConsumerHeight>, other: Option<ConsumerHeight>) -> Option<ConsumerHeight> {
    one.max(other)
}

/// The most ranges of committed heights in a lane. Commitments follow one another, so that few have gaps.
const MOST_RANGES: usize = 1000;

/// Adds a range to ascending ones, and joins those that touch.
pub(crate) fn add_range(ranges: &mut Vec<HeightRange>, added: HeightRange) -> Result<(), StoreError> {
    if added.first > added.last {
        return Err(StoreError::EmptyRange(added));
    }
    let mut all = ranges.clone();
    all.push(added);
    all.sort_unstable();
    let mut joined: Vec<HeightRange> = Vec::with_capacity(all.len());
    for range in all {
        match joined.last_mut() {
            Some(last) if range.first <= last.last.saturating_add(1) => last.last = last.last.max(range.last),
            _ => joined.push(range),
        }
    }
    if joined.len() > MOST_RANGES {
        return Err(StoreError::TooManyRanges { most: MOST_RANGES });
    }
    *ranges = joined;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MOST_RANGES, add_range};
    use crate::protection::store::StoreError;
    use crate::protection::types::HeightRange;
    use finality::ConsumerHeight;

    #[test]
    fn ranges_with_gaps_are_bounded() {
        let one = |height: u64| HeightRange { first: ConsumerHeight(height), last: ConsumerHeight(height) };
        let mut ranges = Vec::new();
        for height in (0..2000).step_by(2) {
            add_range(&mut ranges, one(height)).unwrap();
        }
        assert_eq!(ranges.len(), MOST_RANGES);
        let before = ranges.clone();
        assert!(matches!(add_range(&mut ranges, one(5000)), Err(StoreError::TooManyRanges { most: 1000 })));
        assert_eq!(ranges, before);
        // One that closes a gap is taken.
        add_range(&mut ranges, one(1)).unwrap();
        assert_eq!(ranges.len(), MOST_RANGES - 1);
    }
}
