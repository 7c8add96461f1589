//! The ends of a stake (unbonding, withdrawal, slashing), and its status on the chain.

use anyhow::{Context, ensure};
use bitcoin::absolute::Height;
use bitcoin::{Amount, OutPoint, TxOut};
use chain::{BlockHeight, Coin};
use eots::SecretKey;
use staking_scripts::delegation::{Spending, StakeOnChain, WithdrawnOutput};
use staking_scripts::{LeafTransaction, SlashedOutput, SpendPath, StakeStatus};

use super::super::cast::Cast;
use super::super::record::Locked;
use super::{FEE_TARGET, Stage, Stake, consensus};

impl Stage<'_> {
    /// Withdraws an output of a stake, which confirmed at `height`: refused one block before its timelock is
    /// over, then accepted.
    pub(crate) fn withdraw(
        &mut self,
        stake: &Stake,
        from: WithdrawnOutput,
        height: BlockHeight,
    ) -> anyhow::Result<()> {
        let (destination, rate) = (self.cast.wallet_script(), self.node.fee_rate(FEE_TARGET)?);
        let committee = stake.parameters.covenant();
        let withdrawal = stake.delegation.withdrawal(from, destination, rate, committee)?;
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
        let locked = withdrawal.psbt().inputs.first().and_then(|input| input.witness_utxo.as_ref());
        let locked = locked.context("the withdrawal spends no output")?;
        let text = format!(
            "the staker withdraws {} sat, {timelock} blocks after it was locked",
            locked.value.to_sat()
        );
        self.confirm("withdraw", &text, (&transaction, withdrawal.psbt()), Some(SpendPath::Timelock))?;
        Ok(())
    }

    /// Broadcasts a stake's unbonding, which waits in the mempool then.
    #[cfg(feature = "watch")]
    pub(crate) fn broadcast_unbonding(&mut self, stake: &Stake) -> anyhow::Result<()> {
        let committee = stake.parameters.covenant();
        let staker = stake.delegation.unbonding(committee)?.sign_as_staker(&self.cast.staker)?;
        let transaction = stake.delegation.unbond(&staker, committee)?;
        let txid = self.node.broadcast(&transaction).context("the node refuses the unbonding")?;
        self.say(
            "race",
            format!("the staker of one of its stakes unbonds just then: {txid} waits in the mempool"),
        );
        Ok(())
    }

    /// Unbonds with the staker's and a quorum of covenant signatures. Returns the height of the block.
    pub(crate) fn unbond(&mut self, stake: &Stake) -> anyhow::Result<BlockHeight> {
        let committee = stake.parameters.covenant();
        let unbonding = stake.delegation.unbonding(committee)?;
        let staker = unbonding.sign_as_staker(&self.cast.staker)?;
        let transaction = stake.delegation.unbond(&staker, committee)?;
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
        let committee = stake.parameters.covenant();
        let slashing = stake.delegation.slashing(which, committee)?;
        let transaction = stake.delegation.slash(which, extracted, committee)?;
        let slashed = transaction.output.first().map_or(Amount::ZERO, |out| out.value);
        let text = format!(
            "anyone with the extracted key finalizes it: {} sat are burnt, the rest is locked for the staker",
            slashed.to_sat()
        );
        let path = Some(SpendPath::Slashing);
        let height = self.confirm("slash", &text, (&transaction, slashing.psbt()), path)?;
        self.outputs.push(Locked::new("slashing refund output", &slashing.refund_output()));
        self.withdraw(stake, WithdrawnOutput::Refund(which), height)
    }

    /// Returns the status of a stake, from the node's blocks.
    pub(crate) fn status(&self, stake: &Stake) -> anyhow::Result<StakeStatus> {
        let outputs = stake.delegation.stake(stake.parameters.covenant())?;
        let unbonding = &stake.checked.presigned().unbonding;
        let (staking, txid) = (&outputs.staking, unbonding.txid());
        let (block, included) = (self.node.block_at(stake.height)?, consensus(stake.height)?);
        let is_there =
            block.txdata.iter().any(|transaction| transaction.compute_txid() == staking.outpoint().txid);
        ensure!(
            is_there,
            "the block at height {included} no longer has the stake {}",
            staking.outpoint().txid
        );
        let spent = self.spending(staking.outpoint(), staking.tx_out(), included)?;
        let unbonding_spent = match spent.filter(|spent| spent.txid == txid) {
            Some(unbonded) => {
                let output = unbonding.unbonding_output();
                self.spending(output.outpoint(), output.tx_out(), unbonded.height)?
            }
            None => None,
        };
        let tip = consensus(self.node.tip()?.height)?;
        // The status is the same whether the slashing refund is withdrawn or not.
        let chain =
            StakeOnChain { included: Some(included), spent, unbonding_spent, ..StakeOnChain::at(tip) };
        let (committee, depth) = (stake.parameters.covenant(), Cast::chain_rules().depth);
        Ok(stake.delegation.state(&chain, committee, stake.previous.as_ref(), depth)?.status)
    }

    /// Returns the transaction in a block that spends an output, which is in the block at the height `since`.
    fn spending(&self, outpoint: OutPoint, output: TxOut, since: Height) -> anyhow::Result<Option<Spending>> {
        let coin = Coin { outpoint, output, height: BlockHeight::new(since.to_consensus_u32()) };
        let Some(found) = self.node.spender(&coin)? else { return Ok(None) };
        let Some(block) = found.block else { return Ok(None) };
        Ok(Spending::of(&found.transaction, outpoint, consensus(block.height)?))
    }
}

#[cfg(test)]
mod tests {
    use chain::EmbeddedRegtest;

    use super::*;

    #[test]
    fn status_follows_the_chain() {
        let node = EmbeddedRegtest::in_memory().unwrap();
        let cast = Cast::new(&[7; 32]).unwrap();
        let mut stage = Stage::new(&node, &cast);
        stage.fund_wallet(2).unwrap();
        let stake = stage.stake().unwrap();
        assert_eq!(stage.status(&stake).unwrap(), StakeStatus::Verified, "not deep enough");
        stage.mine(1).unwrap();
        assert_eq!(stage.status(&stake).unwrap(), StakeStatus::Active);
        let extended = stage.extend(&stake).unwrap();
        assert_eq!(stage.status(&stake).unwrap(), StakeStatus::Unbonded);
        assert_eq!(stage.status(&extended).unwrap(), StakeStatus::Verified);
        let height = stage.unbond(&extended).unwrap();
        assert_eq!(stage.status(&extended).unwrap(), StakeStatus::Unbonding);
        stage.withdraw(&extended, WithdrawnOutput::Unbonding, height).unwrap();
        assert_eq!(stage.status(&extended).unwrap(), StakeStatus::Withdrawn);
    }
}
