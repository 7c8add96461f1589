//! Whatever happens in whatever order: in the end every stake of whoever equivocated, or was found out by a
//! slashing transaction, is slashed; the tower knows what one knows that saw the last chain alone, and has
//! told the secured chain of all that is so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use babylon::query::DelegationStatus;
use bitcoin::{Transaction, XOnlyPublicKey};
use proptest::prelude::*;
use staking_scripts::StakeStatus;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;
use store::testing::MemoryDatabase;

use super::stakes::{MADE, Made, STAKES, evidence, provider_of, slashing};
use super::tower::{DEPTH, Tower, settings};
use super::world::Bitcoin;
use crate::event::Event;
use crate::report::Report;
use crate::watch::{OnSelective, Settings};

/// What whoever has the provider's key can send without an equivocation, of each stake.
static SELECTIVE: LazyLock<Vec<[Transaction; 2]>> = LazyLock::new(|| {
    let of = |number| [SlashedOutput::Staking, SlashedOutput::Unbonding].map(|which| slashing(number, which));
    (0..STAKES).map(of).collect()
});

/// Something that happens.
#[derive(Debug, Clone)]
enum Happening {
    /// A staker sends a staking transaction.
    Stake(usize),
    /// A staker unbonds.
    Unbond(usize),
    /// A staker extends.
    Extend,
    /// A block has some of what waits.
    Mine(u8),
    /// So many blocks are disconnected; some of what they had comes back.
    Reorganize(usize, u8),
    /// The node forgets what waits.
    Forget,
    /// The tower learns of a delegation; that of the extension is the last.
    Learn(usize),
    /// The tower learns that a provider equivocated at a height.
    Accuse(usize, u64),
    /// Whoever has a provider's key slashes one stake, from either output.
    Slash(usize, usize),
    /// The secured chain has something else of a stake.
    Register(usize, DelegationStatus),
    /// The tower looks at the node.
    Follow,
    /// A minute passes.
    Wait,
    /// The tower is killed after so many steps.
    Kill(u32),
}

/// One more than what counts as final.
const MOST_DISCONNECTED: usize = 7;

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0..STAKES).prop_map(Happening::Stake),
        2 => (0..STAKES).prop_map(Happening::Unbond),
        1 => Just(Happening::Extend),
        6 => any::<u8>().prop_map(Happening::Mine),
        2 => (1..=MOST_DISCONNECTED, any::<u8>()).prop_map(|(n, b)| Happening::Reorganize(n, b)),
        1 => Just(Happening::Forget),
        4 => (0..=STAKES).prop_map(Happening::Learn),
        1 => (0..2_usize, 1..4_u64).prop_map(|(provider, height)| Happening::Accuse(provider, height)),
        1 => (0..STAKES, 0..2_usize).prop_map(|(number, which)| Happening::Slash(number, which)),
        3 => (0..=STAKES, 0..5_usize)
            .prop_map(|(number, status)| Happening::Register(number, DelegationStatus::ALL[status])),
        6 => Just(Happening::Follow),
        1 => Just(Happening::Wait),
        2 => (0..40_u32).prop_map(Happening::Kill),
    ]
}

fn made(number: usize) -> &'static Made {
    MADE.get(number).unwrap_or_else(|| MADE[1].child.as_ref().unwrap())
}

fn chosen(bits: u8) -> impl FnMut(usize) -> bool {
    move |number| bits >> (number % 8) & 1 == 1
}

/// Lets the tower do something, and starts it again where it is killed over it. What was told and is not
/// stored is told again by whoever told it.
fn survive(
    tower: &mut Tower,
    bitcoin: &mut Bitcoin,
    mut act: impl FnMut(&mut Tower, &mut Bitcoin) -> Result<(), super::tower::Killed>,
) {
    while act(tower, bitcoin).is_err() {
        tower.restart(bitcoin);
    }
}

fn happen(happening: &Happening, tower: &mut Tower, bitcoin: &mut Bitcoin) {
    match happening {
        Happening::Stake(number) => drop(bitcoin.broadcast(&MADE[*number].staking)),
        Happening::Unbond(number) => drop(bitcoin.broadcast(&MADE[*number].unbonding)),
        Happening::Extend => drop(bitcoin.broadcast(&made(STAKES).staking)),
        Happening::Mine(bits) => bitcoin.mine_chosen(chosen(*bits)),
        Happening::Reorganize(depth, bits) => bitcoin.reorganize(*depth, chosen(*bits)),
        Happening::Forget => bitcoin.forget_mempool(),
        Happening::Learn(number) => {
            let delegation = &made(*number).delegation;
            survive(tower, bitcoin, |tower, bitcoin| {
                tower.tell(Event::Delegation { delegation, since: 0 }, bitcoin)
            });
        }
        Happening::Accuse(provider, height) => {
            let evidence = evidence(*provider, *height);
            survive(tower, bitcoin, |tower, bitcoin| {
                tower.tell(Event::Evidence { evidence: &evidence }, bitcoin)
            });
        }
        Happening::Slash(number, which) => drop(bitcoin.broadcast(&SELECTIVE[*number][*which])),
        Happening::Register(number, status) => {
            let (stake, status) = (made(*number).staking.compute_txid(), *status);
            survive(tower, bitcoin, |tower, bitcoin| {
                tower.tell(Event::Registered { stake, status }, bitcoin)
            });
        }
        Happening::Follow => survive(tower, bitcoin, Tower::follow),
        Happening::Wait => survive(tower, bitcoin, |tower, bitcoin| tower.wait(60, bitcoin)),
        Happening::Kill(steps) => tower.dies_in = Some(*steps),
    }
}

/// Every staking transaction is sent again, and everything mined, until nothing changes.
fn settle(tower: &mut Tower, bitcoin: &mut Bitcoin) {
    tower.dies_in = None;
    for _ in 0..DEPTH + 4 {
        for number in 0..STAKES {
            let _verdict = bitcoin.broadcast(&MADE[number].staking);
        }
        tower.follow(bitcoin).unwrap();
        bitcoin.mine_chosen(|_| true);
        tower.follow(bitcoin).unwrap();
    }
}

fn tower(bitcoin: &mut Bitcoin) -> Tower {
    let settings = Settings { on_selective: OnSelective::Publish, ..settings() };
    Tower::with(settings, MemoryDatabase::new(), bitcoin)
}

fn keys(tower: &Tower) -> BTreeSet<XOnlyPublicKey> {
    tower.watch.slashed_providers().copied().collect()
}

fn check(happenings: &[Happening]) {
    let mut bitcoin = Bitcoin::new();
    let mut tower = tower(&mut bitcoin);
    tower.posts = true;
    for happening in happenings {
        happen(happening, &mut tower, &mut bitcoin);
    }
    // What is late comes in the end, and so does what the secured chain said last.
    for number in 0..=STAKES {
        happen(&Happening::Learn(number), &mut tower, &mut bitcoin);
    }
    let said = |it: &Happening| match it {
        Happening::Register(number, status) => Some((*number, *status)),
        _ => None,
    };
    let registered: BTreeMap<usize, DelegationStatus> = happenings.iter().filter_map(said).collect();
    for (number, status) in &registered {
        happen(&Happening::Register(*number, *status), &mut tower, &mut bitcoin);
    }
    settle(&mut tower, &mut bitcoin);

    // One that sees the chain as it is now, alone.
    let mut fresh = self::tower(&mut bitcoin);
    for number in 0..=STAKES {
        let delegation = &made(number).delegation;
        fresh.tell(Event::Delegation { delegation, since: 0 }, &mut bitcoin).unwrap();
    }
    for (number, status) in &registered {
        let (stake, status) = (made(*number).staking.compute_txid(), *status);
        fresh.tell(Event::Registered { stake, status }, &mut bitcoin).unwrap();
    }
    fresh.follow(&mut bitcoin).unwrap();
    let accused = |it: &Happening| match it {
        Happening::Accuse(who, _) => Some(*key("provider", *who).public_key()),
        _ => None,
    };
    let found_out = keys(&tower);
    assert!(happenings.iter().filter_map(accused).all(|provider| found_out.contains(&provider)));
    assert!(keys(&fresh).is_subset(&found_out));
    for number in 0..=STAKES {
        let id = made(number).staking.compute_txid();
        let state = |tower: &Tower| {
            let tracker = tower.watch.tracker();
            let stake = tracker.stake(tracker.find(&id).unwrap()).unwrap();
            let known = (stake.included_height(), stake.spends.clone(), stake.registered());
            (stake.state(tracker.height(), DEPTH), known)
        };
        assert_eq!(state(&tower), state(&fresh), "stake {number}");
        let status = state(&tower).0.status;
        let is_extended = number == 1 && status == StakeStatus::Unbonded;
        let is_nowhere = number == STAKES && state(&tower).1.0.is_none();
        let provider = key("provider", provider_of(if number == STAKES { 1 } else { number }));
        let is_found_out = found_out.contains(provider.public_key());
        if is_found_out && !is_extended && !is_nowhere {
            assert_eq!(status, StakeStatus::Slashed, "stake {number}");
        } else {
            assert_ne!(status, StakeStatus::Slashed, "stake {number} of whoever is honest");
        }
    }
    // Whatever is due by what is so now was handed over.
    for report in fresh.watch.due_reports() {
        // Of whom there is evidence, nobody publishes a key.
        let is_accused =
            |provider: &XOnlyPublicKey| happenings.iter().filter_map(accused).any(|it| it == *provider);
        match report {
            Report::SelectiveSlashing { provider } if is_accused(&provider) => {}
            report => assert!(tower.posted.contains(&report), "{report:?} of {:?}", tower.posted),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_stake_of_whoever_equivocates_is_slashed(
        happenings in prop::collection::vec(happening(), 1..60),
    ) {
        check(&happenings);
    }
}

/// How many cases there are: a short form runs always.
fn cases() -> u32 {
    std::env::var("WATCH_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}
