//! Walking through a stretch of the log, oldest event first.
//!
//! A step looks at so many rows, whether they fit or not: a condition that hardly anything fits costs no statement more
//! than another, and whoever waits can be shown how far it came.

use rapport_foundation::db::Error;
use rapport_foundation::id::{CustomerId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::Value;

use super::Store;
use super::interactions::{Sized, sized};
use crate::domain::{Channel, Direction, Kind, Place, Purpose, Said};

/// Which contacts are wanted; each absent condition fits all.
#[derive(Debug, Clone)]
pub(crate) struct Extract {
    /// Took place at or after.
    pub(crate) from: Option<Micros>,
    /// Took place before.
    pub(crate) until: Option<Micros>,
    /// Received at or after.
    pub(crate) received_from: Option<Micros>,
    /// Received before.
    pub(crate) received_until: Option<Micros>,
    pub(crate) channel: Option<Channel>,
    pub(crate) direction: Option<Direction>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) kind: Option<Kind>,
    pub(crate) provider: Option<String>,
    pub(crate) connector: Option<String>,
    pub(crate) customer: Option<CustomerId>,
    /// What only the opened content tells: the store does not ask for it.
    pub(crate) said: Said,
}

/// What was found in one step.
#[derive(Debug)]
pub(crate) struct Step {
    /// The rows that fit, in order.
    pub(crate) fitting: Vec<Sized>,
    /// The last row that was looked at; none at the end.
    pub(crate) last: Option<Place>,
    /// Whether there may be more behind it.
    pub(crate) more: bool,
}

impl Store {
    /// Looks at so many rows behind a place.
    pub(crate) async fn step(
        &self,
        tenant: TenantId,
        wanted: &Extract,
        behind: Option<Place>,
        rows: usize,
    ) -> Result<Step, Error> {
        let (sql, values) = statement(wanted, behind, rows);
        let found = self
            .db
            .read(tenant, async |s| s.raw_all(&sql, values.clone()).await)
            .await?;
        let mut step = Step {
            fitting: Vec::new(),
            last: None,
            more: found.len() == rows,
        };
        for row in &found {
            let one = sized(row)?;
            step.last = Some(one.place);
            if row.try_get::<i64>("", "fits")? == 1 {
                step.fitting.push(one);
            }
        }
        Ok(step)
    }
}

/// A statement with its values, which are counted from 2: the first is the tenant.
struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    /// Adds a condition on a value.
    fn also(&mut self, condition: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.values.push(value);
            let place = self.values.len() + 1;
            self.sql.push_str(&format!(" and {condition} ${place}"));
        }
    }
}

fn statement(wanted: &Extract, behind: Option<Place>, rows: usize) -> (String, Vec<Value>) {
    let mut all = Statement {
        sql: "select i.event_at as at, i.id, cast(length(i.body) as bigint) as size, cast(case when true".into(),
        values: Vec::new(),
    };
    fits(&mut all, wanted);
    all.sql
        .push_str(" then 1 else 0 end as bigint) as fits from ");
    // Of a customer their links are walked in order, else the log itself.
    let (at, id) = match wanted.customer {
        Some(customer) => {
            all.values.push(customer.uuid().into());
            let place = all.values.len() + 1;
            all.sql.push_str(&format!(
                "interaction_link l cross join interaction i where i.tenant_id = $1 and i.id = l.interaction_id \
                 and l.tenant_id = $1 and l.record_id in \
                 (select record_id from record_customer where tenant_id = $1 and customer_id = ${place})"
            ));
            ("l.event_at", "l.interaction_id")
        }
        None => {
            all.sql.push_str("interaction i where i.tenant_id = $1");
            ("i.event_at", "i.id")
        }
    };
    all.also(&format!("{at} >="), wanted.from.map(|at| at.0.into()));
    all.also(&format!("{at} <"), wanted.until.map(|at| at.0.into()));
    if let Some(place) = behind {
        let next = all.values.len() + 2;
        all.sql
            .push_str(&format!(" and ({at}, {id}) > (${next}, ${})", next + 1));
        all.values.extend([place.at.0.into(), place.id.into()]);
    }
    all.sql
        .push_str(&format!(" order by {at}, {id} limit {rows}"));
    (all.sql, all.values)
}

/// Conditions that rows are looked at for, not looked up by.
fn fits(all: &mut Statement, wanted: &Extract) {
    let code = |code: Option<i16>| code.map(Value::from);
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let time = |at: Option<Micros>| at.map(|at| Value::from(at.0));
    all.also("i.received_at >=", time(wanted.received_from));
    all.also("i.received_at <", time(wanted.received_until));
    all.also("i.channel =", code(wanted.channel.map(Channel::code)));
    all.also("i.direction =", code(wanted.direction.map(Direction::code)));
    all.also("i.purpose =", code(wanted.purpose.map(Purpose::code)));
    all.also("i.kind =", code(wanted.kind.map(Kind::code)));
    all.also("i.connector =", text(&wanted.connector));
    // SQLite keeps this one behind the content of the row.
    all.also("i.provider =", text(&wanted.provider));
}
