//! Whose a transaction is.

use bitcoin::hashes::{Hash as _, hash160};
use prost::Message as _;

use crate::proto::{AuthInfo, PubKey, TxRaw};

pub(super) fn address(key: &[u8]) -> Option<String> {
    let hash = hash160::Hash::hash(key);
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("bbn").ok()?, hash.as_byte_array()).ok()
}

pub(super) fn signer_of(bytes: &[u8]) -> Option<String> {
    let raw = TxRaw::decode(bytes).ok()?;
    let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).ok()?;
    let key = auth.signer_infos.first()?.public_key.as_ref()?;
    address(&PubKey::decode(key.value.as_slice()).ok()?.key)
}
