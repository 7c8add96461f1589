//! The scripts, with a note on every line.

use bitcoin::hashes::Hash;
use bitcoin::opcodes::Opcode;
use bitcoin::opcodes::all as op;
use bitcoin::script::{Instruction, read_scriptint};
use bitcoin::taproot::TapNodeHash;
use bitcoin::{Network, XOnlyPublicKey};
use maud::{Markup, html};
use staking_scripts::SpendPath;
use staking_scripts::outputs::{Leaf, LeafKeys, TaprootOutput};

use super::super::record::{Background, Locked, Role};
use super::text::{fact, long};
use super::who::{chip, demand};

/// Returns the id of the element with an output's scripts: `script-` and the start of its output key.
pub(super) fn id(output: &TaprootOutput) -> String {
    let root: String = output.script_pubkey().to_hex_string().chars().skip(4).take(12).collect();
    format!("script-{root}")
}

/// Draws the scripts of an output: its address, its tree, and its leaves. The slashing leaf lies open if
/// `open`, and the others are folded.
pub(super) fn section(locked: &Locked, open: bool, background: &Background) -> Markup {
    let output = &locked.taproot;
    html! {
        section.scripts id=(id(output)) {
            h3 { (super::sentence(locked.name)) }
            dl.facts {
                (fact("address", &long(output.address(Network::Regtest))))
                (fact("script_pubkey", &long(output.script_pubkey().to_hex_string())))
                (fact("internal key", &html! {
                    (long(output.internal_key())) " "
                    span.soft { "NUMS: nobody has its secret key, so there is no key path (BIP-341)" }
                }))
                @if let Some(root) = output.merkle_root() { (fact("merkle root", &long(root))) }
            }
            details { summary { "Its descriptor" } p { (long(output.descriptor())) } }
            @for leaf in output.leaves() {
                (self::leaf(leaf, output, open && leaf.keys.path() == SpendPath::Slashing, background))
            }
        }
    }
}

/// Draws a leaf: its script, disassembled, and its control block.
fn leaf(leaf: &Leaf, output: &TaprootOutput, open: bool, background: &Background) -> Markup {
    html! {
        details class={ "leaf " (leaf.keys.path()) } open=[open.then_some("open")] {
            summary {
                h4 { b.path { (leaf.keys.path()) " path" } }
                span.soft { (demand(&leaf.keys)) }
            }
            ol.asm {
                @for Line { code, pushed, who, note } in lines(leaf, background) {
                    li {
                        span.code { code { (code) } @if let Some(pushed) = pushed { " " (long(pushed)) } }
                        span.remark { @if let Some(role) = who { (chip(role)) " " } (note) }
                    }
                }
            }
            dl.facts {
                (fact("script", &long(leaf.script.to_hex_string())))
                (fact("leaf hash", &long(leaf.hash())))
            }
            h5 { "Control block, which proves that the leaf is in the output" }
            (control_block(leaf, output))
        }
    }
}

/// Draws a control block in its parts (BIP-341).
fn control_block(leaf: &Leaf, output: &TaprootOutput) -> Markup {
    let block = &leaf.control_block;
    let first = block.serialize().first().map(|byte| format!("{byte:02x}")).unwrap_or_default();
    let parity = if block.output_key_parity == bitcoin::secp256k1::Parity::Even { "even" } else { "odd" };
    let sibling = |hash: &TapNodeHash| {
        let known = output.leaves().find(|other| other.hash().to_byte_array() == hash.to_byte_array());
        known.map_or_else(
            || "the hash of the branch with the two other leaves".to_owned(),
            |other| format!("the hash of the {} leaf beside it", other.keys.path()),
        )
    };
    html! {
        ol.asm {
            li { span.code { code { (first) } } span.remark { "leaf version c0, and the output key's y is " (parity) } }
            li { span.code { (long(block.internal_key)) } span.remark { "the internal key" } }
            @for hash in block.merkle_branch.as_slice() {
                li { span.code { (long(hash)) } span.remark { (sibling(hash)) } }
            }
        }
    }
}

/// One line of a disassembled script.
struct Line {
    code: String,
    pushed: Option<String>,
    who: Option<Role>,
    note: String,
}

/// Returns the lines of a script, disassembled from its bytes. An operation that no script of the protocol
/// has is without a note.
fn lines(leaf: &Leaf, background: &Background) -> Vec<Line> {
    let instructions: Vec<_> = leaf.script.instructions().filter_map(Result::ok).collect();
    let mut last = None;
    let mut lines = Vec::new();
    for (place, instruction) in instructions.iter().enumerate() {
        let next = instructions.get(place.saturating_add(1)).and_then(|next| match next {
            Instruction::Op(op) => Some(*op),
            Instruction::PushBytes(_) => None,
        });
        let line = match instruction {
            Instruction::PushBytes(bytes) => match XOnlyPublicKey::from_slice(bytes.as_bytes()) {
                Ok(key) => {
                    last = Some(key);
                    let note = format!("the key of {}", background.name(&key));
                    Line {
                        code: push(bytes.len()),
                        pushed: Some(key.to_string()),
                        who: background.role(&key),
                        note,
                    }
                }
                Err(_) => {
                    let note = number(read_scriptint(bytes.as_bytes()).unwrap_or_default(), next, &leaf.keys);
                    Line {
                        code: push(bytes.len()),
                        pushed: Some(hex::encode(bytes.as_bytes())),
                        who: None,
                        note,
                    }
                }
            },
            Instruction::Op(code) => {
                let note = match instruction.script_num() {
                    Some(value) => number(value, next, &leaf.keys),
                    None => operation(
                        *code,
                        last.map(|key| background.name(&key)),
                        place.saturating_add(1) == instructions.len(),
                    ),
                };
                Line { code: code.to_string(), pushed: None, who: None, note }
            }
        };
        lines.push(line);
    }
    lines
}

/// Returns the name of the opcode that pushes so many bytes.
fn push(bytes: usize) -> String {
    format!("OP_PUSHBYTES_{bytes}")
}

/// Returns what a number is for, by the operation after it.
fn number(value: i64, next: Option<Opcode>, keys: &LeafKeys) -> String {
    let (members, _) = keys.covenant();
    match next {
        Some(op::OP_CSV) => format!("the timelock: {value} blocks (numbers have their lowest byte first)"),
        Some(op::OP_NUMEQUAL) => format!("the quorum: {value} of {} covenant members", members.len()),
        Some(op::OP_NUMEQUALVERIFY) => {
            format!("{value} of {} finality providers", keys.finality_providers().len())
        }
        _ => value.to_string(),
    }
}

/// Returns what an operation does in a script of the protocol; `whose` is the key before it, and `is_last` is
/// whether the script ends with it.
fn operation(code: Opcode, whose: Option<String>, is_last: bool) -> String {
    let whose = whose.unwrap_or_else(|| "the key above".to_owned());
    match code {
        op::OP_CHECKSIGVERIFY => format!("without a signature of {whose} the script fails here"),
        op::OP_CHECKSIG if is_last => format!("true if {whose} has signed"),
        op::OP_CHECKSIG => format!("starts the count: 1 if {whose} has signed, 0 if its element is empty"),
        op::OP_CHECKSIGADD => format!("counts one more if {whose} has signed"),
        op::OP_NUMEQUAL => "true if exactly so many have signed: one more fails as one less does".to_owned(),
        op::OP_NUMEQUALVERIFY => "if another number of finality providers has signed, the script fails here".to_owned(),
        op::OP_CSV => {
            "fails until the output is so many blocks old, which the input's nSequence must say (BIP-68, BIP-112)"
                .to_owned()
        }
        _ => String::new(),
    }
}
