//! The time of finding the phase-1 stakes in a block, as a ratio to that of parsing its transactions, and of
//! judging each by every rule, as a ratio to building its output, measured in one run:
//! `cargo bench --profile dev --package btcstake-staking-scripts --bench scan`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use staking_scripts::bitcoin::absolute::LockTime;
use staking_scripts::bitcoin::block::{Header, Version};
use staking_scripts::bitcoin::consensus::encode;
use staking_scripts::bitcoin::hashes::{Hash, sha256};
use staking_scripts::bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode,
    TxOut, Txid, Witness, XOnlyPublicKey, transaction,
};
use staking_scripts::outputs::OpReturnData;
use staking_scripts::phase1::{Phase1Rules, scan_phase1_stakes};
use staking_scripts::{ParametersHistory, Parties, Phase1Parameters, StakingOutput, Timelock};

const TAG: [u8; 4] = *b"bbn1";
const TRANSACTIONS: u32 = 3000;
/// The time of a measurement, in which the functions are run in turns.
const DURATION: Duration = Duration::from_secs(2);

fn main() {
    for stakes in [0, 1, 30] {
        measure(stakes);
    }
}

fn measure(stakes: u32) {
    let history = ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap();
    let parameters = history.get(0).unwrap();
    let rules = Phase1Rules::from(parameters).at(parameters.activation_height).after(Amount::ZERO);
    let bytes = encode::serialize(&block(stakes, parameters));
    let found = scan_phase1_stakes(&bytes, TAG).unwrap().len();
    assert_eq!((found, reading(&bytes)), (stakes as usize, stakes as usize));
    let (mut scans, mut readings, mut decodings, start) =
        (Vec::new(), Vec::new(), Vec::new(), Instant::now());
    let (mut judged, mut outputs) = (Vec::new(), Vec::new());
    while start.elapsed() < DURATION {
        // What ran before has put other bytes into the processor's caches.
        black_box(scan_phase1_stakes(black_box(&bytes), TAG).unwrap().len());
        judged.push(time(|| {
            let found = scan_phase1_stakes(black_box(&bytes), TAG).unwrap();
            found.iter().map(|found| found.stake(rules).unwrap()).collect::<Vec<_>>()
        }));
        outputs.push(time(|| (0..stakes).map(|number| output(number, parameters)).collect::<Vec<_>>()));
        scans.push(time(|| scan_phase1_stakes(black_box(&bytes), TAG).unwrap().len()));
        readings.push(time(|| reading(black_box(&bytes))));
        decodings.push(time(|| encode::deserialize::<Block>(black_box(&bytes)).unwrap()));
    }
    let [scan, reading, decoding, judged, outputs] =
        [scans, readings, decodings, judged, outputs].map(median);
    println!(
        "{TRANSACTIONS} transactions in {} bytes, {stakes} phase-1 stakes: found in {scan:.0} µs",
        bytes.len()
    );
    println!(
        "  reading every transaction, and its outputs: {reading:.0} µs, {:.1}x the time",
        reading / scan
    );
    println!("  reading every transaction only: {decoding:.0} µs, {:.1}x the time", decoding / scan);
    println!(
        "  found, and judged by every rule: {judged:.0} µs, {:.2}x the time of the scan alone",
        judged / scan
    );
    if stakes > 0 {
        let each = (judged - scan) / f64::from(stakes);
        let output = outputs / f64::from(stakes);
        println!(
            "  each stake judged: {each:.1} µs, {:.2}x the time of building its output ({output:.1} µs)",
            each / output
        );
    }
}

/// Counts the stakes by parsing every transaction.
fn reading(bytes: &[u8]) -> usize {
    let block: Block = encode::deserialize(bytes).unwrap();
    let said = block.txdata.iter().filter_map(|transaction| OpReturnData::of(transaction).ok());
    said.filter(|said| said.tag == TAG).count()
}

/// Returns the time of `work` in microseconds.
fn time<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let result = black_box(work());
    let time = start.elapsed().as_secs_f64() * 1e6;
    drop(result);
    time
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Returns a block of common shape: transactions of 1 to 3 inputs with witnesses of P2WPKH and of the Taproot
/// key path, and 2 outputs.
fn block(stakes: u32, parameters: &Phase1Parameters) -> Block {
    let header = Header {
        version: Version::TWO,
        prev_blockhash: BlockHash::all_zeros(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: 0,
        bits: CompactTarget::from_consensus(0),
        nonce: 0,
    };
    let stake = |number| (number < stakes).then(|| output(number, parameters));
    Block { header, txdata: (0..TRANSACTIONS).map(|number| spending(number, stake(number))).collect() }
}

/// The staking output of a stake.
fn output(number: u32, parameters: &Phase1Parameters) -> StakingOutput {
    let said = op_return(number);
    let parties = Parties::new(said.staker, [said.finality_provider], parameters.covenant.clone()).unwrap();
    StakingOutput::new(parties, said.staking_time).unwrap()
}

fn spending(number: u32, stake: Option<StakingOutput>) -> Transaction {
    let hash = sha256::Hash::hash(&number.to_be_bytes()).to_byte_array();
    let input = |index: u32| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array(hash), index),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: match (number + index) % 3 {
            0 => Witness::from_slice(&[&[1; 64]]),
            _ => Witness::from_slice(&[&[1; 71][..], &[2; 33]]),
        },
    };
    let paying =
        |script: Vec<u8>| TxOut { value: Amount::ONE_BTC, script_pubkey: ScriptBuf::from_bytes(script) };
    let (first, second) = match stake {
        Some(stake) => {
            let op_return = paying(op_return(number).script().into_bytes());
            (stake.taproot().paying(Amount::from_sat(1_000_000)), op_return)
        }
        None => (paying([&[0x51, 0x20], &hash[..]].concat()), paying([&[0x00, 0x14], &hash[..20]].concat())),
    };
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..=number % 3).map(input).collect(),
        output: vec![first, second],
    }
}

fn op_return(number: u32) -> OpReturnData {
    // The base point, and its double.
    let key = |hex: &str| hex.parse::<XOnlyPublicKey>().unwrap();
    let staker = key("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    let finality_provider = key("c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5");
    let staking_time = Timelock::from_blocks(1 + number).unwrap();
    OpReturnData { tag: TAG, staker, finality_provider, staking_time }
}
