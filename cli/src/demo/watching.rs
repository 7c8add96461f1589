//! A watchtower in this process, as `watch` has it: it slashes the stakes of whoever equivocates, whatever
//! happens to it and to the chain.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bitcoin::ScriptBuf;
use chain::BlockHeight;
use eots::SecretKey;
use finality::Evidence;
use staking_scripts::StakeStatus;
use store::SqliteStore;
use tempfile::TempDir;
use watch::{Driver, Observer, SCHEMA, Settings, Told, Verdict, WatchedNode, output_name};

use super::cast::{Cast, staked_to};
use super::stage::{Stage, Stake};
use super::voting::equivocate;

/// How deep a slashing must be: the chain's k, in small.
const DEPTH: u32 = 3;
/// How many steps a watchtower gets to come to rest.
const MOST_STEPS: u32 = 100;
/// After how long a watchtower sends again what waits, without a new block.
const MINUTE: Duration = Duration::from_secs(61);

/// Lets a provider with two stakes equivocate just when the staker of one of them unbonds, and a watchtower
/// slash both: it is killed in between, and a reorg undoes what it did. `first` is staked to both providers.
/// Returns whether the key that the evidence gives is the provider's.
pub(crate) fn slash_whatever_happens(
    stage: &mut Stage<'_>,
    first: &Stake,
    [offender, other]: &[SecretKey; 2],
) -> anyhow::Result<bool> {
    let racing = &stage.stake_to(&staked_to([offender])?)?;
    let honest = &stage.stake_to(&staked_to([other])?)?;
    let (watched, cast) = (stage.watched(), stage.cast);
    let node: &dyn WatchedNode = &watched;
    let home = Home { folder: tempfile::tempdir()?, seconds: RefCell::new(Duration::ZERO) };
    let heard = Heard::default();
    let mut tower = Tower::open(node, cast, &home, &heard)?;
    for stake in [first, racing, honest] {
        tower.driver.learn(&stake.delegation, 0)?;
    }
    stage.mine(DEPTH)?;
    tower.rest(&home)?;
    for stake in [first, racing, honest] {
        tower.expect(stake, StakeStatus::Active)?;
    }
    stage.say(
        "watch",
        "a watchtower finds three stakes in the blocks: one to both providers, one to each; all are active",
    );

    let (_, matches) = equivocate(stage, offender)?;
    let evidence = stage.equivocation.as_ref().map(|found| found.evidence);
    let evidence: Evidence = evidence.context("there is no evidence")?;
    stage.broadcast_unbonding(racing)?;
    tower.driver.accuse(&evidence)?;
    tower.rest(&home)?;
    stage.say("slash", format!("it hears of the evidence: {}", heard.taken()));
    drop(tower);
    stage.say("kill", "the watchtower is killed, and started again after the next block");

    stage.mine(1)?;
    let mut tower = Tower::open(node, cast, &home, &heard)?;
    tower.rest(&home)?;
    for stake in [first, racing] {
        tower.expect(stake, StakeStatus::Slashed)?;
    }
    let undone = tower.height();
    let fork = BlockHeight::new(undone.saturating_sub(1));
    // Other blocks than those that pay the miner.
    stage.reorganize(fork, 2, &ScriptBuf::from_bytes(vec![0x51]))?;
    heard.taken();
    tower.rest(&home)?;
    home.wait(MINUTE);
    tower.rest(&home)?;
    stage.say(
        "reorg",
        format!(
            "another branch undoes block {undone} and the slashings in it; it sends them again: {}",
            heard.taken()
        ),
    );
    for _ in 0..=DEPTH {
        stage.mine(1)?;
        tower.rest(&home)?;
    }
    for stake in [first, racing] {
        tower.expect(stake, StakeStatus::Slashed)?;
    }
    tower.expect(honest, StakeStatus::Active)?;
    ensure!(
        tower.driver.watch().slashes_under_way() == 0,
        "a slashing is still under way; must be deep enough"
    );
    stage.say(
        "slashed",
        format!("both stakes of the provider, for good, {DEPTH} blocks deep; the other provider's is active"),
    );
    Ok(matches)
}

/// Where the watchtower's store is, and what its clock says.
struct Home {
    folder: TempDir,
    seconds: RefCell<Duration>,
}

impl Home {
    fn wait(&self, time: Duration) {
        let now = *self.seconds.borrow();
        *self.seconds.borrow_mut() = now.saturating_add(time);
    }
}

/// What was handed to the node, in words.
#[derive(Default)]
struct Heard(RefCell<Vec<String>>);

impl Heard {
    fn taken(&self) -> String {
        let mut all = std::mem::take(&mut *self.0.borrow_mut());
        all.dedup();
        all.join("; ")
    }
}

impl Observer for Heard {
    fn told(&self, told: &Told<'_>) {
        let Told::Sent { output, transaction, verdict: Some(verdict), .. } = told else { return };
        let said = match verdict {
            Verdict::Taken => "the node takes it".to_owned(),
            Verdict::Refused { class, .. } => format!("the node refuses it ({class})"),
            Verdict::Unanswered => "the node does not answer".to_owned(),
        };
        let (output, txid) = (output_name(*output), transaction.compute_txid());
        self.0.borrow_mut().push(format!("the slashing of the {output} output, {txid}: {said}"));
    }
}

struct Tower<'a> {
    driver: Driver<'a>,
    began: Instant,
}

impl<'a> Tower<'a> {
    fn open(node: &'a dyn WatchedNode, cast: &Cast, home: &Home, heard: &'a Heard) -> anyhow::Result<Self> {
        let store = SqliteStore::open(home.folder.path().join("watch.db"), &SCHEMA)?;
        let settings = Settings::new(cast.history(None)?, DEPTH);
        let driver = Driver::open(settings, node, Box::new(store), heard, BlockHeight::GENESIS)?;
        Ok(Self { driver, began: Instant::now() })
    }

    /// Steps until it is at the node's tip and nothing is left to do.
    fn rest(&mut self, home: &Home) -> anyhow::Result<()> {
        let now = self.began.checked_add(*home.seconds.borrow()).context("no such time")?;
        for _ in 0..MOST_STEPS {
            if self.driver.step(now)? {
                return Ok(());
            }
        }
        anyhow::bail!("the watchtower does not come to rest")
    }

    const fn height(&self) -> u32 {
        self.driver.watch().tracker().height()
    }

    fn expect(&self, stake: &Stake, expected: StakeStatus) -> anyhow::Result<()> {
        let (tracker, txid) =
            (self.driver.watch().tracker(), stake.delegation.staking_transaction.compute_txid());
        let found =
            tracker.find(&txid).and_then(|id| tracker.stake(id)).context("the stake is not tracked")?;
        let status = found.state(tracker.height(), DEPTH).status;
        ensure!(status == expected, "the stake {txid} is {}; must be {}", status.as_str(), expected.as_str());
        Ok(())
    }
}
