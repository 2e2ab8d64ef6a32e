//! Changes of which interactions are one matter, one after the other within a tenant.

use std::collections::BTreeSet;

use rapport_foundation::db::bulk;
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationChangeId, ConversationId, InteractionId, TenantId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::Subject;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::contact::bound;
use super::wanted::{WANTED, wanted};
use super::{Store, matters};
use crate::domain::matter::Undone;
use crate::domain::{Basis, MatterChange, Redraw, limits};

/// Who makes a change, and why.
#[derive(Debug, Clone)]
pub(crate) struct Making {
    pub(crate) actor: String,
    pub(crate) reason: Personal,
    pub(crate) at: Micros,
}

/// What a merge came to.
#[derive(Debug, Clone)]
pub(crate) enum Merged {
    /// They were one already.
    Already,
    /// They would be too many.
    TooMany,
    /// They are one by this change.
    Done(MatterChange),
}

/// What taking back came to.
#[derive(Debug, Clone)]
pub(crate) enum Undoing {
    /// There is no such change of this conversation.
    NoChange,
    /// It was taken back already.
    Already,
    /// It is taken back.
    Done(MatterChange),
}

/// The first statement of every change: they happen one after the other.
pub(super) async fn next_number(s: &Scoped) -> Result<i64, Error> {
    let sql = "insert into matter_count (tenant_id, n) values ($1, 1) \
               on conflict (tenant_id) do update set n = matter_count.n + 1 returning n";
    let row = s.raw_one(sql, []).await?;
    let row = row.ok_or(Error::Corrupt("a count was not answered"))?;
    Ok(row.try_get("", "n")?)
}

impl Store {
    /// Makes the whole of one conversation part of the whole of another. Both must be there.
    pub(crate) async fn merge_conversations(
        &self,
        s: &Scoped,
        (part, whole): (ConversationId, ConversationId),
        basis: Basis,
        making: &Making,
    ) -> Result<Merged, Error> {
        let number = next_number(s).await?;
        let (part, whole) = (
            matters::root(s, part).await?,
            matters::root(s, whole).await?,
        );
        if part == whole {
            return Ok(Merged::Already);
        }
        let together =
            matters::members(s, part).await?.len() + matters::members(s, whole).await?.len();
        if together > limits::CONVERSATIONS_MERGED {
            return Ok(Merged::TooMany);
        }
        let change = MatterChange {
            id: ConversationChangeId::new(making.at),
            number,
            kind: Redraw::Merge,
            basis: Some(basis),
            conversation: whole,
            other: part,
            taken_out: 0,
            at: making.at,
            actor: making.actor.clone(),
            reason: making.reason.clone(),
            undone: None,
        };
        self.keep_change(s, &change).await?;
        matters::put_under(s, part, whole).await?;
        Ok(Merged::Done(change))
    }

    /// Takes a change back.
    pub(crate) async fn undo_change(
        &self,
        s: &Scoped,
        conversation: ConversationId,
        id: ConversationChangeId,
        making: &Making,
    ) -> Result<Undoing, Error> {
        next_number(s).await?;
        let sql = "select * from conversation_change where tenant_id = $1 and id = $2";
        let Some(row) = s.raw_one(sql, [id.uuid().into()]).await? else {
            return Ok(Undoing::NoChange);
        };
        let Some(mut change) = self.open_changes(s, &[row]).await?.pop() else {
            return Ok(Undoing::NoChange);
        };
        let whole = matters::root(s, change.conversation).await?;
        let about = [whole, matters::root(s, change.other).await?];
        if !about.contains(&matters::root(s, conversation).await?) {
            return Ok(Undoing::NoChange);
        }
        if change.undone.is_some() {
            return Ok(Undoing::Already);
        }
        let undone = Undone {
            at: making.at,
            actor: making.actor.clone(),
            reason: making.reason.clone(),
        };
        let holds = match change.kind {
            Redraw::Merge => {
                let forest = matters::forest(s, &matters::members(s, whole).await?).await?;
                matters::take_out(s, change.other, &forest.under(change.other)).await?;
                false
            }
            Redraw::Split => self.put_back(s, &change).await?,
        };
        self.note_undone(s, &change, &undone, holds).await?;
        change.undone = Some(undone);
        Ok(Undoing::Done(change))
    }

    /// Changes of a whole before a number, the latest first.
    pub(crate) async fn conversation_changes(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: i64,
        most: u64,
    ) -> Result<Vec<MatterChange>, Error> {
        let query = format!(
            "select c.* from conversation_change c where c.tenant_id = $1 and c.number < {before} and c.id in \
             (select x.id from k cross join conversation_change x \
             where x.tenant_id = $1 and x.conversation_id = k.wanted union \
             select x.id from k cross join conversation_change x \
             where x.tenant_id = $1 and x.other_id = k.wanted) order by c.number desc limit {most}"
        );
        self.db
            .read(tenant, async |s| {
                let root = matters::root(&s, conversation).await?;
                let members = matters::members(&s, root).await?;
                let rows = wanted(members.iter().map(|id| id.uuid()));
                let found = bulk::select(&s, &WANTED, rows, &query).await?;
                // On SQLite many members take several statements, which know nothing of each other.
                let mut changes = self.open_changes(&s, &found).await?;
                changes.sort_by_key(|change| std::cmp::Reverse(change.number));
                changes.dedup_by_key(|change| change.number);
                changes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
                Ok(changes)
            })
            .await
    }

    /// One change.
    pub(crate) async fn conversation_change(
        &self,
        s: &Scoped,
        id: Uuid,
    ) -> Result<Option<MatterChange>, Error> {
        let sql = "select * from conversation_change where tenant_id = $1 and id = $2";
        let row = s.raw_one(sql, [id.into()]).await?;
        let rows: Vec<QueryResult> = row.into_iter().collect();
        Ok(self.open_changes(s, &rows).await?.pop())
    }

    /// Whose key seals what is said of a conversation.
    async fn subject_of(&self, s: &Scoped, id: ConversationId) -> Result<Subject, Error> {
        let sql = "select subject_key from conversation where tenant_id = $1 and id = $2";
        let row = s.raw_one(sql, [id.uuid().into()]).await?;
        let row = row.ok_or(Error::Corrupt("a conversation is not there"))?;
        Ok(row.try_get("", "subject_key")?)
    }

    pub(super) async fn keep_change(&self, s: &Scoped, change: &MatterChange) -> Result<(), Error> {
        let subject = self.subject_of(s, change.conversation).await?;
        let reason = self
            .sealed_reason(s, &subject, change.id, &change.reason, b"reason")
            .await?;
        let sql = "insert into conversation_change (tenant_id, id, number, kind, basis, conversation_id, other_id, holds, \
                   taken_out, changed_at, actor, subject_key, reason, undone_at, undone_by, undone_reason) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, '', $14)";
        let values: [Value; 13] = [
            change.id.uuid().into(),
            change.number.into(),
            change.kind.code().into(),
            change.basis.map_or(0, Basis::code).into(),
            change.conversation.uuid().into(),
            change.other.uuid().into(),
            i16::from(change.kind == Redraw::Merge).into(),
            i64::from(change.taken_out).into(),
            change.at.0.into(),
            change.actor.as_str().into(),
            subject.into(),
            reason.into(),
            Vec::<u8>::new().into(),
        ];
        s.raw_exec(sql, values).await?;
        Ok(())
    }

    async fn note_undone(
        &self,
        s: &Scoped,
        change: &MatterChange,
        undone: &Undone,
        holds: bool,
    ) -> Result<(), Error> {
        let subject = self.subject_of(s, change.conversation).await?;
        let reason = self
            .sealed_reason(s, &subject, change.id, &undone.reason, b"undone")
            .await?;
        let sql = "update conversation_change set undone_at = $3, undone_by = $4, undone_reason = $5, holds = $6 \
                   where tenant_id = $1 and id = $2";
        let values: [Value; 5] = [
            change.id.uuid().into(),
            undone.at.0.into(),
            undone.actor.as_str().into(),
            reason.into(),
            i16::from(holds).into(),
        ];
        s.raw_exec(sql, values).await?;
        Ok(())
    }

    async fn sealed_reason(
        &self,
        s: &Scoped,
        subject: &Subject,
        id: ConversationChangeId,
        reason: &Personal,
        column: &[u8],
    ) -> Result<Vec<u8>, Error> {
        if reason.expose().is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.vault.keys(s, std::slice::from_ref(subject)).await?;
        let key = keys.require(subject)?;
        Ok(key.seal_text(reason, &bound(id.uuid().as_bytes(), column)))
    }

    async fn open_changes(
        &self,
        s: &Scoped,
        rows: &[QueryResult],
    ) -> Result<Vec<MatterChange>, Error> {
        let subjects = rows
            .iter()
            .map(|row| Ok(row.try_get::<String>("", "subject_key")?))
            .collect::<Result<Vec<Subject>, Error>>()?;
        let keys = self.vault.existing(s, &subjects).await?;
        let open = |(row, subject): (&QueryResult, &Subject)| {
            let mut change = read(row)?;
            let id = change.id.uuid();
            let text = |column: &str, bind: &[u8]| -> Result<Personal, Error> {
                let sealed: Vec<u8> = row.try_get("", column)?;
                let (Some(key), false) = (keys.get(subject), sealed.is_empty()) else {
                    return Ok(Personal::default());
                };
                match key.open_text(&sealed, &bound(id.as_bytes(), bind)) {
                    Err(Error::Erased) => Ok(Personal::default()),
                    opened => opened,
                }
            };
            change.reason = text("reason", b"reason")?;
            if let Some(undone) = &mut change.undone {
                undone.reason = text("undone_reason", b"undone")?;
            }
            Ok(change)
        };
        rows.iter().zip(&subjects).map(open).collect()
    }
}

/// A change without what people said of it.
fn read(row: &QueryResult) -> Result<MatterChange, Error> {
    const UNKNOWN: Error = Error::Corrupt("a stored code is not known");
    let undone_at: i64 = row.try_get("", "undone_at")?;
    let undone = Undone {
        at: Micros(undone_at),
        actor: row.try_get("", "undone_by")?,
        reason: Personal::default(),
    };
    let taken_out: i64 = row.try_get("", "taken_out")?;
    Ok(MatterChange {
        id: ConversationChangeId::from_uuid(row.try_get("", "id")?),
        number: row.try_get("", "number")?,
        kind: Redraw::from_code(row.try_get("", "kind")?).ok_or(UNKNOWN)?,
        basis: Basis::from_code(row.try_get("", "basis")?),
        conversation: ConversationId::from_uuid(row.try_get("", "conversation_id")?),
        other: ConversationId::from_uuid(row.try_get("", "other_id")?),
        taken_out: i32::try_from(taken_out).unwrap_or(i32::MAX),
        at: Micros(row.try_get("", "changed_at")?),
        actor: row.try_get("", "actor")?,
        reason: Personal::default(),
        undone: (undone_at != 0).then_some(undone),
    })
}

/// Whether people left two wholes apart: rules do not join them.
pub(super) async fn are_apart(
    s: &Scoped,
    one: &BTreeSet<ConversationId>,
    other: &BTreeSet<ConversationId>,
) -> Result<bool, Error> {
    let query = "select c.kind, c.conversation_id, c.other_id, c.undone_at from k cross join conversation_change c \
                 where c.tenant_id = $1 and c.conversation_id = k.wanted union all \
                 select c.kind, c.conversation_id, c.other_id, c.undone_at from k cross join conversation_change c \
                 where c.tenant_id = $1 and c.other_id = k.wanted";
    let fewer = if one.len() <= other.len() { one } else { other };
    let rows = wanted(fewer.iter().map(|id| id.uuid()));
    let mut changes = Vec::new();
    for row in bulk::select(s, &WANTED, rows, query).await? {
        let kind = Redraw::from_code(row.try_get("", "kind")?)
            .ok_or(Error::Corrupt("a stored code is not known"))?;
        let a = ConversationId::from_uuid(row.try_get("", "conversation_id")?);
        let b = ConversationId::from_uuid(row.try_get("", "other_id")?);
        let undone: i64 = row.try_get("", "undone_at")?;
        changes.push((kind, a, b, undone != 0));
    }
    Ok(crate::domain::matter::is_apart(&changes, one, other))
}

/// The interactions that a split took out.
pub(super) async fn taken_out(
    s: &Scoped,
    change: ConversationChangeId,
) -> Result<Vec<InteractionId>, Error> {
    let sql =
        "select interaction_id from conversation_move where tenant_id = $1 and change_id = $2";
    let rows = s.raw_all(sql, [change.uuid().into()]).await?;
    let id = |row: &QueryResult| Ok(InteractionId::from_uuid(row.try_get("", "interaction_id")?));
    rows.iter().map(id).collect()
}
