//! A chain and a stake on it, with everyone's secrets.

use bitcoin::{Amount, FeeRate, ScriptBuf, Transaction, Txid};
use chain::{BlockHeight, EmbeddedRegtest, Node, NodeError};
use eots::SecretKey;
use staking_scripts::LeafTransaction as _;
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::testing::{key, keys, parameters, parties};
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::transactions::NewStake;
use staking_scripts::transactions::{HasTaproot, Slashable, SlashingParameters, SlashingRate};
use staking_scripts::{
    Funded, FundingCoin, Parties, SlashingTransaction, StakingOutput, StakingTransaction, Timelock,
    UnbondingOutput, UnbondingTransaction, WithdrawalTransaction,
};

/// The size of a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) providers: usize,
    pub(crate) members: usize,
    pub(crate) quorum: u16,
    pub(crate) staking_blocks: u32,
    pub(crate) unbonding_blocks: u32,
}

pub(crate) struct World {
    pub(crate) node: Box<dyn Node>,
    pub(crate) wallet: SecretKey,
    pub(crate) staker: SecretKey,
    pub(crate) providers: Vec<SecretKey>,
    pub(crate) covenant: Vec<SecretKey>,
    pub(crate) parties: Parties,
    size: Size,
}

impl World {
    /// A chain of its own with mature coins for `stakes` stakes.
    pub(crate) fn new(seed: u64, size: Size, stakes: u32) -> Self {
        Self::on(Box::new(EmbeddedRegtest::in_memory().unwrap()), seed, size, stakes)
    }

    /// On the chain of this node.
    pub(crate) fn on(node: Box<dyn Node>, seed: u64, size: Size, stakes: u32) -> Self {
        let name = |role: &str| format!("{seed} {role}");
        let (wallet, staker) = (key(&name("wallet"), 0), key(&name("staker"), 0));
        let providers = keys(&name("provider"), size.providers);
        let covenant = keys(&name("member"), size.members);
        let parties = parties(&staker, &providers, &covenant, size.quorum);
        let world = Self { node, wallet, staker, providers, covenant, parties, size };
        world.node.mine(stakes, &world.wallet_script()).unwrap();
        world.mine(100);
        world
    }

    /// Those who take part from now on.
    pub(crate) fn adopt(&mut self, parties: Parties, providers: Vec<SecretKey>, covenant: Vec<SecretKey>) {
        (self.parties, self.providers, self.covenant) = (parties, providers, covenant);
    }

    pub(crate) fn wallet_script(&self) -> ScriptBuf {
        key_path_script(self.wallet.public_key())
    }

    pub(crate) fn mine(&self, count: u32) {
        self.node.mine(count, &ScriptBuf::from_bytes(vec![0x51])).unwrap();
    }

    /// Burnt as on mainnet, at another rate and fee.
    pub(crate) fn terms(&self) -> SlashingParameters {
        SlashingParameters {
            rate: SlashingRate::from_ten_thousandths(1000).unwrap(),
            fee: Amount::from_sat(5_000),
            unbonding_time: Timelock::from_blocks(self.size.unbonding_blocks).unwrap(),
            ..parameters(0).slashing_parameters()
        }
    }

    pub(crate) fn coins(&self) -> Vec<FundingCoin> {
        let coins = self.node.coins(&self.wallet_script()).unwrap().into_iter();
        coins.map(|coin| FundingCoin::new(coin.outpoint, coin.output).unwrap()).collect()
    }

    /// A staking transaction over 0.01 bitcoin at this rate, signed.
    pub(crate) fn staking(&self, rate: FeeRate) -> (StakingTransaction, Transaction) {
        let time = Timelock::from_blocks(self.size.staking_blocks).unwrap();
        let output = StakingOutput::new(self.parties.clone(), time).unwrap();
        let amount = Amount::from_sat(1_000_000);
        let staking = StakingTransaction::build(NewStake {
            output,
            amount,
            coins: &self.coins(),
            change: self.wallet_script(),
            fee_rate: rate,
            op_return_tag: None,
        })
        .unwrap();
        let transaction = staking.finalize(&sign_key_path(staking.psbt(), &self.wallet).unwrap()).unwrap();
        (staking, transaction)
    }

    /// Stakes, confirmed; returns the output and its height.
    pub(crate) fn stake(&self) -> (Funded<StakingOutput>, BlockHeight) {
        let (staking, transaction) = self.staking(FeeRate::from_sat_per_vb_u32(2));
        let height = self.confirm(&transaction);
        (staking.staking_output(), height)
    }

    pub(crate) fn unbonding(&self, staking: &Funded<StakingOutput>) -> UnbondingTransaction {
        let time = Timelock::from_blocks(self.size.unbonding_blocks).unwrap();
        let output = UnbondingOutput::new(self.parties.clone(), time).unwrap();
        UnbondingTransaction::new(staking, output, Amount::from_sat(3_000)).unwrap()
    }

    /// The unbonding transaction, signed by all.
    pub(crate) fn unbonded(&self, unbonding: &UnbondingTransaction) -> Transaction {
        let covenant: Vec<_> = self
            .covenant
            .iter()
            .map(|member| unbonding.sign_as_covenant_member_unchecked(member).unwrap())
            .collect();
        unbonding.finalize(&unbonding.sign_as_staker(&self.staker).unwrap(), &covenant).unwrap()
    }

    pub(crate) fn unbond(&self, staking: &Funded<StakingOutput>) -> (UnbondingTransaction, BlockHeight) {
        let unbonding = self.unbonding(staking);
        let height = self.confirm(&self.unbonded(&unbonding));
        (unbonding, height)
    }

    /// A slashing transaction, completed with the first provider's key.
    pub(crate) fn slashed<O: Slashable>(&self, source: &Funded<O>) -> Transaction {
        let slashing = SlashingTransaction::new(source, &self.terms()).unwrap();
        let covenant: Vec<_> = self
            .covenant
            .iter()
            .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
            .collect();
        slashing
            .slash(&slashing.sign_as_staker(&self.staker).unwrap(), &covenant, &self.providers[0])
            .unwrap()
    }

    /// Withdraws an output confirmed at `height`: refused one block too early, taken then.
    pub(crate) fn withdraw<O: HasTaproot>(&self, output: &Funded<O>, height: BlockHeight) {
        let rate = FeeRate::from_sat_per_vb_u32(1);
        let withdrawal = WithdrawalTransaction::new(output, self.wallet_script(), rate).unwrap();
        let transaction = withdrawal.finalize(&withdrawal.sign_as_staker(&self.staker).unwrap()).unwrap();
        let timelock = transaction.input[0].sequence.0;
        let tip = self.node.tip().unwrap().height;
        // The next block is at tip + 1; it may have the withdrawal from height + timelock on.
        let wait = (height.to_u32() + timelock).saturating_sub(tip.to_u32() + 1);
        if wait > 0 {
            self.mine(wait - 1);
            assert_eq!(self.refusal(&transaction), "bad-txns-nonfinal");
            self.mine(1);
        }
        self.confirm(&transaction);
    }

    /// Broadcasts, mines, and says at which height it is.
    pub(crate) fn confirm(&self, transaction: &Transaction) -> BlockHeight {
        let txid: Txid = self.node.broadcast(transaction).unwrap();
        self.mine(1);
        self.node.transaction(&txid).unwrap().unwrap().block.unwrap().height
    }

    /// The reason for which the node refuses a transaction.
    #[track_caller]
    pub(crate) fn refusal(&self, transaction: &Transaction) -> String {
        match self.node.broadcast(transaction) {
            Err(NodeError::Rejected { reason, .. }) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }
}
