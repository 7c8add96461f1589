//! A covenant member's tool: checks a delegation against every rule, records what is to be signed, and signs.
//!
//! ```console
//! cargo run --package btcstake-staking-scripts --example covenant_member
//! ```

use finality::SigningContext;
use std::collections::BTreeMap;
use std::error::Error;

use bitcoin::absolute::Height;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, FeeRate, OutPoint, TxOut, Txid};
use eots::SecretKey;
use staking_scripts::coins::key_path_script;
use staking_scripts::delegation::{NewDelegation, RecordVerdict, SignedStake};
use staking_scripts::possession::PossessionMessage;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    ChainRules, CheckRules, CovenantRecord, Delegation, FundingCoin, InForce, Parameters, ParametersAt,
    ParametersHistory, ProofOfPossession, StakedTo, StakingOutput, StakingTransaction, Timelock,
};

/// A record that only shows the interface: a real one is durable, and has one writer at a time.
#[derive(Default)]
struct Record(BTreeMap<OutPoint, SignedStake>);

impl CovenantRecord for Record {
    type Error = std::io::Error;

    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, Self::Error> {
        match self.0.get(&stake.staking_output) {
            Some(earlier) if earlier == stake => Ok(RecordVerdict::Again),
            Some(earlier) => Ok(RecordVerdict::Conflict(*earlier)),
            None => {
                self.0.insert(stake.staking_output, *stake);
                Ok(RecordVerdict::New)
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let member = SecretKey::from_bytes(&[4; 32])?;
    let history = history(&member)?;
    // The staker sends a text; the height is the member's own, never the staker's.
    let text = stakers_delegation(&history)?;
    let tip = Height::from_consensus(150)?;

    let delegation = Delegation::from_json(&text)?;
    let rules = CheckRules { history: &history, in_force: InForce::At(tip), chain: ChainRules::MAINNET };
    let checked = match delegation.check(&rules) {
        Ok(checked) => checked,
        Err(violations) => {
            violations.iter().for_each(|found| println!("{}: {found}", found.rule()));
            return Err("the delegation breaks rules".into());
        }
    };

    // Signing requires the record: another set of transactions for the same staking output is refused.
    let mut record = Record::default();
    let signatures = checked.sign_as_covenant_member(&member, &[0; 32], &mut record)?;
    assert_eq!(checked.covenant_quorum(std::slice::from_ref(&signatures)).signed, 1);
    println!("{}", serde_json::to_string_pretty(&signatures)?);
    Ok(())
}

/// Returns the parameters of a test network with one covenant member.
fn history(member: &SecretKey) -> Result<ParametersHistory<Parameters>, Box<dyn Error>> {
    let version = serde_json::json!([{
        "btc_activation_height": 100,
        "covenant_pks": [member.public_key().to_string()], "covenant_quorum": 1,
        "min_staking_value_sat": 50_000, "max_staking_value_sat": 10_000_000,
        "min_staking_time_blocks": 150, "max_staking_time_blocks": 1000,
        "unbonding_time_blocks": 100, "unbonding_fee_sat": 2000,
        "slashing_pk_script": "agdiYWJ5bG9u", "slashing_rate": "0.1", "min_slashing_tx_fee_sat": 2000,
    }]);
    Ok(ParametersHistory::from_json(&version.to_string())?)
}

/// Returns the delegation that a staker sends.
fn stakers_delegation(history: &ParametersHistory<Parameters>) -> Result<String, Box<dyn Error>> {
    let (staker, wallet) = (SecretKey::from_bytes(&[1; 32])?, SecretKey::from_bytes(&[2; 32])?);
    let staked_to = StakedTo::Genesis(*SecretKey::from_bytes(&[3; 32])?.public_key());
    let height = Height::from_consensus(150)?;
    let (_, parameters) = history.in_force(height)?;
    let parties = parameters.parties(*staker.public_key(), staked_to.keys())?;
    let script_pubkey = key_path_script(wallet.public_key());
    let coin = TxOut { value: Amount::from_sat(900_000), script_pubkey: script_pubkey.clone() };
    let staking = StakingTransaction::build(NewStake {
        output: StakingOutput::new(parties, Timelock::from_blocks(1000)?)?,
        amount: Amount::from_sat(500_000),
        coins: &[FundingCoin::new(OutPoint::new(Txid::from_byte_array([7; 32]), 0), coin)?],
        change: script_pubkey,
        fee_rate: FeeRate::from_sat_per_vb(5).ok_or("no such fee rate")?,
        op_return_tag: None,
    })?;
    let stake = NewDelegation {
        staked_to: &staked_to,
        staking: &staking.staking_output(),
        transaction: &staking.without_witnesses(),
        parameters,
        parameters_at: ParametersAt::Height(height),
    };
    let mut delegation = Delegation::signed(&stake, &staker)?;
    let message = PossessionMessage::new(
        SigningContext::GENESIS,
        "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse()?,
    )?;
    let proof = ProofOfPossession::create_bip340(&staker, &message)?;
    delegation.proof_of_possession = Some((message, proof));
    Ok(delegation.to_json())
}

#[test]
fn covenant_member_runs() {
    main().unwrap();
}
