//! Which conversations are one: the map from each to what it is part of, and where interactions are that were taken out
//! of the conversation they were logged in. Both are small, and follow from the changes alone.

use std::collections::{BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, InteractionId, TenantId};
use sea_orm::Value;
use uuid::Uuid;

use super::Store;
use super::wanted::{WANTED, wanted};
use crate::domain::matter::Forest;

/// What a conversation is part of by now; itself when it stands for itself or is not there.
pub(super) async fn root(s: &Scoped, id: ConversationId) -> Result<ConversationId, Error> {
    let sql = "select root_id from conversation_root where tenant_id = $1 and conversation_id = $2";
    let row = s.raw_one(sql, [id.uuid().into()]).await?;
    let root = row.map(|row| row.try_get("", "root_id")).transpose()?;
    Ok(root.map_or(id, ConversationId::from_uuid))
}

/// A conversation and all that is part of it.
pub(super) async fn members(
    s: &Scoped,
    root: ConversationId,
) -> Result<BTreeSet<ConversationId>, Error> {
    let sql = "select conversation_id from conversation_root where tenant_id = $1 and root_id = $2";
    let rows = s.raw_all(sql, [root.uuid().into()]).await?;
    let mut members = BTreeSet::from([root]);
    for row in rows {
        let id = row.try_get("", "conversation_id")?;
        members.insert(ConversationId::from_uuid(id));
    }
    Ok(members)
}

/// What is part of what among these.
pub(super) async fn forest(
    s: &Scoped,
    members: &BTreeSet<ConversationId>,
) -> Result<Forest, Error> {
    let query = "select c.other_id, c.conversation_id from k cross join conversation_change c \
                 where c.tenant_id = $1 and c.other_id = k.wanted and c.holds = 1";
    let rows = bulk::select(
        s,
        &WANTED,
        wanted(members.iter().map(|id| id.uuid())),
        query,
    )
    .await?;
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        let part = ConversationId::from_uuid(row.try_get("", "other_id")?);
        let whole = ConversationId::from_uuid(row.try_get("", "conversation_id")?);
        parts.push((part, whole));
    }
    Ok(Forest::of(parts))
}

/// Makes one whole part of another.
pub(super) async fn put_under(
    s: &Scoped,
    part: ConversationId,
    whole: ConversationId,
) -> Result<(), Error> {
    let sql = "update conversation_root set root_id = $3 where tenant_id = $1 and root_id = $2";
    s.raw_exec(sql, [part.uuid().into(), whole.uuid().into()])
        .await?;
    let sql =
        "insert into conversation_root (tenant_id, conversation_id, root_id) values ($1, $2, $3)";
    s.raw_exec(sql, [part.uuid().into(), whole.uuid().into()])
        .await?;
    Ok(())
}

/// Makes a conversation stand for itself again, with these that are part of it.
pub(super) async fn take_out(
    s: &Scoped,
    top: ConversationId,
    under: &BTreeSet<ConversationId>,
) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 2] = [("wanted", Type::Uuid), ("whole", Type::Uuid)];
    let sql = "delete from conversation_root where tenant_id = $1 and conversation_id = $2";
    s.raw_exec(sql, [top.uuid().into()]).await?;
    let rows = under.iter().filter(|part| **part != top);
    let rows = rows.map(|part| -> Vec<Value> { vec![part.uuid().into(), top.uuid().into()] });
    let statement = "update conversation_root set root_id = k.whole from k \
                     where conversation_root.tenant_id = $1 and conversation_root.conversation_id = k.wanted";
    bulk::change(s, &COLUMNS, rows.collect(), statement).await?;
    Ok(())
}

/// Where the interactions of a whole are to be looked for.
#[derive(Debug, Clone)]
pub(super) struct Pieces {
    /// The whole and its parts.
    pub(super) ids: Vec<Uuid>,
    /// Whether interactions were taken out of any of them, or into one.
    pub(super) moved: bool,
}

/// The pieces of the whole that a conversation is part of.
pub(super) async fn pieces(s: &Scoped, id: ConversationId) -> Result<Pieces, Error> {
    let members = members(s, root(s, id).await?).await?;
    let query = "select p.interaction_id from k cross join interaction_piece p \
                 where p.tenant_id = $1 and p.home_id = k.wanted union all \
                 select p.interaction_id from k cross join interaction_piece p \
                 where p.tenant_id = $1 and p.conversation_id = k.wanted limit 1";
    let moved = bulk::select(
        s,
        &WANTED,
        wanted(members.iter().map(|id| id.uuid())),
        query,
    )
    .await?;
    Ok(Pieces {
        ids: members.iter().map(|id| id.uuid()).collect(),
        moved: !moved.is_empty(),
    })
}

impl Pieces {
    /// The condition that an interaction `i` is in the whole; its values are put behind those that are there.
    pub(super) fn condition(&self, values: &mut Vec<Value>) -> String {
        let first = values.len() + 2;
        values.extend(self.ids.iter().map(|id| Value::from(*id)));
        let places = (first..first + self.ids.len()).map(|place| format!("${place}"));
        let list = places.collect::<Vec<_>>().join(", ");
        let home = match self.ids.len() {
            1 => format!("i.conversation_id = {list}"),
            _ => format!("i.conversation_id in ({list})"),
        };
        if !self.moved {
            return home;
        }
        format!(
            "(({home} and not exists (select 1 from interaction_piece p where p.tenant_id = i.tenant_id \
             and p.interaction_id = i.id)) or i.id in (select p.interaction_id from interaction_piece p \
             where p.tenant_id = $1 and p.conversation_id in ({list})))"
        )
    }
}

impl Store {
    /// What each of these conversations is part of by now.
    pub(crate) async fn roots(
        &self,
        s: &Scoped,
        ids: &[ConversationId],
    ) -> Result<HashMap<ConversationId, ConversationId>, Error> {
        let ids: BTreeSet<ConversationId> = ids.iter().copied().collect();
        let query = "select r.conversation_id, r.root_id from k cross join conversation_root r \
                     where r.tenant_id = $1 and r.conversation_id = k.wanted";
        let rows = bulk::select(s, &WANTED, wanted(ids.iter().map(|id| id.uuid())), query).await?;
        let mut roots: HashMap<_, _> = ids.into_iter().map(|id| (id, id)).collect();
        for row in rows {
            let part = ConversationId::from_uuid(row.try_get("", "conversation_id")?);
            let root = ConversationId::from_uuid(row.try_get("", "root_id")?);
            roots.insert(part, root);
        }
        Ok(roots)
    }

    /// The places of interactions in the whole that a conversation is part of, by event time from 1.
    pub(crate) async fn positions(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        of: &[InteractionId],
    ) -> Result<HashMap<InteractionId, i64>, Error> {
        if of.is_empty() {
            return Ok(HashMap::new());
        }
        self.db
            .read(tenant, async |s| {
                let mut values = Vec::new();
                let inside = pieces(&s, conversation).await?.condition(&mut values);
                let first = values.len() + 2;
                values.extend(of.iter().map(|id| Value::from(id.uuid())));
                let places = (first..first + of.len()).map(|place| format!("${place}"));
                let sql = format!(
                    "select x.id, x.position from (select i.id, row_number() over (order by i.event_at, i.id) \
                     as position from interaction i where i.tenant_id = $1 and {inside}) x where x.id in ({})",
                    places.collect::<Vec<_>>().join(", ")
                );
                let rows = s.raw_all(&sql, values).await?;
                let place = rows.iter().map(|row| {
                    let id = InteractionId::from_uuid(row.try_get("", "id")?);
                    Ok((id, row.try_get("", "position")?))
                });
                place.collect()
            })
            .await
    }
}
