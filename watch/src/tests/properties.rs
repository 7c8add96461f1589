//! Whatever happens in whatever order: in the end every stake of whoever equivocated is slashed, and the
//! tower knows what one knows that saw the last chain alone.

use proptest::prelude::*;
use staking_scripts::StakeStatus;

use super::stakes::{MADE, Made, STAKES, evidence, provider_of};
use super::tower::{DEPTH, Tower};
use super::world::Bitcoin;
use crate::event::Event;

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

fn check(happenings: &[Happening]) {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    for happening in happenings {
        happen(happening, &mut tower, &mut bitcoin);
    }
    // What is late comes in the end.
    for number in 0..=STAKES {
        happen(&Happening::Learn(number), &mut tower, &mut bitcoin);
    }
    let accused: Vec<usize> = happenings
        .iter()
        .filter_map(|it| if let Happening::Accuse(who, _) = it { Some(*who) } else { None })
        .collect();
    settle(&mut tower, &mut bitcoin);

    // One that sees the chain as it is now, alone.
    let mut fresh = Tower::new(&mut bitcoin);
    for number in 0..=STAKES {
        let delegation = &made(number).delegation;
        fresh.tell(Event::Delegation { delegation, since: 0 }, &mut bitcoin).unwrap();
    }
    fresh.follow(&mut bitcoin).unwrap();
    for number in 0..=STAKES {
        let id = made(number).staking.compute_txid();
        let state = |tower: &Tower| {
            let tracker = tower.watch.tracker();
            let stake = tracker.stake(tracker.find(&id).unwrap()).unwrap();
            let spends = (stake.included_height(), stake.spends.clone());
            (stake.state(tracker.height(), DEPTH), spends)
        };
        assert_eq!(state(&tower), state(&fresh), "stake {number}");
        let status = state(&tower).0.status;
        let is_extended = number == 1 && status == StakeStatus::Unbonded;
        let is_nowhere = number == STAKES && state(&tower).1.0.is_none();
        let is_accused = accused.contains(&provider_of(if number == STAKES { 1 } else { number }));
        if is_accused && !is_extended && !is_nowhere {
            assert_eq!(status, StakeStatus::Slashed, "stake {number}");
        } else {
            assert_ne!(status, StakeStatus::Slashed, "stake {number} of whoever is honest");
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
