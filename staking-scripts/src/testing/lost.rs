//! Scripts that nobody can spend on purpose, and a stake that was made under parameters with one.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::transaction::Version;
use bitcoin::{Script, ScriptBuf, TxOut};

use super::{genesis, history_file, honest, key, members};
use crate::delegation::{CovenantSignatures, Delegation, PresignedSlashing};
use crate::outputs::{NUMS_INTERNAL_KEY, SlashingRefundOutput};
use crate::parameters::{Parameters, ParametersHistory};
use crate::transactions::leaf_transaction::sealed::Spends as _;
use crate::transactions::slashing::Slashable;
use crate::transactions::{Funded, LeafTransaction as _, SlashingTransaction};

/// Returns scripts that nobody can spend on purpose: nobody, or anybody, can.
pub fn lost_scripts() -> Vec<ScriptBuf> {
    let (ones, off_curve) =
        ("01".repeat(48), "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
    let bytes = |count: usize| &ones[..2 * count];
    let scripts = [
        // Pay-to-anchor, and another program of its size.
        "51024e73".to_owned(),
        "51024e74".to_owned(),
        // Version 1: 31 and 33 bytes; a key that is not on the curve (of BIP-340's vectors), and one above p.
        format!("511f{}", bytes(31)),
        format!("5121{}", bytes(33)),
        format!("5120{off_curve}"),
        format!("5120{}", "ff".repeat(32)),
        // The key that nobody has.
        format!("5120{NUMS_INTERNAL_KEY}"),
        // Version 0: neither 20 nor 32 bytes.
        format!("0002{}", bytes(2)),
        format!("0013{}", bytes(19)),
        format!("0015{}", bytes(21)),
        format!("0021{}", bytes(33)),
        format!("0028{}", bytes(40)),
        // Versions that are not in use.
        format!("5220{}", bytes(32)),
        format!("5214{}", bytes(20)),
        format!("6028{}", bytes(40)),
        // A program in another push, or with something after it.
        format!("004c14{}", bytes(20)),
        format!("0014{}51", bytes(20)),
        // No address: nothing, anybody, a key, a multisig, P2PKH and P2SH but for a byte.
        String::new(),
        "51".to_owned(),
        format!("2102{}ac", bytes(32)),
        format!("512102{}51ae", bytes(32)),
        format!("76a914{}8887", bytes(20)),
        format!("a914{}88", bytes(20)),
    ];
    scripts.iter().map(|script| ScriptBuf::from_hex(script).unwrap()).collect()
}

/// Returns a delegation with everybody's signatures that was made under parameters with this slashing script,
/// which no stake may be made under now, and the file of these parameters.
pub fn made_under(slashing_script: &Script) -> (Delegation, String) {
    let file = history_file(&[0], |_, fields| {
        fields["slashing_pk_script"] = BASE64_STANDARD.encode(slashing_script).into();
    });
    let history: ParametersHistory<Parameters> = ParametersHistory::from_json(&file).unwrap();
    let parameters = history.get(0).unwrap();
    let (mut delegation, _) = honest(genesis());
    let staking = delegation.stake(parameters.covenant()).unwrap().staking;
    let unbonding = delegation.unbonding(parameters.covenant()).unwrap();
    let slashing = slash(&staking, parameters);
    let unbonding_slashing = slash(&unbonding.unbonding_output(), parameters);
    let signed = |slashing: &SlashingTransaction| PresignedSlashing {
        transaction: slashing.unsigned().clone(),
        staker_signature: Some(slashing.sign_as_staker(&key("staker", 0)).unwrap()),
    };
    delegation.slashing = Some(signed(&slashing));
    delegation.unbonding_slashing = Some(signed(&unbonding_slashing));
    let by = |member| CovenantSignatures {
        unbonding: unbonding.spend().sign_as_covenant_member(member).unwrap(),
        slashing: slashing.sign_as_covenant_member(member, &[0; 32]).unwrap(),
        unbonding_slashing: unbonding_slashing.sign_as_covenant_member(member, &[0; 32]).unwrap(),
        extension: None,
    };
    delegation.covenant_signatures = members(0).iter().map(by).collect();
    (delegation, file)
}

fn slash<O: Slashable>(source: &Funded<O>, parameters: &Parameters) -> SlashingTransaction {
    let staker = *source.output().parties().staker();
    let refund = SlashingRefundOutput::new(staker, parameters.unbonding_time()).unwrap();
    let value = parameters.slashing_rate().slashed_amount(source.amount());
    let slashed = TxOut { value, script_pubkey: parameters.slashing_pk_script().clone() };
    let left = source.amount() - value - parameters.min_slashing_fee();
    SlashingTransaction::laid_out(source, refund, Version::ONE, slashed, left).unwrap()
}
