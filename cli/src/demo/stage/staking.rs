//! Staking and extending a stake: everyone signs before the transaction is broadcast.

use anyhow::{Context, anyhow};
use bitcoin::Transaction;
use bitcoin::absolute::Height;
use chain::BlockHeight;
use eots::SecretKey;
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{NewDelegation, NewExtendedDelegation};
use staking_scripts::transactions::{NewExtension, NewStake};
use staking_scripts::{
    CheckRules, CheckedDelegation, CovenantCommittee, CovenantSignatures, Delegation, ExtensionTransaction,
    InForce, LeafTransaction, Parameters, ParametersAt, ParametersHistory, SpendPath, StakedTo,
    StakingOutput, StakingTransaction,
};

use super::super::attempts::{signed_by, with_witness};
use super::super::cast::Cast;
use super::super::record::Locked;
use super::{FEE_TARGET, Stage, consensus};

/// A stake on the chain, with its delegation.
pub(crate) struct Stake {
    pub(crate) delegation: Delegation,
    pub(crate) checked: CheckedDelegation,
    /// The parameters that it was made under.
    pub(crate) parameters: Parameters,
    /// The covenant committee of the running stake that it extends.
    pub(crate) previous: Option<CovenantCommittee>,
    /// The height of the block with the staking transaction.
    pub(crate) height: BlockHeight,
}

impl Stage<'_> {
    /// Stakes: builds the transactions, has the pre-signed ones signed, and only then broadcasts the staking
    /// transaction.
    pub(crate) fn stake(&mut self) -> anyhow::Result<Stake> {
        self.stake_to(&self.cast.staked_to)
    }

    /// Does so, to these finality providers.
    pub(crate) fn stake_to(&mut self, staked_to: &StakedTo) -> anyhow::Result<Stake> {
        let (cast, rules) = (self.cast, &self.cast.rules);
        let history = cast.history(None)?;
        let (at, parameters) = self.in_force(&history)?;
        let parties = parameters.parties(*cast.staker.public_key(), staked_to.keys())?;
        let staking = StakingTransaction::build(NewStake {
            output: StakingOutput::new(parties, rules.staking_time)?,
            amount: rules.stake,
            coins: &self.coins()?,
            change: cast.wallet_script(),
            fee_rate: self.node.fee_rate(FEE_TARGET)?,
            op_return_tag: None,
        })?;
        let new = NewDelegation {
            staked_to,
            staking: &staking.staking_output(),
            transaction: &staking.without_witnesses(),
            parameters,
            parameters_at: ParametersAt::Height(at),
        };
        let delegation = Delegation::signed(&new, &cast.staker)?;
        let (delegation, checked) = self.presign(delegation, &history, &cast.covenant)?;

        let transaction = staking.finalize(&sign_key_path(staking.psbt(), &cast.wallet)?)?;
        let text = format!("{} sat locked for {} blocks", rules.stake.to_sat(), rules.staking_time);
        let height = self.confirm("stake", &text, (&transaction, staking.psbt()), None)?;
        self.outputs.push(Locked::new("staking output", checked.staking()));
        Ok(Stake { delegation, checked, parameters: parameters.clone(), previous: None, height })
    }

    /// Returns the tip, and the parameters in force there.
    fn in_force<'h>(
        &self,
        history: &'h ParametersHistory<Parameters>,
    ) -> anyhow::Result<(Height, &'h Parameters)> {
        let tip = consensus(self.node.tip()?.height)?;
        Ok((tip, history.in_force(tip)?.1))
    }

    /// Completes a delegation that the staker has signed, with the proof of possession and the signatures of
    /// these covenant members. They check every rule before they sign.
    fn presign(
        &mut self,
        mut delegation: Delegation,
        history: &ParametersHistory<Parameters>,
        covenant: &[SecretKey],
    ) -> anyhow::Result<(Delegation, CheckedDelegation)> {
        delegation.proof_of_possession = Some(self.cast.possession()?);
        let (tip, _) = self.in_force(history)?;
        let rules = CheckRules { history, in_force: InForce::At(tip), chain: Cast::chain_rules() };
        let checked = delegation.check(&rules).map_err(|found| {
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            anyhow!("the stake breaks rules: {}", found.join("; "))
        })?;
        delegation.covenant_signatures = self.sign_as_covenant(&checked, covenant)?;
        checked.may_be_broadcast(&delegation.covenant_signatures)?;
        let (members, providers) = (covenant.len(), delegation.staked_to.keys().len());
        self.say(
            "pre-sign",
            format!(
                "staker and {members} covenant members sign unbonding and both slashing transactions; the covenant \
                 encrypts its slashing signatures to each of {providers} finality providers"
            ),
        );
        Ok((delegation, checked))
    }

    /// Returns the signatures of these covenant members. Each writes what it signs to its one record, which
    /// refuses a second stake that contradicts the first.
    fn sign_as_covenant(
        &mut self,
        checked: &CheckedDelegation,
        covenant: &[SecretKey],
    ) -> anyhow::Result<Vec<CovenantSignatures>> {
        let sign = |key: &SecretKey| {
            let record = self.records.entry(*key.public_key()).or_default();
            // Zeros for the auxiliary randomness: the same seed must give the same bytes.
            checked.sign_as_covenant_member(key, &[0; 32], record)
        };
        Ok(covenant.iter().map(sign).collect::<Result<_, _>>()?)
    }

    /// Extends a stake: a higher amount, a longer time, one more finality provider, and a covenant committee
    /// that has changed since.
    pub(crate) fn extend(&mut self, stake: &Stake) -> anyhow::Result<Stake> {
        let (cast, rules) = (self.cast, &self.cast.rules);
        let history = cast.history(Some(self.node.tip()?.height.to_u32()))?;
        let (at, parameters) = self.in_force(&history)?;
        let parties = parameters.parties(*cast.staker.public_key(), cast.extended_to.keys())?;
        let amount = rules.extended_stake;
        let extension = ExtensionTransaction::build(NewExtension {
            previous: stake.checked.staking(),
            output: StakingOutput::new(parties, rules.extended_staking_time)?,
            amount,
            coins: &self.coins()?,
            change: cast.wallet_script(),
            fee_rate: self.node.fee_rate(FEE_TARGET)?,
        })?;
        let new = NewExtendedDelegation {
            extension: &extension,
            staked_to: &cast.extended_to,
            parameters,
            parameters_at: ParametersAt::Height(at),
        };
        let mut delegation = Delegation::extending(&stake.delegation, &new)?;
        delegation.sign_as_staker(&cast.staker, parameters)?;
        // Only members of both committees sign: the running stake is spent under the one that it was made
        // under.
        let both = cast.covenant.iter().filter(|key| is_member(key, &cast.extended_covenant));
        let both: Vec<_> = both.cloned().collect();
        let (delegation, checked) = self.presign(delegation, &history, &both)?;

        let staker = extension.sign_as_staker(&cast.staker)?;
        let coin = sign_key_path(extension.psbt(), &cast.wallet)?;
        let previous = stake.parameters.covenant();
        let transaction = delegation.extend(&staker, &coin, parameters.covenant(), previous)?;
        self.extend_alone(stake, &extension, &transaction)?;
        let text = format!(
            "{} sat locked for {} blocks, without unbonding in between",
            amount.to_sat(),
            rules.extended_staking_time
        );
        let path = Some(SpendPath::Unbonding);
        let height = self.confirm("extend", &text, (&transaction, extension.psbt()), path)?;
        self.outputs.push(Locked::new("extended staking output", checked.staking()));
        let previous = Some(previous.clone());
        Ok(Stake { delegation, checked, parameters: parameters.clone(), previous, height })
    }

    /// Tries to extend without the committee, which must fail.
    fn extend_alone(
        &mut self,
        stake: &Stake,
        extension: &ExtensionTransaction,
        finalized: &Transaction,
    ) -> anyhow::Result<()> {
        let leaf = stake.checked.staking().output().taproot().leaf(SpendPath::Unbonding);
        let leaf = leaf.context("the staking output has no unbonding path")?;
        let alone = with_witness(finalized, leaf, signed_by(&[&self.cast.staker], extension.sighash())?);
        let text = "the staker without the covenant committee";
        self.refused("extend alone", text, (&alone, extension.psbt()), SpendPath::Unbonding)
    }
}

/// Returns whether the key is of a member of this committee.
fn is_member(key: &SecretKey, committee: &[SecretKey]) -> bool {
    committee.iter().any(|member| member.public_key() == key.public_key())
}

#[cfg(test)]
mod tests {
    use bitcoin::Amount;
    use chain::EmbeddedRegtest;

    use super::*;

    /// With another unbonding fee, the same staking output has another unbonding transaction.
    #[test]
    fn covenant_members_sign_one_stake_for_an_output() {
        let node = EmbeddedRegtest::in_memory().unwrap();
        let cast = Cast::new(&[7; 32]).unwrap();
        let mut stage = Stage::new(&node, &cast);
        stage.fund_wallet(1).unwrap();
        let stake = stage.stake().unwrap();

        let history = cast.history(None).unwrap();
        let (again, _) = stage.presign(stake.delegation.clone(), &history, &cast.covenant).unwrap();
        assert_eq!(again.covenant_signatures, stake.delegation.covenant_signatures);

        let mut other = Cast::new(&[7; 32]).unwrap();
        other.rules.unbonding_fee = Amount::from_sat(3_000);
        let history = other.history(None).unwrap();
        let (at, parameters) = stage.in_force(&history).unwrap();
        let new = NewDelegation {
            staked_to: &cast.staked_to,
            staking: stake.checked.staking(),
            transaction: &stake.delegation.staking_transaction,
            parameters,
            parameters_at: ParametersAt::Height(at),
        };
        let delegation = Delegation::signed(&new, &cast.staker).unwrap();
        let refused = stage.presign(delegation, &history, &cast.covenant).unwrap_err().to_string();
        assert!(refused.contains("was signed"), "{refused}");
    }
}
