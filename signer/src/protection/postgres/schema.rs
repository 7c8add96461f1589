//! The tables, and how an older version of them becomes the present one.

use tokio_postgres::Client;

use super::error::{PostgresError, damaged, failed};

/// The steps from version to version; the first makes version 1 in an empty schema.
///
/// Keys, chain ids and heights are bytes: text has no zero byte, and `bigint` ends at 2^63. Heights are 8
/// bytes, big-endian: they sort as numbers.
const STEPS: [&str; 1] = ["
    CREATE TABLE migration (
        version integer PRIMARY KEY,
        made_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE store (
        only_one boolean PRIMARY KEY CHECK (only_one),
        id bytea NOT NULL CHECK (octet_length(id) = 16),
        generation bigint NOT NULL CHECK (generation >= 0)
    ) WITH (fillfactor = 50);
    CREATE TABLE lane (
        public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
        chain_id bytea NOT NULL CHECK (octet_length(chain_id) <= 1024),
        low bytea CHECK (octet_length(low) = 8),
        high bytea CHECK (octet_length(high) = 8),
        highest bytea CHECK (octet_length(highest) = 8),
        PRIMARY KEY (public_key, chain_id)
    ) WITH (fillfactor = 50);
    CREATE TABLE record (
        public_key bytea NOT NULL,
        chain_id bytea NOT NULL,
        height bytea NOT NULL CHECK (octet_length(height) = 8),
        message bytea NOT NULL,
        signature bytea CHECK (octet_length(signature) = 32),
        PRIMARY KEY (public_key, chain_id, height)
    );
    CREATE TABLE committed (
        public_key bytea NOT NULL,
        chain_id bytea NOT NULL,
        first bytea NOT NULL CHECK (octet_length(first) = 8),
        last bytea NOT NULL CHECK (octet_length(last) = 8),
        PRIMARY KEY (public_key, chain_id, first)
    );
"];

/// What the tables are when they are as the steps make them: ordinary ones that survive a crash, without row
/// security, which would hide records, and with a unique key that is valid.
const SHAPE: &str = "\
committed chain_id bytea not null
committed first bytea not null
committed key public_key chain_id first
committed last bytea not null
committed public_key bytea not null
lane chain_id bytea not null
lane high bytea
lane highest bytea
lane key public_key chain_id
lane low bytea
lane public_key bytea not null
migration key version
migration made_at timestamp with time zone not null
migration version integer not null
record chain_id bytea not null
record height bytea not null
record key public_key chain_id height
record message bytea not null
record public_key bytea not null
record signature bytea
store generation bigint not null
store id bytea not null
store key only_one
store only_one boolean not null";

const READ_SHAPE: &str = "
    WITH own AS (
        SELECT oid, relname FROM pg_catalog.pg_class
        WHERE relnamespace = $1::oid AND relkind = 'r' AND relpersistence = 'p' AND NOT relrowsecurity
    ), line AS (
        SELECT own.relname::text || ' ' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS text
        FROM own JOIN pg_catalog.pg_attribute a ON a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT own.relname::text || ' key ' || (
            SELECT string_agg(a.attname::text, ' ' ORDER BY k.place)
            FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = own.oid AND a.attnum = k.number
        )
        FROM own JOIN pg_catalog.pg_index i ON i.indrelid = own.oid
        WHERE i.indisprimary AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
    )
    SELECT coalesce(string_agg(text, E'\\n' ORDER BY text COLLATE \"C\"), '') FROM line";

const VERSION: i32 = 1;

/// Returns the schema's number, and the version of the tables in it; `None` where there are none.
async fn find(client: &Client, schema: &str) -> Result<Option<(u32, i32)>, PostgresError> {
    let sql = "SELECT n.oid, c.oid IS NOT NULL FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c \
               ON c.relnamespace = n.oid AND c.relname = 'migration' WHERE n.nspname = $1::text";
    let Some(row) = client.query_opt(sql, &[&schema]).await.map_err(failed)? else { return Ok(None) };
    let (number, has_tables): (u32, bool) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    if !has_tables {
        return Ok(None);
    }
    let row = client.query_one("SELECT max(version) FROM migration", &[]).await.map_err(failed)?;
    let version: Option<i32> = row.try_get(0).map_err(failed)?;
    let version = version.ok_or_else(|| damaged("its tables have no version"))?;
    if !(1..=VERSION).contains(&version) {
        return Err(PostgresError::Later { found: version, most: VERSION });
    }
    Ok(Some((number, version)))
}

/// Brings the tables to the present version, all steps or none, and makes them where `create` says so.
/// Returns whether they are there.
pub(super) async fn migrate(client: &Client, schema: &str, create: bool) -> Result<bool, PostgresError> {
    let found = find(client, schema).await?;
    match found {
        None if !create => return Ok(false),
        Some((_, VERSION)) => {}
        _ => run(client, schema).await?,
    }
    let Some((number, _)) = find(client, schema).await? else { return Ok(false) };
    let row = client.query_one(READ_SHAPE, &[&number]).await.map_err(failed)?;
    let shape: String = row.try_get(0).map_err(failed)?;
    if shape == SHAPE {
        return Ok(true);
    }
    let odd = |one: &str, other: &str| {
        let line = one.lines().find(|line| !other.lines().any(|there| there == *line));
        line.map(str::to_owned)
    };
    let what = odd(SHAPE, &shape).or_else(|| odd(&shape, SHAPE)).unwrap_or_default();
    Err(damaged(format!("the tables in the schema {schema} are not as they were made, in {what:?}")).into())
}

/// Runs the steps that are missing, as the only one.
async fn run(client: &Client, schema: &str) -> Result<(), PostgresError> {
    // The name is plain, so that it needs no escaping. Whoever waited for the lock finds the tables made.
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(1651794803, 1)";
    client.batch_execute(begin).await.map_err(failed)?;
    let version = find(client, schema).await?.map_or(0, |(_, version)| version);
    if version == 0 {
        let make = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        client.batch_execute(&make).await.map_err(failed)?;
    }
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    for (number, step) in (1_i32..).zip(STEPS).skip(done) {
        client.batch_execute(step).await.map_err(failed)?;
        let note = "INSERT INTO migration (version) VALUES ($1)";
        client.execute(note, &[&number]).await.map_err(failed)?;
    }
    if version == 0 {
        let name =
            "INSERT INTO store (only_one, id, generation) VALUES (true, uuid_send(gen_random_uuid()), 0)";
        client.batch_execute(name).await.map_err(failed)?;
    }
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(())
}
