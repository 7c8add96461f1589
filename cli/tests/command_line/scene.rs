//! A stake's transactions, made with the library, for commands that read transactions.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Txid};
use eots::SecretKey;
use staking_scripts::coins::key_path_script;
use staking_scripts::transactions::{CovenantTransaction, LeafTransaction, SlashingParameters, SlashingRate};
use staking_scripts::{
    CovenantCommittee, Funded, Parties, SlashingTransaction, StakingOutput, Timelock, UnbondingOutput,
    UnbondingTransaction, WithdrawalTransaction,
};

pub(crate) struct Scene {
    pub(crate) staker: SecretKey,
    pub(crate) providers: Vec<SecretKey>,
    pub(crate) covenant: Vec<SecretKey>,
    parties: Parties,
    staking: Funded<StakingOutput>,
}

fn keys(first: u8, count: u8) -> Vec<SecretKey> {
    (first..first + count).map(|n| SecretKey::from_bytes(&[n; 32]).unwrap()).collect()
}

fn blocks(count: u32) -> Timelock {
    Timelock::from_blocks(count).unwrap()
}

impl Scene {
    /// 2 of 3 covenant members, 2 finality providers, one million satoshis.
    pub(crate) fn new() -> Self {
        let (staker, providers, covenant) = (keys(10, 1).remove(0), keys(20, 2), keys(30, 3));
        let public = |keys: &[SecretKey]| keys.iter().map(|key| *key.public_key()).collect::<Vec<_>>();
        let committee = CovenantCommittee::new(public(&covenant), 2).unwrap();
        let parties = Parties::new(*staker.public_key(), public(&providers), committee).unwrap();
        let output = StakingOutput::new(parties.clone(), blocks(1000)).unwrap();
        let staking = Funded::new(
            output,
            OutPoint::new(Txid::from_byte_array([7; 32]), 1),
            Amount::from_sat(1_000_000),
        );
        Self { staker, providers, covenant, parties, staking }
    }

    pub(crate) fn unbonding_transaction(&self) -> UnbondingTransaction {
        let output = UnbondingOutput::new(self.parties.clone(), blocks(100)).unwrap();
        UnbondingTransaction::new(&self.staking, output, Amount::from_sat(500)).unwrap()
    }

    /// Finished, as hex.
    pub(crate) fn unbonding(&self) -> String {
        let tx = self.unbonding_transaction();
        let covenant: Vec<_> = self
            .covenant
            .iter()
            .map(|member| tx.sign_as_covenant_member_unchecked(member).unwrap())
            .collect();
        serialize_hex(&tx.finalize(&tx.sign_as_staker(&self.staker).unwrap(), &covenant).unwrap())
    }

    /// Finished with the first provider's key, as hex.
    pub(crate) fn slashing(&self) -> String {
        let terms = SlashingParameters {
            pk_script: ScriptBuf::from_hex("6a07626162796c6f6e").unwrap(),
            rate: SlashingRate::from_ten_thousandths(10).unwrap(),
            fee: Amount::from_sat(2000),
            unbonding_time: blocks(100),
        };
        let tx = SlashingTransaction::new(&self.staking, &terms).unwrap();
        let covenant: Vec<_> = self
            .covenant
            .iter()
            .map(|member| tx.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
            .collect();
        serialize_hex(
            &tx.slash(&tx.sign_as_staker(&self.staker).unwrap(), &covenant, &self.providers[0]).unwrap(),
        )
    }

    /// Finished, as hex.
    pub(crate) fn withdrawal(&self) -> String {
        let destination = key_path_script(self.staker.public_key());
        let tx = WithdrawalTransaction::new(&self.staking, destination, FeeRate::BROADCAST_MIN).unwrap();
        serialize_hex(&tx.finalize(&tx.sign_as_staker(&self.staker).unwrap()).unwrap())
    }
}
