//! Whether a key of a signer is unlocked, as `signer unlock` and `signer lock` print it.

use serde::{Deserialize, Serialize};

use crate::view::output::CommandOutput;

/// A key of a signer, after it was unlocked or locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The public key.
    pub public_key: String,
    /// Whether it signs.
    pub unlocked: bool,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!("{} is {}", self.public_key, if self.unlocked { "unlocked" } else { "locked" })
    }
}
