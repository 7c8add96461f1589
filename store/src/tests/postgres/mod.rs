//! The store in PostgreSQL, on a real server: what it opens, and what it refuses.

mod faults;
mod leadership;

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::conformance::suite;
use super::{FIRST, OTHER, SECOND, chain, put, rows};
use crate::testing::PostgresServer;
use crate::{PostgresConnection, PostgresOptions, PostgresStore, Schema, Store, StoreError};

/// A database of its own.
struct Place {
    server: Arc<PostgresServer>,
    database: String,
}

/// Makes a database on the shared server, or says that the test is skipped.
fn place(test: &str) -> Option<Place> {
    Some(Place::on(PostgresServer::shared(test).unwrap()?))
}

impl Place {
    fn on(server: Arc<PostgresServer>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let database = format!("store{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server.create(&database).unwrap();
        Self { server, database }
    }

    fn options(&self, limit: Duration) -> PostgresOptions {
        let connection = self.server.connection(&self.database).parse().unwrap();
        PostgresOptions { timeout: limit, ..PostgresOptions::new(connection) }
    }

    fn try_open(&self, schema: &Schema) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(&self.options(Duration::from_secs(30)), schema)
    }

    fn open(&self) -> PostgresStore {
        self.try_open(&FIRST).unwrap()
    }

    fn refusal(&self, schema: &Schema) -> StoreError {
        self.try_open(schema).map(|_| ()).unwrap_err()
    }

    /// Opens a store that leads.
    fn leader(&self) -> PostgresStore {
        let mut store = self.open();
        self.lead(&mut store);
        store
    }

    /// Waits until a store leads.
    fn lead(&self, store: &mut PostgresStore) {
        let start = Instant::now();
        while !store.try_lead().unwrap() {
            assert!(start.elapsed() < Duration::from_secs(60), "another leads {}", self.database);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.database, &format!("SET search_path = btcstake_test; {sql}")).unwrap()
    }

    /// Runs SQL in a session of its own, at the same time.
    fn session(&self, sql: &str) -> Child {
        let sql = format!("SET search_path = btcstake_test; {sql}");
        let mut psql = self.server.psql(&self.database);
        psql.arg("-c").arg(sql).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Changes a setting of the whole server, and waits until a new session has it.
    fn set(&self, change: &str, name: &str, value: &str) {
        let run = |sql: &str| self.server.sql(&self.database, sql).unwrap();
        run(&format!("ALTER SYSTEM {change}"));
        run("SELECT pg_reload_conf()");
        self.wait_for(&format!("SELECT 1 WHERE current_setting('{name}') = '{value}'"));
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

    /// Ends the sessions of the program, or that of the one that leads.
    fn kill(&self, leader_alone: bool) {
        let which = if leader_alone {
            "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
        } else {
            "application_name = 'btcstake_test'"
        };
        self.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which} AND datname = current_database()"
        ));
    }
}

#[test]
fn postgres_store_conforms() {
    let Some(_) = place("postgres_store_conforms") else { return };
    suite(&|_| {
        let place = place("postgres_store_conforms").unwrap();
        Box::new(move |schema| Ok(Box::new(place.try_open(schema)?)))
    });
}

#[test]
fn connection_that_could_be_overheard_is_refused() {
    let read = |text: &str| text.parse::<PostgresConnection>();
    for text in [
        "host=/run/postgresql user=watch dbname=watch password=hunter2",
        "host=127.0.0.1 user=watch",
        "host=::1 port=5433 user=watch sslmode=disable",
        "postgresql://watch:hunter2@localhost/watch",
        "postgres://watch:hunter2@127.0.0.1:5433/watch?connect_timeout=3",
        "postgresql://watch:hunter2@%2Frun%2Fpostgresql/watch",
        "host=db.example.org hostaddr=127.0.0.1 user=watch",
    ] {
        let options = PostgresOptions::new(read(text).unwrap());
        let shown = format!("{options:?}");
        assert!(!shown.contains("hunter2") && shown.contains("watch"), "{shown}");
    }
    for text in [
        "postgresql://watch:hunter2@db.example.org/watch",
        "postgresql://watch:hunter2@10.0.0.2/watch",
        "postgresql://watch:hunter2@localhost,10.0.0.2/watch",
        "host=db.example.org user=watch",
        "host=localhost hostaddr=10.0.0.2",
        "host=localhost.example.org",
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, StoreError::Plaintext(_)), "{error}");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
    assert!(matches!(read("postgresql://localhost/watch?sslmode=require"), Err(StoreError::NoTls)));
    assert!(matches!(read("user=watch"), Err(StoreError::NoHost)));
    // What cannot be read may be a piece of the password.
    for text in [
        "host=localhost password=my hunter2=x",
        "password='hunter2",
        "hunter2",
        "postgresql://a:hunter2@b:c:d/",
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, StoreError::InvalidConnection), "{error}");
        assert!(!format!("{error:?} {}", chain(&error)).contains("hunter2"));
    }
}

/// Writes a file of a mode.
fn private(file: &Path, content: &[u8], mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, content).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn password_is_read_from_a_private_file() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("password");
    let write = |content: &[u8], mode| private(&file, content, mode);
    let connection = || "postgresql://watch@localhost/watch".parse::<PostgresConnection>().unwrap();
    for (content, password) in [
        ("hunter2\n", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        ("hunter2", "hunter2"),
        (" a b \n\n", " a b \n"),
    ] {
        write(content.as_bytes(), 0o600);
        let connection = connection().with_password_file(&file).unwrap();
        assert_eq!(connection.config.get_password(), Some(password.as_bytes()));
        assert!(!format!("{connection:?}").contains("hunter2"));
    }
    write(b"postgresql://watch:hunter2@localhost/watch\n", 0o400);
    assert_eq!(PostgresConnection::read(&file).unwrap().config.get_password(), Some(b"hunter2".as_slice()));
    write(b"host=\xff", 0o600);
    assert!(matches!(PostgresConnection::read(&file), Err(StoreError::InvalidConnection)));
    for mode in [0o644, 0o640, 0o604, 0o620] {
        write(b"hunter2", mode);
        let refused = connection().with_password_file(&file).unwrap_err();
        assert!(
            matches!(refused, StoreError::OpenToOthers { mode: found, .. } if found == mode),
            "{refused}"
        );
        assert!(matches!(PostgresConnection::read(&file), Err(StoreError::OpenToOthers { .. })));
    }
    let absent = connection().with_password_file(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(absent, StoreError::File { .. }), "{absent}");
}

/// The server asks for a password, which goes nowhere else.
#[test]
fn wrong_password_is_not_repeated() {
    const NAME: &str = "wrong_password_is_not_repeated";
    let Some(server) = PostgresServer::start(NAME, &[]).unwrap() else { return };
    let place = Place::on(Arc::new(server));
    let role =
        "CREATE ROLE watch LOGIN PASSWORD 'the right one'; CREATE SCHEMA btcstake_test AUTHORIZATION watch";
    place.server.sql(&place.database, role).unwrap();
    let rules = "local all postgres trust\nlocal all all scram-sha-256\n";
    std::fs::write(place.server.folder().join("data/pg_hba.conf"), rules).unwrap();
    place.sql("SELECT pg_reload_conf()");
    let text = format!("host={} dbname={} user=watch", place.server.folder().display(), place.database);
    let wrong = format!("{text} password=hunter2");
    // The server may take the new rules late.
    let start = Instant::now();
    let error = loop {
        match PostgresStore::open(&PostgresOptions::new(wrong.parse().unwrap()), &FIRST) {
            Err(error) => break error,
            Ok(_) => assert!(start.elapsed() < Duration::from_secs(60)),
        }
    };
    assert!(matches!(error, StoreError::Connect(_)), "{error}");
    assert!(chain(&error).contains("password authentication failed"), "{}", chain(&error));
    assert!(!format!("{error:?} {}", chain(&error)).contains("hunter2"), "{}", chain(&error));
    let folder = tempdir().unwrap();
    let file = folder.path().join("password");
    private(&file, b"the right one\n", 0o600);
    let connection = text.parse::<PostgresConnection>().unwrap().with_password_file(&file).unwrap();
    let mut store = PostgresStore::open(&PostgresOptions::new(connection), &FIRST).unwrap();
    assert!(store.try_lead().unwrap() && !format!("{store:?}").contains("right"));
    store.apply(&put("stakes", b"a", b"1")).unwrap();
}

#[test]
fn unsafe_settings_are_overridden_or_refused() {
    let Some(place) = place("unsafe_settings_are_overridden_or_refused") else { return };
    drop(place.open());
    let database = &place.database;
    // The defaults of a role, and what the connection string asks for.
    let role = format!("lax_{database}");
    place.sql(&format!(
        "CREATE ROLE {role} SUPERUSER LOGIN; ALTER ROLE {role} SET synchronous_commit = off; \
         ALTER ROLE {role} SET default_transaction_isolation = 'serializable'"
    ));
    let text = format!("host={} dbname={database} user={role}", place.server.folder().display());
    let open = |text: &str| {
        let options = PostgresOptions::new(text.parse().unwrap());
        PostgresStore::open(&PostgresOptions { timeout: Duration::from_secs(40), ..options }, &FIRST)
    };
    for text in [text.clone(), format!("{text} options='-c synchronous_commit=off -c search_path=public'")] {
        let mut store = open(&text).unwrap();
        place.lead(&mut store);
        assert_eq!(store.setting("synchronous_commit").unwrap(), "on");
        assert_eq!(store.setting("statement_timeout").unwrap(), "30s");
        assert_eq!(store.setting("lock_timeout").unwrap(), "20s");
        // PostgreSQL 13 has neither.
        if store.setting("server_version_num").unwrap().parse::<u32>().unwrap() >= 140_000 {
            assert_eq!(store.setting("client_connection_check_interval").unwrap(), "1s");
            assert_eq!(store.setting("idle_session_timeout").unwrap(), "0");
        }
        store.apply(&put("stakes", b"a", b"1")).unwrap();
    }
    // What is stricter stays.
    place.sql(&format!("ALTER ROLE {role} SET synchronous_commit = remote_apply"));
    let mut store = open(&text).unwrap();
    place.lead(&mut store);
    assert_eq!(store.setting("synchronous_commit").unwrap(), "remote_apply");
    store.apply(&put("stakes", b"a", b"2")).unwrap();
    drop(store);
    place.sql(&format!("ALTER ROLE {role} SET zero_damaged_pages = on"));
    let refused = open(&text).unwrap_err();
    assert!(matches!(refused, StoreError::NotDurable { name: "zero_damaged_pages", .. }), "{refused}");
    place.sql(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"));
    assert!(matches!(open(&text), Err(StoreError::ReadOnly(_))));
}

/// What is changed by hand in the tables is named when the store is opened, or when it is written.
#[test]
fn tables_that_were_changed_are_damaged() {
    let Some(place) = place("tables_that_were_changed_are_damaged") else { return };
    let again = || {
        place.server.sql(&place.database, "DROP SCHEMA IF EXISTS btcstake_test CASCADE").unwrap();
        place.leader().apply(&put("stakes", b"a", b"1")).unwrap();
    };
    let nothing = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
                   CREATE TRIGGER nothing BEFORE INSERT ON stakes FOR EACH ROW EXECUTE FUNCTION nothing()";
    let changes = [
        "ALTER TABLE stakes SET UNLOGGED",
        "ALTER TABLE stakes DROP CONSTRAINT stakes_pkey",
        "ALTER TABLE stakes ALTER value TYPE text USING encode(value, 'hex')",
        "ALTER TABLE stakes ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE stakes ADD note text",
        "ALTER TABLE \"order\" ALTER value DROP NOT NULL",
        "DROP TABLE \"order\"",
        "CREATE TABLE more (key bytea)",
        "CREATE RULE nothing AS ON INSERT TO stakes DO INSTEAD NOTHING",
        nothing,
        "DELETE FROM _store",
        "UPDATE _store SET version = 0",
        "ALTER TABLE _store ALTER term TYPE integer",
    ];
    for sql in changes {
        again();
        place.sql(sql);
        for schema in [&FIRST, &SECOND] {
            let refused = place.refusal(schema);
            assert!(matches!(refused, StoreError::Damaged { .. }), "{sql}: {}", chain(&refused));
        }
    }
    // Under a store that is open.
    again();
    let mut store = place.leader();
    place.sql(nothing);
    let mut changes = put("order", b"a", b"1");
    changes.put("stakes", b"b", b"2");
    let error = store.apply(&changes).unwrap_err();
    assert!(error.to_string().contains("0 of 1 rows were written"), "{error}");
    place.sql("DROP TRIGGER nothing ON stakes");
    assert_eq!((store.count("stakes").unwrap(), store.count("order").unwrap()), (1, 0));
    store.apply(&changes).unwrap();
    place.sql("UPDATE _store SET term = 9223372036854775807");
    drop(store);
    let mut store = place.open();
    let error = store.try_lead().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(store.count("stakes").unwrap(), 2);
}

#[test]
fn schemas_of_others_are_left_alone() {
    let Some(place) = place("schemas_of_others_are_left_alone") else { return };
    place.sql("CREATE SCHEMA btcstake_test; CREATE TABLE stakes (key bytea)");
    let refused = place.refusal(&FIRST);
    assert!(matches!(refused, StoreError::Other { .. }), "{refused}");
    assert_eq!(place.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'btcstake_test'"), "1");
    // An empty schema that somebody made for the program is taken, also without the right to make one.
    place.sql("DROP TABLE stakes");
    let role = format!("watch_{}", place.database);
    place.sql(&format!("CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA btcstake_test TO {role}"));
    let text = format!("host={} dbname={} user={role}", place.server.folder().display(), place.database);
    let options = PostgresOptions::new(text.parse().unwrap());
    let mut store = PostgresStore::open(&options, &FIRST).unwrap();
    place.lead(&mut store);
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    let refused = PostgresStore::open(&options, &OTHER).unwrap_err();
    assert!(chain(&refused).contains("permission denied"), "{}", chain(&refused));
    // Two programs in one database lead each their own.
    let mut other = place.try_open(&OTHER).unwrap();
    place.lead(&mut other);
    other.apply(&put("stakes", b"a", b"2")).unwrap();
    assert!(store.try_lead().unwrap());
    assert_eq!(store.get("stakes", b"a").unwrap().unwrap(), b"1");
    place.sql("UPDATE _store SET version = 9");
    assert!(matches!(place.refusal(&FIRST), StoreError::Later { found: 9, most: 1, .. }));
}

/// Programs that start at once make the tables once.
#[test]
fn tables_are_made_once() {
    let Some(place) = place("tables_are_made_once") else { return };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|number| {
                let place = &place;
                let schema = if number < 3 { &FIRST } else { &SECOND };
                scope.spawn(move || place.try_open(schema).map(|_| ()))
            })
            .collect();
        for (number, thread) in threads.into_iter().enumerate() {
            match thread.join().unwrap() {
                Ok(()) => {}
                Err(StoreError::Later { .. }) => assert!(number < 3),
                Err(other) => panic!("{}", chain(&other)),
            }
        }
    });
    let mut store = place.try_open(&SECOND).unwrap();
    place.lead(&mut store);
    store.apply(&put("tips", b"a", b"1")).unwrap();
    assert_eq!(rows(&mut store, "tips", b"").len(), 1);
}

/// A store is asked from the tasks of another runtime too, and dropped there.
#[test]
fn tasks_of_another_runtime_may_ask() {
    let Some(place) = place("tasks_of_another_runtime_may_ask") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut store = place.leader();
        store.apply(&put("stakes", b"a", b"1")).unwrap();
        assert_eq!(rows(&mut store, "stakes", b"").len(), 1);
        drop(store);
        assert!(
            PostgresStore::open(&PostgresOptions::new("host=/nowhere".parse().unwrap()), &FIRST).is_err()
        );
    });
}
