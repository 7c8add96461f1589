//! `covenant sign`: checks delegations, and signs them as a covenant member.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bitcoin::Txid;
use bitcoin::absolute::Height;
use eots::SecretKey;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use staking_scripts::delegation::CovenantSigningError;
use staking_scripts::{CovenantSignatures, Delegation, Parameters, ParametersHistory};

use super::record::Record;
use crate::args::argument::{self, Argument};
use crate::args::chain::ChainArgs;
use crate::args::delegation;
use crate::args::files::{self, not_checked};
use crate::args::input;
use crate::args::mainnet;
use crate::args::own_node::{OwnChain, OwnNodeArgs};
use crate::args::secret::{SecretKeyFile, SecretKeyPath, shown_path};
use crate::view::output::{CommandOutput, Exit, Printout, warn};
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "Only a delegation that keeps every rule is signed, and only the signatures that the protocol asks of a member are made: the unbonding transaction, \
    adaptor signatures over both slashing transactions for each finality provider, and an extension under the parameters of the running stake.\n\n\
    For one delegation, the signatures are printed as JSON, with --json on one line: {\"member\", \"unbonding_signature\", …}; or, with exit code 1, \
    the rules that it breaks, with --json {\"accepted\": false, \"violations\": […]}. For several, there is a JSON line for each, with and without --json: \"delegation_file\" and one of \
    \"signatures\" and \"refused\", with what --json prints for one, or \"error\", a text; the others are null. The others are signed even if one is not; \
    the exit code is 1 then.\n\nExample:\n  btcstake covenant sign --delegation signed.json --params params.json --network regtest --height 900000 \
    --record member.record --secret-key-file member.key"
)]
pub(crate) struct Args {
    /// A delegation (several are signed one after the other); - is standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation::delegation_file(), required = true)]
    delegation: Vec<Argument<Vec<Delegation>>>,
    /// Which delegation of a file with several, by its staking transaction.
    #[arg(long, value_name = "TXID")]
    staking_txid: Option<Txid>,
    /// The delegation of the running stake, for an extension whose delegation has only its id.
    #[arg(long, value_name = "FILE", value_parser = delegation::delegation_file())]
    previous_delegation: Option<Argument<Vec<Delegation>>>,
    /// A parameters file, all versions: as the nodes of Babylon Genesis print it, as `params show --all
    /// --json` does, or your own.
    #[arg(long, value_name = "FILE", value_parser = delegation::parameters_file())]
    params: Argument<ParametersHistory<Parameters>>,
    /// The height of the tip of the member's own node, never from the staker: its parameters must be in
    /// force, and a stake that is included must have more time left than the unbonding time.
    #[arg(long, value_parser = input::height)]
    height: Option<Height>,
    #[command(flatten)]
    own_node: OwnNodeArgs,
    /// Sign without knowing the tip: a delegation must be under the last version in the file, and whether it
    /// ends soon is judged by the headers that the staker chose to give.
    #[arg(long, conflicts_with_all = ["height", "node"])]
    dangerously_without_height: bool,
    #[command(flatten)]
    chain: ChainArgs,
    /// The signing record, created when it does not exist: a second set of transactions for a staking output
    /// is refused.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Sign without a signing record, for tests only: a second unbonding or extension of one stake is not
    /// noticed.
    #[arg(long, conflicts_with = "record")]
    dangerously_without_record: bool,
    /// File with the covenant member's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// 32 bytes of auxiliary randomness; fresh ones when absent.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    aux_rand: Option<Argument<[u8; 32]>>,
}

/// What a member returns for one delegation: its signatures, as `stake add` takes them, or the rules that are
/// broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Output {
    /// The delegation keeps every rule.
    Signed(#[cfg_attr(feature = "schema", schemars(with = "SignaturesSchema"))] Box<Signed>),
    /// The delegation breaks rules.
    Refused(Refused),
}

/// A member's signatures, and what it did not check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The signatures.
    #[serde(flatten)]
    pub signatures: CovenantSignatures,
    /// What only the state of the chains tells, as in `stake check`.
    pub not_checked: Vec<String>,
}

/// The form of [`Signed`].
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct SignaturesSchema {
    /// The member's public key.
    member: String,
    /// The signature over the unbonding transaction, in hex.
    unbonding_signature: String,
    /// The adaptor signatures over the slashing transaction in hex, one for each finality provider.
    slashing_adaptor_signatures: Vec<String>,
    /// The adaptor signatures over the slashing transaction of the unbonding output, in the same way.
    unbonding_slashing_adaptor_signatures: Vec<String>,
    /// The signature over the extension, for a stake that extends one.
    #[schemars(default, skip_serializing_if = "Option::is_none")]
    extension_signature: Option<String>,
    /// What only the state of the chains tells, as in `stake check`.
    not_checked: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match self {
            // Signatures are for `stake add`, so that their text is JSON too.
            Self::Signed(signatures) => serde_json::to_string_pretty(signatures).unwrap_or_default(),
            Self::Refused(refused) => refused.text(),
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(matches!(self, Self::Signed(_)))
    }
}

/// The result for one of several delegations: one of the last three fields; the others are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The delegation's file.
    pub delegation_file: String,
    /// The member's signatures.
    #[cfg_attr(feature = "schema", schemars(with = "Option<SignaturesSchema>"))]
    pub signatures: Option<Signed>,
    /// The rules that are broken.
    pub refused: Option<Refused>,
    /// Why it could not be checked.
    pub error: Option<String>,
}

impl Line {
    fn new(delegation_file: String, output: anyhow::Result<Output>) -> Self {
        let line = Self { delegation_file, signatures: None, refused: None, error: None };
        match output {
            Ok(Output::Signed(signatures)) => Self { signatures: Some(*signatures), ..line },
            Ok(Output::Refused(refused)) => Self { refused: Some(refused), ..line },
            Err(error) => Self { error: Some(format!("{error:#}")), ..line },
        }
    }
}

/// What is read before the first delegation, and kept for the others.
struct Signer {
    params: ParametersHistory<Parameters>,
    key: SecretKey,
    aux_rand: Option<[u8; 32]>,
    own_chain: Option<OwnChain>,
    /// The height of the tip.
    height: Option<Height>,
    /// Opened for the first delegation that is to be signed.
    record: Option<Record>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        ensure!(
            self.height.is_some() || self.own_node.is_given() || self.dangerously_without_height,
            "--height is absent; must be that of your own node's tip, or --node that node, or --dangerously-without-height"
        );
        ensure!(
            self.record.is_some() || self.dangerously_without_record,
            "--record is absent; must be the file of your signing record, or --dangerously-without-record"
        );
        let own_chain = self.own_node.read(self.chain.network)?;
        let of_node = own_chain.as_ref().map(OwnChain::height).transpose()?;
        let mut signer = Signer {
            own_chain,
            height: self.height.or(of_node),
            params: self.params.read()?,
            key: self.secret_key_file.read()?,
            aux_rand: argument::read_optional(self.aux_rand.as_ref())?,
            record: None,
        };
        if let [only] = self.delegation.as_slice() {
            return Printout::of(&self.sign(only, &mut signer)?);
        }
        let (mut lines, mut all_signed) = (Vec::new(), true);
        for file in &self.delegation {
            let output = self.sign(file, &mut signer);
            all_signed &= matches!(output, Ok(Output::Signed(_)));
            lines.push(serde_json::to_string(&Line::new(file.shown().to_owned(), output))?);
        }
        Ok(Printout::lines(lines.into_iter(), Exit::of(all_signed)))
    }

    fn sign(&self, file: &Argument<Vec<Delegation>>, signer: &mut Signer) -> anyhow::Result<Output> {
        let Signer { params, key, aux_rand, own_chain, height, record } = signer;
        let previous = self.previous_delegation.as_ref();
        let delegation = delegation::select(file, self.staking_txid, previous)?;
        let chain = match own_chain {
            Some(own) => own.anchor(self.chain, &delegation)?,
            None => self.chain,
        };
        let in_force = files::in_force(params, *height)?;
        let foreign = mainnet::violation(chain.network, params, &self.params.name(), *height)?;
        let left_out = own_chain.as_ref().map(|own| own.left_out(&delegation)).transpose()?.flatten();
        let foreign: Vec<_> = foreign.into_iter().chain(left_out).collect();
        let checked = match (files::check(&delegation, params, chain, in_force), foreign) {
            (Ok(checked), foreign) if foreign.is_empty() => checked,
            (checked, foreign) => {
                let mut refused = Refused::new(&checked.err().unwrap_or_default());
                refused.violations.splice(..0, foreign);
                return Ok(Output::Refused(refused));
            }
        };
        let aux = aux_rand.unwrap_or_else(|| {
            let mut aux = [0; 32];
            OsRng.fill_bytes(&mut aux);
            aux
        });
        let shown = self.record.as_deref().map(shown).unwrap_or_default();
        let name = || format!("--record {shown}");
        let record = match (record, &self.record) {
            (Some(record), _) => record,
            (none, Some(path)) => none.insert(Record::open(path).with_context(name)?),
            (none, None) => none.insert(Record::forgotten()?),
        };
        match checked.sign_as_covenant_member(key, &aux, record) {
            Ok(signatures) => {
                for warning in chain.unanchored(&delegation) {
                    warn(&warning);
                }
                let not_checked = not_checked(&delegation).into_iter().map(ToOwned::to_owned).collect();
                Ok(Output::Signed(Box::new(Signed { signatures, not_checked })))
            }
            Err(CovenantSigningError::Signing(error)) => Err(error).context("--secret-key-file"),
            Err(error @ CovenantSigningError::Conflict { .. }) => {
                Ok(Output::Refused(Refused::because("record", format!("{}: {error}", name()))))
            }
            Err(error) => Err(error).with_context(name),
        }
    }
}

fn shown(path: &Path) -> String {
    shown_path(&path.display().to_string())
}
