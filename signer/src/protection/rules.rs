//! The rules that every store keeps, on what it has read.

use finality::ConsumerHeight;

use super::guard::Guard;
use super::store::StoreError;
use super::types::{FirstHeight, HeightRange, Lane, Refusal, SigningRecord, Watermarks};

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
/// was signed is answered again, or contradicted, wherever the watermarks are. A record without a signature
/// is somebody's word, and the record that it contradicts may be pruned: at or below the low watermark it
/// answers nothing.
pub(crate) fn decide(
    earlier: Option<SigningRecord>,
    watermarks: Watermarks,
    height: ConsumerHeight,
    message: &[u8],
) -> Decision {
    let is_signed = |record: &SigningRecord| record.message == message && record.signature.is_some();
    match (earlier, watermarks) {
        (Some(earlier), _) if is_signed(&earlier) => Decision::Again(earlier),
        (Some(earlier), _) if earlier.message != message => {
            Decision::Refused(Refusal::DoubleSign { earlier })
        }
        (_, Watermarks { low: Some(low), .. }) if height <= low => {
            Decision::Refused(Refusal::BelowLowWatermark { height, low })
        }
        (Some(earlier), _) => Decision::Again(earlier),
        (None, Watermarks { high: Some(high), .. }) if height > high => {
            Decision::Refused(Refusal::AboveHighWatermark { height, high })
        }
        (None, _) => Decision::Sign,
    }
}

/// First heights let a vote be signed twice.
#[derive(Debug)]
pub(crate) enum UnsafeFirst {
    /// A database is taken over, and this lane of it is not named.
    NotNamed(Box<Lane>),
    /// A first height is not above what is known to be signed.
    BelowKnown { lane: Box<Lane>, height: ConsumerHeight, known: ConsumerHeight },
}

/// Checks the first heights of a database with these lanes and their highest heights. All of them must be
/// named unless the database is sound: as new as its guard knows.
pub(crate) fn check_first(
    first: &[FirstHeight],
    lanes: &[(&Lane, Option<ConsumerHeight>)],
    guard: Option<&Guard>,
    is_sound: bool,
) -> Result<(), UnsafeFirst> {
    let is_named = |lane: &Lane| first.iter().any(|named| named.lane == *lane);
    if let Some((lane, _)) = lanes.iter().find(|(lane, _)| !is_sound && !is_named(lane)) {
        return Err(UnsafeFirst::NotNamed(Box::new((*lane).clone())));
    }
    for FirstHeight { lane, height } in first {
        let known = lanes.iter().find(|(known, _)| *known == lane).and_then(|(_, highest)| *highest);
        let known = known.max(guard.and_then(|guard| guard.highest(lane)));
        if let Some(known) = known.filter(|known| known >= height) {
            return Err(UnsafeFirst::BelowKnown { lane: Box::new(lane.clone()), height: *height, known });
        }
    }
    Ok(())
}

/// Returns the higher of two heights.
pub(crate) fn higher(one: Option<ConsumerHeight>, other: Option<ConsumerHeight>) -> Option<ConsumerHeight> {
    one.max(other)
}

/// Returns the lower of a high watermark and a height that it is to be lowered to.
pub(crate) fn lower(high: Option<ConsumerHeight>, to: ConsumerHeight) -> ConsumerHeight {
    high.map_or(to, |high| high.min(to))
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
