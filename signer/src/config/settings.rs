//! The settings that there are: what is read, what is refused as unknown, what the environment may override,
//! and what the documentation shows.

/// The prefix of variables that override settings.
pub(super) const PREFIX: &str = "BTCSTAKE_SIGNER_";

/// How often a table may occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurs {
    /// Once at most: `[store]`.
    Once,
    /// Any number of times: `[[key]]`, or an array of tables inside one.
    Often,
    /// Once in each table that it is part of.
    Inside,
}

/// A table.
#[derive(Debug)]
pub(super) struct TableKind {
    pub(super) name: &'static str,
    pub(super) occurs: Occurs,
    pub(super) meaning: &'static str,
}

/// What the value of a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Path,
    /// A path, or `credential:NAME`.
    PrivatePath,
    Boolean,
    Integer {
        least: u64,
        most: u64,
    },
    Texts,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// As it is written in TOML; a word for a default that depends on others.
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

const fn table(name: &'static str, occurs: Occurs, meaning: &'static str) -> TableKind {
    TableKind { name, occurs, meaning }
}

const fn setting(
    table: &'static str,
    key: &'static str,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { table, key, kind, default, meaning }
}

const fn from_one(most: u64) -> Kind {
    Kind::Integer { least: 1, most }
}

/// A setting without a default that must be there.
const MUST: &str = "required";
/// A setting without a default that may be absent.
const MAY: &str = "–";

/// Every table.
#[rustfmt::skip]
pub(super) const TABLES: &[TableKind] = &[
    table("store", Occurs::Once, "The signing database."),
    table("keystore", Occurs::Once, "The folder of keys."),
    table("listen", Occurs::Once, "Where the daemon listens. Beyond loopback every client must be authenticated."),
    table("listen.tls", Occurs::Once, "TLS of the gRPC interface; without this table it is plaintext."),
    table("limits", Occurs::Once, "Bounds of what clients may cost."),
    table("log", Occurs::Once, "What is logged."),
    table("key", Occurs::Often, "A key of the keystore that is signed with; at least one."),
    table("chain", Occurs::Often, "A chain that is signed for; at least one. Each key signs for each chain."),
    table("chain.consumer", Occurs::Inside, "A consumer chain: where its commitments and votes are verified. Without it the chain is Babylon Genesis."),
    table("chain.node", Occurs::Inside, "The chain's own node, which says what is voted for: then votes for nothing else are signed, and none above its last block, in place of `most_above`."),
    table("chain.highest_votes", Occurs::Often, "The highest vote of a key that was seen on the chain: a signing database that knows of none as high stops the start."),
    table("client", Occurs::Often, "Who may ask, and for what; at least one. Each of a client's secrets and certificates alone says that it is this client."),
];

/// Every setting that is no table.
#[rustfmt::skip]
pub(super) const SETTINGS: &[Setting] = &[
    setting("store", "kind", Kind::Text, "\"sqlite\"", "`sqlite` in a file, or `postgres` on a server."),
    setting("store", "database", Kind::Path, "\"signing.db\"", "`sqlite`: the file."),
    setting("store", "guard", Kind::Path, "beside the database", "The guard against old copies of the database; put it on another disk. `postgres`: required, what this host remembers."),
    setting("store", "connection_file", Kind::PrivatePath, MAY, "`postgres`: required, a private file with the connection string."),
    setting("store", "shared", Kind::Boolean, "false", "`postgres`: whether other signers use the database at the same time."),
    setting("keystore", "folder", Kind::Path, "\"keys\"", "The folder, with mode 0700."),
    setting("listen", "grpc", Kind::Text, "\"127.0.0.1:12582\"", "The gRPC interface: IP address and port."),
    setting("listen", "metrics", Kind::Text, "\"127.0.0.1:2113\"", "`/metrics` and `/health` over HTTP: IP address and port, or `off`."),
    setting("listen", "metrics_beyond_loopback", Kind::Boolean, "false", "Whether they may be where others than this host reach them. They are never authenticated, and show public keys, heights and client names."),
    setting("listen.tls", "certificate", Kind::Path, MUST, "The server's certificate chain (PEM). Read again when it changes."),
    setting("listen.tls", "secret_key", Kind::PrivatePath, MUST, "Its secret key (PEM), a private file. Read again when it changes."),
    setting("listen.tls", "client_authorities", Kind::Path, MAY, "Certificates (PEM) of the authorities that sign clients' certificates: mutual TLS. Read again when it changes."),
    setting("limits", "randomness_outstanding", from_one(100_000_000), "1000000", "Heights whose randomness is being listed for one client at one time, until it has the answer."),
    setting("limits", "requests_per_second", from_one(1_000_000), "200", "Requests of one client, unless it has its own limit."),
    setting("limits", "connections", from_one(65_535), "256", "Connections at one time."),
    setting("log", "format", Kind::Text, "\"text\"", "`text`, or `json`: one object in a line."),
    setting("log", "level", Kind::Text, "\"info\"", "`error`, `warn`, `info`, `debug` or `trace`."),
    setting("key", "name", Kind::Text, MUST, "Its name in the keystore."),
    setting("key", "passphrase_credential", Kind::Text, MAY, "Unlocks it at start with a systemd credential of this name."),
    setting("key", "passphrase_file", Kind::Path, MAY, "Unlocks it at start with a private file. Without either it is locked until it is unlocked over the interface."),
    setting("chain", "chain_id", Kind::Text, MUST, "Its id, `bbn-1` for Babylon Genesis."),
    setting("chain", "committed_only", Kind::Boolean, "true", "Whether votes are signed for committed heights alone. `false` is dangerous: chosen messages combine into signatures over others."),
    setting("chain", "most_above", from_one(u64::MAX), "20000", "How far above the highest height, or the first committed one, a vote may be."),
    setting("chain", "votes_per_minute", from_one(1_000_000), "600", "Votes of one key on this chain, over time."),
    setting("chain", "votes_at_once", from_one(10_000), "1000", "Votes of one key on this chain at once, and the longest batch. About 256 are enough to combine into a signature over something else: fewer are safer where there is no node."),
    setting("chain", "sign_any_message", Kind::Boolean, "false", "Whether `SignEOTS` signs what is no vote. `true` is dangerous, and logged at start."),
    setting("chain.consumer", "verifying_chain_id", Kind::Text, MUST, "The chain whose module or contract verifies: itself, or Babylon Genesis for a rollup."),
    setting("chain.consumer", "address", Kind::Text, MUST, "The address of the module or contract."),
    setting("chain.node", "kind", Kind::Text, "\"cometbft\"", "`cometbft`: votes are for the AppHash in the block's header, as on Babylon Genesis; or `evm`: for the block's hash, as on rollups."),
    setting("chain.node", "url", Kind::Text, MUST, "Its RPC, such as `http://127.0.0.1:26657`. In plaintext beyond loopback, whoever is on the way can answer in its place: a warning."),
    setting("chain.highest_votes", "key", Kind::Text, MUST, "A key above."),
    setting("chain.highest_votes", "height", Kind::Integer { least: 0, most: u64::MAX }, MUST, "The height of its highest vote."),
    setting("client", "name", Kind::Text, MUST, "Its name in metrics and logs: up to 50 letters, digits, `-`, `_` and `.`; not `other`."),
    setting("client", "hmac_secret_file", Kind::PrivatePath, MAY, "Secrets of the reference's scheme (`x-fpd-hmac`), a private file: one in a line."),
    setting("client", "auth_secret_file", Kind::PrivatePath, MAY, "Secrets of the bound scheme (`x-btcstake-auth`), a private file: one in a line, of 32 bytes or more."),
    setting("client", "certificate_file", Kind::Path, MAY, "The client's certificates (PEM), for mutual TLS."),
    setting("client", "unauthenticated", Kind::Boolean, "false", "Whether this is whoever comes without a secret or certificate; one client at most, on loopback alone."),
    setting("client", "keys", Kind::Texts, "all", "The keys it may use."),
    setting("client", "chains", Kind::Texts, "all", "The chains it may sign for."),
    setting("client", "operations", Kind::Texts, "see above", "What it may ask for."),
    setting("client", "requests_per_second", from_one(1_000_000), "that of `limits`", "Its requests."),
];

/// Returns the setting of a key.
pub(super) fn find(table: &str, key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.table == table && setting.key == key)
}

/// Returns the name of a table inside another; the file as a whole is "".
pub(super) fn inside(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// Returns the keys that a table may have, tables inside it among them.
pub(super) fn known_keys(table: &str) -> Vec<&'static str> {
    let tables = TABLES.iter().filter_map(|kind| match kind.name.rsplit_once('.') {
        Some((outer, name)) => (outer == table).then_some(name),
        None => table.is_empty().then_some(kind.name),
    });
    SETTINGS
        .iter()
        .filter(|setting| setting.table == table)
        .map(|setting| setting.key)
        .chain(tables)
        .collect()
}

impl Setting {
    /// Returns the variable that overrides it; `None` where the environment may not.
    pub(super) fn variable(&self) -> Option<String> {
        let once = TABLES.iter().any(|kind| kind.name == self.table && kind.occurs == Occurs::Once);
        (once && self.kind != Kind::Texts).then(|| format!("{}{}", table_prefix(self.table), upper(self.key)))
    }
}

/// Returns what the names of a table's variables begin with.
pub(super) fn table_prefix(table: &str) -> String {
    format!("{PREFIX}{}_", upper(table))
}

fn upper(name: &str) -> String {
    name.replace('.', "_").to_ascii_uppercase()
}

/// Returns the settings as tables in Markdown.
pub(super) fn reference() -> String {
    let mut text = String::new();
    for TableKind { name, occurs, meaning } in TABLES {
        let shown = match (*occurs, name.rsplit_once('.')) {
            (Occurs::Often, None) => format!("`[[{name}]]`"),
            (Occurs::Once, _) => format!("`[{name}]`"),
            (Occurs::Often, Some((outer, key))) => format!("`{key} = [{{ … }}]` of `[[{outer}]]`"),
            (Occurs::Inside, Some((outer, key))) => format!("`{key} = {{ … }}` of `[[{outer}]]`"),
            (Occurs::Inside, None) => format!("`{name}`"),
        };
        text.push_str(&format!(
            "### {shown}\n\n{meaning}\n\n| key | value | default | meaning |\n|---|---|---|---|\n"
        ));
        for setting in SETTINGS.iter().filter(|setting| setting.table == *name) {
            let value = match setting.kind {
                Kind::Text => "text".to_owned(),
                Kind::Path => "path".to_owned(),
                Kind::PrivatePath => "path, or `credential:NAME`".to_owned(),
                Kind::Boolean => "`true` or `false`".to_owned(),
                Kind::Integer { least, most: u64::MAX } => format!("integer from {least} on"),
                Kind::Integer { least, most } => format!("integer from {least} to {most}"),
                Kind::Texts => "array of texts".to_owned(),
            };
            let default = match setting.default {
                MUST | MAY => setting.default.to_owned(),
                words if words.contains(' ') || words == "all" => words.to_owned(),
                toml => format!("`{toml}`"),
            };
            text.push_str(&format!("| `{}` | {value} | {default} | {} |\n", setting.key, setting.meaning));
        }
        text.push('\n');
    }
    text
}
