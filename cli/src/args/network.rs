//! Bitcoin's networks, as the command line names them.

use std::fmt;

use bitcoin::Network;
use clap::ValueEnum;

/// Returns the name of a network as the command line has it.
pub(super) fn network_name(network: Network) -> String {
    let known = NetworkName::value_variants().iter().find(|name| Network::from(**name) == network);
    known.map_or_else(|| network.to_string(), ToString::to_string)
}

/// A Bitcoin network.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum NetworkName {
    Mainnet,
    Testnet4,
    Signet,
    Regtest,
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mainnet => "mainnet",
            Self::Testnet4 => "testnet4",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        })
    }
}

impl From<NetworkName> for Network {
    fn from(name: NetworkName) -> Self {
        match name {
            NetworkName::Mainnet => Self::Bitcoin,
            NetworkName::Testnet4 => Self::Testnet4,
            NetworkName::Signet => Self::Signet,
            NetworkName::Regtest => Self::Regtest,
        }
    }
}
