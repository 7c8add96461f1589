//! Each format: vectors, round trips, and data that nearly are.

use proptest::prelude::{any, proptest};

use super::core::{CORE_MAINNET, CORE_TESTNET};
use super::{COINBASE, OUTPUT, data, explained, format, number, paying, pushed, script, text};
use crate::anchors::{
    AuxPowTag, Certainty, CheckpointTag, CoreDelegation, CoreHashPower, CoreLiquidDelegation, CoreLock,
    Field, FirstPart, Keystone, MarkFormat, OldKeystone, Phase1Data, Place, PushForm, Registry, ReturnedData,
    RskTag, SecondPart, StacksBlockCommit, babylon_formats, op_return,
};

const KEYSTONE: &str = "6a4c5048454d49010075cf9b002831bfa132ab03b954874d9515f4d5141f39022b7382f04df2defb29e4ff1b58eb5af0fc9192dcbcda6f1b6f21e9c47d97953fa8f7d7551deeaa7a1c0a2340624eebff6b5cbc";
const KEYSTONE_2: &str = "6a4c5048454d4901007084170022b6d196534385ea12387b7e0bcfe929911662add4acf95b048323eb3c0dc549f6f233c90333424e8250a29d4f23eb51b6b0a9d01f11b067b0419aa8ad235794fc699814950d";
/// What stands after the script of the second keystone where it is quoted: the lock time of its transaction.
const KEYSTONE_2_TAIL: &str = "1a063a00";
const HASH_POWER: &str =
    "6a2d434f524501a37cf4faa0758b26dca666f3e36d42fa15cc0106942c01262fa046fdb8ba0dfce3753405c74aed0e";
const RSK: &str = "6a2952534b424c4f434b3aba19565e040e5d835728c3ec904c7c0c57424c9e74e052f4635b3f15006d1e5b";
const RSK_PUSHDATA1: &str =
    "6a4c2952534b424c4f434b3a14ca9d5bf8faa395cc12d8cb900117c981269a40a2769b3fe6f2db180086085e";
const STACKS: &str = "6a4c5058325b6f262e28ad25369738942f7f74a6e710e4b11710e9af3ee2c9ed874d6b535769d295c8dd0a072c36ae2c2db1507e57c0c45e4e9adc9326f45bd8c6a5ab8c9f98000a34630039000a3448005901";
const FIRST_PART: &str = "6a4c4e6262743000000000000000000092ee5480cf702c2fdf156788c6a6131e363e44a86f230659a3392b00330bb6bb0a00000000000000000000000066adeb1607db6365171c28f93ec20b0505debfe1";
const SECOND_PART: &str = "6a3f6262743010a52f5a519b2843dce9dff88124d49f8ebf080763cdfcf14c169e7c00098bef52812bfee988a49e66e51bbbbd782057eceb3b8481235ab382ae31";

/// Every vector: its place, its format, and whether the format fixes the length.
pub(super) fn vectors() -> Vec<(&'static str, Place, &'static str)> {
    vec![
        (KEYSTONE, OUTPUT, "hemi_keystone"),
        (KEYSTONE_2, OUTPUT, "hemi_keystone"),
        (CORE_MAINNET, OUTPUT, "core_stake"),
        (CORE_TESTNET, OUTPUT, "core_stake"),
        (HASH_POWER, COINBASE, "core_hash_power"),
        (RSK, COINBASE, "rsk_merged_mining"),
        (RSK_PUSHDATA1, COINBASE, "rsk_merged_mining"),
        (STACKS, OUTPUT, "stacks_block_commit"),
        (FIRST_PART, OUTPUT, "babylon_checkpoint_first_part"),
        (SECOND_PART, OUTPUT, "babylon_checkpoint_second_part"),
    ]
}

#[test]
fn vectors_are_recognised_in_every_push_and_with_trailing_bytes() {
    let registry = Registry::new();
    for (hex, place, expected) in vectors() {
        let vector = script(hex);
        assert_eq!(format(&vector, place), Some(expected), "{hex}");
        for mut pushed in pushed(data(&vector)) {
            assert_eq!(format(&pushed, place), Some(expected), "{hex}");
            pushed.extend([0x51, 0x52, 0x53]);
            let explained = registry.explain_script(&pushed, place).unwrap();
            assert_eq!((explained.trailing, explained.mark.unwrap().format), (3, expected), "{hex}");
        }
    }
}

#[test]
fn what_is_nearly_a_mark_is_none() {
    for (hex, place, expected) in vectors() {
        let (vector, other) = (script(hex), if place == OUTPUT { COINBASE } else { OUTPUT });
        let bytes = data(&vector);
        assert_eq!(format(&vector, other), None, "{expected} elsewhere");
        assert_eq!(format(&vector[..vector.len() - 1], place), None, "{expected}, cut off within the push");
        for near in [&bytes[..bytes.len() - 1], &[bytes, &[0]].concat()] {
            assert_eq!(format(&op_return(near).into_bytes(), place), None, "{expected} of {}", near.len());
        }
        // Each byte of the magic; where there is a version, that too.
        let magic = match expected {
            "hemi_keystone" | "core_hash_power" => 5,
            "core_stake" => 5,
            "rsk_merged_mining" => 9,
            "stacks_block_commit" => 3,
            _ => 5,
        };
        for at in 0..magic {
            let mut near = bytes.to_vec();
            near[at] ^= 0x80;
            assert_eq!(format(&op_return(&near).into_bytes(), place), None, "{expected}, byte {at}");
        }
        // Without OP_RETURN nothing is told.
        assert_eq!(Registry::new().explain_script(&vector[1..], place), None);
    }
}

#[test]
fn hemi_keystones_are_read_and_hashed() {
    for (hex, l1, l2, hash) in [
        (KEYSTONE, 7_720_859, 2_634_175, "1531758580cb7114137d618bc4f4035f1820d0f24b7f4cc3bd4f85d386b2dcc2"),
        (
            KEYSTONE_2,
            7_373_847,
            2_275_025,
            "10816cdad6f2de41914dc9e2d5e07e1195cc77360c8a0f9cceaec6ee7c74d294",
        ),
    ] {
        let mark = explained(&script(hex), OUTPUT).unwrap();
        assert_eq!((number(&mark, "l1_block_number"), number(&mark, "l2_block_number")), (l1, l2));
        assert_eq!(text(&mark, "keystone_hash"), hash);
        let keystone = Keystone::from_payload(data(&script(hex))).unwrap();
        assert_eq!(keystone.l2_block_number % Keystone::INTERVAL, 0);
        assert_eq!(keystone.script_pubkey().into_bytes(), script(hex));
        assert_eq!(keystone.hash().to_string(), hash);
    }
    let quoted = script(&[KEYSTONE_2, KEYSTONE_2_TAIL].concat());
    let told = Registry::new().explain_script(&quoted, OUTPUT).unwrap();
    assert_eq!((told.trailing, told.mark.unwrap().format), (4, "hemi_keystone"));
    let old = OldKeystone {
        block_number: 25,
        parent_ep_hash: [1; 12],
        previous_keystone_ep_hash: [2; 12],
        state_root: [3; 32],
        ep_hash: [4; 12],
    };
    let mark = explained(&op_return(&old.payload()).into_bytes(), OUTPUT).unwrap();
    assert_eq!((mark.format, number(&mark, "block_number")), ("hemi_old_keystone", 25));
    assert_eq!(op_return(&old.payload()).as_bytes()[..3], [0x6a, 0x4c, 0x4d]);
}

#[test]
fn marks_in_coinbases_are_read() {
    let mark = explained(&script(HASH_POWER), COINBASE).unwrap();
    assert_eq!(text(&mark, "validator"), "a37cf4faa0758b26dca666f3e36d42fa15cc0106");
    assert_eq!(text(&mark, "reward"), "942c01262fa046fdb8ba0dfce3753405c74aed0e");
    for (hex, block) in [(RSK, 7_151_195), (RSK_PUSHDATA1, 8_783_966)] {
        let mark = explained(&script(hex), COINBASE).unwrap();
        assert_eq!(number(&mark, "block_number"), block);
    }
    for (magic, length, name) in [
        (&b"EXSAT"[..], 0, "exsat"),
        (b"EXSAT", 40, "exsat"),
        (b"Hath", 32, "hathor"),
        (b"sys", 36, "syscoin"),
        (b"OCB1", 16, "ocean"),
    ] {
        let bytes = [magic, &vec![1; length]].concat();
        let mark = explained(&op_return(&bytes).into_bytes(), COINBASE).unwrap();
        assert_eq!((mark.format, mark.certainty), (name, Certainty::Named));
        assert_eq!(format(&op_return(&bytes).into_bytes(), OUTPUT), None);
        if name != "exsat" {
            assert_eq!(format(&op_return(&bytes[1..]).into_bytes(), COINBASE), None);
            assert_eq!(format(&op_return(&[&bytes[..], &[1]].concat()).into_bytes(), COINBASE), None);
        }
    }
}

#[test]
fn rootstock_takes_the_last_tag_and_little_after_it() {
    let coinbase = |scripts: &[Vec<u8>]| {
        let transaction = paying(scripts);
        bitcoin::Transaction { input: vec![bitcoin::TxIn::default()], ..transaction }
    };
    let notes = |scripts: &[Vec<u8>]| {
        let found = Registry::new().explain(&coinbase(scripts));
        found[0].mark.as_ref().unwrap().notes.clone()
    };
    // After the hash: the outputs' 9 bytes each with a script of 115 bytes, and the lock time, 4.
    assert!(notes(&[script(RSK), vec![0x51; 115]]).is_empty());
    assert_eq!(
        notes(&[script(RSK), vec![0x51; 116]]),
        ["129 bytes follow the hash; Rootstock accepts at most 128"]
    );
    assert_eq!(
        notes(&[script(RSK), script(RSK)]),
        ["the coinbase has 2 tags of Rootstock; only the last counts"]
    );
}

#[test]
fn stacks_commits_are_first_outputs_and_other_operations_named() {
    let mark = explained(&script(STACKS), OUTPUT).unwrap();
    assert_eq!((number(&mark, "parent_block"), number(&mark, "parent_position")), (668_771, 57));
    assert_eq!((number(&mark, "key_block"), number(&mark, "key_position")), (668_744, 89));
    assert_eq!((number(&mark, "parent_modulus"), number(&mark, "memo")), (1, 0));
    assert_eq!(text(&mark, "magic"), "X2");
    assert_eq!(format(&script(STACKS), Place::Output { index: 1, is_coinbase: false }), None);
    let notes = |scripts: &[Vec<u8>]| {
        Registry::new().explain(&paying(scripts))[0].mark.as_ref().unwrap().notes.clone()
    };
    assert!(notes(&[script(STACKS), vec![0x51], vec![0x51]]).is_empty());
    assert_eq!(notes(&[script(STACKS)]), ["0 outputs follow; a block commit has two for payments"]);
    for (opcode, name) in [
        ("^", "stacks_key_register"),
        ("x", "stacks_stack"),
        ("p", "stacks_pre"),
        ("$", "stacks_transfer"),
        ("#", "stacks_delegate"),
        ("v", "stacks_aggregate_key_vote"),
    ] {
        for network in ["X2", "T2"] {
            let bytes = [network.as_bytes(), opcode.as_bytes(), &[7; 20]].concat();
            assert_eq!(format(&op_return(&bytes).into_bytes(), OUTPUT), Some(name));
        }
        // The magic of unit tests is no network's.
        let bytes = [b"id", opcode.as_bytes(), &[7; 20]].concat();
        assert_eq!(format(&op_return(&bytes).into_bytes(), OUTPUT), None);
    }
}

#[test]
fn stakes_and_checkpoints_of_one_tag_are_told_apart_by_length() {
    let tag = CheckpointTag::MAINNET;
    let stake = Phase1Data { tag, staker: [1; 32], finality_provider: [2; 32], staking_blocks: 64_000 };
    let first = FirstPart { tag, epoch: 7, block_hash: [3; 32], bitmap: [4; 13], submitter: [5; 20] };
    let second = SecondPart { tag, bls_multi_signature: [6; 48], checksum: first.checksum() };
    for (bytes, expected) in [
        (stake.to_bytes(), "babylon_phase1_stake"),
        (first.to_bytes(), "babylon_checkpoint_first_part"),
        (second.to_bytes(), "babylon_checkpoint_second_part"),
    ] {
        assert_eq!(format(&op_return(&bytes).into_bytes(), OUTPUT), Some(expected));
        // The header of the other part, and of another version.
        for byte in [bytes[4] ^ 0x10, bytes[4] ^ 1] {
            let mut near = bytes.clone();
            near[4] = byte;
            assert_eq!(format(&op_return(&near).into_bytes(), OUTPUT), None);
        }
        // A network that the registry does not know, until it is told.
        let mut own = bytes.clone();
        own[..4].copy_from_slice(b"own1");
        let own = op_return(&own).into_bytes();
        assert_eq!(format(&own, OUTPUT), None);
        let [a, b, c] = babylon_formats(&[CheckpointTag(*b"own1")]);
        let told = Registry::new().with(a).with(b).with(c).explain_script(&own, OUTPUT).unwrap();
        assert_eq!(told.mark.unwrap().format, expected);
    }
    let none = Phase1Data { staking_blocks: 0, ..stake };
    assert_eq!(format(&op_return(&none.to_bytes()).into_bytes(), OUTPUT), None);
    let mark = explained(&op_return(&stake.to_bytes()).into_bytes(), OUTPUT).unwrap();
    assert_eq!(number(&mark, "staking_time_blocks"), 64_000);
    let mark = explained(&script(FIRST_PART), OUTPUT).unwrap();
    assert_eq!((number(&mark, "epoch"), &text(&mark, "bitmap")[..4]), (0, "0a00"));
    let mark = explained(&script(SECOND_PART), OUTPUT).unwrap();
    assert_eq!(text(&mark, "first_part_checksum"), "eb3b8481235ab382ae31");
}

#[test]
fn a_bare_push_of_32_bytes_is_possible_and_no_more() {
    for place in [OUTPUT, COINBASE] {
        for first in 0..=u8::MAX {
            let bytes = [&[first][..], &[7; 31]].concat();
            let mark = explained(&op_return(&bytes).into_bytes(), place).unwrap();
            assert_eq!((mark.format, mark.certainty), ("bare_32_bytes", Certainty::Possible));
        }
        for length in [0, 1, 31, 33, 75, 76, 80] {
            assert_eq!(format(&op_return(&vec![7; length]).into_bytes(), place), None);
        }
    }
}

#[test]
fn merged_mining_is_found_in_a_coinbase_input() {
    let tag = AuxPowTag { root: [1; 32], size: 8, nonce: 0x0102_0304 };
    let script_sig = [&[3, 1, 2, 3][..], &tag.to_bytes(), b"/pool/"].concat();
    let mut coinbase = crate::testing::coinbase();
    coinbase.input[0].script_sig = script_sig.clone().into();
    let found = Registry::new().explain(&coinbase);
    let mark = found[0].mark.as_ref().unwrap();
    assert_eq!((found[0].place, mark.format), (Place::CoinbaseScript, "aux_pow"));
    assert_eq!((number(mark, "size"), number(mark, "nonce")), (8, 0x0102_0304));
    // Cut off; another magic; not a coinbase.
    assert_eq!(AuxPowTag::find(&script_sig[..47]), None);
    assert_eq!(AuxPowTag::find(&script_sig[..48]), Some(tag));
    coinbase.input[0].script_sig = [&[0xfa, 0xbe, b'm', b'n'][..], &[0; 40]].concat().into();
    assert!(Registry::new().explain(&coinbase).is_empty());
    let mut other = crate::testing::transaction(1, vec![0x51]);
    other.input[0].script_sig = script_sig.into();
    assert!(Registry::new().explain(&other).is_empty());
}

#[test]
fn standard_outputs_are_told_by_the_rule_of_the_references() {
    let push = |length: usize| [&[0x6a, 0x4c, u8::try_from(length).unwrap()][..], &vec![7; length]].concat();
    for (script, length) in [
        (vec![0x6a], Some(0)),
        (vec![0x6a, 0x00], Some(0)),
        (vec![0x6a, 0x51], Some(0)),
        (vec![0x6a, 0x60], Some(0)),
        // 17 is no small number, and −1 neither.
        (vec![0x6a, 0x61], None),
        (vec![0x6a, 0x4f], None),
        (vec![0x6a, 0x51, 0x51], None),
        (vec![0x6a, 0x02, 7], None),
        (vec![0x6a, 0x4c], None),
        (vec![0x6a, 0x4d, 1, 0, 7], Some(1)),
        (vec![0x6a, 0x4e, 1, 0, 0, 0, 7], Some(1)),
        (vec![0x6a, 0x4e, 1, 0, 0, 0, 7, 7], None),
        (push(80), Some(80)),
        (push(81), None),
        (vec![0x51], None),
        (vec![], None),
    ] {
        assert_eq!(ReturnedData::read_standard(&script).map(<[u8]>::len), length, "{script:02x?}");
    }
    let read = ReturnedData::read(&[0x6a, 0x4d, 1, 0, 7, 8]).unwrap();
    assert_eq!((read.form, read.data, read.trailing), (PushForm::PushData2, &[7][..], &[8][..]));
    let told = Registry::new().explain_script(&[0x6a, 0x5d, 1], OUTPUT).unwrap();
    assert_eq!((told.form, told.data, told.mark), (None, vec![0x5d, 1], None));
}

/// A format that is not of the toolkit.
struct Own;

impl MarkFormat for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn title(&self) -> &'static str {
        "one of our own"
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'o']
    }

    fn recognises(&self, data: &[u8], _: Place) -> bool {
        data == b"own"
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        vec![Field::number("length", u64::try_from(data.len()).unwrap())]
    }
}

#[test]
fn a_registry_takes_further_formats() {
    let registry = Registry::empty().with(Own);
    let mark = registry.explain_script(&script("6a036f776e"), OUTPUT).unwrap().mark.unwrap();
    assert_eq!((mark.format, number(&mark, "length")), ("own", 3));
    assert_eq!(registry.explain_script(&script(KEYSTONE), OUTPUT).unwrap().mark, None);
    let names: Vec<_> = Registry::new().formats().map(MarkFormat::name).collect();
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((names.len(), distinct.len()), (22, 22));
}

/// What follows from a mark stands with its format; one that says nothing of it has what holds for all.
#[test]
fn every_format_says_what_follows() {
    let registry = Registry::new();
    for format in registry.formats() {
        assert_ne!(format.conclusions(), Own.conclusions(), "{}", format.name());
        assert_eq!(registry.format(format.name()).map(MarkFormat::name), Some(format.name()));
    }
    assert!(Own.conclusions().may.starts_with("that somebody knew these bytes"));
    assert!(registry.format("own").is_none());
}

proptest! {
    #[test]
    fn every_decoder_round_trips(bytes: [u8; 32], more: [u8; 32], number: u32, short: u16, byte: u8) {
        let twenty: [u8; 20] = bytes[..20].try_into().unwrap();
        let other: [u8; 20] = more[..20].try_into().unwrap();
        let twelve: [u8; 12] = more[..12].try_into().unwrap();
        let keystone = Keystone {
            l1_block_number: number,
            l2_block_number: number.rotate_left(8),
            parent_ep_hash: bytes[..11].try_into().unwrap(),
            previous_keystone_ep_hash: twelve,
            state_root: bytes,
            ep_hash: bytes[20..].try_into().unwrap(),
        };
        assert_eq!(Keystone::from_payload(&keystone.payload()), Some(keystone));
        assert!(Keystone::is_payload(&keystone.payload()));
        let old = OldKeystone {
            block_number: number,
            parent_ep_hash: twelve,
            previous_keystone_ep_hash: bytes[..12].try_into().unwrap(),
            state_root: more,
            ep_hash: twelve,
        };
        assert_eq!(OldKeystone::from_payload(&old.payload()), Some(old));
        let liquid = CoreLiquidDelegation { chain: short, delegator: twenty, fee: byte };
        assert_eq!(CoreLiquidDelegation::from_bytes(&liquid.to_bytes()), Some(liquid));
        let script = op_return(&liquid.to_bytes()).into_bytes();
        assert_eq!(format(&script, OUTPUT), Some("core_liquid_stake"));
        let lock = [CoreLock::Time(number), CoreLock::Untold][usize::from(byte % 2)].clone();
        let stake = CoreDelegation { chain: short, delegator: twenty, validator: other, fee: byte, lock };
        assert_eq!(CoreDelegation::from_bytes(&stake.to_bytes()), Some(stake));
        let power = CoreHashPower { validator: twenty, reward: other };
        assert_eq!(CoreHashPower::from_bytes(&power.to_bytes()), Some(power));
        let parents = more[..7].try_into().unwrap();
        let rsk = RskTag { hash_prefix: twenty, parents, uncles: byte, block_number: number };
        assert_eq!(RskTag::from_bytes(&rsk.to_bytes()), Some(rsk));
        let commit = StacksBlockCommit {
            network: *b"T2",
            block_hash: bytes,
            new_seed: more,
            parent_block: number,
            parent_position: short,
            key_block: number.rotate_left(16),
            key_position: short.rotate_left(8),
            memo: byte >> 3,
            parent_modulus: byte & 7,
        };
        assert_eq!(StacksBlockCommit::from_bytes(&commit.to_bytes()), Some(commit));
        let aux = AuxPowTag { root: bytes, size: number, nonce: u32::from(short) };
        assert_eq!(AuxPowTag::find(&aux.to_bytes()), Some(aux));
    }

    #[test]
    fn no_data_make_a_format_panic(
        data in proptest::collection::vec(any::<u8>(), 0..90),
        trailing: u8,
        which in 0..10_usize,
        cut in 0..90_usize,
    ) {
        let vector = script(vectors()[which].0);
        let mut mixed = vector[..cut.min(vector.len())].to_vec();
        mixed.extend(&data);
        for script in [op_return(&data).into_bytes(), [&[0x6a, trailing], &data[..]].concat(), mixed] {
            for transaction in [paying(std::slice::from_ref(&script)), crate::testing::coinbase()] {
                let mut transaction = transaction;
                transaction.output[0].script_pubkey = script.clone().into();
                for told in Registry::new().explain(&transaction) {
                    assert!(told.data.len() + told.trailing < script.len() + 5);
                }
            }
        }
    }
}
