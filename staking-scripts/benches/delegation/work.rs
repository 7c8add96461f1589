//! A stake of mainnet's shape: nine covenant members with a quorum of six, and one finality provider.

use finality::SigningContext;
use std::hint::black_box;

use eots::{AdaptorSignature, SecretKey};
use staking_scripts::bitcoin::hashes::{Hash, sha256};
use staking_scripts::bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use staking_scripts::bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, TxOut, Txid, XOnlyPublicKey};
use staking_scripts::coins::key_path_script;
use staking_scripts::delegation::{MemoryCovenantRecord, NewDelegation};
use staking_scripts::possession::PossessionMessage;
use staking_scripts::transactions::{LeafTransaction as _, NewStake};
use staking_scripts::{
    ChainRules, CheckedDelegation, CovenantSignatures, Delegation, FundingCoin, Parameters, ParametersAt,
    ParametersHistory, ProofOfPossession, StakedTo, StakingOutput, StakingTransaction, Timelock,
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
    possession: (PossessionMessage, ProofOfPossession),
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&sha256::Hash::hash(&[number]).to_byte_array()).expect("a key")
}

impl Stake {
    pub(crate) fn new() -> Self {
        let members: Vec<_> = (0..MEMBERS).map(key).collect();
        let (staker, provider) = (key(100), key(101));
        let keys: Vec<_> = members.iter().map(|member| format!("\"{}\"", member.public_key())).collect();
        // Mainnet's version 3, with other keys.
        let version = format!(
            r#"[{{"covenant_pks": [{}], "covenant_quorum": 6, "min_staking_value_sat": 500000,
            "max_staking_value_sat": 500000000000, "min_staking_time_blocks": 64000, "max_staking_time_blocks": 64000,
            "slashing_pk_script": "agdiYWJ5bG9u", "min_slashing_tx_fee_sat": 100000, "slashing_rate": "0.001",
            "unbonding_time_blocks": 1008, "unbonding_fee_sat": 32000, "btc_activation_height": 891425}}]"#,
            keys.join(",")
        );
        let versions = ParametersHistory::<Parameters>::from_json(&version).expect("parameters");
        let wallet = key_path_script(key(102).public_key());
        let coin = TxOut { value: Amount::from_sat(1_500_000), script_pubkey: wallet.clone() };
        let message = PossessionMessage::new(
            SigningContext::GENESIS,
            "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().expect("an account"),
        );
        let message = message.expect("of genesis");
        let possession = (message.clone(), ProofOfPossession::create_bip340(&staker, &message));
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

    /// Builds the outputs and all four transactions, and signs as the staker.
    pub(crate) fn staked(&self) -> Delegation {
        let (staker, provider) = (*self.staker.public_key(), *self.provider.public_key());
        let parties = self.parameters.parties(staker, [provider]).expect("different keys");
        let time = Timelock::from_blocks(64_000).expect("a time");
        let output = StakingOutput::new(parties, time).expect("an output");
        let (coins, rate) = (std::slice::from_ref(&self.coin), FeeRate::from_sat_per_vb_u32(2));
        let amount = Amount::from_sat(1_000_000);
        let staking = StakingTransaction::build(NewStake {
            output,
            amount,
            coins,
            change: self.change.clone(),
            fee_rate: rate,
            op_return_tag: None,
        })
        .expect("funded");
        let (staked_to, parameters_at) = (StakedTo::Genesis(provider), ParametersAt::Version(0));
        let stake = NewDelegation {
            staked_to: &staked_to,
            staking: &staking.staking_output(),
            transaction: staking.unsigned(),
            parameters: &self.parameters,
            parameters_at,
        };
        let mut delegation = Delegation::new(&stake).expect("paid");
        let signed = delegation.sign_as_staker(&self.staker, self.possession.clone(), &self.parameters);
        signed.expect("the staker");
        delegation
    }

    fn checked(&self, delegation: &Delegation) -> CheckedDelegation {
        delegation.check_under(&self.parameters, None, ChainRules::MAINNET).expect("every rule is kept")
    }

    /// Returns the signatures of all members.
    pub(crate) fn covenant_signatures(&self) -> Vec<CovenantSignatures> {
        let checked = self.checked(&self.staked());
        let signed = |member| sign(&checked, member);
        self.members.iter().map(signed).collect()
    }

    /// Makes a complete delegation: built, signed by the staker, checked against every rule, and the members'
    /// signatures verified.
    pub(crate) fn delegation(&self, given: &[CovenantSignatures]) -> CheckedDelegation {
        let checked = self.checked(&self.staked());
        for verdict in checked.verify_covenant_signatures(given) {
            verdict.expect("valid");
        }
        checked
    }

    /// Makes one member's signatures: the delegation checked against every rule, the unbonding transaction
    /// signed, and adaptor signatures over both slashing transactions.
    pub(crate) fn member(&self, delegation: &Delegation) -> CovenantSignatures {
        sign(&self.checked(delegation), &self.members[4])
    }
}

/// The signatures alone of both benchmarks, over sighashes computed before.
pub(crate) struct Signatures<'a> {
    stake: &'a Stake,
    /// The sighashes of the unbonding transaction and of the two slashing transactions.
    sighashes: [Message; 3],
    staker: [schnorr::Signature; 2],
}

impl<'a> Signatures<'a> {
    pub(crate) fn new(stake: &'a Stake) -> Self {
        let delegation = stake.staked();
        let checked = stake.checked(&delegation);
        let presigned = checked.presigned();
        let [first, second] = [presigned.slashing.sighash(), presigned.unbonding_slashing.sighash()];
        let sighashes = [presigned.unbonding.sighash(), first, second].map(Message::from);
        let signed = [delegation.slashing, delegation.unbonding_slashing];
        let staker =
            signed.map(|slashing| slashing.and_then(|it| it.staker_signature).expect("the staker's"));
        Self { stake, sighashes, staker }
    }

    /// Makes and verifies the staker's signatures, and verifies the proof of possession and the members'
    /// signatures.
    pub(crate) fn delegation(&self, given: &[CovenantSignatures]) {
        let [unbonding, slashing @ ..] = &self.sighashes;
        for sighash in slashing {
            black_box(self.stake.staker.sign_bip340(*sighash));
        }
        self.verify_staker();
        for signed in given {
            verify(&signed.unbonding.signature, unbonding, &signed.unbonding.member);
            for (adaptors, sighash) in
                [&signed.slashing, &signed.unbonding_slashing].into_iter().zip(slashing)
            {
                let signature = &adaptors.signatures[0];
                signature
                    .verify(&adaptors.member, self.stake.provider.public_key(), *sighash)
                    .expect("valid");
            }
        }
    }

    /// Verifies the staker's signatures and the proof of possession, and makes the member's signatures.
    pub(crate) fn member(&self) {
        let [unbonding, slashing @ ..] = &self.sighashes;
        self.verify_staker();
        let member = &self.stake.members[4];
        black_box(member.sign_bip340(*unbonding));
        for sighash in slashing {
            let provider = self.stake.provider.public_key();
            black_box(AdaptorSignature::sign(member, provider, *sighash, &AUX).expect("a signature"));
        }
    }

    fn verify_staker(&self) {
        let (key, (message, proof)) = (self.stake.staker.public_key(), &self.stake.possession);
        proof.verify(key, message).expect("valid");
        for (signature, sighash) in self.staker.iter().zip(&self.sighashes[1..]) {
            verify(signature, sighash, key);
        }
    }
}

fn sign(checked: &CheckedDelegation, member: &SecretKey) -> CovenantSignatures {
    let record = &mut MemoryCovenantRecord::default();
    checked.sign_as_covenant_member(member, &AUX, record).expect("a member")
}

fn verify(signature: &schnorr::Signature, sighash: &Message, key: &XOnlyPublicKey) {
    SECP256K1.verify_schnorr(signature, sighash, key).expect("valid");
}
