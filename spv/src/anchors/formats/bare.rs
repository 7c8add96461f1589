//! A bare push of 32 bytes: a commitment of OpenTimestamps, the anchor of a vault, a pool's tag, or anything
//! else. It has no magic, so that nothing follows from it.

use crate::anchors::mark::{Certainty, Conclusions, Field, MarkFormat, Place};

/// The format.
pub(crate) struct Bare32;

impl MarkFormat for Bare32 {
    fn name(&self) -> &'static str {
        "bare_32_bytes"
    }

    fn title(&self) -> &'static str {
        "possibly a commitment of OpenTimestamps, or the anchor of a vault of Babylon's"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions { may: "nothing: the data have a length, and no magic", may_not: "what they are" }
    }

    fn certainty(&self) -> Certainty {
        Certainty::Possible
    }

    fn first_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        data.len() == 32 && place != Place::CoinbaseScript
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        vec![Field::bytes("commitment", data)]
    }
}
