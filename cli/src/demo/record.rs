//! What is kept of a scenario beyond the report's words, for the page that draws it. Nothing in it is secret.

use bitcoin::{Amount, OutPoint, Psbt, ScriptBuf, Transaction, TxOut, XOnlyPublicKey};
use eots::Parity;
use finality::Evidence;
use staking_scripts::Funded;
use staking_scripts::outputs::TaprootOutput;
use staking_scripts::transactions::HasTaproot;

use super::cast::{Cast, QUORUM, Rules};

/// A transaction that was made or tried.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    pub(crate) transaction: Transaction,
    /// The outputs that it spends.
    pub(crate) spent: Vec<TxOut>,
    /// The block that confirmed it, or that would have if it had not been refused.
    pub(crate) block: u32,
}

impl Played {
    /// Returns the transaction with the outputs that it spends, as the PSBT that it comes from has them.
    pub(crate) fn new(transaction: &Transaction, psbt: &Psbt, block: u32) -> anyhow::Result<Self> {
        let spent = psbt.iter_funding_utxos().map(|output| output.cloned()).collect::<Result<_, _>>()?;
        Ok(Self { transaction: transaction.clone(), spent, block })
    }
}

/// An output of the protocol, at its place on the chain.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    pub(crate) name: &'static str,
    pub(crate) taproot: TaprootOutput,
    pub(crate) outpoint: OutPoint,
    pub(crate) amount: Amount,
}

impl Locked {
    /// Returns the output under this name.
    pub(crate) fn new<O: HasTaproot>(name: &'static str, output: &Funded<O>) -> Self {
        Self {
            name,
            taproot: output.output().taproot().clone(),
            outpoint: output.outpoint(),
            amount: output.amount(),
        }
    }
}

/// Two votes at one height, and the public key of the secret extracted from them.
#[derive(Debug, Clone)]
pub(crate) struct Equivocation {
    pub(crate) evidence: Evidence,
    /// The public key of the secret that was extracted.
    pub(crate) extracted: XOnlyPublicKey,
    pub(crate) parity: Parity,
}

/// The owner of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The staker.
    Staker,
    /// A finality provider, numbered from 1 in the order in which the stake names them.
    FinalityProvider(usize),
    /// A covenant member, numbered from 1 as the parameters list them, which is not the order of the keys; a
    /// member of the new committee alone comes last.
    CovenantMember(usize),
}

/// The owners of all keys, and the parameters.
#[derive(Debug, Clone)]
pub(crate) struct Background {
    pub(crate) roles: Vec<(Role, XOnlyPublicKey)>,
    pub(crate) quorum: u16,
    pub(crate) rules: Rules,
    /// The script pubkey of the staker's coins.
    pub(crate) wallet_script: ScriptBuf,
}

impl Background {
    /// Returns the keys and parameters of these participants, without their secrets.
    pub(crate) fn new(cast: &Cast) -> Self {
        let mut roles = vec![(Role::Staker, *cast.staker.public_key())];
        let providers = cast.extended_to.keys();
        roles.extend((1..).map(Role::FinalityProvider).zip(providers));
        let mut members: Vec<XOnlyPublicKey> = Vec::new();
        for key in cast.covenant.iter().chain(&cast.extended_covenant) {
            if !members.contains(key.public_key()) {
                members.push(*key.public_key());
            }
        }
        roles.extend((1..).map(Role::CovenantMember).zip(members));
        Self { roles, quorum: QUORUM, rules: cast.rules.clone(), wallet_script: cast.wallet_script() }
    }

    /// Returns the owner of a key; `None` when it is unknown.
    pub(crate) fn role(&self, key: &XOnlyPublicKey) -> Option<Role> {
        self.roles.iter().find(|(_, known)| known == key).map(|(role, _)| *role)
    }
}
