//! The daemon's configuration, and the variables that override it: whatever they say, it is valid or has
//! problems, and what is wrong alone is named beside whatever else is wrong.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use signer::config::{ConfigError, Configuration};

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Any(Vec<u8>),
    /// The example with lines changed, by their numbers, and variables, by theirs.
    Changed { changes: Vec<(u8, Change)>, variables: Vec<(u8, Value)>, others: Vec<(String, String)> },
}

#[derive(Arbitrary, Debug, Clone)]
enum Change {
    /// The line is left out.
    Drop,
    /// The line is there, also where the example has it as a comment.
    Take,
    /// The setting of the line has this value.
    Set(Value),
    /// Whatever is on the line.
    Write(String),
}

#[derive(Arbitrary, Debug, Clone)]
enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Texts(Vec<String>),
    /// A word that some setting has.
    Word(u8),
    Raw(String),
}

const WORDS: [&str; 12] = [
    "sqlite",
    "postgres",
    "off",
    "json",
    "trace",
    "true",
    "alice",
    "bbn-1",
    "[::1]:0",
    "127.0.0.1:0",
    "0.0.0.0:1",
    "credential:fpd",
];

/// Settings that no other one has a say in.
const INDEPENDENT: [&str; 11] = [
    "randomness_outstanding",
    "requests_per_second",
    "connections",
    "format",
    "level",
    "committed_only",
    "most_above",
    "votes_per_minute",
    "votes_at_once",
    "sign_any_message",
    "metrics_beyond_loopback",
];
const INDEPENDENT_VARIABLES: [&str; 5] = [
    "BTCSTAKE_SIGNER_LIMITS_RANDOMNESS_OUTSTANDING",
    "BTCSTAKE_SIGNER_LIMITS_REQUESTS_PER_SECOND",
    "BTCSTAKE_SIGNER_LIMITS_CONNECTIONS",
    "BTCSTAKE_SIGNER_LOG_FORMAT",
    "BTCSTAKE_SIGNER_LOG_LEVEL",
];

/// The example's lines: as it has them, and as settings or tables without the comment.
static LINES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let lines = Configuration::example().lines();
    let settings = lines.filter(|line| line.contains(" = ") || line.ends_with(']'));
    settings.map(|line| (line.to_owned(), line.trim_start_matches("# ").to_owned())).collect()
});

/// The variables that there are: a table that occurs once, and its keys.
static VARIABLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let (mut variables, mut table) = (Vec::new(), None);
    let reference = Configuration::reference();
    for line in reference.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            let name = heading.strip_prefix("`[").and_then(|rest| rest.strip_suffix("]`"));
            table = name.filter(|name| !name.starts_with('['));
        } else if let (Some(table), Some(row)) = (table, line.strip_prefix("| `")) {
            let key = row.split('`').next().unwrap_or_default();
            variables.push(format!("BTCSTAKE_SIGNER_{table}_{key}").replace('.', "_").to_ascii_uppercase());
        }
    }
    assert!(INDEPENDENT_VARIABLES.iter().all(|name| variables.iter().any(|variable| variable == name)));
    variables
});

/// A folder with what the example names, in memory where there is such a place.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = folder.join(format!("btcstake-fuzz-configuration-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for name in ["fpd.hmac", "fpd.secret", "alice.passphrase", "postgres.conn"] {
        let path = folder.join(name);
        fs::write(&path, "thirty-two characters, and longer").expect("a file");
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    }
    folder
});

impl Value {
    /// As TOML has it.
    fn written(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::Texts(texts) => {
                format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
            }
            Self::Word(number) => quoted(word(*number)),
            Self::Raw(text) => text.clone(),
        }
    }

    /// As a variable has it.
    fn bare(&self) -> String {
        match self {
            Self::Text(text) | Self::Raw(text) => text.clone(),
            Self::Word(number) => word(*number).to_owned(),
            other => other.written(),
        }
    }
}

fn word(number: u8) -> &'static str {
    WORDS[usize::from(number) % WORDS.len()]
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// The example with its lines changed.
fn document(changes: &[(u8, Change)]) -> String {
    let mut lines: Vec<String> = LINES.iter().map(|(line, _)| line.clone()).collect();
    for (number, change) in changes {
        let number = usize::from(*number) % lines.len();
        let bare = &LINES[number].1;
        lines[number] = match change {
            Change::Drop => String::new(),
            Change::Take => bare.clone(),
            Change::Set(value) => {
                format!("{} = {}", bare.split(" = ").next().unwrap_or_default(), value.written())
            }
            Change::Write(text) => text.clone(),
        };
    }
    lines.join("\n")
}

type Variables = Vec<(OsString, OsString)>;

/// Loads it both ways, and returns the problems of its text.
fn problems(bytes: &[u8], variables: &Variables) -> BTreeSet<String> {
    let path = FOLDER.join("signer.toml");
    fs::write(&path, bytes).expect("a file");
    let of_text = Configuration::load_without_files(&path, variables.clone());
    let of_all = Configuration::load(&path, variables.clone());
    let count = |loaded: &Result<Configuration, ConfigError>| match loaded {
        Ok(_) => 0,
        Err(ConfigError::Invalid { problems, .. }) => {
            assert!((1..=200).contains(&problems.len()));
            problems.len()
        }
        Err(error) => {
            assert!(std::str::from_utf8(bytes).is_err(), "{error}");
            201
        }
    };
    // Files can only be wrong beside the text.
    assert!(count(&of_all) >= count(&of_text), "{of_text:?}\n{of_all:?}");
    match of_text {
        Ok(read) => {
            assert!(!read.keys.is_empty() && !read.chains.is_empty() && !read.clients.is_empty());
            assert_eq!(Configuration::load_without_files(&path, variables.clone()).ok(), Some(read));
            BTreeSet::new()
        }
        Err(ConfigError::Invalid { problems, .. }) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(
                problems.iter().all(|problem| problem.line.is_none_or(|line| (1..=lines).contains(&line)))
            );
            problems.iter().map(ToString::to_string).collect()
        }
        Err(error) => BTreeSet::from([error.to_string()]),
    }
}

/// Whether a change is of a setting that stands alone, and is TOML.
fn is_independent((number, change): &(u8, Change)) -> bool {
    let bare = &LINES[usize::from(*number) % LINES.len()].1;
    let key = bare.split(" = ").next().unwrap_or_default();
    INDEPENDENT.contains(&key) && matches!(change, Change::Set(value) if !matches!(value, Value::Raw(_)))
}

fuzz_target!(|input: Input| {
    let (changes, variables, others) = match input {
        Input::Any(bytes) => {
            problems(&bytes, &Vec::new());
            return;
        }
        Input::Changed { changes, variables, others } => (changes, variables, others),
    };
    let named = |(number, value): &(u8, Value)| {
        let name = &VARIABLES[usize::from(*number) % VARIABLES.len()];
        (name.into(), value.bare().into())
    };
    let mut all: Variables = variables.iter().map(named).collect();
    all.extend(
        others.into_iter().map(|(name, value)| (format!("BTCSTAKE_SIGNER_{name}").into(), value.into())),
    );
    problems(document(&changes).as_bytes(), &all);

    // The last change of a line is the one that counts.
    let mut lines = BTreeSet::new();
    let alone = changes.iter().rev().filter(|one| is_independent(one));
    let alone: Vec<_> = alone
        .filter(|(number, _)| lines.insert(usize::from(*number) % LINES.len()))
        .take(6)
        .cloned()
        .collect();
    let together = problems(document(&alone).as_bytes(), &Vec::new());
    for one in &alone {
        let found = problems(document(std::slice::from_ref(one)).as_bytes(), &Vec::new());
        assert!(found.is_subset(&together), "{one:?}: {found:?} is not all in {together:?}");
    }
    let mut names = BTreeSet::new();
    let alone = all.iter().filter(|(name, _)| INDEPENDENT_VARIABLES.iter().any(|known| known == name));
    let alone: Variables = alone.filter(|(name, _)| names.insert(name.clone())).cloned().collect();
    let good = document(&[]);
    let together = problems(good.as_bytes(), &alone);
    for one in &alone {
        let found = problems(good.as_bytes(), &vec![one.clone()]);
        assert!(found.is_subset(&together), "{one:?}: {found:?} is not all in {together:?}");
    }
});
