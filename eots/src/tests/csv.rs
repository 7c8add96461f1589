//! Vectors that others publish as comma-separated values.

use std::fs;
use std::path::Path;

/// The rows of a file in `tests/vectors` without its heading, and without rows that only comment. No field
/// has a comma but the last.
pub(super) fn rows<const N: usize>(path: &str) -> Vec<[String; N]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .skip(1)
        .filter(|line| !line.starts_with(','))
        .map(|line| {
            let fields: Vec<String> = line.splitn(N, ',').map(str::to_owned).collect();
            fields.try_into().unwrap_or_else(|_| panic!("{line}"))
        })
        .collect()
}

pub(super) fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

pub(super) fn expected(text: &str) -> bool {
    match text {
        "TRUE" => true,
        "FALSE" => false,
        other => panic!("{other}"),
    }
}
