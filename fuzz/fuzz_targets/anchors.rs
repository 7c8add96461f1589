//! Blocks and scripts from others: a walk over a block agrees with reading it, a scan finds what telling of
//! each transaction does, and what is decoded is what was written.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, change};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use spv::anchors::{
    AuxPowTag, Checkpoint, CheckpointTag, CoreDelegation, CoreHashPower, CoreLiquidDelegation,
    CoreRedeemScript, FirstPart, Keystone, OldKeystone, Phase1Data, Place, Registry, ReturnedData, RskTag,
    SecondPart, StacksBlockCommit, checkpoint_payload, explain_marks, first_publications, op_return,
    scan_block,
};
use spv::bitcoin::consensus::encode;
use spv::bitcoin::{Amount, Block, Script, ScriptBuf, Transaction, TxOut};
use spv::testing::{block, transaction};

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes after a header.
    Bytes(Vec<u8>),
    /// A block whose coinbase and transactions have these outputs, changed.
    Block { script_sig: Vec<u8>, outputs: Vec<Vec<Output>>, changes: Changes },
    /// Data, as any mark.
    Data(Data),
}

#[derive(Arbitrary, Debug)]
enum Output {
    Script(Vec<u8>),
    /// OP_RETURN, the data, and what follows them.
    Return(Data, Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Data {
    /// Which beginning, modulo their number.
    magic: u8,
    rest: Vec<u8>,
    /// Cut or filled to this length, modulo 84.
    length: u8,
}

const MAGICS: [&[u8]; 12] = [
    b"",
    b"HEMI\x01",
    b"SAT+\x01",
    b"SAT+\x02",
    b"CORE\x01",
    b"RSKBLOCK:",
    b"X2[",
    b"bbn1\x00",
    b"bbn1\x10",
    b"\xfa\xbemm",
    b"EXSAT",
    b"\x04\x00\x00\x00\x60\xb1\x75",
];

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

impl Data {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [MAGICS[usize::from(self.magic) % MAGICS.len()], &self.rest].concat();
        bytes.resize(usize::from(self.length % 84), 7);
        bytes
    }
}

impl Output {
    fn script(&self) -> Vec<u8> {
        match self {
            Self::Script(script) => script.clone(),
            Self::Return(data, rest) => [op_return(&data.bytes()).as_bytes(), rest].concat(),
        }
    }
}

fuzz_target!(|input: Input| match input {
    Input::Bytes(bytes) => scan(&[&[0; 80], &bytes[..]].concat()),
    Input::Block { script_sig, outputs, changes } => {
        let mut bytes = encode::serialize(&made(script_sig, &outputs));
        scan(&bytes);
        change(&mut bytes[80..], &changes);
        scan(&bytes);
    }
    Input::Data(data) => decode(&data.bytes()),
});

/// A block whose first transaction is the coinbase.
fn made(script_sig: Vec<u8>, outputs: &[Vec<Output>]) -> Block {
    let mut block = block(outputs.iter().skip(1).map(|_| transaction(0, Vec::new())));
    block.txdata[0].input[0].script_sig = ScriptBuf::from_bytes(script_sig);
    for (transaction, outputs) in block.txdata.iter_mut().zip(outputs) {
        let paid = |output: &Output| TxOut { value: Amount::ZERO, script_pubkey: output.script().into() };
        transaction.output = outputs.iter().map(paid).collect();
    }
    block
}

/// A scan agrees with reading the block.
fn scan(bytes: &[u8]) {
    let (found, read) = (scan_block(bytes, &REGISTRY), encode::deserialize::<Block>(bytes));
    assert_eq!(found.is_ok(), read.is_ok());
    let (Ok(found), Ok(block)) = (found, read) else { return };
    let told = |(position, transaction): (u32, &Transaction)| {
        let told = REGISTRY.explain(transaction).into_iter();
        told.filter_map(move |told| Some((position, told.place, told.trailing, told.data, told.mark?)))
            .collect::<Vec<_>>()
    };
    let told: Vec<_> = (0..).zip(&block.txdata).flat_map(told).collect();
    let scanned: Vec<_> = found
        .iter()
        .zip(explain_marks(&found))
        .map(|(mark, told)| (mark.position, mark.place, mark.trailing, mark.data.to_vec(), told))
        .collect();
    assert_eq!(scanned, told);
    let keystones = first_publications(&found);
    assert!(keystones.len() <= found.len());
    assert!(keystones.iter().all(|first| first.keystone.payload() == first.found.data));
    for transaction in &block.txdata {
        let _ = checkpoint_payload(transaction);
    }
}

/// What is decoded is written as it was.
fn decode(data: &[u8]) {
    let written = [
        Keystone::from_payload(data).map(|read| read.payload()),
        OldKeystone::from_payload(data).map(|read| read.payload()),
        Phase1Data::from_bytes(data).map(Phase1Data::to_bytes),
        FirstPart::from_bytes(data).map(|read| read.to_bytes()),
        SecondPart::from_bytes(data).map(|read| read.to_bytes()),
        CoreDelegation::from_bytes(data).map(|read| read.to_bytes()),
        CoreLiquidDelegation::from_bytes(data).map(CoreLiquidDelegation::to_bytes),
        CoreHashPower::from_bytes(data).map(CoreHashPower::to_bytes),
        RskTag::from_bytes(data).map(RskTag::to_bytes),
        StacksBlockCommit::from_bytes(data).map(|read| read.to_bytes()),
        CoreRedeemScript::from_script(Script::from_bytes(data)).map(|read| read.script().into_bytes()),
    ];
    assert!(written.into_iter().flatten().all(|written| written == data));
    if let Some(tag) = AuxPowTag::find(data) {
        let written = tag.to_bytes();
        assert!(data.windows(written.len()).any(|window| window == written));
    }
    let (first, second) = data.split_at(data.len() / 2);
    for (first, second) in [(data, data), (first, second)] {
        if let Ok(checkpoint) = Checkpoint::from_payloads(CheckpointTag::MAINNET, first, second) {
            assert_eq!(checkpoint.payloads(CheckpointTag::MAINNET), [first, second]);
        }
    }
    let script = [&[0x6a], data].concat();
    if let Some(standard) = ReturnedData::read_standard(&script) {
        assert!(standard.len() <= 80);
    }
    for place in [Place::Output { index: 0, is_coinbase: false }, Place::CoinbaseScript] {
        let format = REGISTRY.recognise(data, place);
        assert!(format.is_none_or(|format| format.recognises(data, place)));
    }
}
