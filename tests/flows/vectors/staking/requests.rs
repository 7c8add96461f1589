//! The reference's stakes as requests to a covenant member: accepted, answered, and the answers are the
//! reference's signatures.

use bitcoin::Amount;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::secp256k1::Message;
use serde_json::json;
use staking_scripts::delegation::{MemoryCovenantRecord, PresignedSlashing};
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::{Delegation, Parameters, ParametersAt, ParametersHistory, UnbondingTransaction};

use super::transactions::{Case, Slashing};
use super::{Outputs, STAKES, cases_of, keys, transaction};
use crate::vectors::{chain_rules, staked_to};

/// The parameters that the stake may have been made under; `None` when they break a rule, as quorums of half
/// the committee or less do.
fn parameters(outputs: &Outputs, case: &Case) -> Option<Parameters> {
    let file = json!([{
        "covenant_pks": keys(&outputs.covenant),
        "covenant_quorum": outputs.quorum,
        "min_staking_value_sat": case.amount_sat,
        "max_staking_value_sat": case.amount_sat,
        "min_staking_time_blocks": outputs.staking_time,
        "max_staking_time_blocks": outputs.staking_time,
        "slashing_pk_script": BASE64_STANDARD.encode(&case.slashing_pk_script.0),
        "min_slashing_tx_fee_sat": case.slashing.fee_sat.min(case.unbonding_slashing.fee_sat),
        "slashing_rate": case.slashing_rate,
        "unbonding_time_blocks": outputs.unbonding_time,
        "unbonding_fee_sat": case.unbonding_fee_sat,
        "btc_activation_height": 1,
    }]);
    match ParametersHistory::<Parameters>::from_json(&file.to_string()) {
        Ok(versions) => versions.get(0).cloned(),
        Err(error) => {
            assert!(error.to_string().contains("not more than half"), "{error}");
            None
        }
    }
}

#[test]
fn the_references_stakes_are_accepted() {
    let (mut accepted, mut consumers) = (0, 0);
    for ((number, outputs), (_, case)) in
        Outputs::all().zip(cases_of::<Case>("staking", "transactions", STAKES))
    {
        let Some(parameters) = parameters(&outputs, &case) else { continue };
        let staker = case.staker_secret.secret_key();
        let providers = keys(&outputs.finality_providers);
        consumers += usize::from(providers.len() > 1);
        let (rules, possession) = chain_rules(providers.len(), &staker);
        let signed = |slashing: &Slashing| {
            let signature = staker.sign_bip340(Message::from_digest(slashing.spend.sighash.0)).unwrap();
            PresignedSlashing {
                transaction: transaction(&slashing.spend.transaction),
                staker_signature: Some(signature),
            }
        };
        let request = Delegation {
            parameters: ParametersAt::Unstated,
            staker: *staker.public_key(),
            staked_to: staked_to(&providers).unwrap(),
            staking_time_blocks: outputs.staking_time,
            staking_amount: Amount::from_sat(case.amount_sat),
            unbonding_time_blocks: outputs.unbonding_time,
            staking_transaction: transaction(&case.staking_transaction),
            unbonding_transaction: Some(transaction(&case.unbonding.transaction)),
            slashing: Some(signed(&case.slashing)),
            unbonding_slashing: Some(signed(&case.unbonding_slashing)),
            proof_of_possession: Some(possession),
            covenant_signatures: vec![],
            extends: None,
            inclusion: None,
        };
        let stake = request.check_under(&parameters, None, rules);
        let stake = stake.unwrap_or_else(|violations| panic!("case {number}: {violations:?}"));
        let (member, mut record) = (case.covenant_secrets[0].secret_key(), MemoryCovenantRecord::default());
        let answer = stake.sign_as_covenant_member(&member, &[0; 32], &mut record).unwrap();
        assert_eq!(stake.covenant_quorum(std::slice::from_ref(&answer)).signed, 1);
        let reference = UnbondingTransaction::new(
            stake.staking(),
            outputs.unbonding_output(),
            parameters.unbonding_fee(),
        );
        assert_eq!(
            answer.unbonding,
            reference
                .unwrap()
                .sign_as_covenant_member_unchecked(&case.covenant_secrets[0].secret_key())
                .unwrap()
        );
        accepted += 1;
    }
    // The others have a quorum of half the committee or less.
    assert_eq!((accepted, consumers), (200, 89));
}
