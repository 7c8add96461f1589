//! What the fuzz targets share. A target asserts what the library guarantees for any input, and panics where
//! that does not hold.

use eots::XOnlyPublicKey;
use eots::secp256k1::constants::CURVE_ORDER;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use staking_scripts::bitcoin::hashes::Hash;
use staking_scripts::bitcoin::{OutPoint, ScriptBuf, Txid};
use staking_scripts::testing::Scene;

/// 32 bytes taken for a number, those at the edges of the scalars often among them.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub enum Number {
    /// Any.
    Any([u8; 32]),
    /// 0 to 255.
    Small(u8),
    /// The group order with another last byte: below it when that is below 41.
    NearOrder(u8),
}

impl Number {
    /// Big-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let (mut bytes, last) = match self {
            Self::Any(bytes) => return bytes,
            Self::Small(last) => ([0; 32], last),
            Self::NearOrder(last) => (CURVE_ORDER, last),
        };
        bytes[31] = last;
        bytes
    }
}

/// Changes to make to bytes that are valid: at a position (modulo their number), the bits to flip.
pub type Changes = Vec<(u16, u8)>;

/// Makes the changes.
pub fn change(bytes: &mut [u8], changes: &Changes) {
    let length = bytes.len();
    for (position, bits) in changes {
        if length > 0 {
            bytes[usize::from(*position) % length] ^= bits;
        }
    }
}

/// A stake to two finality providers, under three covenant members of whom two must sign.
pub fn scene() -> Scene {
    Scene::new(2, 3, 2)
}

/// The place of coin `number`.
pub fn outpoint(number: u16) -> OutPoint {
    OutPoint::new(Txid::from_byte_array([7; 32]), number.into())
}

/// A script to pay to.
#[derive(Arbitrary, Debug, Clone)]
pub enum Destination {
    /// Taproot.
    P2tr,
    /// Segwit version 0, of a key.
    P2wpkh([u8; 20]),
    /// OP_RETURN and these bytes.
    Return(Vec<u8>),
    /// Any script.
    Any(Vec<u8>),
}

impl Destination {
    /// The script.
    pub fn script(&self, owner: &XOnlyPublicKey) -> ScriptBuf {
        match self {
            Self::P2tr => staking_scripts::coins::key_path_script(owner),
            Self::P2wpkh(hash) => ScriptBuf::from_bytes([&[0x00, 0x14], hash.as_slice()].concat()),
            Self::Return(bytes) => ScriptBuf::from_bytes([&[0x6a], bytes.as_slice()].concat()),
            Self::Any(bytes) => ScriptBuf::from_bytes(bytes.clone()),
        }
    }
}
