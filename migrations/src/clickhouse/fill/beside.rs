//! Sums of rows that another view made of events: they do not say which block they came with.

use clickhouse::Client;
use regex::{NoExpand, Regex};

use super::{Pause, columns, insert, view};
use crate::Error;

/// What tells an event from all others, in its own table and in those beside it.
const EVENT: &str = "(journal, shard, seq, time)";

impl Pause {
    /// Sums some of these rows. Those of events of blocks still to be sent are made of the events again, without those
    /// blocks: an event may have another row, of a block before.
    pub(super) async fn sum_beside(
        &self,
        client: &Client,
        into: (&str, &str),
        (source, select): (&str, &str),
        rows: String,
    ) -> Result<(), Error> {
        let mut from = format!("SELECT * FROM {source} WHERE {rows}");
        if !self.open.is_empty() {
            let (raw, of_raw) = view(client, source).await?;
            // Hexadecimal digits.
            let open = format!("block IN ('{}')", self.open.join("', '"));
            let is_open = format!("{EVENT} IN (SELECT {EVENT} FROM {raw} WHERE {open})");
            let others = format!("SELECT * FROM {raw} WHERE NOT {open} AND {is_open} AND {rows}");
            let again = reading(client, &of_raw, &raw, &others).await?;
            let columns = columns(client, source).await?;
            from = format!(
                "SELECT {columns} FROM {source} WHERE {rows} AND NOT {is_open} \
                 UNION ALL SELECT {columns} FROM ({again})"
            );
        }
        let select = reading(client, select, source, &from).await?;
        insert(client, into, &select, "{}").await
    }
}

/// A view's SELECT that reads other rows instead of its table's.
async fn reading(client: &Client, select: &str, table: &str, rows: &str) -> Result<String, Error> {
    let database: String = client.query("SELECT currentDatabase()").fetch_one().await?;
    // Names are plain words: nothing in them is a pattern.
    let named =
        Regex::new(&format!(r"\b{database}\.{table}\b")).map_err(|_| Error::DatabaseName)?;
    Ok(named.replace_all(select, NoExpand(&format!("({rows})"))).into_owned())
}
