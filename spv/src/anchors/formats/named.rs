//! Marks that are known by how they begin, and not read: other operations of Stacks, and those of further
//! chains in coinbases.

use super::stacks::NETWORKS;
use crate::anchors::mark::{Certainty, Conclusions, MarkFormat, Place};

/// What the data must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A network of Stacks', and then this byte.
    StacksOperation(u8),
    /// This magic, and then at least as many bytes as the first number, at most as many as the second.
    InCoinbase(&'static [u8], usize, usize),
}

/// A format that is known by its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    name: &'static str,
    title: &'static str,
    shape: Shape,
}

const fn stacks(name: &'static str, title: &'static str, opcode: u8) -> Named {
    Named { name, title, shape: Shape::StacksOperation(opcode) }
}

/// All of them.
pub(crate) const ALL: [Named; 10] = [
    stacks("stacks_key_register", "registration of a miner's key on Stacks", b'^'),
    stacks("stacks_stack", "locking of coins on Stacks", b'x'),
    stacks("stacks_pre", "announcement of an operation on Stacks", b'p'),
    stacks("stacks_transfer", "transfer on Stacks", b'$'),
    stacks("stacks_delegate", "delegation on Stacks", b'#'),
    stacks("stacks_aggregate_key_vote", "vote for the signers' aggregate key on Stacks", b'v'),
    Named { name: "exsat", title: "mark of exSat", shape: Shape::InCoinbase(b"EXSAT", 0, usize::MAX) },
    Named { name: "hathor", title: "merged mining of Hathor", shape: Shape::InCoinbase(b"Hath", 32, 32) },
    Named { name: "syscoin", title: "merged mining of Syscoin", shape: Shape::InCoinbase(b"sys", 36, 36) },
    Named { name: "ocean", title: "mark of the pool Ocean", shape: Shape::InCoinbase(b"OCB1", 16, 16) },
];

impl MarkFormat for Named {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "that the data begin as such marks do",
            may_not: "what they say, as the rest is not read; anybody can write such a beginning",
        }
    }

    fn certainty(&self) -> Certainty {
        Certainty::Named
    }

    fn first_bytes(&self) -> Vec<u8> {
        match self.shape {
            Shape::StacksOperation(_) => NETWORKS.iter().map(|network| network[0]).collect(),
            Shape::InCoinbase(magic, ..) => magic.first().copied().into_iter().collect(),
        }
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        match self.shape {
            Shape::StacksOperation(opcode) => {
                let rest = NETWORKS.iter().find_map(|network| data.strip_prefix(network));
                place.is_other_output() && rest.and_then(<[u8]>::first) == Some(&opcode)
            }
            Shape::InCoinbase(magic, least, most) => {
                let rest = data.strip_prefix(magic).map(<[u8]>::len);
                place.is_coinbase_output() && rest.is_some_and(|rest| (least..=most).contains(&rest))
            }
        }
    }
}
