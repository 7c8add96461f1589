//! Every path of every output, for random committees, providers and timelocks, judged by the engine.

use bitcoin::FeeRate;
use eots::Parity;
use proptest::prelude::*;
use staking_scripts::LeafTransaction as _;
use staking_scripts::explain::explain;
use staking_scripts::transactions::Slashable;
use staking_scripts::{Funded, SlashingTransaction, TransactionKind, WithdrawalTransaction};

use crate::world::{Size, World};

fn any_size() -> impl Strategy<Value = Size> {
    (1usize..=5, 1usize..=20, any::<prop::sample::Index>(), 1u32..=40, 1u32..=40).prop_map(
        |(providers, members, quorum, staking_blocks, unbonding_blocks)| Size {
            providers,
            members,
            quorum: quorum.index(members) as u16 + 1,
            staking_blocks,
            unbonding_blocks,
        },
    )
}

/// Slashes `source` with the key of one provider, as it is extracted: with even y.
fn slash<O: Slashable>(world: &World, source: &Funded<O>, offender: usize) {
    let slashing = SlashingTransaction::new(source, &world.terms()).unwrap();
    let covenant: Vec<_> = world
        .covenant
        .iter()
        .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
        .collect();
    let staker = slashing.sign_as_staker(&world.staker).unwrap();
    let extracted = world.providers[offender].with_parity(Parity::Even);
    let transaction = slashing.slash(&staker, &covenant, &extracted).unwrap();
    let height = world.confirm(&transaction);
    let explained = explain(&transaction);
    assert_eq!(explained.kind, TransactionKind::Slashing);
    assert_eq!(explained.spent[0].provider_signers, [*extracted.public_key()]);
    world.withdraw(&slashing.refund_output(), height);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn every_path_of_every_output(seed: u64, size in any_size(), offender in any::<prop::sample::Index>()) {
        let world = World::new(seed, size, 4);
        let offender = offender.index(size.providers);

        let (staking, height) = world.stake();
        world.withdraw(&staking, height);

        let (staking, _) = world.stake();
        let (unbonding, height) = world.unbond(&staking);
        world.withdraw(&unbonding.unbonding_output(), height);

        let (staking, _) = world.stake();
        slash(&world, &staking, offender);

        let (staking, _) = world.stake();
        let (unbonding, _) = world.unbond(&staking);
        slash(&world, &unbonding.unbonding_output(), offender);
    }
}

/// Timelocks whose numbers take two and three bytes: waited for, or (the largest) refused at once.
#[test]
fn long_timelocks() {
    let size =
        |staking_blocks| Size { providers: 1, members: 3, quorum: 2, staking_blocks, unbonding_blocks: 1 };
    for blocks in [127, 128, 257] {
        let world = World::new(1, size(blocks), 1);
        let (staking, height) = world.stake();
        world.withdraw(&staking, height);
    }
    for blocks in [32_767, 32_768, 65_535] {
        let world = World::new(1, size(blocks), 1);
        let (staking, _) = world.stake();
        let early =
            WithdrawalTransaction::new(&staking, world.wallet_script(), FeeRate::BROADCAST_MIN).unwrap();
        let early = early.finalize(&early.sign_as_staker(&world.staker).unwrap()).unwrap();
        assert_eq!(world.refusal(&early), "bad-txns-nonfinal", "{blocks}");
    }
}
