//! The three outputs of the protocol: staking, unbonding and slashing refund.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bitcoin::key::TweakedPublicKey;
use bitcoin::secp256k1::{self, SECP256K1};
use bitcoin::taproot::{LeafVersion, TapNodeHash, TapTree, TaprootBuilder};
use bitcoin::{Address, Amount, Network, ScriptBuf, TxOut, XOnlyPublicKey};
use miniscript::Descriptor;
use miniscript::descriptor::{self as miniscript_descriptor, Tr};

use crate::outputs::error::InvalidParties;
use crate::outputs::leaf::{Leaf, LeafKeys, SpendPath};
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;

/// The internal key of every output: the NUMS point that BIP-341 ("Constructing and spending Taproot
/// outputs") proposes for outputs without a key path. Nobody knows its discrete logarithm.
pub const NUMS_INTERNAL_KEY: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

static UNSPENDABLE: LazyLock<Result<XOnlyPublicKey, secp256k1::Error>> =
    LazyLock::new(|| NUMS_INTERNAL_KEY.parse());

/// A Taproot output of the protocol, without a key path and with one to three leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaprootOutput {
    tr: Tr<XOnlyPublicKey>,
    leaves: BTreeMap<SpendPath, Leaf>,
    output_key: TweakedPublicKey,
    merkle_root: Option<TapNodeHash>,
    tap_tree: TapTree,
}

impl TaprootOutput {
    /// Builds the output with these leaves, each a sibling of all that follow it: `{first,{second,third}}`.
    fn new(leaves: Vec<LeafKeys>) -> Result<Self, InvalidParties> {
        let error = |reason: &dyn ToString| InvalidParties::Unscriptable(reason.to_string());
        let (mut tree, mut found, mut builder) = (None, BTreeMap::new(), TaprootBuilder::new());
        let mut scripts = Vec::with_capacity(leaves.len());
        for keys in leaves.into_iter().rev() {
            let miniscript = keys.miniscript().map_err(|e| error(&e))?;
            scripts.push((keys, miniscript.encode()));
            let leaf = miniscript_descriptor::TapTree::leaf(miniscript);
            tree = Some(match tree {
                None => leaf,
                Some(following) => {
                    miniscript_descriptor::TapTree::combine(leaf, following).map_err(|e| error(&e))?
                }
            });
        }
        let internal_key = *UNSPENDABLE.as_ref().map_err(|e| error(e))?;
        let tr = Tr::new(internal_key, tree).map_err(|e| error(&e))?;
        tr.sanity_check().map_err(|e| error(&e))?;
        // The tree is hashed here and not by the descriptor, which would make a context of libsecp256k1 for
        // every output.
        for (leaf, (_, script)) in tr.leaves().zip(scripts.iter().rev()) {
            builder = builder.add_leaf(leaf.depth(), script.clone()).map_err(|e| error(&e))?;
        }
        let tap_tree = TapTree::try_from(builder.clone()).map_err(|e| error(&e))?;
        let spend_info =
            builder.finalize(SECP256K1, internal_key).map_err(|_| error(&"the tree is not complete"))?;
        for (keys, script) in scripts {
            let place = (script, LeafVersion::TapScript);
            let control_block =
                spend_info.control_block(&place).ok_or_else(|| error(&"a leaf is not in the tree"))?;
            found.insert(keys.path(), Leaf { keys, script: place.0, control_block });
        }
        let (output_key, merkle_root) = (spend_info.output_key(), spend_info.merkle_root());
        Ok(Self { tr, leaves: found, output_key, merkle_root, tap_tree })
    }

    /// Returns the script pubkey.
    pub fn script_pubkey(&self) -> ScriptBuf {
        ScriptBuf::new_p2tr_tweaked(self.output_key)
    }

    /// Returns the address on `network`.
    pub fn address(&self, network: Network) -> Address {
        Address::p2tr_tweaked(self.output_key, network)
    }

    /// Returns the descriptor (BIP-386); printed, it ends with its checksum.
    pub fn descriptor(&self) -> Descriptor<XOnlyPublicKey> {
        Descriptor::Tr(self.tr.clone())
    }

    /// Returns the internal key, [`NUMS_INTERNAL_KEY`], for which nobody can sign.
    pub fn internal_key(&self) -> XOnlyPublicKey {
        *self.tr.internal_key()
    }

    /// Returns the Merkle root of the script tree (BIP-341).
    pub const fn merkle_root(&self) -> Option<TapNodeHash> {
        self.merkle_root
    }

    /// Returns the script tree, for a PSBT's output.
    pub(crate) fn tap_tree(&self) -> TapTree {
        self.tap_tree.clone()
    }

    /// Returns the leaf of a spend path; `None` when this kind of output does not have it.
    pub fn leaf(&self, path: SpendPath) -> Option<&Leaf> {
        self.leaves.get(&path)
    }

    /// Returns every leaf.
    pub fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.leaves.values()
    }

    /// Returns the transaction output that pays `amount` to it.
    pub fn paying(&self, amount: Amount) -> TxOut {
        TxOut { value: amount, script_pubkey: self.script_pubkey() }
    }
}

fn timelock_leaf(parties: &Parties, timelock: Timelock) -> LeafKeys {
    LeafKeys::Timelock { staker: *parties.staker(), timelock }
}

fn unbonding_leaf(parties: &Parties) -> LeafKeys {
    let covenant = parties.covenant();
    let (members, quorum) = (covenant.members().to_vec(), covenant.quorum());
    LeafKeys::Unbonding { staker: *parties.staker(), covenant: members, quorum }
}

fn slashing_leaf(parties: &Parties) -> LeafKeys {
    let covenant = parties.covenant();
    LeafKeys::Slashing {
        staker: *parties.staker(),
        finality_providers: parties.finality_providers().sorted(),
        covenant: covenant.members().to_vec(),
        quorum: covenant.quorum(),
    }
}

/// The output that locks a stake: `tr(NUMS,{slashing,{unbonding,timelock}})`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakingOutput {
    parties: Parties,
    staking_time: Timelock,
    taproot: TaprootOutput,
}

impl StakingOutput {
    /// Builds the staking output of these parties, which the staker alone can spend after `staking_time`.
    ///
    /// # Errors
    /// [`InvalidParties::Unscriptable`] when there are more keys than a script can evaluate (about 990).
    pub fn new(parties: Parties, staking_time: Timelock) -> Result<Self, InvalidParties> {
        let (slashing, unbonding) = (slashing_leaf(&parties), unbonding_leaf(&parties));
        let timelock = timelock_leaf(&parties, staking_time);
        let taproot = TaprootOutput::new(vec![slashing, unbonding, timelock])?;
        Ok(Self { parties, staking_time, taproot })
    }

    /// Returns the parties.
    pub const fn parties(&self) -> &Parties {
        &self.parties
    }

    /// Returns the number of blocks after which the staker alone can spend it.
    pub const fn staking_time(&self) -> Timelock {
        self.staking_time
    }

    /// Returns the Taproot output: script, address, descriptor and leaves.
    pub const fn taproot(&self) -> &TaprootOutput {
        &self.taproot
    }
}

/// The output that locks an unbonding stake for the unbonding time: `tr(NUMS,{slashing,timelock})`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnbondingOutput {
    parties: Parties,
    unbonding_time: Timelock,
    taproot: TaprootOutput,
}

impl UnbondingOutput {
    /// Builds the unbonding output of these parties, which the staker alone can spend after `unbonding_time`.
    ///
    /// # Errors
    /// [`InvalidParties::Unscriptable`] when there are more keys than a script can evaluate (about 990).
    pub fn new(parties: Parties, unbonding_time: Timelock) -> Result<Self, InvalidParties> {
        let (slashing, timelock) = (slashing_leaf(&parties), timelock_leaf(&parties, unbonding_time));
        let taproot = TaprootOutput::new(vec![slashing, timelock])?;
        Ok(Self { parties, unbonding_time, taproot })
    }

    /// Returns the parties.
    pub const fn parties(&self) -> &Parties {
        &self.parties
    }

    /// Returns the number of blocks after which the staker alone can spend it.
    pub const fn unbonding_time(&self) -> Timelock {
        self.unbonding_time
    }

    /// Returns the Taproot output: script, address, descriptor and leaves.
    pub const fn taproot(&self) -> &TaprootOutput {
        &self.taproot
    }
}

/// The output that returns to the staker what slashing left, after the unbonding time: `tr(NUMS,timelock)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashingRefundOutput {
    staker: XOnlyPublicKey,
    unbonding_time: Timelock,
    taproot: TaprootOutput,
}

impl SlashingRefundOutput {
    /// Builds the slashing refund output of this staker.
    ///
    /// # Errors
    /// [`InvalidParties`], which does not occur: one key always fits.
    pub fn new(staker: XOnlyPublicKey, unbonding_time: Timelock) -> Result<Self, InvalidParties> {
        let taproot = TaprootOutput::new(vec![LeafKeys::Timelock { staker, timelock: unbonding_time }])?;
        Ok(Self { staker, unbonding_time, taproot })
    }

    /// Returns the staker's key.
    pub const fn staker(&self) -> &XOnlyPublicKey {
        &self.staker
    }

    /// Returns the number of blocks after which the staker can spend it.
    pub const fn unbonding_time(&self) -> Timelock {
        self.unbonding_time
    }

    /// Returns the Taproot output: script, address, descriptor and leaves.
    pub const fn taproot(&self) -> &TaprootOutput {
        &self.taproot
    }
}
