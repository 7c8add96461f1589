//! The bytes of blocks: the scan for phase-1 stakes says the same as reading every transaction.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, change};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::bitcoin::consensus::encode;
use staking_scripts::bitcoin::constants::genesis_block;
use staking_scripts::bitcoin::{Amount, Block, Network, Transaction, TxOut, Witness};
use staking_scripts::outputs::OpReturnData;
use staking_scripts::phase1::{
    FoundPhase1Stake, Phase1Rules, Phase1Stake, contradictions_in, scan_phase1_stakes,
};
use staking_scripts::testing::key;
use staking_scripts::{ParametersHistory, Phase1Parameters, Timelock};

const TAG: [u8; 4] = *b"bbn1";

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Any transactions behind a header.
    Transactions(u8, Vec<u8>),
    /// A block with stakes, changed, and cut off or gone on with.
    Changed { changes: Changes, length: u16, more: Vec<u8> },
}

/// A block of three transactions: no stake, a phase-1 stake, and one that has witnesses.
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (staker, finality_provider) = (*key("staker", 0).public_key(), *key("provider", 0).public_key());
    let staking_time = Timelock::from_blocks(64000).unwrap();
    let said = OpReturnData { tag: TAG, staker, finality_provider, staking_time };
    let mut block = genesis_block(Network::Bitcoin);
    let mut stake = block.txdata[0].clone();
    stake.output.push(TxOut { value: Amount::ZERO, script_pubkey: said.script() });
    block.txdata.push(stake.clone());
    stake.input[0].witness = Witness::from_slice(&[[1; 64]]);
    block.txdata.push(stake);
    encode::serialize(&block)
});

/// What the scan has found is judged as a transaction that is parsed.
fn judge(found: &FoundPhase1Stake<'_>) {
    static HISTORY: LazyLock<ParametersHistory<Phase1Parameters>> =
        LazyLock::new(|| ParametersHistory::mainnet_phase1().unwrap());
    let transaction: Transaction = encode::deserialize(found.transaction).unwrap();
    for rules in Phase1Rules::of_history(&HISTORY) {
        assert_eq!(found.stake(rules), Phase1Stake::find(&transaction, rules));
        contradictions_in(&transaction, &found.op_return, *rules.parameters());
    }
}

fuzz_target!(|input: Input| {
    let block = match input {
        Input::Bytes(bytes) => bytes,
        Input::Transactions(count, bytes) => [&BLOCK[..80], &[count], &bytes].concat(),
        Input::Changed { changes, length, more } => {
            let mut block = BLOCK.clone();
            change(&mut block, &changes);
            block.truncate(usize::from(length).max(1));
            [block, more].concat()
        }
    };
    let found = scan_phase1_stakes(&block, TAG).ok();
    found.iter().flatten().take(4).for_each(judge);
    let found = found.map(|stakes| {
        let owned =
            |stake: &FoundPhase1Stake<'_>| (stake.position, stake.transaction.to_vec(), stake.op_return);
        stakes.iter().map(owned).collect::<Vec<_>>()
    });
    let read = encode::deserialize::<Block>(&block).ok().map(|block| {
        let said = (0..).zip(&block.txdata).filter_map(|(position, transaction)| {
            let said = OpReturnData::of(transaction).ok().filter(|said| said.tag == TAG)?;
            Some((position, encode::serialize(transaction), said))
        });
        said.collect::<Vec<_>>()
    });
    assert_eq!(found, read);
});
