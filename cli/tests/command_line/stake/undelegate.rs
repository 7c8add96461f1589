//! `btcstake stake undelegate`: the report that a stake's output was spent, with the proof that it is in a
//! block and the transactions of the coins that were spent.

use bitcoin::Transaction;
use bitcoin::block::Header;
use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::{Hash as _, sha256d};
use chain::Lookup as _;
use serde_json::{Value, json};

use crate::fixtures::bitcoin::Served;
use crate::fixtures::delegation::FILES;
use crate::fixtures::node::{flag, wallet, wallet_address};
use crate::fixtures::secured_chain::{SecuredChain, sent, unsigned};
use crate::fixtures::wire::{InclusionProof, MsgUndelegate};

const KIND: &str = "/babylon.btcstaking.v1.MsgBTCUndelegate";
const FROM: &str = "--unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

/// What the siblings of a proof lead to, in a block where the transaction has this place.
pub(crate) fn root(transaction: &Transaction, proof: &InclusionProof) -> [u8; 32] {
    let mut place = proof.key.as_ref().unwrap().index;
    let mut hash = transaction.compute_txid().to_byte_array();
    for sibling in proof.proof.chunks(32) {
        let pair = if place & 1 == 0 { [&hash, sibling].concat() } else { [sibling, &hash].concat() };
        hash = sha256d::Hash::hash(&pair).to_byte_array();
        place /= 2;
    }
    assert_eq!(place, 0, "the proof is too short");
    hash
}

/// Asserts that a proof is of this transaction in this block.
#[track_caller]
pub(crate) fn check_proof(proof: Option<InclusionProof>, transaction: &Transaction, block: &Header) {
    let proof = proof.unwrap();
    let key = proof.key.as_ref().unwrap();
    assert_eq!(key.hash, block.block_hash().to_byte_array(), "in internal byte order");
    assert_ne!(key.index, 0, "the coinbase is the first");
    assert_eq!(root(transaction, &proof), block.merkle_root.to_byte_array());
}

fn undelegate(served: &Served, name: &str, more: &str) -> String {
    format!("stake undelegate {FILES} {name}.json {} {more}", served.at())
}

/// A stake in a block, and its staking transaction.
fn staked(name: &str) -> (Served, Transaction) {
    let served = Served::new();
    served.stake(name);
    let (staking, _) = served.confirm_file(&format!("{name}.tx"));
    (served, staking)
}

/// Unbonds a stake in the next block.
fn unbond(served: &Served, name: &str) -> (Transaction, Header) {
    let line = format!("tx unbond {FILES} {name}.json --secret-key-file staker.key");
    let unbonding = served.build(&line, "unbonding.tx");
    let block = served.confirm(&unbonding);
    (unbonding, block)
}

#[test]
fn an_unbonding_is_reported_with_its_proof_and_what_it_spends() {
    let (served, staking) = staked("stake");
    let folder = &served.folder;
    let chain = SecuredChain::start(folder);
    let (unbonding, block) = unbond(&served, "stake");
    // Deeper, it has the same proof.
    served.mine(2);
    let printed = sent(folder, &undelegate(&served, "stake", &chain.flags()));
    assert_eq!((printed.messages, printed.account), (vec![KIND.to_owned()], chain.address.clone()));
    let [message] = &chain.last_messages()[..] else { panic!("one message") };
    let message: MsgUndelegate = message.read(KIND);
    assert_eq!(message.signer, chain.address);
    assert_eq!(message.staking_tx_hash, staking.compute_txid().to_string(), "in display order");
    let spending: Transaction = deserialize(&message.stake_spending_tx).unwrap();
    assert!(spending == unbonding && !spending.input[0].witness.is_empty());
    let funding: Vec<Transaction> =
        message.funding_transactions.iter().map(|funding| deserialize(funding).unwrap()).collect();
    assert_eq!(funding, [staking]);
    check_proof(message.proof, &unbonding, &block);
}

/// The same for a key that is kept elsewhere.
#[test]
fn a_report_is_printed_for_babylond() {
    let (served, staking) = staked("stake");
    let (unbonding, block) = unbond(&served, "stake");
    let [message] = &unsigned(&served.folder, &undelegate(&served, "stake", FROM))[..] else { panic!() };
    let base64 = |text: &Value| {
        use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
        BASE64_STANDARD.decode(text.as_str().unwrap()).unwrap()
    };
    assert_eq!((&message["@type"], &message["signer"]), (&json!(KIND), &json!(FROM[18..])));
    assert_eq!(message["staking_tx_hash"], json!(staking.compute_txid()));
    assert_eq!(deserialize::<Transaction>(&base64(&message["stake_spending_tx"])).unwrap(), unbonding);
    let proof = &message["stake_spending_tx_inclusion_proof"];
    // As the chain's JSON has it: the hash in display order.
    assert_eq!(proof["key"], json!({ "index": 1, "hash": block.block_hash() }));
    assert_eq!(base64(&proof["proof"]).len(), 32);
    assert_eq!(message["funding_transactions"].as_array().unwrap().len(), 1);
    assert_eq!(deserialize::<Transaction>(&base64(&message["funding_transactions"][0])).unwrap(), staking);
}

/// The slashing transaction spends the output too, and who reports it ends the stake on the chain.
#[test]
fn a_slashing_is_reported_in_the_same_way() {
    let (served, staking) = staked("stake");
    let chain = SecuredChain::start(&served.folder);
    let line = format!("tx slash {FILES} stake.json --provider-key-file provider.key");
    let slashing = served.build(&line, "slashing.tx");
    let block = served.confirm(&slashing);
    sent(&served.folder, &undelegate(&served, "stake", &chain.flags()));
    let message: MsgUndelegate = chain.last_messages()[0].read(KIND);
    assert_eq!(deserialize::<Transaction>(&message.stake_spending_tx).unwrap(), slashing);
    assert_eq!(message.staking_tx_hash, staking.compute_txid().to_string());
    check_proof(message.proof, &slashing, &block);
}

/// An extension spends a coin of the wallet beside the stake: both transactions go along, whole.
#[test]
fn an_extension_is_reported_with_both_funding_transactions() {
    let (served, staking) = staked("stake");
    let folder = &served.folder;
    let chain = SecuredChain::start(folder);
    let coin = served.chain.coins(&wallet()).unwrap().remove(0);
    assert_ne!(coin.outpoint.txid, staking.compute_txid());
    let psbt = folder.run(&format!(
        "tx extend {FILES} stake.json --height {} --amount-sat 600000 --staking-time 40 --coin {} --change {} --fee-rate 2 \
         --out extension-draft.json",
        served.height(),
        flag(&coin),
        wallet_address()
    ));
    folder.write("extension.psbt", psbt.ends(0).stdout());
    served.have_signed("extension");
    for (number, key) in ["staker", "wallet"].iter().enumerate() {
        let line = format!("psbt sign --psbt @extension.psbt --secret-key-file {key}.key");
        folder.write(&format!("part{number}.psbt"), folder.run(&line).ends(0).stdout());
    }
    let both = folder.run("psbt combine --psbt @part0.psbt --psbt @part1.psbt").ends(0).stdout();
    folder.write("both.psbt", both);
    let finalize = format!("psbt finalize {FILES} extension.json --psbt @both.psbt");
    let extension = served.build(&finalize, "extension.tx");
    let block = served.confirm(&extension);
    let funding = served.chain.transaction(&coin.outpoint.txid).unwrap().unwrap().transaction;

    let line = undelegate(&served, "stake", &chain.flags());
    served.hide(coin.outpoint.txid);
    folder.run(&line).fails(&[&format!("the node has no transaction {}", coin.outpoint.txid)]);
    assert!(chain.chain.transactions().is_empty());
    served.be_honest();
    sent(folder, &line);
    let message: MsgUndelegate = chain.last_messages()[0].read(KIND);
    let told: Vec<Transaction> =
        message.funding_transactions.iter().map(|funding| deserialize(funding).unwrap()).collect();
    assert_eq!(told, [staking.clone(), funding], "in the order of the inputs");
    assert_eq!(deserialize::<Transaction>(&message.stake_spending_tx).unwrap(), extension);
    check_proof(message.proof, &extension, &block);
    // The extension itself is proven by this report alone.
    let include = format!("stake include {FILES} extension.json --depth 0 {} {}", served.at(), chain.flags());
    folder.run(&include).fails(&["the stake extends another", "stake undelegate"]);
    assert_eq!(chain.chain.transactions().len(), 1);
}

#[test]
fn what_is_no_report_is_refused_and_nothing_is_sent() {
    let served = Served::new();
    let folder = &served.folder;
    let chain = SecuredChain::start(folder);
    served.stake("stake");
    let line = undelegate(&served, "stake", &chain.flags());
    let staking = served.transaction("stake.tx");
    let txid = staking.compute_txid();
    let fails = |words: &[&str]| {
        folder.run(&line).fails(words);
        folder.run(&undelegate(&served, "stake", FROM)).fails(words);
    };
    fails(&[&format!("the node has no transaction {txid}")]);
    chain::Broadcast::broadcast(&*served.chain, &staking).unwrap();
    fails(&[&format!("the staking transaction {txid} is unconfirmed; must be in a block")]);
    served.mine(1);
    fails(&[&format!("the stake {txid} is not spent")]);
    let unbond = format!("tx unbond {FILES} stake.json --secret-key-file staker.key");
    let unbonding = served.build(&unbond, "unbonding.tx");
    chain::Broadcast::broadcast(&*served.chain, &unbonding).unwrap();
    let spender = unbonding.compute_txid();
    fails(&[&format!("the transaction {spender} is unconfirmed; must be in a block")]);
    served.mine(1);
    // A node that names another transaction is not believed, and one that lacks it is asked in vain.
    let stake = unbonding.input[0].previous_output;
    served.claim_spender(stake, txid);
    fails(&[&format!("it names {txid}"), &format!("must be a spender of {stake}")]);
    served.be_honest();
    served.hide(spender);
    fails(&["the node has no transaction"]);
    served.be_honest();
    // The chain knows another Bitcoin than the node does.
    chain.chain.know_bitcoin(1, served.header(1).block_hash());
    let refused = folder.run(&format!("--json {line}")).json(1);
    assert_eq!(refused["violations"][0]["rule"], "refused_by_chain");
    let text = refused["violations"][0]["message"].as_str().unwrap();
    assert!(text.contains("is not found in BTC light client state"), "{text}");
    assert!(chain.chain.transactions().is_empty(), "not even simulated, it would be paid for");
    folder.run(&line.replace("--network regtest", "--network signet")).fails(&["--node is on regtest"]);
    let bare = format!("stake undelegate {FILES} stake.json {}", chain.flags());
    folder.run(&bare).fails(&["--node is absent"]);
    folder.run(&undelegate(&served, "stake", "")).fails(&["--account is absent"]);
}
