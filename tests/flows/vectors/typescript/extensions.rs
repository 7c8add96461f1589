//! Stakes that extend a running one.

use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, FeeRate, Txid};
use serde::Deserialize;
use staking_scripts::LeafTransaction as _;
use staking_scripts::explain::explain_psbt;
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::transactions::NewExtension;
use staking_scripts::{ExtensionTransaction, Funded, TransactionKind};

use super::stakes::sign_as_wallet;
use super::{Bytes, Coin, Facts, Hex, at_fee, cases_of, less_fee, psbt, same_psbt, says_more, transaction};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    stake: Facts,
    running: Running,
    sat_per_vbyte: u64,
    coins: Vec<Coin>,
    fee_sat: u64,
    txid: Txid,
    psbt: String,
    covenant_signatures: Vec<Bytes<64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Running {
    stake: Facts,
    transaction: Hex,
    signers: Vec<usize>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// No rate makes the library's fee.
    between_rates: usize,
    /// The library reports a lower fee than it pays.
    understated: usize,
    /// From the same coins at the same rate, ours pays a lower fee; a higher one; or spends another coin.
    ours_lower: usize,
    ours_higher: usize,
    other_coin: usize,
    /// Committees that have changed since, and stakes that come to have more finality providers.
    other_committee: usize,
    more_providers: usize,
}

#[test]
fn extensions_have_the_bytes_of_the_library() {
    let mut seen = Seen::default();
    for (number, case) in cases_of::<Case>("typescript", "extensions", 80) {
        case.same(&mut seen, &format!("case {number}"));
    }
    let expected = Seen {
        between_rates: 5,
        understated: 64,
        ours_lower: 50,
        ours_higher: 17,
        other_coin: 26,
        other_committee: 77,
        more_providers: 53,
    };
    assert_eq!(seen, expected);
}

impl Case {
    fn same(&self, seen: &mut Seen, what: &str) {
        let (old, stake, theirs) = (&self.running.stake, &self.stake, psbt(&self.psbt).unsigned_tx);
        assert_eq!(theirs.compute_txid(), self.txid, "{what}");
        let previous = Funded::find(old.staking_output(), &transaction(&self.running.transaction)).unwrap();
        let output = stake.staking_output();
        let build = |coins: &[Coin], rate| {
            let coins: Vec<_> = coins.iter().map(|coin| coin.ours(stake).unwrap()).collect();
            ExtensionTransaction::build(NewExtension {
                previous: &previous,
                output: output.clone(),
                amount: stake.amount(),
                coins: &coins,
                change: stake.change(),
                fee_rate: rate,
            })
            .ok()
        };
        let funding =
            self.coins.iter().find(|coin| coin.outpoint() == theirs.input[1].previous_output).unwrap();
        let held = previous.amount() + funding.output().value;
        let paid = held - theirs.output.iter().map(|output| output.value).sum();
        seen.understated += usize::from(Amount::from_sat(self.fee_sat) < paid);
        let (fee, ours) =
            at_fee(paid, |rate| build(std::slice::from_ref(funding), rate).map(|ours| (ours.fee(), ours)));
        seen.between_rates += usize::from(fee != paid);
        same_psbt(&less_fee(ours.psbt(), fee - paid), &self.psbt, what);
        says_more(ours.psbt());
        assert_eq!(explain_psbt(&psbt(&self.psbt)).kind, TransactionKind::Extension, "{what}");
        self.same_signatures((fee == paid).then_some(&ours), what);

        let of_all = build(&self.coins, FeeRate::from_sat_per_vb(self.sat_per_vbyte).unwrap()).unwrap();
        seen.ours_lower += usize::from(of_all.fee() < paid);
        seen.ours_higher += usize::from(of_all.fee() > paid);
        seen.other_coin += usize::from(of_all.unsigned().input != theirs.input);
        seen.other_committee += usize::from(old.parties().covenant() != stake.parties().covenant());
        seen.more_providers += usize::from(stake.finality_providers.len() > old.finality_providers.len());
    }

    /// The committee of the running stake signs over both inputs.
    fn same_signatures(&self, ours: Option<&ExtensionTransaction>, what: &str) {
        let members = self.running.stake.members();
        assert_eq!(self.running.signers.len(), self.covenant_signatures.len(), "{what}");
        for (signer, theirs) in self.running.signers.iter().zip(&self.covenant_signatures) {
            let member = &members[*signer];
            let signed = ours.map(|ours| ours.sign_as_covenant_member_unchecked(member).unwrap().signature);
            let signed = signed.unwrap_or_else(|| sign_as_wallet(&psbt(&self.psbt), member));
            assert_eq!(signed, schnorr::Signature::from_slice(&theirs.0).unwrap(), "{what}");
        }
    }
}
