//! Messages about finality providers.

use ::finality::AccountAddress;
use eots::{SecretKey, XOnlyPublicKey};
use prost::Message as _;
use serde_json::{Value, json};
use staking_scripts::ProofOfPossession;

use super::{Commission, Message, base64};
use crate::proto;

/// How a finality provider describes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderDescription {
    /// Its name.
    pub moniker: String,
    /// What proves who it is elsewhere, such as a Keybase id.
    pub identity: String,
    /// Its web site.
    pub website: String,
    /// Whom to tell of a security matter.
    pub security_contact: String,
    /// Anything else.
    pub details: String,
}

impl ProviderDescription {
    fn to_proto(&self) -> proto::Description {
        let Self { moniker, identity, website, security_contact, details } = self.clone();
        proto::Description { moniker, identity, website, security_contact, details }
    }

    fn to_json(&self) -> Value {
        json!({
            "moniker": self.moniker,
            "identity": self.identity,
            "website": self.website,
            "security_contact": self.security_contact,
            "details": self.details,
        })
    }
}

/// The commission of a new finality provider, and how far it may ever be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommissionRates {
    /// The rate.
    pub rate: Commission,
    /// The highest rate that it may ever have.
    pub max_rate: Commission,
    /// The most that it may change in a day.
    pub max_change_rate: Commission,
}

impl Message {
    /// Registers a finality provider. The proof of possession is for the address that signs.
    pub fn create_finality_provider(
        signer: &AccountAddress,
        public_key: &XOnlyPublicKey,
        description: &ProviderDescription,
        commission: CommissionRates,
        possession: &ProofOfPossession,
    ) -> Self {
        let CommissionRates { rate, max_rate, max_change_rate } = commission;
        let message = proto::MsgCreateFinalityProvider {
            addr: signer.to_string(),
            description: Some(description.to_proto()),
            btc_pk: public_key.serialize().to_vec(),
            pop: Some(possession_proto(possession)),
            commission: Some(proto::CommissionRates {
                rate: rate.wire(),
                max_rate: max_rate.wire(),
                max_change_rate: max_change_rate.wire(),
            }),
        };
        let json = json!({
            "addr": message.addr,
            "description": description.to_json(),
            "btc_pk": public_key.to_string(),
            "pop": possession_json(possession),
            "commission": {
                "rate": rate.to_string(),
                "max_rate": max_rate.to_string(),
                "max_change_rate": max_change_rate.to_string(),
            },
        });
        Self::new("/babylon.btcstaking.v1.MsgCreateFinalityProvider", &message, signer, json)
    }

    /// Changes what a finality provider says of itself, and its commission; `None` leaves that.
    pub fn edit_finality_provider(
        signer: &AccountAddress,
        public_key: &XOnlyPublicKey,
        description: &ProviderDescription,
        commission: Option<Commission>,
    ) -> Self {
        let message = proto::MsgEditFinalityProvider {
            addr: signer.to_string(),
            btc_pk: public_key.serialize().to_vec(),
            description: Some(description.to_proto()),
            commission: commission.map(Commission::wire).unwrap_or_default(),
        };
        let json = json!({
            "addr": message.addr,
            "btc_pk": base64(&message.btc_pk),
            "description": description.to_json(),
            "commission": commission.map(|rate| rate.to_string()),
        });
        Self::new("/babylon.btcstaking.v1.MsgEditFinalityProvider", &message, signer, json)
    }

    /// Says that a jailed finality provider votes again.
    pub fn unjail_finality_provider(signer: &AccountAddress, public_key: &XOnlyPublicKey) -> Self {
        let message = proto::MsgUnjailFinalityProvider {
            signer: signer.to_string(),
            fp_btc_pk: public_key.serialize().to_vec(),
        };
        let json = json!({ "signer": message.signer, "fp_btc_pk": public_key.to_string() });
        Self::new("/babylon.finality.v1.MsgUnjailFinalityProvider", &message, signer, json)
    }

    /// Reports a finality provider that took part in a selective slashing. **It publishes its secret key.**
    pub fn selective_slashing_evidence(signer: &AccountAddress, provider: &SecretKey) -> Self {
        let message = proto::MsgSelectiveSlashingEvidence {
            signer: signer.to_string(),
            recovered_fp_btc_sk: provider.to_bytes().to_vec(),
        };
        let json = json!({
            "signer": message.signer,
            "recovered_fp_btc_sk": base64(&message.recovered_fp_btc_sk),
        });
        Self::new("/babylon.btcstaking.v1.MsgSelectiveSlashingEvidence", &message, signer, json)
    }
}

/// The proof as messages have it: `staking-scripts` knows its types and bytes.
fn possession_proto(possession: &ProofOfPossession) -> proto::ProofOfPossessionBtc {
    proto::ProofOfPossessionBtc::decode(possession.to_protobuf().as_slice()).unwrap_or_default()
}

fn possession_json(possession: &ProofOfPossession) -> Value {
    let proto::ProofOfPossessionBtc { btc_sig_type, btc_sig } = possession_proto(possession);
    let name = match btc_sig_type {
        0 => "BIP340",
        1 => "BIP322",
        _ => "ECDSA",
    };
    json!({ "btc_sig_type": name, "btc_sig": base64(btc_sig) })
}
