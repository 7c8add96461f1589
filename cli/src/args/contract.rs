//! The finality contract of a consumer chain.

use anyhow::{bail, ensure};
use babylon::contract::{ContractKind, FinalityContract};
use clap::ValueEnum;
use finality::AccountAddress;

use super::secured_chain::ChainNodeArgs;
use super::sending::{SendArgs, Sender};

/// A finality contract, in place of Babylon Genesis itself.
#[derive(clap::Args)]
pub(crate) struct ContractArgs {
    /// On a consumer chain: the finality contract that is told, in place of Babylon Genesis. What is signed
    /// begins with its signing contexts.
    #[arg(long, value_name = "ADDRESS", requires = "contract_kind")]
    contract: Option<AccountAddress>,
    /// Which chain the contract secures.
    #[arg(long, value_enum, requires = "contract")]
    contract_kind: Option<Kind>,
    /// The id of the chain on which the contract is: for a rollup, that of Babylon Genesis [default:
    /// --chain-id, for a Cosmos chain].
    #[arg(long, value_name = "CHAIN_ID", requires = "contract")]
    contract_chain_id: Option<String>,
}

/// The kinds of contracts.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// The Cosmos chain on which it is.
    Cosmos,
    /// A rollup; it is on Babylon Genesis.
    Rollup,
}

impl ContractArgs {
    /// Returns whether a contract is named.
    pub(crate) const fn is_given(&self) -> bool {
        self.contract.is_some()
    }

    /// Returns the contract; `None` where Babylon Genesis itself is told. `voted` is the chain whose blocks
    /// are voted on.
    pub(crate) fn contract(&self, voted: &str) -> anyhow::Result<Option<FinalityContract>> {
        let (Some(address), Some(kind)) = (&self.contract, self.contract_kind) else { return Ok(None) };
        let (kind, chain_id) = match (kind, self.contract_chain_id.as_deref()) {
            (Kind::Cosmos, given) => {
                let given = given.unwrap_or(voted);
                ensure!(
                    given == voted,
                    "--contract-chain-id is {given:?}; must be --chain-id, {voted:?}, where a Cosmos chain has its contract"
                );
                (ContractKind::Cosmos, given)
            }
            (Kind::Rollup, Some(given)) => {
                ensure!(
                    address.prefix() == "bbn",
                    "--contract is an address of {:?}; must be one of Babylon Genesis, bbn1…, where a rollup has its contract",
                    address.prefix()
                );
                ensure!(
                    given != voted,
                    "--contract-chain-id is --chain-id, {voted:?}; must be that of Babylon Genesis, where a rollup has its contract"
                );
                (ContractKind::Rollup, given)
            }
            (Kind::Rollup, None) => bail!(
                "--contract-chain-id is absent; must be that of Babylon Genesis, where a rollup has its contract"
            ),
        };
        ensure!(
            !chain_id.is_empty(),
            "the contract's chain id is empty; must be that of the chain on which it is"
        );
        Ok(Some(FinalityContract { kind, chain_id: chain_id.to_owned(), address: address.clone() }))
    }
}

/// Returns who sends to a contract, or to Babylon Genesis.
pub(crate) fn sender_to<'a>(
    contract: Option<&FinalityContract>,
    send: &'a SendArgs,
    nodes: &'a ChainNodeArgs,
) -> anyhow::Result<Sender<'a>> {
    match contract {
        Some(contract) => send.sender_on(nodes, contract.address.prefix()),
        None => send.sender(nodes),
    }
}
