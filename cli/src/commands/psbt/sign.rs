//! `psbt sign`: a signature of the staker, on a machine that knows nothing but the PSBT and the key.

use anyhow::{Context, bail, ensure};
use bitcoin::{Psbt, TapSighashType, taproot};
use eots::SecretKey;
use staking_scripts::{Path, key_path_script, sign_key_path};

use super::{leaf_sighash, offered_leaf, prevouts};
use crate::commands::tx::psbt;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Signs the inputs whose one offered leaf has the key as its staker, and coins that pay to the key's own Taproot address; nothing else, and nothing \
    as a covenant member (`btcstake covenant sign` checks what it signs) or as a finality provider. Look at it with `psbt check` or `tx explain` first.\n\n\
    Example:\n  btcstake psbt sign --psbt @unbonding.psbt --secret-key-file staker.key"
)]
pub(crate) struct Args {
    /// The PSBT: base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt)]
    psbt: Psbt,
    /// File with the secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (mut psbt, key) = (self.psbt, &self.secret_key_file);
        let public_key = *key.public_key();
        let spent = prevouts(&psbt).context("--psbt does not say what all of its inputs spend")?;
        let mut signed = 0_usize;
        for index in 0..psbt.inputs.len() {
            let Some((hash, keys)) = psbt.inputs.get(index).and_then(offered_leaf) else { continue };
            if *keys.staker() != public_key {
                continue;
            }
            ensure!(
                keys.path() != Path::Slashing || psbt.unsigned_tx.input.len() == 1,
                "--psbt slashes and spends something else too: that is no transaction of the protocol"
            );
            let sighash = leaf_sighash(&psbt, &spent, index, hash).context("--psbt cannot be signed")?;
            let signature = key.sign_bip340(&sighash);
            if let Some(input) = psbt.inputs.get_mut(index) {
                let signature = taproot::Signature { signature, sighash_type: TapSighashType::Default };
                input.tap_script_sigs.insert((public_key, hash), signature);
                signed = signed.saturating_add(1);
            }
        }
        let coins = spent
            .iter()
            .zip(&psbt.inputs)
            .filter(|(out, input)| input.tap_scripts.is_empty() && out.script_pubkey == key_path_script(&public_key));
        let coins = coins.count();
        if coins > 0 {
            psbt = sign_key_path(&psbt, key)?;
        }
        if signed == 0 && coins == 0 {
            bail!("--psbt has no input that {public_key} signs as staker or as owner of a coin");
        }
        let text = psbt.to_string();
        let signed = signed.saturating_add(coins);
        Output::new(text.clone(), &serde_json::json!({ "psbt": text, "signed_inputs": signed }))
    }
}
