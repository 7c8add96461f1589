//! The participants: everyone's keys, all derived from one seed, and the parameters.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::{Amount, Network, ScriptBuf};
use eots::{Parity, SecretKey};
use finality::{Operation, SigningContext};
use sha2::{Digest, Sha256};
use staking_scripts::coins::key_path_script;
use staking_scripts::outputs::ConsumerProviders;
use staking_scripts::possession::PossessionMessage;
use staking_scripts::transactions::SlashingRate;
use staking_scripts::{ChainRules, Parameters, ParametersHistory, ProofOfPossession, StakedTo, Timelock};

/// The number of covenant members, as on mainnet.
const MEMBERS: u32 = 9;
/// The quorum, as on mainnet.
pub(crate) const QUORUM: u16 = 6;

/// The staker's account on Babylon Genesis.
const ACCOUNT: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

/// Returns the signing context of the staker's proof of possession.
fn staker_context() -> SigningContext {
    SigningContext::consumer(Operation::StakerPop, "btcstake-demo-1", ACCOUNT)
}

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
}

/// Everyone, with their secrets.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) wallet: SecretKey,
    pub(crate) miner: SecretKey,
    pub(crate) staker: SecretKey,
    /// The finality providers' keys: the first has a point with even y, the second one with odd y.
    pub(crate) providers: [SecretKey; 2],
    /// The covenant members' keys, in an order that is not sorted, as on mainnet.
    pub(crate) covenant: Vec<SecretKey>,
    pub(crate) staked_to: StakedTo,
    /// The committee when a stake is extended: one member was replaced.
    pub(crate) extended_covenant: Vec<SecretKey>,
    /// The finality providers when a stake is extended: there is one more.
    pub(crate) extended_to: StakedTo,
    pub(crate) rules: Rules,
}

impl Cast {
    /// Returns the participants whose keys are derived from `seed`.
    pub(crate) fn new(seed: &[u8; 32]) -> anyhow::Result<Self> {
        let provider = |parity| key(seed, "finality provider", |key| key.parity() == parity);
        let providers = [provider(Parity::Even), provider(Parity::Odd)];
        let mut covenant: Vec<_> =
            (0..MEMBERS).map(|number| key(seed, &format!("covenant member {number}"), |_| true)).collect();
        if covenant.is_sorted_by_key(|member| member.public_key().serialize()) {
            covenant.reverse();
        }
        let staker = key(seed, "staker", |_| true);
        let newcomer = key(seed, "a new covenant member", |_| true);
        let extended_covenant: Vec<_> = covenant.iter().skip(1).cloned().chain([newcomer]).collect();
        let third = key(seed, "a third finality provider", |_| true);
        let staked_to = staked_to(&providers)?;
        let extended_to = self::staked_to(providers.iter().chain([&third]))?;
        let (wallet, miner) = (key(seed, "wallet", |_| true), key(seed, "miner", |_| true));
        let rules = Rules::new()?;
        Ok(Self {
            wallet,
            miner,
            staker,
            providers,
            covenant,
            staked_to,
            extended_covenant,
            extended_to,
            rules,
        })
    }

    /// Returns the parameters: version 0 from height 1 on, and version 1, with the new committee, from
    /// `extension_height` on.
    pub(crate) fn history(
        &self,
        extension_height: Option<u32>,
    ) -> anyhow::Result<ParametersHistory<Parameters>> {
        let version = |covenant: &[SecretKey], height: u32| {
            let members: Vec<_> = covenant.iter().map(|key| key.public_key().to_string()).collect();
            serde_json::json!({
                "btc_activation_height": height,
                "covenant_pks": members,
                "covenant_quorum": QUORUM,
                "min_staking_value_sat": self.rules.stake.to_sat(),
                "max_staking_value_sat": self.rules.extended_stake.to_sat(),
                "min_staking_time_blocks": self.rules.staking_time.blocks(),
                "max_staking_time_blocks": self.rules.extended_staking_time.blocks(),
                "unbonding_time_blocks": self.rules.unbonding_time.blocks(),
                "unbonding_fee_sat": self.rules.unbonding_fee.to_sat(),
                "slashing_pk_script": BASE64_STANDARD.encode(self.rules.slashing_script.as_bytes()),
                "slashing_rate": self.rules.slashing_rate.to_string(),
                "min_slashing_tx_fee_sat": self.rules.slashing_fee.to_sat(),
            })
        };
        let later = extension_height.map(|height| version(&self.extended_covenant, height));
        let all: Vec<_> = [version(&self.covenant, 1)].into_iter().chain(later).collect();
        Ok(ParametersHistory::from_json(&serde_json::to_string(&all)?)?)
    }

    /// Returns the rules of the two chains of the stakes: regtest, and a consumer chain with a signing
    /// context.
    pub(crate) fn chain_rules() -> ChainRules {
        ChainRules {
            network: Network::Regtest,
            depth: 1,
            signing_context: staker_context(),
            ..ChainRules::MAINNET
        }
    }

    /// Returns the staker's proof of possession, with its message.
    pub(crate) fn possession(&self) -> anyhow::Result<(PossessionMessage, ProofOfPossession)> {
        let message = PossessionMessage::new(staker_context(), ACCOUNT.parse()?)?;
        let proof = ProofOfPossession::create_bip340(&self.staker, &message)?;
        Ok((message, proof))
    }

    /// Returns the script pubkey of the staker's coins.
    pub(crate) fn wallet_script(&self) -> ScriptBuf {
        key_path_script(self.wallet.public_key())
    }

    /// Returns the script pubkey of block rewards that are not needed.
    pub(crate) fn miner_script(&self) -> ScriptBuf {
        key_path_script(self.miner.public_key())
    }
}

/// Returns the finality providers with these keys, each of a consumer chain of its own.
pub(crate) fn staked_to<'a>(providers: impl IntoIterator<Item = &'a SecretKey>) -> anyhow::Result<StakedTo> {
    let named =
        (1..).zip(providers).map(|(number, key)| (format!("btcstake-demo-{number}"), *key.public_key()));
    Ok(StakedTo::Consumers(ConsumerProviders::new(named)?))
}

/// Returns the first key that is derived from `seed` under this name and is wanted.
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
