//! Who plays: everyone's keys, all derived from one seed, and the rules they play by.

use bitcoin::{Amount, ScriptBuf};
use eots::{Parity, SecretKey, XOnlyPublicKey};
use sha2::{Digest, Sha256};
use staking_scripts::{CovenantCommittee, Parties, SlashingRate, SlashingTerms, Timelock, key_path_script};

/// How many covenant members there are, as on mainnet.
const MEMBERS: u32 = 9;
/// How many of them must sign, as on mainnet.
const QUORUM: u16 = 6;

/// The amounts and times of the demo's stakes: mainnet's shape, with times short enough to be mined through.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) stake: Amount,
    pub(crate) staking_time: Timelock,
    pub(crate) extended_stake: Amount,
    pub(crate) extended_staking_time: Timelock,
    pub(crate) unbonding_time: Timelock,
    pub(crate) unbonding_fee: Amount,
    pub(crate) slashing_rate: SlashingRate,
    pub(crate) slashing_fee: Amount,
    /// Burns what is slashed: OP_RETURN "babylon", as on mainnet.
    pub(crate) slashing_script: ScriptBuf,
}

impl Rules {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            stake: Amount::from_sat(1_000_000),
            staking_time: Timelock::from_blocks(150)?,
            extended_stake: Amount::from_sat(1_050_000),
            extended_staking_time: Timelock::from_blocks(180)?,
            unbonding_time: Timelock::from_blocks(20)?,
            unbonding_fee: Amount::from_sat(2_000),
            slashing_rate: SlashingRate::from_ten_thousandths(1_000)?,
            slashing_fee: Amount::from_sat(2_000),
            slashing_script: ScriptBuf::from_hex("6a07626162796c6f6e")?,
        })
    }

    pub(crate) fn slashing_terms(&self) -> SlashingTerms {
        SlashingTerms {
            pk_script: self.slashing_script.clone(),
            rate: self.slashing_rate,
            fee: self.slashing_fee,
            unbonding_time: self.unbonding_time,
        }
    }
}

/// Everyone, with their secrets.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) wallet: SecretKey,
    pub(crate) miner: SecretKey,
    pub(crate) staker: SecretKey,
    /// The first has a point with even y, the second one with odd y.
    pub(crate) providers: [SecretKey; 2],
    /// In an order that is not sorted, as on mainnet.
    pub(crate) covenant: Vec<SecretKey>,
    pub(crate) parties: Parties,
    /// The committee of the day when a stake is extended: one member has left, and one has come.
    pub(crate) extended_covenant: Vec<SecretKey>,
    /// With one more finality provider.
    pub(crate) extended_parties: Parties,
    pub(crate) rules: Rules,
}

impl Cast {
    pub(crate) fn new(seed: &[u8; 32]) -> anyhow::Result<Self> {
        let provider = |parity| key(seed, "finality provider", |key| key.parity() == parity);
        let providers = [provider(Parity::Even), provider(Parity::Odd)];
        let mut covenant: Vec<_> =
            (0..MEMBERS).map(|number| key(seed, &format!("covenant member {number}"), |_| true)).collect();
        if covenant.is_sorted_by_key(|member| member.public_key().serialize()) {
            covenant.reverse();
        }
        let staker = key(seed, "staker", |_| true);
        let public =
            |keys: &[SecretKey]| keys.iter().map(|key| *key.public_key()).collect::<Vec<XOnlyPublicKey>>();
        let committee = CovenantCommittee::new(public(&covenant), QUORUM)?;
        let parties = Parties::new(*staker.public_key(), public(&providers), committee)?;
        let extended_covenant: Vec<_> =
            covenant.iter().skip(1).cloned().chain([key(seed, "a new covenant member", |_| true)]).collect();
        let committee = CovenantCommittee::new(public(&extended_covenant), QUORUM)?;
        let newcomer = *key(seed, "a third finality provider", |_| true).public_key();
        let all = public(&providers).into_iter().chain([newcomer]);
        let extended_parties = Parties::new(*staker.public_key(), all, committee)?;
        let (wallet, miner) = (key(seed, "wallet", |_| true), key(seed, "miner", |_| true));
        let rules = Rules::new()?;
        Ok(Self {
            wallet,
            miner,
            staker,
            providers,
            covenant,
            parties,
            extended_covenant,
            extended_parties,
            rules,
        })
    }

    /// Where the staker's coins come from and go to.
    pub(crate) fn wallet_script(&self) -> ScriptBuf {
        key_path_script(self.wallet.public_key())
    }

    /// Where block rewards go that nobody needs.
    pub(crate) fn miner_script(&self) -> ScriptBuf {
        key_path_script(self.miner.public_key())
    }
}

/// The first key under this name that is wanted.
fn key(seed: &[u8; 32], name: &str, wanted: impl Fn(&SecretKey) -> bool) -> SecretKey {
    let mut attempt: u32 = 0;
    loop {
        let hash = Sha256::new()
            .chain_update("btcstake demo key")
            .chain_update(seed)
            .chain_update(name)
            .chain_update(attempt.to_be_bytes());
        match SecretKey::from_bytes(&hash.finalize().into()) {
            Ok(key) if wanted(&key) => return key,
            _ => attempt = attempt.wrapping_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As on mainnet, where the order of the parameters is not the order of the keys; and one offender of
    /// each parity.
    #[test]
    fn the_covenant_is_not_sorted_and_the_providers_differ_in_parity() {
        for seed in 0..50 {
            let cast = Cast::new(&[seed; 32]).unwrap();
            assert_eq!(cast.covenant.len(), 9);
            assert!(!cast.covenant.is_sorted_by_key(|member| member.public_key().serialize()));
            assert_eq!(cast.providers.each_ref().map(SecretKey::parity), [Parity::Even, Parity::Odd]);
        }
    }
}
