//! `anchor explain`: the marks of data, of a script, or of a transaction.

use anyhow::{Context, anyhow, bail};
use bitcoin::{Transaction, Txid};
use serde::{Deserialize, Serialize};
use spv::anchors::{ExplainedData, Place, Registry, op_return};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Content};
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::transaction::{self, Given};
use crate::view::marks::MarkData;
use crate::view::output::{CommandOutput, Exit, Printout};

/// How PSBTs begin.
const PSBT: &[u8] = b"psbt\xff";

#[derive(clap::Args)]
#[command(
    after_help = "Exit code 1 where no mark is known. Of a script or data alone it is not known where they stand: what is a mark in an output of some transaction is told so, otherwise what is one in a \
    coinbase. Some marks are compared with the other outputs of their transaction, which takes the transaction.\n\n\
    Example:\n  btcstake anchor explain 6a4c5048454d49010075cf9b002831bfa132ab03b954874d9515f4d5141f39022b7382f04df2defb29e4ff1b58eb5af0fc9192dcbcda6f1b6f21e9c47d97953fa8f7d7551deeaa7a1c0a2340624eebff6b5cbc"
)]
pub(crate) struct Args {
    /// A transaction or PSBT, an OP_RETURN script, or the data that it pushes: hex, @FILE of hex digits or of
    /// the bytes themselves, or -. With --node, also a txid.
    #[arg(value_name = "DATA", value_parser = argument::value(source))]
    data: Argument<Source>,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
}

/// What is given.
#[derive(Debug, Clone)]
enum Source {
    Transaction(Box<Transaction>),
    Bytes(Vec<u8>),
    /// 32 bytes, which may be a txid.
    Id(Txid, Vec<u8>),
}

/// What marks there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// As what it was read: `transaction`, `script` or `data`.
    pub read_as: String,
    /// The transaction id, in display order; null where no transaction is given.
    pub txid: Option<String>,
    /// The data of every OP_RETURN output, and the marks that they are.
    pub marks: Vec<MarkData>,
}

/// Parses what is given.
fn source(argument: &str) -> anyhow::Result<Source> {
    let (content, hint) = (Content::of(argument)?, input::file_hint(argument));
    let unread = match transaction::of_content(&content, hint) {
        Ok(Given { transaction, .. }) => return Ok(Source::Transaction(Box::new(transaction))),
        Err(error) => error,
    };
    let text = content.text().map(input::unfolded);
    let digits = text.as_ref().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let bytes = match digits {
        Some(digits) => hex::decode(digits).map_err(|error| anyhow!("not hex: {error}{hint}"))?,
        None if content.bytes() == argument.as_bytes() => bail!("not hex, nor a PSBT in base64{hint}"),
        None => content.bytes().to_vec(),
    };
    if bytes.starts_with(PSBT) {
        return Err(unread);
    }
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(txid) => Ok(Source::Id(txid, bytes)),
        None => Ok(Source::Bytes(bytes)),
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let head = self.txid.as_ref().map(|txid| format!("transaction {txid}"));
        let none = self.marks.is_empty().then(|| "no OP_RETURN output".to_owned());
        head.into_iter()
            .chain(self.marks.iter().flat_map(MarkData::lines))
            .chain(none)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.marks.iter().any(|data| data.mark.is_some()))
    }
}

/// Tells of an OP_RETURN script, at the first place where it is a mark.
fn of_script(registry: &Registry, script: &[u8]) -> Option<ExplainedData> {
    let told = |is_coinbase| registry.explain_script(script, Place::Output { index: 0, is_coinbase });
    let in_output = told(false)?;
    if in_output.mark.is_some() {
        return Some(in_output);
    }
    told(true).filter(|told| told.mark.is_some()).or(Some(in_output))
}

/// Tells of a script, or of data that a script pushes.
fn of_bytes(registry: &Registry, bytes: &[u8]) -> (&'static str, ExplainedData) {
    if let Some(told) = of_script(registry, bytes) {
        return ("script", told);
    }
    let pushed = of_script(registry, op_return(bytes).as_bytes());
    if let Some(told) = pushed.filter(|told| told.mark.is_some()) {
        return ("data", ExplainedData { form: None, ..told });
    }
    let place = Place::Output { index: 0, is_coinbase: false };
    let unknown = ExplainedData { place, form: None, data: bytes.to_vec(), trailing: 0, mark: None };
    let in_coinbase = registry.explain_coinbase_script(bytes);
    ("data", in_coinbase.unwrap_or(unknown))
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let registry = Registry::new();
        let transaction = match self.data.read()? {
            Source::Transaction(transaction) => *transaction,
            Source::Id(txid, _) if self.node.node.is_some() => {
                let node = self.node.connect_on(self.network)?;
                let found = node.transaction(&txid)?;
                found.with_context(|| format!("the node has no transaction {txid}"))?.transaction
            }
            Source::Bytes(bytes) | Source::Id(_, bytes) => {
                let (read_as, told) = of_bytes(&registry, &bytes);
                let marks = vec![MarkData::new(told, &registry, false)];
                return Printout::of(&Output { read_as: read_as.to_owned(), txid: None, marks });
            }
        };
        let told = registry.explain(&transaction).into_iter();
        Printout::of(&Output {
            read_as: "transaction".to_owned(),
            txid: Some(transaction.compute_txid().to_string()),
            marks: told.map(|told| MarkData::new(told, &registry, true)).collect(),
        })
    }
}
