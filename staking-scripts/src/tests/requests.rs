//! Stake requests: an honest one is accepted and answered, and each rule is broken once.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction, TxOut, Txid};
use eots::{Operation, SecretKey, SigningContext};

use super::{key, keys};
use crate::SigningError;
use crate::{
    AcceptedStake, AnswerError, ChainRules, Claim, ConsumerProviders, ExtensionError, ExtensionTransaction,
    Funded, FundingCoin, InvalidConsumerProviders, Parameters, ProofOfPossession, RunningStake,
    SignedSlashing, SlashingTransaction, StakeRequest, StakeViolation, StakedTo, StakingOutput,
    StakingTransaction, Timelock, UnbondingOutput, UnbondingTransaction, Versions, key_path_script,
    sign_key_path,
};

/// Mainnet's shape with keys of ours: nine members, six of whom sign, in an order that is not sorted.
pub(super) fn parameters(first_member: usize) -> Parameters {
    let mut file: serde_json::Value =
        serde_json::from_str(include_str!("../../data/mainnet-parameters.json")).unwrap();
    let members: Vec<String> =
        (first_member..first_member + 9).map(|n| key("member", n).public_key().to_string()).collect();
    let fields = &mut file["params"][0]["params"];
    fields["covenant_pks"] = serde_json::json!(members);
    fields["min_staking_time_blocks"] = serde_json::json!(1000);
    Versions::<Parameters>::from_json(&file.to_string()).unwrap().get(0).unwrap().clone()
}

fn members(first: usize) -> Vec<SecretKey> {
    (first..first + 9).map(|n| key("member", n)).collect()
}

pub(super) fn coin(number: u8, sat: u64) -> FundingCoin {
    let outpoint = OutPoint::new(Txid::from_byte_array([number; 32]), 0);
    let script_pubkey = key_path_script(key("wallet", 0).public_key());
    FundingCoin::new(outpoint, TxOut { value: Amount::from_sat(sat), script_pubkey }).unwrap()
}

fn possession(staker: &SecretKey) -> (Claim, ProofOfPossession) {
    proven(staker, Claim::genesis("bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap()).unwrap())
}

pub(super) fn proven(staker: &SecretKey, claim: Claim) -> (Claim, ProofOfPossession) {
    let proof = ProofOfPossession::create_bip340(staker, &claim);
    (claim, proof)
}

fn context() -> SigningContext {
    SigningContext::new(Operation::StakerPop, "a-consumer", "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm")
}

/// A consumer chain's rules.
pub(super) fn consumer_rules() -> ChainRules {
    ChainRules { signing_context: Some(context()), ..ChainRules::MAINNET }
}

fn consumer_possession(staker: &SecretKey) -> (Claim, ProofOfPossession) {
    proven(staker, Claim::consumer(context(), "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap()))
}

pub(super) fn consumers(count: usize) -> StakedTo {
    let providers = keys("provider", count);
    let named = providers.iter().enumerate().map(|(n, key)| (format!("chain-{n}"), *key.public_key()));
    StakedTo::Consumers(ConsumerProviders::new(named).unwrap())
}

/// A request for a stake that `transaction` makes.
pub(super) fn request_for(
    staking: &Funded<StakingOutput>,
    transaction: Transaction,
    staked_to: StakedTo,
    terms: &Parameters,
) -> StakeRequest {
    let staker = key("staker", 0);
    let request_is_genesis = matches!(staked_to, StakedTo::Genesis(_));
    let output = UnbondingOutput::new(staking.output().parties().clone(), terms.unbonding_time()).unwrap();
    let unbonding = UnbondingTransaction::new(staking, output, terms.unbonding_fee()).unwrap();
    let slashing = SlashingTransaction::new(staking, &terms.slashing_terms()).unwrap();
    let unbonding_slashing =
        SlashingTransaction::new(&unbonding.unbonding_output(), &terms.slashing_terms()).unwrap();
    let signed = |slashing: &SlashingTransaction| SignedSlashing {
        transaction: slashing.unsigned().clone(),
        staker: slashing.sign_as_staker(&staker).unwrap(),
    };
    StakeRequest {
        staker: *staker.public_key(),
        staked_to,
        staking_time_blocks: staking.output().staking_time().blocks().into(),
        staking_amount: staking.amount(),
        unbonding_time_blocks: terms.unbonding_time().blocks().into(),
        staking_transaction: transaction,
        unbonding_transaction: unbonding.unsigned().clone(),
        slashing: signed(&slashing),
        unbonding_slashing: signed(&unbonding_slashing),
        possession: match request_is_genesis {
            true => possession(&staker),
            false => consumer_possession(&staker),
        },
        extends: None,
        inclusion: None,
    }
}

pub(super) fn output(staked_to: &StakedTo, terms: &Parameters, blocks: u32) -> StakingOutput {
    let parties = terms.parties(*key("staker", 0).public_key(), staked_to.keys()).unwrap();
    StakingOutput::new(parties, Timelock::from_blocks(blocks).unwrap()).unwrap()
}

pub(super) fn honest(staked_to: StakedTo) -> (StakeRequest, Parameters) {
    let terms = parameters(0);
    let change = key_path_script(key("wallet", 0).public_key());
    let (amount, rate) = (Amount::from_sat(1_000_000), FeeRate::from_sat_per_vb_u32(5));
    let staking = StakingTransaction::build(
        output(&staked_to, &terms, 2000),
        amount,
        &[coin(1, 2_000_000)],
        change,
        rate,
    );
    let staking = staking.unwrap();
    let request = request_for(&staking.staking_output(), staking.unsigned().clone(), staked_to, &terms);
    (request, terms)
}

pub(super) fn genesis() -> StakedTo {
    StakedTo::Genesis(*key("provider", 0).public_key())
}

#[test]
fn an_honest_request_is_accepted_and_answered() {
    for staked_to in [genesis(), consumers(3)] {
        let providers = staked_to.keys().len();
        let rules = if providers == 1 { ChainRules::MAINNET } else { consumer_rules() };
        let (request, terms) = honest(staked_to);
        let accepted = request.check(&terms, None, rules).unwrap();
        assert_eq!(accepted.slashing().unsigned(), &request.slashing.transaction);
        assert_eq!(accepted.staking().amount(), request.staking_amount);
        let answers: Vec<_> = members(0)
            .iter()
            .map(|member| accepted.sign_as_covenant_member(member, &[0; 32]).unwrap())
            .collect();
        for answer in &answers {
            accepted.verify_answer(answer).unwrap();
            assert_eq!((answer.slashing.signatures.len(), &answer.extension), (providers, &None));
        }
        assert!(accepted.sign_as_covenant_member(&key("member", 100), &[0; 32]).is_err());
        // What they are for: the unbonding, and slashing with the key of any of the providers.
        let staker = accepted.unbonding().sign_as_staker(&key("staker", 0)).unwrap();
        let unbonding: Vec<_> = answers.iter().map(|answer| answer.unbonding).collect();
        accepted.unbonding().finalize(&staker, &unbonding).unwrap();
        let slashing: Vec<_> = answers.iter().map(|answer| answer.slashing.clone()).collect();
        let provider = key("provider", providers - 1);
        accepted.slashing().slash(&request.slashing.staker, &slashing, &provider).unwrap();
    }
}

/// The TypeScript library builds slashing transactions of version 2, and slashes as much or more.
#[test]
fn another_version_and_a_larger_slash_are_accepted() {
    let (mut request, terms) = honest(genesis());
    let accepted = request.check(&terms, None, ChainRules::MAINNET).unwrap();
    let given = &mut request.slashing;
    given.transaction.version = Version::TWO;
    given.transaction.output[0].value += Amount::from_sat(5);
    given.transaction.output[1].value -= Amount::from_sat(1000);
    assert_eq!(violated(&request, &terms), ["staker_signature"]);
    let amounts = [0, 1].map(|n: usize| given_amount(&request, n));
    let theirs = SlashingTransaction::laid_out(
        accepted.staking(),
        &terms.slashing_terms(),
        accepted.slashing().refund_output().output().clone(),
        Version::TWO,
        amounts,
    )
    .unwrap();
    request.slashing.staker = theirs.sign_as_staker(&key("staker", 0)).unwrap();
    assert_eq!(
        request.check(&terms, None, ChainRules::MAINNET).unwrap().slashing().fee(),
        terms.min_slashing_fee() + Amount::from_sat(995)
    );
}

fn given_amount(request: &StakeRequest, output: usize) -> Amount {
    request.slashing.transaction.output[output].value
}

pub(super) fn violated(request: &StakeRequest, terms: &Parameters) -> Vec<&'static str> {
    request.check(terms, None, ChainRules::MAINNET).unwrap_err().iter().map(StakeViolation::rule).collect()
}

#[test]
fn each_rule_is_broken_once() {
    type Break = fn(&mut StakeRequest);
    let cases: &[(&[&str], Break)] = &[
        (&["parties"], |r| r.staked_to = StakedTo::Genesis(r.staker)),
        (&["parties"], |r| r.staked_to = StakedTo::Genesis(*key("member", 3).public_key())),
        (&["possession"], |r| r.possession = possession(&key("another", 0))),
        (&["staking_time", "staking_output"], |r| r.staking_time_blocks = 999),
        (&["staking_time"], |r| r.staking_time_blocks = 0),
        (&["staking_time"], |r| r.staking_time_blocks = 65536),
        (&["staking_output"], |r| r.staking_time_blocks = 2001),
        (
            &[
                "unbonding_time",
                "output_script",
                "output_script",
                "unbonding_fee",
                "spends",
                "output_script",
                "fee_too_small",
                "staker_signature",
            ],
            |r| {
                r.unbonding_time_blocks = 1009;
                r.unbonding_transaction.output[0].value -= Amount::from_sat(1);
            },
        ),
        (&["staking_amount", "staked_amount"], |r| r.staking_amount = Amount::from_sat(499_999)),
        (&["staked_amount"], |r| r.staking_amount += Amount::from_sat(1)),
        (&["staking_output"], |r| {
            let again = r.staking_transaction.output[0].clone();
            r.staking_transaction.output.push(again);
        }),
        (&["staking_output"], |r| r.staking_transaction.output[0].script_pubkey = ScriptBuf::new()),
        (&["version", "spends"], |r| r.unbonding_transaction.version = Version::ONE),
        (&["version", "staker_signature"], |r| r.slashing.transaction.version = Version::non_standard(3)),
        (&["version", "staker_signature"], |r| {
            r.unbonding_slashing.transaction.version = Version::non_standard(0)
        }),
        (&["lock_time", "spends"], |r| r.unbonding_transaction.lock_time = LockTime::from_consensus(1)),
        (&["lock_time", "staker_signature"], |r| {
            r.slashing.transaction.lock_time = LockTime::from_consensus(1)
        }),
        (&["inputs", "staker_signature"], |r| {
            let again = r.slashing.transaction.input[0].clone();
            r.slashing.transaction.input.push(again);
        }),
        (&["inputs", "spends"], |r| r.unbonding_transaction.input.clear()),
        (&["outputs", "spends"], |r| {
            let out = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(vec![0x6a]) };
            r.unbonding_transaction.output.push(out);
        }),
        (&["input", "spends"], |r| r.unbonding_transaction.input[0].sequence = Sequence::ZERO),
        (&["input"], |r| r.slashing.transaction.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51])),
        (&["spends", "staker_signature"], |r| {
            r.unbonding_slashing.transaction.input[0].previous_output.vout = 1
        }),
        (&["spends", "staker_signature"], |r| {
            r.slashing.transaction.input[0].previous_output.txid = Txid::from_byte_array([9; 32])
        }),
        (&["output_script", "staker_signature"], |r| {
            r.slashing.transaction.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x6a, 0])
        }),
        (&["output_script", "staker_signature"], |r| {
            r.slashing.transaction.output[1].script_pubkey = key_path_script(key("wallet", 0).public_key());
        }),
        (&["output_amount", "staker_signature"], |r| {
            r.slashing.transaction.output[0].value -= Amount::from_sat(1);
        }),
        (&["fee_too_small", "staker_signature"], |r| {
            r.slashing.transaction.output[1].value += Amount::from_sat(1)
        }),
        (&["fee_too_small", "staker_signature"], |r| r.slashing.transaction.output[1].value = Amount::MAX),
        (&["unbonding_fee", "spends", "fee_too_small", "staker_signature"], |r| {
            r.unbonding_transaction.output[0].value -= Amount::from_sat(1)
        }),
        (&["unbonding_fee", "spends", "output_amount", "staker_signature"], |r| {
            r.unbonding_transaction.output[0].value += Amount::from_sat(64_000)
        }),
        (&["dust", "staker_signature"], |r| r.slashing.transaction.output[1].value = Amount::from_sat(329)),
        (&["staker_signature"], |r| r.slashing.staker = r.unbonding_slashing.staker),
        (&["staker_signature"], |r| r.unbonding_slashing.staker = r.slashing.staker),
        (&["too_heavy"], |r| {
            r.slashing.transaction.input[0].witness = bitcoin::Witness::from_slice(&[vec![0; 400_000]]);
        }),
        (&["coinbase"], |r| {
            r.staking_transaction.input.truncate(1);
            r.staking_transaction.input[0].previous_output = OutPoint::null();
        }),
    ];
    for (number, (rules, harm)) in cases.iter().enumerate() {
        let (mut request, terms) = honest(genesis());
        harm(&mut request);
        let mut found = violated(&request, &terms);
        // A staking transaction that changed is no longer spent by the others.
        if rules == &["coinbase"] {
            found.retain(|rule| *rule != "spends");
        }
        assert_eq!(found, *rules, "case {number}");
    }
}

/// All that is wrong is said at once.
#[test]
fn all_violations_are_listed() {
    let (mut request, terms) = honest(genesis());
    request.staking_amount = Amount::from_sat(1);
    request.possession = possession(&key("another", 0));
    request.unbonding_transaction.lock_time = LockTime::from_consensus(5);
    request.unbonding_transaction.output[0].value = Amount::from_sat(100);
    request.slashing.transaction.input[0].sequence = Sequence::ZERO;
    request.slashing.transaction.output[1].value = Amount::from_sat(100);
    let found = violated(&request, &terms);
    let expected = [
        "staking_amount",
        "possession",
        "input",
        "dust",
        "lock_time",
        "dust",
        "staked_amount",
        "staker_signature",
        "unbonding_fee",
        // Of the unbonding's slashing: the unbonding is another transaction now, and holds less.
        "spends",
        "fee_too_small",
        "staker_signature",
    ];
    assert_eq!(found, expected);
    for violation in request.check(&terms, None, ChainRules::MAINNET).unwrap_err() {
        assert!(!violation.to_string().is_empty());
    }
}

#[test]
fn providers_of_several_chains() {
    let [a, b] = [0, 1].map(|n| *key("provider", n).public_key());
    let new = |providers: &[(&str, _)]| {
        ConsumerProviders::new(providers.iter().map(|(chain, key)| ((*chain).to_owned(), *key)))
    };
    assert_eq!(new(&[]), Err(InvalidConsumerProviders::None));
    assert_eq!(new(&[("x", a), ("x", b)]), Err(InvalidConsumerProviders::SameChain("x".to_owned())));
    assert_eq!(new(&[("x", a), ("y", a)]), Err(InvalidConsumerProviders::SameKey(a)));
    assert_eq!(new(&[("x", a), ("y", b)]).unwrap().iter().collect::<Vec<_>>(), [("x", &a), ("y", &b)]);
}

pub(super) struct Extended {
    pub(super) request: StakeRequest,
    pub(super) old: Parameters,
    pub(super) new: Parameters,
}

/// A stake of two chains, extended to a third one, under a committee of which two members are new.
pub(super) fn extended() -> Extended {
    let (first, old) = honest(consumers(2));
    let new = parameters(2);
    let previous = first.check(&old, None, consumer_rules()).unwrap().staking().clone();
    let change = key_path_script(key("wallet", 0).public_key());
    let (amount, rate) = (Amount::from_sat(1_500_000), FeeRate::from_sat_per_vb_u32(5));
    let (coin, staked_to) = (coin(7, 900_000), consumers(3));
    let stake = output(&staked_to, &new, 3000);
    let extension =
        ExtensionTransaction::build(&previous, stake, amount, std::slice::from_ref(&coin), change, rate)
            .unwrap();
    let mut request = request_for(&extension.staking_output(), extension.unsigned().clone(), staked_to, &new);
    request.extends = Some(RunningStake {
        staking_transaction: first.staking_transaction,
        staked_to: first.staked_to,
        staking_time_blocks: first.staking_time_blocks,
        funding: coin.output().clone(),
    });
    Extended { request, old, new }
}

#[test]
fn an_extension_is_accepted_and_answered() {
    let Extended { request, old, new } = extended();
    let accepted: AcceptedStake = request.check(&new, Some(&old), consumer_rules()).unwrap();
    let extension = accepted.extension().unwrap();
    let mut signatures = Vec::new();
    // Members 2 to 10 are of the committee of the day, 0 to 8 of the old one. Who is in one of the two only
    // has nothing to sign.
    for number in 2..9 {
        let answer = accepted.sign_as_covenant_member(&key("member", number), &[0; 32]).unwrap();
        accepted.verify_answer(&answer).unwrap();
        let unsigned = crate::CovenantAnswer { extension: None, ..answer.clone() };
        let member = answer.unbonding.member;
        assert_eq!(accepted.verify_answer(&unsigned), Err(AnswerError::ExtensionNotSigned(member)));
        signatures.extend(answer.extension);
    }
    assert_eq!((signatures.len(), accepted.quorum()), (7, 6));
    for outside in [0, 1, 9, 10] {
        let member = key("member", outside);
        let refused = accepted.sign_as_covenant_member(&member, &[0; 32]).unwrap_err();
        assert_eq!(refused, SigningError::NotAMember(*member.public_key()));
    }
    let funding = sign_key_path(extension.psbt(), &key("wallet", 0)).unwrap();
    let staker = extension.sign_as_staker(&key("staker", 0)).unwrap();
    extension.finalize(&staker, &signatures, &funding).unwrap();
}

#[test]
fn each_rule_of_extensions_is_broken_once() {
    let refused = |harm: &dyn Fn(&mut Extended)| {
        let mut case = extended();
        harm(&mut case);
        case.request.check(&case.new, Some(&case.old), consumer_rules()).unwrap_err()
    };
    let running = |case: &mut Extended| case.request.extends.clone().unwrap();
    let found = refused(&|case| {
        let mut old = running(case);
        old.staking_time_blocks += 1;
        case.request.extends = Some(old);
    });
    assert!(matches!(found[..], [StakeViolation::RunningStake { .. }]), "{found:?}");
    let found = refused(&|case| {
        let mut old = running(case);
        old.funding.value = Amount::ZERO;
        case.request.extends = Some(old);
    });
    assert_eq!(found, [StakeViolation::Extension(ExtensionError::NoFee)]);
    let spends = |found: &[StakeViolation]| found.iter().filter(|v| v.rule() == "spends").count();
    // The staking transaction with a third input, another first one, or a lock time.
    let found = refused(&|case| {
        let again = case.request.staking_transaction.input[1].clone();
        case.request.staking_transaction.input.push(again);
    });
    assert_eq!((&found[1], spends(&found)), (&StakeViolation::Extension(ExtensionError::Inputs(3)), 2));
    assert_eq!(found[0].rule(), "impossible", "it spends an output twice");
    let found = refused(&|case| case.request.staking_transaction.input.swap(0, 1));
    assert!(matches!(found[0], StakeViolation::Extension(ExtensionError::Spends { .. })));
    let found = refused(&|case| case.request.staking_transaction.lock_time = LockTime::from_consensus(9));
    assert_eq!(found[0], StakeViolation::Extension(ExtensionError::NotFinal));
    let found = refused(&|case| case.request.staking_transaction.input[0].sequence = Sequence::ZERO);
    assert_eq!(found[0], StakeViolation::Extension(ExtensionError::NotFinal));
    // Under which parameters the running stake was made must be known, and be right.
    let Extended { request, new, .. } = extended();
    let found = request.check(&new, None, consumer_rules()).unwrap_err();
    assert!(matches!(found[..], [StakeViolation::RunningStake { .. }]), "{found:?}");
    let found = request.check(&new, Some(&new), consumer_rules()).unwrap_err();
    assert!(matches!(found[..], [StakeViolation::RunningStake { .. }]), "{found:?}");
}

#[test]
fn answers_that_do_not_hold() {
    let Extended { request, old, new } = extended();
    let accepted = request.check(&new, Some(&old), consumer_rules()).unwrap();
    let [one, two] = [2, 3].map(|n| accepted.sign_as_covenant_member(&key("member", n), &[0; 32]).unwrap());
    let mixed = crate::CovenantAnswer { slashing: two.slashing.clone(), ..one.clone() };
    let (a, b) = (one.unbonding.member, two.unbonding.member);
    assert_eq!(accepted.verify_answer(&mixed), Err(AnswerError::SeveralMembers(a, b)));
    let mut wrong = one.clone();
    wrong.unbonding.signature = one.extension.unwrap().signature;
    assert!(matches!(accepted.verify_answer(&wrong), Err(AnswerError::Unbonding(_))));
    let mut wrong = one.clone();
    wrong.slashing.signatures.swap(0, 1);
    assert!(matches!(accepted.verify_answer(&wrong), Err(AnswerError::Slashing(_))));
    let mut wrong = one.clone();
    wrong.unbonding_slashing.signatures.pop();
    assert!(matches!(accepted.verify_answer(&wrong), Err(AnswerError::UnbondingSlashing(_))));
    let mut wrong = one.clone();
    wrong.extension.as_mut().unwrap().signature = one.unbonding.signature;
    assert!(matches!(accepted.verify_answer(&wrong), Err(AnswerError::Extension(_))));
    let (plain, terms) = honest(genesis());
    let plain = plain.check(&terms, None, ChainRules::MAINNET).unwrap();
    let mut wrong = plain.sign_as_covenant_member(&key("member", 2), &[0; 32]).unwrap();
    wrong.extension = one.extension;
    assert_eq!(plain.verify_answer(&wrong), Err(AnswerError::NoExtension));
}

/// Verified together: each gets the verdict that it gets alone, whatever the others are.
#[test]
fn answers_are_judged_together_as_alone() {
    let Extended { request, old, new } = extended();
    let accepted = request.check(&new, Some(&old), consumer_rules()).unwrap();
    let sound: Vec<_> =
        (2..9).map(|n| accepted.sign_as_covenant_member(&key("member", n), &[0; 32]).unwrap()).collect();
    assert_eq!(accepted.verify_answers(&sound), vec![Ok(()); 7]);
    assert_eq!(accepted.verify_answers(&[]), []);
    let mut answers = sound.clone();
    answers[0].slashing.signatures.swap(0, 1);
    // Two parts are wrong, a signature and then a number of them: the first is named.
    answers[2].slashing.signatures[1] = sound[2].unbonding_slashing.signatures[1];
    answers[2].unbonding_slashing.signatures.pop();
    answers[3].extension = None;
    answers[5].unbonding.signature = sound[4].unbonding.signature;
    answers[6].unbonding_slashing.member = answers[5].unbonding.member;
    let alone: Vec<_> = answers.iter().map(|answer| accepted.verify_answer(answer)).collect();
    let wrong: Vec<_> = (0..7).filter(|index| alone[*index].is_err()).collect();
    assert_eq!(wrong, [0, 2, 3, 5, 6]);
    assert!(matches!(alone[2], Err(AnswerError::Slashing(_))));
    assert_eq!(accepted.verify_answers(&answers), alone);
}
