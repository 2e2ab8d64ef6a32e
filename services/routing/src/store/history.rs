//! What of tickets changed, and notes about them. Rows are only ever added; what is forgotten of them are the keys.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{AgentId, RecordId, TenantId, TicketChangeId, TicketId, TicketNoteId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use sea_orm::{ColumnTrait as _, Condition};
use uuid::Uuid;

use super::columns::named;
use super::entities::{ticket, ticket_change, ticket_note};
use super::sealed::{Worded, open, seal, subject_of};
use super::{Page, Store, hand_overs, merges};
use crate::domain::{Author, By, Changed, HistoryEntry, Note, TicketField};

/// Rows in one statement: 13 columns each.
const CHUNK: usize = 250;

/// An author as they stand in a row.
struct AuthorColumns {
    agent: Option<Uuid>,
    principal: Option<Vec<u8>>,
    principal_for: Option<String>,
}

impl Store {
    /// What of a ticket, and of those that were merged into it, changed, newest first, behind `after`; only this field, if one is given.
    pub(crate) async fn history(
        &self,
        tenant: TenantId,
        id: TicketId,
        field: Option<TicketField>,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<HistoryEntry>, Error> {
        use ticket_change::{Column, Entity};
        let condition = Condition::all()
            .add_option(field.map(|field| Column::Field.eq(field.as_str())))
            .add_option(after.map(|id| Column::Id.lt(id)));
        let find = |s: Scoped| {
            let condition = condition.clone();
            async move {
                let family = merges::family(&s, id).await?;
                let family = family.into_iter().map(TicketId::uuid);
                let rows = s.find::<Entity>().filter(Column::TicketId.is_in(family));
                let rows = rows.filter(condition);
                let rows = rows.order_by_desc(Column::Id).limit(size + 1);
                let rows = rows.all().await?;
                let subjects = rows
                    .iter()
                    .flat_map(|row| [&row.principal_for, &row.sealed_for]);
                let subjects: Vec<String> = subjects.flatten().cloned().collect();
                let keys = self.vault.existing(&s, &subjects).await?;
                let entries = rows.into_iter().map(|row| entry(row, &keys));
                entries.collect::<Result<Vec<_>, Error>>()
            }
        };
        let rows = self.db.read(tenant, find).await?;
        Ok(Page::of(rows, size, |entry| entry.id.uuid()))
    }

    /// One note.
    pub(crate) async fn note(
        &self,
        tenant: TenantId,
        id: TicketNoteId,
    ) -> Result<Option<Note>, Error> {
        let one = Condition::all().add(ticket_note::Column::Id.eq(id.uuid()));
        Ok(self.notes_where(tenant, None, one, 1).await?.pop())
    }

    /// The notes about a ticket, and about those that were merged into it, newest first, behind `after`.
    pub(crate) async fn notes(
        &self,
        tenant: TenantId,
        id: TicketId,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<Note>, Error> {
        let condition = Condition::all().add_option(after.map(|id| ticket_note::Column::Id.lt(id)));
        let rows = self.notes_where(tenant, Some(id), condition, size + 1);
        let rows = rows.await?;
        Ok(Page::of(rows, size, |note| note.id.uuid()))
    }

    async fn notes_where(
        &self,
        tenant: TenantId,
        ticket: Option<TicketId>,
        condition: Condition,
        most: u64,
    ) -> Result<Vec<Note>, Error> {
        use ticket_note::{Column, Entity};
        let find = |s: Scoped| {
            let mut condition = condition.clone();
            async move {
                if let Some(ticket) = ticket {
                    let family = merges::family(&s, ticket).await?;
                    let family = family.into_iter().map(TicketId::uuid);
                    condition = condition.add(Column::TicketId.is_in(family));
                }
                let rows = s.find::<Entity>().filter(condition);
                let rows = rows.order_by_desc(Column::Id).limit(most).all().await?;
                let own = rows.iter().map(|row| row.sealed_for.clone());
                let authors = rows.iter().filter_map(|row| row.principal_for.clone());
                let subjects: Vec<String> = own.chain(authors).collect();
                let keys = self.vault.existing(&s, &subjects).await?;
                rows.into_iter().map(|row| note(row, &keys)).collect()
            }
        };
        self.db.read(tenant, find).await
    }

    /// Adds what changed.
    pub(super) async fn put_history(
        &self,
        s: &Scoped,
        entries: &[Worded<HistoryEntry>],
    ) -> Result<(), Error> {
        let reasoned = entries.iter().filter(|row| !row.what.by.reason.is_empty());
        let reasons = reasoned.map(|row| subject_of(row.what.ticket, row.record));
        let authors = entries.iter().map(|row| &row.what.by.author);
        let authors = authors.filter_map(|author| self.principal_subject(s.tenant(), author));
        let keys = self.keys_for(s, reasons.chain(authors).collect()).await?;
        for chunk in entries.chunks(CHUNK) {
            let rows = chunk
                .iter()
                .map(|row| self.entry_row(s.tenant(), row, &keys));
            let rows = rows.collect::<Result<Vec<_>, Error>>()?;
            s.insert_many(rows).await?;
        }
        Ok(())
    }

    fn entry_row(
        &self,
        tenant: TenantId,
        row: &Worded<HistoryEntry>,
        keys: &SubjectKeys,
    ) -> Result<ticket_change::ActiveModel, Error> {
        let entry = &row.what;
        let place = |column| place("ticket_changes", entry.id.uuid(), column);
        let author = self.author_columns(tenant, &entry.by.author, keys, &place("principal"))?;
        let subject = (!entry.by.reason.is_empty()).then(|| subject_of(entry.ticket, row.record));
        let reason = subject
            .as_ref()
            .map(|subject| seal(keys, subject, &entry.by.reason, &place("reason")));
        Ok(ticket_change::ActiveModel::from(ticket_change::Model {
            tenant_id: tenant.uuid(),
            id: entry.id.uuid(),
            ticket_id: entry.ticket.uuid(),
            changed_at: entry.at,
            version: entry.version,
            field: entry.what.field.as_str().to_owned(),
            old_value: entry.what.old.clone(),
            new_value: entry.what.new.clone(),
            agent_id: author.agent,
            principal: author.principal,
            principal_for: author.principal_for,
            reason: reason.transpose()?,
            sealed_for: subject,
        }))
    }

    /// Adds notes.
    pub(super) async fn put_notes(&self, s: &Scoped, notes: &[Worded<Note>]) -> Result<(), Error> {
        let own = notes
            .iter()
            .map(|row| subject_of(row.what.ticket, row.record));
        let authors = notes.iter().map(|row| &row.what.author);
        let authors = authors.filter_map(|author| self.principal_subject(s.tenant(), author));
        let keys = self.keys_for(s, own.chain(authors).collect()).await?;
        for chunk in notes.chunks(CHUNK) {
            let rows = chunk
                .iter()
                .map(|row| self.note_row(s.tenant(), row, &keys));
            let rows = rows.collect::<Result<Vec<_>, Error>>()?;
            s.insert_many(rows).await?;
        }
        Ok(())
    }

    fn note_row(
        &self,
        tenant: TenantId,
        row: &Worded<Note>,
        keys: &SubjectKeys,
    ) -> Result<ticket_note::ActiveModel, Error> {
        let note = &row.what;
        let place = |column| place("ticket_notes", note.id.uuid(), column);
        let author = self.author_columns(tenant, &note.author, keys, &place("principal"))?;
        let subject = subject_of(note.ticket, row.record);
        Ok(ticket_note::ActiveModel::from(ticket_note::Model {
            tenant_id: tenant.uuid(),
            id: note.id.uuid(),
            ticket_id: note.ticket.uuid(),
            created_at: note.at,
            agent_id: author.agent,
            principal: author.principal,
            principal_for: author.principal_for,
            words: seal(keys, &subject, &note.text, &place("words"))?,
            sealed_for: subject,
        }))
    }

    /// Destroys the keys of these records, and of tickets of theirs that had words before anybody was recognised.
    pub(super) async fn forget(&self, s: &Scoped, records: &[RecordId]) -> Result<(), Error> {
        for record in records {
            self.vault.destroy(s, &record.to_string()).await?;
        }
        for chunk in records.chunks(CHUNK) {
            let theirs = s.among(ticket::Column::RecordId, chunk.iter().map(|id| id.uuid()));
            let rows = s.find::<ticket::Entity>().filter(theirs).all().await?;
            let tickets = rows
                .iter()
                .map(|row| TicketId::from_uuid(row.id).to_string());
            let tickets: Vec<String> = tickets.collect();
            let keys = self.vault.existing(s, &tickets).await?;
            hand_overs::forget_moved(s, chunk).await?;
            for subject in tickets.iter().filter(|id| keys.get(id).is_some()) {
                self.vault.destroy(s, subject).await?;
            }
        }
        Ok(())
    }

    /// The keys of these subjects; a batch without words asks for none.
    async fn keys_for(&self, s: &Scoped, mut subjects: Vec<String>) -> Result<SubjectKeys, Error> {
        subjects.sort_unstable();
        subjects.dedup();
        self.vault.keys(s, &subjects).await
    }

    /// Whose key seals who did something, of who is no agent: they have one of their own, so that who acted is known
    /// when a customer is forgotten.
    fn principal_subject(&self, tenant: TenantId, author: &Author) -> Option<String> {
        let Author::Principal(principal) = author else {
            return None;
        };
        let index = self
            .vault
            .blind(tenant, "ticket author", principal.expose());
        let id = index.first_chunk().map(|bytes| Uuid::from_bytes(*bytes));
        Some(format!("author/{}", id.unwrap_or_default()))
    }

    fn author_columns(
        &self,
        tenant: TenantId,
        author: &Author,
        keys: &SubjectKeys,
        place: &str,
    ) -> Result<AuthorColumns, Error> {
        let subject = self.principal_subject(tenant, author);
        let (agent, principal) = match (author, &subject) {
            (Author::Agent(agent), _) => (Some(agent.uuid()), None),
            (Author::Principal(principal), Some(subject)) => {
                (None, Some(seal(keys, subject, principal, place)?))
            }
            _ => (None, None),
        };
        Ok(AuthorColumns {
            agent,
            principal,
            principal_for: subject,
        })
    }
}

fn place(table: &str, id: Uuid, column: &str) -> String {
    format!("{table}/{id}/{column}")
}

fn author(columns: &AuthorColumns, keys: &SubjectKeys, place: &str) -> Result<Author, Error> {
    if let Some(agent) = columns.agent {
        return Ok(Author::Agent(AgentId::from_uuid(agent)));
    }
    let Some(subject) = &columns.principal_for else {
        return Ok(Author::Service);
    };
    let principal = open(keys, Some(subject), columns.principal.as_ref(), place)?;
    Ok(Author::Principal(principal))
}

fn entry(row: ticket_change::Model, keys: &SubjectKeys) -> Result<HistoryEntry, Error> {
    let place = |column| place("ticket_changes", row.id, column);
    let columns = AuthorColumns {
        agent: row.agent_id,
        principal: row.principal,
        principal_for: row.principal_for,
    };
    let reason: Personal = open(
        keys,
        row.sealed_for.as_ref(),
        row.reason.as_ref(),
        &place("reason"),
    )?;
    Ok(HistoryEntry {
        id: TicketChangeId::from_uuid(row.id),
        ticket: TicketId::from_uuid(row.ticket_id),
        at: row.changed_at,
        version: row.version,
        by: By {
            author: author(&columns, keys, &place("principal"))?,
            reason,
        },
        what: Changed {
            field: named(TicketField::named(&row.field))?,
            old: row.old_value,
            new: row.new_value,
        },
    })
}

fn note(row: ticket_note::Model, keys: &SubjectKeys) -> Result<Note, Error> {
    let place = |column| place("ticket_notes", row.id, column);
    let columns = AuthorColumns {
        agent: row.agent_id,
        principal: row.principal,
        principal_for: row.principal_for,
    };
    let (subject, words) = (Some(&row.sealed_for), Some(&row.words));
    Ok(Note {
        id: TicketNoteId::from_uuid(row.id),
        ticket: TicketId::from_uuid(row.ticket_id),
        at: row.created_at,
        author: author(&columns, keys, &place("principal"))?,
        text: open(keys, subject, words, &place("words"))?,
    })
}
