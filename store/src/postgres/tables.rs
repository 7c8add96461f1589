//! The tables, and how those of an earlier version become the present ones.

use super::session::Session;
use crate::error::{Place, StoreError};
use crate::schema::Layout;

/// The program's own table as it is made: its version, and the term of the one that leads.
const OWN: [&str; 4] = [
    "_store key only_one",
    "_store only_one boolean not null",
    "_store term bigint not null",
    "_store version integer not null",
];

/// What the tables in a schema are: ordinary ones that survive a crash, without row security, which would
/// hide rows, and with a unique key that is valid; and what else may change rows on their way.
const READ_SHAPE: &str = "
    WITH own AS (
        SELECT c.oid, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relpersistence = 'p' AND NOT c.relrowsecurity
    )
    SELECT own.name || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    FROM own JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT own.name || ' key ' || (
        SELECT string_agg(a.attname::text, ' ' ORDER BY k.place)
        FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum = k.number
    )
    FROM own JOIN pg_index i ON i.indrelid = own.oid
    WHERE i.indisprimary AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
    UNION ALL
    SELECT own.name || ' trigger ' || t.tgname FROM own JOIN pg_trigger t ON t.tgrelid = own.oid
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT own.name || ' rule ' || r.rulename FROM own JOIN pg_rewrite r ON r.ev_class = own.oid";

/// What a schema is found to have.
enum Found {
    /// Nothing, or there is no schema.
    Nothing { has_schema: bool },
    /// The tables of a version.
    Version(u32),
}

/// Returns the program's own table, as it is named in SQL. Names are plain, so that nothing in them needs
/// escaping.
pub(super) fn own(layout: &Layout) -> String {
    name(layout, "_store")
}

/// Returns a table, as it is named in SQL.
pub(super) fn name(layout: &Layout, table: &str) -> String {
    format!("\"{}\".\"{table}\"", layout.program())
}

/// Brings the tables to the present version, all of them or none, and makes them where there is nothing.
/// Whoever leads with an earlier version writes no more from then on.
pub(super) async fn migrate(session: &mut Session, layout: &Layout) -> Result<(), StoreError> {
    let (program, present) = (layout.program(), layout.version());
    if matches!(find(session, layout).await?, Found::Version(found) if found == present) {
        return Ok(());
    }
    session.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    // As the only one: whoever waited for the lock finds the tables made.
    let number = layout.number("btcstake-store migration");
    session.run(&format!("SELECT pg_advisory_xact_lock({number})")).await?;
    let above = match find(session, layout).await? {
        Found::Version(found) => found,
        Found::Nothing { has_schema } => {
            // To make it needs a right that whoever is given a schema may not have.
            if !has_schema {
                session.run(&format!("CREATE SCHEMA \"{program}\"")).await?;
            }
            let own = own(layout);
            let make = format!(
                "CREATE TABLE {own} (only_one boolean PRIMARY KEY CHECK (only_one), version integer NOT NULL, \
                 term bigint NOT NULL); INSERT INTO {own} VALUES (true, 0, 0)"
            );
            session.run(&make).await?;
            0
        }
    };
    for table in layout.tables(above, present) {
        let name = name(layout, table);
        session.run(&format!("CREATE TABLE {name} (key bytea PRIMARY KEY, value bytea NOT NULL)")).await?;
    }
    session.run(&format!("UPDATE {} SET version = {present}", own(layout))).await?;
    session.commit().await
}

/// Looks at what is there, and refuses what this program did not make.
async fn find(session: &Session, layout: &Layout) -> Result<Found, StoreError> {
    let place = Place::Schema(layout.program());
    let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1), EXISTS (SELECT FROM pg_class c \
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)";
    let row = session.step(session.client.query_one(sql, &[&layout.program()])).await?;
    let (has_schema, has_tables): (bool, bool) = (session.column(&row, 0)?, session.column(&row, 1)?);
    if !has_tables {
        return Ok(Found::Nothing { has_schema });
    }
    let rows = session.step(session.client.query(READ_SHAPE, &[&layout.program()])).await?;
    let mut shape: Vec<String> =
        rows.iter().map(|row| session.column(row, 0)).collect::<Result<_, StoreError>>()?;
    shape.sort();
    let own_shape: Vec<_> = shape.iter().filter(|line| line.starts_with("_store ")).collect();
    if own_shape.is_empty() {
        let rule = "it has tables, and _store is not among them".to_owned();
        return Err(StoreError::Other { place, rule });
    }
    if own_shape != OWN {
        return Err(session.damaged("its table _store is not as it was made"));
    }
    let sql = format!("SELECT version FROM {}", own(layout));
    let row = session.step(session.client.query_opt(&sql, &[])).await?;
    let row = row.ok_or_else(|| session.damaged("its table _store has no row"))?;
    let version: i32 = session.column(&row, 0)?;
    let most = layout.version();
    let found = match u32::try_from(version) {
        Ok(found) if found > 0 => found,
        _ => return Err(session.damaged(format!("its version is {version}; must be at least 1"))),
    };
    if found > most {
        return Err(StoreError::Later { place, found, most });
    }
    let of_table = |table| {
        ["key bytea not null", "key key", "value bytea not null"].map(|line| format!("{table} {line}"))
    };
    let mut expected: Vec<_> = layout.tables(0, found).flat_map(of_table).collect();
    expected.extend(OWN.map(str::to_owned));
    expected.sort();
    if shape == expected {
        return Ok(Found::Version(found));
    }
    let odd = |one: &[String], other: &[String]| one.iter().find(|line| !other.contains(line)).cloned();
    let what = odd(&expected, &shape).or_else(|| odd(&shape, &expected)).unwrap_or_default();
    Err(session.damaged(format!("its tables are not as they were made, in {what:?}")))
}
