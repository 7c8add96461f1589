//! The store in PostgreSQL, on a real server: who may open it, and what it refuses.

mod copies;
mod faults;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};

use super::conformance::suite;
use super::{Provider, ask, height, is_new, refusal};
use crate::protection::{
    ChangeKind, FirstHeight, LaneChange, Outcome, PostgresConnection, PostgresError, PostgresMode,
    PostgresOptions, PostgresStore, Refusal, Store as _, StoreError, Verdict, VoteRequest,
};
use crate::testing::PostgresServer;

/// A database with a store on which a provider is registered from height 10 on.
struct Place {
    server: Arc<PostgresServer>,
    database: String,
    folder: TempDir,
    provider: Arc<Provider>,
}

/// Makes a database of its own on the shared server, or says that the test is skipped.
fn database(test: &str) -> Option<Place> {
    let server = PostgresServer::shared(test).unwrap()?;
    Some(database_on(server))
}

fn database_on(server: Arc<PostgresServer>) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let database = format!("signer{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.create(&database).unwrap();
    Place { server, database, folder: tempdir().unwrap(), provider: Provider::new(1, b"bbn-1") }
}

fn place(test: &str) -> Option<Place> {
    let place = database(test)?;
    place.initialise(10);
    Some(place)
}

impl Place {
    fn guard(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The options of a host, which a name tells from others.
    fn options(&self, host: &str, mode: PostgresMode) -> PostgresOptions {
        let connection = self.server.connection(&self.database).parse().unwrap();
        let timeout = Duration::from_secs(30);
        PostgresOptions { mode, timeout, ..PostgresOptions::new(connection, self.guard(host)) }
    }

    fn exclusive(&self) -> PostgresOptions {
        self.options("guard", PostgresMode::Exclusive)
    }

    /// Options with little patience.
    fn hasty(&self, host: &str, mode: PostgresMode, limit: Duration) -> PostgresOptions {
        PostgresOptions { timeout: limit, ..self.options(host, mode) }
    }

    fn first(&self, from: u64) -> FirstHeight {
        FirstHeight { lane: (*self.provider.lane).clone(), height: height(from) }
    }

    fn initialise(&self, from: u64) {
        drop(PostgresStore::initialise(&self.exclusive(), &[self.first(from)]).unwrap());
    }

    fn open(&self) -> Result<PostgresStore, PostgresError> {
        PostgresStore::open(&self.exclusive())
    }

    /// A further host, which knows what the first one does.
    fn copy_guard(&self, host: &str) {
        std::fs::copy(self.guard("guard"), self.guard(host)).unwrap();
    }

    fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.database, &format!("SET search_path = btcstake_signer; {sql}")).unwrap()
    }

    /// Changes a setting of the whole server, and waits until a new session has it.
    fn set(&self, change: &str, name: &str, value: &str) {
        let run = |sql: &str| self.server.sql(&self.database, sql).unwrap();
        run(&format!("ALTER SYSTEM {change}"));
        run("SELECT pg_reload_conf()");
        self.wait_for(&format!("SELECT 1 WHERE current_setting('{name}') = '{value}'"));
    }

    /// Ends the sessions of the signers.
    fn kill(&self) {
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'btcstake-signer' AND datname = current_database()",
        );
    }

    /// Waits until a query returns something.
    fn wait_for(&self, sql: &str) -> String {
        let start = Instant::now();
        loop {
            let found = self.sql(sql);
            if !found.is_empty() {
                return found;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "nothing of {sql}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn request(&self, at: u64, message: &[u8]) -> Vec<VoteRequest> {
        vec![self.provider.request(at, message)]
    }

    fn sign(&self, heights: std::ops::Range<u64>) {
        let store = self.open().unwrap();
        for at in heights {
            assert!(is_new(&ask(&store, &self.provider, at, b"a")));
        }
    }
}

/// The error with all its causes, as a line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn postgres_store_conforms() {
    let Some(place) = database("postgres_store_conforms") else { return };
    for mode in [PostgresMode::Exclusive, PostgresMode::Shared] {
        suite(&|name| {
            let schema = format!("{mode:?}_{name}").to_lowercase().replace('-', "_");
            let options = PostgresOptions { schema: schema.clone(), ..place.options(&schema, mode) };
            Box::new(PostgresStore::initialise(&options, &[]).unwrap())
        });
    }
}

#[test]
fn interchange_vectors_hold() {
    let Some(place) = database("interchange_vectors_hold") else { return };
    crate::interchange::tests::vectors::run(&|name| {
        let schema = name.replace('-', "_");
        let options = place.options(&schema, PostgresMode::Exclusive);
        let options = PostgresOptions { schema, ..options };
        Box::new(PostgresStore::initialise(&options, &[]).unwrap())
    });
}

#[test]
fn connection_that_could_be_overheard_is_refused() {
    let read = |text: &str| text.parse::<PostgresConnection>();
    for text in [
        "host=/run/postgresql user=signer dbname=signer password=hunter2",
        "host=127.0.0.1 user=signer",
        "host=::1 port=5433 user=signer sslmode=disable",
        "postgresql://signer:hunter2@localhost/signer",
        "host=db.example.org hostaddr=127.0.0.1 user=signer",
    ] {
        let shown = format!("{:?}", read(text).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    for text in
        ["host=db.example.org user=signer", "host=127.0.0.1,10.0.0.2", "host=localhost hostaddr=10.0.0.2"]
    {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("must be the folder of a Unix socket or a loopback address"), "{error}");
    }
    assert!(matches!(read("host=localhost sslmode=require"), Err(PostgresError::NoTls)));
    assert!(matches!(read("user=signer"), Err(PostgresError::NoHost)));
    // What cannot be read may be a piece of the password.
    for text in ["host=localhost password=my hunter2=x", "password='hunter2", "hunter2", "port=hunter2"] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, PostgresError::ConnectionString), "{error}");
        assert!(!format!("{error:?} {}", chain(&error)).contains("hunter2"));
    }
    let folder = tempdir().unwrap();
    let file = folder.path().join("connection");
    std::fs::write(&file, "host=/run/postgresql user=signer password=hunter2\n").unwrap();
    assert!(!format!("{:?}", PostgresConnection::read(&file).unwrap()).contains("hunter2"));
    std::fs::write(&file, b"host=\xff").unwrap();
    assert!(matches!(PostgresConnection::read(&file), Err(PostgresError::ConnectionString)));
    let absent = PostgresConnection::read(Path::new("/nowhere/connection")).unwrap_err();
    assert!(matches!(absent, PostgresError::File { .. }), "{absent}");
}

#[test]
fn schema_name_is_plain() {
    let connection: PostgresConnection = "host=/nowhere user=signer".parse().unwrap();
    let folder = tempdir().unwrap();
    let options = PostgresOptions::new(connection, folder.path().join("guard"));
    for name in ["", "Signer", "a b", "a;drop", "1a", "pg_signer", &"a".repeat(64), "\u{e9}t\u{e9}"] {
        let options = PostgresOptions { schema: name.to_owned(), ..options.clone() };
        let refused = PostgresStore::open(&options).unwrap_err();
        assert!(matches!(refused, PostgresError::SchemaName(_)), "{refused}");
    }
    let refused = PostgresStore::open(&options).unwrap_err();
    assert!(matches!(refused, PostgresError::Connect(_)), "{refused}");
}

#[test]
fn second_signer_is_kept_out_unless_both_share() {
    let Some(place) = place("second_signer_is_kept_out_unless_both_share") else { return };
    place.copy_guard("other");
    let (exclusive, shared) = (PostgresMode::Exclusive, PostgresMode::Shared);
    let hasty = |mode| PostgresStore::open(&place.hasty("other", mode, Duration::from_secs(2)));
    let store = place.open().unwrap();
    for mode in [exclusive, shared] {
        assert!(matches!(hasty(mode), Err(PostgresError::InUse)), "{mode:?}");
    }
    assert!(matches!(place.open(), Err(PostgresError::GuardInUse(_))));
    assert!(is_new(&ask(&store, &place.provider, 10, b"a")));
    // Whoever lost its session serves no more before it is alone again.
    drop(store);
    let store = PostgresStore::open(&place.hasty("guard", exclusive, Duration::from_secs(2))).unwrap();
    place.kill();
    place.wait_for(
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = \
                    (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    let other = PostgresStore::open(&place.options("other", exclusive)).unwrap();
    let refused = store.check_and_record(place.request(11, b"a")).unwrap_err();
    assert!(chain(&refused).contains("another signer has this database"), "{}", chain(&refused));
    drop(other);
    assert!(is_new(&ask(&store, &place.provider, 11, b"a")));
    drop(store);
    let first = PostgresStore::open(&place.options("guard", shared)).unwrap();
    let second = PostgresStore::open(&place.options("other", shared)).unwrap();
    assert!(
        is_new(&ask(&first, &place.provider, 12, b"a")) && is_new(&ask(&second, &place.provider, 13, b"a"))
    );
    drop(second);
    assert!(matches!(hasty(exclusive), Err(PostgresError::InUse)));
}

/// Two signers of one key, each with eight callers who want their own message at every height.
#[test]
fn of_two_signers_one_wins_a_height() {
    const HEIGHTS: std::ops::Range<u64> = 10..35;
    let Some(place) = place("of_two_signers_one_wins_a_height") else { return };
    place.copy_guard("other");
    let stores = ["guard", "other"]
        .map(|host| PostgresStore::open(&place.options(host, PostgresMode::Shared)).unwrap());
    let outcomes: Vec<(u64, Vec<u8>, Outcome)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u8)
            .map(|thread| {
                let (store, place) = (&stores[usize::from(thread % 2)], &place);
                scope.spawn(move || {
                    let ask = |at| (at, vec![thread / 2], ask(store, &place.provider, at, &[thread / 2]));
                    HEIGHTS.map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let records = stores[0].records(&place.provider.lane, height(0), 1000).unwrap();
    assert_eq!(records.len(), HEIGHTS.count());
    let mut news = 0;
    for (at, message, outcome) in outcomes {
        let record = records.iter().find(|record| record.height == height(at)).unwrap();
        match outcome {
            // Of each message there is a caller at both signers: one of them is told that it is signed.
            Outcome::Signed(verdict) => {
                assert_eq!((&message, Some(*verdict.signature())), (&record.message, record.signature));
                news += u32::from(matches!(verdict, Verdict::New(_)));
            }
            Outcome::Refused(Refusal::DoubleSign { earlier }) => {
                assert!(message != record.message && earlier == *record);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(usize::try_from(news).unwrap(), records.len());
    assert_eq!(stores[0].generation().unwrap(), stores[1].generation().unwrap());
    // What one of them changes the other obeys.
    let raise = LaneChange { lane: (*place.provider.lane).clone(), kind: ChangeKind::RaiseLow(height(50)) };
    stores[0].change(vec![raise]).unwrap();
    assert!(matches!(refusal(ask(&stores[1], &place.provider, 50, b"x")), Refusal::BelowLowWatermark { .. }));
}

#[test]
fn unsafe_settings_are_overridden_or_refused() {
    let Some(place) = place("unsafe_settings_are_overridden_or_refused") else { return };
    let database = &place.database;
    // The defaults of a role, and what the connection string asks for.
    let role = format!("lax_{database}");
    place.sql(&format!(
        "CREATE ROLE {role} SUPERUSER LOGIN; ALTER ROLE {role} SET synchronous_commit = off; \
         ALTER ROLE {role} SET default_transaction_isolation = 'serializable'"
    ));
    let text = format!("host={} dbname={database} user={role}", place.server.folder().display());
    for text in [text.clone(), format!("{text} options='-c synchronous_commit=off -c search_path=public'")] {
        let options = PostgresOptions { connection: text.parse().unwrap(), ..place.exclusive() };
        let store = PostgresStore::open(&options).unwrap();
        assert_eq!(store.setting("synchronous_commit").unwrap(), "on");
        assert_eq!(store.setting("statement_timeout").unwrap(), "22500ms");
        assert_eq!(store.setting("lock_timeout").unwrap(), "15s");
        // PostgreSQL 13 has neither.
        if store.setting("server_version_num").unwrap().parse::<u32>().unwrap() >= 140_000 {
            assert_eq!(store.setting("client_connection_check_interval").unwrap(), "1s");
            assert_eq!(store.setting("idle_session_timeout").unwrap(), "0");
        }
        let at = store.state(&place.provider.lane).unwrap().highest.unwrap().to_u64() + 1;
        assert!(is_new(&ask(&store, &place.provider, at, b"a")));
    }
    // What is stricter stays.
    place.sql(&format!("ALTER ROLE {role} SET synchronous_commit = remote_apply"));
    let options = PostgresOptions { connection: text.parse().unwrap(), ..place.exclusive() };
    let store = PostgresStore::open(&options).unwrap();
    assert_eq!(store.setting("synchronous_commit").unwrap(), "remote_apply");
    assert!(is_new(&ask(&store, &place.provider, 100, b"a")));
    drop(store);
    place.sql(&format!("ALTER ROLE {role} SET zero_damaged_pages = on"));
    let refused = PostgresStore::open(&options).unwrap_err();
    assert!(matches!(refused, PostgresError::Unsafe { name: "zero_damaged_pages", .. }), "{refused}");
    place.sql(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"));
    assert!(matches!(PostgresStore::open(&options), Err(PostgresError::ReadOnly)));
}

/// What is changed by hand in the tables is named when the store is opened, or when it is read.
#[test]
fn tables_that_were_changed_are_damaged() {
    let Some(place) = place("tables_that_were_changed_are_damaged") else { return };
    place.sign(10..12);
    let dump = place.server.dump(&place.database).unwrap();
    let changes = [
        "ALTER TABLE record SET UNLOGGED",
        "ALTER TABLE record DROP CONSTRAINT record_pkey",
        "ALTER TABLE record ALTER message TYPE text USING encode(message, 'hex')",
        "ALTER TABLE record ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE lane ADD note text",
        "DROP TABLE committed",
        "ALTER TABLE lane RENAME low TO lowest",
        "DELETE FROM store",
        "DELETE FROM migration",
        "ALTER TABLE store DROP CONSTRAINT store_id_check; UPDATE store SET id = '\\x01'",
        "ALTER TABLE store DROP CONSTRAINT store_generation_check; UPDATE store SET generation = -1",
        "ALTER TABLE lane DROP CONSTRAINT lane_low_check; UPDATE lane SET low = '\\x01'",
        "ALTER TABLE lane DROP CONSTRAINT lane_public_key_check; UPDATE lane SET public_key = '\\x0102'",
        "UPDATE lane SET public_key = decode(repeat('ff', 32), 'hex')",
    ];
    for sql in changes {
        place.sql("DROP SCHEMA btcstake_signer CASCADE");
        place.server.restore(&place.database, &dump).unwrap();
        place.sql(sql);
        let error = place.open().unwrap_err();
        assert!(matches!(error, PostgresError::Store(StoreError::Damaged(_))), "{sql}: {}", chain(&error));
    }
    let guard = std::fs::read(place.guard("guard")).unwrap();
    let again = |sql: &str| {
        std::fs::write(place.guard("guard"), &guard).unwrap();
        place.sql("DROP SCHEMA btcstake_signer CASCADE");
        place.server.restore(&place.database, &dump).unwrap();
        place.sql(sql);
        place.open().unwrap()
    };
    let at = "WHERE height = '\\x000000000000000b'";
    for sql in [
        format!(
            "ALTER TABLE record DROP CONSTRAINT record_signature_check; UPDATE record SET signature = '\\x01' {at}"
        ),
        format!("UPDATE record SET signature = decode(repeat('ff', 32), 'hex') {at}"),
    ] {
        let store = again(&sql);
        let error = store.check_and_record(place.request(11, b"a")).unwrap_err();
        assert!(chain(&error).contains("is damaged: a signature is not valid"), "{}", chain(&error));
        assert!(matches!(store.records(&place.provider.lane, height(0), 9), Err(StoreError::Damaged(_))));
        assert!(!is_new(&ask(&store, &place.provider, 10, b"a")), "what is sound is answered");
    }
    // A trigger that drops what is inserted.
    let store = again(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER nothing BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION nothing()",
    );
    let error = chain(&store.check_and_record(place.request(12, b"a")).unwrap_err());
    assert!(error.contains("0 of 1 rows were written"), "{error}");
    drop(store);
    place.sql("INSERT INTO migration (version) VALUES (99)");
    assert!(matches!(place.open(), Err(PostgresError::Later { found: 99, most: 1 })));
}

#[test]
fn chain_id_that_fits_no_index_is_refused() {
    let Some(place) = place("chain_id_that_fits_no_index_is_refused") else { return };
    let store = place.open().unwrap();
    let register = |length| {
        let provider = Provider::new(1, &vec![0xff; length]);
        let kind = ChangeKind::Register(height(0));
        let changed = store.change(vec![LaneChange { lane: (*provider.lane).clone(), kind }]);
        changed.map(|_| provider)
    };
    let error = chain(&register(1025).map(|_| ()).unwrap_err());
    assert!(error.contains("has 1025 bytes; must have at most 1024"), "{error}");
    let provider = register(1024).unwrap();
    assert!(is_new(&ask(&store, &provider, u64::MAX, b"a")));
    assert_eq!(store.lanes().unwrap().len(), 2);
}
