//! The rows: how they are written and read.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::mpsc::SyncSender;

use futures_core::Stream as _;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};

use super::session::Session;
use super::tables::name;
use crate::changes::ChangeSet;
use crate::error::StoreError;
use crate::schema::Layout;
use crate::store::prefix_end;

/// How many rows, and about how many bytes, one statement writes.
const MOST_WRITTEN: (usize, usize) = (5000, 1 << 22);
/// How many rows one statement reads.
const MOST_READ: i64 = 5000;
/// About how many bytes of rows are passed on at once.
const BATCH_BYTES: usize = 1 << 16;

/// Some rows of a scan.
pub(super) type Batch = Vec<(Vec<u8>, Vec<u8>)>;

/// Writes the rows of a change set, in the transaction that is open.
pub(super) async fn write(
    session: &mut Session,
    layout: &Layout,
    changes: &ChangeSet,
) -> Result<(), StoreError> {
    for (table, rows) in changes.tables() {
        let name = name(layout, table);
        let (mut keys, mut values, mut deleted, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0_usize);
        for (key, value) in rows {
            bytes = bytes.saturating_add(key.len()).saturating_add(value.map_or(0, <[u8]>::len));
            match value {
                Some(value) => {
                    keys.push(key);
                    values.push(value);
                }
                None => deleted.push(key),
            }
            if keys.len().max(deleted.len()) >= MOST_WRITTEN.0 || bytes >= MOST_WRITTEN.1 {
                write_some(session, &name, &keys, &values, &deleted).await?;
                (keys, values, deleted, bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
            }
        }
        write_some(session, &name, &keys, &values, &deleted).await?;
    }
    Ok(())
}

async fn write_some(
    session: &mut Session,
    name: &str,
    keys: &[&[u8]],
    values: &[&[u8]],
    deleted: &[&[u8]],
) -> Result<(), StoreError> {
    if !keys.is_empty() {
        let put = format!(
            "INSERT INTO {name} (key, value) SELECT * FROM unnest($1::bytea[], $2::bytea[]) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        );
        let put = session.statement(&put).await?;
        let written = session.step(session.client.execute(&put, &[&keys, &values])).await?;
        let expected = keys.len();
        if usize::try_from(written) != Ok(expected) {
            let what =
                format!("{written} of {expected} rows were written: somebody else has a hand in {name}");
            return Err(session.damaged(what));
        }
    }
    if !deleted.is_empty() {
        let delete = session.statement(&format!("DELETE FROM {name} WHERE key = ANY ($1::bytea[])")).await?;
        session.step(session.client.execute(&delete, &[&deleted])).await?;
    }
    Ok(())
}

/// Reads a value.
pub(super) async fn get(
    session: &mut Session,
    layout: &Layout,
    table: &str,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let get = format!("SELECT value FROM {} WHERE key = $1", name(layout, table));
    let get = session.statement(&get).await?;
    let row = session.step(session.client.query_opt(&get, &[&key])).await?;
    row.map(|row| session.column(&row, 0)).transpose()
}

/// Counts the rows of a table.
pub(super) async fn count(session: &mut Session, layout: &Layout, table: &str) -> Result<u64, StoreError> {
    let count = session.statement(&format!("SELECT count(*) FROM {}", name(layout, table))).await?;
    let row = session.step(session.client.query_one(&count, &[])).await?;
    let count: i64 = session.column(&row, 0)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Passes on the rows whose keys begin with a prefix, as of one moment, until they are not wanted any more.
pub(super) async fn scan(
    session: &mut Session,
    layout: &Layout,
    table: &str,
    prefix: Vec<u8>,
    rows: SyncSender<Batch>,
) -> Result<(), StoreError> {
    // How long it takes is up to whoever is given the rows; our own limit holds for each of them.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = 0";
    session.run(begin).await?;
    let end = prefix_end(&prefix);
    let below = if end.is_some() { "AND key < $3" } else { "AND $3::bytea IS NULL" };
    let page = format!(
        "SELECT key, value FROM {} WHERE key >= $1 {below} ORDER BY key LIMIT $2",
        name(layout, table)
    );
    let page = session.statement(&page).await?;
    let mut from = Some(prefix);
    while let Some(first) = from.take() {
        let parameters: [&(dyn ToSql + Sync); 3] = [&first, &MOST_READ, &end];
        let stream = session.step(session.client.query_raw(&page, parameters)).await?;
        let mut stream = pin!(stream);
        let (mut batch, mut bytes, mut number) = (Batch::new(), 0_usize, 0_i64);
        while let Some(row) = next(session, stream.as_mut()).await? {
            let (key, value) = (session.column::<Vec<u8>>(&row, 0)?, session.column::<Vec<u8>>(&row, 1)?);
            bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
            number = number.saturating_add(1);
            if number == MOST_READ {
                // The least key above it.
                from = Some([key.as_slice(), &[0]].concat());
            }
            batch.push((key, value));
            if bytes >= BATCH_BYTES {
                bytes = 0;
                if rows.send(std::mem::take(&mut batch)).is_err() {
                    from = None;
                    break;
                }
            }
        }
        if rows.send(batch).is_err() {
            break;
        }
    }
    session.run("ROLLBACK").await
}

/// Returns the next row.
async fn next(session: &Session, mut rows: Pin<&mut RowStream>) -> Result<Option<Row>, StoreError> {
    session.step(async { poll_fn(|context| rows.as_mut().poll_next(context)).await.transpose() }).await
}
