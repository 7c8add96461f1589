//! Warnings of what cannot be taken back.

use finality::ConsumerHeight;
use signer::protection::{FirstHeight, LaneState};

/// No chain has come so far: at ten blocks a second it would take three thousand years.
const FAR_HEIGHT: u64 = 1 << 40;

fn known(state: &LaneState) -> String {
    state.highest.map_or_else(|| "none".to_owned(), |highest| highest.to_u64().to_string())
}

/// Warns where the low watermark rises above every vote that is known.
pub(super) fn never_signed(flag: &str, height: ConsumerHeight, state: &LaneState) -> Option<String> {
    let is_above = state.highest.is_none_or(|highest| height > highest);
    is_above.then(|| {
        format!(
            "{flag} is {}, above the highest vote that is known ({}): no height up to it is ever signed, and this cannot be taken back",
            height.to_u64(),
            known(state)
        )
    })
}

/// Warns where the high watermark is below votes that were made.
pub(super) fn nothing_signed(flag: &str, height: ConsumerHeight, state: &LaneState) -> Option<String> {
    let is_below = state.highest.is_some_and(|highest| height < highest);
    is_below.then(|| {
        format!(
            "{flag} is {}, below the highest vote that is known ({}): nothing is signed until it is above that, or removed with --no-high",
            height.to_u64(),
            known(state)
        )
    })
}

/// What nobody may do to a signer whose records another one has.
pub(super) const SIGNS_AGAIN: &str = "without its high watermark this database signs on: where its records were exported, the signer that has \
    them must not sign";

/// Warns where the high watermark leaves heights to sign: for a move it is the highest vote.
pub(super) fn signs_on(flag: &str, height: ConsumerHeight, state: &LaneState) -> Option<String> {
    let is_above = state.highest.is_none_or(|highest| height > highest);
    is_above.then(|| {
        format!(
            "{flag} is {}, above the highest vote that is known ({}): what is between is signed here still, and by whoever takes the records over",
            height.to_u64(),
            known(state)
        )
    })
}

/// Warns of a first height that no chain reaches.
pub(super) fn far(first: &FirstHeight) -> Option<String> {
    let height = first.height.to_u64();
    (height > FAR_HEIGHT).then(|| {
        format!(
            "the first height of {} is {height}, which its chain will not reach: nothing below it is ever signed, and this cannot be taken back",
            first.lane
        )
    })
}
