//! One stake of mainnet's shape: nine members, six of whom must sign, and one finality provider.

use std::hint::black_box;

use eots::{AdaptorSignature, SecretKey};
use staking_scripts::bitcoin::hashes::{Hash, sha256};
use staking_scripts::bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use staking_scripts::bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, TxOut, Txid, XOnlyPublicKey};
use staking_scripts::{
    AcceptedStake, ChainRules, Claim, CovenantAnswer, FundingCoin, Parameters, PlannedTransactions,
    ProofOfPossession, SignedSlashing, SlashingTransaction, StakeRequest, StakedTo, StakingOutput,
    StakingTransaction, Timelock, Versions, key_path_script,
};

const MEMBERS: u8 = 9;
const AUX: [u8; 32] = [3; 32];

pub(crate) struct Stake {
    staker: SecretKey,
    provider: SecretKey,
    members: Vec<SecretKey>,
    parameters: Parameters,
    coin: FundingCoin,
    change: ScriptBuf,
    possession: (Claim, ProofOfPossession),
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&sha256::Hash::hash(&[number]).to_byte_array()).expect("a key")
}

impl Stake {
    pub(crate) fn new() -> Self {
        let members: Vec<_> = (0..MEMBERS).map(key).collect();
        let (staker, provider) = (key(100), key(101));
        let keys: Vec<_> = members.iter().map(|member| format!("\"{}\"", member.public_key())).collect();
        // As mainnet's version 3, with keys of ours.
        let version = format!(
            r#"[{{"covenant_pks": [{}], "covenant_quorum": 6, "min_staking_value_sat": 500000,
            "max_staking_value_sat": 500000000000, "min_staking_time_blocks": 64000, "max_staking_time_blocks": 64000,
            "slashing_pk_script": "agdiYWJ5bG9u", "min_slashing_tx_fee_sat": 100000, "slashing_rate": "0.001",
            "unbonding_time_blocks": 1008, "unbonding_fee_sat": 32000, "btc_activation_height": 891425}}]"#,
            keys.join(",")
        );
        let versions = Versions::<Parameters>::from_json(&version).expect("parameters");
        let wallet = key_path_script(key(102).public_key());
        let coin = TxOut { value: Amount::from_sat(1_500_000), script_pubkey: wallet.clone() };
        let claim = Claim::genesis("bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().expect("an account"));
        let claim = claim.expect("of genesis");
        let possession = (claim.clone(), ProofOfPossession::create_bip340(&staker, &claim));
        Self {
            staker,
            provider,
            members,
            parameters: versions.get(0).expect("one version").clone(),
            coin: FundingCoin::new(OutPoint::new(Txid::all_zeros(), 7), coin).expect("P2TR"),
            change: wallet,
            possession,
        }
    }

    /// Outputs, all four transactions, and the staker's signatures.
    pub(crate) fn request(&self) -> StakeRequest {
        let (staker, provider, terms) =
            (*self.staker.public_key(), *self.provider.public_key(), &self.parameters);
        let parties = terms.parties(staker, [provider]).expect("different keys");
        let time = Timelock::from_blocks(64_000).expect("a time");
        let output = StakingOutput::new(parties, time).expect("an output");
        let (coins, rate) = (std::slice::from_ref(&self.coin), FeeRate::from_sat_per_vb_u32(2));
        let amount = Amount::from_sat(1_000_000);
        let staking =
            StakingTransaction::build(output, amount, coins, self.change.clone(), rate).expect("funded");
        let planned = PlannedTransactions::new(&staking.staking_output(), terms).expect("paid");
        let signed = |slashing: &SlashingTransaction| SignedSlashing {
            transaction: slashing.unsigned().clone(),
            staker: slashing.sign_as_staker(&self.staker).expect("the staker"),
        };
        StakeRequest {
            staker,
            staked_to: StakedTo::Genesis(provider),
            staking_time_blocks: time.blocks().into(),
            staking_amount: amount,
            unbonding_time_blocks: terms.unbonding_time().blocks().into(),
            staking_transaction: staking.unsigned().clone(),
            unbonding_transaction: planned.unbonding.unsigned().clone(),
            slashing: signed(&planned.slashing),
            unbonding_slashing: signed(&planned.unbonding_slashing),
            possession: self.possession.clone(),
            extends: None,
            inclusion: None,
        }
    }

    fn accepted(&self, request: &StakeRequest) -> AcceptedStake {
        request.check(&self.parameters, None, ChainRules::MAINNET).expect("every rule is kept")
    }

    /// What all members sign.
    pub(crate) fn answers(&self) -> Vec<CovenantAnswer> {
        let accepted = self.accepted(&self.request());
        let answer = |member| accepted.sign_as_covenant_member(member, &AUX).expect("a member");
        self.members.iter().map(answer).collect()
    }

    /// A complete delegation: built, signed by the staker, checked by every rule, and all that the members
    /// signed verified.
    pub(crate) fn delegation(&self, answers: &[CovenantAnswer]) -> AcceptedStake {
        let accepted = self.accepted(&self.request());
        for verdict in accepted.verify_answers(answers) {
            verdict.expect("valid");
        }
        accepted
    }

    /// A member's complete answer: the request checked by every rule, the unbonding signed, and both slashing
    /// transactions, encrypted.
    pub(crate) fn answer(&self, request: &StakeRequest) -> CovenantAnswer {
        self.accepted(request).sign_as_covenant_member(&self.members[4], &AUX).expect("a member")
    }
}

/// The signatures of the two works and nothing else, over sighashes that are at hand.
pub(crate) struct Signatures<'a> {
    stake: &'a Stake,
    /// Of the unbonding transaction and of the two slashing transactions.
    sighashes: [[u8; 32]; 3],
    staker: [schnorr::Signature; 2],
}

impl<'a> Signatures<'a> {
    pub(crate) fn new(stake: &'a Stake) -> Self {
        let request = stake.request();
        let accepted = stake.accepted(&request);
        let slashing = [accepted.slashing(), accepted.unbonding_slashing()];
        let [first, second] = slashing.map(|slashing| slashing.sighash().expect("an input"));
        let unbonding = accepted.unbonding().sighash().expect("an input");
        let staker = [request.slashing.staker, request.unbonding_slashing.staker];
        Self { stake, sighashes: [unbonding, first, second], staker }
    }

    /// The staker's made and verified, the proof of possession and the members' verified.
    pub(crate) fn delegation(&self, answers: &[CovenantAnswer]) {
        let [unbonding, slashing @ ..] = &self.sighashes;
        for sighash in slashing {
            black_box(self.stake.staker.sign_bip340(sighash));
        }
        self.verify_staker();
        for answer in answers {
            verify(&answer.unbonding.signature, unbonding, &answer.unbonding.member);
            for (given, sighash) in [&answer.slashing, &answer.unbonding_slashing].into_iter().zip(slashing) {
                let signature = &given.signatures[0];
                signature.verify(&given.member, self.stake.provider.public_key(), sighash).expect("valid");
            }
        }
    }

    /// The staker's and the proof of possession verified, the member's made.
    pub(crate) fn answer(&self) {
        let [unbonding, slashing @ ..] = &self.sighashes;
        self.verify_staker();
        let member = &self.stake.members[4];
        black_box(member.sign_bip340(unbonding));
        for sighash in slashing {
            let provider = self.stake.provider.public_key();
            black_box(AdaptorSignature::sign(member, provider, sighash, &AUX).expect("a signature"));
        }
    }

    fn verify_staker(&self) {
        let (key, (claim, proof)) = (self.stake.staker.public_key(), &self.stake.possession);
        proof.verify(key, claim).expect("valid");
        for (signature, sighash) in self.staker.iter().zip(&self.sighashes[1..]) {
            verify(signature, sighash, key);
        }
    }
}

fn verify(signature: &schnorr::Signature, sighash: &[u8; 32], key: &XOnlyPublicKey) {
    SECP256K1.verify_schnorr(signature, &Message::from_digest(*sighash), key).expect("valid");
}
