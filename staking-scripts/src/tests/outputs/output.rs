//! The scripts, compared with bytes written by hand from the protocol's text.

use bitcoin::secp256k1::SECP256K1;
use bitcoin::taproot::{LeafVersion, TapNodeHash};
use bitcoin::{Network, ScriptBuf, XOnlyPublicKey};
use proptest::prelude::*;

use crate::outputs::{
    CovenantCommittee, InvalidParties, LeafKeys, NUMS_INTERNAL_KEY, Parties, SlashingRefundOutput, SpendPath,
    StakingOutput, TaprootOutput, Timelock, UnbondingOutput, UnknownLeaf,
};
use crate::testing::{Scene, key, keys, public};

const CHECKSIG: u8 = 0xac;
const CHECKSIGVERIFY: u8 = 0xad;
const CHECKSIGADD: u8 = 0xba;
const NUMEQUAL: u8 = 0x9c;
const NUMEQUALVERIFY: u8 = 0x9d;
const CSV: u8 = 0xb2;

/// Returns the minimal push of a number.
fn number(n: u32) -> Vec<u8> {
    if n <= 16 {
        return vec![0x50 + n as u8];
    }
    let mut bytes = n.to_le_bytes().to_vec();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    if bytes.last().unwrap() & 0x80 != 0 {
        bytes.push(0);
    }
    [vec![bytes.len() as u8], bytes].concat()
}

fn push(key: &XOnlyPublicKey) -> Vec<u8> {
    [vec![32], key.serialize().to_vec()].concat()
}

/// `<pk1> CHECKSIG <pk2> CHECKSIGADD … <M> NUMEQUAL[VERIFY]`, ascending; a single key is plain
/// `CHECKSIG[VERIFY]`.
fn threshold(mut keys: Vec<XOnlyPublicKey>, m: u32, verify: bool) -> Vec<u8> {
    keys.sort_by_key(XOnlyPublicKey::serialize);
    if let [key] = keys.as_slice() {
        return [push(key), vec![if verify { CHECKSIGVERIFY } else { CHECKSIG }]].concat();
    }
    let mut script = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        script.extend(push(key));
        script.push(if index == 0 { CHECKSIG } else { CHECKSIGADD });
    }
    script.extend(number(m));
    script.push(if verify { NUMEQUALVERIFY } else { NUMEQUAL });
    script
}

fn timelock(staker: &XOnlyPublicKey, blocks: u32) -> Vec<u8> {
    [push(staker), vec![CHECKSIGVERIFY], number(blocks), vec![CSV]].concat()
}

fn unbonding(staker: &XOnlyPublicKey, members: &[XOnlyPublicKey], quorum: u32) -> Vec<u8> {
    [push(staker), vec![CHECKSIGVERIFY], threshold(members.to_vec(), quorum, false)].concat()
}

fn slashing(
    staker: &XOnlyPublicKey,
    providers: &[XOnlyPublicKey],
    members: &[XOnlyPublicKey],
    quorum: u32,
) -> Vec<u8> {
    let providers = threshold(providers.to_vec(), 1, true);
    [push(staker), vec![CHECKSIGVERIFY], providers, threshold(members.to_vec(), quorum, false)].concat()
}

fn hash(script: &[u8]) -> TapNodeHash {
    TapNodeHash::from_script(&ScriptBuf::from_bytes(script.to_vec()), LeafVersion::TapScript)
}

/// Returns the script pubkey of the NUMS point tweaked with this root.
fn paying_to(root: TapNodeHash) -> ScriptBuf {
    ScriptBuf::new_p2tr(SECP256K1, NUMS_INTERNAL_KEY.parse().unwrap(), Some(root))
}

fn script(output: &TaprootOutput, path: SpendPath) -> Vec<u8> {
    output.leaf(path).unwrap().script.to_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn outputs_have_the_protocols_bytes(
        providers in 1usize..6,
        members in 1usize..21,
        quorum in any::<prop::sample::Index>(),
        blocks in prop_oneof![
            1u32..=65535,
            Just(1),
            Just(16),
            Just(17),
            Just(127),
            Just(128),
            Just(255),
            Just(256),
            Just(32767),
            Just(32768),
            Just(65535),
        ],
    ) {
        let quorum = quorum.index(members) as u32 + 1;
        let staker = *key("staker", 1).public_key();
        let (providers, members) = (public(&keys("p", providers)), public(&keys("m", members)));
        let committee = CovenantCommittee::new(members.clone(), quorum as u16).unwrap();
        let parties = Parties::new(staker, providers.clone(), committee).unwrap();
        let time = Timelock::from_blocks(blocks).unwrap();
        let (t, u) = (timelock(&staker, blocks), unbonding(&staker, &members, quorum));
        let s = slashing(&staker, &providers, &members, quorum);

        let staking = StakingOutput::new(parties.clone(), time).unwrap();
        prop_assert_eq!(script(staking.taproot(), SpendPath::Timelock), t.clone());
        prop_assert_eq!(script(staking.taproot(), SpendPath::Unbonding), u.clone());
        prop_assert_eq!(script(staking.taproot(), SpendPath::Slashing), s.clone());
        let inner = TapNodeHash::from_node_hashes(hash(&u), hash(&t));
        let root = TapNodeHash::from_node_hashes(hash(&s), inner);
        prop_assert_eq!(staking.taproot().script_pubkey(), paying_to(root));

        let out = UnbondingOutput::new(parties, time).unwrap();
        prop_assert!(out.taproot().leaf(SpendPath::Unbonding).is_none());
        let root = TapNodeHash::from_node_hashes(hash(&s), hash(&t));
        prop_assert_eq!(out.taproot().script_pubkey(), paying_to(root));

        let refund = SlashingRefundOutput::new(staker, time).unwrap();
        prop_assert_eq!(refund.taproot().leaves().count(), 1);
        prop_assert_eq!(refund.taproot().script_pubkey(), paying_to(hash(&t)));

        // Every leaf is parsed to its keys, and its control block proves it to be in the output.
        for leaf in staking.taproot().leaves() {
            prop_assert_eq!(&LeafKeys::from_script(&leaf.script).unwrap(), &leaf.keys);
            let script_pubkey = staking.taproot().script_pubkey();
            let output_key = XOnlyPublicKey::from_slice(&script_pubkey.as_bytes()[2..]).unwrap();
            prop_assert!(leaf.control_block.verify_taproot_commitment(SECP256K1, output_key, &leaf.script));
        }
    }

    /// A script that is almost a leaf is not one.
    #[test]
    fn leaf_keys_of_a_changed_script_are_absent_or_others(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let scene = Scene::new(2, 5, 3);
        for leaf in scene.staking.output().taproot().leaves() {
            let mut bytes = leaf.script.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(keys) = LeafKeys::from_script(&ScriptBuf::from_bytes(bytes)) {
                prop_assert_ne!(keys, leaf.keys.clone());
            }
        }
    }

    /// Scripts have keys ascending; the same keys in another order make another output.
    #[test]
    fn leaf_keys_refuse_unsorted_keys(shift in 1usize..5) {
        let scene = Scene::new(5, 5, 3);
        for leaf in scene.staking.output().taproot().leaves() {
            let mut rotated = leaf.keys.clone();
            match &mut rotated {
                LeafKeys::Timelock { .. } => continue,
                LeafKeys::Unbonding { covenant, .. } => covenant.rotate_left(shift),
                LeafKeys::Slashing { finality_providers, .. } => finality_providers.rotate_left(shift),
            }
            let script = rotated.miniscript().unwrap().encode();
            prop_assert_eq!(LeafKeys::from_script(&script), Err(UnknownLeaf(script)));
        }
    }

    #[test]
    fn leaf_keys_of_any_script_never_panic(bytes: Vec<u8>) {
        let _ = LeafKeys::from_script(&ScriptBuf::from_bytes(bytes));
    }
}

#[test]
fn outputs_do_not_depend_on_the_order_of_keys() {
    let (staker, providers, members) =
        (*key("s", 0).public_key(), public(&keys("p", 4)), public(&keys("m", 9)));
    let output = |providers: Vec<_>, members: Vec<_>| {
        let parties = Parties::new(staker, providers, CovenantCommittee::new(members, 6).unwrap()).unwrap();
        StakingOutput::new(parties, Timelock::from_blocks(64000).unwrap()).unwrap().taproot().script_pubkey()
    };
    let reversed = |keys: &[XOnlyPublicKey]| keys.iter().rev().copied().collect::<Vec<_>>();
    assert_eq!(output(providers.clone(), members.clone()), output(reversed(&providers), reversed(&members)));
}

#[test]
fn descriptor_is_standard_and_ends_with_a_checksum() {
    let output = Scene::new(2, 3, 2).staking.output().taproot().clone();
    let text = output.descriptor().to_string();
    assert!(
        text.starts_with(&format!("tr({NUMS_INTERNAL_KEY},{{and_v(and_v(v:pk(")) && text.contains(")#"),
        "{text}"
    );
    let read: miniscript::Descriptor<XOnlyPublicKey> = text.parse().unwrap();
    assert_eq!(read.script_pubkey(), output.script_pubkey());
    assert_eq!(output.address(Network::Regtest).script_pubkey(), output.script_pubkey());
    assert!(output.address(Network::Regtest).to_string().starts_with("bcrt1p"));
    assert_eq!(output.internal_key().to_string(), NUMS_INTERNAL_KEY);
}

#[test]
fn committee_refuses_quorums_out_of_range_and_repeated_members() {
    let members = public(&keys("m", 3));
    let new =
        |members: &[XOnlyPublicKey], quorum| CovenantCommittee::new(members.to_vec(), quorum).unwrap_err();
    assert_eq!(new(&members, 0), InvalidParties::QuorumZero);
    assert_eq!(new(&members, 4), InvalidParties::QuorumAboveMembers { quorum: 4, members: 3 });
    assert_eq!(new(&[], 1), InvalidParties::QuorumAboveMembers { quorum: 1, members: 0 });
    assert_eq!(new(&[members[0], members[1], members[0]], 2), InvalidParties::DuplicateMember(members[0]));
    assert_eq!(new(&vec![members[0]; 1000], 2), InvalidParties::TooManyMembers(1000));
}

#[test]
fn parties_refuse_absent_and_repeated_keys() {
    let (staker, providers, members) =
        (*key("s", 0).public_key(), public(&keys("p", 2)), public(&keys("m", 3)));
    let committee = || CovenantCommittee::new(members.clone(), 2).unwrap();
    let new = |staker, providers: Vec<_>| Parties::new(staker, providers, committee()).unwrap_err();
    assert_eq!(new(staker, vec![]), InvalidParties::NoFinalityProvider);
    assert_eq!(new(staker, vec![staker]), InvalidParties::DuplicateKey(staker));
    assert_eq!(new(staker, vec![providers[0], providers[0]]), InvalidParties::DuplicateKey(providers[0]));
    assert_eq!(new(staker, vec![members[2]]), InvalidParties::DuplicateKey(members[2]));
    assert_eq!(new(members[1], providers), InvalidParties::DuplicateKey(members[1]));
    assert_eq!(new(staker, vec![staker; 1000]), InvalidParties::TooManyFinalityProviders(1000));
}

/// More keys than the interpreter's stack holds are refused: such an output could be paid and not spent.
#[test]
fn outputs_refuse_committees_too_large_for_the_interpreter() {
    let parties = |members| {
        let committee = CovenantCommittee::new(public(&keys("m", members)), 1).unwrap();
        Parties::new(*key("s", 0).public_key(), public(&keys("p", 1)), committee).unwrap()
    };
    let time = Timelock::from_blocks(10).unwrap();
    assert!(StakingOutput::new(parties(999), time).is_err());
    assert!(UnbondingOutput::new(parties(999), time).is_err());
    assert!(StakingOutput::new(parties(100), time).is_ok());
}
