//! A stake of mainnet's shape: nine covenant members with a quorum of six, and one finality provider.

use std::hint::black_box;

use eots::{AdaptorSignature, SecretKey};
use staking_scripts::bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use staking_scripts::bitcoin::{Amount, FeeRate, ScriptBuf, XOnlyPublicKey};
use staking_scripts::delegation::NewDelegation;
use staking_scripts::possession::PossessionMessage;
use staking_scripts::testing::{
    coin, covenant_signatures, key, members, parameters_changed, possession, wallet,
};
use staking_scripts::transactions::{LeafTransaction as _, NewStake};
use staking_scripts::{
    ChainRules, CheckedDelegation, CovenantSignatures, Delegation, FundingCoin, Parameters, ParametersAt,
    ProofOfPossession, StakedTo, StakingOutput, StakingTransaction, Timelock,
};

pub(crate) struct Stake {
    staker: SecretKey,
    provider: SecretKey,
    members: Vec<SecretKey>,
    parameters: Parameters,
    coin: FundingCoin,
    change: ScriptBuf,
    possession: (PossessionMessage, ProofOfPossession),
}

impl Stake {
    pub(crate) fn new() -> Self {
        let (staker, provider) = (key("staker", 0), key("provider", 0));
        // Mainnet's version 3, with other keys.
        let parameters = parameters_changed(|fields| {
            fields["max_staking_value_sat"] = "500000000000".into();
            fields["min_staking_time_blocks"] = 64_000.into();
            fields["unbonding_fee_sat"] = "32000".into();
        });
        let possession = possession(&staker);
        let (members, coin, change) = (members(0), coin(7, 1_500_000), wallet());
        Self { staker, provider, members, parameters, coin, change, possession }
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
        let mut delegation = Delegation::signed(&stake, &self.staker).expect("paid, by the staker");
        delegation.proof_of_possession = Some(self.possession.clone());
        delegation
    }

    fn checked(&self, delegation: &Delegation) -> CheckedDelegation {
        delegation.check_under(&self.parameters, None, ChainRules::MAINNET).expect("every rule is kept")
    }

    /// Returns the signatures of all members.
    pub(crate) fn covenant_signatures(&self) -> Vec<CovenantSignatures> {
        let checked = self.checked(&self.staked());
        self.members.iter().map(|member| covenant_signatures(&checked, member)).collect()
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
        covenant_signatures(&self.checked(delegation), &self.members[4])
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
            black_box(self.stake.staker.sign_bip340(*sighash).expect("a signature"));
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
        black_box(member.sign_bip340(*unbonding).expect("a signature"));
        for sighash in slashing {
            let provider = self.stake.provider.public_key();
            black_box(AdaptorSignature::sign(member, provider, *sighash, &[0; 32]).expect("a signature"));
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

fn verify(signature: &schnorr::Signature, sighash: &Message, key: &XOnlyPublicKey) {
    SECP256K1.verify_schnorr(signature, sighash, key).expect("valid");
}
