//! `btcstake risk`.

mod check;
mod docs;
mod input;
mod page;
mod report;
mod store;

use serde_json::{Value, json};

use crate::fixtures::process::Folder;

/// A folder with this input as `risk.json`.
fn with(input: &Value) -> Folder {
    let folder = Folder::new();
    folder.write("risk.json", input.to_string());
    folder
}

/// Providers with stakes in satoshis, each its own operator, and chains.
fn input(stakes: &[u64], chains: &[Value]) -> Value {
    let provider = |(place, stake): (usize, &u64)| json!({ "name": format!("p{place}"), "stake_sat": stake });
    let providers: Vec<Value> = stakes.iter().enumerate().map(provider).collect();
    json!({ "slashing_rate": "0.001", "providers": providers, "chains": chains })
}

/// 100 BTC: a1 and a2 of one operator have 20 and 15, b has 25, c has 40; `all` is secured by all of them,
/// `two` by a1 and b. A thousandth of each can be slashed.
fn worked(values: [u64; 2]) -> Value {
    let btc = 100_000_000_u64;
    json!({
        "slashing_rate": "0.001",
        "providers": [
            { "name": "a1", "operator": "a", "stake_sat": 20 * btc },
            { "name": "a2", "operator": "a", "stake_sat": 15 * btc },
            { "name": "b", "stake_sat": 25 * btc },
            { "name": "c", "stake_sat": 40 * btc },
        ],
        "chains": [
            { "name": "all", "value_sat": values[0] },
            { "name": "two", "value_sat": values[1], "secured_by": ["a1", "b"] },
        ],
    })
}
