//! Stakers and wallets that mean no good: what each of them tries, and that it is refused.

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Message, SECP256K1, SecretKey as EcdsaKey};
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, CompressedPublicKey, FeeRate, OutPoint, Psbt, ScriptBuf, TapSighashType, Transaction, TxOut,
    Txid, Witness, ecdsa, taproot,
};
use miniscript::{DefiniteDescriptorKey, Descriptor};

use super::requests::{
    Extended, coin, consumer_rules, consumers, extended, genesis, honest, output, parameters, proven,
    request_for, violated,
};
use super::{key, keys};
use crate::{
    ChainRules, ChildError, Claim, ConsumerProviders, ExtensionError, ExtensionTransaction, FinalizeError,
    Funded, FundingCoin, HeadersError, LeafKeys, Parties, SignedPsbtError, StakeViolation, StakedTo,
    StakingFinishedError, StakingOutput, StakingTransaction, Timelock, UnbondingOutput, UnbondingTransaction,
    inclusion_depth, key_path_script,
};

fn staking(coins: &[FundingCoin]) -> StakingTransaction {
    let (terms, change) = (parameters(0), key_path_script(key("wallet", 0).public_key()));
    let rate = FeeRate::from_sat_per_vb_u32(5);
    StakingTransaction::build(
        output(&genesis(), &terms, 2000),
        Amount::from_sat(1_000_000),
        coins,
        change,
        rate,
    )
    .unwrap()
}

fn with_witness(psbt: &Psbt, input: usize, elements: &[Vec<u8>]) -> Psbt {
    let mut psbt = psbt.clone();
    psbt.inputs[input].final_script_witness = Some(Witness::from_slice(elements));
    psbt
}

/// A wallet, or whoever put PSBTs together, says that an input is finished.
#[test]
fn finished_witnesses_are_run() {
    let staking = staking(&[coin(1, 2_000_000)]);
    let wallet = key_path_script(key("wallet", 0).public_key());
    let child = staking.child_paying(wallet, FeeRate::from_sat_per_vb_u32(50)).unwrap();
    let Extended { request, old, new } = extended();
    let accepted = request.check(&new, Some(&old), consumer_rules()).unwrap();
    let extension = accepted.extension().unwrap();
    let answer = |n| accepted.sign_as_covenant_member(&key("member", n), &[0; 32]).unwrap();
    let covenant: Vec<_> = (2..9).filter_map(|n| answer(n).extension).collect();
    let staker = extension.sign_as_staker(&key("staker", 0)).unwrap();
    for elements in [vec![vec![0xab; 64]], vec![], vec![vec![0; 64], vec![0x51], vec![0xc0; 33]]] {
        let stake = staking.finalize(&with_witness(staking.psbt(), 0, &elements));
        assert!(matches!(stake, Err(StakingFinishedError::Unsigned(_))), "{stake:?}");
        let paid = child.finalize(&with_witness(child.psbt(), 0, &elements));
        assert!(matches!(paid, Err(ChildError::Incomplete(_))), "{paid:?}");
        let extended = extension.finalize(&staker, &covenant, &with_witness(extension.psbt(), 1, &elements));
        assert!(matches!(extended, Err(FinalizeError::Unsatisfied(_))), "{extended:?}");
        assert!(crate::finalize_psbt(&with_witness(staking.psbt(), 0, &elements)).is_err());
        let review = crate::review_psbt(&with_witness(staking.psbt(), 0, &elements));
        assert_eq!(review.invalid_witnesses, [0]);
    }
    // What an honest wallet finished is taken.
    let signed = crate::sign_key_path(staking.psbt(), &key("wallet", 0)).unwrap();
    let done = staking.finalize(&signed).unwrap();
    let again = with_witness(staking.psbt(), 0, &done.input[0].witness.to_vec());
    assert_eq!(staking.finalize(&again).unwrap(), done);
    assert!(crate::review_psbt(&again).signatures[0].valid);
}

/// The coin's signature with this sighash type.
fn signed_p2tr(staking: &StakingTransaction, kind: TapSighashType) -> Psbt {
    let mut psbt = staking.psbt().clone();
    let prevouts = [psbt.inputs[0].witness_utxo.clone().unwrap()];
    let wallet = key("wallet", 0);
    let tweak = bitcoin::TapTweakHash::from_key_and_tweak(*wallet.public_key(), None).to_scalar();
    let sighash = SighashCache::new(&psbt.unsigned_tx)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&prevouts), kind)
        .unwrap();
    let signature = wallet.add_x_only_tweak(&tweak).unwrap().sign_bip340(&sighash.to_byte_array());
    psbt.inputs[0].tap_internal_key = Some(*wallet.public_key());
    psbt.inputs[0].tap_key_sig = Some(taproot::Signature { signature, sighash_type: kind });
    psbt
}

/// With any type but ALL, somebody could take the coin out of the stake, and what is signed in advance would
/// be void.
#[test]
fn signatures_cover_the_whole_transaction() {
    let p2tr = staking(&[coin(1, 2_000_000)]);
    for kind in [TapSighashType::Default, TapSighashType::All] {
        let done = p2tr.finalize(&signed_p2tr(&p2tr, kind)).unwrap();
        assert_eq!(
            done.input[0].witness.nth(0).unwrap().len(),
            if kind == TapSighashType::All { 65 } else { 64 }
        );
    }
    let partial = [TapSighashType::None, TapSighashType::Single, TapSighashType::AllPlusAnyoneCanPay];
    for kind in partial.into_iter().chain([TapSighashType::NonePlusAnyoneCanPay]) {
        let error = p2tr.finalize(&signed_p2tr(&p2tr, kind)).unwrap_err();
        assert!(
            matches!(&error, StakingFinishedError::Unsigned(why) if why.contains("whole")),
            "{kind}: {error}"
        );
        assert!(!crate::review_psbt(&signed_p2tr(&p2tr, kind)).signatures[0].valid);
    }
    let secret = EcdsaKey::from_slice(&[0x21; 32]).unwrap();
    let public = CompressedPublicKey(secret.public_key(SECP256K1));
    let out = TxOut {
        value: Amount::from_sat(2_000_000),
        script_pubkey: ScriptBuf::new_p2wpkh(&public.wpubkey_hash()),
    };
    let coin = FundingCoin::new(OutPoint::new(Txid::from_byte_array([5; 32]), 0), out.clone()).unwrap();
    let p2wpkh = staking(&[coin]);
    for kind in [EcdsaSighashType::All, EcdsaSighashType::NonePlusAnyoneCanPay, EcdsaSighashType::Single] {
        let mut psbt = p2wpkh.psbt().clone();
        let sighash = SighashCache::new(&psbt.unsigned_tx)
            .p2wpkh_signature_hash(0, &out.script_pubkey, out.value, kind)
            .unwrap();
        let signature = SECP256K1.sign_ecdsa(&Message::from_digest(sighash.to_byte_array()), &secret);
        let signature = ecdsa::Signature { signature, sighash_type: kind };
        psbt.inputs[0].partial_sigs.insert(bitcoin::PublicKey::new(public.0), signature);
        assert_eq!(p2wpkh.finalize(&psbt).is_ok(), kind == EcdsaSighashType::All, "{kind}");
        assert_eq!(crate::review_psbt(&psbt).signatures[0].valid, kind == EcdsaSighashType::All, "{kind}");
    }
}

/// The proof must be of the dialect, the operation and the chain that the checker serves.
#[test]
fn proofs_of_possession_of_elsewhere() {
    use eots::{Operation, SigningContext};
    let staker = key("staker", 0);
    let account = || "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap();
    let (mut request, terms) = honest(genesis());
    for operation in [Operation::StakerPop, Operation::FinalityProviderPop, Operation::FinalityVote] {
        let context = SigningContext::new(operation, "some-other-chain", "bbn1whatever");
        request.possession = proven(&staker, Claim::consumer(context, account()));
        assert_eq!(violated(&request, &terms), ["signing_context"]);
        let rules = ChainRules { signing_context: Some(context), ..ChainRules::MAINNET };
        let found = request.check(&terms, None, rules).unwrap_err();
        assert_eq!(
            found,
            [StakeViolation::Dialect { genesis: false }],
            "a genesis stake on a consumer chain"
        );
    }
    let (mut request, terms) = honest(consumers(3));
    assert_eq!(violated(&request, &terms), ["signing_context", "dialect"]);
    request.check(&terms, None, consumer_rules()).unwrap();
    request.possession = proven(&staker, Claim::genesis(account()).unwrap());
    assert_eq!(violated(&request, &terms), ["dialect"], "several providers on genesis");
}

#[test]
fn staking_transactions_that_no_block_holds() {
    type Harm = fn(&mut Transaction);
    let harms: [(&str, Harm); 5] = [
        ("no inputs", |tx| tx.input.clear()),
        ("twice", |tx| tx.input.push(tx.input[0].clone())),
        ("spends no output", |tx| {
            let mut input = tx.input[0].clone();
            input.previous_output = OutPoint::null();
            tx.input.push(input);
        }),
        ("21 million", |tx| {
            tx.output.push(TxOut { value: Amount::from_sat(1 << 63), script_pubkey: ScriptBuf::new() })
        }),
        ("21 million", |tx| {
            tx.output.push(TxOut { value: Amount::MAX_MONEY, script_pubkey: ScriptBuf::new() })
        }),
    ];
    for (name, harm) in harms {
        let terms = parameters(0);
        let mut transaction = staking(&[coin(1, 2_000_000)]).unsigned().clone();
        harm(&mut transaction);
        let funded = Funded::find(output(&genesis(), &terms, 2000), &transaction).unwrap();
        let request = request_for(&funded, transaction, genesis(), &terms);
        let found = request.check(&terms, None, ChainRules::MAINNET).unwrap_err();
        assert!(
            matches!(&found[..], [StakeViolation::Impossible(why)] if why.contains(name)),
            "{name}: {found:?}"
        );
    }
}

/// What is wrong in one place does not hide what is wrong in another.
#[test]
fn nothing_is_hidden() {
    let (mut request, terms) = honest(genesis());
    request.unbonding_transaction.version = Version::ONE;
    request.unbonding_slashing.transaction.version = Version::non_standard(9);
    let found = violated(&request, &terms);
    assert_eq!(found, ["version", "version", "spends", "staker_signature"]);
    let (mut request, terms) = honest(genesis());
    request.staking_time_blocks = 0;
    request.staked_to = StakedTo::Genesis(request.staker);
    request.slashing.transaction.version = Version::non_standard(9);
    assert_eq!(violated(&request, &terms), ["staking_time", "version", "parties"]);
}

#[test]
fn extensions_that_are_almost_right() {
    let again = |change: &dyn Fn(&mut Transaction)| {
        let Extended { request, old, new } = extended();
        let mut transaction = request.staking_transaction.clone();
        change(&mut transaction);
        let funded = Funded::find(output(&request.staked_to, &new, 3000), &transaction).unwrap();
        let mut second = request_for(&funded, transaction, request.staked_to.clone(), &new);
        second.extends = request.extends;
        second.check(&new, Some(&old), consumer_rules())
    };
    // The change before the stake is allowed, and the stake is where it is.
    let accepted = again(&|tx| tx.output.swap(0, 1)).unwrap();
    let place = accepted.extension().unwrap().staking_output();
    assert_eq!((accepted.staking(), place.outpoint().vout), (&place, 1));
    // The running stake as its own funding.
    let found = again(&|tx| tx.input[1].previous_output = tx.input[0].previous_output).unwrap_err();
    let named = found
        .iter()
        .any(|found| matches!(found, StakeViolation::Extension(ExtensionError::FundedByItself(_))));
    assert!(named && found[0].rule() == "impossible", "{found:?}");
    // A provider given for another chain, and a stake of genesis extended to chains.
    let Extended { mut request, old, new } = extended();
    let StakedTo::Consumers(providers) = &request.staked_to else { panic!("consumers") };
    let moved = providers.iter().map(|(chain, key)| (format!("other-{chain}"), *key));
    request.staked_to = StakedTo::Consumers(ConsumerProviders::new(moved.collect::<Vec<_>>()).unwrap());
    let found = request.check(&new, Some(&old), consumer_rules()).unwrap_err();
    assert!(matches!(found[..], [StakeViolation::Extension(ExtensionError::ProviderMoved(_))]), "{found:?}");
    let Extended { mut request, old, new } = extended();
    request.extends.as_mut().unwrap().staked_to = genesis();
    let found = request.check(&new, Some(&old), consumer_rules()).unwrap_err();
    assert!(found.contains(&StakeViolation::OtherDialect), "{found:?}");
}

/// The id of a transaction that such a coin funds has the redeem script in it, which an extension has no
/// place for.
#[test]
fn a_nested_coin_funds_no_extension() {
    let (first, terms) = honest(genesis());
    let previous = first.check(&terms, None, ChainRules::MAINNET).unwrap().staking().clone();
    let public = CompressedPublicKey(EcdsaKey::from_slice(&[0x21; 32]).unwrap().public_key(SECP256K1));
    let descriptor: Descriptor<DefiniteDescriptorKey> = format!("sh(wpkh({public}))").parse().unwrap();
    let out = TxOut { value: Amount::from_sat(900_000), script_pubkey: descriptor.script_pubkey() };
    let outpoint = OutPoint::new(Txid::from_byte_array([5; 32]), 0);
    let nested = FundingCoin::with_descriptor(outpoint, out, &descriptor).unwrap();
    let stake = output(&genesis(), &terms, 3000);
    let (amount, rate) = (Amount::from_sat(1_500_000), FeeRate::from_sat_per_vb_u32(5));
    let change = key_path_script(key("wallet", 0).public_key());
    let built = ExtensionTransaction::build(&previous, stake, amount, &[nested], change, rate);
    assert_eq!(built, Err(ExtensionError::NestedCoin(outpoint)));
}

/// One good signature in every place, which would have to be tried with every key.
#[test]
fn a_witness_of_one_signature_many_times() {
    let covenant = keys("member", 480);
    let committee = crate::CovenantCommittee::new(covenant.iter().map(|k| *k.public_key()), 241).unwrap();
    let provider = *key("provider", 0).public_key();
    let parties = Parties::new(*key("staker", 0).public_key(), [provider], committee).unwrap();
    let time = |blocks| Timelock::from_blocks(blocks).unwrap();
    let stake = StakingOutput::new(parties.clone(), time(1000)).unwrap();
    let outpoint = OutPoint::new(Txid::from_byte_array([7; 32]), 1);
    let funded = Funded::new(stake, outpoint, Amount::from_sat(1_000_000));
    let waiting = UnbondingOutput::new(parties, time(100)).unwrap();
    let unbonding = UnbondingTransaction::new(&funded, waiting, Amount::from_sat(50_000)).unwrap();
    let leaf = funded.output().taproot().leaf(crate::Path::Unbonding).unwrap();
    let last = *leaf.keys.in_script_order().last().unwrap();
    let signer = covenant.iter().find(|key| *key.public_key() == last).unwrap();
    let signature = signer.sign_bip340(&unbonding.sighash().unwrap()).serialize().to_vec();
    let mut elements = vec![signature; 481];
    elements.extend([leaf.script.to_bytes(), leaf.control_block.serialize()]);
    let start = std::time::Instant::now();
    let found = unbonding.signatures(&with_witness(unbonding.psbt(), 0, &elements));
    assert_eq!(found, Err(SignedPsbtError::Witness));
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

/// Signatures by the thousand in one PSBT take time in proportion.
#[test]
fn large_psbts_take_little_time() {
    let staking = staking(&[coin(1, 2_000_000)]);
    let mut psbt = staking.psbt().clone();
    let (input, described) = (psbt.unsigned_tx.input[0].clone(), psbt.inputs[0].clone());
    let unbonding = {
        let (request, terms) = honest(genesis());
        request.check(&terms, None, ChainRules::MAINNET).unwrap().unbonding().psbt().inputs[0].clone()
    };
    for number in 0..4000_u32 {
        let mut input = input.clone();
        input.previous_output.vout = number + 10;
        psbt.unsigned_tx.input.push(input);
        psbt.inputs.push(if number % 2 == 0 { unbonding.clone() } else { described.clone() });
    }
    let start = std::time::Instant::now();
    let (signed, count) = crate::sign_psbt(&psbt, &key("staker", 0)).unwrap();
    assert_eq!((count, crate::review_psbt(&signed).signatures.len()), (2000, 2000));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn scripts_longer_than_any_leaf_are_not_decoded() {
    let pairs = [0x51_u8, 0x69].repeat(2_000_000);
    let start = std::time::Instant::now();
    assert!(LeafKeys::from_script(&ScriptBuf::from_bytes(pairs)).is_err());
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

/// Bits that a reader shifts out of the number are no target.
#[test]
fn targets_have_one_form() {
    use bitcoin::block::Header;
    let params = bitcoin::params::Params::REGTEST;
    let first = spv::testing::block_of(2).header;
    assert_eq!(inclusion_depth(&[first], &params), Ok(0));
    for bits in [0x407f_ffff_u32, 0x607f_ffff, 0xe07f_ffff, 0x2080_ffff, 0x2100_7fff] {
        let header = Header { bits: bitcoin::CompactTarget::from_consensus(bits), ..first };
        let found = inclusion_depth(&[header], &params);
        assert_eq!(found, Err(HeadersError::TargetForm { block: header.block_hash(), bits }), "{bits:08x}");
    }
}
