//! The stage: a node, the cast, and the moves that scenarios are made of.

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, Psbt, Transaction};
use chain::{BlockHeight, Node, NodeError};
use eots::SecretKey;
use staking_scripts::{
    CovenantAdaptorSignatures, CovenantSignature, ExtensionTransaction, Funded, FundingCoin, HasTaproot,
    Path, SlashingTransaction, StakingOutput, StakingTransaction, UnbondingOutput, UnbondingTransaction,
    WithdrawalTransaction, sign_key_path,
};

use super::attempts::{signed_by, with_witness};
use super::cast::Cast;
use super::record::{Equivocation, Locked, Played};
use super::report::Step;

/// Block rewards must be this deep before they can be spent.
const COINBASE_MATURITY: u32 = 100;
/// How often more coins are mined before the chain is given up, twice as many each time.
const FUNDING_ROUNDS: u32 = 9;
/// For how many blocks ahead fees are estimated.
const FEE_TARGET: u16 = 6;

/// A node and everyone who acts on it.
pub(crate) struct Stage<'a> {
    node: &'a dyn Node,
    pub(crate) cast: &'a Cast,
    pub(crate) steps: Vec<Step>,
    /// The outputs of the protocol that are on the chain.
    pub(crate) outputs: Vec<Locked>,
    pub(crate) equivocation: Option<Equivocation>,
}

/// A stake with everything that was signed in advance.
pub(crate) struct Stake {
    pub(crate) staking: Funded<StakingOutput>,
    pub(crate) height: BlockHeight,
    pub(crate) unbonding: UnbondingTransaction,
    pub(crate) unbonding_signatures: Vec<CovenantSignature>,
    pub(crate) slashing: PreSigned,
    pub(crate) unbonding_slashing: PreSigned,
}

/// A slashing transaction that wants nothing but a finality provider's key.
pub(crate) struct PreSigned {
    pub(crate) transaction: SlashingTransaction,
    pub(crate) staker: schnorr::Signature,
    pub(crate) covenant: Vec<CovenantAdaptorSignatures>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(node: &'a dyn Node, cast: &'a Cast) -> Self {
        Self { node, cast, steps: Vec::new(), outputs: Vec::new(), equivocation: None }
    }

    /// Mines `count` blocks whose rewards concern nobody.
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

    /// Stakes: builds the transactions, has them signed in advance, and only then broadcasts the staking
    /// transaction.
    pub(crate) fn stake(&mut self) -> anyhow::Result<Stake> {
        let (cast, rules) = (self.cast, &self.cast.rules);
        let coins = self.node.coins(&cast.wallet_script()).context("cannot list the staker's coins")?;
        let coins: Vec<_> = coins
            .into_iter()
            .map(|coin| FundingCoin::new(coin.outpoint, coin.output))
            .collect::<Result<_, _>>()?;
        let output = StakingOutput::new(cast.parties.clone(), rules.staking_time)?;
        let fee_rate = self.node.fee_rate(FEE_TARGET)?;
        let staking = StakingTransaction::build(output, rules.stake, &coins, cast.wallet_script(), fee_rate)?;
        let signed = self.sign_in_advance(staking.staking_output(), &cast.covenant)?;

        let transaction = staking.finalize(&sign_key_path(staking.psbt(), &cast.wallet)?)?;
        let text = format!("{} sat locked for {} blocks", rules.stake.to_sat(), rules.staking_time);
        let height = self.confirm("stake", &text, (&transaction, staking.psbt()), None)?;
        self.outputs.push(Locked::new("staking output", &signed.staking));
        Ok(Stake { height, ..signed })
    }

    /// The stake that a transaction will make, with everything signed that must be before it is broadcast.
    fn sign_in_advance(
        &mut self,
        staking: Funded<StakingOutput>,
        covenant: &[SecretKey],
    ) -> anyhow::Result<Stake> {
        let rules = &self.cast.rules;
        let parties = staking.output().parties().clone();
        let (members, providers) = (covenant.len(), parties.finality_providers().as_slice().len());
        let unbonding_output = UnbondingOutput::new(parties, rules.unbonding_time)?;
        let unbonding = UnbondingTransaction::new(&staking, unbonding_output, rules.unbonding_fee)?;
        let slashing =
            self.pre_sign(SlashingTransaction::new(&staking, &rules.slashing_terms())?, covenant)?;
        let unbonding_slashing =
            SlashingTransaction::new(&unbonding.unbonding_output(), &rules.slashing_terms())?;
        let unbonding_slashing = self.pre_sign(unbonding_slashing, covenant)?;
        let unbonding_signatures = covenant
            .iter()
            .map(|key| unbonding.sign_as_covenant_member_unchecked(key))
            .collect::<Result<Vec<_>, _>>()?;
        unbonding_signatures.iter().try_for_each(|signature| unbonding.verify_covenant(signature))?;
        self.say(
            "sign in advance",
            format!(
                "staker and {members} covenant members sign unbonding and both slashing transactions; the covenant encrypts its slashing \
                 signatures to each of {providers} finality providers"
            ),
        );
        let height = BlockHeight::GENESIS;
        Ok(Stake { staking, height, unbonding, unbonding_signatures, slashing, unbonding_slashing })
    }

    /// Extends a stake: more of it, for longer, with one more finality provider and under a covenant
    /// committee that has changed since.
    pub(crate) fn extend(&mut self, stake: &Stake) -> anyhow::Result<Stake> {
        let (cast, rules) = (self.cast, &self.cast.rules);
        let coins = self.node.coins(&cast.wallet_script()).context("cannot list the staker's coins")?;
        let coins: Vec<_> = coins
            .into_iter()
            .map(|coin| FundingCoin::new(coin.outpoint, coin.output))
            .collect::<Result<_, _>>()?;
        let output = StakingOutput::new(cast.extended_parties.clone(), rules.extended_staking_time)?;
        let (amount, rate) = (rules.extended_stake, self.node.fee_rate(FEE_TARGET)?);
        let extension =
            ExtensionTransaction::build(&stake.staking, output, amount, &coins, cast.wallet_script(), rate)?;
        let signed = self.sign_in_advance(extension.staking_output(), &cast.extended_covenant)?;

        // The running stake is spent under the committee it was made under.
        let staker = extension.sign_as_staker(&cast.staker)?;
        let covenant = cast
            .covenant
            .iter()
            .map(|key| extension.sign_as_covenant_member_unchecked(key))
            .collect::<Result<Vec<_>, _>>()?;
        covenant.iter().try_for_each(|signature| extension.verify_covenant(signature))?;
        let transaction =
            extension.finalize(&staker, &covenant, &sign_key_path(extension.psbt(), &cast.wallet)?)?;
        self.extend_alone(stake, &extension, &transaction)?;
        let text = format!(
            "{} sat locked for {} blocks, without unbonding in between",
            amount.to_sat(),
            rules.extended_staking_time
        );
        let height =
            self.confirm("extend", &text, (&transaction, extension.psbt()), Some(Path::Unbonding))?;
        self.outputs.push(Locked::new("extended staking output", &signed.staking));
        Ok(Stake { height, ..signed })
    }

    /// What must fail: the staker without the committee.
    fn extend_alone(
        &mut self,
        stake: &Stake,
        extension: &ExtensionTransaction,
        finished: &Transaction,
    ) -> anyhow::Result<()> {
        let leaf = stake.staking.output().taproot().leaf(Path::Unbonding);
        let leaf = leaf.context("the staking output has no unbonding path")?;
        let alone = with_witness(finished, leaf, signed_by(&[&self.cast.staker], extension.sighash()?));
        let text = "the staker without the covenant committee";
        self.refused("extend alone", text, (&alone, extension.psbt()), Path::Unbonding)
    }

    fn pre_sign(
        &self,
        transaction: SlashingTransaction,
        covenant: &[SecretKey],
    ) -> anyhow::Result<PreSigned> {
        let staker = transaction.sign_as_staker(&self.cast.staker)?;
        transaction.verify_staker(&staker)?;
        // Zeros for the auxiliary randomness: the same seed shall give the same bytes.
        let covenant =
            covenant.iter().map(|key| transaction.sign_as_covenant_member_unchecked(key, &[0; 32]));
        let covenant = covenant.collect::<Result<Vec<_>, _>>()?;
        covenant.iter().try_for_each(|given| transaction.verify_covenant(given))?;
        Ok(PreSigned { transaction, staker, covenant })
    }

    /// Broadcasts a transaction (with the PSBT that it comes from), mines a block, and makes sure that it is
    /// in there.
    pub(crate) fn confirm(
        &mut self,
        name: &str,
        text: &str,
        (transaction, psbt): (&Transaction, &Psbt),
        path: Option<Path>,
    ) -> anyhow::Result<BlockHeight> {
        let txid =
            self.node.broadcast(transaction).with_context(|| format!("{name}: the node does not take it"))?;
        self.mine(1)?;
        let found = self.node.transaction(&txid)?.with_context(|| format!("{name}: {txid} is nowhere"))?;
        let block = found.block.with_context(|| format!("{name}: {txid} was not mined"))?;
        ensure!(found.transaction == *transaction, "{name}: the chain has another transaction {txid}");
        let height = block.height.to_u32();
        let played = Played::new(transaction, psbt, height)?;
        self.steps.push(Step { height: Some(height), ..Step::with(name, text, played, psbt.fee()?, path) });
        Ok(block.height)
    }

    /// Broadcasts a transaction that the node must refuse; it is a failure of the demo when it does not.
    pub(crate) fn refused(
        &mut self,
        name: &str,
        text: &str,
        (transaction, psbt): (&Transaction, &Psbt),
        path: Path,
    ) -> anyhow::Result<()> {
        let reason = match self.node.broadcast(transaction) {
            Err(NodeError::Rejected { reason, .. }) => reason,
            Err(other) => return Err(anyhow!(other).context(format!("{name}: no verdict"))),
            Ok(txid) => bail!("{name}: the node took {txid}, which it must refuse"),
        };
        let next_block = self.node.tip()?.height.saturating_add(1).to_u32();
        let played = Played::new(transaction, psbt, next_block)?;
        self.steps
            .push(Step { refused: Some(reason), ..Step::with(name, text, played, psbt.fee()?, Some(path)) });
        Ok(())
    }

    /// Withdraws an output that confirmed at `height`: refused one block before its timelock ends, and taken
    /// then.
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
            "someone else mines on this chain: it is at height {tip}, not at {last_too_early}"
        );
        let (name, text) = ("withdraw too early", "one block before the timelock ends");
        self.refused(name, text, (&transaction, withdrawal.psbt()), Path::Timelock)?;
        self.mine(1)?;
        let text = format!(
            "the staker takes out {} sat, {timelock} blocks after it was locked",
            output.amount().to_sat()
        );
        self.confirm("withdraw", &text, (&transaction, withdrawal.psbt()), Some(Path::Timelock))?;
        Ok(())
    }

    /// Unbonds with the staker's and a quorum of covenant signatures.
    pub(crate) fn unbond(&mut self, stake: &Stake) -> anyhow::Result<BlockHeight> {
        let unbonding = &stake.unbonding;
        let staker = unbonding.sign_as_staker(&self.cast.staker)?;
        let transaction = unbonding.finalize(&staker, &stake.unbonding_signatures)?;
        let text = format!(
            "the staker leaves early, with {} covenant signatures",
            self.cast.parties.covenant().quorum()
        );
        let height =
            self.confirm("unbond", &text, (&transaction, unbonding.psbt()), Some(Path::Unbonding))?;
        self.outputs.push(Locked::new("unbonding output", &unbonding.unbonding_output()));
        Ok(height)
    }

    /// Slashes with an extracted key, and withdraws the refund.
    pub(crate) fn slash(&mut self, pre_signed: &PreSigned, extracted: &SecretKey) -> anyhow::Result<()> {
        let PreSigned { transaction: slashing, staker, covenant } = pre_signed;
        let transaction = slashing.slash(staker, covenant, extracted)?;
        let slashed = transaction.output.first().map_or(Amount::ZERO, |out| out.value);
        let text = format!(
            "anyone with the extracted key completes it: {} sat burn, the rest waits for the staker",
            slashed.to_sat()
        );
        let height = self.confirm("slash", &text, (&transaction, slashing.psbt()), Some(Path::Slashing))?;
        let refund = slashing.refund_output();
        self.outputs.push(Locked::new("slashing refund output", &refund));
        self.withdraw(&refund, height)
    }
}
