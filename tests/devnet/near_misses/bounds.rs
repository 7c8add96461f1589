//! Amounts, times, fees and rates at the parameters' bounds and beside them.

use serde_json::json;

use super::Change::{AsItIs, Parameters, Plan, Resigned};
use super::{ACCEPTED, Row, judge, network, row, slashing};

const ROWS: &[Row] = &[
    row(
        "amount 49999",
        Plan(|plan| plan.amount_sat = 49_999),
        (&["staking_amount"], "staking value 49999 is out of bounds. Min: 50000, Max: 10000000"),
    ),
    row("amount 50000", Plan(|plan| plan.amount_sat = 50_000), ACCEPTED),
    row("amount 10000000", Plan(|plan| plan.amount_sat = 10_000_000), ACCEPTED),
    row(
        "amount 10000001",
        Plan(|plan| plan.amount_sat = 10_000_001),
        (&["staking_amount"], "staking value 10000001 is out of bounds. Min: 50000, Max: 10000000"),
    ),
    // A tenth of it is half a satoshi more than a whole number.
    row("amount 123455", Plan(|plan| plan.amount_sat = 123_455), ACCEPTED),
    row("amount 50015", Plan(|plan| plan.amount_sat = 50_015), ACCEPTED),
    row("amount 1234565", Plan(|plan| plan.amount_sat = 1_234_565), ACCEPTED),
    row(
        "time 149",
        Plan(|plan| plan.blocks = 149),
        (&["staking_time"], "staking time 149 is out of bounds. Min: 150, Max: 1000"),
    ),
    row("time 150", Plan(|plan| plan.blocks = 150), ACCEPTED),
    row("time 1000", Plan(|plan| plan.blocks = 1_000), ACCEPTED),
    row(
        "time 1001",
        Plan(|plan| plan.blocks = 1_001),
        (&["staking_time"], "staking time 1001 is out of bounds. Min: 150, Max: 1000"),
    ),
    // In 16 bits it is the 400 blocks of the output.
    row(
        "time 65536 + 400",
        AsItIs(|delegation, _| delegation.staking_time_blocks += 65_536),
        (&["staking_time"], "staking time 65936 must be lower than 65535"),
    ),
    row(
        "unbonding time 65536 + 20",
        AsItIs(|delegation, _| delegation.unbonding_time_blocks += 65_536),
        (&["unbonding_time"], "unbonding time 65556 must be lower than 65535"),
    ),
    row(
        "unbonding time 21",
        Parameters(|fields| fields["unbonding_time_blocks"] = json!(21)),
        (&["unbonding_time"], "unbonding time 21 must be equal to 20"),
    ),
    row(
        "unbonding time 19",
        Parameters(|fields| fields["unbonding_time_blocks"] = json!(19)),
        (&["unbonding_time"], "unbonding time 19 must be equal to 20"),
    ),
    row(
        "unbonding fee 2001",
        Parameters(|fields| fields["unbonding_fee_sat"] = json!(2_001)),
        (&["unbonding_fee"], "unbonding tx fee must be 2000, but got 2001"),
    ),
    row(
        "unbonding fee 1999",
        Parameters(|fields| fields["unbonding_fee_sat"] = json!(1_999)),
        (&["unbonding_fee"], "unbonding tx fee must be 2000, but got 1999"),
    ),
    row(
        "slashing fee 1999",
        Parameters(|fields| fields["min_slashing_tx_fee_sat"] = json!(1_999)),
        (&["fee_too_small"], "slashing transaction fee must be larger than 2000"),
    ),
    row("slashing fee 2001", Parameters(|fields| fields["min_slashing_tx_fee_sat"] = json!(2_001)), ACCEPTED),
    row("slashing rate 0.2", Parameters(|fields| fields["slashing_rate"] = json!("0.2")), ACCEPTED),
    row(
        "slashing rate 0.0999",
        Parameters(|fields| fields["slashing_rate"] = json!("0.0999")),
        (&["output_amount"], "slashing transaction must slash at least staking output value * slashing rate"),
    ),
    row(
        "slashing rate 0.1, less a satoshi",
        Resigned(|delegation, _| {
            let [slashed, refund] = slashing(delegation).output.as_mut_slice() else { panic!("not two") };
            slashed.value -= bitcoin::Amount::ONE_SAT;
            refund.value += bitcoin::Amount::ONE_SAT;
        }),
        (&["output_amount"], "slashing transaction must slash at least staking output value * slashing rate"),
    ),
    row(
        "slashing script that ends in 6f",
        Parameters(|fields| fields["slashing_pk_script"] = json!("6a07626162796c6f6f")),
        (&["output_script"], "slashing transaction must pay to the provided slashing address"),
    ),
    row(
        "quorum 3 of 3",
        Parameters(|fields| fields["covenant_quorum"] = json!(3)),
        (&["staking_output"], "staking tx does not contain expected staking output"),
    ),
    row(
        "covenant keys reversed",
        Parameters(|fields| fields["covenant_pks"].as_array_mut().unwrap().reverse()),
        ACCEPTED,
    ),
    row(
        "a covenant member less",
        Parameters(|fields| drop(fields["covenant_pks"].as_array_mut().unwrap().pop())),
        (&["staking_output"], "staking tx does not contain expected staking output"),
    ),
];

#[test]
fn near_misses_of_the_parameters_are_judged_alike() {
    let Some(devnet) = network() else { return };
    judge(&devnet, ROWS);
}
