//! Leaf scripts: what is read as a leaf of the protocol is, byte for byte, the script that the protocol
//! writes for it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::bitcoin::opcodes::all::{
    OP_CHECKSIG, OP_CHECKSIGADD, OP_CHECKSIGVERIFY, OP_CSV, OP_NUMEQUAL, OP_NUMEQUALVERIFY,
};
use staking_scripts::bitcoin::script::Builder;
use staking_scripts::bitcoin::{Script, ScriptBuf, XOnlyPublicKey};
use staking_scripts::outputs::LeafKeys;
use staking_scripts::testing::{keys, public};
use staking_scripts::{CovenantCommittee, Parties, StakingOutput, Timelock};

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Pieces of scripts.
    Pieces(Vec<Piece>),
    /// A script of the protocol's, with this many pieces changed.
    Protocols {
        timelock: u16,
        providers: u8,
        members: u8,
        quorum: u16,
        order: Vec<u8>,
        changes: Vec<(u16, u8)>,
    },
}

#[derive(Arbitrary, Debug)]
enum Piece {
    /// One of the keys, ascending.
    Key(u8),
    /// As a script writes it.
    Number(i32),
    /// One of those that leaves have.
    Protocols(u8),
    /// Any.
    Raw(Vec<u8>),
}

static KEYS: LazyLock<Vec<XOnlyPublicKey>> = LazyLock::new(|| {
    let mut keys = public(&keys("any", 32));
    keys.sort_by_key(XOnlyPublicKey::serialize);
    keys
});

fuzz_target!(|input: Input| match input {
    Input::Bytes(bytes) => read(Script::from_bytes(&bytes)),
    Input::Pieces(pieces) => read(&join(&pieces)),
    Input::Protocols { timelock, providers, members, quorum, order, changes } =>
        protocols(timelock, (providers, members), quorum, (&order, &changes)),
});

fn join(pieces: &[Piece]) -> ScriptBuf {
    let opcodes = [OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_CHECKSIGADD, OP_NUMEQUAL, OP_NUMEQUALVERIFY, OP_CSV];
    let mut bytes = vec![];
    for piece in pieces {
        let builder = Builder::new();
        let script = match piece {
            Piece::Key(number) => {
                builder.push_x_only_key(&KEYS[usize::from(*number) % KEYS.len()]).into_script()
            }
            Piece::Number(number) => builder.push_int((*number).into()).into_script(),
            Piece::Protocols(number) => builder.push_opcode(opcodes[usize::from(*number) % 6]).into_script(),
            Piece::Raw(bytes) => ScriptBuf::from_bytes(bytes.clone()),
        };
        bytes.extend(script.into_bytes());
    }
    ScriptBuf::from_bytes(bytes)
}

fn protocols(
    timelock: u16,
    (providers, members): (u8, u8),
    quorum: u16,
    (order, changes): (&[u8], &[(u16, u8)]),
) {
    let (providers, members) = (usize::from(providers % 12) + 1, usize::from(members % 12) + 1);
    let mut keys = KEYS.clone();
    for (place, other) in order.iter().enumerate().take(32) {
        keys.swap(place, usize::from(*other) % 32);
    }
    let (covenant, rest) = keys.split_at(members);
    let quorum = quorum % u16::try_from(members).unwrap() + 1;
    let committee = CovenantCommittee::new(covenant.to_vec(), quorum).unwrap();
    let parties = Parties::new(rest[providers], rest[..providers].to_vec(), committee).unwrap();
    let Ok(timelock) = Timelock::from_blocks(timelock.into()) else { return };
    let output = StakingOutput::new(parties, timelock).unwrap();
    for leaf in output.taproot().leaves() {
        assert_eq!(LeafKeys::from_script(&leaf.script).unwrap(), leaf.keys);
        read(&leaf.script);
        let mut changed = leaf.script.to_bytes();
        btcstake_fuzz::change(&mut changed, &changes.to_vec());
        read(Script::from_bytes(&changed));
    }
}

fn read(script: &Script) {
    let Ok(keys) = LeafKeys::from_script(script) else { return };
    assert_eq!(&write(&keys), script);
    assert_eq!(keys.in_script_order().next(), Some(keys.staker()));
    let (covenant, quorum) = keys.covenant();
    assert!(usize::from(quorum) <= covenant.len());
    assert!((quorum == 0) == matches!(keys, LeafKeys::Timelock { .. }));
    for list in [keys.finality_providers(), covenant] {
        assert!(list.is_sorted_by_key(XOnlyPublicKey::serialize), "{list:?} is not ascending");
    }
}

/// The script as the protocol describes it, without the library.
fn write(keys: &LeafKeys) -> ScriptBuf {
    let start = Builder::new().push_x_only_key(keys.staker()).push_opcode(OP_CHECKSIGVERIFY);
    match keys {
        LeafKeys::Timelock { timelock, .. } => start.push_int(timelock.blocks().into()).push_opcode(OP_CSV),
        LeafKeys::Unbonding { covenant, quorum, .. } => threshold(start, covenant, *quorum, false),
        LeafKeys::Slashing { finality_providers, covenant, quorum, .. } => {
            threshold(threshold(start, finality_providers, 1, true), covenant, *quorum, false)
        }
    }
    .into_script()
}

fn threshold(mut script: Builder, keys: &[XOnlyPublicKey], k: u16, verify: bool) -> Builder {
    if let [key] = keys {
        return script.push_x_only_key(key).push_opcode(if verify { OP_CHECKSIGVERIFY } else { OP_CHECKSIG });
    }
    for (place, key) in keys.iter().enumerate() {
        script =
            script.push_x_only_key(key).push_opcode(if place == 0 { OP_CHECKSIG } else { OP_CHECKSIGADD });
    }
    script.push_int(k.into()).push_opcode(if verify { OP_NUMEQUALVERIFY } else { OP_NUMEQUAL })
}
