use prost::Message;
use prost::encoding::{DecodeContext, WireType, bytes, decode_key, skip_field};

use super::proto::{Any, BtcDelegationResponse, MsgBtcStakeExpand, MsgCreateBtcDelegation};
use super::value::cut;
use super::{
    MAX_DELEGATION, MAX_INPUT, MAX_PAGE, Problem, WireDelegation, WireError, check, message as messages,
};

/// The type names of the messages in an `Any`, and in JSON's `@type`.
pub(super) const CREATE_URL: &str = "/babylon.btcstaking.v1.MsgCreateBTCDelegation";
pub(super) const EXPAND_URL: &str = "/babylon.btcstaking.v1.MsgBtcStakeExpand";
pub(super) const URL_RULE: &str =
    "/babylon.btcstaking.v1.MsgCreateBTCDelegation or /babylon.btcstaking.v1.MsgBtcStakeExpand";

/// The kind of protobuf message, which the bytes do not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireKind {
    /// A `QueryBTCDelegationResponse`, with one delegation.
    Delegation,
    /// A `QueryBTCDelegationsResponse`, a page of delegations.
    Delegations,
    /// A `QueryFinalityProviderDelegationsResponse`, a page by staker.
    ProviderDelegations,
    /// A `MsgCreateBTCDelegation`, which registers a stake.
    Create,
    /// A `MsgBtcStakeExpand`, which registers an extension.
    Expand,
    /// One of the messages in a `google.protobuf.Any`.
    Any,
}

/// Reads delegations from protobuf.
///
/// # Errors
/// [`WireError`] names the field that breaks a rule.
pub(crate) fn read_protobuf(kind: WireKind, bytes: &[u8]) -> Result<Vec<WireDelegation>, WireError> {
    if bytes.len() > MAX_INPUT {
        return Err(WireError::TooLong(bytes.len()));
    }
    match kind {
        WireKind::Delegation => match entries(bytes, "btc_delegation")?.as_slice() {
            [] => Err(WireError::field("btc_delegation", Problem::Missing)),
            [delegation] => Ok(vec![delegation_at(delegation, "btc_delegation")?]),
            several => {
                Err(WireError::field("btc_delegation", Problem::Count { found: several.len(), expected: 1 }))
            }
        },
        WireKind::Delegations => page(bytes, "btc_delegations", 0),
        WireKind::ProviderDelegations => {
            let mut all = Vec::new();
            for (i, stakers) in entries(bytes, "btc_delegator_delegations")?.into_iter().enumerate() {
                let path = format!("btc_delegator_delegations[{i}].dels");
                all.extend(page(stakers, &path, all.len())?);
            }
            Ok(all)
        }
        WireKind::Create => {
            let message: MsgCreateBtcDelegation = decode(bytes, "MsgCreateBTCDelegation")?;
            Ok(vec![messages::created(&message, "")?])
        }
        WireKind::Expand => {
            let message: MsgBtcStakeExpand = decode(bytes, "MsgBtcStakeExpand")?;
            Ok(vec![messages::expanded(message, "")?])
        }
        WireKind::Any => {
            let any: Any = decode(bytes, "Any")?;
            match any.type_url.as_str() {
                CREATE_URL => read_protobuf(WireKind::Create, &any.value),
                EXPAND_URL => read_protobuf(WireKind::Expand, &any.value),
                other => {
                    Err(WireError::field("type_url", Problem::Name { found: cut(other), rule: URL_RULE }))
                }
            }
        }
    }
}

fn page(bytes: &[u8], path: &str, before: usize) -> Result<Vec<WireDelegation>, WireError> {
    let found = entries(bytes, path)?;
    if found.len().saturating_add(before) > MAX_PAGE {
        return Err(WireError::field(path, Problem::Page(MAX_PAGE)));
    }
    found.iter().enumerate().map(|(i, bytes)| delegation_at(bytes, &format!("{path}[{i}]"))).collect()
}

fn delegation_at(bytes: &[u8], path: &str) -> Result<WireDelegation, WireError> {
    check::delegation(&decode::<BtcDelegationResponse>(bytes, path)?, path)
}

/// Decodes one delegation, or a message with one; its size is limited, so that lists of empty entries take
/// little memory.
fn decode<M: Message + Default>(bytes: &[u8], path: &str) -> Result<M, WireError> {
    if bytes.len() > MAX_DELEGATION {
        let rule = "at most 4194304";
        return Err(WireError::field(path, Problem::Length { found: bytes.len(), rule }));
    }
    M::decode(bytes).map_err(|source| WireError::Protobuf { path: path.to_owned(), source })
}

/// Returns the entries of field 1 of a message without copying or decoding them, so that a response that is
/// too long is refused before memory is allocated for it. Other fields are ignored.
fn entries<'a>(mut bytes: &'a [u8], path: &str) -> Result<Vec<&'a [u8]>, WireError> {
    let broken = |source| WireError::Protobuf { path: path.to_owned(), source };
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).map_err(broken)?;
        if tag == 1 && wire_type == WireType::LengthDelimited {
            let start = bytes;
            let mut rest = bytes;
            skip_field(wire_type, tag, &mut rest, DecodeContext::default()).map_err(broken)?;
            let mut length = start;
            let count = prost::encoding::decode_varint(&mut length).map_err(broken)?;
            // `skip_field` has checked that there are so many bytes.
            let content = usize::try_from(count).ok().and_then(|count| length.get(..count));
            found.push(content.unwrap_or_default());
            if found.len() > MAX_PAGE {
                return Err(WireError::field(path, Problem::Page(MAX_PAGE)));
            }
            bytes = rest;
        } else if tag == 1 {
            // The decoder's error names the wrong type.
            let mut unused = Vec::new();
            bytes::merge(wire_type, &mut unused, &mut bytes, DecodeContext::default()).map_err(broken)?;
        } else {
            skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).map_err(broken)?;
        }
    }
    Ok(found)
}
