//! `tx bump`: builds a child that pays for a staking transaction (CPFP).

use anyhow::{Context, ensure};
use bitcoin::{Amount, Txid};
use staking_scripts::coins::key_path_script;
use staking_scripts::explain::FeeBump;
use staking_scripts::outputs::UnsafeOutput;
use staking_scripts::psbt::sign_psbt;
use staking_scripts::transactions::{BuildError, ChildTransaction};
use staking_scripts::{Delegation, Parameters, ParametersHistory};

use crate::args::argument::Argument;
use crate::args::chain::ChainArgs;
use crate::args::delegation;
use crate::args::files::Files;
use crate::args::network::NetworkName;
use crate::args::spend::{Signer, SpendArgs};
use crate::args::transaction::{self, Given};
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "The child spends the change, and pays what the parent's fee lacks: --fee-rate is that of parent and child together. \
    --secret-key-file has the key of the change, which must be a Taproot output of one key; for another change give --signed. \
    The parent must not be replaced (RBF): that would invalidate every \
    pre-signed transaction. A withdrawal needs no child: build it again at a higher fee rate; the fees of unbonding and slashing transactions cannot be raised.\n\n\
    Example:\n  btcstake tx bump @stake.tx --fee-sat 825 --change-output 1 --fee-rate 20 \
    --network regtest --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45"
)]
pub(crate) struct Args {
    /// The staking transaction or extension that is unconfirmed, with its signatures: hex, @FILE or -.
    #[arg(value_name = "TRANSACTION", value_parser = transaction::parser())]
    transaction: Argument<Given>,
    /// The parent's fee in satoshis, as `psbt finalize` prints it. It is not checked, unless the transaction
    /// is a finalized PSBT, which has the outputs that it spends.
    #[arg(long)]
    fee_sat: u64,
    /// The index of the change output, from 0.
    #[arg(long, value_name = "INDEX")]
    change_output: u32,
    /// The delegation of the stake: the change must be another output of its staking transaction than the
    /// staking output.
    #[arg(long, value_name = "FILE", value_parser = delegation::delegation_file(), requires = "params")]
    delegation: Option<Argument<Vec<Delegation>>>,
    /// Which delegation of a file with several, by its staking transaction.
    #[arg(long, value_name = "TXID", requires = "delegation")]
    staking_txid: Option<Txid>,
    /// The delegation of the running stake, for an extension whose delegation has only its id.
    #[arg(long, value_name = "FILE", value_parser = delegation::delegation_file(), requires = "delegation")]
    previous_delegation: Option<Argument<Vec<Delegation>>>,
    /// A parameters file, all versions, with the covenant committee of the delegation; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation::parameters_file(), requires = "delegation")]
    params: Option<Argument<ParametersHistory<Parameters>>>,
    /// The Bitcoin network of the transaction.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    spend: SpendArgs,
}

/// The flag that an error is about.
fn named(error: BuildError) -> anyhow::Error {
    let flag = match &error {
        BuildError::ChildNotNeeded(_) | BuildError::FeeRateTooHigh(_) => "--fee-rate",
        BuildError::Output { cause: UnsafeOutput::NotADestination { .. }, .. } => "--to",
        _ => "--change-output",
    };
    anyhow::Error::new(error).context(flag)
}

impl Args {
    /// Reads the delegation and its parameters, when they are given.
    fn files(&self) -> anyhow::Result<Option<Files>> {
        let Some((delegation, params)) = self.delegation.as_ref().zip(self.params.as_ref()) else {
            return Ok(None);
        };
        let previous = self.previous_delegation.as_ref();
        let delegation = delegation::select(delegation, self.staking_txid, previous)?;
        // Nothing is checked that depends on more: the stake is in no block.
        let chain = ChainArgs::of(self.network);
        Ok(Some(Files::new(delegation, params.read()?, chain)))
    }

    /// Checks the parent's fee, as far as that is possible without a node.
    fn check_fee(&self, parent: &Given) -> anyhow::Result<()> {
        let Some(held) = parent.held() else { return Ok(()) };
        let fee =
            held.checked_sub(parent.explanation.paid).context("the transaction pays more than it spends")?;
        let (said, fee) = (self.fee_sat, fee.to_sat());
        ensure!(
            said == fee,
            "--fee-sat: the transaction pays {fee} sat, as its PSBT says, and not {said} sat"
        );
        Ok(())
    }

    /// Checks that the output can be the change.
    fn check_change(&self, parent: &Given, signer: Option<&Signer>) -> anyhow::Result<()> {
        let Given { transaction, .. } = parent;
        let (txid, number, count) =
            (transaction.compute_txid(), self.change_output, transaction.output.len());
        let output = usize::try_from(number).ok().and_then(|number| transaction.output.get(number));
        let output = output.with_context(|| {
            format!("--change-output is {number}; must be one of the {count} outputs of transaction {txid}")
        })?;
        if let Some(files) = self.files()? {
            let stake = files.delegation.stake(files.covenant()?).context("--delegation")?;
            let stake = stake.staking.outpoint();
            ensure!(
                stake.txid == txid,
                "--delegation is of the staking transaction {}; must be of {txid}",
                stake.txid
            );
            ensure!(
                stake.vout != number,
                "--change-output: output {number} is the staking output; must be the change"
            );
        }
        let script = &output.script_pubkey;
        let own = match signer {
            Some(Signer::Key(key)) => *script == key_path_script(key.public_key()),
            _ => true,
        };
        ensure!(
            own,
            "--change-output: output {number} pays to {script}, which is not the address of the key of --secret-key-file"
        );
        Ok(())
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (parent, signer) = (self.transaction.read()?, self.spend.signer.read()?);
        let Given { transaction, explanation, finalized, .. } = &parent;
        ensure!(finalized, "the transaction {} lacks signatures; must be in the mempool", explanation.txid);
        // A transaction of no known kind may be a stake without an OP_RETURN output.
        ensure!(
            matches!(explanation.kind.fee_bump(), None | Some(FeeBump::Child)),
            "the transaction {} is of the kind {}; must be a stake or an extension",
            explanation.txid,
            explanation.kind.as_str()
        );
        self.check_fee(&parent)?;
        self.check_change(&parent, signer.as_ref())?;
        let (fee, to, rate) =
            (Amount::from_sat(self.fee_sat), self.spend.to(self.network)?, self.spend.fee_rate);
        let child =
            ChildTransaction::paying_for(transaction, fee, self.change_output, to, rate).map_err(named)?;
        let signed = match signer {
            Some(Signer::Key(key)) => {
                Some(sign_psbt(child.psbt(), &key).context("--secret-key-file")?.0.into())
            }
            Some(Signer::Psbt(signed)) => Some(*signed),
            None => None,
        };
        let built = match signed {
            None => BuiltTransaction::unsigned(child.psbt(), child.fee(), Some(child.vsize())),
            Some(signed) => {
                let transaction = child.finalize(signed.psbt()).context("--signed")?;
                BuiltTransaction::finalized(signed.psbt(), &transaction, child.fee()).in_version_of(&signed)
            }
        };
        built.question_fee(Some(rate)).print(self.spend.format.form())
    }
}
