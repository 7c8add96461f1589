//! What wallet libraries returned for our PSBTs, `tests/vectors/wallets`, which `make wallets` writes: it is
//! taken back, or refused, as it is recorded there, and Bitcoin Core's engine takes every transaction that
//! comes of it. None of the libraries is needed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{OutPoint, ScriptBuf, Transaction, Txid};
use btcstake::outputs::{PsbtSign, StakeCheck, Verdict};
use chain::{EmbeddedRegtest, Lookup as _, Mine as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fixtures::delegation::{ACCOUNT, FILES};
use crate::fixtures::process::Folder;
use crate::node_answer::{confirm, nobody};

const STAKING_BLOCKS: u32 = 40;
const UNBONDING_BLOCKS: u32 = 10;
const NETWORK: &str = "--network regtest";
/// What a wallet is asked for, in the order of the columns in `docs/wallets.md`.
const JOBS: [&str; 6] =
    ["stake-P2TR", "stake-P2WPKH", "stake-P2SH-P2WPKH", "unbonding", "slashing", "withdrawal"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<C> {
    kind: String,
    description: String,
    source: String,
    cases: Vec<C>,
}

#[derive(Deserialize)]
struct Requests {
    secret_keys: BTreeMap<String, String>,
    height: u32,
    coin_sat: u64,
    coins: Vec<Coin>,
    files: BTreeMap<String, Value>,
    cases: Vec<Request>,
}

/// A coinbase of the chain that the stakes are on, in the order in which they are mined.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coin {
    kind: String,
    script: ScriptBuf,
    txid: Txid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    request: String,
    psbt: String,
}

/// The answer of a library to the requests of a job; no PSBTs where it refused one, with its own words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    library: String,
    version: String,
    job: String,
    psbts: Option<BTreeMap<String, String>>,
    taken: bool,
    library_says: Option<String>,
    product_says: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    library: String,
    version: String,
    job: String,
    signature: Option<String>,
    taken: bool,
    library_says: Option<String>,
    product_says: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Theirs {
    library: String,
    version: String,
    job: String,
    message: Value,
    psbts: BTreeMap<String, String>,
    transactions: BTreeMap<String, String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read<T: DeserializeOwned>(kind: &str) -> T {
    let path = root().join("tests/vectors/wallets").join(kind).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn cases<C: DeserializeOwned>(kind: &str, count: usize) -> Vec<C> {
    let file: File<C> = read(kind);
    assert_eq!((file.kind.as_str(), file.source.as_str()), (kind, "tests/wallets"));
    assert!(!file.description.is_empty());
    assert_eq!(file.cases.len(), count, "cases in {kind}");
    file.cases
}

/// The answers, by library in the order of the table: each answers for every job.
fn answers() -> Vec<Answer> {
    cases("answers", 10 * JOBS.len())
}

impl Requests {
    /// A folder with the keys, the parameters and the delegations.
    fn folder(&self) -> Folder {
        let folder = Folder::new();
        for (name, secret) in &self.secret_keys {
            folder.write(&format!("{name}.key"), secret);
        }
        for (name, content) in &self.files {
            folder.write(name, content.to_string());
        }
        folder
    }

    /// The chain that the coins are on, when the stakes were made.
    fn chain(&self) -> EmbeddedRegtest {
        let node = EmbeddedRegtest::in_memory().unwrap();
        for coin in &self.coins {
            node.mine(1, &coin.script).unwrap();
        }
        node.mine(self.height - u32::try_from(self.coins.len()).unwrap(), &nobody()).unwrap();
        node
    }
}

/// Runs a command; its JSON, or its words. A PSBT with more in it than was asked for is taken with a warning.
fn run(folder: &Folder, line: &str) -> Result<Value, String> {
    let run = folder.run(&format!("--json {line}"));
    match run.code() {
        Some(0) => Ok(serde_json::from_str(&run.stdout()).unwrap()),
        Some(1 | 2) => Err(run.stdout() + &run.stderr()),
        other => panic!("exit {other:?}: {line}"),
    }
}

fn finalized(answer: &Value) -> Result<Transaction, String> {
    let transaction = answer["transaction"].as_str().ok_or("signatures are missing")?;
    Ok(deserialize_hex(transaction).unwrap())
}

/// Takes the PSBTs of a job back as their wallet's owner does, and returns the finalized transactions.
fn take(
    folder: &Folder,
    job: &str,
    psbts: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Transaction>, String> {
    for (request, psbt) in psbts {
        folder.write(&format!("{request}.psbt"), psbt);
        run(folder, &format!("psbt check {NETWORK} --psbt @{request}.psbt"))?;
    }
    if job == "slashing" {
        return slashed(folder);
    }
    let mut taken = BTreeMap::new();
    for request in psbts.keys() {
        let line = if let Some(coin) = request.strip_prefix("stake-") {
            format!("psbt finalize {FILES} verified-{coin}.json --psbt @{request}.psbt")
        } else if let Some(source) = request.strip_prefix("withdrawal-") {
            let staker = folder.json(&format!("key show --secret-key-file staker.key {NETWORK}"));
            let to = staker["address"].as_str().unwrap();
            format!(
                "tx withdraw {FILES} verified-P2TR.json --from {source} --to {to} --fee-rate 5 \
                 --signed @{request}.psbt"
            )
        } else {
            format!("tx unbond {FILES} verified-P2TR.json --signed @{request}.psbt")
        };
        taken.insert(request.clone(), finalized(&run(folder, &line)?)?);
    }
    Ok(taken)
}

/// The staker's signatures go into the delegation, and the provider's key finalizes the transactions.
fn slashed(folder: &Folder) -> Result<BTreeMap<String, Transaction>, String> {
    for name in ["wallet.json", "wallet-verified.json"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    run(
        folder,
        &format!(
            "stake sign {FILES} draft-P2TR.json --possession possession.json --slashing @slashing.psbt \
             --unbonding-slashing @unbonding-slashing.psbt --out wallet.json"
        ),
    )?;
    let members = "--covenant-signatures member1-P2TR.json --covenant-signatures member2-P2TR.json";
    run(folder, &format!("stake add {FILES} wallet.json {members} --out wallet-verified.json"))?;
    let slash = format!("tx slash {FILES} wallet-verified.json --provider-key-file provider.key");
    [("slashing", slash.clone()), ("unbonding-slashing", slash + " --unbonding")]
        .into_iter()
        .map(|(request, line)| Ok((request.to_owned(), finalized(&run(folder, &line)?)?)))
        .collect()
}

/// Has Bitcoin Core's engine judge a transaction on a chain where what it spends is there and mature. `made`
/// has a transaction for each request, of any library: their ids are the same.
fn judge(
    requests: &Requests,
    request: &str,
    transaction: &Transaction,
    made: &BTreeMap<String, Transaction>,
) {
    let (before, blocks): (&[&str], u32) = match request {
        "unbonding" | "slashing" => (&["stake-P2TR"], 0),
        "unbonding-slashing" => (&["stake-P2TR", "unbonding"], 0),
        "withdrawal-staking" => (&["stake-P2TR"], STAKING_BLOCKS),
        "withdrawal-unbonding" => (&["stake-P2TR", "unbonding"], UNBONDING_BLOCKS),
        "withdrawal-slashing" => (&["stake-P2TR", "slashing"], UNBONDING_BLOCKS),
        stake => {
            assert!(stake.starts_with("stake-"), "{stake}");
            (&[], 0)
        }
    };
    let node = requests.chain();
    for step in before {
        confirm(&node, &made[*step]);
    }
    node.mine(blocks.saturating_sub(1), &nobody()).unwrap();
    confirm(&node, transaction);
}

#[test]
fn coins_of_the_stakes_are_on_the_chain() {
    let requests: Requests = read("requests");
    let node = requests.chain();
    for coin in &requests.coins {
        let found = node.coins(&coin.script).unwrap();
        let outpoint = OutPoint::new(coin.txid, 0);
        assert_eq!(found.len(), 1, "{}", coin.kind);
        assert_eq!(
            (found[0].outpoint, found[0].output.value.to_sat()),
            (outpoint, requests.coin_sat),
            "{}",
            coin.kind
        );
    }
}

/// Every answer that is taken becomes valid transactions; every other one is still refused.
#[test]
fn psbts_that_wallets_return_are_taken_back() {
    let requests: Requests = read("requests");
    let folder = requests.folder();
    let mut made = BTreeMap::new();
    let mut taken = Vec::new();
    for answer in answers() {
        let what = format!("{} {}, {}", answer.library, answer.version, answer.job);
        let Some(psbts) = &answer.psbts else {
            assert!(!answer.taken && answer.library_says.is_some(), "{what}");
            continue;
        };
        match take(&folder, &answer.job, psbts) {
            Ok(transactions) => {
                assert!(answer.taken, "{what}: it is taken now: `make wallets` writes the vectors again");
                for (request, transaction) in transactions {
                    made.entry(request.clone()).or_insert_with(|| transaction.clone());
                    taken.push((what.clone(), request, transaction));
                }
            }
            Err(words) => assert!(!answer.taken && answer.product_says.is_some(), "{what}: {words}"),
        }
    }
    assert_eq!(made.len(), requests.cases.len(), "each request is signed by somebody");
    for (what, request, transaction) in taken {
        assert_eq!(transaction.compute_txid(), made[&request].compute_txid(), "{what}");
        judge(&requests, &request, &transaction, &made);
    }
}

#[test]
fn what_wallets_are_asked_to_sign_is_recognized() {
    let requests: Requests = read("requests");
    let folder = requests.folder();
    for Request { request, psbt } in &requests.cases {
        folder.write("asked.psbt", psbt);
        let check = run(&folder, &format!("psbt check {NETWORK} --psbt @asked.psbt")).unwrap();
        assert!(check["valid"].as_bool().unwrap(), "{request}");
        let kind = request.strip_prefix("unbonding-").or(request.split('-').next()).unwrap();
        assert_eq!(check["kind"], kind, "{request}");
    }
}

#[test]
fn proofs_of_wallets_are_verified() {
    let requests: Requests = read("requests");
    let folder = requests.folder();
    let staker = folder.json("key show --secret-key-file staker.key");
    let key = staker["public_key"].as_str().unwrap();
    for proof in cases::<Proof>("proofs", 18) {
        let what = format!("{} {}, {}", proof.library, proof.version, proof.job);
        let Some(signature) = proof.signature else {
            assert!(!proof.taken && proof.library_says.is_some(), "{what}");
            continue;
        };
        let kind = if proof.job.ends_with("ECDSA") { "ecdsa" } else { "bip322" };
        let line = format!(
            "pop verify --type {kind} --address {ACCOUNT} --public-key {key} --signature {signature}"
        );
        let verdict = run(&folder, &line).map(|found| serde_json::from_value::<Verdict>(found).is_ok());
        // Ours are valid, whatever a library says to them.
        let valid = proof.taken || proof.job.starts_with("verify-");
        assert_eq!(verdict.is_ok(), valid, "{what}: {verdict:?} {:?}", proof.product_says);
    }
}

/// PSBTs of btcutil/psbt: signed here, taken back, and valid.
#[test]
fn psbts_that_others_write_are_signed() {
    let requests: Requests = read("requests");
    let folder = requests.folder();
    let mut made = BTreeMap::new();
    let written = cases::<Answer>("written", 4);
    for answer in &written {
        let mut back = BTreeMap::new();
        for (request, psbt) in answer.psbts.as_ref().unwrap() {
            folder.write("theirs.psbt", psbt);
            let signed: PsbtSign = folder
                .output(&format!("psbt sign --psbt @theirs.psbt --secret-key-file staker.key {NETWORK}"));
            assert_eq!(signed.signed_inputs, 1, "{request}");
            back.insert(request.clone(), signed.psbt);
        }
        let transactions = take(&folder, &answer.job, &back);
        assert!(answer.taken, "{}: {:?}", answer.job, answer.product_says);
        made.extend(transactions.unwrap_or_else(|words| panic!("{}: {words}", answer.job)));
    }
    assert_eq!(made.len(), 7, "every request but the stakes from coins that `psbt sign` does not sign");
    for (request, transaction) in &made {
        judge(&requests, request, transaction, &made);
    }
}

/// The TypeScript library with this program as its wallet: its message is a delegation that keeps every rule,
/// its PSBTs are read and signed, and the transactions that it read out of what was signed are valid.
#[test]
fn typescript_library_stakes_with_this_wallet() {
    let requests: Requests = read("requests");
    let folder = requests.folder();
    let theirs = cases::<Theirs>("staking-library", 1).remove(0);
    let what = format!("{} {}, {}", theirs.library, theirs.version, theirs.job);
    folder.write("theirs.json", theirs.message.to_string());
    let check: StakeCheck = folder.output(&format!("stake check {FILES} theirs.json"));
    assert!(check.accepted && check.violations.is_empty(), "{what}: {check:?}");
    assert_eq!(theirs.psbts.len(), 7, "{what}");
    for (action, psbt) in &theirs.psbts {
        folder.write("theirs.psbt", psbt);
        let check = folder.json(&format!("psbt check --psbt @theirs.psbt {NETWORK}"));
        assert!(check["valid"].as_bool().unwrap(), "{action}: {check}");
        let signed: PsbtSign =
            folder.output(&format!("psbt sign --psbt @theirs.psbt --secret-key-file staker.key {NETWORK}"));
        assert_eq!(signed.signed_inputs, 1, "{action}");
    }
    let made: BTreeMap<_, _> = theirs
        .transactions
        .iter()
        .map(|(request, hex)| (request.clone(), deserialize_hex(hex).unwrap()))
        .collect();
    assert_eq!(made.len(), 7, "{what}");
    for (request, transaction) in &made {
        judge(&requests, request, transaction, &made);
    }
}

/// The table in the docs has *yes* where the vectors say that the answers are taken, and nowhere else.
#[test]
fn docs_have_the_table_of_the_vectors() {
    let docs = fs::read_to_string(root().join("docs/wallets.md")).unwrap();
    for answers in answers().chunks(JOBS.len()) {
        let (library, version) = (&answers[0].library, &answers[0].version);
        let start = format!("| `{library}` | {version} |");
        let row = docs.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("docs/wallets.md has no {start}"));
        let cells: Vec<_> = row.split('|').skip(3).map(str::trim).collect();
        for (answer, (job, cell)) in answers.iter().zip(JOBS.iter().zip(cells)) {
            assert_eq!((answer.library.as_str(), answer.job.as_str()), (library.as_str(), *job));
            assert_eq!(cell == "yes", answer.taken, "{library}, {job}");
        }
    }
}
