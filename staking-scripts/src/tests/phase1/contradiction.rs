//! OP_RETURN data that contradict the output beside them.

use super::{mainnet, said, staking, stating, time};
use crate::outputs::OpReturnData;
use crate::phase1::{Phase1Error as Error, contradictions, contradictions_in};
use crate::testing::key;

#[test]
fn op_return_that_names_another_staker_provider_or_time_is_named() {
    let own = said(64000);
    let other = *key("other", 0).public_key();
    assert_eq!(contradictions(&own, &staking(&own)), []);
    let staker = contradictions(&OpReturnData { staker: other, ..own }, &staking(&own));
    assert_eq!(staker, [Error::OtherStaker { found: other, expected: own.staker }]);
    let provider = contradictions(&OpReturnData { finality_provider: other, ..own }, &staking(&own));
    let expected = vec![own.finality_provider];
    assert_eq!(provider, [Error::OtherFinalityProvider { found: other, expected }]);
    let blocks = contradictions(&said(250), &staking(&own));
    assert_eq!(blocks, [Error::OtherStakingTime { found: time(250), expected: time(64000) }]);
    // The tag is not in the output.
    assert_eq!(contradictions(&OpReturnData { tag: *b"else", ..own }, &staking(&own)), []);
    let names: Vec<_> = [staker, provider, blocks].concat().iter().map(Error::rule).collect();
    assert_eq!(names, ["op_return_staker", "op_return_finality_provider", "op_return_staking_time"]);
}

/// An output that nobody describes: the slips that make another one are tried.
#[test]
fn output_of_a_slip_is_found_beside_its_op_return() {
    let history = mainnet();
    let parameters = history.get(2).unwrap();
    let (own, found) = (said(64000), |said: &OpReturnData, beside: &OpReturnData| {
        let found = contradictions_in(&stating(said, beside, 500_000), said, parameters);
        found.iter().map(Error::rule).collect::<Vec<_>>()
    });
    assert_eq!(found(&own, &own), [""; 0]);
    // Any time, where the output has the parameters' own; and its two bytes swapped.
    assert_eq!(found(&said(12345), &own), ["op_return_staking_time"]);
    assert_eq!(found(&said(0x1234), &said(0x3412)), ["op_return_staking_time"]);
    let swapped = OpReturnData { staker: own.finality_provider, finality_provider: own.staker, ..own };
    assert_eq!(found(&swapped, &own), ["op_return_staker", "op_return_finality_provider"]);
    let both = OpReturnData { staking_time: time(7), ..swapped };
    assert_eq!(found(&both, &own).len(), 3);
    // Of another staker's output nothing is known.
    let other = OpReturnData { staker: *key("other", 0).public_key(), ..own };
    assert_eq!(found(&other, &own), [""; 0]);
}
