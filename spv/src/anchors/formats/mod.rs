//! The formats that are known: a file for each. To add one, write its file and name it in [`all`].

pub(crate) mod aux_pow;
pub(crate) mod babylon;
pub(crate) mod bare;
pub(crate) mod core_hash_power;
pub(crate) mod core_redeem;
pub(crate) mod core_staking;
pub(crate) mod hemi;
pub(crate) mod named;
pub(crate) mod rsk;
pub(crate) mod stacks;

use super::mark::MarkFormat;

/// All of them. The first that recognises data has them, so that those with more of their own come first.
pub(crate) fn all() -> Vec<Box<dyn MarkFormat>> {
    let [phase1, first, second] = babylon::formats(&babylon::KNOWN_TAGS);
    let mut all: Vec<Box<dyn MarkFormat>> = vec![
        Box::new(phase1),
        Box::new(first),
        Box::new(second),
        Box::new(hemi::Keystones),
        Box::new(hemi::OldKeystones),
        Box::new(core_staking::Delegations),
        Box::new(core_staking::LiquidDelegations),
        Box::new(core_hash_power::HashPower),
        Box::new(rsk::MergedMining),
        Box::new(stacks::BlockCommits),
        Box::new(aux_pow::AuxiliaryProofs),
    ];
    for named in named::ALL {
        all.push(Box::new(named));
    }
    all.push(Box::new(bare::Bare32));
    all
}
