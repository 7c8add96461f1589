//! The vectors of the TypeScript library (`tests/vectors/typescript`, see `tests/interop`): its scripts,
//! transactions and PSBTs, built again from the same facts and compared byte for byte.
//!
//! Our PSBTs say more than the library's, and its fees are estimates: [`as_theirs`] takes away the first, and
//! [`at_fee`] finds the rate at which ours costs the same.

mod announced;
mod extensions;
mod funding;
mod negative;
mod stakes;

use bitcoin::consensus::encode;
use bitcoin::script::Instruction;
use bitcoin::{
    Address, Amount, FeeRate, Network, OutPoint, Psbt, Script, ScriptBuf, Transaction, TxOut, Txid,
    XOnlyPublicKey,
};
use eots::{Parity, SecretKey};
use serde::Deserialize;
use staking_scripts::LeafTransaction as _;
use staking_scripts::coins::CoinError;
use staking_scripts::transactions::CovenantSignature;
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::{
    CovenantCommittee, Funded, FundingCoin, Parties, StakingOutput, Timelock, UnbondingOutput,
    UnbondingTransaction,
};

use super::{Bytes, Hex, cases_of};

/// What every stake in the files begins with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    network: Net,
    staker_secret: Bytes<32>,
    address: String,
    finality_providers: Vec<Bytes<32>>,
    covenant_secrets: Vec<Bytes<32>>,
    quorum: u16,
    staking_time: u32,
    unbonding_time: u32,
    amount_sat: u64,
    unbonding_fee_sat: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Net {
    Mainnet,
    Testnet,
}

impl Facts {
    fn staker(&self) -> SecretKey {
        self.staker_secret.secret_key()
    }

    fn members(&self) -> Vec<SecretKey> {
        self.covenant_secrets.iter().map(Bytes::secret_key).collect()
    }

    fn network(&self) -> Network {
        match self.network {
            Net::Mainnet => Network::Bitcoin,
            Net::Testnet => Network::Testnet,
        }
    }

    /// Where change and withdrawals go.
    fn change(&self) -> ScriptBuf {
        self.address.parse::<Address<_>>().unwrap().require_network(self.network()).unwrap().script_pubkey()
    }

    fn amount(&self) -> Amount {
        Amount::from_sat(self.amount_sat)
    }

    fn providers(&self) -> Vec<XOnlyPublicKey> {
        self.finality_providers.iter().map(Bytes::public_key).collect()
    }

    fn parties(&self) -> Parties {
        let members = self.members().into_iter().map(|member| *member.public_key());
        let committee = CovenantCommittee::new(members, self.quorum).unwrap();
        Parties::new(*self.staker().public_key(), self.providers(), committee).unwrap()
    }

    fn staking_output(&self) -> StakingOutput {
        StakingOutput::new(self.parties(), time(self.staking_time)).unwrap()
    }

    fn unbonding_output(&self) -> UnbondingOutput {
        UnbondingOutput::new(self.parties(), time(self.unbonding_time)).unwrap()
    }

    fn unbonding(&self, staking: &Funded<StakingOutput>) -> UnbondingTransaction {
        let fee = Amount::from_sat(self.unbonding_fee_sat);
        UnbondingTransaction::new(staking, self.unbonding_output(), fee).unwrap()
    }

    /// The staker's compressed key, as descriptors have it.
    fn compressed(&self) -> String {
        let staker = self.staker();
        let prefix = if staker.parity() == Parity::Odd { "03" } else { "02" };
        format!("{prefix}{}", staker.public_key())
    }
}

fn time(blocks: u32) -> Timelock {
    Timelock::from_blocks(blocks).unwrap()
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
enum Kind {
    P2wpkh,
    P2tr,
    P2wsh,
    P2shP2wpkh,
    P2sh,
    P2pkh,
    /// Of no kind that the library or ours knows.
    Unknown,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coin {
    kind: Kind,
    txid: Txid,
    vout: u32,
    amount_sat: u64,
    script_pubkey: Hex,
    /// What made it; only where the library asks for it.
    transaction: Option<Hex>,
    redeem_script: Option<Hex>,
    witness_script: Option<Hex>,
}

impl Coin {
    fn outpoint(&self) -> OutPoint {
        OutPoint::new(self.txid, self.vout)
    }

    fn output(&self) -> TxOut {
        let script_pubkey = ScriptBuf::from_bytes(self.script_pubkey.0.clone());
        TxOut { value: Amount::from_sat(self.amount_sat), script_pubkey }
    }

    /// The coin as our library takes it.
    fn ours(&self, stake: &Facts) -> Result<FundingCoin, CoinError> {
        let key = stake.compressed();
        let descriptor = match self.kind {
            Kind::P2wpkh => return FundingCoin::new(self.outpoint(), self.output()),
            // The library tells the internal key only to a staker whose own address is of Taproot.
            Kind::P2tr if !stake.change().is_p2tr() => {
                return FundingCoin::new(self.outpoint(), self.output());
            }
            Kind::P2tr => format!("tr({})", stake.staker().public_key()),
            Kind::P2wsh => format!("wsh({})", multisignature(self.witness_script.as_ref().unwrap())),
            Kind::P2shP2wpkh => format!("sh(wpkh({key}))"),
            Kind::P2sh => format!("sh({})", multisignature(self.redeem_script.as_ref().unwrap())),
            Kind::P2pkh => format!("pkh({key})"),
            Kind::Unknown => return FundingCoin::new(self.outpoint(), self.output()),
        };
        FundingCoin::with_descriptor(self.outpoint(), self.output(), &descriptor.parse().unwrap())
    }
}

/// The descriptor of a script that asks for one of several signatures.
fn multisignature(script: &Hex) -> String {
    let pushes = Script::from_bytes(&script.0).instructions().filter_map(|part| match part.unwrap() {
        Instruction::PushBytes(bytes) => Some(hex::encode(bytes.as_bytes())),
        Instruction::Op(_) => None,
    });
    format!("multi(1,{})", pushes.collect::<Vec<_>>().join(","))
}

/// The library's PSBT, in base64.
fn psbt(base64: &str) -> Psbt {
    base64.parse().unwrap()
}

/// Our PSBT without what the library's do not say: key origins of an input; internal key and tree of an
/// output.
fn as_theirs(ours: &Psbt) -> Psbt {
    let mut ours = ours.clone();
    for input in &mut ours.inputs {
        input.tap_key_origins.clear();
        input.bip32_derivation.clear();
    }
    for output in &mut ours.outputs {
        output.tap_internal_key = None;
        output.tap_tree = None;
    }
    ours
}

/// Every byte of the PSBT, but for what [`as_theirs`] takes away.
fn same_psbt(ours: &Psbt, theirs: &str, what: &str) {
    let ours = as_theirs(ours);
    assert_eq!(ours, psbt(theirs), "{what}");
    assert_eq!(ours.to_string(), theirs, "{what}");
}

/// Of a spend through a leaf: that ours says more than the library's, in each of the fields that
/// [`as_theirs`] names.
fn says_more(ours: &Psbt) {
    let spent = &ours.inputs[0];
    assert_eq!(spent.tap_key_origins.len(), 1);
    assert_eq!((spent.tap_scripts.len(), spent.tap_internal_key.is_some()), (1, true));
}

/// What `build` makes at the lowest rate whose fee is at least `fee`, and the fee. The library estimates its
/// fees, and ours are computed from the weight.
fn at_fee<T>(fee: Amount, build: impl Fn(FeeRate) -> Option<(Amount, T)>) -> (Amount, T) {
    let at = |rate: u64| build(FeeRate::from_sat_per_kwu(rate));
    // Ours takes no rate above 10000 satoshis per virtual byte; where the coins do not pay a rate, it is too
    // high.
    let (mut low, mut high) = (0, 2_500_000);
    while high - low > 1 {
        let middle = (low + high) / 2;
        match at(middle) {
            Some((found, _)) if found < fee => low = middle,
            _ => high = middle,
        }
    }
    at(high).expect("a rate that makes the fee")
}

/// Our PSBT, where its change is more by this: where no rate makes the library's fee, because a step of our
/// rate costs more than a satoshi.
fn less_fee(ours: &Psbt, more: Amount) -> Psbt {
    let mut ours = ours.clone();
    if more > Amount::ZERO {
        assert!(more <= Amount::from_sat(2) && ours.unsigned_tx.output.len() > 1, "{more}");
        ours.unsigned_tx.output.last_mut().unwrap().value += more;
    }
    ours
}

fn covenant_signatures(
    unbonding: &UnbondingTransaction,
    stake: &Facts,
    signers: &[usize],
) -> Vec<CovenantSignature> {
    let members = stake.members();
    signers
        .iter()
        .map(|signer| unbonding.sign_as_covenant_member_unchecked(&members[*signer]).unwrap())
        .collect()
}

/// The unbonding transaction, its PSBT and the whole of it, signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unbonding {
    txid: Txid,
    psbt: String,
    wtxid: String,
}

impl Unbonding {
    fn same(
        &self,
        staking: &Funded<StakingOutput>,
        stake: &Facts,
        signers: &[usize],
        what: &str,
    ) -> UnbondingTransaction {
        let ours = stake.unbonding(staking);
        assert_eq!(ours.txid(), self.txid, "{what}");
        same_psbt(ours.psbt(), &self.psbt, what);
        says_more(ours.psbt());
        assert_eq!(signers.len(), usize::from(stake.quorum), "{what}");
        let staker = ours.sign_as_staker(&stake.staker()).unwrap();
        let signed = ours.finalize(&staker, &covenant_signatures(&ours, stake, signers)).unwrap();
        assert_eq!(signed.compute_wtxid().to_string(), self.wtxid, "{what}");
        ours
    }
}

/// A staking transaction: what it says that it costs, its id without scripts, and its PSBT.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Staking {
    fee_sat: u64,
    txid: Txid,
    psbt: String,
}

impl Staking {
    fn transaction(&self) -> Transaction {
        psbt(&self.psbt).unsigned_tx
    }
}

/// The coins that a transaction spends, in its order.
fn spent<'a>(coins: &'a [Coin], transaction: &Transaction) -> Vec<&'a Coin> {
    let of = |outpoint| coins.iter().find(|coin| coin.outpoint() == outpoint).unwrap();
    transaction.input.iter().map(|input| of(input.previous_output)).collect()
}

fn transaction(bytes: &Hex) -> Transaction {
    encode::deserialize(&bytes.0).unwrap()
}
