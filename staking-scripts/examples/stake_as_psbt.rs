//! A staker's tool: the staking transaction as a PSBT for an external signer, and its delegation.
//!
//! ```console
//! cargo run --package btcstake-staking-scripts --example stake_as_psbt
//! ```

use std::error::Error;

use bitcoin::absolute::Height;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, TxOut, Txid};
use eots::SecretKey;
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::delegation::NewDelegation;
use staking_scripts::transactions::NewStake;
use staking_scripts::{
    Delegation, FundingCoin, LeafTransaction, Parameters, ParametersAt, ParametersHistory, StakedTo,
    StakingOutput, StakingTransaction, Timelock,
};

fn main() -> Result<(), Box<dyn Error>> {
    // Mainnet's parameters in force at this height; a node of Babylon Genesis has all versions.
    let history = ParametersHistory::<Parameters>::mainnet()?;
    let height = Height::from_consensus(900_000)?;
    let (version, parameters) = history.in_force(height)?;

    // A real tool does not hold these keys: the staker's and the wallet's are in hardware.
    let (staker, wallet) = (SecretKey::from_bytes(&[1; 32])?, SecretKey::from_bytes(&[2; 32])?);
    let provider = *SecretKey::from_bytes(&[3; 32])?.public_key();

    // The staking output, and a transaction that pays to it from the wallet's coin.
    let staked_to = StakedTo::Genesis(provider);
    let parties = parameters.parties(*staker.public_key(), staked_to.keys())?;
    let script_pubkey = key_path_script(wallet.public_key());
    let coin = TxOut { value: Amount::from_sat(2_000_000), script_pubkey: script_pubkey.clone() };
    let staking = StakingTransaction::build(NewStake {
        output: StakingOutput::new(parties, Timelock::from_blocks(64_000)?)?,
        amount: Amount::from_sat(1_000_000),
        coins: &[FundingCoin::new(OutPoint::new(Txid::from_byte_array([7; 32]), 0), coin)?],
        change: script_pubkey,
        fee_rate: FeeRate::from_sat_per_vb(5).ok_or("no such fee rate")?,
        op_return_tag: None,
    })?;

    // The delegation: the transactions that staker and covenant committee sign before the stake is broadcast.
    let delegation = Delegation::new(&NewDelegation {
        staked_to: &staked_to,
        staking: &staking.staking_output(),
        transaction: &staking.without_witnesses(),
        parameters,
        parameters_at: ParametersAt::Height(height),
    })?;
    let presigned = delegation.presigned(parameters)?;
    println!("stake {} under parameters version {version}", staking.txid());
    println!("for the staker's signer: {}", presigned.slashing.psbt());

    // The external signer receives base64 and returns base64.
    let sent = staking.psbt().to_string();
    let returned = sign_elsewhere(&sent, &wallet)?;

    // The returned PSBT is not trusted: the finalized transaction is checked field by field.
    let transaction = staking.finalize(&returned)?;
    assert_eq!(transaction.compute_txid(), staking.txid());
    println!("signed, {} vbytes", transaction.vsize());
    Ok(())
}

/// Signs as a wallet does on another machine.
fn sign_elsewhere(psbt: &str, wallet: &SecretKey) -> Result<Psbt, Box<dyn Error>> {
    Ok(sign_key_path(&psbt.parse()?, wallet)?)
}

#[test]
fn stake_as_psbt_runs() {
    main().unwrap();
}
