//! Reading interactions, with what became known of them later.

use std::collections::HashMap;

use rapport_foundation::db::bulk;
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, CustomerId, InteractionId, RecordId, TenantId};
use rapport_foundation::seal::{Subject, SubjectKeys, Vault};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::facts::ContactKey;
use super::known::{self, Depth};
use super::wanted::{WANTED, wanted};
use super::{Store, contact, matters, outbound};
use crate::domain::{
    Channel, Customer, Direction, End, EndReason, Interaction, Link, LinkState, Outbound, Place,
    Purpose, State,
};

/// Which interactions are wanted; each absent condition fits all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) customer: Option<CustomerId>,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) channel: Option<Channel>,
    pub(crate) direction: Option<Direction>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) connector: Option<String>,
    pub(crate) external_id: Option<String>,
    /// At or after.
    pub(crate) from: Option<Micros>,
    /// Before.
    pub(crate) until: Option<Micros>,
}

/// A row that could be shown, and how many bytes it would take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sized {
    pub(crate) place: Place,
    pub(crate) bytes: usize,
}

/// The columns of a contact as it was logged, but its conversation and its raw payload.
const LOGGED: &str = "i.id, i.conversation_position, i.asks_for_agent, i.connector, i.external_id, i.kind, \
     i.channel, i.provider, i.direction, i.purpose, i.event_at, i.received_at, i.history, i.automatic, i.order_id, \
     i.order_units, i.order_code, i.order_exponent, i.subject_key, i.body";

/// The columns of what became known later, and the conversation it belongs to now.
const KNOWN: &str = "coalesce(r.root_id, p.conversation_id, i.conversation_id) as conversation_id, l.state, l.record_id, m.customer_id, e.ended_at, e.reason";

pub(super) const BY_ID: &str = "i.tenant_id = $1 and i.id = k.wanted";

/// What became known later.
const LATER: &str = "left join interaction_link l on l.tenant_id = i.tenant_id and l.interaction_id = i.id \
     left join record_customer m on m.tenant_id = l.tenant_id and m.record_id = l.record_id \
     left join contact_end e on e.tenant_id = i.tenant_id and e.interaction_id = i.id \
     left join interaction_piece p on p.tenant_id = i.tenant_id and p.interaction_id = i.id \
     left join conversation_root r on r.tenant_id = i.tenant_id \
     and r.conversation_id = coalesce(p.conversation_id, i.conversation_id)";

impl Store {
    /// One interaction with its raw payload.
    pub(crate) async fn interaction(
        &self,
        tenant: TenantId,
        id: InteractionId,
    ) -> Result<Option<Interaction>, Error> {
        let sql = format!(
            "select {LOGGED}, {KNOWN}, i.raw_payload from interaction i {LATER} where i.tenant_id = $1 and i.id = $2"
        );
        self.db
            .read(tenant, async |s| {
                let Some(row) = s.raw_one(&sql, [id.uuid().into()]).await? else {
                    return Ok(None);
                };
                let opened = open(&s, &self.vault, vec![read(&row, true)?], Depth::Whole).await?;
                Ok(opened.into_iter().next())
            })
            .await
    }

    /// Interactions by their ids, in no order, without raw payloads; those that are not there are left out.
    pub(crate) async fn interactions(
        &self,
        tenant: TenantId,
        ids: &[InteractionId],
    ) -> Result<Vec<Interaction>, Error> {
        self.db
            .read(tenant, async |s| load(&s, &self.vault, ids).await)
            .await
    }

    /// All that became known later of an interaction that was read in brief.
    pub(crate) async fn whole_state(
        &self,
        tenant: TenantId,
        of: &Interaction,
    ) -> Result<State, Error> {
        self.db
            .read(tenant, async |s| whole_state(&s, &self.vault, of).await)
            .await
    }

    /// Interactions that fit, behind a place, newest event first: places and sizes only.
    pub(crate) async fn find_places(
        &self,
        tenant: TenantId,
        filter: &Filter,
        behind: Option<Place>,
        most: u64,
    ) -> Result<Vec<Sized>, Error> {
        let (wanted, given) = conditions(filter);
        // The columns that the chosen index is ordered by.
        let (at, id) = order(filter);
        self.db
            .read(tenant, async |s| {
                let (mut sql, mut values) = (wanted.clone(), given.clone());
                if let Some(conversation) = filter.conversation {
                    let pieces = matters::pieces(&s, conversation).await?;
                    let inside = pieces.condition(&mut values);
                    sql.push_str(&format!(" and {inside}"));
                }
                if let Some(place) = behind {
                    let next = values.len() + 2;
                    sql.push_str(&format!(" and ({at}, {id}) < (${next}, ${})", next + 1));
                    values.extend([place.at.0.into(), place.id.into()]);
                }
                sql.push_str(&format!(" order by {at} desc, {id} desc limit {most}"));
                let rows = s.raw_all(&sql, values).await?;
                rows.iter().map(sized).collect()
            })
            .await
    }
}

/// Contacts by their ids, in no order, as they were logged: without what became known later.
pub(super) async fn load_logged(
    s: &Scoped,
    vault: &Vault,
    ids: &[InteractionId],
) -> Result<Vec<Interaction>, Error> {
    let rows = wanted(ids.iter().map(|id| id.uuid()));
    let its = bulk::each(s.engine(), "interaction i", BY_ID);
    let query = format!("select {LOGGED}, i.conversation_id from k {its}");
    let found = bulk::select(s, &WANTED, rows, &query).await?;
    let read = found
        .iter()
        .map(|row| logged(row, false))
        .collect::<Result<Vec<_>, _>>()?;
    let keys = keys(s, vault, &read).await?;
    let open = |read: Read| read.open(&keys, State::default());
    read.into_iter().map(open).collect()
}

/// A contact as it was logged, and all that became known of it later.
pub(super) async fn load_told(
    s: &Scoped,
    vault: &Vault,
    id: InteractionId,
) -> Result<Option<Interaction>, Error> {
    let Some(mut told) = load_logged(s, vault, &[id]).await?.pop() else {
        return Ok(None);
    };
    told.state = whole_state(s, vault, &told).await?;
    Ok(Some(told))
}

/// All that became known of a contact later.
async fn whole_state(s: &Scoped, vault: &Vault, of: &Interaction) -> Result<State, Error> {
    let contact = (of.connector.as_str(), of.contact.external_id.as_str());
    let mut states = known::states(vault, s, &[contact], Depth::Whole).await?;
    Ok(states.pop().unwrap_or_default())
}

/// Interactions by their ids, as [`Store::interactions`].
pub(super) async fn load(
    s: &Scoped,
    vault: &Vault,
    ids: &[InteractionId],
) -> Result<Vec<Interaction>, Error> {
    let rows = wanted(ids.iter().map(|id| id.uuid()));
    let its = bulk::each(s.engine(), "interaction i", BY_ID);
    let query = format!("select {LOGGED}, {KNOWN} from k {its} {LATER}");
    let found = bulk::select(s, &WANTED, rows, &query).await?;
    let read = found
        .iter()
        .map(|row| read(row, false))
        .collect::<Result<Vec<_>, _>>()?;
    open(s, vault, read, Depth::Brief).await
}

async fn open(
    s: &Scoped,
    vault: &Vault,
    read: Vec<Read>,
    depth: Depth,
) -> Result<Vec<Interaction>, Error> {
    let keys = keys(s, vault, &read).await?;
    let contacts: Vec<ContactKey<'_>> = read.iter().map(|read| read.sealed.contact_key()).collect();
    let states = known::states(vault, s, &contacts, depth).await?;
    let mut ways = ways(s, &read).await?;
    let open = |(read, state): (Read, State)| {
        let outbound = ways.remove(&read.id);
        Ok(Interaction {
            outbound,
            ..read.open(&keys, state)?
        })
    };
    read.into_iter().zip(states).map(open).collect()
}

/// What contacts are sealed with.
async fn keys(s: &Scoped, vault: &Vault, read: &[Read]) -> Result<SubjectKeys, Error> {
    let subjects: Vec<Subject> = read
        .iter()
        .map(|read| read.sealed.subject.clone())
        .collect();
    vault.existing(s, &subjects).await
}

/// How far messages of ours came: nothing is read where there are none.
async fn ways(s: &Scoped, read: &[Read]) -> Result<HashMap<InteractionId, Outbound>, Error> {
    let ours = read
        .iter()
        .filter(|read| read.sealed.direction() == Direction::Outbound);
    let ids: Vec<Uuid> = ours.map(|read| read.id.uuid()).collect();
    let found = outbound::load(s, &ids).await?.into_iter();
    Ok(found.map(|one| (one.interaction(), one)).collect())
}

/// Of a customer their links are walked in order, else the log itself.
fn order(filter: &Filter) -> (&'static str, &'static str) {
    if filter.customer.is_some() {
        ("l.event_at", "l.interaction_id")
    } else {
        ("i.event_at", "i.id")
    }
}

fn conditions(filter: &Filter) -> (String, Vec<Value>) {
    let mut sql =
        "select i.event_at as at, i.id, cast(length(i.body) as bigint) as size from ".to_owned();
    let mut values: Vec<Value> = Vec::new();
    match filter.customer {
        Some(customer) => {
            values.push(customer.uuid().into());
            sql.push_str(
                "interaction_link l cross join interaction i \
                 where i.tenant_id = $1 and i.id = l.interaction_id and l.tenant_id = $1 and l.record_id in \
                 (select record_id from record_customer where tenant_id = $1 and customer_id = $2)",
            );
        }
        None => sql.push_str("interaction i where i.tenant_id = $1"),
    }
    let mut also = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" and {condition} ${}", values.len() + 1));
        }
    };
    also(
        "i.channel =",
        filter.channel.map(|channel| channel.code().into()),
    );
    also(
        "i.direction =",
        filter.direction.map(|direction| direction.code().into()),
    );
    also(
        "i.purpose =",
        filter.purpose.map(|purpose| purpose.code().into()),
    );
    also(
        "i.connector =",
        filter.connector.as_deref().map(Value::from),
    );
    also(
        "i.external_id =",
        filter.external_id.as_deref().map(Value::from),
    );
    let (at, _) = order(filter);
    also(&format!("{at} >="), filter.from.map(|at| at.0.into()));
    also(&format!("{at} <"), filter.until.map(|at| at.0.into()));
    (sql, values)
}

pub(super) fn sized(row: &QueryResult) -> Result<Sized, Error> {
    let place = Place {
        at: Micros(row.try_get("", "at")?),
        id: row.try_get("", "id")?,
    };
    Ok(Sized {
        place,
        bytes: usize::try_from(row.try_get::<i64>("", "size")?).unwrap_or(0),
    })
}

struct Read {
    id: InteractionId,
    conversation: ConversationId,
    conversation_position: i64,
    asks_for_agent: bool,
    link: Link,
    end: Option<End>,
    sealed: contact::Sealed,
}

impl Read {
    fn open(self, keys: &SubjectKeys, state: State) -> Result<Interaction, Error> {
        let row = contact::row_of(self.id.uuid());
        Ok(Interaction {
            id: self.id,
            connector: self.sealed.connector.clone(),
            received_at: self.sealed.received_at,
            contact: self.sealed.open(&row, keys)?,
            conversation: self.conversation,
            conversation_position: self.conversation_position,
            link: self.link,
            asks_for_agent: self.asks_for_agent,
            end: self.end,
            state,
            outbound: None,
            position: 0,
        })
    }
}

fn read(row: &QueryResult, with_raw: bool) -> Result<Read, Error> {
    Ok(Read {
        link: link(row)?,
        end: end(row)?,
        ..logged(row, with_raw)?
    })
}

fn logged(row: &QueryResult, with_raw: bool) -> Result<Read, Error> {
    Ok(Read {
        id: InteractionId::from_uuid(row.try_get("", "id")?),
        conversation: ConversationId::from_uuid(row.try_get("", "conversation_id")?),
        conversation_position: row.try_get("", "conversation_position")?,
        asks_for_agent: row.try_get("", "asks_for_agent")?,
        link: Link::Pending,
        end: None,
        sealed: contact::read(row, with_raw)?,
    })
}

fn link(row: &QueryResult) -> Result<Link, Error> {
    let state: Option<i16> = row.try_get("", "state")?;
    let record: Option<Uuid> = row.try_get("", "record_id")?;
    let customer: Option<Uuid> = row.try_get("", "customer_id")?;
    Ok(match state.and_then(LinkState::from_code) {
        Some(LinkState::Anonymous) => Link::Anonymous,
        Some(LinkState::Linked) => {
            customer
                .zip(record)
                .map_or(Link::Pending, |(customer, record)| {
                    Link::Linked(Customer {
                        customer: CustomerId::from_uuid(customer),
                        record: RecordId::from_uuid(record),
                    })
                })
        }
        Some(LinkState::Pending) | None => Link::Pending,
    })
}

pub(super) fn end(row: &QueryResult) -> Result<Option<End>, Error> {
    let at: Option<i64> = row.try_get("", "ended_at")?;
    let reason: Option<i16> = row.try_get("", "reason")?;
    Ok(at
        .zip(reason.and_then(EndReason::from_code))
        .map(|(at, reason)| End {
            at: Micros(at),
            reason,
        }))
}
