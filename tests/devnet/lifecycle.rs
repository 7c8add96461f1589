//! From a provider's registration to its slashing, reported.

use babylon::Message;
use babylon::query::{self, DelegationStatus};
use staking_scripts::StakeStatus;
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;

use crate::checking::{covenant_messages, own_status};
use crate::devnet::Devnet;
use crate::history;
use crate::staking::{finalized, inclusion, register_provider, stake, undelegation};
use crate::voting::Voter;

#[test]
fn a_stake_lives_and_an_equivocation_is_slashed_and_reported() {
    let Some(devnet) = Devnet::start() else { return };
    let node = &devnet.network.rpc;
    let (provider, staker) = (key("provider", 0), key("staker", 0));
    let public = *provider.public_key();

    // Registered: the chain knows the provider, and Bitcoin's blocks.
    register_provider(&devnet, &provider);
    let known = query::finality_provider(node, &public).unwrap().unwrap();
    assert_eq!((known.moniker.as_str(), known.is_slashed), ("own", false));
    assert_eq!(known.address, *devnet.account().address());

    // A stake that is registered before it is in Bitcoin, signed by two of three, and then by the third.
    let (delegation, staking) = stake(&devnet, &staker, &provider);
    let id = staking.txid();
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
    assert_eq!(devnet.status(id), DelegationStatus::Pending);
    devnet.send(&covenant_messages(&devnet, &delegation, &[0, 1]));
    let signed = query::delegation(node, id).unwrap().unwrap();
    assert_eq!(signed.covenant_signatures.len(), 2);
    assert_eq!(devnet.status(id), DelegationStatus::Verified);
    devnet.send(&covenant_messages(&devnet, &delegation, &[2]));
    let again = devnet.refusal(&covenant_messages(&devnet, &delegation, &[0]));
    assert!(again.contains("already submitted"), "{again}");

    // In Bitcoin, and deep enough.
    let included = devnet.confirm(&finalized(&devnet, &staking));
    devnet.tell_headers();
    let shallow = devnet.refusal(&[inclusion(&devnet, id, &included)]);
    assert!(shallow.contains("not k-deep"), "{shallow}");
    devnet.mine(devnet.depth);
    devnet.tell_headers();
    devnet.send(&[inclusion(&devnet, id, &included)]);
    assert_eq!((devnet.status(id), own_status(&devnet, id)), (DelegationStatus::Active, StakeStatus::Active));

    // Randomness, timestamped by our own checkpoints; votes for the AppHash make blocks final.
    let voter = Voter::begin(&devnet, provider);
    assert_eq!(query::power_at(node, &public, voter.first).unwrap(), 500_000);
    let (votes, last) = voter.finalize(21);
    let duplicate = devnet.refusal(&votes[..1]);
    assert!(duplicate.contains("duplicated finality vote"), "{duplicate}");

    // A vote for another block reveals the key.
    let extracted = voter.equivocate(last).extract().unwrap();
    assert_eq!(*extracted.public_key(), public);

    // Whoever reads the chain slashes on Bitcoin, and reports it.
    let read = query::delegation(node, id).unwrap().unwrap();
    let (_, parameters) = read.parameters(&devnet.parameters).unwrap();
    let slashing = read.slash(SlashedOutput::Staking, &extracted, parameters.covenant()).unwrap();
    let slashed = devnet.confirm(&slashing);
    assert!(slashed.height > included.height);
    devnet.tell_headers();
    // Until somebody reports it, the chain gives a slashed stake as active.
    assert_eq!(
        (devnet.status(id), own_status(&devnet, id)),
        (DelegationStatus::Active, StakeStatus::Slashed)
    );
    let funding = [read.staking_transaction.clone()];
    devnet.send(&[undelegation(&devnet, id, (&slashing, &slashed), &funding)]);
    assert_eq!(devnet.status(id), DelegationStatus::Unbonded);
    assert_eq!(own_status(&devnet, id), StakeStatus::Slashed);

    // All of that is what the chain tells whoever asks.
    history::check(&devnet, id, &public);
}
