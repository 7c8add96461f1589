//! The core on a Bitcoin that does what a test says.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

mod aims;
mod bounds;
mod daemon;
mod driver;
mod files;
mod look_back;
mod phase1;
mod posting;
mod properties;
mod ready;
mod reports;
mod secured_chain;
mod selective;
mod slashing;
mod stakes;
mod tower;
mod world;

use self::tower::Tower;
use self::world::Bitcoin;
use crate::event::{Event, Verdict};
use babylon::query::DelegationStatus;

fn confirm(bitcoin: &mut Bitcoin, tower: &mut Tower, transaction: &bitcoin::Transaction) {
    assert_eq!(bitcoin.broadcast(transaction), Verdict::Taken);
    mine(bitcoin, tower, 1);
}

fn mine(bitcoin: &mut Bitcoin, tower: &mut Tower, count: u32) {
    for _ in 0..count {
        bitcoin.mine_chosen(|_| true);
        tower.follow(bitcoin).unwrap();
    }
}

fn learn(bitcoin: &mut Bitcoin, tower: &mut Tower, delegation: &staking_scripts::Delegation) {
    tower.tell(Event::Delegation { delegation, since: 0 }, bitcoin).unwrap();
}

fn register(bitcoin: &mut Bitcoin, tower: &mut Tower, stake: bitcoin::Txid, status: DelegationStatus) {
    tower.tell(Event::Registered { stake, status }, bitcoin).unwrap();
}
