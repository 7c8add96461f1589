//! The transactions that spend the outputs, from the first byte to the last signature.

use staking_scripts::LeafTransaction as _;
use staking_scripts::transactions::CovenantTransaction as _;
use std::collections::BTreeMap;

use bitcoin::consensus::encode;
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::schnorr;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, ScriptBuf, TapSighash, Transaction};
use eots::{AdaptorSignature, Parity, SecretKey};
use serde::Deserialize;
use staking_scripts::explain::explain;
use staking_scripts::outputs::{ProtocolOutput, TaprootOutput};
use staking_scripts::transactions::{
    CovenantAdaptorSignatures, CovenantSignature, Slashable, SlashingParameters, SlashingRate,
};
use staking_scripts::{
    Funded, SlashingTransaction, SpendPath, StakingOutput, TransactionKind, UnbondingOutput,
    UnbondingTransaction, WithdrawalTransaction,
};

use super::{Bytes, Hex, Outputs, STAKES, cases_of, keys, time, transaction};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) staker_secret: Bytes<32>,
    provider_secrets: Vec<Bytes<32>>,
    pub(super) covenant_secrets: Vec<Bytes<32>>,
    pub(super) amount_sat: u64,
    pub(super) staking_transaction: Hex,
    tag: Option<Bytes<4>>,
    pub(super) unbonding_fee_sat: u64,
    pub(super) slashing_rate: String,
    pub(super) slashing_pk_script: Hex,
    signers: Vec<usize>,
    provider: usize,
    pub(super) unbonding: Spend,
    pub(super) slashing: Slashing,
    pub(super) unbonding_slashing: Slashing,
    withdrawal: Withdrawal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spend {
    pub(super) transaction: Hex,
    pub(super) sighash: Bytes<32>,
    places: Vec<Hex>,
    wtxid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slashing {
    pub(super) fee_sat: u64,
    adaptor_signatures: Vec<Hex>,
    pub(super) spend: Spend,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    source: Source,
    sat_per_vbyte: u64,
    pub(super) spend: Spend,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Source {
    Staking,
    Unbonding,
    Refund,
}

/// A stake with everyone's secrets.
struct Stake {
    number: usize,
    case: Case,
    outputs: Outputs,
    staker: SecretKey,
    providers: Vec<SecretKey>,
    members: Vec<SecretKey>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    announced: usize,
    burnt: usize,
    /// Slashed amounts that exact arithmetic would round the other way.
    inexact: usize,
    adaptor_signatures: usize,
    odd_providers: usize,
}

#[test]
fn transactions_have_the_bytes_of_the_reference() {
    let (mut seen, mut withdrawn) = (Seen::default(), BTreeMap::new());
    for ((number, outputs), (_, case)) in
        Outputs::all().zip(cases_of::<Case>("staking", "transactions", STAKES))
    {
        let secrets = |secrets: &[Bytes<32>]| secrets.iter().map(Bytes::secret_key).collect::<Vec<_>>();
        let (providers, members) = (secrets(&case.provider_secrets), secrets(&case.covenant_secrets));
        let stake =
            Stake { number, staker: case.staker_secret.secret_key(), providers, members, case, outputs };
        stake.has_the_keys();

        let staking = stake.staking(&mut seen);
        let unbonding = stake.unbonding(&staking);
        let slashing = stake.slash(&staking, &stake.case.slashing, &mut seen);
        stake.slash(&unbonding, &stake.case.unbonding_slashing, &mut seen);
        let withdrawal = &stake.case.withdrawal;
        match withdrawal.source {
            Source::Staking => stake.withdraw(&staking),
            Source::Unbonding => stake.withdraw(&unbonding),
            Source::Refund => stake.withdraw(&slashing.refund_output()),
        }
        *withdrawn.entry(withdrawal.source).or_insert(0) += 1;
        seen.burnt += usize::from(slashing.unsigned().output[0].script_pubkey.is_op_return());
        seen.odd_providers += usize::from(stake.providers[stake.case.provider].parity() == Parity::Odd);
    }
    assert_eq!(
        seen,
        Seen { announced: 150, burnt: 100, inexact: 39, adaptor_signatures: 2692, odd_providers: 139 }
    );
    assert_eq!(withdrawn, [(Source::Staking, 111), (Source::Unbonding, 100), (Source::Refund, 89)].into());
}

impl Stake {
    fn has_the_keys(&self) {
        let public =
            |secrets: &[SecretKey]| secrets.iter().map(|secret| *secret.public_key()).collect::<Vec<_>>();
        assert_eq!(*self.staker.public_key(), self.outputs.staker.public_key(), "case {}", self.number);
        assert_eq!(public(&self.providers), keys(&self.outputs.finality_providers), "case {}", self.number);
        assert_eq!(public(&self.members), keys(&self.outputs.covenant), "case {}", self.number);
        assert_eq!(self.case.signers.len(), usize::from(self.outputs.quorum), "case {}", self.number);
    }

    /// The staking output, found in the transaction that pays to it.
    fn staking(&self, seen: &mut Seen) -> Funded<StakingOutput> {
        let transaction = transaction(&self.case.staking_transaction);
        let found = Funded::find(self.outputs.staking_output(), &transaction).unwrap();
        assert_eq!(found.amount().to_sat(), self.case.amount_sat, "case {}", self.number);
        assert_eq!(
            Funded::at(self.outputs.staking_output(), &transaction, found.outpoint().vout).unwrap(),
            found
        );

        let explanation = explain(&transaction);
        assert_eq!(
            explanation.op_return.map(|said| said.tag),
            self.case.tag.map(|tag| tag.0),
            "case {}",
            self.number
        );
        if let Some(said) = explanation.op_return {
            assert_eq!(explanation.kind, TransactionKind::Unknown, "the data alone are no stake");
            let known = [ProtocolOutput::Staking(found.output().clone())];
            let known = explanation.with_known_outputs(&transaction, &known);
            assert_eq!(known.kind, TransactionKind::Stake);
            assert_eq!(said.staker, *self.staker.public_key());
            assert_eq!([said.finality_provider], *keys(&self.outputs.finality_providers));
            assert_eq!(said.staking_time, time(self.outputs.staking_time));
            seen.announced += 1;
        }
        found
    }

    fn unbonding(&self, staking: &Funded<StakingOutput>) -> Funded<UnbondingOutput> {
        let fee = Amount::from_sat(self.case.unbonding_fee_sat);
        let ours = UnbondingTransaction::new(staking, self.outputs.unbonding_output(), fee).unwrap();
        assert_eq!(ours.fee(), fee);
        let theirs = &self.case.unbonding;
        self.same_transaction(theirs, ours.unsigned(), ours.sighash());

        // The same signatures, as both take no auxiliary randomness.
        let by = |member: &SecretKey| ours.sign_as_covenant_member_unchecked(member).unwrap();
        let (staker, mut given) = (ours.sign_as_staker(&self.staker).unwrap(), Vec::new());
        for (member, signature) in self.covenant_signatures(&theirs.places) {
            let signature = CovenantSignature { member: *member.public_key(), signature };
            assert_eq!(by(member), signature, "case {}", self.number);
            ours.verify_covenant(&signature).unwrap();
            given.push(signature);
        }
        // More than a quorum may be given: the first ones are taken, which are the reference's.
        given.extend(self.silent().map(by));
        let signed = ours.finalize(&staker, &given).unwrap();
        self.same_witness(theirs, &signed, staking.output().taproot(), SpendPath::Unbonding, staker);
        assert_eq!(explain(&signed).kind, TransactionKind::Unbonding);
        ours.unbonding_output()
    }

    fn slash<O: Slashable>(
        &self,
        source: &Funded<O>,
        case: &Slashing,
        seen: &mut Seen,
    ) -> SlashingTransaction {
        let rate: SlashingRate = self.case.slashing_rate.parse().unwrap();
        let terms = SlashingParameters {
            pk_script: ScriptBuf::from_bytes(self.case.slashing_pk_script.0.clone()),
            rate,
            fee: Amount::from_sat(case.fee_sat),
            unbonding_time: time(self.outputs.unbonding_time),
        };
        let ours = SlashingTransaction::of_version(source, &terms, Version::ONE).unwrap();
        let theirs = &case.spend;
        self.same_transaction(theirs, ours.unsigned(), ours.sighash());
        assert_eq!(ours.fee(), terms.fee);
        let exact =
            (u128::from(source.amount().to_sat()) * u128::from(rate.ten_thousandths()) + 5_000) / 10_000;
        seen.inexact += usize::from(u128::from(ours.unsigned().output[0].value.to_sat()) != exact);

        let (staker, provider) =
            (ours.sign_as_staker(&self.staker).unwrap(), &self.providers[self.case.provider]);
        let mut given: Vec<_> = self
            .case
            .signers
            .iter()
            .zip(&case.adaptor_signatures)
            .map(|(signer, list)| {
                let signatures =
                    list.0.chunks(65).map(|bytes| AdaptorSignature::from_slice(bytes).unwrap()).collect();
                CovenantAdaptorSignatures { member: *self.members[*signer].public_key(), signatures }
            })
            .collect();
        assert_eq!(given.len(), self.case.signers.len());
        let decrypted: BTreeMap<_, _> = self
            .covenant_signatures(&theirs.places)
            .map(|(member, signature)| (member.public_key().serialize(), signature))
            .collect();
        for of_member in &given {
            ours.verify_covenant(of_member).unwrap();
            let adaptor = &of_member.signatures[self.case.provider];
            let signature = decrypted[&of_member.member.serialize()];
            assert_eq!(adaptor.decrypt(provider).unwrap(), signature, "case {}", self.number);
            assert_eq!(
                adaptor.recover(&signature).unwrap().public_key(),
                provider.public_key(),
                "case {}",
                self.number
            );
            seen.adaptor_signatures += of_member.signatures.len();
        }
        given.extend(
            self.silent().map(|member| ours.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap()),
        );
        let signed = ours.slash(&staker, &given, provider).unwrap();
        self.same_witness(theirs, &signed, source.output().taproot(), SpendPath::Slashing, staker);
        assert_eq!(explain(&signed).spent[0].provider_signers, [*provider.public_key()]);
        // The key of any other provider does it as well.
        for other in &self.providers {
            let slashed = ours.slash(&staker, &given, other).unwrap();
            assert_eq!(
                slashed == signed,
                other.public_key() == provider.public_key(),
                "case {}",
                self.number
            );
        }
        ours
    }

    fn withdraw<O: staking_scripts::transactions::HasTaproot>(&self, source: &Funded<O>) {
        let case = &self.case.withdrawal;
        let destination = transaction(&case.spend.transaction).output[0].script_pubkey.clone();
        let rate = FeeRate::from_sat_per_vb(case.sat_per_vbyte).unwrap();
        let ours = WithdrawalTransaction::new(source, destination, rate).unwrap();
        let theirs = &case.spend;
        self.same_transaction(theirs, ours.unsigned(), ours.sighash());
        let staker = ours.sign_as_staker(&self.staker).unwrap();
        let signed = ours.finalize(&staker).unwrap();
        self.same_witness(theirs, &signed, source.output().taproot(), SpendPath::Timelock, staker);
    }

    fn same_transaction(&self, theirs: &Spend, ours: &Transaction, sighash: TapSighash) {
        assert_eq!(
            hex::encode(encode::serialize(ours)),
            hex::encode(&theirs.transaction.0),
            "case {}",
            self.number
        );
        assert_eq!(*sighash.as_byte_array(), theirs.sighash.0, "case {}", self.number);
    }

    /// The whole witness: the file has the places, and the id of the signed transaction for the rest.
    fn same_witness(
        &self,
        theirs: &Spend,
        ours: &Transaction,
        output: &TaprootOutput,
        path: SpendPath,
        staker: schnorr::Signature,
    ) {
        let leaf = output.leaf(path).unwrap();
        let elements: Vec<_> = theirs.places.iter().map(|place| place.0.clone()).collect();
        let end = [leaf.script.to_bytes(), leaf.control_block.serialize()];
        assert_eq!(
            ours.input[0].witness.to_vec(),
            [elements, end.to_vec()].concat(),
            "case {}, {path}",
            self.number
        );
        assert_eq!(ours.compute_wtxid().to_string(), theirs.wtxid, "case {}, {path}", self.number);
        assert_eq!(theirs.places.last().unwrap().0, staker.serialize(), "case {}, {path}", self.number);
    }

    /// The covenant members that signed, with their signatures: the first places, by descending key.
    fn covenant_signatures<'a>(
        &'a self,
        places: &'a [Hex],
    ) -> impl Iterator<Item = (&'a SecretKey, schnorr::Signature)> {
        let mut sorted: Vec<_> = self.members.iter().enumerate().collect();
        sorted.sort_by_key(|(_, member)| member.public_key().serialize());
        sorted.into_iter().rev().zip(places).filter_map(|((index, member), place)| {
            assert_eq!(!place.0.is_empty(), self.case.signers.contains(&index), "case {}", self.number);
            schnorr::Signature::from_slice(&place.0).ok().map(|signature| (member, signature))
        })
    }

    /// The members that did not sign.
    fn silent(&self) -> impl Iterator<Item = &SecretKey> {
        self.members
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.case.signers.contains(index))
            .map(|(_, member)| member)
    }
}
