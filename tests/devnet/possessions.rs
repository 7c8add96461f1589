//! Proofs of possession of every type, by providers and by stakers, each of an account of its own.

use babylon::query::{self, DelegationStatus};
use babylon::{AccountKey, Message};
use bitcoin::Network;
use eots::SecretKey;
use finality::PossessionMessage;
use staking_scripts::possession::Bip322Script;
use staking_scripts::testing::key;
use staking_scripts::{Delegation, ProofOfPossession};

use crate::checking::rules;
use crate::devnet::Devnet;
use crate::staking::{possession, provider_message, register_provider, stake};

/// A type of proof, how it is made, and what the chain says of one for another account.
struct Kind {
    name: &'static str,
    make: fn(&SecretKey, &PossessionMessage) -> ProofOfPossession,
    refused: &'static str,
}

const BIP322: &str = "failed to verify possession of babylon sig by the BTC key";
static KINDS: [Kind; 4] = [
    Kind {
        name: "BIP-340",
        make: |key, message| ProofOfPossession::create_bip340(key, message).unwrap(),
        refused: "failed to verify pop.BtcSig",
    },
    Kind {
        name: "BIP-322 of P2TR",
        make: |key, message| bip322(key, message, Bip322Script::P2tr),
        refused: BIP322,
    },
    Kind {
        name: "BIP-322 of P2WPKH",
        make: |key, message| bip322(key, message, Bip322Script::P2wpkh),
        refused: BIP322,
    },
    Kind {
        name: "ECDSA",
        make: |key, message| ProofOfPossession::create_ecdsa(key, message).unwrap(),
        refused: "the recovered PK does not match the given PK",
    },
];

fn bip322(key: &SecretKey, message: &PossessionMessage, script: Bip322Script) -> ProofOfPossession {
    ProofOfPossession::create_bip322(key, message, script, Network::Regtest).unwrap()
}

/// An account for each type of proof, each with a number.
fn accounts(devnet: &Devnet) -> impl Iterator<Item = (usize, &'static Kind, AccountKey)> {
    let numbered = (0_u8..).zip(&KINDS);
    numbered.map(|(number, kind)| (usize::from(number), kind, devnet.new_account(number + 1)))
}

#[test]
fn providers_prove_possession_with_every_type() {
    let Some(devnet) = Devnet::start() else { return };
    let first = devnet.account().address().clone();
    for (number, Kind { name, make, refused }, account) in accounts(&devnet) {
        let (provider, address) = (key("provider", number), account.address().unwrap());
        // A proof is for one account, and nobody else's.
        let others = make(&provider, &possession(&first));
        others.verify(provider.public_key(), &possession(&address)).unwrap_err();
        let said = devnet.verdict(&account, &[provider_message(&address, &provider, &others)]).unwrap_err();
        assert!(said.contains("invalid proof of possession") && said.contains(refused), "{name}: {said}");
        assert_eq!(query::finality_provider(&devnet.network.rpc, provider.public_key()).unwrap(), None);

        let own = make(&provider, &possession(&address));
        devnet.verdict(&account, &[provider_message(&address, &provider, &own)]).expect(name);
        let known = query::finality_provider(&devnet.network.rpc, provider.public_key()).unwrap().unwrap();
        assert_eq!((known.public_key, known.address), (*provider.public_key(), address.clone()), "{name}");

        // An account has one provider, whatever the next one's proof.
        let second = key("second provider", number);
        let proof = make(&second, &possession(&address));
        let said = devnet.verdict(&account, &[provider_message(&address, &second, &proof)]).unwrap_err();
        let rule = "there is already an finality provider registered with the same babylon address";
        assert!(said.contains(rule), "{name}: {said}");
    }
    assert_eq!(query::finality_providers(&devnet.network.rpc).unwrap().len(), KINDS.len());
}

#[test]
fn stakers_prove_possession_with_every_type() {
    let Some(devnet) = Devnet::start() else { return };
    let provider = key("provider", 0);
    register_provider(&devnet, &provider);
    let first = devnet.account().address().clone();
    let mut registered = Vec::new();
    for (number, Kind { name, make, refused }, account) in accounts(&devnet) {
        let staker = key("staker", number);
        let message = possession(&account.address().unwrap());
        let (mut delegation, _) = stake(&devnet, &staker, &provider);
        delegation.proof_of_possession = Some((message.clone(), make(&staker, &possession(&first))));
        let ours = delegation.check(&rules(&devnet)).unwrap_err();
        assert_eq!(ours.iter().map(|broken| broken.rule()).collect::<Vec<_>>(), ["possession"], "{name}");
        let register = |delegation: &Delegation| [Message::register_stake(delegation, None).unwrap()];
        let said = devnet.verdict(&account, &register(&delegation)).unwrap_err();
        assert!(said.contains("the proof of possession is not valid"), "{name}: {said}");
        assert!(said.contains(refused), "{name}: {said}");

        let proof = make(&staker, &message);
        delegation.proof_of_possession = Some((message, proof));
        delegation.check(&rules(&devnet)).expect(name);
        devnet.verdict(&account, &register(&delegation)).expect(name);
        registered.push(delegation.staking_transaction.compute_txid());
    }
    let pending = query::delegations(&devnet.network.rpc, DelegationStatus::Pending).unwrap();
    let mut pending: Vec<_> = pending.iter().map(|found| found.staking_transaction.compute_txid()).collect();
    pending.sort();
    registered.sort();
    assert_eq!(pending, registered);
}
