//! How many contacts there were, by quarters of an hour: added up as contacts are linked, so that no reading walks the
//! log.

use std::collections::{BTreeMap, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};

use super::Store;
use crate::domain::count::{self, Count, Counting, Dimension, Span};
use crate::domain::{Channel, Direction, Interaction, Kind, Purpose};

/// What a contact is counted under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    quarter: Micros,
    channel: Channel,
    direction: Direction,
    purpose: i16,
    kind: Kind,
    asks: bool,
    provider: String,
    connector: String,
}

impl Cell {
    pub(crate) fn of(interaction: &Interaction) -> Self {
        let contact = &interaction.contact;
        Self {
            quarter: count::quarter(contact.event_at),
            channel: contact.channel,
            direction: contact.direction,
            purpose: contact.purpose.map_or(0, Purpose::code),
            kind: contact.kind,
            asks: interaction.asks_for_agent,
            provider: contact.provider.clone(),
            connector: interaction.connector.clone(),
        }
    }
}

const fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Channel => "channel",
        Dimension::Direction => "direction",
        Dimension::Purpose => "purpose",
        Dimension::Kind => "kind",
        Dimension::Provider => "provider",
        Dimension::Connector => "connector",
        Dimension::AsksForAgent => "asks",
    }
}

impl Store {
    /// Counts contacts once more.
    pub(crate) async fn count(&self, s: &Scoped, cells: Vec<Cell>) -> Result<(), Error> {
        const COLUMNS: [(&str, Type); 9] = [
            ("quarter", Type::Big),
            ("channel", Type::Small),
            ("direction", Type::Small),
            ("purpose", Type::Small),
            ("kind", Type::Small),
            ("asks", Type::Small),
            ("provider", Type::Text),
            ("connector", Type::Text),
            ("n", Type::Big),
        ];
        let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
        for cell in cells {
            *sums.entry(cell).or_default() += 1;
        }
        let rows = sums.into_iter().map(|(cell, n)| -> Vec<Value> {
            vec![
                cell.quarter.0.into(),
                cell.channel.code().into(),
                cell.direction.code().into(),
                cell.purpose.into(),
                cell.kind.code().into(),
                i16::from(cell.asks).into(),
                cell.provider.into(),
                cell.connector.into(),
                n.into(),
            ]
        });
        let behind = "on conflict (tenant_id, quarter, channel, direction, purpose, kind, asks, provider, connector) \
                      do update set n = interaction_count.n + excluded.n";
        bulk::insert(s, "interaction_count", &COLUMNS, rows.collect(), behind).await?;
        Ok(())
    }

    /// Counts of what fits, by time and dimensions; at most `most` and one more.
    pub(crate) async fn counts(
        &self,
        tenant: TenantId,
        wanted: &Counting,
        most: usize,
    ) -> Result<Vec<Count>, Error> {
        const KEYS: [(&str, Type); 4] = [
            ("from_at", Type::Big),
            ("until_at", Type::Big),
            ("network", Type::Text),
            ("teller", Type::Text),
        ];
        let text = |text: &Option<String>| Value::from(text.clone().unwrap_or_default());
        let row = |span: &Span| {
            vec![
                span.start.0.into(),
                span.end.0.into(),
                text(&wanted.provider),
                text(&wanted.connector),
            ]
        };
        let rows = wanted.spans.iter().map(row).collect();
        let query = query(wanted, most.saturating_add(1));
        let found = self
            .db
            .read(tenant, async |s| {
                bulk::select(&s, &KEYS, Vec::clone(&rows), &query).await
            })
            .await?;
        let ends: HashMap<i64, Micros> = wanted
            .spans
            .iter()
            .map(|span| (span.start.0, span.end))
            .collect();
        found.iter().map(|row| read(row, wanted, &ends)).collect()
    }
}

/// The codes of a condition are numbers of ours: they need no place in the list of values.
fn query(wanted: &Counting, most: usize) -> String {
    let columns: String = wanted
        .dimensions
        .iter()
        .map(|one| format!(", c.{}", column(*one)))
        .collect();
    let mut also = String::new();
    let mut fits = |column: &str, code: Option<i16>| {
        if let Some(code) = code {
            also.push_str(&format!(" and c.{column} = {code}"));
        }
    };
    fits("channel", wanted.channel.map(Channel::code));
    fits("direction", wanted.direction.map(Direction::code));
    fits("purpose", wanted.purpose.map(Purpose::code));
    fits("kind", wanted.kind.map(Kind::code));
    fits("asks", wanted.asks_for_agent.map(i16::from));
    if wanted.provider.is_some() {
        also.push_str(" and c.provider = k.network");
    }
    if wanted.connector.is_some() {
        also.push_str(" and c.connector = k.teller");
    }
    format!(
        "select k.from_at{columns}, cast(sum(c.n) as bigint) as n from k cross join interaction_count c \
         where c.tenant_id = $1 and c.quarter >= k.from_at and c.quarter < k.until_at{also} \
         group by k.from_at{columns} order by k.from_at{columns} limit {most}"
    )
}

fn read(row: &QueryResult, wanted: &Counting, ends: &HashMap<i64, Micros>) -> Result<Count, Error> {
    let start: i64 = row.try_get("", "from_at")?;
    let mut count = Count {
        span: Span {
            start: Micros(start),
            end: ends.get(&start).copied().unwrap_or(Micros(start)),
        },
        channel: None,
        direction: None,
        purpose: None,
        kind: None,
        provider: String::new(),
        connector: String::new(),
        asks_for_agent: None,
        count: row.try_get("", "n")?,
    };
    for dimension in &wanted.dimensions {
        let name = column(*dimension);
        match dimension {
            Dimension::Channel => count.channel = Channel::from_code(row.try_get("", name)?),
            Dimension::Direction => count.direction = Direction::from_code(row.try_get("", name)?),
            Dimension::Purpose => count.purpose = Purpose::from_code(row.try_get("", name)?),
            Dimension::Kind => count.kind = Kind::from_code(row.try_get("", name)?),
            Dimension::Provider => count.provider = row.try_get("", name)?,
            Dimension::Connector => count.connector = row.try_get("", name)?,
            Dimension::AsksForAgent => {
                count.asks_for_agent = Some(row.try_get::<i16>("", name)? != 0);
            }
        }
    }
    Ok(count)
}
