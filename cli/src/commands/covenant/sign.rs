//! `covenant sign`: a member's answer.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bitcoin::absolute::Height;
use eots::SecretKey;
use rand_core::{OsRng, RngCore};
use serde::Serialize;
use staking_scripts::{AnswerField, Parameters, Versions};

use super::record::Record;
use crate::commands::stake::Violation;
use crate::files::{self, ChainArgs};
use crate::input;
use crate::output::{BAD, Output, broken, plain};

#[derive(clap::Args)]
#[command(
    after_help = "Nothing but a delegation that keeps every rule is signed, and nothing but what the protocol asks of a member: the unbonding transaction, \
    adaptor signatures over both slashing transactions for each finality provider, and an extension under the parameters of the running stake.\n\n\
    Of one delegation, the answer is printed as JSON, with --json on one line: {\"member\", \"unbonding_signature\", …}; or, with exit code 1, \
    the rules that it breaks, with --json {\"accepted\": false, \"violations\": […]}. Of several, there is a JSON line for each, with and without --json: {\"delegation\": FILE} and one of \
    \"answer\" and \"refused\", which hold what --json prints of one, or \"error\", a text. A bad one does not keep the others from being answered; \
    the exit code is 1 then.\n\nExample:\n  btcstake covenant sign --delegation signed.json --params params.json --secret-key-file member.key"
)]
pub(crate) struct Args {
    /// A delegation (several are answered one after the other); - is standard input.
    #[arg(long, value_name = "FILE", required = true)]
    delegation: Vec<String>,
    /// A parameters file, all versions: as the secured chain's nodes print it, as `params show --all --json`
    /// does, or your own.
    #[arg(long, value_name = "FILE", value_parser = files::parameters)]
    params: Versions<Parameters>,
    /// The Bitcoin height whose parameters hold, as the member's own node or the secured chain says it, and
    /// not the staker: of the tip when the stake was registered, or of its inclusion. When absent, a
    /// delegation must be under the last version in the file.
    #[arg(long, value_parser = input::height)]
    height: Option<Height>,
    #[command(flatten)]
    chain: ChainArgs,
    /// A file that remembers what was signed, made when it is not there: a second, different answer for a
    /// staking output is refused.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// File with the covenant member's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
    /// 32 bytes of auxiliary randomness; fresh ones when absent.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    aux_rand: Option<[u8; 32]>,
}

/// What became of one delegation.
enum Answer {
    Signed(Box<AnswerField>),
    Refused(Vec<Violation>),
}

#[derive(Serialize)]
struct Refused<'a> {
    accepted: bool,
    violations: &'a [Violation],
}

/// One of several delegations.
#[derive(Serialize)]
struct Line<'a> {
    delegation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a AnswerField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let mut record = None;
        if let [only] = self.delegation.as_slice() {
            return match self.answer(only, &mut record)? {
                Answer::Signed(answer) => Output::new(serde_json::to_string_pretty(&answer)?, &answer),
                Answer::Refused(violations) => {
                    let lines =
                        violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message)));
                    let head = format!("{BAD}refused{BAD:#}: {}", broken(violations.len()));
                    let text: Vec<_> = [head].into_iter().chain(lines).collect();
                    let fields = Refused { accepted: false, violations: &violations };
                    Ok(Output::new(text.join("\n"), &fields)?.negative())
                }
            };
        }
        let (mut lines, mut bad) = (Vec::new(), false);
        for path in &self.delegation {
            let answer = self.answer(path, &mut record);
            bad |= !matches!(answer, Ok(Answer::Signed(_)));
            lines.push(serde_json::to_string(&Line {
                delegation: path,
                answer: match &answer {
                    Ok(Answer::Signed(answer)) => Some(answer),
                    _ => None,
                },
                refused: match &answer {
                    Ok(Answer::Refused(violations)) => Some(Refused { accepted: false, violations }),
                    _ => None,
                },
                error: answer.as_ref().err().map(|error| format!("{error:#}")),
            })?);
        }
        let output = Output::lines(lines.into_iter());
        Ok(if bad { output.negative() } else { output })
    }

    /// The record is opened for the first delegation that is to be signed, and kept for the others.
    fn answer(&self, path: &str, record: &mut Option<Record>) -> anyhow::Result<Answer> {
        let name = || format!("--delegation {}", path.escape_debug());
        let delegation = files::delegation(path).with_context(name)?;
        let version = files::check_version(&delegation, &self.params, self.height).with_context(name)?;
        let checked = files::check(&delegation, &self.params, self.chain).with_context(name)?;
        let accepted = match (version, checked) {
            (None, Ok(accepted)) => accepted,
            (version, checked) => {
                let found = checked.err().unwrap_or_default();
                return Ok(Answer::Refused(version.iter().chain(&found).map(Violation::from).collect()));
            }
        };
        let aux = self.aux_rand.unwrap_or_else(|| {
            let mut aux = [0; 32];
            OsRng.fill_bytes(&mut aux);
            aux
        });
        if let Some(path) = &self.record {
            let name = || format!("--record {}", shown(path));
            if record.is_none() {
                *record = Some(Record::open(path).with_context(name)?);
            }
            record.as_mut().map_or(Ok(()), |record| record.remember(&accepted)).with_context(name)?;
        }
        let answer =
            accepted.sign_as_covenant_member(&self.secret_key_file, &aux).context("--secret-key-file")?;
        Ok(Answer::Signed(Box::new(AnswerField::from(&answer))))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
