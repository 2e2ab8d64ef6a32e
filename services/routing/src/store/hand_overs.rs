//! What virtual agents handed over with work: words, sealed like all that is said of a ticket.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, RecordId, TenantId, TicketId, WorkItemId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use sea_orm::{ColumnTrait as _, Iterable as _, Value};

use super::Store;
use super::columns::code;
use super::entities::hand_over::{ActiveModel, Column, Entity, Model};
use super::sealed::{Worded, open, seal, subject_of};
use crate::domain::{HandOver, WorkItem};

/// Rows in one statement: 7 columns each.
const CHUNK: usize = 500;

impl Store {
    /// What was handed over with work last.
    pub(crate) async fn hand_over(
        &self,
        tenant: TenantId,
        item: WorkItemId,
    ) -> Result<Option<HandOver>, Error> {
        let find = |s: Scoped| async move {
            let row = s
                .find::<Entity>()
                .filter(Column::WorkItemId.eq(item.uuid()))
                .one()
                .await?;
            let Some(row) = row else { return Ok(None) };
            let subjects = [row.sealed_for.clone()];
            let keys = self.vault.existing(&s, &subjects).await?;
            read(&row, &keys).map(Some)
        };
        self.db.read(tenant, find).await
    }

    /// What is told with an offer of work. Who cannot be told so now may ask for it.
    pub(crate) async fn told_with(
        &self,
        tenant: TenantId,
        work: &WorkItem,
    ) -> Option<Box<HandOver>> {
        if !work.handed_over {
            return None;
        }
        let given = self.hand_over(tenant, work.id).await;
        given.ok().flatten().map(Box::new)
    }

    /// The same for all that is offered of some work.
    pub(crate) async fn told_with_all(&self, tenant: TenantId, held: &[WorkItem]) -> Vec<HandOver> {
        let mut told = Vec::new();
        for work in held.iter().filter(|work| work.offer().is_some()) {
            told.extend(self.told_with(tenant, work).await.map(|given| *given));
        }
        told
    }

    /// Stores what was handed over; of each work item the last.
    pub(super) async fn put_hand_overs(
        &self,
        s: &Scoped,
        given: &[Worded<HandOver>],
    ) -> Result<(), Error> {
        if given.is_empty() {
            return Ok(());
        }
        let subject = |row: &Worded<HandOver>| subject_of(row.what.ticket, row.record);
        let mut subjects: Vec<String> = given.iter().map(subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let keys = self.vault.keys(s, &subjects).await?;
        // One statement may touch a row once.
        let later = |place: usize, item| {
            given
                .iter()
                .skip(place + 1)
                .any(|row| row.what.item == item)
        };
        let last = given.iter().enumerate();
        let last = last.filter(|(place, row)| !later(*place, row.what.item));
        let rows = last.map(|(_, row)| write(s.tenant(), row, &keys));
        let rows = rows.collect::<Result<Vec<Model>, Error>>()?;
        for chunk in rows.chunks(CHUNK) {
            let rows = chunk.iter().cloned().map(ActiveModel::from).collect();
            let key = [Column::TenantId, Column::WorkItemId];
            let changed =
                Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::WorkItemId));
            s.upsert_many(rows, key, changed).await?;
        }
        Ok(())
    }
}

/// Forgets what was handed over with work that was taken out of its ticket since, and is about these records now: it is
/// sealed for what it was about then.
pub(super) async fn forget_moved(s: &Scoped, records: &[RecordId]) -> Result<(), Error> {
    for chunk in records.chunks(CHUNK) {
        let places: Vec<String> = (2..chunk.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "delete from hand_overs where tenant_id = $1 and work_item_id in \
             (select w.id from work_items w \
              join tickets t on t.tenant_id = w.tenant_id and t.id = w.ticket_id \
              where w.tenant_id = $1 and w.id = hand_overs.work_item_id \
              and w.ticket_id <> hand_overs.ticket_id and t.record_id in ({}))",
            places.join(", ")
        );
        let ids = chunk.iter().map(|record| record.uuid().into());
        s.raw_exec(&sql, ids.collect::<Vec<Value>>()).await?;
    }
    Ok(())
}

fn place(item: WorkItemId) -> String {
    format!("hand_overs/{}/words", item.uuid())
}

fn write(tenant: TenantId, row: &Worded<HandOver>, keys: &SubjectKeys) -> Result<Model, Error> {
    let given = &row.what;
    let pair = |(key, value): &(crate::domain::Code, Personal)| {
        (key.as_str().to_owned(), value.expose().to_owned())
    };
    let pairs: Vec<(String, String)> = given.entries.iter().map(pair).collect();
    let words = serde_json::to_string(&pairs);
    let words = words.map_err(|_| Error::Corrupt("a value that cannot be stored"))?;
    let subject = subject_of(given.ticket, row.record);
    Ok(Model {
        tenant_id: tenant.uuid(),
        work_item_id: given.item.uuid(),
        ticket_id: given.ticket.uuid(),
        agent_id: given.agent.uuid(),
        handed_over_at: given.at,
        words: seal(keys, &subject, &Personal::from(words), &place(given.item))?,
        sealed_for: subject,
    })
}

/// Of whom is forgotten it is only known that something was handed over.
fn read(row: &Model, keys: &SubjectKeys) -> Result<HandOver, Error> {
    let item = WorkItemId::from_uuid(row.work_item_id);
    let words = open(keys, Some(&row.sealed_for), Some(&row.words), &place(item))?;
    let pairs: Vec<(String, String)> = if words.is_empty() {
        Vec::new()
    } else {
        let pairs = serde_json::from_str(words.expose());
        pairs.map_err(|_| Error::Corrupt("what was handed over"))?
    };
    let entry = |(key, value): (String, String)| Ok((code(&key)?, Personal::from(value)));
    Ok(HandOver {
        item,
        ticket: TicketId::from_uuid(row.ticket_id),
        agent: AgentId::from_uuid(row.agent_id),
        at: row.handed_over_at,
        entries: pairs.into_iter().map(entry).collect::<Result<_, Error>>()?,
    })
}
