//! Parsing of descriptors: every output is parsed from its own, and what is almost a descriptor is refused
//! with its own error.

use bitcoin::XOnlyPublicKey;
use miniscript::descriptor::checksum::Engine;
use miniscript::{DefiniteDescriptorKey, Descriptor};
use proptest::prelude::*;

use crate::outputs::{
    CovenantCommittee, DescriptorError as Error, InvalidParties, InvalidTimelock, NUMS_INTERNAL_KEY, Parties,
    ProtocolOutput, SlashingRefundOutput, StakingOutput, Timelock, UnbondingOutput,
};
use crate::testing::{key, keys, public};

fn sorted(mut keys: Vec<XOnlyPublicKey>) -> Vec<XOnlyPublicKey> {
    keys.sort_by_key(XOnlyPublicKey::serialize);
    keys
}

/// Returns the three outputs of a stake with ascending finality providers.
pub(super) fn outputs(providers: usize, members: usize, quorum: u16, blocks: u32) -> [ProtocolOutput; 3] {
    let (staker, time) = (*key("staker", 0).public_key(), Timelock::from_blocks(blocks).unwrap());
    let committee = CovenantCommittee::new(public(&keys("member", members)), quorum).unwrap();
    let parties = Parties::new(staker, sorted(public(&keys("provider", providers))), committee).unwrap();
    [
        ProtocolOutput::Staking(StakingOutput::new(parties.clone(), time).unwrap()),
        ProtocolOutput::Unbonding(UnbondingOutput::new(parties, time).unwrap()),
        ProtocolOutput::SlashingRefund(SlashingRefundOutput::new(staker, time).unwrap()),
    ]
}

pub(super) fn read(text: &str) -> Result<ProtocolOutput, Error> {
    text.parse()
}

pub(super) fn with_checksum(text: &str) -> String {
    let mut engine = Engine::new();
    engine.input(text).unwrap();
    format!("{text}#{}", engine.checksum())
}

/// The parts of a descriptor's text, to combine them in wrong ways.
pub(super) struct Parts {
    pub(super) staker: String,
    pub(super) providers: Vec<String>,
    pub(super) covenant: Vec<String>,
}

impl Parts {
    /// Returns the parts for 2 finality providers and 3 covenant members.
    pub(super) fn new() -> Self {
        let texts =
            |keys: Vec<XOnlyPublicKey>| sorted(keys).iter().map(ToString::to_string).collect::<Vec<_>>();
        let [staker, providers, covenant] = [("staker", 1), ("provider", 2), ("member", 3)]
            .map(|(name, count)| texts(public(&keys(name, count))));
        Self { staker: staker[0].clone(), providers, covenant }
    }

    pub(super) fn timelock(&self) -> String {
        format!("and_v(v:pk({}),older(1000))", self.staker)
    }

    pub(super) fn unbonding(&self) -> String {
        format!("and_v(v:pk({}),multi_a(2,{}))", self.staker, self.covenant.join(","))
    }

    pub(super) fn slashing(&self) -> String {
        let (providers, covenant) = (self.providers.join(","), self.covenant.join(","));
        format!("and_v(and_v(v:pk({}),v:multi_a(1,{providers})),multi_a(2,{covenant}))", self.staker)
    }

    pub(super) fn staking(&self) -> String {
        tr(&format!("{{{},{{{},{}}}}}", self.slashing(), self.unbonding(), self.timelock()))
    }

    pub(super) fn unbonding_output(&self) -> String {
        tr(&format!("{{{},{}}}", self.slashing(), self.timelock()))
    }
}

pub(super) fn tr(tree: &str) -> String {
    format!("tr({NUMS_INTERNAL_KEY},{tree})")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn descriptor_round_trips_each_output(
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
        let quorum = quorum.index(members) as u16 + 1;
        for output in outputs(providers, members, quorum, blocks) {
            let text = output.taproot().descriptor().to_string();
            let back = read(&text).unwrap();
            prop_assert_eq!(&back, &output);
            prop_assert_eq!(back.taproot().script_pubkey(), output.taproot().script_pubkey());
            prop_assert_eq!(back.taproot().descriptor().to_string(), text.clone());
            // The miniscript library hashes the tree too, to the same output.
            prop_assert_eq!(output.taproot().descriptor().script_pubkey(), output.taproot().script_pubkey());
            let (bare, _) = text.split_once('#').unwrap();
            prop_assert_eq!(with_checksum(bare), text.clone());
            prop_assert_eq!(&read(bare).unwrap(), &output);
        }
    }

    /// Characters changed, removed, doubled and added: no panic; and an output that is still read has the
    /// script of the text.
    #[test]
    fn descriptor_with_changed_characters_never_panics(
        which in 0usize..3,
        with_a_checksum: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, "[ -~]|[(){},:#0-9a-f]|é"), 1..4),
    ) {
        let output = &outputs(2, 3, 2, 1000)[which];
        let text = output.taproot().descriptor().to_string();
        let mut text: Vec<String> = text.split('#').next().unwrap().chars().map(String::from).collect();
        for (at, how, new) in changes {
            let at = at.index(text.len());
            match how {
                0 => text[at] = new,
                1 => drop(text.remove(at)),
                2 => text.insert(at, new),
                _ => text.insert(at, text[at].clone()),
            }
        }
        let mut text = text.concat();
        if with_a_checksum && text.is_ascii() {
            text = with_checksum(&text);
        }
        if let Ok(back) = read(&text) {
            let written: Descriptor<DefiniteDescriptorKey> = text.parse().unwrap();
            prop_assert_eq!(back.taproot().script_pubkey(), written.script_pubkey());
        }
    }

    #[test]
    fn descriptor_of_any_text_never_panics(text: String, tree in "[{}(),:#a-z0-9_]{0,40}") {
        let _ = read(&text);
        let _ = read(&tr(&tree));
    }
}

/// Deeply nested parentheses, wrappers and branches are refused without a stack overflow.
#[test]
fn descriptor_refuses_deep_and_long_texts() {
    let key = &Parts::new().staker;
    for text in [
        "(".repeat(100_000),
        "{".repeat(100_000) + &"}".repeat(100_000),
        tr(&("{".repeat(400) + &"}".repeat(400))),
        tr(&("and_v(".repeat(400) + &")".repeat(400))),
        tr(&format!("{}:pk({key})", "v".repeat(1_000_000))),
        tr(&format!("and_v({}:pk({key}),older(10))", "v".repeat(1_000_000))),
        tr(&format!("and_v(v:pk({key}),multi_a(1{}))", format!(",{key}").repeat(10_000))),
        tr(&("{".repeat(390) + "x" + &",x}".repeat(390))),
    ] {
        assert!(read(&text).is_err());
    }
}

#[test]
fn descriptor_tree_determines_the_output() {
    let kinds = outputs(2, 3, 2, 1000).map(|output| {
        let back = read(&output.taproot().descriptor().to_string()).unwrap();
        assert_eq!((back.staker(), back.timelock().blocks()), (key("staker", 0).public_key(), 1000));
        (back.as_str(), back.taproot().leaves().count(), back.parties().is_some())
    });
    assert_eq!(kinds, [("staking", 3, true), ("unbonding", 2, true), ("slashing-refund", 1, false)]);
    let parts = Parts::new();
    assert_eq!(read(&parts.staking()).unwrap(), outputs(2, 3, 2, 1000)[0]);
    assert_eq!(read(&parts.unbonding_output()).unwrap(), outputs(2, 3, 2, 1000)[1]);
    assert_eq!(read(&tr(&parts.timelock())).unwrap(), outputs(2, 3, 2, 1000)[2]);
}

/// The order that the staker gave the finality providers in is not in the script, so not in the descriptor.
#[test]
fn descriptor_has_finality_providers_ascending() {
    let (staker, providers) = (*key("staker", 0).public_key(), sorted(public(&keys("provider", 3))));
    let committee = CovenantCommittee::new(public(&keys("member", 3)), 2).unwrap();
    let given = Parties::new(staker, providers.iter().rev().copied(), committee).unwrap();
    let output = StakingOutput::new(given, Timelock::from_blocks(1000).unwrap()).unwrap();
    let back = read(&output.taproot().descriptor().to_string()).unwrap();
    assert_eq!(back.taproot(), output.taproot());
    assert_eq!(back.parties().unwrap().finality_providers().as_slice(), providers);
}

/// Other spellings of the same script are the same output, which is printed in the usual form.
#[test]
fn descriptor_in_another_spelling_is_the_same_output() {
    let parts = Parts::new();
    let (slashing, unbonding, timelock) = (parts.slashing(), parts.unbonding(), parts.timelock());
    let nested = format!(
        "and_v(v:pk({}),and_v(v:multi_a(1,{}),multi_a(2,{})))",
        parts.staker,
        parts.providers.join(","),
        parts.covenant.join(",")
    );
    for text in [
        tr(&format!("{{{{{unbonding},{timelock}}},{slashing}}}")),
        tr(&format!("{{{slashing},{{{timelock},{unbonding}}}}}")),
        tr(&format!("{{{nested},{{{unbonding},{timelock}}}}}")),
        parts.staking().replace("v:pk(", "vc:pk_k("),
        parts.staking().replace(&parts.staker, &parts.staker.to_uppercase()),
        parts.staking().replace(NUMS_INTERNAL_KEY, &NUMS_INTERNAL_KEY.to_uppercase()),
        parts.staking().replace("multi_a(2", "sortedmulti_a(2"),
    ] {
        assert_eq!(read(&text).unwrap(), outputs(2, 3, 2, 1000)[0], "{text}");
    }
}

#[track_caller]
fn refused(text: &str, breaks: fn(&Error) -> bool) {
    let error = read(text).unwrap_err();
    assert!(breaks(&error), "{error:?} of {text}");
    // With a right checksum it is refused too.
    assert_eq!(read(&with_checksum(text)), Err(error));
}

#[test]
fn descriptor_refuses_texts_of_another_form() {
    let parts = Parts::new();
    let (key, staking) = (&parts.staker, parts.staking());
    for text in
        ["", "tr", "zz", &format!("wpkh({key})"), &format!("wsh(pk({key}))"), &staking.replace("tr(", "TR(")]
    {
        refused(text, |error| *error == Error::NotTaproot);
    }
    refused(&tr(&format!("{},{}", parts.timelock(), parts.timelock())), |error| *error == Error::NotTaproot);
    refused(&format!("tr({NUMS_INTERNAL_KEY})"), |error| *error == Error::NoTree);
    for text in ["(", ")", "tr(", "tr(a))", "tr(a}", "tr(a)b", "a,b"] {
        refused(text, |error| matches!(error, Error::Syntax(_)));
    }
    for text in [format!("{staking}\n"), format!("{staking}é"), "\0".to_owned()] {
        assert!(matches!(read(&text), Err(Error::Syntax(_))), "{text:?}");
    }
    refused(&staking.replacen(NUMS_INTERNAL_KEY, key, 1), |error| matches!(error, Error::InternalKey(_)));
}

#[test]
fn descriptor_refuses_wrong_checksums() {
    let text = with_checksum(&Parts::new().staking());
    let (bare, checksum) = text.split_once('#').unwrap();
    let last = if checksum.ends_with('q') { 'p' } else { 'q' };
    for wrong in [
        format!("{bare}#"),
        format!("{bare}#qqqqqqqq"),
        format!("{bare}#{}", &checksum[..7]),
        format!("{bare}#{}{last}", &checksum[..7]),
        format!("{text}0"),
        text.replacen("older(1000)", "older(1001)", 1),
    ] {
        assert!(matches!(read(&wrong), Err(Error::Checksum(_))), "{wrong}");
    }
}

#[test]
fn descriptor_refuses_keys_of_another_form() {
    let parts = Parts::new();
    let (staking, key) = (parts.staking(), &parts.staker);
    let xpub = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8";
    let wif = "L3VFeEujGtevx9w18HD1fhRbCH67Az2dpCymeRE1SoPK6XQtaN2k";
    let others = [
        (format!("04{key}"), "begins with 02 or 03"),
        (format!("02{}", "ff".repeat(32)), "begins with 02 or 03"),
        (format!("04{key}{key}"), "something else"),
        (xpub.replacen("xpub", "xprv", 1), "a secret extended key"),
        (format!("[d34db33f/86'/0'/0']{xpub}/0/*"), "one child"),
        (format!("{xpub}/<0;1>/3"), "one child"),
        (format!("{xpub}/<{}0>{}", "0;".repeat(20_000), "/0".repeat(20_000)), "one child"),
        (format!("{xpub}/0'/3"), "not hardened"),
        (format!("{xpub}/x"), "not hardened"),
        (format!("{xpub}{}", "/0".repeat(256)), "not hardened"),
        (xpub.replace('D', "E"), "not an extended public key"),
        (format!("[d34db33]{key}"), "its origin is not [FINGERPRINT/PATH]"),
        (format!("[d34db33g/0]{key}"), "its origin is not [FINGERPRINT/PATH]"),
        (format!("[d34db33f/x]{key}"), "its origin is not [FINGERPRINT/PATH]"),
        (format!("[d34db33f/0/]{key}"), "its origin is not [FINGERPRINT/PATH]"),
        (format!("[d34db33f][d34db33f]{key}"), "its origin is not [FINGERPRINT/PATH]"),
        (format!("d34db33f]{key}"), "its origin is not [FINGERPRINT/PATH]"),
        (format!("[d34db33f/0]{}", "ff".repeat(32)), "x coordinate"),
        (format!("[d34db33f/0]{wif}"), "something else"),
        (format!("{key}/0"), "something else"),
        (wif.to_owned(), "something else"),
        ("ff".repeat(32), "x coordinate"),
        (key[..63].to_owned(), "something else"),
        (String::new(), "something else"),
        (format!("pk({key})"), "an expression"),
    ];
    for (other, reason) in others {
        for place in [key, &parts.providers[1], &parts.covenant[0], NUMS_INTERNAL_KEY] {
            let text = staking.replacen(place, &other, 1);
            let error = read(&text).unwrap_err();
            let Error::Key { position, .. } = error else { panic!("{error:?} of {text}") };
            assert_eq!(position, staking.find(place).unwrap(), "{text}");
            assert!(error.to_string().contains(reason), "{error} of {text}");
            // It may be a secret.
            assert!(other.is_empty() || !error.to_string().contains(&other), "{error}");
        }
    }
}

#[test]
fn descriptor_refuses_trees_of_another_shape() {
    let parts = Parts::new();
    let (s, u, t) = (parts.slashing(), parts.unbonding(), parts.timelock());
    for tree in [
        format!("{{{u},{{{s},{t}}}}}"),
        format!("{{{t},{{{u},{s}}}}}"),
        format!("{{{s},{{{s},{t}}}}}"),
        format!("{{{s},{{{u},{u}}}}}"),
        format!("{{{u},{t}}}"),
        format!("{{{s},{u}}}"),
        format!("{{{t},{t}}}"),
        s.clone(),
        u.clone(),
    ] {
        refused(&tr(&tree), |error| matches!(error, Error::Shape(_)));
    }
    let error = read(&tr(&format!("{{{u},{{{s},{t}}}}}"))).unwrap_err().to_string();
    assert!(error.contains("unbonding at depth 1, timelock at depth 2, slashing at depth 2"), "{error}");
    refused(&tr(&format!("{{{{{s},{u}}},{{{t},{t}}}}}")), |error| *error == Error::TooManyLeaves(4));
    refused(&tr(&format!("{{{s},{u},{t}}}")), |error| matches!(error, Error::Branch { sides: 3, .. }));
    refused(&tr(&format!("{{{s}}}")), |error| matches!(error, Error::Branch { sides: 1, .. }));
}

#[test]
fn descriptor_refuses_leaves_of_another_form() {
    let key = &Parts::new().staker;
    for leaf in [
        format!("pk({key})"),
        "older(1000)".to_owned(),
        format!("and_v(v:older(1000),pk({key}))"),
        format!("and_v(older(1000),pk({key}))"),
        format!("and_v(v:pk({key}),after(1000))"),
        format!("and_v(v:pkh({key}),older(1000))"),
        format!("and_b(pk({key}),a:older(1000))"),
        format!("and_v(v:pk({key}),v:older(1000))"),
        format!("and_v(v:pk{{{key}}},older(1000))"),
        format!("and_v(v:pk({key}),older(1000),older(1000))"),
        format!("and_v(v:pk({key}),sorted_multi_a(1,{key}))"),
        format!("x{{{key},{key}}}"),
        "0".to_owned(),
        String::new(),
    ] {
        refused(
            &tr(&leaf),
            |error| matches!(error, Error::Leaf(position) if *position == NUMS_INTERNAL_KEY.len() + 4),
        );
    }
    // The right parts, with a `v:` too few or too many.
    let timelock = Parts::new().timelock();
    for leaf in [timelock.replace("v:", ""), Parts::new().slashing().replace("v:multi_a", "multi_a")] {
        let tree = if leaf.contains("older") { leaf } else { format!("{{{leaf},{timelock}}}") };
        refused(&tr(&tree), |error| matches!(error, Error::Miniscript(_)));
    }
}

#[test]
fn descriptor_refuses_timelocks_in_time_or_out_of_range() {
    let with = |lock: &str| tr(&Parts::new().timelock().replace("1000", lock));
    // BIP-68: bit 22 is for time in units of 512 seconds; bit 31 disables the timelock.
    refused(&with("4194305"), |error| *error == Error::TimelockInTime(4_194_305));
    assert!(read(&with("4194305")).unwrap_err().to_string().contains("512 seconds"));
    refused(&with("4259839"), |error| *error == Error::TimelockInTime(4_259_839));
    for blocks in [0, 65_536, 4_194_303, 0x8000_0001, 0x8040_0001, u32::MAX] {
        let error = read(&with(&blocks.to_string())).unwrap_err();
        assert_eq!(error, Error::Timelock(InvalidTimelock(blocks)));
    }
    for none in ["", "01000", "+1000", "-1", "1000 ", "0x10", "4294967296", "a", "pk(a)"] {
        refused(&with(none), |error| matches!(error, Error::Number { most: u32::MAX, .. }));
    }
}

#[test]
fn descriptor_refuses_other_parties_and_orders() {
    let parts = Parts::new();
    let (staking, out) = (parts.staking(), parts.unbonding_output());
    let stranger = key("stranger", 0).public_key().to_string();
    let (providers, covenant) = (parts.providers.join(","), parts.covenant.join(","));
    let reversed = |keys: &[String]| keys.iter().rev().cloned().collect::<Vec<_>>().join(",");

    // Leaves of different stakers: the first is the slashing leaf.
    refused(&staking.replacen(&parts.staker, &stranger, 1), |error| matches!(error, Error::Stakers(..)));
    refused(&out.replacen(&parts.staker, &stranger, 1), |error| matches!(error, Error::Stakers(..)));
    let fewer = parts.covenant[1..].join(",");
    refused(&staking.replacen(&covenant, &fewer, 1), |error| *error == Error::Committees);
    refused(&staking.replacen("multi_a(2", "multi_a(3", 1), |error| *error == Error::Committees);

    // In another order.
    refused(&staking.replace(&covenant, &reversed(&parts.covenant)), |error| {
        matches!(error, Error::UnsortedCovenant(_))
    });
    refused(&staking.replace(&providers, &reversed(&parts.providers)), |error| {
        matches!(error, Error::UnsortedProviders(_))
    });

    // A single key with a count.
    let one = |of: &str, key: &str| staking.replace(&format!("multi_a({of})"), &format!("multi_a(1,{key})"));
    let lone = |error: &Error| matches!(error, Error::LoneKey(_));
    refused(&one(&format!("2,{covenant}"), &parts.covenant[0]), lone);
    refused(&one(&format!("1,{providers}"), &parts.providers[0]), lone);
    refused(&staking.replace(&format!(",{covenant}"), ""), lone);

    // More than one provider.
    refused(&staking.replace("multi_a(1", "multi_a(2"), |error| *error == Error::ProviderThreshold(2));
    refused(&staking.replace("multi_a(1", "multi_a(0"), |error| *error == Error::ProviderThreshold(0));

    // The same key twice.
    let twice = parts.covenant[0].clone() + "," + &parts.covenant[0];
    refused(&staking.replace(&covenant, &twice), |error| {
        matches!(error, Error::Parties(InvalidParties::DuplicateMember(_)))
    });
    let duplicate = |error: &Error| matches!(error, Error::Parties(InvalidParties::DuplicateKey(_)));
    refused(&staking.replace(&parts.staker, &parts.providers[0]), duplicate);
    refused(&staking.replace(&parts.staker, &parts.covenant[2]), duplicate);
    refused(&staking.replace(&providers, &[&parts.providers[0][..]; 2].join(",")), duplicate);

    // Quorums out of range.
    let quorum = |k: &str| staking.replace("multi_a(2", &format!("multi_a({k}"));
    refused(&quorum("0"), |error| *error == Error::Parties(InvalidParties::QuorumZero));
    refused(&quorum("4"), |error| {
        *error == Error::Parties(InvalidParties::QuorumAboveMembers { quorum: 4, members: 3 })
    });
    for none in ["", "02", "65536", "-1", "two", "pk(a)"] {
        refused(&quorum(none), |error| matches!(error, Error::Number { most: 65535, .. }));
    }
}

#[test]
fn descriptor_refuses_more_keys_than_a_script_evaluates() {
    let keys = |count| sorted(public(&keys("m", count))).iter().map(ToString::to_string).collect::<Vec<_>>();
    let parts = Parts { covenant: keys(999), ..Parts::new() };
    refused(&parts.staking(), |error| matches!(error, Error::Parties(InvalidParties::Unscriptable(_))));
    let parts = Parts { covenant: keys(1000), ..Parts::new() };
    refused(&parts.staking(), |error| *error == Error::Parties(InvalidParties::TooManyMembers(1000)));
}
