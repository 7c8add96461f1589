//! The stage: a node, the participants, and the steps that scenarios consist of.

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::absolute::Height;
use bitcoin::{Amount, Psbt, Transaction};
use chain::{BlockHeight, Node, NodeError};
use eots::SecretKey;
use staking_scripts::coins::sign_key_path;
use staking_scripts::delegation::{MemoryCovenantRecord, NewDelegation, RunningStake};
use staking_scripts::transactions::{HasTaproot, NewExtension, NewStake};
use staking_scripts::{
    CheckRules, CheckedDelegation, Delegation, ExtensionTransaction, Funded, FundingCoin, InForce,
    LeafTransaction, Parameters, ParametersAt, ParametersHistory, SlashedOutput, SpendPath, StakingOutput,
    StakingTransaction, WithdrawalTransaction,
};

use super::attempts::{signed_by, with_witness};
use super::cast::Cast;
use super::record::{Equivocation, Locked, Played};
use super::report::Step;

/// Block rewards must be this deep before they can be spent.
const COINBASE_MATURITY: u32 = 100;
/// How often more coins are mined before the demo gives up, twice as many each time.
const FUNDING_ROUNDS: u32 = 9;
/// For how many blocks ahead fees are estimated.
const FEE_TARGET: u16 = 6;

/// A node and the participants.
pub(crate) struct Stage<'a> {
    node: &'a dyn Node,
    pub(crate) cast: &'a Cast,
    pub(crate) steps: Vec<Step>,
    /// The outputs of the protocol that are on the chain.
    pub(crate) outputs: Vec<Locked>,
    pub(crate) equivocation: Option<Equivocation>,
}

/// A stake with its delegation.
pub(crate) struct Stake {
    pub(crate) delegation: Delegation,
    pub(crate) checked: CheckedDelegation,
    pub(crate) parameters: Parameters,
    pub(crate) height: BlockHeight,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(node: &'a dyn Node, cast: &'a Cast) -> Self {
        Self { node, cast, steps: Vec::new(), outputs: Vec::new(), equivocation: None }
    }

    /// Mines `count` blocks whose rewards are not needed.
    pub(crate) fn mine(&self, count: u32) -> anyhow::Result<()> {
        self.node.mine(count, &self.cast.miner_script()).context("cannot mine")?;
        Ok(())
    }

    pub(crate) fn say(&mut self, name: &str, text: impl Into<String>) {
        self.steps.push(Step::said(name, text));
    }

    /// Mines until the staker's wallet has mature coins for this many stakes.
    pub(crate) fn fund_wallet(&self, stakes: u32) -> anyhow::Result<()> {
        // Each stake, and twice its fees.
        let each = self.cast.rules.stake.checked_add(Amount::from_sat(100_000)).context("no such amount")?;
        let wanted = each.checked_mul(u64::from(stakes)).context("no such amount")?;
        let mut blocks = stakes;
        for _ in 0..FUNDING_ROUNDS {
            let coins =
                self.node.coins(&self.cast.wallet_script()).context("cannot list the staker's coins")?;
            let held = coins.iter().try_fold(Amount::ZERO, |sum, coin| sum.checked_add(coin.output.value));
            // A stake each: two stakes in one block would need a coin each.
            if held.is_some_and(|held| held >= wanted) && coins.len() >= usize::try_from(stakes)? {
                return Ok(());
            }
            self.node.mine(blocks, &self.cast.wallet_script()).context("cannot mine the staker's coins")?;
            self.mine(COINBASE_MATURITY)?;
            blocks = blocks.saturating_mul(2);
        }
        bail!(
            "this regtest chain is so long that its block rewards no longer pay for {stakes} stakes: use a fresh one"
        )
    }

    fn coins(&self) -> anyhow::Result<Vec<FundingCoin>> {
        let coins = self.node.coins(&self.cast.wallet_script()).context("cannot list the staker's coins")?;
        let coins = coins.into_iter().map(|coin| FundingCoin::new(coin.outpoint, coin.output));
        Ok(coins.collect::<Result<_, _>>()?)
    }

    /// Stakes: builds the transactions, has the pre-signed ones signed, and only then broadcasts the staking
    /// transaction.
    pub(crate) fn stake(&mut self) -> anyhow::Result<Stake> {
        let (cast, rules) = (self.cast, &self.cast.rules);
        let history = cast.history(None)?;
        let (at, parameters) = self.in_force(&history)?;
        let parties = parameters.parties(*cast.staker.public_key(), cast.staked_to.keys())?;
        let staking = StakingTransaction::build(NewStake {
            output: StakingOutput::new(parties, rules.staking_time)?,
            amount: rules.stake,
            coins: &self.coins()?,
            change: cast.wallet_script(),
            fee_rate: self.node.fee_rate(FEE_TARGET)?,
            op_return_tag: None,
        })?;
        let delegation = Delegation::new(&NewDelegation {
            staked_to: &cast.staked_to,
            staking: &staking.staking_output(),
            transaction: &staking.without_witnesses(),
            parameters,
            parameters_at: ParametersAt::Height(at),
        })?;
        let stake = self.presign(delegation, &history, &cast.covenant)?;

        let transaction = staking.finalize(&sign_key_path(staking.psbt(), &cast.wallet)?)?;
        let text = format!("{} sat locked for {} blocks", rules.stake.to_sat(), rules.staking_time);
        let height = self.confirm("stake", &text, (&transaction, staking.psbt()), None)?;
        self.outputs.push(Locked::new("staking output", stake.checked.staking()));
        Ok(Stake { height, ..stake })
    }

    /// Returns the tip, and the parameters in force there.
    fn in_force<'h>(
        &self,
        history: &'h ParametersHistory<Parameters>,
    ) -> anyhow::Result<(Height, &'h Parameters)> {
        let tip = Height::from_consensus(self.node.tip()?.height.to_u32())?;
        Ok((tip, history.in_force(tip)?.1))
    }

    /// Returns the stake with its pre-signed transactions signed: by the staker, and by these covenant
    /// members, who check every rule and record what they sign.
    fn presign(
        &mut self,
        mut delegation: Delegation,
        history: &ParametersHistory<Parameters>,
        covenant: &[SecretKey],
    ) -> anyhow::Result<Stake> {
        let (tip, parameters) = self.in_force(history)?;
        delegation.sign_as_staker(&self.cast.staker, self.cast.possession()?, parameters)?;
        let rules = CheckRules { history, in_force: InForce::At(tip), chain: Cast::chain_rules() };
        let checked = delegation.check(&rules).map_err(|found| {
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            anyhow!("the stake breaks rules: {}", found.join("; "))
        })?;
        // Zeros for the auxiliary randomness: the same seed shall give the same bytes.
        let sign = |key| checked.sign_as_covenant_member(key, &[0; 32], &mut MemoryCovenantRecord::default());
        delegation.covenant_signatures = covenant.iter().map(sign).collect::<Result<_, _>>()?;
        checked.may_be_broadcast(&delegation.covenant_signatures)?;
        let (members, providers) = (covenant.len(), delegation.staked_to.keys().len());
        self.say(
            "pre-sign",
            format!(
                "staker and {members} covenant members sign unbonding and both slashing transactions; the covenant \
                 encrypts its slashing signatures to each of {providers} finality providers"
            ),
        );
        Ok(Stake { delegation, checked, parameters: parameters.clone(), height: BlockHeight::GENESIS })
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
        let mut delegation = Delegation::new(&NewDelegation {
            staked_to: &cast.extended_to,
            staking: &extension.staking_output(),
            transaction: extension.unsigned(),
            parameters,
            parameters_at: ParametersAt::Height(at),
        })?;
        let funding = extension.psbt().inputs.get(1).and_then(|input| input.witness_utxo.clone());
        let funding = funding.context("the extension has no funding input")?;
        let txid = stake.delegation.staking_transaction.compute_txid();
        delegation.extends = Some(RunningStake { txid, stake: None, funding });
        delegation.set_previous(&stake.delegation)?;
        // Only members of both committees sign: the running stake is spent under the one that it was made
        // under.
        let both = cast.covenant.iter().filter(|key| is_member(key, &cast.extended_covenant));
        let extended = self.presign(delegation, &history, &both.cloned().collect::<Vec<_>>())?;

        let staker = extension.sign_as_staker(&cast.staker)?;
        let covenant = extended.delegation.covenant_signatures.iter();
        let covenant: Vec<_> = covenant.filter_map(|given| given.extension).collect();
        let coin = sign_key_path(extension.psbt(), &cast.wallet)?;
        let transaction = extension.finalize(&staker, &covenant, &coin)?;
        self.extend_alone(stake, &extension, &transaction)?;
        let text = format!(
            "{} sat locked for {} blocks, without unbonding in between",
            amount.to_sat(),
            rules.extended_staking_time
        );
        let path = Some(SpendPath::Unbonding);
        let height = self.confirm("extend", &text, (&transaction, extension.psbt()), path)?;
        self.outputs.push(Locked::new("extended staking output", extended.checked.staking()));
        Ok(Stake { height, ..extended })
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
        let alone = with_witness(finalized, leaf, signed_by(&[&self.cast.staker], extension.sighash()));
        let text = "the staker without the covenant committee";
        self.refused("extend alone", text, (&alone, extension.psbt()), SpendPath::Unbonding)
    }

    /// Broadcasts a transaction (with its PSBT), mines a block, and checks that the transaction is in it.
    pub(crate) fn confirm(
        &mut self,
        name: &str,
        text: &str,
        (transaction, psbt): (&Transaction, &Psbt),
        path: Option<SpendPath>,
    ) -> anyhow::Result<BlockHeight> {
        let txid = self
            .node
            .broadcast(transaction)
            .with_context(|| format!("{name}: the node refuses it; must accept it"))?;
        self.mine(1)?;
        let found = self
            .node
            .transaction(&txid)?
            .with_context(|| format!("{name}: {txid} is neither in the mempool nor in a block"))?;
        let block = found.block.with_context(|| format!("{name}: {txid} was not mined"))?;
        ensure!(found.transaction == *transaction, "{name}: the chain has another transaction {txid}");
        let height = block.height.to_u32();
        let played = Played::new(transaction, psbt, height)?;
        self.steps.push(Step { height: Some(height), ..Step::with(name, text, played, psbt.fee()?, path) });
        Ok(block.height)
    }

    /// Broadcasts a transaction that the node must refuse; the demo fails when it does not.
    pub(crate) fn refused(
        &mut self,
        name: &str,
        text: &str,
        (transaction, psbt): (&Transaction, &Psbt),
        path: SpendPath,
    ) -> anyhow::Result<()> {
        let reason = match self.node.broadcast(transaction) {
            Err(NodeError::Rejected { reason, .. }) => reason,
            Err(other) => return Err(anyhow!(other).context(format!("{name}: no verdict"))),
            Ok(txid) => bail!("{name}: the node accepted {txid}; must refuse it"),
        };
        let next_block = self.node.tip()?.height.saturating_add(1).to_u32();
        let played = Played::new(transaction, psbt, next_block)?;
        self.steps
            .push(Step { refused: Some(reason), ..Step::with(name, text, played, psbt.fee()?, Some(path)) });
        Ok(())
    }

    /// Withdraws an output that confirmed at `height`: refused one block before its timelock is over, then
    /// accepted.
    pub(crate) fn withdraw<O: HasTaproot>(
        &mut self,
        output: &Funded<O>,
        height: BlockHeight,
    ) -> anyhow::Result<()> {
        let withdrawal =
            WithdrawalTransaction::new(output, self.cast.wallet_script(), self.node.fee_rate(FEE_TARGET)?)?;
        let transaction = withdrawal.finalize(&withdrawal.sign_as_staker(&self.cast.staker)?)?;
        let timelock = transaction.input.first().map_or(0, |input| input.sequence.0);
        // A block at height h + n may spend with a timelock of n, so the one before it must not: the tip then
        // is at h + n - 2.
        let last_too_early = height.saturating_add(timelock.saturating_sub(2));
        let wait = last_too_early.blocks_since(self.node.tip()?.height);
        self.mine(wait)?;
        let tip = self.node.tip()?.height;
        ensure!(
            tip == last_too_early,
            "the tip is at height {tip}; must be at {last_too_early}: someone else mines on this chain"
        );
        let (name, text) = ("withdraw too early", "one block before the timelock ends");
        self.refused(name, text, (&transaction, withdrawal.psbt()), SpendPath::Timelock)?;
        self.mine(1)?;
        let text = format!(
            "the staker withdraws {} sat, {timelock} blocks after it was locked",
            output.amount().to_sat()
        );
        self.confirm("withdraw", &text, (&transaction, withdrawal.psbt()), Some(SpendPath::Timelock))?;
        Ok(())
    }

    /// Unbonds with the staker's and a quorum of covenant signatures.
    pub(crate) fn unbond(&mut self, stake: &Stake) -> anyhow::Result<BlockHeight> {
        let unbonding = stake.delegation.unbonding(&stake.parameters)?;
        let staker = unbonding.sign_as_staker(&self.cast.staker)?;
        let transaction = stake.delegation.unbond(&staker, &stake.parameters)?;
        let text = format!("the staker unbonds, with {} covenant signatures", stake.checked.quorum());
        let path = Some(SpendPath::Unbonding);
        let height = self.confirm("unbond", &text, (&transaction, unbonding.psbt()), path)?;
        self.outputs.push(Locked::new("unbonding output", &unbonding.unbonding_output()));
        Ok(height)
    }

    /// Slashes with an extracted key, and withdraws the refund.
    pub(crate) fn slash(
        &mut self,
        stake: &Stake,
        which: SlashedOutput,
        extracted: &SecretKey,
    ) -> anyhow::Result<()> {
        let slashing = stake.delegation.slashing(which, &stake.parameters)?;
        let transaction = stake.delegation.slash(which, extracted, &stake.parameters)?;
        let slashed = transaction.output.first().map_or(Amount::ZERO, |out| out.value);
        let text = format!(
            "anyone with the extracted key finalizes it: {} sat are burnt, the rest is locked for the staker",
            slashed.to_sat()
        );
        let path = Some(SpendPath::Slashing);
        let height = self.confirm("slash", &text, (&transaction, slashing.psbt()), path)?;
        let refund = slashing.refund_output();
        self.outputs.push(Locked::new("slashing refund output", &refund));
        self.withdraw(&refund, height)
    }
}

fn is_member(key: &SecretKey, committee: &[SecretKey]) -> bool {
    committee.iter().any(|member| member.public_key() == key.public_key())
}
