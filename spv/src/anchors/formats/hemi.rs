//! Hemi's keystones, in both forms.

use crate::anchors::hemi::{Keystone, OldKeystone};
use crate::anchors::mark::{Conclusions, Field, MarkFormat, Place};

/// Keystones of the form that is in use.
pub(crate) struct Keystones;

impl MarkFormat for Keystones {
    fn name(&self) -> &'static str {
        "hemi_keystone"
    }

    fn title(&self) -> &'static str {
        "keystone of Hemi"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "that somebody knew these hashes when the block was mined",
            may_not: "that the keystone's block is of Hemi's chain: anybody can publish others, and Hemi's node says which are",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'H']
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place.is_other_output() && Keystone::is_payload(data)
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(keystone) = Keystone::from_payload(data) else { return Vec::new() };
        vec![
            Field::number("l1_block_number", keystone.l1_block_number),
            Field::number("l2_block_number", keystone.l2_block_number),
            Field::bytes("parent_ep_hash", keystone.parent_ep_hash),
            Field::bytes("previous_keystone_ep_hash", keystone.previous_keystone_ep_hash),
            Field::bytes("state_root", keystone.state_root),
            Field::bytes("ep_hash", keystone.ep_hash),
            Field::text("keystone_hash", keystone.hash().to_string()),
        ]
    }
}

/// Keystones of the form before that.
pub(crate) struct OldKeystones;

impl MarkFormat for OldKeystones {
    fn name(&self) -> &'static str {
        "hemi_old_keystone"
    }

    fn title(&self) -> &'static str {
        "keystone of Hemi, in its first form"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "that somebody knew these hashes when the block was mined",
            may_not: "that Hemi counts it: it does not any more",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'H']
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place.is_other_output() && OldKeystone::from_payload(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(keystone) = OldKeystone::from_payload(data) else { return Vec::new() };
        vec![
            Field::number("block_number", keystone.block_number),
            Field::bytes("parent_ep_hash", keystone.parent_ep_hash),
            Field::bytes("previous_keystone_ep_hash", keystone.previous_keystone_ep_hash),
            Field::bytes("state_root", keystone.state_root),
            Field::bytes("ep_hash", keystone.ep_hash),
            Field::text("keystone_hash", keystone.hash().to_string()),
        ]
    }
}
